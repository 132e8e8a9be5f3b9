//! The sheet a picture is drawn on: solids go in, SVG comes out.
//!
//! Coordinates are whole numbers on a sheet of 1600 by 2000 and faces of one shade share one path: an elaborate ring
//! stays well under 20 KB.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::colour::{self, Ramp, Rgb};
use super::light;
use super::noise::Noise;
use super::vector::{Pose, V3};
use super::{Metal, Stone};

/// Width and height of the sheet in its own units; pictures are shown at half of it.
pub(super) const SHEET: (f64, f64) = (1600.0, 2000.0);

/// The drawing so far.
pub(super) struct Canvas {
    pub(super) noise: Noise,
    pub(super) metal: Metal,
    defs: String,
    body: String,
    defined: BTreeSet<String>,
    serial: u32,
}

/// Faces waiting to be written, by shade.
#[derive(Default)]
pub(super) struct Faces(BTreeMap<Rgb, Path>);

/// Closed outlines of one shade, each beginning where the last one began plus a step.
#[derive(Default)]
struct Path {
    text: String,
    start: Option<(i64, i64)>,
}

impl Canvas {
    pub(super) fn new(noise: Noise, metal: Metal) -> Self {
        Self { noise, metal, defs: String::new(), body: String::new(), defined: BTreeSet::new(), serial: 0 }
    }

    /// The metal's own reflections.
    pub(super) fn ramp(&self) -> Ramp {
        colour::metal(self.metal)
    }

    /// Writes a piece of SVG as it is.
    pub(super) fn raw(&mut self, svg: &str) {
        self.body.push_str(svg);
    }

    /// Defines something once under a name, however often it is asked for.
    pub(super) fn define(&mut self, name: &str, svg: impl FnOnce(&mut Noise) -> String) {
        if self.defined.insert(name.to_owned()) {
            let svg = svg(&mut self.noise);
            self.defs.push_str(&svg);
        }
    }

    /// Writes faces; neighbours overlap by a hair so that no seam shows.
    pub(super) fn faces(&mut self, faces: Faces) {
        if faces.0.is_empty() {
            return;
        }
        self.body.push_str(r#"<g fill="currentColor" stroke="currentColor" stroke-width="2" stroke-linejoin="round">"#);
        for (colour, path) in faces.0 {
            let _ = write!(self.body, r#"<path color="{}" d="{}"/>"#, colour.css(), path.text);
        }
        self.body.push_str("</g>");
    }

    /// Places something defined in a square of -100..100, in the plane of the pose, `size` times as large.
    pub(super) fn place(&mut self, name: &str, pose: &Pose, size: f64) {
        let (at, scale) = (sheet(pose.origin()), size / 100.0);
        let (right, up) = (pose.right() * scale, pose.up() * scale);
        let _ = write!(
            self.body,
            r##"<use href="#{name}" transform="matrix({} {} {} {} {} {})"/>"##,
            short(right.x),
            short(-right.y),
            short(-up.x),
            short(up.y),
            at.0,
            at.1
        );
    }

    /// A thin polished rod through the points.
    pub(super) fn rod(&mut self, points: &[V3], width: f64) {
        self.rods(&[points], width);
    }

    /// Several rods of one thickness; cheaper than one by one.
    pub(super) fn rods(&mut self, lines: &[&[V3]], width: f64) {
        let ramp = self.ramp();
        let line: String = lines.iter().map(|points| polyline(points)).collect();
        let layers = [(ramp.at(0.14), 1.0, 0.0), (ramp.at(0.58), 0.66, -0.1), (ramp.at(0.98), 0.18, -0.2)];
        self.body.push_str(r#"<g fill="none" stroke-linecap="round" stroke-linejoin="round">"#);
        // A long line is written once and used three times.
        let id = (line.len() > 60).then(|| {
            self.serial += 1;
            format!("r{}", self.serial)
        });
        if let Some(id) = &id {
            let _ = write!(self.defs, r#"<path id="{id}" d="{line}"/>"#);
        }
        for (colour, share, shift) in layers {
            let shift = (shift * width).round();
            let shift =
                if shift == 0.0 { String::new() } else { format!(r#" transform="translate({shift} {shift})""#) };
            let stroke = format!(r#"stroke="{}" stroke-width="{}"{shift}"#, colour.css(), short(width * share));
            let _ = match &id {
                Some(id) => write!(self.body, r##"<use href="#{id}" {stroke}/>"##),
                None => write!(self.body, r#"<path d="{line}" {stroke}/>"#),
            };
        }
        self.body.push_str("</g>");
    }

    /// A number no other definition of this picture has.
    pub(super) fn serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    /// A small polished ball.
    pub(super) fn ball(&mut self, at: V3, radius: f64) {
        let ramp = self.ramp();
        self.define("ball", |_| {
            let shine = [(0.0, 1.0), (0.25, 0.82), (0.6, 0.5), (0.85, 0.2), (1.0, 0.35)]
                .map(|(at, light)| format!(r#"<stop offset="{at}" stop-color="{}"/>"#, ramp.at(light).css()))
                .concat();
            format!(
                r#"<radialGradient id="bg" cx=".36" cy=".3" r=".72">{shine}</radialGradient><circle id="ball" r="100" fill="url(#bg)"/>"#
            )
        });
        self.place("ball", &Pose::at(at), radius);
    }

    /// A pearl, or a ball of opaque stone.
    pub(super) fn pearl(&mut self, at: V3, radius: f64, stone: Stone) {
        let ramp = colour::stone(stone);
        let name = format!("pearl{}", stone as u8);
        self.define(&name, |_| {
            let shine = [(0.0, 1.0), (0.16, 0.86), (0.5, 0.6), (0.82, 0.24), (0.93, 0.1), (1.0, 0.36)]
                .map(|(at, light)| format!(r#"<stop offset="{at}" stop-color="{}"/>"#, ramp.at(light).css()))
                .concat();
            format!(
                concat!(
                    r#"<radialGradient id="{0}g" cx=".37" cy=".31" r=".74">{1}</radialGradient>"#,
                    r#"<g id="{0}"><circle r="100" fill="url(#{0}g)"/>"#,
                    r##"<ellipse cx="-34" cy="-44" rx="24" ry="15" fill="#fff" opacity=".75" transform="rotate(-38 -34 -44)"/></g>"##
                ),
                name, shine
            )
        });
        self.place(&name, &Pose::at(at), radius);
    }

    /// The whole picture: the backdrop, then everything drawn in one group that casts one soft shadow.
    pub(super) fn finish(self, backdrop: &str, shadow: (f64, f64, f64, f64)) -> String {
        let (width, height) = SHEET;
        let (dx, dy, blur, opacity) = shadow;
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w2}" height="{h2}" viewBox="0 0 {w} {h}">"#,
                r##"<defs><filter id="cast" filterUnits="userSpaceOnUse" x="0" y="0" width="{w}" height="{h}"><feGaussianBlur in="SourceAlpha" stdDeviation="{blur}"/><feOffset dx="{dx}" dy="{dy}"/><feColorMatrix values="0 0 0 0 .012 0 0 0 0 .008 0 0 0 0 .006 0 0 0 {opacity} 0"/><feMerge><feMergeNode/><feMergeNode in="SourceGraphic"/></feMerge></filter>"##,
                r#"{defs}</defs>{backdrop}<g filter="url(#cast)">{body}</g></svg>"#,
                "\n"
            ),
            w = width,
            h = height,
            w2 = width / 2.0,
            h2 = height / 2.0,
            dx = dx,
            dy = dy,
            blur = blur,
            opacity = opacity,
            defs = self.defs,
            backdrop = backdrop,
            body = self.body
        )
    }
}

impl Faces {
    /// Adds a flat face.
    pub(super) fn add(&mut self, colour: Rgb, points: &[V3]) {
        let path = self.0.entry(colour).or_default();
        path.start = lines(&mut path.text, path.start, points);
        path.text.push('z');
    }

    /// Adds a flat metal face if it looks at the viewer.
    pub(super) fn metal(&mut self, ramp: &Ramp, points: &[V3], normal: V3) {
        if normal.z > 0.0 {
            self.add(ramp.at(light::polished(normal)), points);
        }
    }

    /// The faces as plain SVG paths, for a definition.
    pub(super) fn into_paths(self) -> String {
        self.0
            .into_iter()
            .map(|(colour, path)| format!(r#"<path fill="{}" d="{}"/>"#, colour.css(), path.text))
            .collect()
    }
}

/// A closed outline in relative whole numbers.
pub(super) fn outline(points: &[V3]) -> String {
    let mut path = polyline(points);
    path.push('z');
    path
}

/// An open line in relative whole numbers.
pub(super) fn polyline(points: &[V3]) -> String {
    let mut path = String::new();
    lines(&mut path, None, points);
    path
}

/// Appends a line in as few characters as SVG allows; `from` is where the last closed outline began. Gives its start.
fn lines(path: &mut String, from: Option<(i64, i64)>, points: &[V3]) -> Option<(i64, i64)> {
    let mut last = sheet(*points.first()?);
    let start = last;
    let _ = match from {
        None => write!(path, "M{} {}", start.0, start.1),
        Some((x, y)) => write!(path, "m{}{}", start.0 - x, spaced(start.1 - y)),
    };
    let mut separator = "l";
    for &point in &points[1..] {
        let (x, y) = sheet(point);
        let (dx, dy) = (x - last.0, y - last.1);
        if (dx, dy) != (0, 0) {
            let _ = if separator.is_empty() {
                write!(path, "{}{}", spaced(dx), spaced(dy))
            } else {
                write!(path, "{separator}{dx}{}", spaced(dy))
            };
            separator = "";
            last = (x, y);
        }
    }
    Some(start)
}

/// A number that follows another one: a minus is separator enough.
fn spaced(value: i64) -> String {
    if value < 0 { value.to_string() } else { format!(" {value}") }
}

/// A point on the sheet: the origin is its middle, y grows downwards.
pub(super) fn sheet(p: V3) -> (i64, i64) {
    ((SHEET.0 / 2.0 + p.x).round() as i64, (SHEET.1 / 2.0 - p.y).round() as i64)
}

/// A number with at most three decimals and nothing that says nothing.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.strip_prefix("-0.") {
        Some(rest) => format!("-.{rest}"),
        None if text == "-0" => "0".to_owned(),
        None => text.strip_prefix("0.").map_or_else(|| text.to_owned(), |rest| format!(".{rest}")),
    }
}
