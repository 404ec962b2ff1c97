//! Armv8.1-M with Helium: eight columns of four rows at a time.
//!
//! Bytes are widened to 16 bits as they are loaded, and a multiply-accumulate across the vector adds eight products to a
//! sum of 32 bits: 10 instructions for 32 products. The last columns, where they are no eight, are predicated off by the
//! loop itself.

use core::arch::naked_asm;

use crate::kernel::weights::helium::{Kernel, begin, end, requantize};

/// Four rows.
pub(in super::super) fn of_rows(x: &[u32]) -> Kernel {
    Kernel {
        body: rows,
        words: x.len() * 2,
        #[cfg(elman_several)]
        begin: [0; 4],
    }
}

/// Split rows.
pub(in super::super) fn of_split(x: &[u32], h: &[u32]) -> Kernel {
    Kernel {
        body: split,
        words: (x.len() + h.len()) / 2 * 3,
        #[cfg(elman_several)]
        begin: [0; 4],
    }
}

/// # Safety
/// Only for row blocks as [`of_rows`] says.
#[unsafe(naked)]
unsafe extern "C" fn rows() {
    naked_asm!(
        ".cpu cortex-m55",
        begin!(),
        "2:",
        // Rows in odd registers, sums in even ones; what is widened is loaded by r0 to r7 alone.
        "add r3, r1, r8",
        "add r5, r3, r8",
        "add r7, r5, r8",
        "ldr r10, [r11]",
        "ldrd r0, r2, [r12], #8",
        "ldrd r4, r6, [r12], #8",
        "dlstp.16 lr, r8",
        "3:",
        "vldrh.u16 q0, [r10], #16",
        "vldrb.s16 q1, [r1], #8",
        "vmladava.s16 r0, q0, q1",
        "vldrb.s16 q2, [r3], #8",
        "vmladava.s16 r2, q0, q2",
        "vldrb.s16 q3, [r5], #8",
        "vmladava.s16 r4, q0, q3",
        "vldrb.s16 q1, [r7], #8",
        "vmladava.s16 r6, q0, q1",
        "letp lr, 3b",
        "ldr r1, [r11, #12]",
        "sub r1, r7, r1",
        "vmov d0, r0, r2",
        "vmov d1, r4, r6",
        requantize!(),
        "bne 2b",
        end!(),
    )
}

/// Products of four rows at r1, r3, r5 and r7, with x at r10, added to the sums in r0, r2, r4 and r6; columns in `$columns`.
macro_rules! products {
    ($columns:literal) => {
        concat!(
            "dlstp.16 lr, ",
            $columns,
            "
            7:
            vldrh.u16 q0, [r10], #16
            vldrb.s16 q1, [r1], #8
            vmladava.s16 r0, q0, q1
            vldrb.s16 q2, [r3], #8
            vmladava.s16 r2, q0, q2
            vldrb.s16 q3, [r5], #8
            vmladava.s16 r4, q0, q3
            vldrb.s16 q1, [r7], #8
            vmladava.s16 r6, q0, q1
            letp lr, 7b"
        )
    };
}

/// The sums of a gate of four units: from their biases, at `$at` words of parameters, to two d registers.
macro_rules! gate {
    ($at:literal, $columns:literal, $low:literal, $high:literal) => {
        concat!(
            "ldr r0, [r12, #4 * ",
            $at,
            "]
            ldr r2, [r12, #4 * ",
            $at,
            " + 32]
            ldr r4, [r12, #4 * ",
            $at,
            " + 64]
            ldr r6, [r12, #4 * ",
            $at,
            " + 96]
            ",
            products!($columns),
            "
            vmov ",
            $low,
            ", r0, r2
            vmov ",
            $high,
            ", r4, r6"
        )
    };
}

/// Rows of `$columns` columns, a multiple of four: back by what a loop over eight went beyond them.
macro_rules! back {
    ($columns:literal) => {
        concat!(
            "lsls r0, ",
            $columns,
            ", #29
            beq 8f
            sub r1, r1, #4
            sub r3, r3, #4
            sub r5, r5, #4
            sub r7, r7, #4
            8:"
        )
    };
}

/// Four units, gate by gate, so that x is loaded once for four rows; fewer of them by [`one_by_one`].
///
/// # Safety
/// Only for row blocks as [`of_split`] says.
#[unsafe(naked)]
unsafe extern "C" fn split() {
    naked_asm!(
        ".cpu cortex-m55",
        "ldr r3, [r11, #28]",
        "subs r3, r3, #4",
        "blo {one_by_one}",
        "push {{lr}}",
        "str r3, [r11, #28]",
        "ldrd r1, r12, [r11, #20]",
        "sub r9, r11, #64",
        "str r9, [r11, #52]",
        "ldrd r8, r10, [r11, #4]",
        "add r8, r8, r10",
        "add r10, r8, r8, lsl #1",
        "add r3, r1, r10",
        "add r5, r3, r10",
        "add r7, r5, r10",
        "ldr r10, [r11]",
        gate!("0", "r8", "d8", "d9"),
        back!("r8"),
        "ldr r10, [r11]",
        gate!("1", "r8", "d10", "d11"),
        back!("r8"),
        "ldrd r8, r9, [r11, #4]",
        "ldr r10, [r11]",
        gate!("2", "r8", "d12", "d13"),
        back!("r8"),
        "it ne",
        "subne r10, r10, #8",
        gate!("3", "r9", "d14", "d15"),
        "ldr r1, [r11, #16]",
        "sub r1, r7, r1",
        // Multipliers of a gate, one of 32 bytes of each unit.
        "movs r0, #0",
        "vidup.u32 q3, r0, #8",
        "vshl.i32 q3, q3, #2",
        "vadd.i32 q3, q3, r12",
        "vldrw.u32 q0, [q3, #16]",
        "vldrw.u32 q1, [q3, #20]",
        "vldrw.u32 q2, [q3, #24]",
        "vrmulh.s32 q0, q0, q4",
        "vldrw.u32 q4, [q3, #28]",
        "vrmulh.s32 q1, q1, q5",
        "vrmulh.s32 q2, q2, q6",
        "vrmulh.s32 q3, q4, q7",
        "sub r9, r11, #64",
        "vst40.32 {{q0, q1, q2, q3}}, [r9]",
        "vst41.32 {{q0, q1, q2, q3}}, [r9]",
        "vst42.32 {{q0, q1, q2, q3}}, [r9]",
        "vst43.32 {{q0, q1, q2, q3}}, [r9]",
        "add r12, r12, #128",
        end!(),
        one_by_one = sym one_by_one,
    )
}

/// # Safety
/// As [`split`].
#[unsafe(naked)]
unsafe extern "C" fn one_by_one() {
    naked_asm!(
        ".cpu cortex-m55",
        begin!("r7"),
        "2:",
        "add r3, r1, r7",
        "add r3, r3, r8",
        "add r5, r3, r7",
        "add r5, r5, r8",
        "ldr r10, [r11]",
        "ldrd r0, r2, [r12], #8",
        "ldr r4, [r12], #4",
        "dlstp.16 lr, r7",
        "3:",
        "vldrh.u16 q0, [r10], #16",
        "vldrb.s16 q1, [r1], #8",
        "vmladava.s16 r0, q0, q1",
        "vldrb.s16 q2, [r3], #8",
        "vmladava.s16 r2, q0, q2",
        "vldrb.s16 q3, [r5], #8",
        "vmladava.s16 r4, q0, q3",
        "letp lr, 3b",
        "ldr r6, [r11, #12]",
        "cbz r6, 4f",
        "sub r1, r1, r6",
        "sub r3, r3, r6",
        "sub r5, r5, r6",
        "sub r10, r10, r6, lsl #1",
        "4:",
        "ldr r6, [r12], #4",
        "dlstp.16 lr, r8",
        "5:",
        "vldrh.u16 q0, [r10], #16",
        "vldrb.s16 q1, [r1], #8",
        "vmladava.s16 r0, q0, q1",
        "vldrb.s16 q2, [r3], #8",
        "vmladava.s16 r2, q0, q2",
        "vldrb.s16 q3, [r5], #8",
        "vmladava.s16 r6, q0, q3",
        "letp lr, 5b",
        "ldr r1, [r11, #16]",
        "sub r1, r5, r1",
        "vmov d0, r0, r2",
        "vmov d1, r4, r6",
        requantize!(),
        "bne 2b",
        end!(),
    )
}
