//! Armv8.1-M with Helium: eight columns of four rows at a time.
//!
//! Bytes are widened to 16 bits as they are loaded, and a multiply-accumulate across the vector adds eight products to a
//! sum of 32 bits: 10 instructions for 32 products. The last columns, where they are no eight, are predicated off by the
//! loop itself.

use super::packing::PLAIN_PARAMS;
use crate::kernel::Layout;
use crate::kernel::row_block::RowBlocks;
use crate::kernel::word::mul_high;
use core::arch::naked_asm;

/// What every row is multiplied by.
#[repr(C)]
struct Vector {
    x: *const u32,
    /// Halfwords of it.
    columns: usize,
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
    let columns = x.len() * 2;
    let Some(RowBlocks { count, .. }) = RowBlocks::rows(weights, params, x, columns, PLAIN_PARAMS) else { return };
    let (mut w, mut p) = (weights.as_ptr(), params.as_ptr());
    // One address instead of two numbers: registers are what a unit's equations need.
    let vector = Vector { x: x.as_ptr(), columns };
    // Counted here and not by `RowBlocks::units`, which makes LLVM spill a register a unit.
    for (_, unit) in (0..count).zip(units) {
        let (s0, s1, s2, s3);
        // SAFETY: there is a unit for each row block at most, which has four rows of `columns` bytes and PLAIN_PARAMS words
        // of parameters; x has `columns` halfwords. Registers but those named are kept.
        unsafe {
            core::arch::asm!(
                "bl {body}",
                body = sym rows_body,
                inlateout("r0") w => s0, inlateout("r1") &raw const vector => s1, inlateout("r2") p => s2,
                out("r3") s3, out("r12") _, out("lr") _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            );
        }
        let pre = requantized([s0, s1, s2, s3], p);
        // `columns` bytes of four rows.
        w = w.wrapping_add(columns);
        p = p.wrapping_add(PLAIN_PARAMS);
        each(unit, pre);
    }
}

/// Words of parameters of a row block.
#[cfg(elman_several)]
pub(in super::super) const PARAMS: usize = PLAIN_PARAMS;

/// Sums times the multipliers of the row block whose parameters begin at `at`.
#[inline(always)]
pub(in super::super) fn requantized(sums: [i32; 4], at: *const u32) -> [i32; 4] {
    // SAFETY: the parameters of a row block are there, as `RowBlocks` has checked.
    let m = unsafe { *at.add(4).cast::<[i32; 4]>() };
    [mul_high(sums[0], m[0]), mul_high(sums[1], m[1]), mul_high(sums[2], m[2]), mul_high(sums[3], m[3])]
}

/// r0 four rows, r1 a [`Vector`], r2 biases; gives the sums in r0 to r3.
///
/// # Safety
/// Only [`rows`] may call it, as reasoned there.
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn rows_body() {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, r5, r6, r7, r8, r9, r10, lr}}",
        "mov r12, r2",
        "ldrd r10, r8, [r1]",
        // Rows in odd registers, sums in even ones; what is widened is loaded by r0 to r7 alone.
        "mov r1, r0",
        "add r3, r1, r8",
        "add r5, r3, r8",
        "add r7, r5, r8",
        "ldrd r0, r2, [r12]",
        "ldrd r4, r6, [r12, #8]",
        "dlstp.16 lr, r8",
        "2:",
        "vldrh.u16 q0, [r10], #16",
        "vldrb.s16 q1, [r1], #8",
        "vmladava.s16 r0, q0, q1",
        "vldrb.s16 q2, [r3], #8",
        "vmladava.s16 r2, q0, q2",
        "vldrb.s16 q3, [r5], #8",
        "vmladava.s16 r4, q0, q3",
        "vldrb.s16 q1, [r7], #8",
        "vmladava.s16 r6, q0, q1",
        "letp lr, 2b",
        "mov r1, r2",
        "mov r2, r4",
        "mov r3, r6",
        "pop {{r4, r5, r6, r7, r8, r9, r10, pc}}",
    )
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
    let words = xh.len() / 2 * 3;
    let blocks = RowBlocks::split(weights, params, xh, x_words, words, PLAIN_PARAMS);
    let Some(RowBlocks { x, h, count }) = blocks else { return };
    let at = [x.len() * 2, h.len() * 2];
    let (mut w, mut p) = (weights.as_ptr(), params.as_ptr());
    for (_, unit) in (0..count).zip(units) {
        let (s0, s1, s2, s3);
        // SAFETY: as in `rows`: rows 0 and 1 have as many bytes as x and h columns, row 2 as x, row 3 as h, together the
        // words of a row block; h follows x.
        unsafe {
            core::arch::asm!(
                "bl {body}",
                body = sym split_body,
                inlateout("r0") w => s0, inlateout("r1") x.as_ptr() => s1, inlateout("r2") p => s2,
                inlateout("r3") at.as_ptr() => s3, out("r12") _, out("lr") _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            );
        }
        let pre = requantized([s0, s1, s2, s3], p);
        w = w.wrapping_add(words);
        p = p.wrapping_add(PLAIN_PARAMS);
        each(unit, pre);
    }
}

/// r0 the rows, r1 x and then h, r2 biases, r3 columns of x and of h; gives the sums in r0 to r3.
///
/// # Safety
/// Only [`split`] may call it, as reasoned there.
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn split_body() {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, r5, r6, r7, r8, r9, r10, lr}}",
        "ldrd r9, r8, [r3]",
        "mov r12, r2",
        "mov r10, r1",
        "mov r1, r0",
        "add r3, r1, r9",
        "add r3, r3, r8",
        "add r5, r3, r9",
        "add r5, r5, r8",
        "ldrd r0, r2, [r12]",
        "ldrd r4, r6, [r12, #8]",
        "dlstp.16 lr, r9",
        "2:",
        "vldrh.u16 q0, [r10], #16",
        "vldrb.s16 q1, [r1], #8",
        "vmladava.s16 r0, q0, q1",
        "vldrb.s16 q2, [r3], #8",
        "vmladava.s16 r2, q0, q2",
        "vldrb.s16 q3, [r5], #8",
        "vmladava.s16 r4, q0, q3",
        "letp lr, 2b",
        // The loop moves on by whole vectors; what it moved too far is taken back.
        "add r12, r9, #7",
        "bic r12, r12, #7",
        "sub r12, r12, r9",
        "sub r1, r1, r12",
        "sub r3, r3, r12",
        "sub r5, r5, r12",
        "sub r10, r10, r12, lsl #1",
        "dlstp.16 lr, r8",
        "3:",
        "vldrh.u16 q0, [r10], #16",
        "vldrb.s16 q1, [r1], #8",
        "vmladava.s16 r0, q0, q1",
        "vldrb.s16 q2, [r3], #8",
        "vmladava.s16 r2, q0, q2",
        "vldrb.s16 q3, [r5], #8",
        "vmladava.s16 r6, q0, q3",
        "letp lr, 3b",
        "mov r1, r2",
        "mov r2, r4",
        "mov r3, r6",
        "pop {{r4, r5, r6, r7, r8, r9, r10, pc}}",
    )
}
