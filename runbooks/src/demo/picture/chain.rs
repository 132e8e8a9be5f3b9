//! Chains: links laid along a curve.

use super::canvas::Canvas;
use super::vector::{Pose, V3, v3};

/// Lays a cable chain along the points; `size` is half a link's length.
pub(super) fn cable(canvas: &mut Canvas, points: &[V3], size: f64) {
    let ramp = canvas.ramp();
    canvas.define("link", |_| {
        let ring = |colour: &str, width: f64, shift: f64| {
            format!(
                r#"<rect x="-92" y="-52" width="184" height="104" rx="52" fill="none" stroke="{colour}" stroke-width="{width}" transform="translate({shift} {shift})"/>"#
            )
        };
        format!(
            r#"<g id="link">{}{}{}</g><g id="edge" stroke-linecap="round"><path stroke="{}" stroke-width="44" d="M-74 0H74"/><path stroke="{}" stroke-width="28" d="M-74-4H74"/><path stroke="{}" stroke-width="10" d="M-66-9H60"/></g>"#,
            ring(&ramp.at(0.14).css(), 42.0, 0.0),
            ring(&ramp.at(0.56).css(), 28.0, -3.0),
            ring(&ramp.at(0.94).css(), 9.0, -7.0),
            ramp.at(0.14).css(),
            ramp.at(0.52).css(),
            ramp.at(0.98).css(),
        )
    });
    for (k, (at, direction)) in spaced(points, size * 1.58).into_iter().enumerate() {
        let pose = Pose::roll(direction.y.atan2(direction.x).to_degrees()).then(Pose::at(at));
        canvas.place(if k % 2 == 0 { "link" } else { "edge" }, &pose, size);
    }
}

/// Places at equal distances along the points, with the direction of the curve there.
pub(super) fn spaced(points: &[V3], step: f64) -> Vec<(V3, V3)> {
    let mut places = Vec::new();
    let mut left = 0.0;
    for pair in points.windows(2) {
        let way = pair[1] - pair[0];
        let length = way.dot(way).sqrt();
        while left <= length {
            places.push((pair[0] + way * (left / length), way.unit()));
            left += step;
        }
        left -= length;
    }
    places
}

/// A smooth curve (cubic Bezier) as points.
pub(super) fn curve(from: V3, one: V3, two: V3, to: V3) -> Vec<V3> {
    (0..=48)
        .map(|k| {
            let t = f64::from(k) / 48.0;
            let (a, b, c) = (from.lerp(one, t), one.lerp(two, t), two.lerp(to, t));
            a.lerp(b, t).lerp(b.lerp(c, t), t)
        })
        .collect()
}

/// The line of a necklace hanging from above the picture: down to `depth`, `width` wide at the top edge.
pub(super) fn hanging(width: f64, depth: f64) -> Vec<V3> {
    let top = 1010.0;
    let left = curve(
        v3(-width, top, 0.0),
        v3(-width * 0.96, top - (top - depth) * 0.52, 0.0),
        v3(-width * 0.5, depth, 0.0),
        v3(0.0, depth, 0.0),
    );
    let right = left.iter().rev().skip(1).map(|p| v3(-p.x, p.y, 0.0));
    left.iter().copied().chain(right).collect()
}
