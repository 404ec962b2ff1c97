//! Armv7E-M and Armv8-M with the DSP extension.
//!
//! A word w has lanes of four rows for two columns. With v = (a + 8) + 16 (b + 8) + 256 (c + 8) + 4096 d of a lane, one
//! multiply-accumulate of the word gives Q = Σ v x in 64 bits, one of its low bytes P = Σ ((a + 8) + 16 (b + 8)) x, one of the
//! nibbles above Σ (b + 8) x, and one of the low nibbles of the high bytes Σ (c + 8) x: 7 instructions for 8 products. The eights
//! are 8 Σ x, known before: sums begin with what takes them off. Then a = P - 16 b, and d = (Q - a - 16 b - 256 c) / 4096 without
//! a remainder. 32 bits are enough for all but Q, as a, b and c are right modulo 2^32 and the loader has proved that they fit.
//!
//! Split rows: a word has four columns of rows 0 and 1, from whose bytes P comes likewise and 16 row 1 apart; the third row's word of
//! eight columns gives two a time. 26 instructions for 24 products.
//!
//! Words are loaded three at a time, weights and x in turn, where registers become free: a turn begins and ends with a word of x
//! that waits. What three words do not divide is taken before. Q's high word, of which the 12 lowest bits matter, counts the rounds.

use core::arch::naked_asm;

use super::packing::three_rows;
use crate::kernel::weights::dsp::{At, Kernel, sum};
use crate::kernel::weights::fields::PARAMS;

/// Bytes of assembly for three words of [`rows_body`].
const ROWS_TURN: usize = 92;
/// Turns in its loop.
const ROWS_UNROLL: usize = 4;

/// Four rows: a word of x that waits, three at a time, and the rest before.
pub(in super::super) fn set_rows(at: &mut At, x: &[u32]) -> Kernel {
    let sum = sum(x);
    let after_first = x.len().saturating_sub(1);
    let turns = after_first / 3;
    let rounds = turns.div_ceil(ROWS_UNROLL).max(1);
    at.x_skip = ((rounds * ROWS_UNROLL - turns) * ROWS_TURN).wrapping_sub(2);
    at.x_end = after_first % 3;
    // -8 (1 + 16 + 256) Σ x, and above it -rounds in steps of 2^16 and half a step, which keeps it below 0 until the last.
    let q = i64::from(sum) * -(8 * 273);
    let high = ((q >> 32) as i32).wrapping_add(0x8000).wrapping_sub((rounds << 16) as i32);
    (at.h_end, at.h_skip) = (q as i32 as usize, high as usize);
    at.own = [sum.wrapping_mul(-8 * 17), sum.wrapping_mul(-8), sum.wrapping_mul(-8), 0, 0, 0];
    Kernel { body: rows_body, words: x.len(), params: PARAMS }
}

/// The products of four rows of a word of weights with one of x: Q in r8 r9, P in r10, b in r11, c in r12. r1 is lost, and the word.
macro_rules! four_rows {
    ($w:literal, $x:literal) => {
        concat!(
            "smlald r8, r9, ",
            $w,
            ", ",
            $x,
            "\n",
            "uxtb16 r1, ",
            $w,
            "\n",
            "smlad r10, r1, ",
            $x,
            ", r10\n",
            "and.w r1, lr, r1, lsr #4\n",
            "smlad r11, r1, ",
            $x,
            ", r11\n",
            "and.w ",
            $w,
            ", lr, ",
            $w,
            ", lsr #8\n",
            "smlad r12, ",
            $w,
            ", ",
            $x,
            ", r12\n",
        )
    };
}

/// A row block of four rows: takes [`At`] in r0, gives the pre-activations in r0 to r3, keeps r4 to r11.
///
/// # Safety
/// As [`At`] was set by [`set_rows`], with as many row blocks left: reads as many words of weights as x has, and [`PARAMS`].
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    naked_asm!(
        cpu!(),
        "push {{r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r4, r8, r9, r10, r11, r12}}",
        "push {{r1}}",
        "mov lr, #0x000f000f",
        "cbz r4, 5f",
        "4:",
        "ldr r5, [r0], #4",
        "ldr r7, [r2], #4",
        four_rows!("r5", "r7"),
        "subs r4, #1",
        "bne 4b",
        "5:",
        "ldr r7, [r2], #4",
        "add pc, r3",
        "2:",
        ".rept {unroll}",
        "ldmia.w r0!, {{r3, r4, r5}}",
        four_rows!("r3", "r7"),
        "ldmia.w r2!, {{r3, r6, r7}}",
        four_rows!("r4", "r3"),
        four_rows!("r5", "r6"),
        ".endr",
        "adds.w r9, r9, #0x10000",
        "bmi 2b",
        "ldr r3, [r0], #4",
        four_rows!("r3", "r7"),
        "sub r10, r10, r11, lsl #4",
        "subs r8, r8, r10",
        "sbc r9, r9, r10, asr #31",
        "subs r8, r8, r11, lsl #4",
        "sbc r9, r9, r11, asr #28",
        "subs r8, r8, r12, lsl #8",
        "sbc r9, r9, r12, asr #24",
        // 16 d, as the others are in the accumulator.
        "lsrs r8, r8, #8",
        "orr r8, r8, r9, lsl #24",
        "pop {{r1, r3}}",
        "ldm r1!, {{r4, r5, r6, r7}}",
        "add r10, r4, r10, lsl #4",
        "add r11, r5, r11, lsl #4",
        "add r12, r6, r12, lsl #4",
        "add r8, r8, r7",
        "ldm r1!, {{r4, r5, r6, r7}}",
        "strd r0, r1, [r3]",
        "smmulr r0, r10, r4",
        "smmulr r1, r11, r5",
        "smmulr r2, r12, r6",
        "smmulr r3, r8, r7",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        unroll = const ROWS_UNROLL,
    )
}

/// Bytes of assembly for the first four columns of a part of [`split_body`], and for eight more.
const SPLIT_FIRST: usize = 66;
const SPLIT_TURN: usize = 104;
/// Turns in the loop over x, and over h.
const UNROLL_X: usize = 3;
const UNROLL_H: usize = 4;

/// What `add pc` takes at the begin of a part of split rows, and after its first four columns, where there are such.
const fn skips(part: &[u32], unroll: usize) -> (usize, i32) {
    let turns = part.len() / 4;
    let turn = (turns.next_multiple_of(unroll) - turns + if turns == 0 { unroll } else { 0 }) * SPLIT_TURN;
    let whole = part.len().is_multiple_of(4);
    (if whole { SPLIT_FIRST + turn } else { 0 }.wrapping_sub(2), turn.wrapping_sub(2) as i32)
}

/// Split rows.
pub(in super::super) fn set_split(at: &mut At, x: &[u32], h: &[u32]) -> Kernel {
    let (of_x, of_h) = (sum(x), sum(h));
    let both = of_x.wrapping_add(of_h);
    let ((x_skip, x_then), (h_skip, h_then)) = (skips(x, UNROLL_X), skips(h, UNROLL_H));
    (at.x_skip, at.h_skip) = (x_skip, h_skip);
    let eights = |sum: i32| sum.wrapping_mul(-8);
    at.own = [both.wrapping_mul(-8 * 17), eights(both), eights(of_x), eights(of_h), x_then, h_then];
    Kernel { body: split_body, words: three_rows(2 * x.len()) + three_rows(2 * h.len()), params: PARAMS }
}

/// The products of rows 0 and 1 of a word with two words of x: P in r8, row 1 in r9. r12 is lost, and the word.
macro_rules! two_rows {
    ($w:literal, $x0:literal, $x1:literal) => {
        concat!(
            "uxtb16 r12, ",
            $w,
            "\n",
            "smlad r8, r12, ",
            $x0,
            ", r8\n",
            "uxtb16 r12, ",
            $w,
            ", ror #8\n",
            "smlad r8, r12, ",
            $x1,
            ", r8\n",
            "and.w r12, lr, ",
            $w,
            ", lsr #4\n",
            "smlad r9, r12, ",
            $x0,
            ", r9\n",
            "and.w ",
            $w,
            ", lr, ",
            $w,
            ", lsr #12\n",
            "smlad r9, ",
            $w,
            ", ",
            $x1,
            ", r9\n",
        )
    };
}

/// The products of the third row in r11 shifted by two amounts with two words of x, in r10. r12 is lost.
macro_rules! third_row {
    ($first:literal, $second:literal, $x0:literal, $x1:literal) => {
        concat!(
            "and.w r12, lr, r11",
            $first,
            "\n",
            "smlad r10, r12, ",
            $x0,
            ", r10\n",
            "and.w r12, lr, r11",
            $second,
            "\n",
            "smlad r10, r12, ",
            $x1,
            ", r10\n",
        )
    };
}

/// The first four columns of a part, and on to the turn that the word at an offset of [`At`] says.
macro_rules! first {
    ($then:literal) => {
        concat!(
            "ldrd r4, r5, [r2], #8\n",
            "ldrd r1, r11, [r0], #8\n",
            two_rows!("r1", "r4", "r5"),
            third_row!("", ", lsr #4", "r4", "r5"),
            "ldr.w r1, [sp, #20]\n",
            "ldr.w r3, [r1, #",
            $then,
            "]\n",
            "add pc, r3\n",
        )
    };
}

/// Eight columns.
macro_rules! turn {
    () => {
        concat!(
            "ldmia.w r2!, {{r4, r5, r6, r7}}\n",
            "ldmia.w r0!, {{r1, r3, r11}}\n",
            two_rows!("r1", "r4", "r5"),
            two_rows!("r3", "r6", "r7"),
            third_row!("", ", lsr #4", "r4", "r5"),
            third_row!(", lsr #8", ", lsr #12", "r6", "r7"),
        )
    };
}

/// A row block of split rows: takes [`At`] in r0, gives the pre-activations in r0 to r3, keeps r4 to r11.
///
/// # Safety
/// As [`At`] was set by [`set_split`], with as many row blocks left: reads as many words of weights as [`three_rows`] says of x
/// and h, and [`PARAMS`].
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    naked_asm!(
        cpu!(),
        "push {{r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r4, r5, r6, r8, r9, r10, r11}}",
        // Parameters, the end of the part, end and skip of h, what the third row over h begins with.
        "push {{r1, r4, r5, r6, r11}}",
        "mov lr, #0x000f000f",
        "add pc, r3",
        first!("44"),
        "2:",
        ".rept {unroll_x}",
        turn!(),
        ".endr",
        "ldr r1, [sp, #4]",
        "cmp r2, r1",
        "bne 2b",
        "ldrd r4, r3, [sp, #8]",
        "strd r4, r10, [sp, #4]",
        "ldr r10, [sp, #16]",
        "add pc, r3",
        first!("48"),
        "3:",
        ".rept {unroll_h}",
        turn!(),
        ".endr",
        "ldr r1, [sp, #4]",
        "cmp r2, r1",
        "bne 3b",
        "sub r8, r8, r9, lsl #4",
        "pop {{r1, r3, r5, r6, r7, r12}}",
        "ldm r1!, {{r2, r3, r4, r7}}",
        "add r8, r2, r8, lsl #4",
        "add r9, r3, r9, lsl #4",
        "add r5, r4, r5, lsl #4",
        "add r10, r7, r10, lsl #4",
        "ldm r1!, {{r2, r3, r4, r7}}",
        "strd r0, r1, [r12]",
        "smmulr r0, r8, r2",
        "smmulr r1, r9, r3",
        "smmulr r2, r5, r4",
        "smmulr r3, r10, r7",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        unroll_x = const UNROLL_X, unroll_h = const UNROLL_H,
    )
}
