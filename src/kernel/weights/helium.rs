//! Row blocks in assembly, on Armv8.1-M with Helium: four of them at a time, and the equations of the units that they serve.

use core::arch::asm;
#[cfg(elman_several)]
use core::arch::naked_asm;

use super::{Packing, WeightFormat, int8};
use crate::kernel::gates::Gates;
use crate::kernel::row_block::RowBlocks;

/// Words of parameters of a row block: biases, then multipliers.
const PARAMS: usize = 8;

/// Pre-activations of four row blocks, and what a body has to know of them.
#[repr(C)]
struct Block {
    /// Those of fewer row blocks are at the end.
    pre: [[i32; 4]; 4],
    /// r11 of a body: x.
    x: *const u32,
    /// Halfwords of x and of h; without h, of x in the second place.
    columns: [usize; 2],
    /// By how many columns loops over eight go beyond them; without h, beyond x in the first place.
    beyond: [usize; 2],
    /// What sums begin with.
    begin: [i32; 4],
    /// [`Gates`] read 64 bytes from the first pre-activations on.
    filling: [u32; 3],
}

/// What a format sets: its body, the words of weights of a row block, and what sums begin with, with Σ x.
///
/// A body gets in r0 a [`Block`], in r1 weights, in r2 parameters, in r3 how many row blocks, from 1 to 4. It gives r1 and r2 moved on.
pub(super) struct Kernel {
    pub(super) body: unsafe extern "C" fn(),
    pub(super) words: usize,
    pub(super) begin: [i32; 4],
}

#[cfg_attr(elman_several, inline(never))]
fn of_rows(format: WeightFormat, x: &[u32]) -> Kernel {
    match format {
        WeightFormat::Int8 => int8::helium::of_rows(x),
        #[cfg(feature = "int4")]
        WeightFormat::Int4 => super::int4::helium::of_rows(x),
        #[cfg(feature = "int2")]
        WeightFormat::Int2 => super::int2::helium::of_rows(x),
    }
}

#[cfg_attr(elman_several, inline(never))]
fn of_split(format: WeightFormat, x: &[u32], h: &[u32]) -> Kernel {
    match format {
        WeightFormat::Int8 => int8::helium::of_split(x, h),
        #[cfg(feature = "int4")]
        WeightFormat::Int4 => super::int4::helium::of_split(x, h),
        #[cfg(feature = "int2")]
        WeightFormat::Int2 => super::int2::helium::of_split(x, h),
    }
}

/// Σ x
#[cfg(elman_several)]
pub(super) fn sum(x: &[u32]) -> i32 {
    let sum;
    // SAFETY: the body reads as many halfwords as x has; registers but those named are kept.
    unsafe {
        asm!(
            "bl {body}",
            body = sym sum_body,
            inlateout("r0") x.as_ptr() => sum, inlateout("r1") x.len() * 2 => _, out("lr") _, out("d0") _, out("d1") _,
        );
    }
    sum
}

/// r0 x, r1 its halfwords; gives the sum in r0.
///
/// # Safety
/// Only [`sum`] may call it.
#[cfg(elman_several)]
#[unsafe(naked)]
unsafe extern "C" fn sum_body() {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, lr}}",
        "mov r4, r0",
        "movs r0, #0",
        "dlstp.16 lr, r1",
        "2:",
        "vldrh.u16 q0, [r4], #16",
        "vaddva.s16 r0, q0",
        "letp lr, 2b",
        "pop {{r4, pc}}",
    )
}

/// The row blocks of a stage that are left.
struct Fours {
    block: Block,
    body: unsafe extern "C" fn(),
    weights: *const u32,
    params: *const u32,
    left: usize,
}

impl Fours {
    /// All of rows that are not split.
    #[inline(always)]
    fn rows(packing: Packing, weights: &[u32], params: &[u32], x: &[u32]) -> Option<Self> {
        if x.is_empty() {
            return None;
        }
        let kernel = of_rows(packing.format, x);
        let RowBlocks { x, count, .. } = RowBlocks::rows(weights, params, x, kernel.words, PARAMS)?;
        let columns = x.len() * 2;
        Some(Fours::new(kernel, x, [columns, columns], weights, params, count))
    }

    /// All of split rows.
    #[inline(always)]
    fn split(packing: Packing, weights: &[u32], params: &[u32], xh: &[u32], x_words: usize) -> Option<Self> {
        let (x, h) = xh.split_at(x_words.min(xh.len()));
        if x.is_empty() || h.is_empty() {
            return None;
        }
        let kernel = of_split(packing.format, x, h);
        let RowBlocks { x, h, count } = RowBlocks::split(weights, params, xh, x_words, kernel.words, PARAMS)?;
        Some(Fours::new(kernel, x, [x.len() * 2, h.len() * 2], weights, params, count))
    }

    #[inline(always)]
    fn new(
        Kernel { body, begin, .. }: Kernel,
        x: &[u32],
        columns: [usize; 2],
        weights: &[u32],
        params: &[u32],
        left: usize,
    ) -> Self {
        // They are multiples of four.
        let beyond = columns.map(|columns| columns & 4);
        let block = Block { pre: [[0; 4]; 4], x: x.as_ptr(), columns, beyond, begin, filling: [0; 3] };
        Fours { block, body, weights: weights.as_ptr(), params: params.as_ptr(), left }
    }

    /// The next four row blocks, or what is left: how many, and where their pre-activations are.
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, *const [i32; 4])> {
        let n = self.left.min(4);
        if n == 0 {
            return None;
        }
        self.left = self.left.wrapping_sub(n);
        let block = &raw mut self.block;
        // SAFETY: `n` row blocks are left, with the kernel's words of weights and PARAMS of parameters each; x, and h after it, has as
        // many halfwords as `columns` says. The body writes to the last n of `pre`. Registers but those named are kept.
        unsafe {
            asm!(
                "blx {body}",
                body = in(reg) self.body,
                inlateout("r0") block => _, inlateout("r1") self.weights => self.weights,
                inlateout("r2") self.params => self.params, inlateout("r3") n => _, out("r12") _, out("lr") _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            );
        }
        let end = block.cast::<[i32; 4]>().wrapping_add(4);
        Some((n, end.wrapping_sub(n)))
    }

    /// Each row block's pre-activations, with an item of `units`.
    #[inline(always)]
    fn each<T>(mut self, mut units: impl Iterator<Item = T>, mut each: impl FnMut(T, [i32; 4])) {
        while let Some((_, mut pre)) = self.next() {
            let end = self.block.pre.as_ptr_range().end;
            while pre != end {
                let Some(unit) = units.next() else { return };
                // SAFETY: one of the `n` that `next` has written.
                each(unit, unsafe { *pre });
                pre = pre.wrapping_add(1);
            }
        }
    }

    /// The equations of a unit for each row block, as many as `carried` and `h` have.
    #[inline(always)]
    fn gates(mut self, mut gates: Gates, carried: &mut [u32], h: &mut [i16]) {
        self.left = self.left.min(carried.len()).min(h.len());
        let (mut carried, mut h) = (carried.as_mut_ptr(), h.as_mut_ptr());
        while let Some((n, pre)) = self.next() {
            gates.units = n;
            // SAFETY: both slices have n units more, of which alone the body reads and writes what it does. From `pre` on the block
            // has 64 bytes. Registers but those named are kept.
            unsafe {
                asm!(
                    "blx {body}",
                    body = in(reg) gates.body,
                    inlateout("r0") pre => _, inlateout("r1") carried => carried, inlateout("r2") h => h,
                    inlateout("r3") &raw const gates => _, out("r12") _, out("lr") _,
                    out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
                );
            }
        }
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
    each: impl FnMut(T, [i32; 4]),
) {
    if let Some(fours) = Fours::rows(packing, weights, params, x) {
        fours.each(units, each);
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
    each: impl FnMut(T, [i32; 4]),
) {
    if let Some(fours) = Fours::split(packing, weights, params, xh, x_words) {
        fours.each(units, each);
    }
}

/// [`rows`] with the equations of a unit for each row block.
#[inline(never)]
pub fn gated_rows(
    packing: Packing,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    gates: Gates,
    carried: &mut [u32],
    h: &mut [i16],
) {
    if let Some(fours) = Fours::rows(packing, weights, params, x) {
        fours.gates(gates, carried, h);
    }
}

/// [`split`] with the equations of a unit for each row block.
#[inline(never)]
pub fn gated_split(
    packing: Packing,
    weights: &[u32],
    params: &[u32],
    (xh, x_words): (&[u32], usize),
    gates: Gates,
    carried: &mut [u32],
    h: &mut [i16],
) {
    if let Some(fours) = Fours::split(packing, weights, params, xh, x_words) {
        fours.gates(gates, carried, h);
    }
}

/// Begins a body: the block's x at r11, the columns in the second place in r8, parameters in r12, where pre-activations go in r9.
macro_rules! begin {
    () => {
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}
        add r11, r0, #64
        sub r9, r11, r3, lsl #4
        mov r12, r2
        ldr r8, [r11, #8]"
    };
}

/// Sums in q0 times multipliers; "eq" where they are those of the last row block.
macro_rules! requantize {
    () => {
        "vldrw.u32 q1, [r12], #16
        vrmulh.s32 q0, q0, q1
        vstrw.32 q0, [r9], #16
        cmp r9, r11"
    };
}

/// Ends a body.
macro_rules! end {
    () => {
        "mov r2, r12
        pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}"
    };
}

/// Sums of lanes in r0, r2, r4 and r6 to sums of rows in q0, with biases.
#[cfg(elman_several)]
macro_rules! sums_of_rows {
    ($unit:literal) => {
        concat!(
            "vmov d0, r0, r2
            vmov d1, r4, r6
            vldrw.u32 q1, [r12], #16
            vshl.i32 q0, q0, #",
            $unit,
            "
            vadd.i32 q0, q0, q1"
        )
    };
}

/// Body of four rows in a lane of 16 bits that `load` and a step of weights at r7 give, `shift` bits each, with sums in the unit
/// 2^`unit`. A lane's weights are `1 << log2` bytes.
#[cfg(elman_several)]
macro_rules! four_rows {
    ($load:literal, $right:literal, $shift:literal, $unit:literal, $log2:literal) => {
        naked_asm!(
            ".cpu cortex-m55",
            begin!(),
            "mov r7, r1",
            "2:",
            "ldr r3, [r11]",
            "ldrd r0, r2, [r11, #20]",
            "ldrd r4, r6, [r11, #28]",
            "dlstp.16 lr, r8",
            "3:",
            "vldrh.u16 q0, [r3], #16",
            $load,
            "vmladava.s16 r0, q0, q1",
            $right,
            "vmladava.s16 r2, q0, q1",
            $right,
            "vmladava.s16 r4, q0, q1",
            $right,
            "vmladava.s16 r6, q0, q1",
            "letp lr, 3b",
            "ldr r3, [r11, #12]",
            concat!("sub r7, r7, r3, lsl #", $log2),
            concat!("sub r0, r0, r2, lsl #", $shift),
            concat!("sub r2, r2, r4, lsl #", $shift),
            concat!("sub r4, r4, r6, lsl #", $shift),
            sums_of_rows!($unit),
            requantize!(),
            "bne 2b",
            "mov r1, r7",
            end!(),
        )
    };
}

/// Body of three rows of split ones in a lane: as [`four_rows`].
#[cfg(elman_several)]
macro_rules! three_rows {
    ($load:literal, $right:literal, $shift:literal, $unit:literal, $log2:literal) => {
        naked_asm!(
            ".cpu cortex-m55",
            begin!(),
            "mov r7, r1",
            "ldr r5, [r11, #4]",
            "2:",
            "ldr r3, [r11]",
            "ldrd r0, r2, [r11, #20]",
            "ldrd r4, r6, [r11, #28]",
            "dlstp.16 lr, r5",
            "3:",
            "vldrh.u16 q0, [r3], #16",
            $load,
            "vmladava.s16 r0, q0, q1",
            $right,
            "vmladava.s16 r2, q0, q1",
            $right,
            "vmladava.s16 r4, q0, q1",
            "letp lr, 3b",
            "ldrd r1, r10, [r11, #12]",
            concat!("sub r7, r7, r1, lsl #", $log2),
            "sub r3, r3, r1, lsl #1",
            "dlstp.16 lr, r8",
            "4:",
            "vldrh.u16 q0, [r3], #16",
            $load,
            "vmladava.s16 r0, q0, q1",
            $right,
            "vmladava.s16 r2, q0, q1",
            $right,
            "vmladava.s16 r6, q0, q1",
            "letp lr, 4b",
            concat!("sub r7, r7, r10, lsl #", $log2),
            concat!("sub r0, r0, r2, lsl #", $shift),
            concat!("sub r2, r2, r4, lsl #", $shift),
            concat!("sub r2, r2, r6, lsl #", $shift),
            sums_of_rows!($unit),
            requantize!(),
            "bne 2b",
            "mov r1, r7",
            end!(),
        )
    };
}

pub(super) use {begin, end, requantize};
#[cfg(elman_several)]
pub(super) use {four_rows, sums_of_rows, three_rows};
