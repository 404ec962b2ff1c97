//! Row blocks in assembly, on Armv8.1-M with Helium, of a build that has several formats: one loop for all of them. A build with
//! int8 alone has the loop in `int8/helium.rs`.

use core::arch::{asm, naked_asm};

use super::{Packing, WeightFormat, int8};
use crate::kernel::row_block::RowBlocks;
use int8::helium::{PARAMS, requantized};

/// What every row block is multiplied by, and how.
#[repr(C)]
struct At {
    x: *const u32,
    /// Halfwords of x; of split rows, of x and of h.
    columns: [usize; 2],
    /// What sums begin with.
    begin: [i32; 4],
    body: unsafe extern "C" fn(),
}

/// What a format sets: its body, the words of weights of a row block, and what sums begin with, with Σ x.
pub(super) struct Kernel {
    pub(super) body: unsafe extern "C" fn(),
    pub(super) words: usize,
    pub(super) begin: [i32; 4],
}

#[inline(never)]
fn of_rows(format: WeightFormat, x: &[u32]) -> Kernel {
    match format {
        WeightFormat::Int8 => Kernel { body: int8::helium::rows_body, words: x.len() * 2, begin: [0; 4] },
        #[cfg(feature = "int4")]
        WeightFormat::Int4 => super::int4::helium::of_rows(x),
        #[cfg(feature = "int2")]
        WeightFormat::Int2 => super::int2::helium::of_rows(x),
    }
}

#[inline(never)]
fn of_split(format: WeightFormat, x: &[u32], h: &[u32]) -> Kernel {
    match format {
        WeightFormat::Int8 => {
            Kernel { body: int8::helium::split_body, words: (x.len() + h.len()) / 2 * 3, begin: [0; 4] }
        }
        #[cfg(feature = "int4")]
        WeightFormat::Int4 => super::int4::helium::of_split(x, h),
        #[cfg(feature = "int2")]
        WeightFormat::Int2 => super::int2::helium::of_split(x, h),
    }
}

/// Σ x
pub(super) fn sum(x: &[u32]) -> i32 {
    let sum;
    // SAFETY: the body reads as many halfwords as x has; registers but those named are kept.
    unsafe {
        asm!(
            "bl {body}",
            body = sym sum_body,
            inlateout("r0") x.as_ptr() => sum, inlateout("r1") x.len() * 2 => _, out("lr") _, out("d0") _, out("d1") _,
        );
    }
    sum
}

/// r0 x, r1 its halfwords; gives the sum in r0.
///
/// # Safety
/// Only [`sum`] may call it.
#[unsafe(naked)]
unsafe extern "C" fn sum_body() {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, lr}}",
        "mov r4, r0",
        "movs r0, #0",
        "dlstp.16 lr, r1",
        "2:",
        "vldrh.u16 q0, [r4], #16",
        "vaddva.s16 r0, q0",
        "letp lr, 2b",
        "pop {{r4, pc}}",
    )
}

/// [`rows`](super::rows) in assembly.
#[inline(always)]
pub(super) fn rows<T>(
    packing: Packing,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    if x.is_empty() {
        return;
    }
    let Kernel { body, words, begin } = of_rows(packing.format, x);
    let Some(RowBlocks { count, .. }) = RowBlocks::rows(weights, params, x, words, PARAMS) else { return };
    let (mut w, mut p) = (weights.as_ptr(), params.as_ptr());
    let at = At { x: x.as_ptr(), columns: [x.len() * 2, 0], begin, body };
    for (_, unit) in (0..count).zip(units) {
        let (s0, s1, s2, s3);
        // SAFETY: there is a unit for each row block at most, which has the kernel's words of weights and PARAMS of parameters; x has
        // as many halfwords as `at` says. Registers but those named are kept.
        unsafe {
            asm!(
                "ldr r12, [r1, #28]",
                "blx r12",
                inlateout("r0") w => s0, inlateout("r1") &raw const at => s1, inlateout("r2") p => s2,
                out("r3") s3, out("r12") _, out("lr") _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            );
        }
        let pre = requantized([s0, s1, s2, s3], p);
        w = w.wrapping_add(words);
        p = p.wrapping_add(PARAMS);
        each(unit, pre);
    }
}

/// [`split`](super::split) in assembly.
#[inline(always)]
pub(super) fn split<T>(
    packing: Packing,
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    if x.is_empty() || h.is_empty() {
        return;
    }
    let Kernel { body, words, begin } = of_split(packing.format, x, h);
    let blocks = RowBlocks::split(weights, params, xh, x_words, words, PARAMS);
    let Some(RowBlocks { count, .. }) = blocks else { return };
    let (mut w, mut p) = (weights.as_ptr(), params.as_ptr());
    let at = At { x: x.as_ptr(), columns: [x.len() * 2, h.len() * 2], begin, body };
    for (_, unit) in (0..count).zip(units) {
        let (s0, s1, s2, s3);
        // SAFETY: as in `rows`; h follows x.
        unsafe {
            asm!(
                "ldr r12, [r3, #24]",
                "blx r12",
                inlateout("r0") w => s0, inlateout("r1") x.as_ptr() => s1, inlateout("r2") p => s2,
                inlateout("r3") &raw const at.columns => s3, out("r12") _, out("lr") _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            );
        }
        let pre = requantized([s0, s1, s2, s3], p);
        w = w.wrapping_add(words);
        p = p.wrapping_add(PARAMS);
        each(unit, pre);
    }
}

/// Body of four rows in a lane of 16 bits that `load` and a step of `bytes` of weights give, `shift` bits each: r0 weights, r1 x and
/// its halfwords, r2 parameters; gives the sums with biases in r0 to r3, in the unit 2^`unit`.
macro_rules! four_rows {
    ($load:literal, $right:literal, $shift:literal, $unit:literal) => {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4, r5, r6, r7, r8, lr}}",
            "mov r12, r2",
            "mov r7, r0",
            "ldrd r3, r8, [r1]",
            "ldrd r0, r2, [r1, #12]",
            "ldrd r4, r6, [r1, #20]",
            "dlstp.16 lr, r8",
            "2:",
            "vldrh.u16 q0, [r3], #16",
            $load,
            "vmladava.s16 r0, q0, q1",
            $right,
            "vmladava.s16 r2, q0, q1",
            $right,
            "vmladava.s16 r4, q0, q1",
            $right,
            "vmladava.s16 r6, q0, q1",
            "letp lr, 2b",
            concat!("sub r0, r0, r2, lsl #", $shift),
            concat!("sub r2, r2, r4, lsl #", $shift),
            concat!("sub r4, r4, r6, lsl #", $shift),
            "ldrd r1, r3, [r12]",
            "ldrd r5, r7, [r12, #8]",
            concat!("add r0, r1, r0, lsl #", $unit),
            concat!("add r1, r3, r2, lsl #", $unit),
            concat!("add r2, r5, r4, lsl #", $unit),
            concat!("add r3, r7, r6, lsl #", $unit),
            "pop {{r4, r5, r6, r7, r8, pc}}",
        )
    };
}

/// Body of three rows of split ones in a lane: as [`four_rows`], with r1 x and then h, and r3 their halfwords. A lane's weights are
/// `1 << log2` bytes.
macro_rules! three_rows {
    ($load:literal, $right:literal, $shift:literal, $unit:literal, $log2:literal) => {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4, r5, r6, r7, r8, r9, r10, lr}}",
            "mov r12, r2",
            "mov r7, r0",
            "mov r10, r1",
            "ldrd r9, r8, [r3]",
            "ldrd r0, r2, [r3, #8]",
            "ldrd r4, r6, [r3, #16]",
            "mov r3, r10",
            "dlstp.16 lr, r9",
            "2:",
            "vldrh.u16 q0, [r3], #16",
            $load,
            "vmladava.s16 r0, q0, q1",
            $right,
            "vmladava.s16 r2, q0, q1",
            $right,
            "vmladava.s16 r4, q0, q1",
            "letp lr, 2b",
            // The loop moves on by whole vectors; what it moved too far is taken back.
            "add r5, r9, #7",
            "bic r5, r5, #7",
            "sub r5, r5, r9",
            concat!("sub r7, r7, r5, lsl #", $log2),
            "sub r3, r3, r5, lsl #1",
            "dlstp.16 lr, r8",
            "3:",
            "vldrh.u16 q0, [r3], #16",
            $load,
            "vmladava.s16 r0, q0, q1",
            $right,
            "vmladava.s16 r2, q0, q1",
            $right,
            "vmladava.s16 r6, q0, q1",
            "letp lr, 3b",
            concat!("sub r0, r0, r2, lsl #", $shift),
            concat!("sub r2, r2, r4, lsl #", $shift),
            concat!("sub r2, r2, r6, lsl #", $shift),
            "ldrd r1, r3, [r12]",
            "ldrd r5, r7, [r12, #8]",
            concat!("add r0, r1, r0, lsl #", $unit),
            concat!("add r1, r3, r2, lsl #", $unit),
            concat!("add r2, r5, r4, lsl #", $unit),
            concat!("add r3, r7, r6, lsl #", $unit),
            "pop {{r4, r5, r6, r7, r8, r9, r10, pc}}",
        )
    };
}

pub(super) use {four_rows, three_rows};
