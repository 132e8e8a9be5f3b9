//! Brooches: pinned to a plaster disc, seen from the front.

use super::canvas::{Canvas, Faces, SHEET, outline, sheet};
use super::chain::curve;
use super::colour::{self, Ramp};
use super::light;
use super::sweep::{self, WIRE};
use super::vector::{Pose, V3, v3};
use super::{Cut, Design, Motif, Stone, View, gem, necklace};

pub(super) fn draw(canvas: &mut Canvas, design: Design, view: View) {
    let zoom = if view == View::Front { 1.08 } else { 1.22 };
    let lean = canvas.noise.between(-9.0, 9.0);
    let pose = match view {
        View::Front => Pose::roll(lean).then(Pose::pitch(10.0)),
        View::Detail => Pose::roll(lean + 14.0).then(Pose::pitch(24.0)).then(Pose::yaw(-16.0)),
    };
    match design.motif {
        Motif::Blossom => blossom(canvas, &pose, zoom, design),
        Motif::Fern => fern(canvas, &pose, zoom, design),
        Motif::Crescent => crescent(canvas, &pose, zoom, design),
        Motif::Starburst => starburst(canvas, &pose, zoom, design),
        _ => dragonfly(canvas, &pose, zoom, design),
    }
}

/// A petal of metal, ridged along its middle; its length runs along y from its foot.
fn petal(canvas: &mut Canvas, pose: &Pose, length: f64, width: f64) {
    let id = canvas.serial();
    let at = |t: f64, across: f64| pose.apply(v3(across * blade(t) * width, t * length, 0.0));
    let svg = halves(&format!("p{id}"), &canvas.ramp(), pose, at, 14);
    canvas.raw(&svg);
    // Darker towards the foot, where neighbours stand in its light.
    let edges = rim(at, 14);
    let (from, to) = (sheet(at(0.05, 0.0)), sheet(at(0.62, 0.0)));
    canvas.raw(&format!(
        concat!(
            r#"<linearGradient id="f{0}" gradientUnits="userSpaceOnUse" x1="{1}" y1="{2}" x2="{3}" y2="{4}"><stop stop-color="{5}" stop-opacity=".8"/>"#,
            r#"<stop offset="1" stop-color="{5}" stop-opacity="0"/></linearGradient><path d="{6}" fill="url(#f{0})"/>"#
        ),
        id,
        from.0,
        from.1,
        to.0,
        to.1,
        canvas.ramp().at(0.06).css(),
        outline(&edges)
    ));
    canvas.rods(&[&edges, &[at(0.0, 0.0), at(0.95, 0.0)]], length * 0.02);
}

/// A small leaf; leaves of one name are drawn once and look alike, as on a frond they do.
fn leaf(canvas: &mut Canvas, name: &str, pose: &Pose, length: f64) {
    let ramp = canvas.ramp();
    canvas.define(name, |_| {
        // The sheet's middle is the definition's origin.
        let middle = v3(-SHEET.0 / 2.0, SHEET.1 / 2.0, 0.0);
        let at = |t: f64, across: f64| middle + v3(across * blade(t) * 20.0, t * 100.0, 0.0);
        format!(
            r#"<g id="{name}">{}<path d="{}" fill="none" stroke="{}" stroke-width="1.6"/></g>"#,
            halves(&format!("{name}g"), &ramp, pose, at, 9),
            outline(&rim(at, 9)),
            ramp.at(0.8).css()
        )
    });
    canvas.place(name, pose, length);
}

/// How broad a leaf is along its length, 0..=1 both.
fn blade(t: f64) -> f64 {
    t.powf(0.62) * (1.0 - t).powf(0.5) * 1.62
}

/// The outline of a leaf.
fn rim(at: impl Fn(f64, f64) -> V3, steps: u32) -> Vec<V3> {
    (0..=steps).map(|k| at(step(k, steps), -1.0)).chain((0..steps).rev().map(|k| at(step(k, steps), 1.0))).collect()
}

/// Places along a leaf, closer together where it curves: at its foot and its tip.
fn step(k: u32, steps: u32) -> f64 {
    0.5 - 0.5 * (f64::from(k) / f64::from(steps) * std::f64::consts::PI).cos()
}

/// Both halves of a leaf, each one shape under a gradient from the ridge to the edge, lit as the pose turns it.
fn halves(id: &str, ramp: &Ramp, pose: &Pose, at: impl Fn(f64, f64) -> V3, steps: u32) -> String {
    let half = |side: f64| {
        let edge: Vec<V3> = (0..=steps).map(|k| at(step(k, steps), side)).collect();
        let (from, to) = (sheet(at(0.55, 0.0)), sheet(at(0.55, side)));
        // How far from the ridge, and how much the metal leans outwards there.
        let stops: String = [(0.0, -0.5), (0.25, 0.1), (0.6, 0.42), (0.85, 0.75), (1.0, 1.0)]
            .map(|(at, lean): (f64, f64)| {
                let light = light::polished(pose.turn(v3(side * lean, 0.2, 1.0).unit()));
                format!(r#"<stop offset="{at}" stop-color="{}"/>"#, ramp.at(light).css())
            })
            .concat();
        let name = if side < 0.0 { format!("{id}l") } else { format!("{id}r") };
        format!(
            r#"<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{}" y1="{}" x2="{}" y2="{}">{stops}</linearGradient><path d="{}" fill="url(#{name})"/>"#,
            from.0,
            from.1,
            to.0,
            to.1,
            outline(&edge)
        )
    };
    half(-1.0) + &half(1.0)
}

/// Small stones along the middle of a petal.
fn petal_stones(canvas: &mut Canvas, pose: &Pose, length: f64, size: f64, stone: Stone, count: u32) {
    for k in 0..count {
        let t = 0.24 + 0.56 * f64::from(k) / f64::from(count.max(2) - 1);
        let at = Pose::at(v3(0.0, t * length, 30.0)).then(*pose);
        gem::melee(canvas, &at, size * (1.0 - 0.42 * f64::from(k) / f64::from(count)), stone);
    }
}

fn blossom(canvas: &mut Canvas, pose: &Pose, zoom: f64, design: Design) {
    // An orchid: three sepals behind, two broad petals, a lip.
    for degrees in [0.0, 128.0, -128.0] {
        let leaf = Pose::roll(degrees).then(*pose);
        petal(canvas, &leaf, 470.0 * zoom, 118.0 * zoom);
    }
    for degrees in [66.0, -66.0] {
        let leaf = Pose::at(v3(0.0, 0.0, 20.0)).then(Pose::roll(degrees)).then(*pose);
        petal(canvas, &leaf, 500.0 * zoom, 205.0 * zoom);
        petal_stones(canvas, &leaf, 480.0 * zoom, 25.0 * zoom, design.accent, 7);
    }
    let lip = Pose::at(v3(0.0, 0.0, 30.0)).then(Pose::roll(180.0)).then(*pose);
    petal(canvas, &lip, 300.0 * zoom, 120.0 * zoom);
    petal_stones(canvas, &lip, 270.0 * zoom, 24.0 * zoom, design.accent, 4);
    heart(canvas, &Pose::at(v3(0.0, 20.0 * zoom, 90.0)).then(*pose), 88.0 * zoom, design);
}

fn heart(canvas: &mut Canvas, seat: &Pose, size: f64, design: Design) {
    if necklace::is_pearl(design.stone) {
        canvas.pearl(seat.origin(), size, design.stone);
        return;
    }
    let rim = sweep::circle(seat, (size, size), (0.0, 360.0), 36, |_| (size * 0.13, size * 0.2));
    sweep::draw(canvas, &rim, WIRE);
    gem::draw(canvas, seat, size, Cut::Round, design.stone);
}

fn fern(canvas: &mut Canvas, pose: &Pose, zoom: f64, design: Design) {
    let stem = curve(
        v3(190.0 * zoom, -560.0 * zoom, 0.0),
        v3(90.0 * zoom, -240.0 * zoom, 0.0),
        v3(-140.0 * zoom, 60.0 * zoom, 0.0),
        v3(-110.0 * zoom, 540.0 * zoom, 0.0),
    );
    for k in 0..8_u32 {
        let i = 11 + 4 * k as usize;
        let along = (stem[i + 1] - stem[i]).unit();
        let heading = along.y.atan2(along.x).to_degrees() - 90.0;
        let length = zoom * (330.0 - 27.0 * f64::from(k));
        for side in [-1.0, 1.0] {
            let turn = heading + side * (58.0 - 3.0 * f64::from(k));
            let pose = Pose::roll(turn).then(Pose::at(stem[i])).then(*pose);
            leaf(canvas, if side < 0.0 { "right" } else { "left" }, &pose, length);
        }
    }
    let placed: Vec<V3> = stem.iter().map(|&p| pose.apply(p)).collect();
    let frames = sweep::ribbon(&placed, |t| (zoom * (15.0 - 9.0 * t), zoom * (15.0 - 9.0 * t)));
    sweep::draw(canvas, &frames, WIRE);
    for k in 0..10_usize {
        let i = 9 + 4 * k;
        let at = Pose::at(stem[i.min(48)] + v3(0.0, 0.0, 24.0)).then(*pose);
        let size = zoom * (34.0 - 2.2 * k as f64);
        if necklace::is_pearl(design.stone) {
            canvas.pearl(at.origin(), size, design.stone);
        } else {
            gem::melee(canvas, &at, size, if k % 2 == 0 { design.stone } else { design.accent });
        }
    }
}

fn crescent(canvas: &mut Canvas, pose: &Pose, zoom: f64, design: Design) {
    let radius = 410.0 * zoom;
    let frames = sweep::circle(pose, (radius, radius), (38.0, 322.0), 46, |degrees| {
        let belly = (0.5 - 0.5 * ((degrees - 38.0) / 284.0 * std::f64::consts::TAU).cos()).powf(0.75);
        (zoom * (8.0 + 62.0 * belly), zoom * (8.0 + 26.0 * belly))
    });
    sweep::draw(canvas, &frames, WIRE);
    for k in 0..25 {
        let degrees = 52.0 + f64::from(k) * 10.66;
        let belly = (0.5 - 0.5 * ((degrees - 38.0) / 284.0 * std::f64::consts::TAU).cos()).powf(0.75);
        let (s, c) = degrees.to_radians().sin_cos();
        let at = Pose::at(v3(radius * s, radius * c, zoom * 34.0 * belly + 8.0)).then(*pose);
        let stone = if k % 4 == 0 { design.stone } else { design.accent };
        gem::melee(canvas, &at, zoom * (10.0 + 38.0 * belly), stone);
    }
    // A star hangs in the opening.
    let star = Pose::at(v3(30.0 * zoom, 130.0 * zoom, 20.0)).then(*pose);
    rays(canvas, &star, 190.0 * zoom, 8, 0.42);
    heart(canvas, &Pose::at(v3(0.0, 0.0, 30.0)).then(star), 56.0 * zoom, design);
}

fn starburst(canvas: &mut Canvas, pose: &Pose, zoom: f64, design: Design) {
    rays(canvas, pose, 560.0 * zoom, 16, 0.6);
    for k in 0..8 {
        let (s, c) = (f64::from(k) * 45.0).to_radians().sin_cos();
        for (step, size) in [(0.36, 34.0), (0.5, 27.0), (0.62, 20.0), (0.72, 15.0)] {
            let reach = 560.0 * zoom * step;
            gem::melee(canvas, &Pose::at(v3(s * reach, c * reach, 34.0)).then(*pose), size * zoom, design.accent);
        }
        let (s, c) = (f64::from(k) * 45.0 + 22.5).to_radians().sin_cos();
        let reach = 560.0 * zoom * 0.62;
        gem::melee(canvas, &Pose::at(v3(s * reach, c * reach, 20.0)).then(*pose), 24.0 * zoom, design.stone);
    }
    heart(canvas, &Pose::at(v3(0.0, 0.0, 60.0)).then(*pose), 130.0 * zoom, design);
}

/// A star of ridged rays, long and short in turn.
fn rays(canvas: &mut Canvas, pose: &Pose, reach: f64, count: u32, short: f64) {
    let ramp = canvas.ramp();
    let mut faces = Faces::default();
    let step = 360.0 / f64::from(count);
    for k in (0..count).map(|k| if k < count / 2 { k * 2 + 1 } else { (k - count / 2) * 2 }) {
        let long = if k % 2 == 0 { reach } else { reach * short };
        let direction = |degrees: f64, radius: f64, height: f64| {
            let (s, c) = degrees.to_radians().sin_cos();
            pose.apply(v3(s * radius, c * radius, height))
        };
        let degrees = f64::from(k) * step;
        let (tip, heart) = (direction(degrees, long, 0.0), direction(degrees, 0.0, reach * 0.1));
        let ridge = direction(degrees, reach * 0.3, reach * 0.07);
        for side in [-1.0, 1.0] {
            let valley = direction(degrees + side * step * 0.5, reach * 0.24, -reach * 0.05);
            for points in [[heart, ridge, valley], [ridge, tip, valley]] {
                let normal = (points[1] - points[0]).cross(points[2] - points[0]).unit();
                let normal = if normal.z < 0.0 { normal * -1.0 } else { normal };
                faces.metal(&ramp, &points, normal);
            }
        }
    }
    canvas.faces(faces);
}

fn dragonfly(canvas: &mut Canvas, pose: &Pose, zoom: f64, design: Design) {
    for (degrees, length, width) in [(62.0, 560.0, 92.0), (108.0, 480.0, 100.0)] {
        for side in [-1.0, 1.0] {
            let wing = Pose::roll(-side * degrees).then(Pose::at(v3(side * 18.0, 150.0 * zoom, 0.0))).then(*pose);
            enamel(canvas, &wing, length * zoom, width * zoom, design.accent);
        }
    }
    // Tail, then body and head.
    for k in (0..9).rev() {
        let at = Pose::at(v3(zoom * 9.0 * (f64::from(k) * 0.5).sin(), zoom * (40.0 - 62.0 * f64::from(k)), 30.0))
            .then(*pose);
        gem::melee(canvas, &at, zoom * (36.0 - 2.0 * f64::from(k)), design.stone);
    }
    let body = Pose::at(v3(0.0, 150.0 * zoom, 50.0)).then(*pose);
    gem::draw(canvas, &body, 74.0 * zoom, Cut::Oval, design.stone);
    for degrees in [0.0, 90.0, 180.0, 270.0] {
        let (x, y) = gem::girdle(Cut::Oval, f64::to_radians(degrees + 45.0));
        canvas.ball(body.apply(v3(x * 74.0 * zoom, y * 74.0 * zoom, 8.0)), 10.0 * zoom);
    }
    let head = Pose::at(v3(0.0, 300.0 * zoom, 40.0)).then(*pose);
    canvas.ball(head.origin(), 50.0 * zoom);
    for side in [-1.0, 1.0] {
        let eye = Pose::at(v3(side * 36.0 * zoom, 22.0 * zoom, 30.0)).then(head);
        gem::melee(canvas, &eye, 23.0 * zoom, design.accent);
    }
}

/// A wing: a translucent pane between veins of metal.
fn enamel(canvas: &mut Canvas, pose: &Pose, length: f64, width: f64, stone: Stone) {
    let ramp = colour::stone(stone);
    let at = |t: f64, across: f64| {
        let half = width * (t.powf(0.8) * (1.0 - t).powf(0.35) * 1.75);
        pose.apply(v3(across * half, t * length, 0.0))
    };
    let rim: Vec<V3> = (0..=24)
        .map(|k| at(f64::from(k) / 24.0, -1.0))
        .chain((0..24).rev().map(|k| at(f64::from(k) / 24.0, 1.0)))
        .collect();
    let pane = outline(&rim);
    canvas.raw(&format!(r#"<path d="{pane}" fill="{}" opacity=".5"/>"#, ramp.at(0.72).css()));
    let mut veins = vec![[at(0.0, 0.0), at(0.97, 0.0)]];
    for k in 0..7 {
        let t = 0.16 + 0.11 * f64::from(k);
        veins.extend([-0.9, 0.9].map(|side| [at(t - 0.08, 0.0), at(t + 0.04, side)]));
    }
    canvas.rods(&veins.iter().map(|vein| &vein[..]).collect::<Vec<_>>(), length * 0.011);
    canvas.rod(&rim, length * 0.024);
    for k in 0..4 {
        let t = 0.5 + 0.12 * f64::from(k);
        gem::melee(canvas, &Pose::at(at(t, 0.0)), length * 0.024, Stone::Diamond);
    }
}
