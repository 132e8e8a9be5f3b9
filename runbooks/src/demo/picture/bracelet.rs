//! Bracelets: lying on a broad plinth, seen from above.

use super::canvas::Canvas;
use super::chain::cable;
use super::sweep::{self, COURT, FLAT};
use super::vector::{Pose, V3, v3};
use super::{Design, Motif, View, gem};

pub(super) fn draw(canvas: &mut Canvas, design: Design, view: View) {
    let zoom = if view == View::Front { 1.06 } else { 1.14 };
    let spin = canvas.noise.between(-20.0, 20.0);
    let tip = if view == View::Front { 38.0 } else { 46.0 };
    // Lying flat: its axis points up, then the viewer looks down at it.
    let pose = Pose::roll(spin).then(Pose::pitch(tip - 90.0)).then(Pose::at(v3(0.0, -110.0, 0.0)));
    let radius = 540.0 * zoom;
    match design.motif {
        Motif::Bangle | Motif::Cuff => metal(canvas, &pose, radius, zoom, design),
        Motif::Tennis => tennis(canvas, &pose, radius, zoom, design),
        Motif::PearlBracelet => pearls(canvas, &pose, radius, zoom, design),
        _ => charm(canvas, &pose, radius, zoom, design),
    }
}

fn metal(canvas: &mut Canvas, pose: &Pose, radius: f64, zoom: f64, design: Design) {
    let cuff = design.motif == Motif::Cuff;
    let (angles, half) = if cuff { ((22.0, 338.0), 92.0) } else { ((0.0, 360.0), 46.0) };
    let lift = Pose::at(v3(0.0, 0.0, half * zoom)).then(*pose);
    let frames = sweep::circle(&lift, (radius, radius * 0.9), angles, 84, |degrees| {
        let end = if cuff { ((degrees - 22.0).min(338.0 - degrees) / 40.0).clamp(0.35, 1.0) } else { 1.0 };
        (28.0 * zoom, half * zoom * end)
    });
    sweep::draw(canvas, &frames, if cuff { COURT } else { FLAT });
    let spread = if cuff { 4 } else { 14 };
    let mut seats: Vec<Pose> = (-spread..=spread)
        .map(|k| {
            let degrees = 180.0 + f64::from(k) * if cuff { 11.0 } else { 6.6 };
            let (s, c) = degrees.to_radians().sin_cos();
            Pose::pitch(-90.0)
                .then(Pose::roll(-degrees))
                .then(Pose::at(v3(s * (radius + 30.0 * zoom), c * (radius * 0.9 + 30.0 * zoom), 0.0)))
                .then(lift)
        })
        .collect();
    seats.sort_by(|a, b| a.origin().z.total_cmp(&b.origin().z));
    let size = if cuff { 46.0 } else { 33.0 };
    for (k, seat) in seats.iter().enumerate() {
        let stone = if k % 2 == 0 { design.stone } else { design.accent };
        gem::melee(canvas, seat, size * zoom, stone);
    }
}

/// The closed line of a bracelet on the plinth, far side first.
fn loop_line(pose: &Pose, radius: f64, lift: f64) -> Vec<V3> {
    (0..=180)
        .map(|k| {
            let degrees = f64::from(k) * 2.0;
            let (s, c) = degrees.to_radians().sin_cos();
            // Not quite a circle: a bracelet falls as it likes.
            let ease =
                1.0 + 0.035 * (2.0 * degrees.to_radians() + 0.7).sin() + 0.025 * (3.0 * degrees.to_radians()).cos();
            pose.apply(v3(s * radius * ease, c * radius * 0.9 * ease, lift))
        })
        .collect()
}

fn tennis(canvas: &mut Canvas, pose: &Pose, radius: f64, zoom: f64, design: Design) {
    let size = 43.0 * zoom;
    let line = loop_line(pose, radius, size);
    canvas.rod(&line, size * 0.8);
    let count = 44;
    let mut stones: Vec<(V3, usize)> = (0..count)
        .map(|k| {
            let degrees = k as f64 * 360.0 / count as f64;
            (line[(degrees / 2.0).round() as usize % 180], k)
        })
        .collect();
    stones.sort_by(|a, b| a.0.z.total_cmp(&b.0.z));
    for (at, k) in stones {
        let seat = Pose::pitch(-18.0).then(Pose::at(at));
        let stone = if k % 2 == 0 { design.stone } else { design.accent };
        gem::melee(canvas, &seat, size, stone);
    }
}

fn pearls(canvas: &mut Canvas, pose: &Pose, radius: f64, zoom: f64, design: Design) {
    let size = 57.0 * zoom;
    let line = loop_line(pose, radius, size);
    let count = 28;
    let mut beads: Vec<V3> = (0..count).map(|k| line[(k * 180 / count) % 180]).collect();
    beads.sort_by(|a, b| a.z.total_cmp(&b.z));
    let last = beads.len() - 1;
    for (k, at) in beads.into_iter().enumerate() {
        if k == last {
            canvas.ball(at, size * 1.02);
            gem::melee(canvas, &Pose::pitch(-10.0).then(Pose::at(at + v3(0.0, 4.0, size))), size * 0.6, design.accent);
        } else {
            canvas.pearl(at, size, design.stone);
        }
    }
}

fn charm(canvas: &mut Canvas, pose: &Pose, radius: f64, zoom: f64, design: Design) {
    let line = loop_line(pose, radius, 20.0);
    cable(canvas, &line, 30.0 * zoom);
    let near = line.iter().copied().min_by(|a, b| a.y.total_cmp(&b.y)).unwrap_or(v3(0.0, 0.0, 0.0));
    let seat = Pose::pitch(-24.0).then(Pose::at(near + v3(0.0, -104.0 * zoom, 40.0)));
    let rim = sweep::circle(&seat, (88.0 * zoom, 88.0 * zoom), (0.0, 360.0), 44, |_| (11.0 * zoom, 18.0 * zoom));
    sweep::draw(canvas, &rim, FLAT);
    gem::draw(canvas, &seat, 84.0 * zoom, design.cut, design.stone);
    canvas.ball(near + v3(0.0, -8.0 * zoom, 30.0), 15.0 * zoom);
}
