//! Vectors of `f32` on whatever SIMD unit the machine has.

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

use elman::arith::Activation;

use super::gemm::Gemm;
use super::{Float, Kernel, Lanes};
use crate::budget::{Part, timed};
use crate::cell::{self, FloatCell, Pointwise};

/// The instruction set of this machine, found once.
fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(Arch::new)
}

/// A kernel as what `pulp` runs.
struct Run<K>(K);

impl<K: Kernel<f32>> WithSimd for Run<K> {
    type Output = K::Output;
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> K::Output {
        self.0.run(Single(simd))
    }
}

struct Width;

impl Kernel<f32> for Width {
    type Output = usize;
    fn run<L: Lanes<Elem = f32>>(self, _: L) -> usize {
        L::LANES
    }
}

impl Float for f32 {
    const ZERO: f32 = 0.0;
    fn of(x: f64) -> f32 {
        x as f32
    }
    fn f64(self) -> f64 {
        f64::from(self)
    }
    fn lanes() -> usize {
        static WIDTH: OnceLock<usize> = OnceLock::new();
        *WIDTH.get_or_init(|| Self::dispatch(Width))
    }
    #[inline(always)]
    fn dispatch<K: Kernel<f32>>(kernel: K) -> K::Output {
        arch().dispatch(Run(kernel))
    }
    #[inline(never)]
    fn gemm(product: Gemm<'_, f32>) {
        timed(Part::Products, || Self::dispatch(product));
    }
    fn cells() -> Vec<FloatCell<f32>> {
        cell::cells()
    }
    fn dense(f: Activation) -> Box<dyn Pointwise<f32>> {
        cell::dense(f)
    }
}

/// `f32` lanes of an instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Single<S>(S);

/// 1.5 * 2^23: added to x, it leaves x rounded in the low bits of the mantissa.
const MAGIC: f32 = 12_582_912.0;

/// 2^n of n + [`MAGIC`].
#[inline(always)]
fn power<S: Simd>(s: S, t: S::f32s) -> S::f32s {
    let bits = s.wrapping_dyn_shl_u32s(s.transmute_u32s_f32s(t), s.splat_u32s(23));
    s.transmute_f32s_u32s(s.add_u32s(bits, s.splat_u32s(0x3f80_0000)))
}

/// exp(x) for x <= 0 as 2^n and exp(r) - 1, r = x - n ln 2, |r| <= ln 2 / 2: exp(x) = 2^n (1 + m).
///
/// n is taken from the low bits of x / ln 2 + [`MAGIC`]. Below -87 it stays at exp(-87).
#[inline(always)]
fn exp_parts<S: Simd>(s: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let f = |v: f32| s.splat_f32s(v);
    // The second operand goes through when one is NaN.
    let x = s.max_f32s(f(-87.0), x);
    let t = s.mul_add_e_f32s(x, f(std::f32::consts::LOG2_E), f(MAGIC));
    let n = s.sub_f32s(t, f(MAGIC));
    // ln 2 in two parts (Cody and Waite): the first has few bits, so n times it is exact.
    let r = s.mul_add_e_f32s(n, f(-0.693_359_4), x);
    let r = s.mul_add_e_f32s(n, f(2.121_944_4e-4), r);
    // Minimax polynomial of (exp(r) - 1 - r) / r^2 (Cephes expf).
    let p = s.mul_add_e_f32s(f(1.987_569_2e-4), r, f(1.398_199_9e-3));
    let p = s.mul_add_e_f32s(p, r, f(8.333_452e-3));
    let p = s.mul_add_e_f32s(p, r, f(4.166_579_6e-2));
    let p = s.mul_add_e_f32s(p, r, f(1.666_666_5e-1));
    let p = s.mul_add_e_f32s(p, r, f(0.5));
    let m = s.mul_add_e_f32s(p, s.mul_f32s(r, r), r);
    (power(s, t), m)
}

/// tanh(a/2), or tanh(a) where `whole`: with x twice that, tanh|x/2| = (1 - e) / (1 + e), e = exp(-|x|), with e - 1 free
/// of cancellation near 0.
///
/// e = 2^n (1 + m), -|x| = n ln 2 + r, m = exp(r) - 1. As e is at most 1, ln 2 in one part is exact enough.
#[inline(always)]
fn tanh_of<S: Simd>(s: S, a: S::f32s, whole: bool) -> S::f32s {
    let f = |v: f32| s.splat_f32s(v);
    let sign = f(-0.0);
    let x = s.or_f32s(a, sign);
    let x = if whole { s.add_f32s(x, x) } else { x };
    // The second operand goes through when one is NaN. Further below, tanh is 1.
    let x = s.max_f32s(f(-20.0), x);
    let t = s.mul_add_e_f32s(x, f(std::f32::consts::LOG2_E), f(MAGIC));
    let r = s.mul_add_e_f32s(s.sub_f32s(t, f(MAGIC)), f(-std::f32::consts::LN_2), x);
    // (exp(r) - 1 - r) / r^2, interpolated at the zeros of a Chebyshev polynomial.
    let p = s.mul_add_e_f32s(f(0.001_392_617_6), r, f(0.008_363_173));
    let p = s.mul_add_e_f32s(p, r, f(0.041_666_556));
    let p = s.mul_add_e_f32s(p, r, f(0.166_665_78));
    let p = s.mul_add_e_f32s(p, r, f(0.5));
    let m = s.mul_add_e_f32s(p, s.mul_f32s(r, r), r);
    let two_n = power(s, t);
    let minus = s.mul_add_e_f32s(two_n, m, s.sub_f32s(two_n, f(1.0)));
    let t = s.div_f32s(minus, s.add_f32s(minus, f(2.0)));
    // t is not above 0: where a is, the sign goes.
    s.xor_f32s(s.xor_f32s(t, sign), s.and_f32s(a, sign))
}

impl<S: Simd> Lanes for Single<S> {
    type Elem = f32;
    type V = S::f32s;
    const LANES: usize = S::F32_LANES;
    const TILE_ROWS: [usize; 2] = if S::REGISTER_COUNT >= 32 { [16, 12] } else { [12, 6] };

    #[inline(always)]
    fn splat(self, x: f32) -> S::f32s {
        self.0.splat_f32s(x)
    }
    #[inline(always)]
    fn add(self, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.add_f32s(a, b)
    }
    #[inline(always)]
    fn sub(self, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.sub_f32s(a, b)
    }
    #[inline(always)]
    fn mul(self, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.mul_f32s(a, b)
    }
    #[inline(always)]
    fn mul_add(self, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        self.0.mul_add_e_f32s(a, b, c)
    }
    #[inline(always)]
    fn div(self, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.div_f32s(a, b)
    }
    #[inline(always)]
    fn sqrt(self, a: S::f32s) -> S::f32s {
        self.0.sqrt_f32s(a)
    }
    #[inline(always)]
    fn relu(self, a: S::f32s) -> S::f32s {
        // As in `exp_parts`: NaN goes through as the second operand.
        self.0.max_f32s(self.splat(0.0), a)
    }
    #[inline(always)]
    fn max(self, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.max_f32s(a, b)
    }
    #[inline(always)]
    fn exp_below(self, a: S::f32s) -> S::f32s {
        let (two_n, m) = exp_parts(self.0, a);
        self.0.mul_add_e_f32s(two_n, m, two_n)
    }
    #[inline(always)]
    fn where_positive(self, x: S::f32s, v: S::f32s) -> S::f32s {
        let zero = self.splat(0.0);
        self.0.select_f32s(self.0.greater_than_f32s(x, zero), v, zero)
    }
    #[inline(always)]
    fn tanh(self, a: S::f32s) -> S::f32s {
        tanh_of(self.0, a, true)
    }
    #[inline(always)]
    fn sigmoid(self, a: S::f32s) -> S::f32s {
        // σ(a) = 1/2 + tanh(a/2)/2: as tanh never falls and its halves round in order, neither does this. e / (1 + e) does,
        // by the last bit, wherever 1 + e jumps.
        let half = self.splat(0.5);
        self.mul_add(half, tanh_of(self.0, a, false), half)
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> S::f32s {
        match S::as_simd_f32s(from).0.first() {
            Some(v) => *v,
            None => self.0.partial_load_f32s(from),
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], v: S::f32s) {
        match S::as_mut_simd_f32s(to).0.first_mut() {
            Some(to) => *to = v,
            None => self.0.partial_store_f32s(to, v),
        }
    }
    #[inline(always)]
    fn vectors(from: &[f32]) -> &[S::f32s] {
        S::as_simd_f32s(from).0
    }
    #[inline(always)]
    fn vectors_mut(to: &mut [f32]) -> &mut [S::f32s] {
        S::as_mut_simd_f32s(to).0
    }
    #[inline(always)]
    fn outline<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        self.0.vectorize(Run(kernel))
    }
}
