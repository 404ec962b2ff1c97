//! Armv7E-M and Armv8-M with the DSP extension.
//!
//! A byte has the rows of a column, v = (a + 2) + 4 (b + 2) + 16 (c + 2) + 64 (d + 2); a word the columns c0, c2, c1, c3, two of
//! which are apart by one instruction each. With the sums of v x and of v shifted right by two, four and six bits, a row is a sum
//! less four times the next, and the twos are 2 Σ x, known before: 16 instructions for 16 products and two for loads.

use core::arch::naked_asm;

use crate::kernel::weights::dsp::{At, Kernel, sum};
use crate::kernel::weights::fields::PARAMS;

/// Bytes of assembly for four columns of [`rows_body`], and of [`split_body`].
const ROWS_TURN: usize = 72;
const SPLIT_TURN: usize = 56;
/// Turns in a loop over x of rows, and over x and h of split ones.
const UNROLL: usize = 4;
const UNROLL_X: usize = 2;

/// What `add pc` takes to skip to the first turn of a loop of `unroll` over `part`.
const fn skip(part: &[u32], unroll: usize, turn: usize) -> usize {
    ((part.len() / 2).wrapping_neg() % unroll * turn).wrapping_sub(2)
}

/// What sums of rows begin with: the twos of the rows that they add up.
fn twos(sum: i32) -> [i32; 4] {
    [85, 21, 5, 1].map(|rows| sum.wrapping_mul(-2 * rows))
}

/// Four rows.
pub(in super::super) fn set_rows(at: &mut At, x: &[u32]) -> Kernel {
    at.x_skip = skip(x, UNROLL, ROWS_TURN);
    let [a, b, c, d] = twos(sum(x));
    at.own = [a, b, c, d, 0, 0];
    Kernel { body: rows_body, words: x.len() / 2, params: PARAMS }
}

/// Split rows, whose fourth is 0: it is part of the third.
pub(in super::super) fn set_split(at: &mut At, x: &[u32], h: &[u32]) -> Kernel {
    (at.x_skip, at.h_skip) = (skip(x, UNROLL_X, SPLIT_TURN), skip(h, UNROLL, SPLIT_TURN));
    let (of_x, of_h) = (sum(x), sum(h));
    let [a, b, ..] = twos(of_x.wrapping_add(of_h));
    let ([_, _, n, _], [_, _, m, _]) = (twos(of_x), twos(of_h));
    at.own = [a, b, n, m, 0, 0];
    Kernel { body: split_body, words: (x.len() + h.len()) / 2, params: PARAMS }
}

/// Row `sum` and the next of bytes in two registers, shifted by two bits, with two words of x in r4 and r5.
macro_rules! next {
    ($sum:literal) => {
        concat!(
            "and.w r1, lr, r1, lsr #2\n",
            "smlad ",
            $sum,
            ", r1, r4, ",
            $sum,
            "\n",
            "and.w r6, lr, r6, lsr #2\n",
            "smlad ",
            $sum,
            ", r6, r5, ",
            $sum,
            "\n",
        )
    };
}

/// Four columns: two words of x to r4 and r5, their bytes to r1 and r6, and the sum of all rows in r8.
macro_rules! begin {
    () => {
        concat!(
            "ldrd r4, r5, [r2], #8\n",
            "ldr.w r6, [r0], #4\n",
            "uxtb16 r1, r6\n",
            "smlad r8, r1, r4, r8\n",
            "uxtb16 r6, r6, ror #8\n",
            "smlad r8, r6, r5, r8\n",
        )
    };
}

/// A row block of four rows: takes [`At`] in r0, gives the pre-activations in r0 to r3, keeps r4 to r11.
///
/// # Safety
/// As [`At`] was set by [`set_rows`], with as many row blocks left: reads half as many words of weights as x has, and [`PARAMS`].
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    naked_asm!(
        cpu!(),
        "push {{r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r4, r5, r6, r8, r9, r10, r11}}",
        "mov r7, r1",
        "mov r12, r4",
        "mov lr, #0x003f003f",
        "add pc, r3",
        "2:",
        ".rept {unroll}",
        begin!(),
        next!("r9"),
        next!("r10"),
        next!("r11"),
        ".endr",
        "cmp r2, r12",
        "bne 2b",
        "sub r8, r8, r9, lsl #2",
        "sub r9, r9, r10, lsl #2",
        "sub r10, r10, r11, lsl #2",
        "pop {{r12}}",
        "ldm r7!, {{r1, r2, r3, r4}}",
        "add r8, r1, r8, lsl #6",
        "add r9, r2, r9, lsl #6",
        "add r10, r3, r10, lsl #6",
        "add r11, r4, r11, lsl #6",
        "ldm r7!, {{r1, r2, r3, r4}}",
        "strd r0, r7, [r12]",
        "smmulr r0, r8, r1",
        "smmulr r1, r9, r2",
        "smmulr r2, r10, r3",
        "smmulr r3, r11, r4",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        unroll = const UNROLL,
    )
}

/// A row block of split rows: takes [`At`] in r0, gives the pre-activations in r0 to r3, keeps r4 to r11.
///
/// # Safety
/// As [`At`] was set by [`set_split`], with as many row blocks left: reads half as many words of weights as x and h have, and
/// [`PARAMS`].
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    naked_asm!(
        cpu!(),
        "push {{r0, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "ldm r0, {{r0, r1, r2, r3, r4, r5, r6, r8, r9, r10, r11}}",
        "mov r7, r1",
        "mov r12, r4",
        "mov lr, #0x003f003f",
        "add pc, r3",
        "2:",
        ".rept {unroll_x}",
        begin!(),
        next!("r9"),
        next!("r10"),
        ".endr",
        "cmp r2, r12",
        "bne 2b",
        "ldr r1, [sp]",
        "ldrd r12, r3, [r1, #20]",
        "add pc, r3",
        "3:",
        ".rept {unroll}",
        begin!(),
        next!("r9"),
        next!("r11"),
        ".endr",
        "cmp r2, r12",
        "bne 3b",
        // The third rows over x and over h are both above row 1.
        "sub r8, r8, r9, lsl #2",
        "sub r9, r9, r10, lsl #2",
        "sub r9, r9, r11, lsl #2",
        "pop {{r12}}",
        "ldm r7!, {{r1, r2, r3, r4}}",
        "add r8, r1, r8, lsl #6",
        "add r9, r2, r9, lsl #6",
        "add r10, r3, r10, lsl #6",
        "add r11, r4, r11, lsl #6",
        "ldm r7!, {{r1, r2, r3, r4}}",
        "strd r0, r7, [r12]",
        "smmulr r0, r8, r1",
        "smmulr r1, r9, r2",
        "smmulr r2, r10, r3",
        "smmulr r3, r11, r4",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
        unroll = const UNROLL, unroll_x = const UNROLL_X,
    )
}
