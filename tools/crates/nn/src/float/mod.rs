//! Float arithmetic: vectors of `f32` on the machine's SIMD unit, single `f64`s for gradient checks.
//!
//! [`Float`] is the scalar a network is trained in, [`Lanes`] a vector of such scalars, and [`World`] turns any
//! `Lanes` into the [`Arith`] in which the cells' equations are written. A computation is a [`Kernel`], generic
//! over the lanes; [`Float::dispatch`] runs it with the widest that the processor has.

mod double;
pub mod gemm;
mod single;

use std::fmt::{Debug, Display};
use std::ops::{AddAssign, MulAssign};

use elman::arith::{Activation, Arith};
use get_size2::GetSize;

use super::cell::{FloatCell, Pointwise};
use super::compiled::Compiled;
use gemm::Gemm;

/// A computation over vectors of `F`, compiled once per instruction set.
pub trait Kernel<F: Float> {
    /// What it returns.
    type Output;
    /// Runs it. Implementations are `#[inline(always)]`, so that they take on the caller's instruction set.
    fn run<L: Lanes<Elem = F>>(self, lanes: L) -> Self::Output;
}

/// Scalar of a float network: `f32` to train, `f64` to check gradients.
pub trait Float:
    Copy
    + Send
    + Sync
    + Default
    + PartialOrd
    + Debug
    + Display
    + AddAssign
    + MulAssign
    + GetSize
    + 'static
    + Compiled
    + private::Sealed
{
    /// 0
    const ZERO: Self;
    /// Rounds to this type.
    fn of(x: f64) -> Self;
    /// The exact value as `f64`.
    fn f64(self) -> f64;
    /// Elements of a vector on this machine.
    fn lanes() -> usize;
    /// Runs a kernel with the machine's widest vectors.
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output;

    // What takes the compiler long is compiled here, once a scalar, not again in every crate that has a network of it.

    /// A matrix product.
    fn gemm(product: Gemm<'_, Self>);
    /// All cells.
    fn cells() -> Vec<FloatCell<Self>>;
    /// The equation of a dense layer, f(pre-activation).
    fn dense(f: Activation) -> Box<dyn Pointwise<Self>>;
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A vector of `LANES` scalars; all operations are elementwise.
///
/// `tanh` and `sigmoid` keep an absolute error of at most 2e-7 in `f32`. NaN goes through everything.
pub trait Lanes: Copy {
    /// Scalar.
    type Elem: Float;
    /// Vector.
    type V: Copy;
    /// Elements of a vector.
    const LANES: usize;
    /// Rows of a tile of the matrix product, of one vector's width and of two, that fit the register file.
    const TILE_ROWS: [usize; 2];

    /// All elements `x`.
    fn splat(self, x: Self::Elem) -> Self::V;
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a - b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a ⊙ b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a ⊙ b + c, fused where the machine can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// a / b
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// √a
    fn sqrt(self, a: Self::V) -> Self::V;
    /// max(a, 0)
    fn relu(self, a: Self::V) -> Self::V;
    /// max(a, b), neither NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// exp(a) for a <= 0, relative error at most 2e-7 in `f32` down to exp(-87), where it stays.
    fn exp_below(self, a: Self::V) -> Self::V;
    /// `v` where `x > 0`, else 0.
    fn where_positive(self, x: Self::V, v: Self::V) -> Self::V;
    /// tanh(a)
    fn tanh(self, a: Self::V) -> Self::V;
    /// σ(a) = 1 / (1 + exp(-a))
    fn sigmoid(self, a: Self::V) -> Self::V;
    /// The first `LANES` elements; missing ones are 0.
    fn load(self, from: &[Self::Elem]) -> Self::V;
    /// Writes the first `to.len()` elements, at most `LANES`.
    fn store(self, to: &mut [Self::Elem], v: Self::V);
    /// Whole vectors of a slice; the rest is dropped.
    fn vectors(from: &[Self::Elem]) -> &[Self::V];
    /// Whole vectors of a slice, mutable; the rest is dropped.
    fn vectors_mut(to: &mut [Self::Elem]) -> &mut [Self::V];
    /// Runs a kernel as a function of its own with the same instruction set.
    fn outline<K: Kernel<Self::Elem>>(self, kernel: K) -> K::Output;

    /// 1 - a
    #[inline(always)]
    fn complement(self, a: Self::V) -> Self::V {
        self.sub(self.splat(Self::Elem::of(1.0)), a)
    }
    /// d ⊙ σ'(a), from y = σ(a): d ⊙ y ⊙ (1 - y)
    #[inline(always)]
    fn sigmoid_backward(self, y: Self::V, d: Self::V) -> Self::V {
        self.mul(d, self.mul(y, self.complement(y)))
    }
    /// d ⊙ tanh'(a), from y = tanh(a): d ⊙ (1 - y ⊙ y)
    #[inline(always)]
    fn tanh_backward(self, y: Self::V, d: Self::V) -> Self::V {
        self.mul(d, self.complement(self.mul(y, y)))
    }
}

/// What is added to each of two gates in [`Arith::ratio`]: 2^-29.
pub(crate) const RATIO_EPSILON: f64 = 1.0 / (1u32 << 29) as f64;

/// The float arithmetic of the cells' equations: all formats are the same vector, nothing saturates.
#[derive(Clone, Copy, Debug)]
pub struct World<L>(pub L);

impl<L: Lanes> Arith for World<L> {
    type Pre = L::V;
    type Gate = L::V;
    type Out = L::V;
    type Carried = L::V;
    type Weight = L::V;

    #[inline(always)]
    fn add(&self, a: L::V, b: L::V) -> L::V {
        self.0.add(a, b)
    }
    #[inline(always)]
    fn add_gated_pre(&self, a: L::V, g: L::V, b: L::V) -> L::V {
        self.0.add(a, self.0.mul(g, b))
    }
    #[inline(always)]
    fn sigmoid(&self, a: L::V) -> L::V {
        self.0.sigmoid(a)
    }
    #[inline(always)]
    fn tanh(&self, a: L::V) -> L::V {
        self.0.tanh(a)
    }
    #[inline(always)]
    fn activate(&self, f: Activation, a: L::V) -> L::V {
        match f {
            Activation::Linear => a,
            Activation::Tanh => self.0.tanh(a),
            Activation::Sigmoid => self.0.sigmoid(a),
            Activation::Relu => self.0.relu(a),
        }
    }
    #[inline(always)]
    fn keep_add(&self, f: L::V, c: L::V, i: L::V, g: L::V) -> L::V {
        self.0.mul_add(f, c, self.0.mul(i, g))
    }
    #[inline(always)]
    fn tanh_carried(&self, c: L::V) -> L::V {
        self.0.tanh(c)
    }
    #[inline(always)]
    fn gate_gate(&self, o: L::V, t: L::V) -> L::V {
        self.0.mul(o, t)
    }
    #[inline(always)]
    fn lerp(&self, z: L::V, n: L::V, h: L::V) -> L::V {
        self.0.mul_add(z, self.0.sub(h, n), n)
    }
    #[inline(always)]
    fn hidden_out(&self, h: L::V) -> L::V {
        h
    }
    #[inline(always)]
    fn gate_out(&self, r: L::V, h: L::V) -> L::V {
        self.0.mul(r, h)
    }
    #[inline(always)]
    fn one_minus(&self, i: L::V) -> L::V {
        self.0.complement(i)
    }
    #[inline(always)]
    fn add_gated(&self, c: L::V, i: L::V, g: L::V) -> L::V {
        self.0.mul_add(i, g, c)
    }
    #[inline(always)]
    fn add_kept(&self, c: L::V, f: L::V, d: L::V) -> L::V {
        self.0.mul_add(f, d, c)
    }
    #[inline(always)]
    fn add_peephole(&self, a: L::V, v: L::V, c: L::V) -> L::V {
        self.0.add(a, self.0.mul(v, c))
    }
    #[inline(always)]
    fn add_bias(&self, a: L::V, v: L::V) -> L::V {
        self.0.add(a, v)
    }
    #[inline(always)]
    fn refine(&self, a: L::V) -> L::V {
        a
    }
    #[inline(always)]
    fn rectify(&self, a: L::V) -> L::V {
        self.0.relu(a)
    }
    #[inline(always)]
    fn mix(&self, z: L::V, n: L::V, h: L::V) -> L::V {
        self.lerp(z, n, h)
    }
    #[inline(always)]
    fn blend(&self, z: L::V, n: L::V, h: L::V, [zeta, nu]: [L::V; 2]) -> L::V {
        let share = self.0.mul_add(zeta, self.0.complement(z), nu);
        self.0.mul_add(z, h, self.0.mul(share, n))
    }
    #[inline(always)]
    fn ratio(&self, f: L::V, i: L::V) -> L::V {
        let epsilon = self.0.splat(L::Elem::of(RATIO_EPSILON));
        let (f, i) = (self.0.add(f, epsilon), self.0.add(i, epsilon));
        self.0.div(f, self.0.add(f, i))
    }
    #[inline(always)]
    fn accumulate(&self, h: L::V, g: L::V) -> L::V {
        self.0.add(h, g)
    }
    #[inline(always)]
    fn to_out(&self, h: L::V) -> L::V {
        h
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Map<'a>(&'a mut [f32], bool);

    impl Kernel<f32> for Map<'_> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes<Elem = f32>>(self, l: L) {
            for chunk in self.0.chunks_mut(L::LANES) {
                let v = l.load(chunk);
                l.store(chunk, if self.1 { l.sigmoid(v) } else { l.tanh(v) });
            }
        }
    }

    /// Every 601st float of either sign.
    fn samples() -> Vec<f32> {
        (0..=0x7f80_0000u32).step_by(601).flat_map(|b| [f32::from_bits(b), -f32::from_bits(b)]).collect()
    }

    #[test]
    fn activations_are_within_2e_7() {
        for sigmoid in [false, true] {
            let x = samples();
            let mut y = x.clone();
            f32::dispatch(Map(&mut y, sigmoid));
            let worst = x.iter().zip(&y).map(|(&x, &y)| {
                let x = f64::from(x);
                let exact = if sigmoid { 1.0 / (1.0 + (-x).exp()) } else { x.tanh() };
                (exact - f64::from(y)).abs()
            });
            let worst = worst.fold(0.0, f64::max);
            assert!(worst <= 2e-7, "sigmoid {sigmoid}: {worst:e}");
        }
    }

    #[test]
    fn tanh_is_relatively_accurate_near_zero() {
        let x: Vec<f32> = (1..4000).map(|i| i as f32 * 1e-4).collect();
        let mut y = x.clone();
        f32::dispatch(Map(&mut y, false));
        let worst = x.iter().zip(&y).map(|(&x, &y)| (f64::from(y) / f64::from(x).tanh() - 1.0).abs());
        assert!(worst.fold(0.0, f64::max) < 1e-6);
    }

    #[test]
    fn nan_goes_through() {
        for sigmoid in [false, true] {
            let mut y = [f32::NAN; 19];
            f32::dispatch(Map(&mut y, sigmoid));
            assert!(y.iter().all(|y| y.is_nan()));
        }
    }
}
