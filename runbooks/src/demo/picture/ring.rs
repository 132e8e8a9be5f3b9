//! Rings: a band standing on a plinth, and what is set on it.

use super::canvas::Canvas;
use super::sweep::{self, COURT, FLAT};
use super::vector::{Pose, V3, v3};
use super::{Cut, Design, Motif, Stone, View, gem};

/// Inner radius of the band.
const RADIUS: f64 = 430.0;

pub(super) fn draw(canvas: &mut Canvas, design: Design, view: View) {
    let turn = canvas.noise.between(-4.0, 4.0);
    let pose = match view {
        View::Front => Pose::yaw(-32.0 + turn).then(Pose::pitch(27.0)).then(Pose::at(v3(0.0, -130.0, 0.0))),
        View::Detail => Pose::yaw(34.0 + turn).then(Pose::pitch(52.0)).then(Pose::at(v3(0.0, -70.0, 0.0))),
    };
    let (half_width, thickness, profile) = match design.motif {
        Motif::Band => (62.0, 46.0, COURT),
        Motif::FlatBand => (80.0, 42.0, FLAT),
        Motif::Signet => (64.0, 52.0, COURT),
        Motif::Eternity => (50.0, 44.0, FLAT),
        _ => (37.0, 46.0, COURT),
    };
    // Few stones leave room for a smoother band.
    let steps = match design.motif {
        Motif::FlatBand | Motif::Eternity => 150,
        Motif::Solitaire | Motif::Band | Motif::Signet => 80,
        _ => 66,
    };
    let frames = sweep::circle(&pose, (RADIUS, RADIUS), (0.0, 360.0), steps, |degrees| {
        // A signet swells towards its table.
        let top = (degrees.to_radians().cos() * 0.5 + 0.5).powi(3);
        let swell = if design.motif == Motif::Signet { 1.0 + 1.5 * top } else { 0.92 + 0.1 * top };
        (thickness * if design.motif == Motif::Signet { 0.8 + 0.5 * top } else { 1.0 }, half_width * swell)
    });
    sweep::draw(canvas, &frames, profile);
    let crown = RADIUS + thickness;
    match design.motif {
        Motif::Solitaire => set(canvas, &on_top(&pose, 0.0, crown + 84.0, 0.0), 152.0, design.cut, design.stone),
        Motif::PaveSolitaire => {
            shoulders(canvas, &pose, crown, design.accent);
            set(canvas, &on_top(&pose, 0.0, crown + 84.0, 0.0), 146.0, design.cut, design.stone);
        }
        Motif::Halo => {
            shoulders(canvas, &pose, crown, design.accent);
            let seat = on_top(&pose, 0.0, crown + 70.0, 0.0);
            halo(canvas, &seat, 128.0, design.cut, design.accent);
            set(canvas, &on_top(&pose, 0.0, crown + 84.0, 0.0), 122.0, design.cut, design.stone);
        }
        Motif::ThreeStone => {
            for side in [-1.0, 1.0] {
                let seat = on_top(&pose, side * 25.0, crown + 44.0, 0.0);
                set(canvas, &seat, 88.0, Cut::Round, design.accent);
            }
            set(canvas, &on_top(&pose, 0.0, crown + 92.0, 0.0), 132.0, design.cut, design.stone);
        }
        Motif::ToiEtMoi => {
            set(canvas, &on_top(&pose, 15.0, crown + 62.0, 24.0), 112.0, design.cut, design.stone);
            set(canvas, &on_top(&pose, -14.0, crown + 66.0, -26.0), 112.0, Cut::Round, design.accent);
        }
        Motif::Signet => signet_table(canvas, &pose, crown, design),
        Motif::Eternity => {
            let places: Vec<f64> = (0..30).map(|k| f64::from(k) * 12.0).collect();
            row(canvas, &pose, crown + 2.0, &places, 46.0, design.stone);
        }
        Motif::Band => milgrain(canvas, &pose, crown, half_width),
        _ => {}
    }
}

/// A setting on the outside of the band: degrees from the top, height above the axis, place across the band.
fn on_top(pose: &Pose, degrees: f64, height: f64, across: f64) -> Pose {
    // The stone's table looks outwards, its long side runs across the finger's direction.
    Pose::pitch(-90.0).then(Pose::at(v3(0.0, height, across))).then(Pose::roll(-degrees)).then(*pose)
}

/// A stone in claws.
fn set(canvas: &mut Canvas, seat: &Pose, size: f64, cut: Cut, stone: Stone) {
    if cut == Cut::Cabochon || matches!(stone, Stone::Pearl | Stone::GoldenPearl | Stone::TahitianPearl) {
        return bezel(canvas, seat, size, cut, stone);
    }
    let claws: &[f64] = match cut {
        Cut::Marquise => &[0.0, 68.0, 112.0, 180.0, 248.0, 292.0],
        Cut::Pear => &[0.0, 75.0, 140.0, 220.0, 285.0],
        Cut::Oval => &[28.0, 152.0, 208.0, 332.0],
        Cut::Emerald => &[36.0, 144.0, 216.0, 324.0],
        _ => &[45.0, 135.0, 225.0, 315.0],
    };
    let at = |degrees: f64, radius: f64, height: f64| -> V3 {
        let (x, y) = gem::girdle(cut, degrees.to_radians());
        seat.apply(v3(x * size * radius, y * size * radius, height * size))
    };
    // The gallery: a rail under the girdle and the foot of the setting.
    let rail: Vec<V3> = (0..=32).map(|k| at(f64::from(k) * 11.25, 0.66, -0.36)).collect();
    let foot = seat.apply(v3(0.0, 0.0, -0.75 * size));
    let (mut behind, mut before): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for &degrees in claws {
        let claw = [
            foot.lerp(at(degrees, 0.3, -0.75), 0.9),
            at(degrees, 0.66, -0.36),
            at(degrees, 1.04, -0.02),
            at(degrees, 1.02, 0.08),
            at(degrees, 0.86, 0.2),
        ];
        let near = at(degrees, 1.0, 0.0).z > seat.origin().z;
        if near { before.push(claw) } else { behind.push(claw) }
    }
    let width = (size * 0.12).max(10.0);
    canvas.rod(&rail, width * 0.9);
    canvas.rods(&behind.iter().map(|claw| &claw[..]).collect::<Vec<_>>(), width);
    gem::draw(canvas, seat, size, cut, stone);
    let tips = behind.iter().map(|claw| &claw[3..]).chain(before.iter().map(|claw| &claw[..]));
    canvas.rods(&tips.collect::<Vec<_>>(), width);
    for claw in behind.iter().chain(&before) {
        canvas.ball(claw[4], width * 0.62);
    }
}

/// A smooth stone in a rim of metal.
fn bezel(canvas: &mut Canvas, seat: &Pose, size: f64, cut: Cut, stone: Stone) {
    let rim = Pose::at(v3(0.0, 0.0, -0.1 * size)).then(*seat);
    let tall = if cut == Cut::Cabochon { 1.32 } else { 1.0 };
    let frames = sweep::circle(&rim, (size, size * tall), (0.0, 360.0), 72, |_| (size * 0.1, size * 0.3));
    sweep::draw(canvas, &frames, FLAT);
    if cut == Cut::Cabochon {
        gem::draw(canvas, &rim, size, cut, stone);
    } else {
        canvas.pearl(seat.apply(v3(0.0, 0.0, 0.35 * size)), size, stone);
    }
}

/// Small stones around the girdle of a large one.
pub(super) fn halo(canvas: &mut Canvas, seat: &Pose, size: f64, cut: Cut, stone: Stone) {
    let around = gem_path(cut, size * 1.26);
    let small = size * 0.155;
    let length: f64 = around.windows(2).map(|pair| distance(pair[0], pair[1])).sum();
    let count = (length / (small * 2.08)).round().max(8.0);
    let mut stones: Vec<Pose> = Vec::new();
    for k in 0..count as usize {
        let at = along(&around, length * k as f64 / count);
        stones.push(Pose::at(v3(at.x, at.y, 0.0)).then(*seat));
    }
    let rail: Vec<V3> = around.iter().map(|&p| seat.apply(p + v3(0.0, 0.0, -14.0))).collect();
    canvas.rod(&rail, small * 2.0);
    for stone_pose in &stones {
        gem::melee(canvas, stone_pose, small, stone);
    }
}

fn gem_path(cut: Cut, size: f64) -> Vec<V3> {
    (0..=64)
        .map(|k| {
            let (x, y) = gem::girdle(cut, f64::from(k) / 64.0 * std::f64::consts::TAU);
            // Further from the middle by the same distance everywhere, not by the same share.
            let r = (x * x + y * y).sqrt().max(0.01);
            let grow = (r * size / 1.26 + size * 0.2) / r;
            v3(x * grow, y * grow, 0.0)
        })
        .collect()
}

fn distance(a: V3, b: V3) -> f64 {
    (a - b).dot(a - b).sqrt()
}

fn along(path: &[V3], mut way: f64) -> V3 {
    for pair in path.windows(2) {
        let step = distance(pair[0], pair[1]);
        if way <= step {
            return pair[0].lerp(pair[1], way / step.max(1e-9));
        }
        way -= step;
    }
    path[path.len() - 1]
}

/// A row of small stones on the outside of the band, far ones first.
fn row(canvas: &mut Canvas, pose: &Pose, height: f64, places: &[f64], size: f64, stone: Stone) {
    let mut seats: Vec<Pose> = places.iter().map(|&degrees| on_top(pose, degrees, height, 0.0)).collect();
    seats.sort_by(|a, b| a.origin().z.total_cmp(&b.origin().z));
    for seat in &seats {
        gem::melee(canvas, seat, size, stone);
    }
}

fn shoulders(canvas: &mut Canvas, pose: &Pose, crown: f64, stone: Stone) {
    let places: Vec<f64> = (0..8).flat_map(|k| [16.0 + f64::from(k) * 7.6, -16.0 - f64::from(k) * 7.6]).collect();
    row(canvas, pose, crown + 1.0, &places, 27.0, stone);
}

/// Fine beads along both edges of a plain band.
fn milgrain(canvas: &mut Canvas, pose: &Pose, crown: f64, half_width: f64) {
    let mut beads: Vec<V3> = Vec::new();
    for k in 0..72 {
        let (s, c) = (f64::from(k) * 5.0).to_radians().sin_cos();
        for side in [-0.8, 0.8] {
            let radius = crown - 6.0;
            let facing = pose.turn(v3(s, c, side * 0.7)).z;
            if facing > 0.05 {
                beads.push(pose.apply(v3(radius * s, radius * c, side * half_width)));
            }
        }
    }
    beads.sort_by(|a, b| a.z.total_cmp(&b.z));
    for bead in beads {
        canvas.ball(bead, 9.0);
    }
}

/// The engraved table of a signet, or the stone let into it.
fn signet_table(canvas: &mut Canvas, pose: &Pose, crown: f64, design: Design) {
    let seat = on_top(pose, 0.0, crown + 18.0, 0.0);
    let frames = sweep::circle(&seat, (128.0, 150.0), (0.0, 360.0), 48, |_| (20.0, 34.0));
    sweep::draw(canvas, &frames, FLAT);
    let plate = Pose::at(v3(0.0, 0.0, 20.0)).then(seat);
    let ramp = super::colour::stone(design.stone);
    canvas.define("plate", |_| {
        format!(
            concat!(
                r#"<linearGradient id="pg" x2=".8" y2="1"><stop stop-color="{}"/><stop offset=".38" stop-color="{}"/>"#,
                r#"<stop offset=".42" stop-color="{}"/><stop offset="1" stop-color="{}"/></linearGradient>"#,
                r#"<ellipse id="plate" rx="100" ry="117" fill="url(#pg)"/>"#
            ),
            ramp.at(0.5).css(),
            ramp.at(0.68).css(),
            ramp.at(0.36).css(),
            ramp.at(0.14).css()
        )
    });
    canvas.place("plate", &plate, 130.0);
    // A star of eight rays, engraved.
    let star = Pose::at(v3(0.0, 0.0, 21.0)).then(seat);
    let gold = canvas.ramp();
    let mut rays = super::canvas::Faces::default();
    for k in 0..8 {
        let long = if k % 2 == 0 { 92.0 } else { 50.0 };
        let (s, c) = (f64::from(k) * 45.0).to_radians().sin_cos();
        let (ss, cc) = (f64::from(k) * 45.0 + 22.5).to_radians().sin_cos();
        let (ts, tc) = (f64::from(k) * 45.0 - 22.5).to_radians().sin_cos();
        let tip = star.apply(v3(s * long, c * long, 0.0));
        let heart = star.apply(v3(0.0, 0.0, 0.0));
        rays.add(gold.at(0.9), &[heart, star.apply(v3(ss * 15.0, cc * 15.0, 0.0)), tip]);
        rays.add(gold.at(0.45), &[heart, star.apply(v3(ts * 15.0, tc * 15.0, 0.0)), tip]);
    }
    canvas.faces(rays);
}
