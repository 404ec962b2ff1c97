//! The PC: layout "pairs" by AVX2, where the processor has it, so that evaluation and calibration need not wait.
//!
//! A vector has eight words of weights. Bytes are sign-extended to 16 bits, and `vpmaddwd` adds the products of two columns.
//! Sums wrap as the reference's do, so that their order does not matter.

use core::arch::x86_64::*;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::packing::{ROWS_PARAMS, SPLIT_PARAMS};
use super::reference::{self, pairs};
use crate::kernel::Layout;
use crate::kernel::row_block::row_blocks;
use crate::kernel::word::mul_high;

/// Whether processor and operating system have AVX2. `is_x86_feature_detected` is the standard library's.
fn is_there() -> bool {
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    match KNOWN.load(Relaxed) {
        0 => {
            let there = detect();
            KNOWN.store(1 + there as u8, Relaxed);
            there
        }
        known => known == 2,
    }
}

#[cold]
fn detect() -> bool {
    #[target_feature(enable = "xsave")]
    fn registers_are_kept() -> bool {
        // SAFETY: the register 0 is there where the processor says OSXSAVE.
        (unsafe { _xgetbv(0) }) & 6 == 6
    }
    if __cpuid(0).eax < 7 {
        return false;
    }
    let (xsave, avx, avx2) = (1 << 26 | 1 << 27, 1 << 28, 1 << 5);
    // SAFETY: the instruction is there, as OSXSAVE says.
    __cpuid(1).ecx & (xsave | avx) == xsave | avx
        && __cpuid_count(7, 0).ebx & avx2 != 0
        && unsafe { registers_are_kept() }
}

/// [`reference::rows`] by AVX2.
#[inline(always)]
pub fn rows<T>(
    layout: Layout,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    if layout != Layout::Pairs || !is_there() {
        return reference::rows(layout, weights, params, x, units, each);
    }
    let Some(blocks) = row_blocks::<ROWS_PARAMS>(weights, params, x.len().wrapping_mul(2)) else { return };
    for ((w, p), unit) in blocks.zip(units) {
        // SAFETY: AVX2 is there.
        let sums = unsafe { rows_sums(w, x) };
        let [[b0, b1], [b2, b3]] = [pairs::biases(p[0], p[1], p[2]), pairs::biases(p[3], p[4], p[5])];
        let m = |k: usize, bias: i32| mul_high(bias.wrapping_add(sums[k]), p[6 + k] as i32);
        each(unit, [m(0, b0), m(1, b1), m(2, b2), m(3, b3)]);
    }
}

/// [`reference::split`] by AVX2.
#[inline(always)]
pub fn split<T>(
    layout: Layout,
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    if layout != Layout::Pairs || !is_there() {
        return reference::split(layout, weights, params, xh, x_words, units, each);
    }
    let Some(blocks) = row_blocks::<SPLIT_PARAMS>(weights, params, xh.len() / 2 * 3) else { return };
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    for ((w, p), unit) in blocks.zip(units) {
        let (wx, wh) = w.split_at((x.len() / 2 * 3).min(w.len()));
        // SAFETY: AVX2 is there.
        let ([x0, x1, x2], [h0, h1, h3]) = unsafe { (split_sums(wx, x), split_sums(wh, h)) };
        let [b0, b1] = pairs::biases(p[0], p[1], p[2]);
        let m = |k: usize, bias: u32, sum: i32| mul_high((bias as i32).wrapping_add(sum), p[5 + k] as i32);
        let [s0, s1] = [x0.wrapping_add(h0), x1.wrapping_add(h1)];
        each(unit, [m(0, b0 as u32, s0), m(1, b1 as u32, s1), m(2, p[3], x2), m(3, p[4], h3)]);
    }
}

/// Eight words.
#[target_feature(enable = "avx2")]
fn load(words: &[u32; 8]) -> __m256i {
    // SAFETY: the array has 32 bytes, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

/// Four words, then zeros.
#[target_feature(enable = "avx2")]
fn load_half(words: &[u32; 4]) -> __m256i {
    // SAFETY: the array has 16 bytes, and the load needs no alignment.
    _mm256_zextsi128_si256(unsafe { _mm_loadu_si128(words.as_ptr().cast()) })
}

/// The even and the odd elements' sums.
#[target_feature(enable = "avx2")]
fn alternate(sums: __m256i) -> [i32; 2] {
    let halves = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let both = _mm_add_epi32(halves, _mm_shuffle_epi32::<0b01_00_11_10>(halves));
    [_mm_extract_epi32::<0>(both), _mm_extract_epi32::<1>(both)]
}

/// The low and the high bytes of lanes lo + 256·hi, each in 16 bits.
#[target_feature(enable = "avx2")]
fn parts(lanes: __m256i) -> [__m256i; 2] {
    let low = low_bytes(lanes);
    [low, _mm256_srai_epi16::<8>(_mm256_sub_epi16(lanes, low))]
}

#[target_feature(enable = "avx2")]
fn low_bytes(lanes: __m256i) -> __m256i {
    _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(lanes))
}

#[target_feature(enable = "avx2")]
fn add_products(sum: __m256i, w: __m256i, x: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(w, x))
}

/// Σ w x of four rows.
#[target_feature(enable = "avx2")]
fn rows_sums(w: &[u32], x: &[u32]) -> [i32; 4] {
    let ((w, w_rest), (x, x_rest)) = (w.as_chunks::<8>(), x.as_chunks::<4>());
    let twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    let mut sums = [_mm256_setzero_si256(); 2];
    for (w, x) in w.iter().zip(x) {
        let x = _mm256_permutevar8x32_epi32(load_half(x), twice);
        let [low, high] = parts(load(w));
        sums = [add_products(sums[0], low, x), add_products(sums[1], high, x)];
    }
    let ([s0, s2], [s1, s3]) = (alternate(sums[0]), alternate(sums[1]));
    let (mut s01, mut s23) = ([s0, s1], [s2, s3]);
    for (w, x) in w_rest.as_chunks::<4>().0.iter().zip(x_rest.as_chunks::<2>().0) {
        s01 = pairs::add_pair(pairs::add_pair(s01, w[0], x[0]), w[2], x[1]);
        s23 = pairs::add_pair(pairs::add_pair(s23, w[1], x[0]), w[3], x[1]);
    }
    [s01[0], s01[1], s23[0], s23[1]]
}

/// Σ w x of the two rows in pairs and of the one in bytes.
#[target_feature(enable = "avx2")]
fn split_sums(w: &[u32], x: &[u32]) -> [i32; 3] {
    let ((w, w_rest), (x, x_rest)) = (w.as_chunks::<24>(), x.as_chunks::<16>());
    // Of eight threes of words two are pairs, the third is bytes: the words 2, 5; 0, 3, 6; 1, 4, 7 of three vectors. Bytes are
    // taken for pairs with 0.
    let pairs_0 = _mm256_setr_epi32(0, 1, 0, 2, 3, 0, 4, 5);
    let pairs_1 = _mm256_setr_epi32(0, 2, 3, 0, 4, 5, 0, 6);
    let pairs_2 = _mm256_setr_epi32(3, 0, 4, 5, 0, 6, 7, 0);
    let zero = _mm256_setzero_si256();
    // What the byte words in that order, 2 5 0 3 6 1 4 7, are multiplied by: first words, then second ones.
    let of_first = _mm256_setr_epi32(4, 0, 0, 6, 0, 2, 0, 0);
    let of_second = _mm256_setr_epi32(0, 2, 0, 0, 4, 0, 0, 6);
    let one = _mm256_set1_epi32(1);
    let (mut low, mut high, mut bytes) = (zero, zero, zero);
    for (w, x) in w.iter().zip(x) {
        let [Some(w0), Some(w1), Some(w2)] =
            [w.first_chunk(), w.get(8..).and_then(|w| w.first_chunk()), w.last_chunk()]
        else {
            continue;
        };
        let [Some(x0), Some(x1), Some(x2)] =
            [x.first_chunk(), x.get(4..).and_then(|x| x.first_chunk()), x.last_chunk()]
        else {
            continue;
        };
        let (w, x) = ([load(w0), load(w1), load(w2)], [load(x0), load(x1), load(x2)]);
        let x_pairs = [
            _mm256_blend_epi32::<0b0010_0100>(_mm256_permutevar8x32_epi32(x[0], pairs_0), zero),
            _mm256_blend_epi32::<0b0100_1001>(_mm256_permutevar8x32_epi32(x[1], pairs_1), zero),
            _mm256_blend_epi32::<0b1001_0010>(_mm256_permutevar8x32_epi32(x[2], pairs_2), zero),
        ];
        for (w, x) in w.into_iter().zip(x_pairs) {
            let [l, h] = parts(w);
            (low, high) = (add_products(low, l, x), add_products(high, h, x));
        }
        let w = _mm256_blend_epi32::<0b1001_0010>(_mm256_blend_epi32::<0b0100_1001>(w[0], w[1]), w[2]);
        let at = |first: __m256i, second: __m256i| {
            let (a, b) = (_mm256_permutevar8x32_epi32(x[0], first), _mm256_permutevar8x32_epi32(x[2], second));
            _mm256_blend_epi32::<0b1101_0010>(a, b)
        };
        let even = at(of_first, of_second);
        let odd = at(_mm256_add_epi32(of_first, one), _mm256_add_epi32(of_second, one));
        bytes = add_products(bytes, low_bytes(w), even);
        bytes = add_products(bytes, _mm256_srai_epi16::<8>(w), odd);
    }
    let all = |sums: __m256i| {
        let [even, odd] = alternate(sums);
        even.wrapping_add(odd)
    };
    let (mut s01, mut sum) = ([all(low), all(high)], all(bytes));
    for (w, x) in w_rest.as_chunks::<3>().0.iter().zip(x_rest.as_chunks::<2>().0) {
        s01 = pairs::add_pair(pairs::add_pair(s01, w[0], x[0]), w[1], x[1]);
        sum = pairs::add_bytes(sum, w[2], *x);
    }
    [s01[0], s01[1], sum]
}
