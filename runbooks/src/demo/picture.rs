//! Pictures of the demo pieces, drawn by geometry: no photograph, no licence, the same bytes on every machine.
//!
//! A piece is modelled as solids (bands swept along circles, stones cut into facets), lit like a studio still life and
//! written as SVG. This knows nothing of catalogues, prices or storage.

mod backdrop;
mod bracelet;
mod brooch;
mod canvas;
mod chain;
mod colour;
mod earring;
mod gem;
mod light;
mod necklace;
mod noise;
mod ring;
mod sweep;
mod vector;

use serde::{Deserialize, Serialize};

use self::canvas::Canvas;
use self::noise::Noise;

/// Width of every picture in pixels.
pub const WIDTH: u32 = 800;
/// Height of every picture in pixels.
pub const HEIGHT: u32 = 1000;

/// What a piece looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// How the piece is built.
    pub motif: Motif,
    /// The cut of its principal stone.
    #[serde(default)]
    pub cut: Cut,
    /// Its principal stone.
    #[serde(default)]
    pub stone: Stone,
    /// The small stones around it.
    #[serde(default)]
    pub accent: Stone,
}

/// Which of a piece's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The first: the whole piece on a light ground.
    Front,
    /// The second: another angle, closer, on a dark ground.
    Detail,
}

/// The precious metals the house works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Metal {
    /// 18 karat yellow gold.
    #[serde(rename = "gold_18k")]
    Gold18k,
    /// 18 karat rose gold.
    #[serde(rename = "rose_gold_18k")]
    RoseGold18k,
    /// 18 karat white gold.
    #[serde(rename = "white_gold_18k")]
    WhiteGold18k,
    /// Platinum of 950 parts in a thousand.
    #[serde(rename = "platinum_950")]
    Platinum950,
    /// Sterling silver.
    #[serde(rename = "silver_925")]
    Silver925,
}

/// How a stone is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum Cut {
    #[default]
    Round,
    Oval,
    Cushion,
    Pear,
    Marquise,
    Emerald,
    Asscher,
    Cabochon,
}

/// The stones the house sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum Stone {
    #[default]
    Diamond,
    Sapphire,
    YellowSapphire,
    Padparadscha,
    Ruby,
    Spinel,
    Emerald,
    Tsavorite,
    Aquamarine,
    Tanzanite,
    Amethyst,
    Morganite,
    Citrine,
    Peridot,
    Tourmaline,
    Jadeite,
    Onyx,
    Moonstone,
    Lapis,
    Pearl,
    GoldenPearl,
    TahitianPearl,
}

/// How a piece is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum Motif {
    Solitaire,
    Halo,
    ThreeStone,
    PaveSolitaire,
    ToiEtMoi,
    Signet,
    Band,
    FlatBand,
    Eternity,
    Pendant,
    HaloPendant,
    Medallion,
    Station,
    Riviere,
    Strand,
    Stud,
    HaloStud,
    DropEarring,
    Hoop,
    PaveHoop,
    Bangle,
    Cuff,
    Tennis,
    CharmBracelet,
    PearlBracelet,
    Blossom,
    Fern,
    Crescent,
    Starburst,
    Dragonfly,
}

/// Draws one picture as an SVG document; `name` decides what chance decides, so equal names give equal bytes.
pub fn draw(name: &str, design: Design, metal: Metal, view: View) -> String {
    let noise = Noise::named(&format!("{name}/{view:?}"));
    let mut canvas = Canvas::new(noise, metal);
    use Motif::*;
    match design.motif {
        Solitaire | Halo | ThreeStone | PaveSolitaire | ToiEtMoi | Signet | Band | FlatBand | Eternity => {
            ring::draw(&mut canvas, design, view);
        }
        Pendant | HaloPendant | Medallion | Station | Riviere | Strand => necklace::draw(&mut canvas, design, view),
        Stud | HaloStud | DropEarring | Hoop | PaveHoop => earring::draw(&mut canvas, design, view),
        Bangle | Cuff | Tennis | CharmBracelet | PearlBracelet => bracelet::draw(&mut canvas, design, view),
        Blossom | Fern | Crescent | Starburst | Dragonfly => brooch::draw(&mut canvas, design, view),
    }
    let (backdrop, shadow) = backdrop::choose(design.motif, view, &mut canvas);
    canvas.finish(&backdrop, shadow)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{View, draw};
    use crate::demo::catalogue::Catalogue;

    fn all() -> Vec<(String, String)> {
        let catalogue = Catalogue::embedded().unwrap();
        let views = [View::Front, View::Detail];
        let drawn = catalogue.pieces.iter().flat_map(|piece| {
            views.map(|view| {
                (format!("{} {view:?}", piece.slug), draw(&piece.slug, piece.design, piece.shown_in(), view))
            })
        });
        drawn.collect()
    }

    #[test]
    fn every_picture_is_small_enough_to_load_by_the_dozen() {
        let big: Vec<_> =
            all().into_iter().filter(|(_, svg)| svg.len() > 24 * 1024).map(|(n, s)| (n, s.len())).collect();
        assert_eq!(big, []);
    }

    #[test]
    fn every_picture_is_different_and_the_same_again_every_time() {
        let (once, again) = (all(), all());
        assert_eq!(once, again);
        let distinct: BTreeSet<_> = once.iter().map(|(_, svg)| svg).collect();
        assert_eq!(distinct.len(), once.len());
    }

    #[test]
    fn every_picture_is_well_formed_and_refers_only_to_itself() {
        for (name, svg) in all() {
            let mut open = Vec::new();
            for tag in svg.split('<').skip(1) {
                let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("{name}: an unfinished tag {tag}"));
                if let Some(closed) = tag.strip_prefix('/') {
                    assert_eq!(open.pop(), Some(closed), "{name}");
                } else if !tag.ends_with('/') {
                    open.push(tag.split(' ').next().unwrap());
                }
                assert_eq!(tag.matches('"').count() % 2, 0, "{name}: {tag}");
            }
            assert!(open.is_empty(), "{name}: {open:?} stay open");
            let mut wanted = svg.split("href=\"#").skip(1).chain(svg.split("url(#").skip(1));
            assert!(
                wanted.all(|rest| {
                    let id = rest.split(['"', ')']).next().unwrap();
                    svg.contains(&format!("id=\"{id}\""))
                }),
                "{name}: a reference leads nowhere"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}: a number is none");
            assert_eq!(svg.matches("http").count(), 1, "{name}: only the namespace is an address");
        }
    }
}
