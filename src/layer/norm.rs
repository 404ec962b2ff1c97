//! Layer normalisation (Ba et al. 2016): y_k = g_k (x_k - μ) / √(σ² + ε) + b_k, with μ and σ² the mean and the variance of
//! the n elements of one vector; of a recurrent layer's h_t for instance, before the next layer reads it.
//!
//! In integers it takes the vector as n² times itself, so that nothing is divided: with S = Σ x_k and Q = Σ x_k²,
//!
//! ```text
//! D_k = n x_k - S = n (x_k - μ)          V = n Q - S² + n²ε = n² (σ² + ε)          y_k = g_k D_k / √V + b_k
//! ```
//! D_k is below 2^29 and n Q - S² below 2^57: both are exact. n²ε in units of the input's last place is stored as
//! `epsilon` · 2^(`exponent` - 32). V is normalised to v·4^p, v in [1/4, 1) as Q0.31 rounded down, and r = 1/√v comes in
//! Q2.29 from three steps of Newton's iteration, 9e-8 too small at most. A word a unit holds the gain (low half, i16 with
//! `carried_frac` fraction bits) and the bias (high half, i16 in the format of the output). With f = 28 - ⌈log4 n⌉,
//!
//! ```text
//! x̂_k = SMMULR(D_k 2^(f + 3 - p), r)                      f fraction bits; |x̂_k| < √n
//! y_k = round(SMMULR(8 x̂_k, g_k 2^16), s) + b_k           s = f + carried_frac - 13 - out_frac, saturating
//! ```
//! where SMMULR(a, b) = (a b + 2^31) >> 32, and round(v, s) = (v + 2^(s-1)) >> s. Below 0 s counts as 0, above 31 as 31. A
//! vector whose elements are all equal has D_k = 0, and y_k = b_k. From s = 3 on y_k is within 1.1 LSB of the real number for
//! every input; gains and biases are what they are, ε has 16 bits. Products are of 32 bits.

use crate::arith::{Q, round_shift_31, saturate};
use crate::cell::{CellSpec, LayerOperation, LayerView, OutRange, StageKind, StageSpec, VariantSpec, WidthRule};
use crate::kernel::word::{self, mul_high};

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 22,
    name: "norm",
    variants: &[&VariantSpec {
        name: "norm",
        stages: &[StageSpec { kind: StageKind::Pointwise, gates: &[] }],
        out: OutRange::Calibrated,
        widths: WidthRule::Same,
        params: &["epsilon", "exponent"],
        check: |_, _, [_, exponent, ..]| (exponent <= 72).then_some(0),
        step,
        ..VariantSpec::BASE
    }],
};

/// Layer normalisation.
pub const NORM: LayerOperation = SPEC.operation(0);

/// Fraction bits of x̂, f, for vectors of `n` elements.
pub const fn normal_frac(n: usize) -> u32 {
    let bits = usize::BITS.wrapping_sub(n.saturating_sub(1).leading_zeros());
    28u32.wrapping_sub(bits.wrapping_add(1) >> 1)
}

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let x = word::halves(memory).get(..layer.units()).unwrap_or_default();
    normalize(x, layer.stage(0).params, layer.params(), layer.formats(), word::halves_mut(out));
}

/// y of x: `words` are gains and biases, `numbers` are ε's.
fn normalize(x: &[i16], words: &[u32], numbers: [u16; 4], formats: Q, y: &mut [i16]) {
    let scale = Scale::of(x, numbers);
    let frac = normal_frac(x.len()).wrapping_add(formats.carried_frac as u32);
    let shift = frac.saturating_sub(13u32.wrapping_add(formats.out_frac as u32)).min(31);
    for ((p, x), y) in words.iter().zip(x).zip(y) {
        let (gain, bias) = ((*p << 16) as i32, *p as i32 >> 16);
        let product = mul_high(scale.normal(*x).wrapping_shl(3), gain);
        *y = saturate(round_shift_31(product, shift).wrapping_add(bias));
    }
}

/// From an element to x̂.
struct Scale {
    /// n·2^left and S·2^left, modulo 2^32: their difference is D·2^left, which fits.
    n: i32,
    sum: i32,
    /// By how many bits D·2^left is too large.
    right: u32,
    /// 1/√v
    root: i32,
}

impl Scale {
    fn of(x: &[i16], [epsilon, exponent, ..]: [u16; 4]) -> Self {
        let (mut sum, mut squares) = (0i32, 0u64);
        for x in x {
            let x = *x as i32;
            sum = sum.wrapping_add(x);
            squares = squares.wrapping_add(x.wrapping_mul(x) as u32 as u64);
        }
        let n = x.len() as u32;
        let (v, half) = normalized(spread(n, sum, squares), epsilon, exponent);
        let up = (normal_frac(x.len()) as i32).wrapping_add(3).wrapping_sub(half);
        let (left, right) = (up.clamp(0, 31) as u32, up.wrapping_neg().clamp(0, 31) as u32);
        Scale { n: (n as i32).wrapping_shl(left), sum: sum.wrapping_shl(left), right, root: inverse_root(v) }
    }

    #[inline(always)]
    fn normal(&self, x: i16) -> i32 {
        let d = self.n.wrapping_mul(x as i32).wrapping_sub(self.sum) >> (self.right & 31);
        mul_high(d, self.root)
    }
}

/// n Q - S², of products of 32 bits: Q is below 2^43, |S| at most 2^28, n at most 2^13.
fn spread(n: u32, sum: i32, squares: u64) -> u64 {
    let part = |shift: u32| (n.wrapping_mul((squares >> shift) as u32 & 0xffff) as u64) << shift;
    let all = part(0).wrapping_add(part(16)).wrapping_add(part(32));
    let s = sum.unsigned_abs();
    let (high, low) = (s >> 14, s & 0x3fff);
    let square = ((high.wrapping_mul(high) as u64) << 28)
        .wrapping_add((high.wrapping_mul(low) as u64) << 15)
        .wrapping_add(low.wrapping_mul(low) as u64);
    all.wrapping_sub(square)
}

/// v in Q0.31 and p of `spread` + `epsilon`·2^(`exponent` - 32) = v·4^p.
fn normalized(spread: u64, epsilon: u16, exponent: u16) -> (i32, i32) {
    let exponent = (exponent as u32).min(72);
    // As far up as neither term leaves 62 bits.
    let up = leading_zeros(spread).wrapping_sub(2).min(78u32.wrapping_sub(exponent));
    let epsilon = shift_right((epsilon as u64) << 46, 78u32.saturating_sub(up.wrapping_add(exponent)).min(63));
    let sum = shift_left(spread, up).wrapping_add(epsilon).max(1);
    // The highest bit goes to bit 63, or to bit 62 where the exponent would be odd.
    let zeros = leading_zeros(sum);
    let left = zeros.wrapping_sub((zeros ^ up) & 1);
    let v = (shift_left(sum, left) >> 33) as i32;
    (v, 32i32.wrapping_sub((left.wrapping_add(up) >> 1) as i32))
}

#[cfg(not(elman_narrow))]
#[inline(always)]
fn leading_zeros(x: u64) -> u32 {
    x.leading_zeros()
}

#[cfg(not(elman_narrow))]
#[inline(always)]
fn shift_left(x: u64, n: u32) -> u64 {
    x << (n & 63)
}

#[cfg(not(elman_narrow))]
#[inline(always)]
fn shift_right(x: u64, n: u32) -> u64 {
    x >> (n & 63)
}

#[cfg(elman_narrow)]
use narrow::{leading_zeros, shift_left, shift_right};

/// For a core without these instructions: the compiler's functions take as long as their numbers want, and a step takes the
/// same time for every input.
#[cfg(any(elman_narrow, test))]
mod narrow {
    /// `a` where `condition` is 1, `b` where it is 0.
    #[inline(always)]
    fn choose(condition: u32, a: u64, b: u64) -> u64 {
        let mask = (condition as u64).wrapping_neg();
        b ^ ((a ^ b) & mask)
    }

    /// 63 for 0.
    pub fn leading_zeros(mut x: u64) -> u32 {
        let mut zeros = 0;
        macro_rules! half {
            ($($n:literal)*) => {$(
                // 1 where the upper bits are all 0.
                let high = (x >> (64 - $n)) as u32;
                let empty = ((high | high.wrapping_neg()) >> 31) ^ 1;
                x = choose(empty, x << $n, x);
                zeros |= empty.wrapping_mul($n);
            )*};
        }
        half!(32 16 8 4 2);
        zeros | ((x >> 63) as u32 ^ 1)
    }

    pub fn shift_left(mut x: u64, n: u32) -> u64 {
        macro_rules! bit {
            ($($k:literal)*) => {$(
                x = choose((n >> $k) & 1, x << (1 << $k), x);
            )*};
        }
        bit!(0 1 2 3 4 5);
        x
    }

    pub fn shift_right(mut x: u64, n: u32) -> u64 {
        macro_rules! bit {
            ($($k:literal)*) => {$(
                x = choose((n >> $k) & 1, x >> (1 << $k), x);
            )*};
        }
        bit!(0 1 2 3 4 5);
        x
    }
}

/// 1/√v in Q2.29, for v in Q0.31 from 1/4 on. Newton's iteration r (3 - v r²) / 2 from the line that is 9 % off at most.
fn inverse_root(v: i32) -> i32 {
    let mut r = 1_133_677_773i32.wrapping_sub(mul_high(v, 1_258_958_028));
    for _ in 0..3 {
        let square = mul_high(r, r).wrapping_shl(2);
        // v r² is about 1 in Q4.27, the factor of r in Q1.30.
        let factor = (3i32 << 27).wrapping_sub(mul_high(v, square)).wrapping_shl(2);
        r = mul_high(r, factor).wrapping_shl(2);
    }
    r
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Numbers of a fixed sequence.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }
        fn element(&mut self) -> i16 {
            self.below(1 << 16) as i16
        }
    }

    /// A layer: its formats, ε, gains and biases.
    struct Norm {
        in_frac: i32,
        q: Q,
        epsilon: f64,
        params: Vec<u32>,
    }

    impl Norm {
        /// Formats as the quantizer chooses them: s is at least 3.
        fn random(random: &mut Random, n: usize) -> Self {
            let carried_frac = random.below(16) as u32;
            let out_frac = (normal_frac(n) + carried_frac - 16).min(15);
            let q = Q { carried_frac: carried_frac as u8, out_frac: random.below(out_frac as u64 + 1) as u8 };
            let epsilon = [1e-5, 1e-3, 1e-8, 1.0][random.below(4) as usize];
            let params = (0..n).map(|_| word::pair(random.element(), random.element())).collect();
            Norm { in_frac: random.below(16) as i32, q, epsilon, params }
        }

        fn run(&self, x: &[i16]) -> Vec<i16> {
            let scaled = (x.len() * x.len()) as f64 * self.epsilon * 4f64.powi(self.in_frac);
            let exponent = (scaled.log2().floor() as i32 + 17).clamp(0, 72);
            let epsilon = (scaled * 2f64.powi(32 - exponent)).round().min(65_535.0) as u16;
            let mut y = std::vec![0; x.len()];
            normalize(x, &self.params, [epsilon, exponent as u16, 0, 0], self.q, &mut y);
            y
        }

        /// The largest distance from the real numbers, in units of the output's last place.
        fn error(&self, x: &[i16]) -> f64 {
            let n = x.len() as f64;
            let mean = x.iter().map(|x| *x as f64).sum::<f64>() / n;
            let variance = x.iter().map(|x| (*x as f64 - mean).powi(2)).sum::<f64>() / n;
            let deviation = (variance + self.epsilon * 4f64.powi(self.in_frac)).sqrt();
            let unit = 2f64.powi(self.q.out_frac as i32 - self.q.carried_frac as i32);
            let exact = |(x, p): (&i16, &u32)| {
                let y = (*p as i16) as f64 * unit * (*x as f64 - mean) / deviation + ((*p as i32) >> 16) as f64;
                y.clamp(-32_768.0, 32_767.0)
            };
            let exact = x.iter().zip(&self.params).map(exact);
            self.run(x).iter().zip(exact).map(|(y, exact)| (*y as f64 - exact).abs()).fold(0.0, f64::max)
        }
    }

    /// Vectors of all kinds: all equal, one element off by one, one spike, saturated, small and large noise, with offsets.
    fn vector(random: &mut Random, n: usize) -> Vec<i16> {
        let (kind, base, at) = (random.below(7), random.element(), random.below(n as u64) as usize);
        let amplitude = 1 << random.below(17);
        let offset = if kind == 6 { random.element() as i64 } else { 0 };
        let element = |k: usize| match kind {
            0 => base,
            1 => base.saturating_add((k == at) as i16),
            2 if k == at => [i16::MIN, i16::MAX][(base > 0) as usize],
            2 => 0,
            3 => [i16::MIN, i16::MAX][random.below(2) as usize],
            _ => (random.below(amplitude) as i64 - amplitude as i64 / 2 + offset).clamp(-32_768, 32_767) as i16,
        };
        (0..n).map(element).collect()
    }

    #[test]
    fn every_output_is_within_one_lsb_and_a_tenth() {
        let mut random = Random(1);
        let mut worst = 0f64;
        for round in 0..60_000usize {
            let n = match round % 4 {
                0 => 1 + random.below(256) as usize,
                1 => [1, 2, 3, 4, 5, 16, 255, 256][random.below(8) as usize],
                2 => 1 + random.below(20) as usize,
                _ if round % 1000 == 3 => 1 + random.below(8192) as usize,
                _ => 1 + random.below(64) as usize,
            };
            let norm = Norm::random(&mut random, n);
            let x = vector(&mut random, n);
            worst = worst.max(norm.error(&x));
        }
        std::println!("layer normalisation: worst error {worst:.3} LSB");
        assert!(worst <= 1.1, "{worst}");
    }

    #[test]
    fn the_root_is_that_of_the_real_numbers() {
        let mut worst = 0f64;
        for v in (1i64 << 29..1 << 31).step_by(997) {
            let exact = 1.0 / (v as f64 / 2f64.powi(31)).sqrt();
            let ours = inverse_root(v as i32) as f64 / 2f64.powi(29);
            worst = worst.max((1.0 - ours / exact).abs());
            assert!(ours <= 2.0, "{v}");
        }
        assert!(worst < 1e-7, "{worst:e}");
    }

    #[test]
    fn what_takes_the_same_time_gives_the_same_bits() {
        let mut random = Random(9);
        for round in 0..50_000u64 {
            let x = ((random.below(1 << 31) << 33) | (random.below(1 << 31) << 2) | (round % 4)) >> random.below(64);
            let n = random.below(64) as u32;
            assert_eq!(narrow::shift_left(x, n), x << n);
            assert_eq!(narrow::shift_right(x, n), x >> n);
            assert_eq!(narrow::leading_zeros(x), if x == 0 { 63 } else { x.leading_zeros() });
        }
    }

    #[test]
    fn the_spread_is_exact() {
        let mut random = Random(5);
        for _ in 0..20_000 {
            let n = 1 + random.below(8192) as usize;
            let edge = [i16::MIN, i16::MAX, 0, random.element()][random.below(4) as usize];
            let x: Vec<i16> = (0..n).map(|k| if k % 3 == 0 { random.element() } else { edge }).collect();
            let sum: i64 = x.iter().map(|x| *x as i64).sum();
            let squares: u64 = x.iter().map(|x| (*x as i64 * *x as i64) as u64).sum();
            let exact = n as i128 * squares as i128 - sum as i128 * sum as i128;
            assert_eq!(spread(n as u32, sum as i32, squares) as i128, exact);
        }
        let (n, x) = (8192u32, -32_768i64);
        assert_eq!(spread(n, (n as i64 * x) as i32, n as u64 * (x * x) as u64), 0);
    }

    /// Numbers that no quantizer writes: whatever a blob may hold.
    #[test]
    fn any_numbers_are_total() {
        let mut random = Random(7);
        for _ in 0..20_000 {
            let n = 1 + random.below(40) as usize;
            let q = Q { carried_frac: random.below(31) as u8, out_frac: random.below(16) as u8 };
            let params: Vec<u32> = (0..n).map(|_| word::pair(random.element(), random.element())).collect();
            let x = vector(&mut random, n);
            let numbers = [random.element() as u16, random.below(73) as u16, 0, 0];
            normalize(&x, &params, numbers, q, &mut std::vec![0; n]);
        }
        // Where all elements are equal, the outputs are the biases; with ε of 0 too.
        let q = Q { carried_frac: 14, out_frac: 12 };
        for x in [i16::MIN, 0, 7, i16::MAX] {
            let words = [word::pair(3, -5), word::pair(-9, 6), 0x7fff_8000];
            let mut y = [0; 3];
            normalize(&[x; 3], &words, [0; 4], q, &mut y);
            assert_eq!(y, [-5, 6, 32_767]);
        }
    }
}
