//! What the pieces lie on, stand on or hang in front of.

use super::canvas::Canvas;
use super::{Motif, View};

/// The light grounds of first pictures: (edge, middle, plinth top, plinth side).
const LIGHT: [(&str, &str, &str, &str); 6] = [
    ("#e6ddd0", "#f7f2ea", "#fbf8f3", "#ddd2c3"),
    ("#dcdfe0", "#f3f4f3", "#fafaf9", "#cfd3d4"),
    ("#ead9d2", "#f9f0ec", "#fdf8f5", "#dfcac1"),
    ("#d7ddd3", "#f0f3ec", "#f8faf6", "#c9d1c4"),
    ("#d9dee6", "#f1f4f8", "#f9fafc", "#cbd2dd"),
    ("#e5dcc8", "#f8f3e6", "#fdfaf2", "#dacfb6"),
];

/// The dark grounds of second pictures.
const DARK: [(&str, &str, &str, &str); 5] = [
    ("#0d1416", "#26343a", "#2d3c42", "#131b1e"),
    ("#0f1512", "#2a3a31", "#314339", "#131b17"),
    ("#170f14", "#3b2833", "#44303c", "#1c1218"),
    ("#12131c", "#2b2e45", "#33374f", "#161825"),
    ("#18120d", "#3d3026", "#47392d", "#1d1610"),
];

/// The backdrop's SVG, and the shadow a piece casts on it: dx, dy, blur, opacity.
pub(super) fn choose(motif: Motif, view: View, canvas: &mut Canvas) -> (String, (f64, f64, f64, f64)) {
    let (edge, middle, top, side) = match view {
        View::Front => LIGHT[canvas.noise.below(LIGHT.len())],
        View::Detail => DARK[canvas.noise.below(DARK.len())],
    };
    let ground = format!(
        concat!(
            r#"<radialGradient id="bd" cx=".42" cy=".36" r=".8"><stop stop-color="{1}"/><stop offset="1" stop-color="{0}"/></radialGradient>"#,
            r#"<path fill="url(#bd)" d="M0 0h1600v2000H0z"/>"#
        ),
        edge, middle
    );
    let depth = if view == View::Front { 0.3 } else { 0.62 };
    use Motif::*;
    let (scenery, shadow) = match motif {
        Solitaire | Halo | ThreeStone | PaveSolitaire | ToiEtMoi | Signet | Band | FlatBand | Eternity => {
            (plinth(top, side, 1480.0, 640.0, 170.0), (22.0, 26.0, 26.0, depth))
        }
        Bangle | Cuff | Tennis | CharmBracelet | PearlBracelet => {
            (plinth(top, side, 1150.0, 770.0, 520.0), (14.0, 40.0, 26.0, depth))
        }
        Stud | HaloStud | DropEarring | Hoop | PaveHoop => (arch(top, side), (34.0, 46.0, 30.0, depth)),
        Pendant | HaloPendant | Medallion | Station | Riviere | Strand => (String::new(), (26.0, 44.0, 24.0, depth)),
        Blossom | Fern | Crescent | Starburst | Dragonfly => (disc(top, side), (26.0, 36.0, 24.0, depth)),
    };
    (ground + &scenery, shadow)
}

/// A low round plinth, its top an ellipse at `y`.
fn plinth(top: &str, side: &str, y: f64, rx: f64, ry: f64) -> String {
    format!(
        concat!(
            r##"<linearGradient id="ps"><stop stop-color="{1}"/><stop offset=".3" stop-color="{0}"/><stop offset="1" stop-color="{1}"/></linearGradient>"##,
            r##"<radialGradient id="pt" cx=".4" cy=".3" r=".8"><stop stop-color="{0}"/><stop offset="1" stop-color="{1}"/></radialGradient>"##,
            r#"<path fill="url(#ps)" d="M{2} {3}v2000h{4}v-2000z"/><ellipse cx="800" cy="{3}" rx="{5}" ry="{6}" fill="url(#pt)"/>"#
        ),
        top,
        side,
        800.0 - rx,
        y,
        rx * 2.0,
        rx,
        ry
    )
}

/// A niche with a round head.
fn arch(top: &str, side: &str) -> String {
    format!(
        concat!(
            r##"<linearGradient id="ar" x2=".6" y2="1"><stop stop-color="{1}"/><stop offset=".5" stop-color="{0}"/></linearGradient>"##,
            r#"<path fill="url(#ar)" d="M250 2000V900a550 550 0 0 1 1100 0v1100z"/>"#
        ),
        top, side
    )
}

/// A disc of plaster on the wall.
fn disc(top: &str, side: &str) -> String {
    format!(
        concat!(
            r##"<linearGradient id="di" x1=".1" y1="0" x2=".9" y2="1"><stop stop-color="{0}"/><stop offset="1" stop-color="{1}"/></linearGradient>"##,
            r##"<circle cx="822" cy="1036" r="640" fill="#1a1410" opacity=".1"/><circle cx="800" cy="1000" r="640" fill="url(#di)"/>"##
        ),
        top, side
    )
}
