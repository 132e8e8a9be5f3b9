//! The studio: how bright a polished surface or a facet looks, from the way it faces.

use super::vector::{V3, v3};

/// Brightness (about 0..=1) that a mirror-like surface with this normal shows the viewer.
///
/// Metal looks like metal because of what it reflects: a large soft box up on the left, a strip light on the right,
/// a pale floor and the dark line between floor and wall.
pub(super) fn polished(normal: V3) -> f64 {
    let n = normal.unit();
    let r = n * (2.0 * n.z) - v3(0.0, 0.0, 1.0);
    let sky = 0.22 + 0.42 * smooth(-0.35, 0.85, r.y);
    let soft_box = 0.62 * lobe(r, v3(-0.5, 0.72, 0.48), 7.0);
    let strip = 0.42 * bell(r.x, 0.72, 0.16) * smooth(-0.7, 0.2, r.y);
    let rim = 0.25 * bell(r.x, -0.93, 0.12);
    let floor = 0.34 * smooth(0.25, 1.0, -r.y);
    let horizon = 0.26 * bell(r.y, -0.16, 0.16);
    sky + soft_box + strip + rim + floor - horizon
}

/// Brightness of a facet; `sparkle` in 0..1 stands for what the stone's inside happens to send this way.
pub(super) fn facet(normal: V3, sparkle: f64) -> f64 {
    let n = normal.unit();
    let key = n.dot(v3(-0.42, 0.66, 0.62).unit());
    let glint = lobe(n * (2.0 * n.z) - v3(0.0, 0.0, 1.0), v3(-0.4, 0.75, 0.5), 9.0);
    0.12 + 0.3 * key.max(0.0) + 0.55 * sparkle * sparkle + 0.45 * glint
}

fn lobe(r: V3, towards: V3, sharpness: f64) -> f64 {
    r.dot(towards.unit()).max(0.0).powf(sharpness)
}

fn bell(x: f64, middle: f64, width: f64) -> f64 {
    (-((x - middle) / width).powi(2)).exp()
}

fn smooth(from: f64, to: f64, x: f64) -> f64 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
