//! Necklaces: seen from the front, hanging from above the picture.

use super::canvas::Canvas;
use super::chain::{cable, hanging, spaced};
use super::sweep::{self, WIRE};
use super::vector::{Pose, V3, v3};
use super::{Cut, Design, Motif, Stone, View, earring, gem, ring};

pub(super) fn draw(canvas: &mut Canvas, design: Design, view: View) {
    // The second picture comes closer to what hangs in the middle.
    let zoom = if view == View::Front { 1.22 } else { 1.75 };
    let depth = if view == View::Front { -90.0 } else { 140.0 };
    let sway = canvas.noise.between(-5.0, 5.0);
    let tilt = Pose::pitch(12.0).then(Pose::yaw(sway * 1.6));
    match design.motif {
        Motif::Strand => strand(canvas, design.stone, zoom / 1.22),
        Motif::Riviere => riviere(canvas, design, zoom / 1.22),
        Motif::Station => {
            let line = hanging(620.0 * zoom.sqrt(), depth - 330.0);
            cable(canvas, &line, 15.0 * zoom.sqrt());
            stations(canvas, &line, design, 44.0 * zoom);
        }
        _ => {
            let line = hanging(600.0, depth);
            cable(canvas, &line, 14.5 * zoom);
            pendant(canvas, &tilt, depth, zoom, design);
        }
    }
}

fn pendant(canvas: &mut Canvas, tilt: &Pose, depth: f64, zoom: f64, design: Design) {
    bail(canvas, depth, zoom);
    let hang = |drop: f64| tilt.then(Pose::at(v3(0.0, depth - drop * zoom, 0.0)));
    match design.motif {
        Motif::Medallion => medallion(canvas, &hang(250.0), 190.0 * zoom, design),
        Motif::HaloPendant => {
            let seat = hang(275.0);
            ring::halo(canvas, &seat, 122.0 * zoom, design.cut, design.accent);
            gem::draw(canvas, &seat, 124.0 * zoom, design.cut, design.stone);
        }
        _ => {
            let drop = if matches!(design.cut, Cut::Pear | Cut::Marquise) { 300.0 } else { 265.0 };
            gem::melee(canvas, &hang(86.0), 30.0 * zoom, design.accent);
            earring::drop_stone(canvas, &hang(drop), 132.0 * zoom, design.cut, design.stone);
        }
    }
}

/// The loop by which a pendant hangs.
fn bail(canvas: &mut Canvas, depth: f64, zoom: f64) {
    let pose = Pose::yaw(58.0).then(Pose::at(v3(0.0, depth - 26.0 * zoom, 0.0)));
    let frames = sweep::circle(&pose, (24.0 * zoom, 44.0 * zoom), (0.0, 360.0), 28, |_| (9.0 * zoom, 13.0 * zoom));
    sweep::draw(canvas, &frames, WIRE);
}

fn medallion(canvas: &mut Canvas, seat: &Pose, size: f64, design: Design) {
    let ramp = canvas.ramp();
    canvas.define("disc", |_| {
        let brushed: String = (0..72)
            .map(|k| {
                let (s, c) = (f64::from(k) * 5.0).to_radians().sin_cos();
                let from = if k % 2 == 0 { 40.0 } else { 52.0 };
                format!("M{:.0} {:.0}L{:.0} {:.0}", s * from, -c * from, s * 88.0, -c * 88.0)
            })
            .collect();
        format!(
            concat!(
                r#"<linearGradient id="dg" x1=".1" y1="0" x2=".9" y2="1"><stop stop-color="{0}"/><stop offset=".45" stop-color="{1}"/>"#,
                r#"<stop offset=".6" stop-color="{2}"/><stop offset="1" stop-color="{3}"/></linearGradient>"#,
                r#"<g id="disc"><circle r="98" fill="url(#dg)"/><path d="{4}" stroke="{3}" stroke-width="1.3" opacity=".55"/></g>"#
            ),
            ramp.at(0.92).css(),
            ramp.at(0.6).css(),
            ramp.at(0.78).css(),
            ramp.at(0.36).css(),
            brushed
        )
    });
    canvas.place("disc", seat, size);
    let rim: Vec<V3> = (0..=72)
        .map(|k| {
            let (s, c) = (f64::from(k) * 5.0).to_radians().sin_cos();
            seat.apply(v3(s * size, c * size, 0.0))
        })
        .collect();
    canvas.rod(&rim, size * 0.09);
    for k in 0..12 {
        let (s, c) = (f64::from(k) * 30.0).to_radians().sin_cos();
        let at = Pose::at(v3(s * size * 0.76, c * size * 0.76, 4.0)).then(*seat);
        gem::melee(canvas, &at, size * if k % 3 == 0 { 0.075 } else { 0.045 }, design.accent);
    }
    gem::melee(canvas, &Pose::at(v3(0.0, 0.0, 6.0)).then(*seat), size * 0.3, design.stone);
}

fn stations(canvas: &mut Canvas, line: &[V3], design: Design, size: f64) {
    let places = spaced(line, size * 7.4);
    let middle = places.len() / 2;
    for (k, (at, direction)) in places.into_iter().enumerate() {
        let pose = Pose::roll(direction.y.atan2(direction.x).to_degrees()).then(Pose::pitch(8.0)).then(Pose::at(at));
        let size = if k == middle { size * 1.15 } else { size };
        if is_pearl(design.stone) {
            canvas.pearl(at, size, design.stone);
        } else {
            canvas.ball(at - direction * size, size * 0.24);
            canvas.ball(at + direction * size, size * 0.24);
            gem::melee(canvas, &pose, size, if k % 2 == 0 { design.stone } else { design.accent });
        }
    }
}

/// A row of stones that grow towards the middle.
fn riviere(canvas: &mut Canvas, design: Design, zoom: f64) {
    let line = hanging(590.0 * zoom.sqrt(), -420.0 + 330.0 * (zoom - 1.0));
    let total: f64 = line.windows(2).map(|p| (p[1] - p[0]).dot(p[1] - p[0]).sqrt()).sum();
    let mut way = 0.0;
    let mut last = 0.0;
    for (at, direction) in spaced(&line, 4.0) {
        let middle = 1.0 - (way / total * 2.0 - 1.0).abs();
        let size = zoom * (26.0 + 40.0 * middle.powf(1.4));
        if way == 0.0 || way - last >= size * 1.98 {
            last = way;
            let pose =
                Pose::roll(direction.y.atan2(direction.x).to_degrees()).then(Pose::pitch(10.0)).then(Pose::at(at));
            gem::melee(canvas, &pose, size, design.stone);
            canvas.ball(at + direction * size, size * 0.16);
        }
        way += 4.0;
    }
}

fn strand(canvas: &mut Canvas, stone: Stone, zoom: f64) {
    let line = hanging(560.0 * zoom.sqrt(), -330.0 + 280.0 * (zoom - 1.0));
    let size = 46.0 * zoom;
    for (at, _) in spaced(&line, size * 1.97) {
        let size = size * canvas.noise.between(0.985, 1.015);
        canvas.pearl(at, size, stone);
    }
}

pub(super) fn is_pearl(stone: Stone) -> bool {
    matches!(stone, Stone::Pearl | Stone::GoldenPearl | Stone::TahitianPearl)
}
