//! Cut stones: the facets of the classical cuts, and the small stones that are set in rows.

use std::f64::consts::TAU;

use super::canvas::{Canvas, Faces};
use super::colour::{self, Ramp};
use super::light;
use super::noise::Noise;
use super::vector::{Pose, V3, v3};
use super::{Cut, Stone};

/// Draws a stone lying in the plane of the pose, its table towards the pose's z; `size` is half its width.
pub(super) fn draw(canvas: &mut Canvas, pose: &Pose, size: f64, cut: Cut, stone: Stone) {
    let ramp = colour::stone(stone);
    if cut == Cut::Cabochon {
        return cabochon(canvas, pose, size, stone);
    }
    let mut faces = Faces::default();
    match cut {
        Cut::Emerald => step_cut(&mut faces, pose, size, (0.74, 1.0, 0.3), &ramp, &mut canvas.noise),
        Cut::Asscher => step_cut(&mut faces, pose, size, (1.0, 1.0, 0.42), &ramp, &mut canvas.noise),
        _ => brilliant(&mut faces, pose, size, cut, &ramp, &mut canvas.noise),
    }
    canvas.faces(faces);
    gleam(canvas, pose, size);
}

/// Draws a small brilliant in its seat; cheap, so it may be repeated.
pub(super) fn melee(canvas: &mut Canvas, pose: &Pose, size: f64, stone: Stone) {
    if pose.facing().z < 0.12 {
        return;
    }
    let variant = canvas.noise.below(3);
    let name = format!("m{}{variant}", stone as u8);
    let metal = canvas.ramp();
    canvas.define(&name, |noise| small(&name, &colour::stone(stone), &metal, noise));
    canvas.place(&name, pose, size);
}

/// Where the girdle of a cut is at an angle (0 at the top, clockwise), for a stone of half width 1.
pub(super) fn girdle(cut: Cut, angle: f64) -> (f64, f64) {
    let (s, c) = angle.sin_cos();
    let power = |value: f64, exponent: f64| value.signum() * value.abs().powf(exponent);
    match cut {
        Cut::Oval | Cut::Cabochon => (s, 1.32 * c),
        Cut::Cushion => (power(s, 0.72), 1.04 * power(c, 0.72)),
        Cut::Marquise => (0.92 * s * (1.0 - 0.3 * c * c), 1.75 * c),
        Cut::Pear => {
            let narrow = if c > 0.0 { 1.0 - 0.5 * c.powf(1.4) } else { 1.0 };
            (s * narrow, if c > 0.0 { 1.62 * c } else { c } - 0.25)
        }
        Cut::Emerald => (s, 1.35 * c),
        Cut::Round | Cut::Asscher => (s, c),
    }
}

fn brilliant(faces: &mut Faces, pose: &Pose, size: f64, cut: Cut, ramp: &Ramp, noise: &mut Noise) {
    let at = |sixteenth: f64, radius: f64, height: f64| {
        let (x, y) = girdle(cut, sixteenth / 16.0 * TAU);
        v3(x * radius * size, y * radius * size, height * size)
    };
    let table = |k: usize| at(2.0 * k as f64, 0.58, 0.3);
    let star = |k: usize| at(2.0 * k as f64 + 1.0, 0.79, 0.19);
    let edge = |j: usize| at(j as f64, 1.0, 0.02);
    let culet = at(0.0, 0.0, -0.78);
    let mut facet = |points: &[V3], low: f64, high: f64| {
        let sparkle = noise.between(low, high);
        add(faces, pose, size, points, ramp, sparkle);
    };
    for k in 0..8 {
        // Below the girdle, seen only from the side.
        for j in [2 * k, 2 * k + 1] {
            facet(&[at(j as f64, 1.0, -0.03), at(j as f64 + 1.0, 1.0, -0.03), culet], 0.0, 0.8);
            facet(&[edge(j), edge(j + 1), at(j as f64 + 1.0, 1.0, -0.03), at(j as f64, 1.0, -0.03)], 0.5, 0.7);
        }
        facet(&[table(k), star(k), table(k + 1)], 0.35, 1.0);
        facet(&[table(k), star(k + 7), edge(2 * k)], 0.1, 0.95);
        facet(&[table(k), edge(2 * k), star(k)], 0.0, 0.85);
        facet(&[star(k), edge(2 * k), edge(2 * k + 1)], 0.05, 0.75);
        facet(&[star(k), edge(2 * k + 1), edge(2 * k + 2)], 0.0, 0.6);
    }
    // Through the table one sees the far side of the stone: arrows, bright and dark.
    let inner = |half: usize| at(half as f64, if half.is_multiple_of(2) { 0.3 } else { 0.22 }, 0.3);
    let rim = |half: usize| {
        if half.is_multiple_of(2) { table(half / 2) } else { table(half / 2).lerp(table(half / 2 + 1), 0.5) }
    };
    for half in 0..16 {
        let dark = half % 2 == 0;
        facet(&[at(0.0, 0.0, 0.3), inner(half), inner(half + 1)], 0.3, 1.0);
        let (low, high) = if dark { (0.0, 0.55) } else { (0.3, 0.95) };
        facet(&[inner(half), rim(half), rim(half + 1), inner(half + 1)], low, high);
    }
}

fn step_cut(faces: &mut Faces, pose: &Pose, size: f64, shape: (f64, f64, f64), ramp: &Ramp, noise: &mut Noise) {
    let (half_width, half_height, corner) = shape;
    let scale = size / half_width * 0.86;
    let ring = |inset: f64, height: f64| -> Vec<V3> {
        let (w, h) = (half_width - inset, half_height - inset);
        let c = corner * (w / half_width);
        [(-w + c, h), (w - c, h), (w, h - c), (w, -h + c), (w - c, -h), (-w + c, -h), (-w, -h + c), (-w, h - c)]
            .iter()
            .map(|&(x, y)| v3(x * scale, y * scale, height * size))
            .collect()
    };
    let rings = [ring(0.0, -0.08), ring(0.0, 0.0), ring(0.11, 0.14), ring(0.22, 0.25), ring(0.32, 0.3)];
    let mut facet = |points: &[V3], low: f64, high: f64| {
        let sparkle = noise.between(low, high);
        add(faces, pose, size, points, ramp, sparkle);
    };
    let below = ring(half_width.min(half_height) * 0.72, -0.7);
    for side in 0..8 {
        let next = (side + 1) % 8;
        facet(&[rings[0][side], rings[0][next], below[next], below[side]], 0.0, 0.8);
        for pair in rings.windows(2) {
            facet(&[pair[0][side], pair[0][next], pair[1][next], pair[1][side]], 0.05, 0.85);
        }
    }
    // The hall of mirrors under the table.
    let halls = [ring(0.32, 0.3), ring(0.42, 0.3), ring(0.5, 0.3), ring(0.58, 0.3)];
    for (depth, pair) in halls.windows(2).enumerate() {
        for side in 0..8 {
            let next = (side + 1) % 8;
            let (low, high) = if (depth + side) % 2 == 0 { (0.05, 0.5) } else { (0.45, 1.0) };
            facet(&[pair[0][side], pair[0][next], pair[1][next], pair[1][side]], low, high);
        }
    }
    facet(&halls[3], 0.4, 0.7);
}

fn add(faces: &mut Faces, pose: &Pose, size: f64, points: &[V3], ramp: &Ramp, sparkle: f64) {
    let centre = points.iter().fold(v3(0.0, 0.0, 0.0), |sum, &p| sum + p) * (1.0 / points.len() as f64);
    let mut normal = (points[1] - points[0]).cross(points[2] - points[0]).unit();
    if normal.dot(centre - v3(0.0, 0.0, -0.2 * size)) < 0.0 {
        normal = normal * -1.0;
    }
    let normal = pose.turn(normal);
    if normal.z > 0.0 {
        let points: Vec<V3> = points.iter().map(|&p| pose.apply(p)).collect();
        faces.add(ramp.at(light::facet(normal, sparkle)), &points);
    }
}

/// The reflection of the soft box on the table: what makes a stone look polished rather than painted.
fn gleam(canvas: &mut Canvas, pose: &Pose, size: f64) {
    let up = Pose::at(v3(0.0, 0.0, 0.31 * size)).then(*pose);
    if pose.facing().z < 0.3 {
        return;
    }
    canvas.define("gleam", |_| {
        concat!(
            r##"<linearGradient id="gg" x1="0" y1="0" x2=".7" y2="1"><stop stop-color="#fff" stop-opacity=".85"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></linearGradient>"##,
            r#"<path id="gleam" d="M-48-26L-20-50 14-46-34 10z" fill="url(#gg)"/>"#
        )
        .to_owned()
    });
    canvas.place("gleam", &up, size);
}

fn cabochon(canvas: &mut Canvas, pose: &Pose, size: f64, stone: Stone) {
    let ramp = colour::stone(stone);
    let name = format!("cab{}", stone as u8);
    canvas.define(&name, |_| {
        let shine = [(0.0, 0.82), (0.3, 0.62), (0.66, 0.4), (0.9, 0.14), (1.0, 0.3)]
            .map(|(at, light)| format!(r#"<stop offset="{at}" stop-color="{}"/>"#, ramp.at(light).css()))
            .concat();
        format!(
            concat!(
                r#"<radialGradient id="{0}g" cx=".4" cy=".34" r=".7">{1}</radialGradient>"#,
                r#"<g id="{0}"><ellipse rx="100" ry="132" fill="url(#{0}g)"/>"#,
                r##"<path d="M-62-40C-56-84-22-106 8-104-16-84-36-60-62-40z" fill="#fff" opacity=".6"/>"##,
                r#"<path d="M30 112C60 98 82 62 86 24 84 78 66 108 30 112z" fill="{2}" opacity=".55"/></g>"#
            ),
            name,
            shine,
            ramp.at(0.85).css()
        )
    });
    let dome = Pose::at(v3(0.0, 0.0, 0.25 * size)).then(*pose);
    canvas.place(&name, &dome, size);
}

/// The drawing of a small brilliant in a round seat, in a square of -100..100.
fn small(name: &str, stone: &Ramp, metal: &Ramp, noise: &mut Noise) -> String {
    // Faces are drawn for the sheet; a definition wants them round the origin.
    let (shift_x, shift_y) = (super::canvas::SHEET.0 / 2.0, super::canvas::SHEET.1 / 2.0);
    let at = |eighth: usize, radius: f64| {
        let (s, c) = (eighth as f64 / 8.0 * TAU).sin_cos();
        v3(s * radius - shift_x, c * radius + shift_y, 0.0)
    };
    let mut faces = Faces::default();
    for k in 0..8 {
        let lit = 0.35 + 0.3 * ((k as f64 + 1.0) / 8.0 * TAU).cos();
        faces.add(
            stone.at(lit + noise.between(-0.3, 0.3)),
            &[at(k, 86.0), at(k + 1, 86.0), at(k + 1, 50.0), at(k, 50.0)],
        );
        faces.add(stone.at(noise.between(0.25, 1.0)), &[at(k, 50.0), at(k + 1, 50.0), at(0, 0.0)]);
    }
    format!(
        r#"<g id="{name}"><circle r="100" fill="{}"/><circle r="93" fill="{}"/>{}</g>"#,
        metal.at(0.2).css(),
        metal.at(0.72).css(),
        faces.into_paths()
    )
}
