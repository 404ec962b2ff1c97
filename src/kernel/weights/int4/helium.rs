//! Armv8.1-M with Helium: eight columns of four rows at a time.
//!
//! A lane has the rows of a column, v = (a + 8) + 16 (b + 8) + 256 (c + 8) + 4096 d. With the sums of v x and of v shifted right by
//! 4, 8 and 12 bits, a row is a sum less sixteen times the next, right modulo 2^32: 10 instructions for 32 products, as int8 takes.
//! The eights are 8 Σ x, with which sums begin.

use core::arch::naked_asm;

use crate::kernel::weights::helium::{Kernel, begin, end, four_rows, requantize, sum, sums_of_rows, three_rows};

/// Four rows.
pub(in super::super) fn of_rows(x: &[u32]) -> Kernel {
    let eights = sum(x).wrapping_mul(-8);
    let begin = [273, 17, 1, 0].map(|rows| eights.wrapping_mul(rows));
    Kernel { body: rows_body, words: x.len(), begin }
}

/// Split rows, whose fourth is 0 without an eight.
pub(in super::super) fn of_split(x: &[u32], h: &[u32]) -> Kernel {
    let (of_x, of_h) = (sum(x).wrapping_mul(-8), sum(h).wrapping_mul(-8));
    let both = of_x.wrapping_add(of_h);
    let begin = [both.wrapping_mul(273), both.wrapping_mul(17), of_x, of_h];
    Kernel { body: split_body, words: x.len() + h.len(), begin }
}

/// # Safety
/// Only for row blocks as [`of_rows`] says.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    four_rows!("vldrh.u16 q1, [r7], #16", "vshr.s16 q1, q1, #4", "4", "4", "1")
}

/// # Safety
/// Only for row blocks as [`of_split`] says.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    three_rows!("vldrh.u16 q1, [r7], #16", "vshr.s16 q1, q1, #4", "4", "4", "1")
}
