//! The equations of four units at once, on Armv8.1-M with Helium: bit for bit those of [`arith`](crate::arith), whose table they
//! read.
//!
//! A body gets in r0 the pre-activations of four units, unit after unit, in r1 their carried states, in r2 where their h go, in r3
//! [`Gates`]. Lanes beyond `Gates::units` are predicated off. It gives r1 and r2 moved on by four units.

use core::arch::naked_asm;

use super::activation::Table;

/// The equations of a cell in its layer's formats.
#[derive(Debug)]
#[repr(C)]
pub struct Gates {
    /// Of the four units, those that there are.
    pub(super) units: usize,
    /// The a and the w of the cell of 0.
    table: [*const i32; 2],
    /// By how much to shift left.
    shifts: [i32; 3],
    pub(super) body: unsafe extern "C" fn(),
}

impl Gates {
    #[inline(always)]
    fn new(table: &'static Table, shifts: [i32; 3], body: unsafe extern "C" fn()) -> Self {
        let [a, w] = &table[128];
        Gates { units: 0, table: [a, w], shifts, body }
    }

    /// Of an LSTM: c has `carried_frac` fraction bits, h `out_frac`.
    #[inline(always)]
    pub fn lstm(table: &'static Table, carried_frac: u8, out_frac: u8) -> Self {
        let (c, h) = (i32::from(carried_frac), i32::from(out_frac));
        Gates::new(table, [c.wrapping_sub(30), 16i32.wrapping_sub(c), h.wrapping_sub(30)], lstm)
    }

    /// Of a GRU with the reset gate after the product, whose 32-bit h has `carried_frac` fraction bits.
    #[inline(always)]
    pub fn gru(table: &'static Table, carried_frac: u8) -> Self {
        Gates::new(table, [i32::from(carried_frac).wrapping_sub(31), 0, 0], gru)
    }
}

/// Begins a body: MIN in r0, the pre-activations of a gate in each of q0 to q3, the table in r4 and r5, shifts in r6 to r8, and lanes
/// without a unit off.
macro_rules! begin {
    () => {
        "push {{r4, r5, r6, r7, r8, lr}}
        vpush {{d8, d9, d10, d11, d12, d13, d14, d15}}
        ldm r3, {{r3, r4, r5, r6, r7, r8}}
        vld40.32 {{q0, q1, q2, q3}}, [r0]
        vld41.32 {{q0, q1, q2, q3}}, [r0]
        vld42.32 {{q0, q1, q2, q3}}, [r0]
        vld43.32 {{q0, q1, q2, q3}}, [r0]
        mov r0, #0x80000000
        dlstp.32 lr, r3"
    };
}

/// Ends a body: all lanes are on again.
macro_rules! end {
    () => {
        "lctp
        vpop {{d8, d9, d10, d11, d12, d13, d14, d15}}
        pop {{r4, r5, r6, r7, r8, pc}}"
    };
}

/// What the cells `cell`, counted from the table's middle, give at `t`, whose highest bit is the other one: in `t`.
macro_rules! interpolated {
    ($t:literal, $cell:literal, $w:literal, $a:literal) => {
        concat!(
            "vshl.i32 ", $cell, ", ", $cell, ", #1\n",
            "vadd.i32 ", $t, ", ", $t, ", r0\n",
            "vldrw.u32 ", $w, ", [r5, ", $cell, ", uxtw #2]\n",
            "vldrw.u32 ", $a, ", [r4, ", $cell, ", uxtw #2]\n",
            "vshl.i32 ", $cell, ", ", $w, ", #16\n",
            "vmulh.s32 ", $cell, ", ", $cell, ", ", $t, "\n",
            "vadd.i32 ", $w, ", ", $w, ", ", $cell, "\n",
            "vmulh.s32 ", $w, ", ", $w, ", ", $t, "\n",
            "vshr.s32 ", $w, ", ", $w, ", #3\n",
            "vadd.i32 ", $t, ", ", $a, ", ", $w,
        )
    };
}

/// σ of `z`, in `z`, with MAX in `max`.
macro_rules! sigmoid {
    ($z:literal, $max:literal) => {
        concat!(
            "vqshl.s32 q4, ", $z, ", #11\n",
            "vshr.s32 q4, q4, #24\n",
            "vshl.i32 ", $z, ", ", $z, ", #19\n",
            interpolated!($z, "q4", "q5", "q6"), "\n",
            // y / 2 + 1/2
            "vrhadd.s32 ", $z, ", ", $z, ", ", $max,
        )
    };
}

/// tanh of `z`, in `y`; where `shift` is an instruction on |z|, of what it gives.
macro_rules! tanh {
    ($z:literal, $y:literal, $shift:expr) => {
        concat!(
            "vabs.s32 ", $y, ", ", $z, "\n",
            $shift,
            "vqshl.s32 q4, ", $y, ", #12\n",
            "vshr.u32 q4, q4, #24\n",
            "vshl.i32 ", $y, ", ", $y, ", #20\n",
            interpolated!($y, "q4", "q5", "q6"), "\n",
            "vpt.s32 lt, ", $z, ", zr\n",
            "vnegt.s32 ", $y, ", ", $y,
        )
    };
}

/// Pre-activations i, f, g and o.
///
/// # Safety
/// As the module says, with readable 64 bytes at r0.
#[unsafe(naked)]
unsafe extern "C" fn lstm() {
    naked_asm!(
        ".cpu cortex-m55",
        begin!(),
        tanh!("q2", "q7", ""),
        "vmvn.i32 q2, #0x80000000",
        sigmoid!("q0", "q2"),
        // i g, then f c
        "vrmulh.s32 q0, q0, q7",
        "vshl.s32 q0, r6",
        sigmoid!("q1", "q2"),
        "vldrw.u32 q7, [r1]",
        "vrmulh.s32 q1, q1, q7",
        "vqadd.s32 q1, q1, q1",
        "vqadd.s32 q0, q0, q1",
        "vstrw.32 q0, [r1], #16",
        sigmoid!("q3", "q2"),
        tanh!("q0", "q1", "vshl.u32 q1, r7\n"),
        "vrmulh.s32 q3, q3, q1",
        "vrshl.s32 q3, r8",
        "vqmovnb.s32 q3, q3",
        "vstrh.32 q3, [r2], #8",
        end!(),
    )
}

/// Pre-activations r, z, n and m.
///
/// # Safety
/// As the module says, with readable 64 bytes at r0.
#[unsafe(naked)]
unsafe extern "C" fn gru() {
    naked_asm!(
        ".cpu cortex-m55",
        begin!(),
        "vmvn.i32 q7, #0x80000000",
        sigmoid!("q0", "q7"),
        "vrmulh.s32 q3, q0, q3",
        "vadd.i32 q2, q2, q3",
        sigmoid!("q1", "q7"),
        tanh!("q2", "q0", ""),
        // n + z (h - n)
        "vshl.s32 q0, r6",
        "vldrw.u32 q2, [r1]",
        "vsub.i32 q2, q2, q0",
        "vrmulh.s32 q2, q1, q2",
        "vshl.i32 q2, q2, #1",
        "vadd.i32 q0, q0, q2",
        "vstrw.32 q0, [r1], #16",
        "vqrshrnb.s32 q0, q0, #15",
        "vstrh.32 q0, [r2], #8",
        end!(),
    )
}
