//! Armv6-M and Armv7-M without the DSP extension: layout "columns".
//!
//! A byte has the rows of a column, two bits each and 2 too large. With the sums of it and of what shifts by two bits leave of it
//! times x, a row is a sum less four times the next: a load, three shifts and four products. The twos are 2 Σ x, with which sums
//! begin.

use core::arch::naked_asm;

use super::reference::correction;
use crate::kernel::weights::columns::{Kernel, again, begin, end, enter, less, sums, then};

/// What sums of rows begin with.
fn twos(x: &[u32]) -> [i32; 4] {
    [85, 21, 5, 1].map(|rows| correction(x).wrapping_mul(rows))
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

/// Two columns of four rows.
#[cfg(elman_narrow)]
macro_rules! four_rows {
    ($x:literal, $a:literal, $b:literal) => {
        concat!(
            "ldr r2, [r5, #", $x, "]\nsxth r6, r2\n",
            four_rows!(@ $a),
            "asrs r6, r2, #16\n",
            four_rows!(@ $b),
        )
    };
    (@ $byte:literal) => {
        concat!(
            "ldrb r7, [r4, #", $byte, "]
            lsrs r3, r7, #2
            muls r7, r6, r7
            add r8, r7
            lsrs r0, r3, #2
            muls r3, r6, r3
            add r9, r3
            lsrs r7, r0, #2
            muls r0, r6, r0
            add r10, r0
            muls r7, r6, r7
            add r11, r7\n"
        )
    };
}

/// Two columns of three rows, the third of which is `third`.
#[cfg(elman_narrow)]
macro_rules! three_rows {
    ($third:tt, $x:literal, $a:literal, $b:literal) => {
        concat!(
            "ldr r2, [r5, #", $x, "]\nsxth r6, r2\n",
            three_rows!(@ $third, $a),
            "asrs r6, r2, #16\n",
            three_rows!(@ $third, $b),
        )
    };
    (@ "r2", $byte:literal) => {
        three_rows!(@@ "r10", $byte)
    };
    (@ "r3", $byte:literal) => {
        three_rows!(@@ "r11", $byte)
    };
    (@@ $third:literal, $byte:literal) => {
        concat!(
            "ldrb r7, [r4, #", $byte, "]
            lsrs r3, r7, #2
            muls r7, r6, r7
            add r8, r7
            lsrs r0, r3, #2
            muls r3, r6, r3
            add r9, r3
            muls r0, r6, r0
            add ", $third, ", r0\n"
        )
    };
}

/// Two columns of four rows.
#[cfg(not(elman_narrow))]
macro_rules! four_rows {
    ($x:literal, $a:literal, $b:literal) => {
        concat!("ldrsh r6, [r5, #", $x, "]\n", four_rows!(@ $a), "ldrsh r6, [r5, #", $x, " + 2]\n", four_rows!(@ $b))
    };
    (@ $byte:literal) => {
        concat!(
            "ldrb r7, [r4, #", $byte, "]
            mla r0, r7, r6, r0
            lsrs r7, r7, #2
            mla r1, r7, r6, r1
            lsrs r7, r7, #2
            mla r2, r7, r6, r2
            lsrs r7, r7, #2
            mla r3, r7, r6, r3\n"
        )
    };
}

/// Two columns of three rows, the third of which is `third`.
#[cfg(not(elman_narrow))]
macro_rules! three_rows {
    ($third:tt, $x:literal, $a:literal, $b:literal) => {
        concat!(
            "ldrsh r6, [r5, #", $x, "]\n",
            three_rows!(@ $third, $a),
            "ldrsh r6, [r5, #", $x, " + 2]\n",
            three_rows!(@ $third, $b),
        )
    };
    (@ $third:tt, $byte:literal) => {
        concat!(
            "ldrb r7, [r4, #", $byte, "]
            mla r0, r7, r6, r0
            lsrs r7, r7, #2
            mla r1, r7, r6, r1
            lsrs r7, r7, #2
            mla ", $third, ", r7, r6, ", $third, "\n"
        )
    };
}

/// # Safety
/// Only for row blocks as [`of_rows`] says.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    naked_asm!(
        begin!(),
        enter!("36", "4", "3f"),
        "2:",
        four_rows!("0", "0", "1"),
        four_rows!("4", "2", "3"),
        "3:",
        four_rows!("8", "4", "5"),
        four_rows!("12", "6", "7"),
        again!("8", "2b"),
        sums!(),
        less!("r0", "r1", "2"),
        less!("r1", "r2", "2"),
        less!("r2", "r3", "2"),
        end!("6"),
    )
}

/// # Safety
/// Only for row blocks as [`of_split`] says.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    naked_asm!(
        begin!(),
        enter!("36", "4", "3f"),
        "2:",
        three_rows!("r2", "0", "0", "1"),
        three_rows!("r2", "4", "2", "3"),
        "3:",
        three_rows!("r2", "8", "4", "5"),
        three_rows!("r2", "12", "6", "7"),
        again!("8", "2b"),
        then!(),
        enter!("40", "4", "5f"),
        "4:",
        three_rows!("r3", "0", "0", "1"),
        three_rows!("r3", "4", "2", "3"),
        "5:",
        three_rows!("r3", "8", "4", "5"),
        three_rows!("r3", "12", "6", "7"),
        again!("8", "4b"),
        sums!(),
        less!("r0", "r1", "2"),
        less!("r1", "r2", "2"),
        less!("r1", "r3", "2"),
        end!("6"),
    )
}
