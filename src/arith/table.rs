//! The one table of sigmoid and tanh: tanh on [-8, 8) in 256 quadratic cells, 2 KB.
//!
//! Cell k holds (a, w). With t the position in the cell, Q0.32 around the centre,
//! tanh = a + ((w + t·c/2^16)·t / 2^32) / 8 in Q0.31, where c is the low half of w read as i16: the curvature
//! rides in the low bits of the slope, whose rounding takes it into account. The parabola meets tanh at the
//! cell's ends and centre, so that cells join; the outermost two are flat. Computed by the compiler: there is no generated file.

use crate::kernel::activation::Table;

pub(crate) static TABLE: Table = table();

/// exp(x), for tables.
pub(super) const fn exp(x: f64) -> f64 {
    // Halve until small, sum the series, square back.
    let (mut y, mut halvings) = (x, 0);
    while y > 0.5 || y < -0.5 {
        y /= 2.0;
        halvings += 1;
    }
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1);
    while n < 20 {
        term *= y / n as f64;
        sum += term;
        n += 1;
    }
    while halvings > 0 {
        sum *= sum;
        halvings -= 1;
    }
    sum
}

const fn tanh(x: f64) -> f64 {
    let e = exp(-2.0 * x);
    (1.0 - e) / (1.0 + e)
}

const fn round(x: f64) -> i64 {
    if x >= 0.0 { (x + 0.5) as i64 } else { -((0.5 - x) as i64) }
}

/// What the device adds to `a` at position `t`.
const fn slope_part(w: i32, t: i32) -> i64 {
    let p = w as i64 + ((t as i64 * (w as i16) as i64) >> 16);
    ((p * t as i64) >> 32) >> 3
}

/// What a cell gives at an edge.
const fn edge([a, w]: [i32; 2], t: i32) -> i32 {
    a + slope_part(w, t) as i32
}

/// The cell whose left edge is `x0`.
const fn fit(x0: f64) -> [i32; 2] {
    let h = 1.0 / 16.0;
    let one = 2_147_483_648.0;
    let mid = tanh(x0 + 0.5 * h) * one;
    let (lo, hi) = (tanh(x0) * one, tanh(x0 + h) * one);
    let curvature = round(8.0 * 4.0 * ((hi + lo) / 2.0 - mid) / 65536.0);
    let slope = 8.0 * (hi - lo);
    // Rounded down: a slope too flat leaves a step up to the next cell, one too steep would break monotony.
    let w = ((slope - curvature as f64) / 65536.0) as i64 * 65536 + curvature;
    [round(mid) as i32, w as i32]
}

const fn table() -> [[i32; 2]; 256] {
    let mut t = [[0; 2]; 256];
    // Outwards from zero on both sides, each cell lifted to where its inner neighbour ended: monotone, and
    // exactly 0 at 0.
    let (mut up, mut down) = (0i64, 0i64);
    let mut k = 0;
    while k < 128 {
        let [mut a, w] = fit(k as f64 / 16.0);
        let left = a as i64 + slope_part(w, i32::MIN);
        if k == 0 || left < up {
            a += (up - left) as i32;
        }
        up = a as i64 + slope_part(w, i32::MAX);
        t[128 + k] = [a, w];

        let [mut a, w] = fit(-(k as f64 + 1.0) / 16.0);
        let right = a as i64 + slope_part(w, i32::MAX);
        if right > down {
            a -= (right - down) as i32;
        }
        down = a as i64 + slope_part(w, i32::MIN);
        t[127 - k] = [a, w];
        k += 1;
    }
    // Beyond the table tanh stays where the outermost cells begin: those are flat.
    (t[255], t[0]) = ([edge(t[254], i32::MAX), 0], [edge(t[1], i32::MIN), 0]);
    t
}
