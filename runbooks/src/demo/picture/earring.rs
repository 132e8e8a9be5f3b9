//! Earrings: always the pair, hanging in a niche.

use super::canvas::Canvas;
use super::sweep::{self, COURT, WIRE};
use super::vector::{Pose, V3, v3};
use super::{Cut, Design, Motif, Stone, View, gem, necklace, ring};

pub(super) fn draw(canvas: &mut Canvas, design: Design, view: View) {
    let zoom = if view == View::Front { 1.12 } else { 1.3 };
    let turn = canvas.noise.between(-3.0, 3.0);
    for side in [-1.0, 1.0] {
        // The right one turns away a little more, as no two ever hang alike.
        let lean = Pose::roll(turn * side).then(Pose::pitch(9.0)).then(Pose::yaw(side * 12.0 + 5.0));
        let x = side * 235.0 * zoom;
        let hang = |y: f64| lean.then(Pose::at(v3(x, y * zoom - 40.0, side * 10.0)));
        match design.motif {
            Motif::Stud => {
                let seat = hang(if side < 0.0 { 70.0 } else { -30.0 });
                drop_stone(canvas, &seat, 150.0 * zoom, design.cut, design.stone);
            }
            Motif::HaloStud => {
                let seat = hang(if side < 0.0 { 70.0 } else { -30.0 });
                ring::halo(canvas, &seat, 128.0 * zoom, design.cut, design.accent);
                gem::draw(canvas, &seat, 128.0 * zoom, design.cut, design.stone);
            }
            Motif::Hoop | Motif::PaveHoop => hoop(canvas, side, zoom, design),
            _ => drop(canvas, &hang, x, zoom, design),
        }
    }
}

/// A stone on its own: in claws when faceted, in a rim when smooth, on a cap when a pearl.
pub(super) fn drop_stone(canvas: &mut Canvas, seat: &Pose, size: f64, cut: Cut, stone: Stone) {
    if necklace::is_pearl(stone) {
        let top = seat.apply(v3(0.0, size * 0.98, 0.0));
        canvas.pearl(seat.origin(), size, stone);
        canvas.ball(top, size * 0.16);
        return;
    }
    let at = |degrees: f64, radius: f64, height: f64| -> V3 {
        let (x, y) = gem::girdle(cut, degrees.to_radians());
        seat.apply(v3(x * size * radius, y * size * radius, height * size))
    };
    if cut == Cut::Cabochon {
        let rim: Vec<V3> = (0..=72).map(|k| at(f64::from(k) * 5.0, 1.0, 0.0)).collect();
        gem::draw(canvas, seat, size, cut, stone);
        canvas.rod(&rim, size * 0.15);
        return;
    }
    gem::draw(canvas, seat, size, cut, stone);
    let claws: &[f64] = match cut {
        Cut::Pear | Cut::Marquise => &[0.0, 78.0, 142.0, 218.0, 282.0],
        Cut::Oval | Cut::Emerald => &[33.0, 147.0, 213.0, 327.0],
        _ => &[45.0, 135.0, 225.0, 315.0],
    };
    let lines: Vec<[V3; 2]> = claws.iter().map(|&d| [at(d, 1.06, 0.0), at(d, 0.86, 0.2)]).collect();
    canvas.rods(&lines.iter().map(|line| &line[..]).collect::<Vec<_>>(), size * 0.11);
    for &degrees in claws {
        canvas.ball(at(degrees, 0.86, 0.2), size * 0.07);
    }
}

fn drop(canvas: &mut Canvas, hang: &dyn Fn(f64) -> Pose, x: f64, zoom: f64, design: Design) {
    let (top, joint) = (hang(400.0), hang(230.0));
    let small = if necklace::is_pearl(design.accent) { Stone::Diamond } else { design.accent };
    // Hook behind the lobe, then three links down to the stone.
    let wire: Vec<V3> = (0..=24)
        .map(|k| {
            let angle = (f64::from(k) * 8.5 - 20.0).to_radians();
            top.origin() + v3((angle.cos() - 1.0) * 46.0 * zoom, 44.0 * zoom + angle.sin() * 78.0 * zoom, 0.0)
        })
        .collect();
    canvas.rod(&wire, 10.0 * zoom);
    gem::melee(canvas, &top, 52.0 * zoom, small);
    canvas.rod(&[v3(x, top.origin().y - 52.0 * zoom, 0.0), joint.origin()], 9.0 * zoom);
    for step in [0.42, 0.72] {
        let at = top.origin().lerp(joint.origin(), step + 0.16);
        canvas.ball(at, 15.0 * zoom);
    }
    let long = matches!(design.cut, Cut::Pear | Cut::Marquise);
    let drop = if long { 20.0 } else { 70.0 };
    drop_stone(canvas, &hang(drop), 118.0 * zoom, design.cut, design.stone);
}

fn hoop(canvas: &mut Canvas, side: f64, zoom: f64, design: Design) {
    let pose = Pose::yaw(52.0 + side * 9.0).then(Pose::pitch(10.0)).then(Pose::at(v3(side * 250.0 * zoom, -60.0, 0.0)));
    let radius = 270.0 * zoom;
    let wide = if design.motif == Motif::PaveHoop { 34.0 } else { 40.0 };
    // Open behind the lobe, thicker at the front.
    let frames = sweep::circle(&pose, (radius, radius), (8.0, 352.0), 52, |degrees| {
        let front = 0.5 - 0.5 * degrees.to_radians().cos();
        (zoom * (18.0 + 14.0 * front), zoom * wide * (0.62 + 0.38 * front))
    });
    sweep::draw(canvas, &frames, if design.motif == Motif::PaveHoop { COURT } else { WIRE });
    let post = [pose.apply(v3(0.0, radius, 0.0)), pose.apply(v3(-radius * 0.18, radius * 0.99, 0.0))];
    canvas.rod(&post, 9.0 * zoom);
    if design.motif == Motif::PaveHoop {
        let mut seats: Vec<Pose> = (0..36)
            .map(|k| 22.0 + f64::from(k) * 9.0)
            .map(|degrees| {
                Pose::pitch(-90.0)
                    .then(Pose::at(v3(0.0, radius + zoom * 30.0, 0.0)))
                    .then(Pose::roll(-degrees))
                    .then(pose)
            })
            .collect();
        seats.sort_by(|a, b| a.origin().z.total_cmp(&b.origin().z));
        for seat in &seats {
            gem::melee(canvas, seat, 22.0 * zoom, design.stone);
        }
    }
}
