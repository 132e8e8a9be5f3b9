//! Metal made by drawing a cross-section along a curve: bands, bangles, hoops, cuffs, stems.

use super::canvas::{Canvas, Faces};
use super::colour::Rgb;
use super::light;
use super::vector::{Pose, V3, v3};

/// The cross-section's place along the curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) at: V3,
    /// Away from the middle of the curve.
    pub(super) out: V3,
    /// Across the band.
    pub(super) across: V3,
    /// How large the cross-section is here: (outwards, across).
    pub(super) scale: (f64, f64),
}

/// The cross-section of a band: flat inside, softly domed outside; units are half widths.
pub(super) const COURT: &[(f64, f64)] = &[
    (0.0, 1.0),
    (0.55, 1.0),
    (0.82, 0.8),
    (0.97, 0.38),
    (1.0, 0.0),
    (0.97, -0.38),
    (0.82, -0.8),
    (0.55, -1.0),
    (0.0, -1.0),
    (-0.08, -0.45),
    (-0.08, 0.45),
];

/// A band with a flat outside and crisp edges.
pub(super) const FLAT: &[(f64, f64)] =
    &[(0.0, 1.0), (0.8, 1.0), (1.0, 0.86), (1.0, -0.86), (0.8, -1.0), (0.0, -1.0), (-0.06, -0.4), (-0.06, 0.4)];

/// A round wire.
pub(super) const WIRE: &[(f64, f64)] =
    &[(-1.0, 0.0), (-0.71, 0.71), (0.0, 1.0), (0.71, 0.71), (1.0, 0.0), (0.71, -0.71), (0.0, -1.0), (-0.71, -0.71)];

/// The frames of a circle in the plane of the pose, from angle to angle (degrees, 0 at the top, clockwise).
pub(super) fn circle(
    pose: &Pose,
    radii: (f64, f64),
    angles: (f64, f64),
    steps: usize,
    scale: impl Fn(f64) -> (f64, f64),
) -> Vec<Frame> {
    (0..=steps)
        .map(|step| {
            let degrees = angles.0 + (angles.1 - angles.0) * step as f64 / steps as f64;
            let (s, c) = degrees.to_radians().sin_cos();
            Frame {
                at: pose.apply(v3(radii.0 * s, radii.1 * c, 0.0)),
                out: pose.turn(v3(s / radii.0, c / radii.1, 0.0)).unit(),
                across: pose.facing(),
                scale: scale(degrees),
            }
        })
        .collect()
}

/// The frames of a flat curve through the points, in the plane of the picture.
pub(super) fn ribbon(points: &[V3], scale: impl Fn(f64) -> (f64, f64)) -> Vec<Frame> {
    let last = points.len().saturating_sub(1);
    (0..=last)
        .map(|i| {
            let along = points[(i + 1).min(last)] - points[i.saturating_sub(1)];
            Frame {
                at: points[i],
                out: v3(0.0, 0.0, 1.0),
                across: v3(-along.y, along.x, 0.0).unit(),
                scale: scale(i as f64 / last.max(1) as f64),
            }
        })
        .collect()
}

/// Draws the cross-section along the frames: what is far and what is inside first.
pub(super) fn draw(canvas: &mut Canvas, frames: &[Frame], profile: &[(f64, f64)]) {
    let ramp = canvas.ramp();
    let middle = frames.iter().fold(v3(0.0, 0.0, 0.0), |sum, frame| sum + frame.at) * (1.0 / frames.len() as f64);
    let mut layers: [Faces; 4] = Default::default();
    let corner = |frame: &Frame, j: usize| {
        let (out, across) = profile[j % profile.len()];
        frame.at + frame.out * (out * frame.scale.0) + frame.across * (across * frame.scale.1)
    };
    for j in 0..profile.len() {
        // Neighbours of one shade are one face.
        let mut run: Option<(usize, Rgb, Vec<V3>, Vec<V3>)> = None;
        for pair in frames.windows(2) {
            let quad = [corner(&pair[0], j), corner(&pair[0], j + 1), corner(&pair[1], j + 1), corner(&pair[1], j)];
            let core = |frame: &Frame| frame.at + frame.out * (0.4 * frame.scale.0);
            let centre = (quad[0] + quad[1] + quad[2] + quad[3]) * 0.25;
            let inside = (core(&pair[0]) + core(&pair[1])) * 0.5;
            let mut normal = (quad[2] - quad[0]).cross(quad[3] - quad[1]).unit();
            if normal.dot(centre - inside) < 0.0 {
                normal = normal * -1.0;
            }
            let face = (normal.z > 0.0).then(|| {
                let near = usize::from(inside.z > middle.z);
                let outer = usize::from(normal.dot(pair[0].out) > -0.3);
                (near * 2 + outer, ramp.at(light::polished(normal)))
            });
            if let (Some((layer, colour, one, other)), Some(next)) = (&mut run, face)
                && (*layer, *colour) == next
            {
                one.push(quad[3]);
                other.push(quad[2]);
                continue;
            }
            flush(&mut layers, run.take());
            run = face.map(|(layer, colour)| (layer, colour, vec![quad[0], quad[3]], vec![quad[1], quad[2]]));
        }
        flush(&mut layers, run);
    }
    canvas.define("soft", |_| {
        r#"<filter id="soft" x="-.05" y="-.05" width="1.1" height="1.1"><feGaussianBlur stdDeviation="2.4"/></filter>"#.to_owned()
    });
    // A breath of blur: polished metal has no facets.
    canvas.raw(r#"<g filter="url(#soft)">"#);
    for faces in layers {
        canvas.faces(faces);
    }
    canvas.raw("</g>");
}

fn flush(layers: &mut [Faces; 4], run: Option<(usize, Rgb, Vec<V3>, Vec<V3>)>) {
    if let Some((layer, colour, mut points, other)) = run {
        points.extend(other.into_iter().rev());
        layers[layer].add(colour, &points);
    }
}
