//! Row blocks in assembly, on Armv6-M and on Armv7-M without the DSP extension, of a build that has several formats: one loop for
//! all of them, and what the bodies of formats of fewer than eight bits share. A build with int8 alone has the loop in
//! `int8/columns.rs`.
//!
//! A body of int4 or int2 takes [`At`] in r0 and gives sums with their biases in r0 to r3. Where registers are few, sums are in r8
//! to r11, which an addition reaches as well; r1 is [`At`], r4 the weights, r5 x and r12 its end. Otherwise sums are in r0 to r3,
//! [`At`] in r9 and the end in r8.

use super::{Packing, WeightFormat, int8};
use crate::kernel::row_block::RowBlocks;

pub(super) use int8::columns::At;

/// What a format sets: its body, the words of weights of a row block, and what sums begin with.
pub(super) struct Kernel {
    pub(super) body: unsafe extern "C" fn(),
    pub(super) words: usize,
    pub(super) begin: [i32; 4],
}

#[inline(never)]
fn of_rows(format: WeightFormat, x: &[u32]) -> Kernel {
    match format {
        WeightFormat::Int8 => int8::columns::of_rows(x),
        #[cfg(feature = "int4")]
        WeightFormat::Int4 => super::int4::columns::of_rows(x),
        #[cfg(feature = "int2")]
        WeightFormat::Int2 => super::int2::columns::of_rows(x),
    }
}

#[inline(never)]
fn of_split(format: WeightFormat, x: &[u32], h: &[u32]) -> Kernel {
    match format {
        WeightFormat::Int8 => int8::columns::of_split(x, h),
        #[cfg(feature = "int4")]
        WeightFormat::Int4 => super::int4::columns::of_split(x, h),
        #[cfg(feature = "int2")]
        WeightFormat::Int2 => super::int2::columns::of_split(x, h),
    }
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
    let kernel = of_rows(packing.format, x);
    let Some(blocks) = RowBlocks::rows(weights, params, x, kernel.words, int8::columns::PARAMS) else { return };
    let mut at = At::new(weights, params, x, &[], kernel.begin);
    // There is a unit for each row block at most, which reads the kernel's words of weights, and parameters.
    for unit in blocks.units(units) {
        let pre = int8::columns::row_block(&mut at, kernel.body);
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
    let kernel = of_split(packing.format, x, h);
    let Some(blocks) = RowBlocks::split(weights, params, xh, x_words, kernel.words, int8::columns::PARAMS) else {
        return;
    };
    let mut at = At::new(weights, params, x, h, kernel.begin);
    // As in `rows`; h follows x.
    for unit in blocks.units(units) {
        let pre = int8::columns::row_block(&mut at, kernel.body);
        each(unit, pre);
    }
}

/// The beginning of a row block.
#[cfg(elman_narrow)]
macro_rules! begin {
    () => {
        "push {{r4, r5, r6, r7, lr}}
        mov r4, r8
        mov r5, r9
        mov r6, r10
        mov r7, r11
        push {{r4, r5, r6, r7}}
        mov r1, r0
        adds r0, #16
        ldm r0!, {{r4, r5, r6, r7}}
        mov r8, r4
        mov r9, r5
        mov r10, r6
        mov r11, r7
        ldr r4, [r1]
        ldr r5, [r1, #8]
        ldr r6, [r1, #12]
        mov r12, r6\n"
    };
}
#[cfg(not(elman_narrow))]
macro_rules! begin {
    () => {
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}
        mov r9, r0
        ldr r4, [r9]
        ldrd r5, r8, [r9, #8]
        add r0, r9, #16
        ldm r0, {{r0, r1, r2, r3}}\n"
    };
}

/// Goes to the middle of a loop of two blocks, `bytes` of weights each, where the number of blocks is odd, as the word at
/// `flag` says.
#[cfg(elman_narrow)]
macro_rules! enter {
    ($flag:literal, $bytes:literal, $middle:literal) => {
        concat!(
            "ldr r7, [r1, #",
            $flag,
            "]\ncmp r7, #0\nbeq 6f\nsubs r4, #",
            $bytes,
            "\nsubs r5, #8\nb ",
            $middle,
            "\n6:\n"
        )
    };
}
#[cfg(not(elman_narrow))]
macro_rules! enter {
    ($flag:literal, $bytes:literal, $middle:literal) => {
        concat!("ldr r7, [r9, #", $flag, "]\ncbz r7, 6f\nsubs r4, #", $bytes, "\nsubs r5, #8\nb ", $middle, "\n6:\n")
    };
}

/// The end of a loop of two blocks, `bytes` of weights together, that begins at `begin`.
#[cfg(elman_narrow)]
macro_rules! again {
    ($bytes:literal, $begin:literal) => {
        concat!("adds r4, #", $bytes, "\nadds r5, #16\ncmp r5, r12\nbne ", $begin, "\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! again {
    ($bytes:literal, $begin:literal) => {
        concat!("adds r4, #", $bytes, "\nadds r5, #16\ncmp r5, r8\nbne ", $begin, "\n")
    };
}

/// On to h.
#[cfg(elman_narrow)]
macro_rules! then {
    () => {
        "ldr r7, [r1, #32]\nmov r12, r7\n"
    };
}
#[cfg(not(elman_narrow))]
macro_rules! then {
    () => {
        "ldr r8, [r9, #32]\n"
    };
}

/// The sums to r0 to r3, where they are elsewhere; r7 is [`At`].
#[cfg(elman_narrow)]
macro_rules! sums {
    () => {
        "str r4, [r1]
        mov r7, r1
        mov r0, r8
        mov r1, r9
        mov r2, r10
        mov r3, r11\n"
    };
}
#[cfg(not(elman_narrow))]
macro_rules! sums {
    () => {
        ""
    };
}

/// Takes a sum, shifted, off another.
#[cfg(elman_narrow)]
macro_rules! less {
    ($sum:literal, $other:literal, $shift:literal) => {
        concat!("lsls r4, ", $other, ", #", $shift, "\nsubs ", $sum, ", ", $sum, ", r4\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! less {
    ($sum:literal, $other:literal, $shift:literal) => {
        concat!("sub ", $sum, ", ", $sum, ", ", $other, ", lsl #", $shift, "\n")
    };
}

/// The end of a row block: biases are added to the sums in the format's unit, and what was moved on is stored.
#[cfg(elman_narrow)]
macro_rules! end {
    ($unit:literal) => {
        concat!(
            "lsls r0, r0, #",
            $unit,
            "\nlsls r1, r1, #",
            $unit,
            "\nlsls r2, r2, #",
            $unit,
            "\nlsls r3, r3, #",
            $unit,
            "
            ldr r4, [r7, #4]
            adds r4, #16
            ldm r4!, {{r5, r6}}
            adds r0, r0, r5
            adds r1, r1, r6
            ldm r4!, {{r5, r6}}
            adds r2, r2, r5
            adds r3, r3, r6
            str r4, [r7, #4]
            pop {{r4, r5, r6, r7}}
            mov r8, r4
            mov r9, r5
            mov r10, r6
            mov r11, r7
            pop {{r4, r5, r6, r7, pc}}\n"
        )
    };
}
#[cfg(not(elman_narrow))]
macro_rules! end {
    ($unit:literal) => {
        concat!(
            "ldr r7, [r9, #4]
            adds r7, #16
            ldm r7!, {{r5, r6, r8, r12}}
            add r0, r5, r0, lsl #",
            $unit,
            "\nadd r1, r6, r1, lsl #",
            $unit,
            "\nadd r2, r8, r2, lsl #",
            $unit,
            "\nadd r3, r12, r3, lsl #",
            $unit,
            "
            str r7, [r9, #4]
            str r4, [r9]
            pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}\n"
        )
    };
}

pub(super) use {again, begin, end, enter, less, sums, then};
