//! Colours, ramps of colours, and the palettes of metals and stones.

use super::{Metal, Stone};

/// A colour, 0..=255 per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

/// Five colours from the darkest reflection to the brightest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp([Rgb; 5]);

/// Shades a ramp is quantised to: equal shades share one path, which keeps the files small.
const SHADES: f64 = 30.0;

impl Rgb {
    const fn hex(value: u32) -> Self {
        Self((value >> 16) as u8, (value >> 8) as u8, value as u8)
    }

    pub(super) fn mix(self, other: Self, t: f64) -> Self {
        let channel = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * t).round() as u8;
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    pub(super) fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Ramp {
    const fn new(colours: [u32; 5]) -> Self {
        Self([
            Rgb::hex(colours[0]),
            Rgb::hex(colours[1]),
            Rgb::hex(colours[2]),
            Rgb::hex(colours[3]),
            Rgb::hex(colours[4]),
        ])
    }

    /// The colour at brightness `t`, clamped to 0..=1.
    pub(super) fn at(&self, t: f64) -> Rgb {
        let t = (t.clamp(0.0, 1.0) * SHADES).round() / SHADES * 4.0;
        let low = (t.floor() as usize).min(3);
        self.0[low].mix(self.0[low + 1], t - low as f64)
    }
}

/// What a polished surface of this metal reflects.
pub(super) fn metal(metal: Metal) -> Ramp {
    match metal {
        Metal::Gold18k => Ramp::new([0x4a2c08, 0x9a6a1e, 0xd4a143, 0xf3d58c, 0xfffae6]),
        Metal::RoseGold18k => Ramp::new([0x4f2419, 0xa0614a, 0xd69a80, 0xf3cfbb, 0xfff6f0]),
        Metal::WhiteGold18k => Ramp::new([0x33332f, 0x76756e, 0xb4b2a9, 0xe4e2da, 0xffffff]),
        Metal::Platinum950 => Ramp::new([0x2c3036, 0x6d747d, 0xa9b1ba, 0xdde2e7, 0xffffff]),
        Metal::Silver925 => Ramp::new([0x2a2c2f, 0x71767a, 0xb6bbbf, 0xe9ecee, 0xffffff]),
    }
}

/// What a facet of this stone gives back, or for a pearl or a cabochon its body from shadow to light.
pub(super) fn stone(stone: Stone) -> Ramp {
    match stone {
        Stone::Diamond => Ramp::new([0x56636f, 0x9eacb8, 0xd3dde5, 0xf2f6f9, 0xffffff]),
        Stone::Sapphire => Ramp::new([0x060d3a, 0x13288a, 0x2c52cf, 0x7fa3f5, 0xeaf1ff]),
        Stone::YellowSapphire => Ramp::new([0x7a4d00, 0xd09a10, 0xf4cd3d, 0xffeb97, 0xfffdf0]),
        Stone::Padparadscha => Ramp::new([0x7c2a1c, 0xd2664a, 0xf49a7c, 0xffcdb8, 0xfff5ef]),
        Stone::Ruby => Ramp::new([0x3a0010, 0x8f0326, 0xd11845, 0xf77c92, 0xffe9ed]),
        Stone::Spinel => Ramp::new([0x4a0b35, 0xa12a72, 0xdb5aa4, 0xf7a8d1, 0xfff0f8]),
        Stone::Emerald => Ramp::new([0x02281a, 0x04603c, 0x129761, 0x6fd6a6, 0xe8fff4]),
        Stone::Tsavorite => Ramp::new([0x06330f, 0x127a2b, 0x33b04e, 0x93e29b, 0xf0fff0]),
        Stone::Aquamarine => Ramp::new([0x1b5b70, 0x57a7bd, 0x93d2e0, 0xc9eef4, 0xf8ffff]),
        Stone::Tanzanite => Ramp::new([0x170a4a, 0x3a249c, 0x6450d0, 0xa79bf2, 0xf1eeff]),
        Stone::Amethyst => Ramp::new([0x2a0846, 0x642098, 0x9750cc, 0xc9a0ec, 0xf8efff]),
        Stone::Morganite => Ramp::new([0x8a4a48, 0xd4948c, 0xf0bdb2, 0xfbe0d8, 0xfffaf8]),
        Stone::Citrine => Ramp::new([0x6b2c00, 0xc46a08, 0xeb9a26, 0xfcce7a, 0xfff8e8]),
        Stone::Peridot => Ramp::new([0x37480a, 0x7d9c1c, 0xadc941, 0xdbeb95, 0xfdffee]),
        Stone::Tourmaline => Ramp::new([0x04343c, 0x0d7480, 0x2fa9ae, 0x8fdcd8, 0xeefffd]),
        Stone::Jadeite => Ramp::new([0x0a3a22, 0x1d7a48, 0x43ad70, 0x96dbb0, 0xf0fff6]),
        Stone::Onyx => Ramp::new([0x050506, 0x17181b, 0x2d2f35, 0x72777f, 0xf4f6f8]),
        Stone::Moonstone => Ramp::new([0x75879b, 0xaebdcd, 0xd5dfe9, 0xeef4fa, 0xffffff]),
        Stone::Lapis => Ramp::new([0x07103c, 0x14297a, 0x2b48a8, 0x7890d8, 0xe6ecff]),
        Stone::Pearl => Ramp::new([0x9a8c84, 0xcfc4bc, 0xeee7e0, 0xfbf7f3, 0xffffff]),
        Stone::GoldenPearl => Ramp::new([0x82602a, 0xc79f56, 0xe8cb8c, 0xf8e8c0, 0xfffdf4]),
        Stone::TahitianPearl => Ramp::new([0x16191c, 0x3a4246, 0x65706f, 0xa4aeb0, 0xf4f4f8]),
    }
}
