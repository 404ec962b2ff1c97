//! Armv7E-M and Armv8-M with the DSP extension: one body of assembly per kind of pass.
//!
//! A block takes four columns in 14 ([`rows`]) or 12 ([`split`]) instructions. Blocks are unrolled, and the loop
//! is entered at the block that makes the number of columns come out even: `add pc` with the bytes to skip. A
//! body is called with sums in registers, not by the C convention; that costs one instruction a pass against
//! a copy in each layer.

use super::layout::{ROWS_PARAMS, SPLIT_PARAMS};
use super::word::mul_high;
use core::arch::asm;

/// Tells the assembler that the core has the extension: what it knows of Armv8-M Mainline alone is without.
#[cfg(elman_dsp = "v8m")]
macro_rules! cpu {
    () => {
        ".cpu cortex-m33"
    };
}
#[cfg(not(elman_dsp = "v8m"))]
macro_rules! cpu {
    () => {
        ""
    };
}

/// Bytes of assembly for four columns of [`rows`].
const ROWS_BLOCK: usize = 56;
/// Bytes of assembly for four columns of [`split`].
const SPLIT_BLOCK: usize = 48;
/// Blocks in the loop over a vector.
const UNROLL: usize = 8;
/// Blocks in the loop over x of [`split`], which is short in most networks.
const UNROLL_X: usize = 4;

/// Bytes to skip in the first turn of a loop of `unroll` blocks over `words` words of a vector.
#[inline(always)]
const fn skip(words: usize, unroll: usize, block: usize) -> usize {
    (words / 2).wrapping_neg() % unroll * block
}

/// [`super::twin::rows`] in assembly. `x` must not be empty.
#[inline(always)]
pub fn rows<T>(
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    if x.is_empty() || !x.len().is_multiple_of(2) {
        return;
    }
    let passes = weights.len() / (x.len() * 2);
    let skip = skip(x.len(), UNROLL, ROWS_BLOCK);
    let range = x.as_ptr_range();
    let mut w = weights.as_ptr();
    for (p, unit) in params.as_chunks::<ROWS_PARAMS>().0.iter().take(passes).zip(units) {
        let sums: [i32; 4];
        // SAFETY: x is an even number of words and not empty, so the loop, two words of x a block, entered with
        // as many blocks as make a whole number of turns, ends exactly at x's end, having read four words of
        // weights a block: `x.len() * 2` words in all, which are there `passes` times. `p` has the six words
        // that the first ldm reads. All are aligned words, as ldrd and ldm demand. The skip counts whole
        // blocks of 56 bytes (14 instructions of 4) from the loop's start, where `add pc` finds its base: two
        // bytes of itself and two of the nop. Memory is only read, apart from four words pushed and popped.
        unsafe {
            (w, sums) = rows_pass(w, range.start, range.end, p.as_ptr(), skip);
        }
        let m = |k: usize| mul_high(sums[k], p[6 + k] as i32);
        each(unit, [m(0), m(1), m(2), m(3)]);
    }
}

/// Sums of four rows, and where the next pass' weights start.
///
/// # Safety
/// As reasoned in [`rows`].
#[inline(always)]
unsafe fn rows_pass(
    w: *const u32,
    x: *const u32,
    x_end: *const u32,
    params: *const u32,
    skip: usize,
) -> (*const u32, [i32; 4]) {
    let (next, s0, s1, s2, s3);
    // SAFETY: the caller's; `rows_body` takes and leaves registers as named here.
    unsafe {
        asm!(
            "bl {body}",
            body = sym rows_body,
            inlateout("r0") w => next, inlateout("r1") x => _, inlateout("r2") params => _,
            inlateout("r3") skip => _, inlateout("r4") x_end => _,
            out("r5") _, out("r9") _, out("r12") _,
            out("r10") s0, out("r8") s1, out("lr") s2, out("r11") s3,
            options(readonly),
        );
    }
    (next, [s0, s1, s2, s3])
}

/// A pass of [`rows`], shared by all its callers, with registers as [`rows_pass`] names them.
///
/// # Safety
/// Only `rows_pass` may call it: it does not follow the C convention.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r4, r6, r7, lr}}",
        // A01 in r8 r9, row 0 in r10, A23 in r11 r12, row 2 in lr
        "ldm r2, {{r8, r9, r10, r11, r12, lr}}",
        "add pc, r3",
        "nop",
        "2:",
        ".rept {unroll}",
        "ldrd r6, r7, [r1], #8",
        "ldmia.w r0!, {{r2, r3, r4, r5}}",
        "smlald r8, r9, r2, r6", "sxtb16 r2, r2", "smlad r10, r2, r6, r10",
        "smlald r11, r12, r3, r6", "sxtb16 r3, r3", "smlad lr, r3, r6, lr",
        "smlald r8, r9, r4, r7", "sxtb16 r4, r4", "smlad r10, r4, r7, r10",
        "smlald r11, r12, r5, r7", "sxtb16 r5, r5", "smlad lr, r5, r7, lr",
        ".endr",
        "ldr r2, [sp]",
        "cmp r1, r2",
        "bne 2b",
        // row 1 = (A01 - row 0) >> 8, row 3 = (A23 - row 2) >> 8
        "subs r8, r8, r10", "sbc r9, r9, r10, asr #31", "lsrs r8, r8, #8", "orr r8, r8, r9, lsl #24",
        "subs r11, r11, lr", "sbc r12, r12, lr, asr #31", "lsrs r11, r11, #8", "orr r11, r11, r12, lsl #24",
        "pop {{r4, r6, r7, pc}}",
        unroll = const UNROLL,
    )
}

/// [`super::twin::split`] in assembly. Neither x nor h may be empty.
#[inline(always)]
pub fn split<T>(
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    if x.is_empty() || h.is_empty() || !x.len().is_multiple_of(2) || !h.len().is_multiple_of(2) {
        return;
    }
    let passes = weights.len() / (xh.len() / 2 * 3);
    let turns = Turns {
        x_end: x.as_ptr_range().end,
        x_skip: skip(x.len(), UNROLL_X, SPLIT_BLOCK),
        h_end: h.as_ptr_range().end,
        h_skip: skip(h.len(), UNROLL, SPLIT_BLOCK),
    };
    let mut w = weights.as_ptr();
    for (p, unit) in params.as_chunks::<SPLIT_PARAMS>().0.iter().take(passes).zip(units) {
        let sums: [i32; 4];
        // SAFETY: as in `rows`, for two loops: x and h are even numbers of words and not empty; h follows x;
        // a block reads two words of them and three of weights, `xh.len() / 2 * 3` words in all, which are
        // there `passes` times. `p` has the five words that the first ldm reads.
        unsafe {
            (w, sums) = split_pass(w, x.as_ptr(), &turns, p.as_ptr());
        }
        let m = |k: usize| mul_high(sums[k], p[5 + k] as i32);
        each(unit, [m(0), m(1), m(2), m(3)]);
    }
}

/// Where the two loops of a split pass end, and the bytes that each skips in its first turn.
#[repr(C)]
struct Turns {
    x_end: *const u32,
    x_skip: usize,
    h_end: *const u32,
    h_skip: usize,
}

/// Sums of rows 0 and 1 over x and h, row 2 over x, row 3 over h, and where the next pass' weights start.
///
/// # Safety
/// As reasoned in [`split`].
#[inline(always)]
unsafe fn split_pass(w: *const u32, x: *const u32, turns: &Turns, params: *const u32) -> (*const u32, [i32; 4]) {
    let (next, s0, s1, s2, s3);
    // SAFETY: the caller's; `split_body` takes and leaves registers as named here.
    unsafe {
        asm!(
            "bl {body}",
            body = sym split_body,
            inlateout("r0") w => next, inlateout("r1") x => _, inlateout("r2") turns => _,
            inlateout("r3") params => _,
            out("r4") _, out("r5") _, out("r9") _, out("lr") _,
            out("r10") s0, out("r8") s1, out("r11") s2, out("r12") s3,
            options(readonly),
        );
    }
    (next, [s0, s1, s2, s3])
}

/// A pass of [`split`], with registers as [`split_pass`] names them.
///
/// # Safety
/// Only `split_pass` may call it: it does not follow the C convention.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r2, r6, r7, lr}}",
        // A01 in r8 r9, row 0 in r10, row 2 in r11, row 3 in r12
        "ldm r3, {{r8, r9, r10, r11, r12}}",
        "ldrd lr, r3, [r2]",
        "add pc, r3",
        "nop",
        "2:",
        ".rept {unroll_x}",
        "ldrd r6, r7, [r1], #8",
        "ldmia.w r0!, {{r2, r3, r4}}",
        "smlald r8, r9, r2, r6", "sxtb16 r2, r2", "smlad r10, r2, r6, r10",
        "smlald r8, r9, r3, r7", "sxtb16 r3, r3", "smlad r10, r3, r7, r10",
        "sxtb16 r5, r4", "sxtb16 r4, r4, ror #8", "smlad r11, r5, r6, r11", "smlad r11, r4, r7, r11",
        ".endr",
        "cmp r1, lr",
        "bne 2b",
        "ldr r2, [sp]",
        "ldrd lr, r3, [r2, #8]",
        "add pc, r3",
        "nop",
        "3:",
        ".rept {unroll}",
        "ldrd r6, r7, [r1], #8",
        "ldmia.w r0!, {{r2, r3, r4}}",
        "smlald r8, r9, r2, r6", "sxtb16 r2, r2", "smlad r10, r2, r6, r10",
        "smlald r8, r9, r3, r7", "sxtb16 r3, r3", "smlad r10, r3, r7, r10",
        "sxtb16 r5, r4", "sxtb16 r4, r4, ror #8", "smlad r12, r5, r6, r12", "smlad r12, r4, r7, r12",
        ".endr",
        "cmp r1, lr",
        "bne 3b",
        // row 1 = (A01 - row 0) >> 8
        "subs r8, r8, r10", "sbc r9, r9, r10, asr #31", "lsrs r8, r8, #8", "orr r8, r8, r9, lsl #24",
        "pop {{r2, r6, r7, pc}}",
        unroll = const UNROLL, unroll_x = const UNROLL_X,
    )
}
