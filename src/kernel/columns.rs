//! Layout "columns" in assembly: Armv6-M, which has eight registers for almost everything, no offsets for signed loads and
//! no multiply-accumulate; and Armv7-M without the DSP extension.
//!
//! A product takes a load, a multiplication and an addition (two instructions where the core accumulates); x is loaded once
//! for the rows of a pass.

use super::layout::{Layout, PLAIN_PARAMS};
use super::scalar::correction;
use super::word::mul_high;
use core::arch::naked_asm;

/// What a pass reads. The body moves on what is first.
#[repr(C)]
struct At {
    weights: *const u8,
    params: *const u32,
    x: *const u32,
    x_end: *const u32,
    /// What is taken off each row for the offset of the weights.
    corrections: [i32; 4],
    /// Of a split pass.
    h_end: *const u32,
}

/// How many passes `weights` has, of `words` each; none where `params` has not as many.
#[inline(always)]
fn passes(weights: &[u32], words: usize, params: &[u32]) -> usize {
    let passes = weights.len().checked_div(words).unwrap_or(0);
    if passes.wrapping_mul(PLAIN_PARAMS) <= params.len() { passes } else { 0 }
}

/// One pass by the body at `body`.
#[inline(always)]
fn pass(at: &mut At, body: unsafe extern "C" fn()) -> [i32; 4] {
    let (s0, s1, s2, s3);
    // SAFETY: `rows` and `split` say so. Registers but those named are kept.
    unsafe {
        core::arch::asm!(
            "blx {body}",
            body = in(reg) body,
            inlateout("r0") at as *mut At => s0, lateout("r1") s1, lateout("r2") s2, lateout("r3") s3,
            out("r12") _, out("lr") _,
        );
    }
    // SAFETY: `passes` has seen that the parameters of the pass are there, and the body that the next ones follow.
    let m = unsafe { *at.params.sub(4).cast::<[i32; 4]>() };
    [mul_high(s0, m[0]), mul_high(s1, m[1]), mul_high(s2, m[2]), mul_high(s3, m[3])]
}

/// [`super::twin::rows`] in assembly. `x` must not be empty.
#[inline(always)]
pub fn rows<T>(
    _: Layout,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    if !x.len().is_multiple_of(2) {
        return;
    }
    let range = x.as_ptr_range();
    let mut at = At {
        weights: weights.as_ptr().cast(),
        params: params.as_ptr(),
        x: range.start,
        x_end: range.end,
        corrections: [correction(x); 4],
        h_end: range.end,
    };
    // A pass reads `x.len() * 2` words of weights, four bytes a column, and PLAIN_PARAMS of parameters, which are there as
    // often as there are passes; a turn takes four columns, and x is whole turns and not empty, else there is no pass.
    for (_, unit) in (0..passes(weights, x.len() * 2, params)).zip(units) {
        let pre = pass(&mut at, rows_body);
        each(unit, pre);
    }
}

/// [`super::twin::split`] in assembly. Neither x nor h may be empty.
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
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    if x.is_empty() || h.is_empty() || !x.len().is_multiple_of(2) || !h.len().is_multiple_of(2) {
        return;
    }
    let (of_x, of_h) = (correction(x), correction(h));
    let both = of_x.wrapping_add(of_h);
    let mut at = At {
        weights: weights.as_ptr().cast(),
        params: params.as_ptr(),
        x: x.as_ptr(),
        x_end: x.as_ptr_range().end,
        corrections: [both, both, of_x, of_h],
        h_end: h.as_ptr_range().end,
    };
    // As in `rows`, with three bytes a column; h follows x.
    for (_, unit) in (0..passes(weights, xh.len() / 2 * 3, params)).zip(units) {
        let pre = pass(&mut at, split_body);
        each(unit, pre);
    }
}

/// The beginning of a pass: r0 to r3 the sums, r4 weights, r5 x; r8 x's end, r9 `at`.
macro_rules! begin {
    () => {
        "push {{r4, r5, r6, r7, lr}}
        mov r4, r8
        mov r5, r9
        push {{r4, r5}}
        mov r9, r0
        ldr r6, [r0, #12]
        mov r8, r6
        ldr r7, [r0, #4]
        adds r0, #16
        ldm r0!, {{r1, r2, r3, r4}}
        mov r12, r1
        ldm r7!, {{r0, r1, r5, r6}}
        adds r1, r1, r2
        adds r2, r5, r3
        adds r3, r6, r4
        add r0, r12
        adds r7, #16
        mov r6, r9
        str r7, [r6, #4]
        ldr r4, [r6, #0]
        ldr r5, [r6, #8]"
    };
}

/// The end of a pass: what was moved on is stored.
macro_rules! end {
    () => {
        "mov r6, r9
        str r4, [r6, #0]
        pop {{r4, r5}}
        mov r8, r4
        mov r9, r5
        pop {{r4, r5, r6, r7, pc}}"
    };
}

/// A weight at an offset times x in r6, added to a sum.
#[cfg(elman_narrow)]
macro_rules! product {
    ($sum:literal, $at:literal) => {
        concat!("ldrb r7, [r4, #", $at, "]\nmuls r7, r6, r7\nadds ", $sum, ", ", $sum, ", r7\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! product {
    ($sum:literal, $at:literal) => {
        concat!("ldrb r7, [r4, #", $at, "]\nmla ", $sum, ", r7, r6, ", $sum, "\n")
    };
}

/// An element of x at an even and at an odd place, to r6.
#[cfg(elman_narrow)]
macro_rules! even {
    ($at:literal) => {
        concat!("ldr r6, [r5, #", $at, "]\nsxth r6, r6\n")
    };
}
#[cfg(elman_narrow)]
macro_rules! odd {
    ($at:literal) => {
        concat!("ldr r6, [r5, #", $at, "]\nasrs r6, r6, #16\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! even {
    ($at:literal) => {
        concat!("ldrsh r6, [r5, #", $at, "]\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! odd {
    ($at:literal) => {
        concat!("ldrsh r6, [r5, #", $at, " + 2]\n")
    };
}

/// # Safety
/// Only [`rows`] may call it, as reasoned there.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    naked_asm!(
        begin!(),
        "2:",
        even!("0"),
        product!("r0", "0"),
        product!("r1", "1"),
        product!("r2", "2"),
        product!("r3", "3"),
        odd!("0"),
        product!("r0", "4"),
        product!("r1", "5"),
        product!("r2", "6"),
        product!("r3", "7"),
        even!("4"),
        product!("r0", "8"),
        product!("r1", "9"),
        product!("r2", "10"),
        product!("r3", "11"),
        odd!("4"),
        product!("r0", "12"),
        product!("r1", "13"),
        product!("r2", "14"),
        product!("r3", "15"),
        "adds r4, #16",
        "adds r5, #8",
        "cmp r5, r8",
        "bne 2b",
        end!(),
    )
}

/// # Safety
/// Only [`split`] may call it, as reasoned there.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    naked_asm!(
        begin!(),
        // r3, the row over h, waits.
        "2:",
        even!("0"),
        product!("r0", "0"),
        product!("r1", "1"),
        product!("r2", "2"),
        odd!("0"),
        product!("r0", "3"),
        product!("r1", "4"),
        product!("r2", "5"),
        even!("4"),
        product!("r0", "6"),
        product!("r1", "7"),
        product!("r2", "8"),
        odd!("4"),
        product!("r0", "9"),
        product!("r1", "10"),
        product!("r2", "11"),
        "adds r4, #12",
        "adds r5, #8",
        "cmp r5, r8",
        "bne 2b",
        "mov r6, r9",
        "ldr r7, [r6, #32]",
        "mov r8, r7",
        "3:",
        even!("0"),
        product!("r0", "0"),
        product!("r1", "1"),
        product!("r3", "2"),
        odd!("0"),
        product!("r0", "3"),
        product!("r1", "4"),
        product!("r3", "5"),
        even!("4"),
        product!("r0", "6"),
        product!("r1", "7"),
        product!("r3", "8"),
        odd!("4"),
        product!("r0", "9"),
        product!("r1", "10"),
        product!("r3", "11"),
        "adds r4, #12",
        "adds r5, #8",
        "cmp r5, r8",
        "bne 3b",
        end!(),
    )
}
