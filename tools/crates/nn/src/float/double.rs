//! `f64`, one at a time: exact enough to check gradients by differences.

use elman::arith::Activation;

use super::gemm::Gemm;
use super::{Float, Kernel, Lanes};
use crate::cell::{self, FloatCell, Pointwise};

impl Float for f64 {
    const ZERO: f64 = 0.0;
    fn of(x: f64) -> f64 {
        x
    }
    fn f64(self) -> f64 {
        self
    }
    fn lanes() -> usize {
        Double::LANES
    }
    fn dispatch<K: Kernel<f64>>(kernel: K) -> K::Output {
        kernel.run(Double)
    }
    // Compiled where it is called: in tests.
    #[inline]
    fn gemm(product: Gemm<'_, f64>) {
        Self::dispatch(product);
    }
    #[inline]
    fn cells() -> Vec<FloatCell<f64>> {
        cell::cells()
    }
    #[inline]
    fn dense(f: Activation) -> Box<dyn Pointwise<f64>> {
        cell::dense(f)
    }
}

/// A vector of one.
#[derive(Clone, Copy, Debug)]
pub struct Double;

impl Lanes for Double {
    type Elem = f64;
    type V = f64;
    const LANES: usize = 1;
    const TILE_ROWS: [usize; 2] = [4, 4];

    #[inline(always)]
    fn splat(self, x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn add(self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f64, b: f64) -> f64 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline(always)]
    fn mul_add(self, a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
    #[inline(always)]
    fn div(self, a: f64, b: f64) -> f64 {
        a / b
    }
    #[inline(always)]
    fn sqrt(self, a: f64) -> f64 {
        a.sqrt()
    }
    #[inline(always)]
    fn relu(self, a: f64) -> f64 {
        // Not `max`, which would turn NaN into 0.
        if a < 0.0 { 0.0 } else { a }
    }
    #[inline(always)]
    fn max(self, a: f64, b: f64) -> f64 {
        a.max(b)
    }
    #[inline(always)]
    fn exp_below(self, a: f64) -> f64 {
        a.exp()
    }
    #[inline(always)]
    fn where_positive(self, x: f64, v: f64) -> f64 {
        if x > 0.0 { v } else { 0.0 }
    }
    #[inline(always)]
    fn tanh(self, a: f64) -> f64 {
        a.tanh()
    }
    #[inline(always)]
    fn sigmoid(self, a: f64) -> f64 {
        1.0 / (1.0 + (-a).exp())
    }
    #[inline(always)]
    fn load(self, from: &[f64]) -> f64 {
        from.first().copied().unwrap_or(0.0)
    }
    #[inline(always)]
    fn store(self, to: &mut [f64], v: f64) {
        if let Some(to) = to.first_mut() {
            *to = v;
        }
    }
    #[inline(always)]
    fn vectors(from: &[f64]) -> &[f64] {
        from
    }
    #[inline(always)]
    fn vectors_mut(to: &mut [f64]) -> &mut [f64] {
        to
    }
    #[inline(always)]
    fn outline<K: Kernel<f64>>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}
