//! Is it a picture, and what is shown of it: the only code that looks into bytes that somebody sent.
//!
//! What is shown is decoded and encoded anew, so that nothing of the file survives but its pixels and the profile that
//! says how their colours are meant: no place, no camera, no name, nothing hidden behind the picture. How much memory a
//! file would take is reckoned before its pixels are read.

use std::io::Cursor;

use axum::body::Bytes;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef};
use image::{
    ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, Limits,
    codecs::{jpeg::JpegDecoder, jpeg::JpegEncoder, png::PngDecoder, webp::WebPDecoder},
    metadata::Orientation,
};

/// How wide the pictures are that are shown, in pixels; none is wider than what was sent.
const WIDTHS: [u32; 4] = [320, 640, 1280, 1920];
/// How high they are at most.
const TALLEST: u32 = 3840;
/// A compromise that is commonly taken between fine detail and size.
const QUALITY: u8 = 85;
/// The most memory that the pixels of one file may take, in bytes: those of 13 megapixels.
const MEMORY: u64 = 40 * 1024 * 1024;
/// Longer colour profiles are left out, in bytes.
const LONGEST_PROFILE: usize = 16 * 1024;

/// The kinds of files that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Webp,
}

impl Kind {
    /// The kind of this media type.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        [Self::Jpeg, Self::Png, Self::Webp].into_iter().find(|kind| kind.format().to_mime_type() == content_type)
    }

    fn format(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::Webp => ImageFormat::WebP,
        }
    }
}

/// Why a file is no picture for the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It begins like something else.
    #[error("it is not of the type that was stated")]
    OtherType,
    /// It would take too much memory.
    #[error("it has too many pixels; 13 megapixels are the most, fewer when it is progressive or deep")]
    TooManyPixels,
    /// It is broken.
    #[error("it cannot be read as a picture")]
    Unreadable,
}

/// A picture in one size, as JPEG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Derived {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The pictures that are shown of a file, the smallest first. The same bytes always give the same pictures.
pub(crate) fn derive(kind: Kind, file: Bytes) -> Result<Vec<Derived>, Refusal> {
    if image::guess_format(&file).ok() != Some(kind.format()) {
        return Err(Refusal::OtherType);
    }
    let coefficients = if kind == Kind::Jpeg { progressive_bytes_per_64_pixels(&file) } else { 0 };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MEMORY);
    let unreadable = |_| Refusal::Unreadable;
    let mut decoder: Box<dyn ImageDecoder> = match kind {
        Kind::Jpeg => Box::new(JpegDecoder::new(Cursor::new(file)).map_err(unreadable)?),
        Kind::Png => Box::new(PngDecoder::with_limits(Cursor::new(file), limits).map_err(unreadable)?),
        Kind::Webp => Box::new(WebPDecoder::new(Cursor::new(file)).map_err(unreadable)?),
    };
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let while_reading = match kind {
        Kind::Jpeg => pixels / 64 * coefficients,
        Kind::Png => 0,
        Kind::Webp => pixels * 4,
    };
    let color = decoder.color_type();
    let is_plain = matches!(color, ColorType::L8 | ColorType::Rgb8 | ColorType::Rgba8);
    let afterwards = if is_plain { 0 } else { pixels * 4 };
    if pixels == 0 || decoder.total_bytes().saturating_add(while_reading.max(afterwards)) > MEMORY {
        return Err(Refusal::TooManyPixels);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let whole = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    let largest = largest(Pixels::new(whole), orientation)?;
    let profile = profile.filter(|profile| fits(profile, largest.is_gray));

    let mut derived = vec![largest.encode(profile.as_deref())?];
    let mut last = largest;
    let widest = last.width;
    for width in WIDTHS.into_iter().rev().filter(|width| *width < widest) {
        last = last.resize(width, scaled(last.height, width, last.width))?;
        derived.push(last.encode(profile.as_deref())?);
    }
    derived.reverse();
    Ok(derived)
}

/// The picture as large as it is ever shown, the right way up.
fn largest(whole: Pixels, orientation: Orientation) -> Result<Pixels, Refusal> {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    let is_on_its_side = matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH);
    let (width, height) = if is_on_its_side { (whole.height, whole.width) } else { (whole.width, whole.height) };
    let widest = WIDTHS[WIDTHS.len() - 1].min(scaled(width, TALLEST, height));
    if width <= widest {
        return whole.turned(orientation);
    }
    let tall = scaled(height, widest, width).min(TALLEST);
    let (across, down) = if is_on_its_side { (tall, widest) } else { (widest, tall) };
    let small = whole.resize(across, down)?;
    drop(whole);
    small.turned(orientation)
}

/// `length * numerator / denominator`, rounded, and at least one pixel.
fn scaled(length: u32, numerator: u32, denominator: u32) -> u32 {
    let denominator = u64::from(denominator).max(1);
    let scaled = (u64::from(length) * u64::from(numerator) + denominator / 2) / denominator;
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

/// A profile that says something of these pixels, and not of those that they were made of.
fn fits(profile: &[u8], is_gray: bool) -> bool {
    let space: &[u8] = if is_gray { b"GRAY" } else { b"RGB " };
    profile.len() <= LONGEST_PROFILE && profile.get(16..20) == Some(space)
}

/// Opaque pixels, one or three bytes each.
struct Pixels {
    width: u32,
    height: u32,
    is_gray: bool,
    bytes: Vec<u8>,
}

impl Pixels {
    fn new(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let (is_gray, bytes) = match image {
            DynamicImage::ImageLuma8(image) => (true, image.into_raw()),
            DynamicImage::ImageRgb8(image) => (false, image.into_raw()),
            DynamicImage::ImageRgba8(image) => (false, on_white(image.into_raw())),
            other => (false, on_white(other.into_rgba8().into_raw())),
        };
        Self { width, height, is_gray, bytes }
    }

    fn kind(&self) -> PixelType {
        if self.is_gray { PixelType::U8 } else { PixelType::U8x3 }
    }

    fn resize(&self, width: u32, height: u32) -> Result<Self, Refusal> {
        let unreadable = Refusal::Unreadable;
        let source = ImageRef::new(self.width, self.height, &self.bytes, self.kind()).map_err(|_| unreadable)?;
        let mut target = Image::new(width, height, self.kind());
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
        Resizer::new().resize(&source, &mut target, &options).map_err(|_| unreadable)?;
        Ok(Self { width, height, is_gray: self.is_gray, bytes: target.into_vec() })
    }

    fn turned(self, orientation: Orientation) -> Result<Self, Refusal> {
        let Self { width, height, is_gray, bytes } = self;
        let image = if is_gray {
            image::GrayImage::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8)
        } else {
            image::RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8)
        };
        let mut image = image.ok_or(Refusal::Unreadable)?;
        image.apply_orientation(orientation);
        Ok(Self::new(image))
    }

    fn encode(&self, profile: Option<&[u8]>) -> Result<Derived, Refusal> {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile.to_vec()).map_err(|_| Refusal::Unreadable)?;
        }
        let color = if self.is_gray { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        encoder.write_image(&self.bytes, self.width, self.height, color).map_err(|_| Refusal::Unreadable)?;
        Ok(Derived { width: self.width, height: self.height, bytes })
    }
}

/// RGBA on white as RGB, in the same memory: JPEG knows no transparency, and the shop's pages are white.
fn on_white(mut bytes: Vec<u8>) -> Vec<u8> {
    let count = bytes.len() / 4;
    for index in 0..count {
        let alpha = u16::from(bytes[index * 4 + 3]);
        for channel in 0..3 {
            let shown = u16::from(bytes[index * 4 + channel]) * alpha + 255 * (255 - alpha);
            bytes[index * 3 + channel] = u8::try_from((shown + 127) / 255).unwrap_or(u8::MAX);
        }
    }
    bytes.truncate(count * 3);
    bytes.shrink_to_fit();
    bytes
}

/// How many bytes the decoder keeps of a progressive JPEG beside its pixels, for each 64 of them: two for each
/// coefficient of each component, whose resolutions differ. Zero when it is not progressive, or broken.
fn progressive_bytes_per_64_pixels(file: &[u8]) -> u64 {
    const PROGRESSIVE: u8 = 0xC2;
    let mut rest = file.get(2..).unwrap_or_default();
    // Each segment: 0xFF, a marker, and the length of what follows, itself included.
    while let [0xFF, marker, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xFF {
            rest = &rest[1..];
            continue;
        }
        if marker == PROGRESSIVE {
            // Depth, height and width, then how many components: each with its id and its resolution.
            let components = rest.get(10..).unwrap_or_default();
            let count = usize::from(rest.get(9).copied().unwrap_or_default());
            let resolutions = components.chunks_exact(3).take(count).map(|one| (one[1] >> 4, one[1] & 15));
            let resolutions: Vec<(u64, u64)> = resolutions.map(|(x, y)| (x.max(1).into(), y.max(1).into())).collect();
            let finest_x = resolutions.iter().map(|(x, _)| *x).max().unwrap_or(1);
            let finest_y = resolutions.iter().map(|(_, y)| *y).max().unwrap_or(1);
            return resolutions.iter().map(|(x, y)| (128 * x * y).div_ceil(finest_x * finest_y)).sum();
        }
        // Start of scan: what is not progressive by now is not.
        if marker == 0xDA {
            break;
        }
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};
    use proptest::prelude::*;

    /// A picture whose left half is red and whose right half is blue.
    fn halves(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([220, 0, 0]) } else { Rgb([0, 0, 220]) })
    }

    fn file(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn sizes(derived: &[Derived]) -> Vec<(u32, u32)> {
        derived.iter().map(|one| (one.width, one.height)).collect()
    }

    fn shown(derived: &Derived) -> RgbImage {
        let image = image::load_from_memory_with_format(&derived.bytes, ImageFormat::Jpeg).unwrap().into_rgb8();
        assert_eq!(image.dimensions(), (derived.width, derived.height));
        image
    }

    fn refused(kind: Kind, file: impl Into<Bytes>) -> Refusal {
        derive(kind, file.into()).unwrap_err()
    }

    #[test]
    fn every_kind_comes_in_every_size_that_is_not_larger_than_itself() {
        let kinds = [(Kind::Jpeg, ImageFormat::Jpeg), (Kind::Png, ImageFormat::Png), (Kind::Webp, ImageFormat::WebP)];
        for (kind, format) in kinds {
            let derived = derive(kind, file(halves(700, 350), format).into()).unwrap();
            assert_eq!(sizes(&derived), [(320, 160), (640, 320), (700, 350)]);
            for one in &derived {
                let image = shown(one);
                let (left, right) = (image.get_pixel(2, 2).0, image.get_pixel(one.width - 3, 2).0);
                assert!(left[0] > 180 && left[2] < 60 && right[2] > 180 && right[0] < 60, "{left:?} {right:?}");
            }
        }
        let tall = derive(Kind::Png, file(halves(10, 5000), ImageFormat::Png).into()).unwrap();
        assert_eq!(sizes(&tall), [(8, 3840)]);
        let small = derive(Kind::Png, file(halves(1, 1), ImageFormat::Png).into()).unwrap();
        assert_eq!(sizes(&small), [(1, 1)]);
    }

    #[test]
    fn what_a_camera_says_is_heeded_and_left_out() {
        // One entry: orientation 6, the camera was turned to the left.
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        let mut sent = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut sent, 90);
        encoder.set_exif_metadata(exif).unwrap();
        encoder.encode_image(&halves(400, 200)).unwrap();
        assert!(sent.windows(4).any(|four| four == b"Exif"));
        let derived = derive(Kind::Jpeg, sent.into()).unwrap();
        assert_eq!(sizes(&derived), [(200, 400)]);
        let image = shown(&derived[0]);
        assert!(image.get_pixel(100, 5).0[0] > 180 && image.get_pixel(100, 395).0[2] > 180);
        assert!(!derived[0].bytes.windows(4).any(|four| four == b"Exif"));
    }

    #[test]
    fn transparency_becomes_white() {
        let clear = RgbaImage::from_pixel(40, 40, Rgba([10, 10, 10, 0]));
        let derived = derive(Kind::Png, file(clear, ImageFormat::Png).into()).unwrap();
        assert!(shown(&derived[0]).pixels().all(|pixel| pixel.0.iter().all(|channel| *channel > 250)));
    }

    #[test]
    fn profiles_are_kept_when_they_are_about_these_pixels() {
        let profile = |space: &[u8], length: usize| [&[0; 16], space, &vec![0; length]].concat();
        assert!(fits(&profile(b"RGB ", 400), false) && fits(&profile(b"GRAY", 400), true));
        assert!(!fits(&profile(b"CMYK", 400), false) && !fits(&profile(b"RGB ", LONGEST_PROFILE), false));
        assert!(!fits(b"", false));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let jpeg = file(halves(40, 20), ImageFormat::Jpeg);
        assert_eq!(refused(Kind::Jpeg, &b"<script>alert(1)</script>"[..]), Refusal::OtherType);
        assert_eq!(refused(Kind::Jpeg, Bytes::new()), Refusal::OtherType);
        assert_eq!(refused(Kind::Png, jpeg.clone()), Refusal::OtherType);
        assert_eq!(refused(Kind::Webp, jpeg), Refusal::OtherType);
        assert_eq!(refused(Kind::Jpeg, &b"\xff\xd8\xff\xe0 and then some words"[..]), Refusal::Unreadable);
        assert_eq!(refused(Kind::Png, &b"\x89PNG\r\n\x1a\nIHDR?"[..]), Refusal::Unreadable);
        assert_eq!(refused(Kind::Webp, &b"RIFF\x04\0\0\0WEBPVP8 "[..]), Refusal::Unreadable);
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_says_of_itself() {
        let mut jpeg = file(halves(40, 20), ImageFormat::Jpeg);
        let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
        assert_eq!(refused(Kind::Jpeg, jpeg), Refusal::TooManyPixels);

        let mut png = file(halves(40, 20), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let sum = crc(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(refused(Kind::Png, png), Refusal::TooManyPixels);
    }

    /// The checksum of PNG's chunks.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 })
        })
    }

    #[test]
    fn progressive_files_are_reckoned_by_their_components() {
        let head = |marker: u8, components: &[[u8; 3]]| {
            let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0, 0, 0xFF, marker, 0, 17, 8, 0, 100, 0, 100];
            bytes.push(u8::try_from(components.len()).unwrap());
            bytes.extend(components.concat());
            bytes
        };
        let halved = [[1, 0x22, 0], [2, 0x11, 1], [3, 0x11, 1]];
        assert_eq!(progressive_bytes_per_64_pixels(&head(0xC2, &halved)), 192);
        assert_eq!(progressive_bytes_per_64_pixels(&head(0xC2, &[[1, 0x11, 0]; 3])), 384);
        assert_eq!(progressive_bytes_per_64_pixels(&head(0xC0, &halved)), 0);
        assert_eq!(progressive_bytes_per_64_pixels(b"\xFF\xD8\xFF"), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damaged_files_do_no_harm(
            kind in 0_usize..3,
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
            length in any::<prop::sample::Index>(),
        ) {
            let kind = [Kind::Jpeg, Kind::Png, Kind::Webp][kind];
            let mut bytes = file(halves(40, 20), kind.format());
            for (place, value) in damage {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            bytes.truncate(length.index(bytes.len()) + 1);
            // A panic is caught where this is called; memory and time are not.
            let damaged = std::panic::catch_unwind(|| derive(kind, bytes.into()));
            if let Ok(Ok(derived)) = damaged {
                prop_assert!(derived.iter().all(|one| one.width <= 1920 && one.height <= TALLEST));
            }
        }
    }
}
