//! The arithmetic of cells, and its integer form [`Q`].
//!
//! A cell's equations are written once, generic over [`Arith`]. The device computes them in [`Q`]
//! (integers only); a trainer implements `Arith` for `f32` lanes or `f64`.

mod divide;
pub(crate) mod log2;
pub(crate) mod probability;
mod q;
mod softmax;
mod table;

pub(crate) use divide::divide;
pub use probability::Probability;
pub(crate) use q::saturate;
pub use q::{Q, reformat, round_shift, round_shift_31, sigmoid, tanh};
pub(crate) use softmax::{EXPONENT_FRAC, LOG2_E, exp2_neg};
pub use softmax::{softmax, softmax_wide};
#[cfg(test)]
pub(crate) use table::TABLE;

/// Pre-activation of a gate in integer arithmetic: Q15.16.
pub type Pre = fixed::types::I16F16;
/// Output of sigmoid or tanh in integer arithmetic: Q0.31.
pub type Gate = fixed::types::I1F31;
/// A logit as a number: Q15.16, which holds an i16 of 0 to 15 fraction bits exactly.
pub type Logit = fixed::types::I16F16;

/// The pointwise function after an affine map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// f(z) = z, saturated at the output's format.
    Linear,
    /// f(z) = tanh(z)
    Tanh,
    /// f(z) = 1 / (1 + exp(-z))
    Sigmoid,
    /// f(z) = max(z, 0), saturated at the output's format.
    Relu,
}

/// The arithmetic in which a cell's equations are evaluated, for one unit or for a vector of them.
///
/// All methods are total. Symbols are those of Goodfellow et al. 2016, chapter 10 (eq. 10.40 to 10.47 are the LSTM and the
/// GRU), and of PyTorch's documentation of `LSTM` and `GRU`: ⊙ is the pointwise product.
pub trait Arith {
    /// Pre-activation W x + U h + b of a gate.
    type Pre: Copy;
    /// Value of a gate or candidate: σ in (0, 1), tanh in (-1, 1).
    type Gate: Copy;
    /// Element of the vector that the next step and the next layer read: h.
    type Out: Copy;
    /// State carried at high precision from step to step: c of an LSTM, the 32-bit h of a GRU.
    type Carried: Copy;
    /// Peephole weight: an element of the diagonal V.
    type Weight: Copy;

    /// a + b
    fn add(&self, a: Self::Pre, b: Self::Pre) -> Self::Pre;
    /// a + g ⊙ b: a gate applied to a pre-activation of [`PreFormat::Doubled`](crate::cell::PreFormat).
    fn add_gated_pre(&self, a: Self::Pre, g: Self::Gate, b: Self::Pre) -> Self::Pre;
    /// σ(a)
    fn sigmoid(&self, a: Self::Pre) -> Self::Gate;
    /// tanh(a)
    fn tanh(&self, a: Self::Pre) -> Self::Gate;
    /// f(a) in the format of the output.
    fn activate(&self, f: Activation, a: Self::Pre) -> Self::Out;
    /// f ⊙ c + i ⊙ g
    fn keep_add(&self, f: Self::Gate, c: Self::Carried, i: Self::Gate, g: Self::Gate) -> Self::Carried;
    /// tanh(c)
    fn tanh_carried(&self, c: Self::Carried) -> Self::Gate;
    /// o ⊙ t
    fn gate_gate(&self, o: Self::Gate, t: Self::Gate) -> Self::Out;
    /// z ⊙ h + (1 - z) ⊙ n
    fn lerp(&self, z: Self::Gate, n: Self::Gate, h: Self::Carried) -> Self::Carried;
    /// The 32-bit h of a GRU at the precision of the output.
    fn hidden_out(&self, h: Self::Carried) -> Self::Out;
    /// r ⊙ h
    fn gate_out(&self, r: Self::Gate, h: Self::Out) -> Self::Out;
    /// 1 - i
    fn one_minus(&self, i: Self::Gate) -> Self::Gate;
    /// c + i ⊙ g
    fn add_gated(&self, c: Self::Carried, i: Self::Gate, g: Self::Gate) -> Self::Carried;
    /// c + f ⊙ d
    fn add_kept(&self, c: Self::Carried, f: Self::Gate, d: Self::Carried) -> Self::Carried;
    /// a + V ⊙ c
    fn add_peephole(&self, a: Self::Pre, v: Self::Weight, c: Self::Carried) -> Self::Pre;
    /// a + v: a second bias of a unit.
    fn add_bias(&self, a: Self::Pre, v: Self::Weight) -> Self::Pre;
    /// A pre-activation of [`PreFormat::Coarse`](crate::cell::PreFormat) as others are, saturating.
    fn refine(&self, a: Self::Pre) -> Self::Pre;
    /// max(a, 0) of a pre-activation of [`PreFormat::Coarse`](crate::cell::PreFormat) in the format of a state without bound.
    fn rectify(&self, a: Self::Pre) -> Self::Carried;
    /// z ⊙ h + (1 - z) ⊙ n, for a state without bound.
    fn mix(&self, z: Self::Gate, n: Self::Carried, h: Self::Carried) -> Self::Carried;
    /// z ⊙ h + (ζ (1 - z) + ν) ⊙ n, for a state without bound.
    fn blend(&self, z: Self::Gate, n: Self::Gate, h: Self::Carried, numbers: [Self::Weight; 2]) -> Self::Carried;
    /// f / (f + i) of two numbers that are not negative, each of them 2^-29 larger: 1/2 where both are 0.
    fn ratio(&self, f: Self::Gate, i: Self::Gate) -> Self::Gate;
    /// h + g, for a state without bound.
    fn accumulate(&self, h: Self::Carried, g: Self::Gate) -> Self::Carried;
    /// A state without bound in the format of the output.
    fn to_out(&self, h: Self::Carried) -> Self::Out;
}
