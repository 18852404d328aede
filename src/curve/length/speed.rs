//! The speed of a curve: where it is smooth enough for a rule, and its integral.

use std::array::from_fn;
use std::hint::black_box;

use super::gauss::Block;
use crate::curve::segment::{dot, norm};

/// The speed of a piece, as the length of three times a quadratic in x, -1 to 1.
#[derive(Clone, Copy)]
pub(super) struct Speed<const D: usize> {
    middle: [f64; D],
    slope: [f64; D],
    bend: [f64; D],
}

impl<const D: usize> Speed<D> {
    /// Takes a third of the control points of the derivative.
    #[inline(always)]
    pub(super) fn new([a, b, c]: &[[f64; D]; 3]) -> Self {
        let (mut middle, mut slope, mut bend) = ([0.0; D], [0.0; D], [0.0; D]);
        for i in 0..D {
            middle[i] = 0.25 * (a[i] + c[i]) + 0.5 * b[i];
            slope[i] = 0.5 * (c[i] - a[i]);
            bend[i] = 0.25 * ((c[i] - b[i]) - (b[i] - a[i]));
        }
        Self { middle, slope, bend }
    }

    /// Returns the part from `center - half` to `center + half`, whose parameters run so much slower.
    #[inline(always)]
    pub(super) fn part(&self, center: f64, half: f64) -> Self {
        let mut part = *self;
        for i in 0..D {
            part.middle[i] = half * (self.middle[i] + center * (self.slope[i] + center * self.bend[i]));
            part.slope[i] = (half * half) * (self.slope[i] + 2.0 * center * self.bend[i]);
            part.bend[i] = (half * half * half) * self.bend[i];
        }
        part
    }

    /// Returns the control points, whose sum is the chord.
    #[inline(always)]
    fn sides(&self) -> [[f64; D]; 3] {
        let Self { middle, slope, bend } = self;
        [
            from_fn(|i| middle[i] - slope[i] + bend[i]),
            from_fn(|i| middle[i] - bend[i]),
            from_fn(|i| middle[i] + slope[i] + bend[i]),
        ]
    }

    /// Returns the length of the control polygon.
    #[inline(always)]
    pub(super) fn polygon(&self) -> f64 {
        let [a, b, c] = self.sides();
        norm(&a) + norm(&b) + norm(&c)
    }

    /// Returns the length if chord and control polygon are near enough to each other to tell.
    #[inline(always)]
    pub(super) fn chord_or_polygon(&self, polygon: f64, tolerance: f64) -> Option<f64> {
        let chord = norm(&self.chord());
        (polygon - chord <= 2.0 * tolerance).then_some(0.5 * (polygon + chord))
    }

    #[inline(always)]
    fn chord(&self) -> [f64; D] {
        from_fn(|i| 3.0 * self.middle[i] + self.bend[i])
    }

    /// Returns the reach of an ellipse all over which the real part of the quadratic is longer than the imaginary one.
    ///
    /// At x + iy they are q(x) - bend y² and q'(x) y. The length of q is no less than its part along the chord, which is no
    /// less than the least of three Bernstein coefficients.
    #[inline(always)]
    fn reach(&self) -> f64 {
        let chord_vector = self.chord();
        let chord = norm(&chord_vector);
        let [middle, slope, bend] = [
            dot(&self.middle, &chord_vector),
            dot(&self.slope, &chord_vector),
            dot(&self.bend, &chord_vector),
        ];
        let (slope_length, bend_length) = (norm(&self.slope), norm(&self.bend));
        for x in [4.0, 2.5, 1.8, 1.5, 1.35, 1.25, 1.18, 1.12, 1.08] {
            let y = f64::sqrt(x * x - 1.0);
            let least = (middle - x * x * bend).min(middle + x * x * bend - (x * slope).abs());
            if least > y * (slope_length + (2.0 * x + y) * bend_length) * chord {
                return 2.0 * x * x - 1.0;
            }
        }
        1.0
    }

    /// Returns half of what a rule gives for the integral over -1 to 1.
    ///
    /// The square of the length is a polynomial too, whose odd powers make the difference between x and -x. It does not cancel,
    /// as what a rule is good for does not come near 0.
    #[inline(always)]
    pub(super) fn mean(&self, rule: &[Block]) -> f64 {
        let Self { middle, slope, bend, .. } = self;
        let even = [dot(middle, middle), dot(slope, slope) + 2.0 * dot(middle, bend), dot(bend, bend)];
        let odd = [2.0 * dot(middle, slope), 2.0 * dot(slope, bend)];
        let mut sums = [0.0; 8];
        for Block { x, weight } in rule {
            // Left in memory, or the compiler computes them in pairs for the sum below.
            let sums = black_box(&mut sums);
            for k in 0..8 {
                let square = x[k] * x[k];
                let sum = even[0] + square * (even[1] + square * even[2]);
                let difference = x[k] * (odd[0] + square * odd[1]);
                let (plus, minus) = (sum + difference, sum - difference);
                // Rounding may take what is nearly 0 below it.
                let plus = if plus > 0.0 { plus } else { 0.0 };
                let minus = if minus > 0.0 { minus } else { 0.0 };
                sums[k] += weight[k] * (plus.sqrt() + minus.sqrt());
            }
        }
        let [a, b, c, d, e, f, g, h] = sums;
        0.5 * (((a + e) + (b + f)) + ((c + g) + (d + h)))
    }
}

/// How far into the complex plane the speed of a curve is analytic.
///
/// An ellipse with foci -1 and 1 whose half axes sum to r is told by its reach, (r² + r^-2) / 2: that is |z|² + |z² - 1| for
/// each z on it. The squares of the half axes are half of the reach plus and minus 1.
pub(super) enum Smoothness<const D: usize> {
    /// In the plane, all but two points and their conjugates.
    But(Branches),
    /// In space, what is proved piece by piece.
    Where(Speed<D>),
}

impl<const D: usize> Smoothness<D> {
    #[inline(always)]
    pub(super) fn of(speed: &Speed<D>) -> Self {
        if D <= 2 { Self::But(Branches::of(speed)) } else { Self::Where(*speed) }
    }

    /// Returns the reach for the part around `center` that is so much of the whole.
    #[inline(always)]
    pub(super) fn reach(&self, center: f64, half: f64, inverse: f64) -> f64 {
        match self {
            Self::But(branches) => branches.reach(center, inverse),
            Self::Where(speed) => speed.part(center, half).reach(),
        }
    }
}

/// The roots of a quadratic whose coefficients are points of the complex plane: the speed of a curve in the plane is the root
/// of that quadratic times its conjugate, and analytic but there.
pub(super) struct Branches([Complex; 2]);

impl Branches {
    #[inline(always)]
    fn of<const D: usize>(speed: &Speed<D>) -> Self {
        let complex = |v: &[f64; D]| Complex { re: v[0], im: if D > 1 { v[1] } else { 0.0 } };
        let (a, b, c) = (complex(&speed.bend), complex(&speed.slope), complex(&speed.middle));
        // Both roots from the sum that does not cancel (Press et al., Numerical Recipes, 3rd ed. 2007, section 5.6).
        let root = b.times(b).minus(a.times(c).scaled(4.0)).root();
        let sign = if b.re * root.re + b.im * root.im < 0.0 { -1.0 } else { 1.0 };
        let sum = Complex { re: -0.5 * (b.re + sign * root.re), im: -0.5 * (b.im + sign * root.im) };
        Self([sum.by(a), c.by(sum)])
    }

    /// Returns the reach of the ellipse that goes through the nearer root.
    ///
    /// What is no number is no root: without a bend, and so without a slope, there is none.
    #[inline(always)]
    fn reach(&self, center: f64, inverse: f64) -> f64 {
        let mut nearest = f64::INFINITY;
        for root in &self.0 {
            let (x, y) = ((root.re - center) * inverse, root.im * inverse);
            let (right, left) = ((x - 1.0) * (x - 1.0) + y * y, (x + 1.0) * (x + 1.0) + y * y);
            let reach = (x * x + y * y) + (right * left).sqrt();
            nearest = if reach < nearest { reach } else { nearest };
        }
        nearest
    }
}

/// A complex number.
#[derive(Clone, Copy)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }

    #[inline(always)]
    fn scaled(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    #[inline(always)]
    fn by(self, other: Self) -> Self {
        let square = 1.0 / (other.re * other.re + other.im * other.im);
        Self {
            re: (self.re * other.re + self.im * other.im) * square,
            im: (self.im * other.re - self.re * other.im) * square,
        }
    }

    /// Returns the root whose real part is not below 0.
    #[inline(always)]
    fn root(self) -> Self {
        let length = (self.re * self.re + self.im * self.im).sqrt();
        let larger = (0.5 * (length + self.re.abs())).sqrt();
        let smaller = if larger > 0.0 { 0.5 * self.im / larger } else { 0.0 };
        if self.re >= 0.0 {
            Self { re: larger, im: smaller }
        } else {
            Self { re: smaller.abs(), im: if self.im < 0.0 { -larger } else { larger } }
        }
    }
}
