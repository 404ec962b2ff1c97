//! Integer arithmetic: what runs on the device, and on the host when it evaluates for the device.

use super::table::TABLE;
use super::{Activation, Arith, Gate, Pre};
use crate::kernel::activation;
#[cfg(elman_layout = "rows")]
use crate::kernel::gates::Gates;
#[cfg(elman_saturates)]
use crate::kernel::word;
use crate::kernel::word::{mul_high, mul_high_add};

/// (v + 2^(n-1)) >> n: divides by 2^n and rounds half up. `n` in 1..=30; saturates before it can overflow.
#[inline(always)]
pub fn round_shift(v: i32, n: u32) -> i32 {
    v.saturating_add((1 << (n & 31)) >> 1) >> (n & 31)
}

/// [`round_shift`] with `n` in 1..=31, for some bytes of code more.
#[inline(always)]
pub fn round_shift_31(v: i32, n: u32) -> i32 {
    v.saturating_add(((1u32 << (n & 31)) >> 1) as i32) >> (n & 31)
}

/// A number of `from` fraction bits in a format of `to`: rounded half up, saturating.
///
/// ```
/// assert_eq!(elman::arith::reformat(1000, 8, 6), 250);
/// assert_eq!(elman::arith::reformat(-1000, 8, 14), i16::MIN);
/// ```
#[inline]
pub fn reformat(v: i16, from: u8, to: u8) -> i16 {
    let (down, up) = (from.saturating_sub(to).min(16), to.saturating_sub(from).min(15));
    saturate(round_shift((v as i32) << up, down as u32))
}

/// v, or the nearest number that an i16 holds.
#[inline(always)]
pub(crate) fn saturate(v: i32) -> i16 {
    v.clamp(i16::MIN as i32, i16::MAX as i32) as i16
}

/// tanh for -2^31 < z < 2^31 in Q15.16; the result in Q0.31.
#[inline(always)]
fn tanh_bits(z: i32) -> i32 {
    activation::tanh(&TABLE, z)
}

/// σ(z) for any z in Q15.16; the result in Q0.31.
#[inline(always)]
fn sigmoid_bits(z: i32) -> i32 {
    activation::sigmoid(&TABLE, z)
}

/// tanh(x), x in Q15.16, result in Q0.31: within 1/4 LSB of Q0.15 of the true value (1 LSB where the
/// result is rounded and saturated to Q0.15), monotone, and odd: tanh(-x) = -tanh(x) bit for bit.
#[inline]
pub fn tanh(x: Pre) -> Gate {
    Gate::from_bits(tanh_bits(x.to_bits().max(-i32::MAX)))
}

/// σ(x) = 1 / (1 + exp(-x)), x in Q15.16, result in Q0.31: within 1/4 LSB of Q0.15, monotone.
#[inline]
pub fn sigmoid(x: Pre) -> Gate {
    Gate::from_bits(sigmoid_bits(x.to_bits()))
}

/// f / (f + i) in Q0.31, of f and i in Q0.31 that are not negative, each taken 2^-29 larger; within 2^-24.
///
/// v = (f + i)·2^k from 1/2 to below 1; r = 1 / v by three of Newton's steps from (48 - 32 v) / 17, whose error is 1/17 at most.
#[inline(always)]
fn share_of(f: i32, i: i32) -> i32 {
    let (f, i) = ((f >> 2).wrapping_add(1), (i >> 2).wrapping_add(1));
    let sum = f.wrapping_add(i);
    let k = sum.leading_zeros().wrapping_sub(1) & 31;
    let v = sum << k;
    // r in Q2.29.
    let mut r = RECIPROCAL[0].wrapping_sub(mul_high(v, RECIPROCAL[1]));
    for _ in 0..3 {
        // 1 - v r in Q3.28, then times r in Q6.25.
        let error = (1i32 << 28).wrapping_sub(mul_high(v, r));
        r = r.wrapping_add(mul_high(error, r) << 4);
    }
    mul_high(f << k, r).min((1 << 28) - 1) << 3
}

/// 48/17 in Q2.29, and 32/17 in Q2.30, whose product with Q0.31 is Q2.29.
const RECIPROCAL: [i32; 2] = [1_515_870_810, 2_021_161_080];

/// Integer arithmetic. Its two formats are a layer's own, chosen at quantization and stored in the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Q {
    /// Fraction bits of the carried state: c of an LSTM or h of a residual cell (17..=27), h of a GRU
    /// ([`Q::HIDDEN_MORE`] more than those of the output).
    pub carried_frac: u8,
    /// Fraction bits of the output vector (0..=15).
    pub out_frac: u8,
}

impl Q {
    /// How many fraction bits the 32-bit h of a GRU has more than the one that rows read: any i16 is then an h.
    pub const HIDDEN_MORE: u8 = 15;

    /// An LSTM's equations for four units at once.
    #[cfg(elman_layout = "rows")]
    #[inline(always)]
    pub fn lstm_gates(&self) -> Gates<'static> {
        Gates::lstm(&TABLE, self.carried_frac, self.out_frac)
    }

    /// Those of an LSTM with [`Arith::Weight`]s of three gates for each unit.
    #[cfg(elman_layout = "rows")]
    #[inline(always)]
    pub fn peephole_gates<'a>(&self, peepholes: &'a [u32]) -> Gates<'a> {
        Gates::peephole(&TABLE, self.carried_frac, self.out_frac, peepholes)
    }

    /// Those of a GRU with the reset gate after the product.
    #[cfg(elman_layout = "rows")]
    #[inline(always)]
    pub fn gru_gates(&self) -> Gates<'static> {
        Gates::gru(&TABLE, self.carried_frac)
    }

    /// Those of a residual network.
    #[cfg(elman_layout = "rows")]
    #[inline(always)]
    pub fn residual_gates(&self) -> Gates<'static> {
        Gates::residual(&TABLE, self.carried_frac, self.out_frac)
    }

    /// [`Arith::activate`] of many units at once.
    #[cfg(elman_layout = "rows")]
    #[inline(always)]
    pub fn activation_gates(&self, f: Activation) -> Gates<'static> {
        let linear = 16u32.wrapping_sub(self.out_frac as u32).wrapping_sub(self.carried_frac as u32);
        let bounded = 31u32.wrapping_sub(self.out_frac as u32);
        match f {
            Activation::Linear => Gates::linear(&TABLE, linear),
            Activation::Relu => Gates::relu(&TABLE, linear),
            Activation::Tanh => Gates::tanh(&TABLE, bounded),
            Activation::Sigmoid => Gates::sigmoid(&TABLE, bounded),
        }
    }

    /// v of `frac` fraction bits, 30 or 31, in the format of the output: rounded half up, saturating.
    #[inline(always)]
    fn gate_to_out(&self, v: i32, frac: u32) -> i16 {
        let places = frac.wrapping_sub(self.out_frac as u32);
        // One instruction where a core multiplies high halves.
        #[cfg(elman_dsp)]
        return saturate(mul_high(v, 1 << (32u32.wrapping_sub(places) & 31)));
        // As the bits that go first cannot carry, this is the sum with a half, and cannot overflow.
        #[cfg(elman_saturates)]
        return word::half_saturated((v >> (places.wrapping_sub(1) & 31)).wrapping_add(1));
        // Only 1 is beyond an i16, in Q0.15: less than it by one, without a branch.
        #[cfg(not(any(elman_dsp, elman_saturates)))]
        {
            let rounded = (v >> (places.wrapping_sub(1) & 31)).wrapping_add(1) >> 1;
            let over = rounded.wrapping_sub(i16::MAX as i32);
            i16::MAX.wrapping_add((over & over >> 31) as i16)
        }
    }

    /// [`Q::gate_to_out`] of a number in Q0.31 that is not negative.
    #[inline(always)]
    fn share_to_out(&self, v: i32) -> i16 {
        #[cfg(any(elman_dsp, elman_saturates))]
        return self.gate_to_out(v, 31);
        #[cfg(not(any(elman_dsp, elman_saturates)))]
        {
            let places = 31u32.wrapping_sub(self.out_frac as u32);
            let rounded = (v >> (places.wrapping_sub(1) & 31)).wrapping_add(1) >> 1;
            // Only 1 in Q0.15 has a bit there.
            rounded.wrapping_sub(rounded >> 15) as i16
        }
    }
}

impl Arith for Q {
    type Pre = Pre;
    type Gate = Gate;
    type Out = i16;
    type Carried = i32;
    /// V·2^(48 - `carried_frac`), so that the high half of its product with c is a pre-activation; v of a FastGRNN as Q14.17, its
    /// ζ as Q0.31, its ν as Q1.30.
    type Weight = i32;

    #[inline(always)]
    fn add(&self, a: Pre, b: Pre) -> Pre {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn add_gated_pre(&self, a: Pre, g: Gate, b: Pre) -> Pre {
        Pre::from_bits(mul_high_add(a.to_bits(), g.to_bits(), b.to_bits()))
    }
    #[inline(always)]
    fn sigmoid(&self, a: Pre) -> Gate {
        Gate::from_bits(sigmoid_bits(a.to_bits()))
    }
    #[inline(always)]
    fn tanh(&self, a: Pre) -> Gate {
        Gate::from_bits(tanh_bits(a.to_bits()))
    }
    #[inline(always)]
    fn activate(&self, f: Activation, a: Pre) -> i16 {
        // A linear map whose pre-activations stand for 2^carried_frac times their value; the loader proves that both formats
        // together have at most 15 bits.
        let shift = 16u32.wrapping_sub(self.out_frac as u32).wrapping_sub(self.carried_frac as u32);
        saturate(match f {
            Activation::Linear => round_shift(a.to_bits(), shift),
            Activation::Relu => round_shift(a.to_bits().max(0), shift),
            Activation::Tanh => return self.gate_to_out(self.tanh(a).to_bits(), 31),
            Activation::Sigmoid => return self.share_to_out(self.sigmoid(a).to_bits()),
        })
    }
    #[inline(always)]
    fn keep_add(&self, f: Gate, c: i32, i: Gate, g: Gate) -> i32 {
        let ig = mul_high(i.to_bits(), g.to_bits()) >> (30u32.wrapping_sub(self.carried_frac as u32) & 31);
        let fc = mul_high(f.to_bits(), c);
        ig.saturating_add(fc.saturating_add(fc))
    }
    #[inline(always)]
    fn tanh_carried(&self, c: i32) -> Gate {
        Gate::from_bits(activation::tanh_shifted(&TABLE, c, (self.carried_frac as u32).wrapping_sub(16) & 31))
    }
    #[inline(always)]
    fn gate_gate(&self, o: Gate, t: Gate) -> i16 {
        self.gate_to_out(mul_high(o.to_bits(), t.to_bits()), 30)
    }
    #[inline(always)]
    fn lerp(&self, z: Gate, n: Gate, h: i32) -> i32 {
        let n = n.to_bits() >> (31u32.wrapping_sub(self.carried_frac as u32) & 31);
        n.wrapping_add(mul_high(z.to_bits(), h.wrapping_sub(n)) << 1)
    }
    #[inline(always)]
    fn hidden_out(&self, h: i32) -> i16 {
        // |h| is at most 2^30: it begins as an i16 with 15 bits more, and a step takes it to a mean with a number below 2^30.
        saturate(h.wrapping_add(1 << 14) >> 15)
    }
    #[inline(always)]
    fn gate_out(&self, r: Gate, h: i16) -> i16 {
        saturate(mul_high(r.to_bits(), (h as i32) << 16).wrapping_add(1 << 14) >> 15)
    }
    /// Less by one LSB of Q0.31, which has no 1.
    #[inline(always)]
    fn one_minus(&self, i: Gate) -> Gate {
        Gate::from_bits(i32::MAX.wrapping_sub(i.to_bits()))
    }
    #[inline(always)]
    fn add_gated(&self, c: i32, i: Gate, g: Gate) -> i32 {
        let ig = mul_high(i.to_bits(), g.to_bits()) >> (30u32.wrapping_sub(self.carried_frac as u32) & 31);
        c.saturating_add(ig)
    }
    #[inline(always)]
    fn add_kept(&self, c: i32, f: Gate, d: i32) -> i32 {
        let fd = mul_high(f.to_bits(), d);
        c.saturating_add(fd.saturating_add(fd))
    }
    #[inline(always)]
    fn add_peephole(&self, a: Pre, v: i32, c: i32) -> Pre {
        Pre::from_bits(mul_high_add(a.to_bits(), v, c))
    }
    #[inline(always)]
    fn add_bias(&self, a: Pre, v: i32) -> Pre {
        // |a| is below 2^30, as is half of v: the sum stays above -2^31.
        Pre::from_bits(a.to_bits().wrapping_add(v >> 1))
    }
    #[inline(always)]
    fn refine(&self, a: Pre) -> Pre {
        Pre::from_bits(a.to_bits().clamp(i32::MIN >> 4, i32::MAX >> 4) << 4)
    }
    #[inline(always)]
    fn rectify(&self, a: Pre) -> i32 {
        let places = (self.carried_frac as u32).wrapping_sub(12) & 31;
        a.to_bits().max(0).min(i32::MAX >> places) << places
    }
    #[inline(always)]
    fn mix(&self, z: Gate, n: i32, h: i32) -> i32 {
        // z is below 1, so that the product's high half is above -2^30.
        n.saturating_add(mul_high(z.to_bits(), h.saturating_sub(n)) << 1)
    }
    #[inline(always)]
    fn blend(&self, z: Gate, n: Gate, h: i32, [zeta, nu]: [i32; 2]) -> i32 {
        // ζ + ν - ζ z in Q1.30, then times n in Q2.29.
        let share = (zeta >> 1).wrapping_add(nu).wrapping_sub(mul_high(zeta, z.to_bits()));
        let of_n = mul_high(share, n.to_bits()) >> (29u32.wrapping_sub(self.carried_frac as u32) & 31);
        let kept = mul_high(z.to_bits(), h);
        of_n.saturating_add(kept.saturating_add(kept))
    }
    #[inline(always)]
    fn ratio(&self, f: Gate, i: Gate) -> Gate {
        Gate::from_bits(share_of(f.to_bits(), i.to_bits()))
    }
    #[inline(always)]
    fn accumulate(&self, h: i32, g: Gate) -> i32 {
        h.saturating_add(round_shift(g.to_bits(), 31u32.wrapping_sub(self.carried_frac as u32) & 31))
    }
    #[inline(always)]
    fn to_out(&self, h: i32) -> i16 {
        saturate(round_shift(h, (self.carried_frac as u32).wrapping_sub(self.out_frac as u32) & 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The half is positive for the largest shift too.
    #[test]
    fn a_shift_by_31_rounds_half_up() {
        let r = |v| round_shift_31(v, 31);
        assert_eq!([r(0), r(-1), r((1 << 30) - 1), r(-(1 << 30))], [0; 4]);
        assert_eq!([r(-(1 << 30) - 1), r(i32::MIN), r(i32::MAX)], [-1, -1, 0]);
    }

    /// Runs every input of the table's domain and a margin beyond it: error, monotony, oddness.
    #[test]
    fn tanh_over_all_inputs() {
        let lsb = 2f64.powi(-15);
        let (mut worst, mut worst_q15, mut last) = (0f64, 0f64, i32::MIN);
        for z in -(9 << 16)..=(9 << 16) {
            let y = tanh_bits(z);
            assert!(y >= last, "not monotone at {z}: {last} then {y}");
            assert_eq!(y, -tanh_bits(-z), "not odd at {z}");
            last = y;
            let exact = (z as f64 / 65536.0).tanh();
            worst = worst.max((y as f64 / 2f64.powi(31) - exact).abs() / lsb);
            let q15 = Q { carried_frac: 27, out_frac: 15 }.activate(Activation::Tanh, Pre::from_bits(z));
            worst_q15 = worst_q15.max((q15 as f64 * lsb - exact).abs() / lsb);
        }
        std::println!("tanh: worst error {worst:.3} LSB of Q0.15, rounded to Q0.15 {worst_q15:.3}");
        assert!(worst <= 0.25 && worst_q15 <= 1.0, "{worst} {worst_q15}");
        for z in [i32::MIN, i32::MIN + 1, i32::MAX, 1 << 24, -(1 << 24), -(8 << 16), 8 << 16] {
            let saturated = tanh_bits((8 << 16) - 1);
            assert_eq!(tanh(Pre::from_bits(z)).to_bits(), if z < 0 { -saturated } else { saturated });
        }
    }

    #[test]
    fn sigmoid_over_all_inputs() {
        let lsb = 2f64.powi(-15);
        let (mut worst, mut worst_q15, mut last) = (0f64, 0f64, i32::MIN);
        for z in -(18 << 16)..=(18 << 16) {
            let y = sigmoid_bits(z);
            assert!(y >= last && y >= 0, "not monotone at {z}: {last} then {y}");
            last = y;
            let exact = 1.0 / (1.0 + (-z as f64 / 65536.0).exp());
            worst = worst.max((y as f64 / 2f64.powi(31) - exact).abs() / lsb);
            let q15 = Q { carried_frac: 27, out_frac: 15 }.activate(Activation::Sigmoid, Pre::from_bits(z));
            worst_q15 = worst_q15.max((q15 as f64 * lsb - exact).abs() / lsb);
            let q = Q { carried_frac: 0, out_frac: (z & 15) as u8 };
            assert_eq!(q.share_to_out(y), q.gate_to_out(y, 31), "{z} {q:?}");
        }
        std::println!("sigmoid: worst error {worst:.3} LSB of Q0.15, rounded to Q0.15 {worst_q15:.3}");
        assert!(worst <= 0.25 && worst_q15 <= 1.0, "{worst} {worst_q15}");
        assert_eq!(sigmoid(Pre::MIN), Gate::from_bits(sigmoid_bits(-(16 << 16))));
        assert_eq!(sigmoid(Pre::MAX), Gate::from_bits(sigmoid_bits((16 << 16) - 1)));
    }

    #[test]
    fn shares_are_quotients() {
        let mut random = 1u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as i32 >> (random & 31)
        };
        let check = |f: i32, i: i32| {
            let (found, of) = (f64::from(share_of(f, i)) / 2f64.powi(31), |v: i32| f64::from((v >> 2) + 1));
            assert!((found - of(f) / (of(f) + of(i))).abs() < 2f64.powi(-24), "{f} {i}: {found}");
        };
        for _ in 0..1_000_000 {
            check(next(), next());
        }
        let edges = [0, 1, 3, 4, 1 << 20, 1 << 30, i32::MAX - 1, i32::MAX];
        edges.iter().for_each(|f| edges.iter().for_each(|i| check(*f, *i)));
        assert_eq!(share_of(0, 0), 1 << 30);
    }

    /// The bounds that keep every product in its format: no gate reaches 1, no output wraps.
    #[test]
    fn extremes_saturate() {
        let q = Q { carried_frac: 27, out_frac: 15 };
        let one = sigmoid(Pre::MAX);
        let top = tanh(Pre::MAX);
        assert_eq!(q.gate_gate(one, top), 32767);
        assert_eq!(q.gate_gate(one, tanh(Pre::MIN)), -32768);
        assert_eq!(q.keep_add(one, i32::MAX, one, top), i32::MAX);
        assert_eq!(q.keep_add(one, i32::MIN, one, tanh(Pre::MIN)), i32::MIN);
        assert_eq!([1 << 30, -(1 << 30)].map(|h| q.hidden_out(h)), [32767, -32768]);
        assert_eq!(q.gate_out(one, -32768), -32768);
        let q = Q { carried_frac: 0, out_frac: 15 };
        assert_eq!(q.activate(Activation::Relu, Pre::MIN), 0);
        assert_eq!(q.activate(Activation::Linear, Pre::MAX), 32767);
    }
}
