//! Armv8.1-M with Helium: eight columns of four rows at a time.
//!
//! A byte has the rows of a column, two bits each and 2 too large, and is widened to a lane as it is loaded. With the sums of it and
//! of what shifts by two bits leave of it times x, a row is a sum less four times the next: 10 instructions for 32 products, as int8
//! takes. The twos are 2 Σ x, with which sums begin.

use core::arch::naked_asm;

use crate::kernel::weights::helium::{Kernel, begin, end, four_rows, requantize, sum, sums_of_rows, three_rows};

/// What sums of rows begin with.
fn twos(x: &[u32]) -> [i32; 4] {
    let twos = sum(x).wrapping_mul(-2);
    [85, 21, 5, 1].map(|rows| twos.wrapping_mul(rows))
}

/// Four rows.
pub(in super::super) fn of_rows(x: &[u32]) -> Kernel {
    Kernel { body: rows_body, words: x.len() / 2, begin: twos(x) }
}

/// Split rows, whose fourth is 0: it is part of the third.
pub(in super::super) fn of_split(x: &[u32], h: &[u32]) -> Kernel {
    let ([a, b, n, _], [c, d, m, _]) = (twos(x), twos(h));
    Kernel { body: split_body, words: (x.len() + h.len()) / 2, begin: [a.wrapping_add(c), b.wrapping_add(d), n, m] }
}

/// # Safety
/// Only for row blocks as [`of_rows`] says.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    four_rows!("vldrb.u16 q1, [r7], #8", "vshr.u16 q1, q1, #2", "2", "6", "0")
}

/// # Safety
/// Only for row blocks as [`of_split`] says.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    three_rows!("vldrb.u16 q1, [r7], #8", "vshr.u16 q1, q1, #2", "2", "6", "0")
}
