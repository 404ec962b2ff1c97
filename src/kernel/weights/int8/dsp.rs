//! Armv7E-M and Armv8-M with the DSP extension: one body of assembly per kind of row block.
//!
//! A turn takes four columns in 14 ([`rows`]) or 12 ([`split`]) instructions. Turns are unrolled, and the loop
//! is entered at the turn that makes the number of columns come out even: `add pc` with the bytes to skip. A
//! body is called with registers of its own choice, not by the C convention: one copy serves all layers at the
//! price of two instructions a row block.

use super::packing::{ROWS_PARAMS, SPLIT_PARAMS};
use crate::kernel::Layout;
use crate::kernel::row_block::RowBlocks;
#[cfg(elman_several)]
use crate::kernel::weights::dsp::{At, Kernel};
use core::arch::{asm, naked_asm};

/// Bytes of assembly for four columns of [`rows`].
const ROWS_TURN: usize = 56;
/// Bytes of assembly for four columns of [`split`].
const SPLIT_TURN: usize = 48;
/// Turns in the loop over a vector.
const UNROLL: usize = 8;
/// Turns in the loop over x of [`split`], which is short in most networks.
const UNROLL_X: usize = 4;

/// What `add pc` takes to skip to the first turn of a loop of `unroll` over `words` words of a vector: whole turns,
/// less the two bytes by which pc is ahead of the instruction after.
#[inline(always)]
const fn skip(words: usize, unroll: usize, turn: usize) -> usize {
    ((words / 2).wrapping_neg() % unroll * turn).wrapping_sub(2)
}

/// Four rows, of a build with several formats.
#[cfg(elman_several)]
pub(in super::super) fn set_rows(at: &mut At, x: &[u32]) -> Kernel {
    at.x_skip = skip(x.len(), UNROLL, ROWS_TURN);
    Kernel { body: rows_body, words: x.len() * 2, params: ROWS_PARAMS }
}

/// Split rows, of a build with several formats.
#[cfg(elman_several)]
pub(in super::super) fn set_split(at: &mut At, x: &[u32], h: &[u32]) -> Kernel {
    (at.x_skip, at.h_skip) = (skip(x.len(), UNROLL_X, SPLIT_TURN), skip(h.len(), UNROLL, SPLIT_TURN));
    Kernel { body: split_body, words: (x.len() + h.len()) / 2 * 3, params: SPLIT_PARAMS }
}

/// Where the next row block of [`rows`] is. The body loads it with one ldm and moves the first two on.
#[repr(C)]
struct RowsAt {
    weights: *const u32,
    params: *const u32,
    x: *const u32,
    skip: usize,
    x_end: *const u32,
}

/// [`super::reference::rows`] in assembly.
#[inline(always)]
pub fn rows<T>(
    _: Layout,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let Some(blocks) = RowBlocks::rows(weights, params, x, x.len() * 2, ROWS_PARAMS) else { return };
    let range = x.as_ptr_range();
    let mut at = RowsAt {
        weights: weights.as_ptr(),
        params: params.as_ptr(),
        x: range.start,
        skip: skip(x.len(), UNROLL, ROWS_TURN),
        x_end: range.end,
    };
    for unit in blocks.units(units) {
        let (p0, p1, p2, p3);
        // SAFETY: there is a unit for each row block at most. One reads `x.len() * 2` words of weights and ROWS_PARAMS of
        // parameters and moves on by as many. The loop, two words of x and four of weights a turn, entered with as many turns
        // as make a whole number of rounds, ends exactly at x's end. All are aligned words, as ldrd and ldm demand. The
        // skip counts whole turns of 14 instructions of 4 bytes from the loop's start, two bytes before which
        // `add pc` finds its base. Nothing is written but `at` and the stack below.
        unsafe {
            asm!(
                "bl {body}",
                body = sym rows_body,
                inlateout("r0") &mut at => p0, lateout("r1") p1, lateout("r2") p2, lateout("r3") p3,
                out("r12") _, out("lr") _,
            );
        }
        each(unit, [p0, p1, p2, p3]);
    }
}

/// A row block of [`rows`]: takes [`RowsAt`] in r0, gives the pre-activations in r0 to r3, keeps r4 to r11.
///
/// # Safety
/// Only [`rows`] may call it, as reasoned there.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    naked_asm!(
        cpu!(),
        "push {{r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r4}}",
        // A01 in r8 r9, row 0 in r10, A23 in r11 r12, row 2 in lr
        "ldm r1!, {{r8, r9, r10, r11, r12, lr}}",
        "push {{r1, r4}}",
        "add pc, r3",
        "2:",
        ".rept {unroll}",
        "ldrd r6, r7, [r2], #8",
        "ldmia.w r0!, {{r1, r3, r4, r5}}",
        "smlald r8, r9, r1, r6",
        "sxtb16 r1, r1",
        "smlad r10, r1, r6, r10",
        "smlald r11, r12, r3, r6",
        "sxtb16 r3, r3",
        "smlad lr, r3, r6, lr",
        "smlald r8, r9, r4, r7",
        "sxtb16 r4, r4",
        "smlad r10, r4, r7, r10",
        "smlald r11, r12, r5, r7",
        "sxtb16 r5, r5",
        "smlad lr, r5, r7, lr",
        ".endr",
        "ldr r1, [sp, #4]",
        "cmp r2, r1",
        "bne 2b",
        // row 1 = (A01 - row 0) >> 8 in r8, row 3 = (A23 - row 2) >> 8 in r11
        "subs r8, r8, r10",
        "sbc r9, r9, r10, asr #31",
        "lsrs r8, r8, #8",
        "orr r8, r8, r9, lsl #24",
        "subs r11, r11, lr",
        "sbc r12, r12, lr, asr #31",
        "lsrs r11, r11, #8",
        "orr r11, r11, r12, lsl #24",
        "pop {{r1, r2, r3}}",
        "ldm r1!, {{r4, r5, r6, r7}}",
        "strd r0, r1, [r3]",
        "smmulr r0, r10, r4",
        "smmulr r1, r8, r5",
        "smmulr r2, lr, r6",
        "smmulr r3, r11, r7",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        unroll = const UNROLL,
    )
}

/// Where the next row block of [`split`] is. The body loads the first five with one ldm and moves the first two on.
#[repr(C)]
struct SplitAt {
    weights: *const u32,
    params: *const u32,
    x: *const u32,
    x_skip: usize,
    x_end: *const u32,
    h_end: *const u32,
    h_skip: usize,
}

/// [`super::reference::split`] in assembly.
#[inline(always)]
pub fn split<T>(
    _: Layout,
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let blocks = RowBlocks::split(weights, params, xh, x_words, xh.len() / 2 * 3, SPLIT_PARAMS);
    let Some(blocks @ RowBlocks { x, h, .. }) = blocks else { return };
    let mut at = SplitAt {
        weights: weights.as_ptr(),
        params: params.as_ptr(),
        x: x.as_ptr(),
        x_skip: skip(x.len(), UNROLL_X, SPLIT_TURN),
        x_end: x.as_ptr_range().end,
        h_end: h.as_ptr_range().end,
        h_skip: skip(h.len(), UNROLL, SPLIT_TURN),
    };
    for unit in blocks.units(units) {
        let (p0, p1, p2, p3);
        // SAFETY: as in `rows`, for two loops over x and then h: a turn of 12 instructions reads two words of them and three
        // of weights. A row block moves on by `xh.len() / 2 * 3` words of weights and SPLIT_PARAMS of parameters.
        unsafe {
            asm!(
                "bl {body}",
                body = sym split_body,
                inlateout("r0") &mut at => p0, lateout("r1") p1, lateout("r2") p2, lateout("r3") p3,
                out("r12") _, out("lr") _,
            );
        }
        each(unit, [p0, p1, p2, p3]);
    }
}

/// A row block of [`split`]: takes [`SplitAt`] in r0, gives the pre-activations in r0 to r3, keeps r4 to r11.
///
/// # Safety
/// Only [`split`] may call it, as reasoned there.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    naked_asm!(
        cpu!(),
        "push {{r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r4}}",
        // A01 in r8 r9, row 0 in r10, row 2 in r11, row 3 in r12
        "ldm r1!, {{r8, r9, r10, r11, r12}}",
        "mov lr, r4",
        "push {{r1}}",
        "add pc, r3",
        "2:",
        ".rept {unroll_x}",
        "ldrd r6, r7, [r2], #8",
        "ldmia.w r0!, {{r1, r3, r4}}",
        "smlald r8, r9, r1, r6",
        "sxtb16 r1, r1",
        "smlad r10, r1, r6, r10",
        "smlald r8, r9, r3, r7",
        "sxtb16 r3, r3",
        "smlad r10, r3, r7, r10",
        "sxtb16 r5, r4",
        "sxtb16 r4, r4, ror #8",
        "smlad r11, r5, r6, r11",
        "smlad r11, r4, r7, r11",
        ".endr",
        "cmp r2, lr",
        "bne 2b",
        "ldr r1, [sp, #4]",
        "ldrd lr, r3, [r1, #20]",
        "add pc, r3",
        "3:",
        ".rept {unroll}",
        "ldrd r6, r7, [r2], #8",
        "ldmia.w r0!, {{r1, r3, r4}}",
        "smlald r8, r9, r1, r6",
        "sxtb16 r1, r1",
        "smlad r10, r1, r6, r10",
        "smlald r8, r9, r3, r7",
        "sxtb16 r3, r3",
        "smlad r10, r3, r7, r10",
        "sxtb16 r5, r4",
        "sxtb16 r4, r4, ror #8",
        "smlad r12, r5, r6, r12",
        "smlad r12, r4, r7, r12",
        ".endr",
        "cmp r2, lr",
        "bne 3b",
        // row 1 = (A01 - row 0) >> 8 in r8
        "subs r8, r8, r10",
        "sbc r9, r9, r10, asr #31",
        "lsrs r8, r8, #8",
        "orr r8, r8, r9, lsl #24",
        "pop {{r1, r3}}",
        "ldm r1!, {{r4, r5, r6, r7}}",
        "strd r0, r1, [r3]",
        "smmulr r0, r10, r4",
        "smmulr r1, r8, r5",
        "smmulr r2, r11, r6",
        "smmulr r3, r12, r7",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        unroll = const UNROLL, unroll_x = const UNROLL_X,
    )
}
