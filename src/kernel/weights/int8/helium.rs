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

/// # Safety
/// Only for row blocks as [`of_split`] says.
#[unsafe(naked)]
unsafe extern "C" fn split() {
    naked_asm!(
        ".cpu cortex-m55",
        begin!(),
        "ldr r7, [r11, #4]",
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
