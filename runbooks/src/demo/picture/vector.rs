//! The little solid geometry the pictures need: points, directions and poses.
//!
//! Orthographic: x to the right, y up, z towards the viewer, one unit is one unit of the canvas.

use std::ops::{Add, Mul, Sub};

/// A point or a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct V3 {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) z: f64,
}

/// A rotation followed by a translation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pose {
    /// Images of the three unit vectors.
    axes: [V3; 3],
    at: V3,
}

pub(super) const fn v3(x: f64, y: f64, z: f64) -> V3 {
    V3 { x, y, z }
}

impl V3 {
    pub(super) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn cross(self, other: Self) -> Self {
        v3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    /// The direction of this vector; the zero vector stays as it is.
    pub(super) fn unit(self) -> Self {
        let length = self.dot(self).sqrt();
        if length > 0.0 { self * (1.0 / length) } else { self }
    }

    pub(super) fn lerp(self, other: Self, t: f64) -> Self {
        self + (other - self) * t
    }
}

impl Add for V3 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        v3(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for V3 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        v3(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f64> for V3 {
    type Output = Self;
    fn mul(self, by: f64) -> Self {
        v3(self.x * by, self.y * by, self.z * by)
    }
}

impl Pose {
    pub(super) fn at(at: V3) -> Self {
        Self { axes: [v3(1.0, 0.0, 0.0), v3(0.0, 1.0, 0.0), v3(0.0, 0.0, 1.0)], at }
    }

    /// Turned about the vertical axis: the right side goes away from the viewer. Degrees.
    pub(super) fn yaw(degrees: f64) -> Self {
        let (s, c) = degrees.to_radians().sin_cos();
        Self { axes: [v3(c, 0.0, -s), v3(0.0, 1.0, 0.0), v3(s, 0.0, c)], at: v3(0.0, 0.0, 0.0) }
    }

    /// Tipped towards the viewer, as if seen from above. Degrees.
    pub(super) fn pitch(degrees: f64) -> Self {
        let (s, c) = degrees.to_radians().sin_cos();
        Self { axes: [v3(1.0, 0.0, 0.0), v3(0.0, c, s), v3(0.0, -s, c)], at: v3(0.0, 0.0, 0.0) }
    }

    /// Turned in the plane of the picture, anticlockwise. Degrees.
    pub(super) fn roll(degrees: f64) -> Self {
        let (s, c) = degrees.to_radians().sin_cos();
        Self { axes: [v3(c, s, 0.0), v3(-s, c, 0.0), v3(0.0, 0.0, 1.0)], at: v3(0.0, 0.0, 0.0) }
    }

    /// First this pose, then the other.
    pub(super) fn then(self, next: Self) -> Self {
        Self { axes: self.axes.map(|axis| next.turn(axis)), at: next.apply(self.at) }
    }

    /// Where a point of the body ends up.
    pub(super) fn apply(&self, p: V3) -> V3 {
        self.turn(p) + self.at
    }

    /// Where a direction of the body ends up.
    pub(super) fn turn(&self, p: V3) -> V3 {
        self.axes[0] * p.x + self.axes[1] * p.y + self.axes[2] * p.z
    }

    /// The body's own z axis as the viewer sees it: positive z faces the viewer.
    pub(super) fn facing(&self) -> V3 {
        self.axes[2]
    }

    /// The body's x axis as the viewer sees it.
    pub(super) fn right(&self) -> V3 {
        self.axes[0]
    }

    /// The body's y axis as the viewer sees it.
    pub(super) fn up(&self) -> V3 {
        self.axes[1]
    }

    pub(super) fn origin(&self) -> V3 {
        self.at
    }
}
