//! Armv6-M and Armv7-M without the DSP extension: layout "columns".
//!
//! A byte is two rows of a column, 16 (b + 8) + a + 8: with the sums of it and of its high nibble times x, a = sum - 16 b. A load,
//! a shift and two products, as many instructions as int8 takes. The eights are 8 Σ x, with which sums begin.

use core::arch::naked_asm;

use super::reference::correction;
use crate::kernel::weights::columns::{Kernel, again, begin, end, enter, less, sums, then};

/// Four rows.
pub(in super::super) fn of_rows(x: &[u32]) -> Kernel {
    let eights = correction(x);
    let two = eights.wrapping_mul(17);
    Kernel { body: rows_body, words: x.len(), begin: [two, eights, two, eights] }
}

/// Split rows.
pub(in super::super) fn of_split(x: &[u32], h: &[u32]) -> Kernel {
    let (of_x, of_h) = (correction(x), correction(h));
    let both = of_x.wrapping_add(of_h);
    let words = ((x.len() + h.len()) / 2 * 3).div_ceil(2);
    Kernel { body: split_body, words, begin: [both.wrapping_mul(17), both, of_x, of_h] }
}

/// Two columns of x from an offset on, to r6 and r2.
#[cfg(elman_narrow)]
macro_rules! two_x {
    ($at:literal) => {
        concat!("ldr r2, [r5, #", $at, "]\nsxth r6, r2\nasrs r2, r2, #16\n")
    };
}

/// The products of two rows in a byte with `x`.
#[cfg(elman_narrow)]
macro_rules! two {
    ($byte:literal, $x:literal, $low:literal, $high:literal) => {
        concat!(
            "ldrb r7, [r4, #",
            $byte,
            "]\nlsrs r3, r7, #4\nmuls r7, ",
            $x,
            ", r7\nadd ",
            $low,
            ", r7\nmuls r3, ",
            $x,
            ", r3\nadd ",
            $high,
            ", r3\n"
        )
    };
}

/// Two columns of four rows.
#[cfg(elman_narrow)]
macro_rules! four_rows {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            two_x!($x),
            two!($a, "r6", "r8", "r9"),
            two!($b, "r6", "r10", "r11"),
            two!($c, "r2", "r8", "r9"),
            two!($d, "r2", "r10", "r11"),
        )
    };
}

/// Two columns of three rows, the third of which is `third`; r0 is 15.
#[cfg(elman_narrow)]
macro_rules! three_rows {
    ($third:literal, $x:literal, $a:literal, $b:literal, $c:literal) => {
        concat!(
            two_x!($x),
            two!($a, "r6", "r8", "r9"),
            two!($b, "r2", "r8", "r9"),
            "ldrb r7, [r4, #",
            $c,
            "]\nlsrs r3, r7, #4\nands r7, r0\nmuls r7, r6, r7\nadd ",
            $third,
            ", r7\nmuls r3, r2, r3\nadd ",
            $third,
            ", r3\n"
        )
    };
}

/// Four columns of three rows.
#[cfg(elman_narrow)]
macro_rules! block {
    ("r2", "0") => {
        concat!(three_rows!("r10", "0", "0", "1", "4"), three_rows!("r10", "4", "2", "3", "5"))
    };
    ("r2", "8") => {
        concat!(three_rows!("r10", "8", "6", "7", "10"), three_rows!("r10", "12", "8", "9", "11"))
    };
    ("r3", "0") => {
        concat!(three_rows!("r11", "0", "0", "1", "4"), three_rows!("r11", "4", "2", "3", "5"))
    };
    ("r3", "8") => {
        concat!(three_rows!("r11", "8", "6", "7", "10"), three_rows!("r11", "12", "8", "9", "11"))
    };
}

#[cfg(not(elman_narrow))]
macro_rules! two {
    ($byte:literal, $x:literal, $low:literal, $high:literal) => {
        concat!(
            "ldrb r7, [r4, #",
            $byte,
            "]\nmla ",
            $low,
            ", r7, ",
            $x,
            ", ",
            $low,
            "\nlsrs r7, r7, #4\nmla ",
            $high,
            ", r7, ",
            $x,
            ", ",
            $high,
            "\n"
        )
    };
}

/// Two columns of four rows.
#[cfg(not(elman_narrow))]
macro_rules! four_rows {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "ldrsh r6, [r5, #",
            $x,
            "]\n",
            two!($a, "r6", "r0", "r1"),
            two!($b, "r6", "r2", "r3"),
            "ldrsh r6, [r5, #",
            $x,
            " + 2]\n",
            two!($c, "r6", "r0", "r1"),
            two!($d, "r6", "r2", "r3"),
        )
    };
}

/// Four columns of three rows, the third of which is `third`, from an offset in x on.
#[cfg(not(elman_narrow))]
macro_rules! three_rows {
    ($third:literal, $x:literal, $a:literal, $b:literal, $c:literal, $d:literal, $e:literal) => {
        concat!(
            "ldrsh r6, [r5, #",
            $x,
            "]\n",
            two!($a, "r6", "r0", "r1"),
            "ldrsh r10, [r5, #",
            $x,
            " + 2]\n",
            two!($b, "r10", "r0", "r1"),
            "ldrsh r11, [r5, #",
            $x,
            " + 4]\n",
            two!($c, "r11", "r0", "r1"),
            "ldrsh r12, [r5, #",
            $x,
            " + 6]\n",
            two!($d, "r12", "r0", "r1"),
            "ldrh r7, [r4, #",
            $e,
            "]\nand lr, r7, #15\nmla ",
            $third,
            ", lr, r6, ",
            $third,
            "\nubfx lr, r7, #4, #4\nmla ",
            $third,
            ", lr, r10, ",
            $third,
            "\nubfx lr, r7, #8, #4\nmla ",
            $third,
            ", lr, r11, ",
            $third,
            "\nlsrs r7, r7, #12\nmla ",
            $third,
            ", r7, r12, ",
            $third,
            "\n"
        )
    };
}

#[cfg(not(elman_narrow))]
macro_rules! block {
    ($third:tt, "0") => {
        three_rows!($third, "0", "0", "1", "2", "3", "4")
    };
    ($third:tt, "8") => {
        three_rows!($third, "8", "6", "7", "8", "9", "10")
    };
}

/// What [`three_rows`] finds in a register.
#[cfg(elman_narrow)]
macro_rules! mask {
    () => {
        "movs r0, #15\n"
    };
}
#[cfg(not(elman_narrow))]
macro_rules! mask {
    () => {
        ""
    };
}

/// # Safety
/// Only for row blocks as [`of_rows`] says.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    naked_asm!(
        begin!(),
        enter!("36", "8", "3f"),
        "2:",
        four_rows!("0", "0", "1", "2", "3"),
        four_rows!("4", "4", "5", "6", "7"),
        "3:",
        four_rows!("8", "8", "9", "10", "11"),
        four_rows!("12", "12", "13", "14", "15"),
        again!("16", "2b"),
        sums!(),
        less!("r0", "r1", "4"),
        less!("r2", "r3", "4"),
        end!("4"),
    )
}

/// # Safety
/// Only for row blocks as [`of_split`] says.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    naked_asm!(
        begin!(),
        mask!(),
        enter!("36", "6", "3f"),
        "2:",
        block!("r2", "0"),
        "3:",
        block!("r2", "8"),
        again!("12", "2b"),
        then!(),
        enter!("40", "6", "5f"),
        "4:",
        block!("r3", "0"),
        "5:",
        block!("r3", "8"),
        again!("12", "4b"),
        // Whole words of weights.
        "adds r4, #3\nlsrs r4, r4, #2\nlsls r4, r4, #2",
        sums!(),
        less!("r0", "r1", "4"),
        end!("4"),
    )
}
