//! Row blocks in assembly, on cores with the DSP extension, of a build that has several formats: one loop for all of them, so that
//! neither it nor a cell's equations are there once for each. A build with int8 alone has the loop in `int8/dsp.rs`.
//!
//! A body of assembly takes [`At`] in r0, moves its first two on to the next row block, gives the pre-activations in r0 to r3 and
//! keeps r4 to r11.

use core::arch::asm;

use super::{Packing, WeightFormat, int8};
use crate::kernel::row_block::RowBlocks;

/// Of a row block: where it is, and what its format's body needs besides.
#[repr(C)]
pub(super) struct At {
    pub(super) weights: *const u32,
    pub(super) params: *const u32,
    pub(super) x: *const u32,
    /// What `add pc` takes to skip to the first turn of the loop over x.
    pub(super) x_skip: usize,
    /// Where the loop over x ends, or what else a format counts it by.
    pub(super) x_end: usize,
    pub(super) h_end: usize,
    pub(super) h_skip: usize,
    /// The format's own.
    pub(super) own: [i32; 6],
    /// Loaded for each row block: a register that keeps it is one less for a cell's equations.
    body: Body,
}

/// A body of assembly.
type Body = unsafe extern "C" fn();

/// What a format sets in [`At`], and the words of a row block.
pub(super) struct Kernel {
    pub(super) body: Body,
    pub(super) words: usize,
    pub(super) params: usize,
}

impl At {
    /// Nothing yet.
    #[inline(always)]
    fn new(weights: &[u32], params: &[u32], x: &[u32], xh_end: *const u32) -> Self {
        At {
            weights: weights.as_ptr(),
            params: params.as_ptr(),
            x: x.as_ptr(),
            x_skip: 0,
            x_end: x.as_ptr_range().end as usize,
            h_end: xh_end as usize,
            h_skip: 0,
            own: [0; 6],
            body: none,
        }
    }

    /// Sets what the format's kernel of four rows needs.
    #[inline(never)]
    fn set_rows(&mut self, format: WeightFormat, x: &[u32]) -> Kernel {
        let kernel = match format {
            WeightFormat::Int8 => int8::dsp::set_rows(self, x),
            #[cfg(feature = "int4")]
            WeightFormat::Int4 => super::int4::dsp::set_rows(self, x),
            #[cfg(feature = "int2")]
            WeightFormat::Int2 => super::int2::dsp::set_rows(self, x),
        };
        self.body = kernel.body;
        kernel
    }

    /// Sets what the format's kernel of split rows needs.
    #[inline(never)]
    fn set_split(&mut self, format: WeightFormat, x: &[u32], h: &[u32]) -> Kernel {
        let kernel = match format {
            WeightFormat::Int8 => int8::dsp::set_split(self, x, h),
            #[cfg(feature = "int4")]
            WeightFormat::Int4 => super::int4::dsp::set_split(self, x, h),
            #[cfg(feature = "int2")]
            WeightFormat::Int2 => super::int2::dsp::set_split(self, x, h),
        };
        self.body = kernel.body;
        kernel
    }

    /// One row block by the body.
    #[inline(always)]
    fn row_block(&mut self) -> [i32; 4] {
        let (p0, p1, p2, p3);
        // SAFETY: `rows` and `split` say so. Registers but those named are kept.
        unsafe {
            asm!(
                "ldr r12, [r0, #52]",
                "blx r12",
                inlateout("r0") self as *mut At => p0, lateout("r1") p1, lateout("r2") p2, lateout("r3") p3,
                out("r12") _, out("lr") _,
            );
        }
        [p0, p1, p2, p3]
    }
}

/// No kernel.
extern "C" fn none() {}

/// Σ x
#[cfg(any(feature = "int4", feature = "int2"))]
#[inline(never)]
pub(super) fn sum(x: &[u32]) -> i32 {
    let (mut sum, pairs) = (0, x.as_chunks::<2>().0.as_ptr_range());
    if !pairs.is_empty() {
        // SAFETY: half a turn reads two words, as an element of `pairs` has, which end at their end. Words are aligned.
        unsafe {
            asm!(
                // An odd number of pairs is entered in the middle.
                "lsls r3, {pairs}, #31",
                "beq 2f",
                "subs r0, #8",
                "b 3f",
                "2:",
                "ldrd r3, r12, [r0]",
                "smlad {sum}, r3, {ones}, {sum}",
                "smlad {sum}, r12, {ones}, {sum}",
                "3:",
                "ldrd r3, r12, [r0, #8]",
                "adds r0, #16",
                "smlad {sum}, r3, {ones}, {sum}",
                "smlad {sum}, r12, {ones}, {sum}",
                "cmp r0, {end}",
                "bne 2b",
                pairs = in(reg) x.len() / 2, end = in(reg) pairs.end, ones = in(reg) 0x0001_0001,
                sum = inout(reg) sum, inout("r0") pairs.start => _, out("r3") _, out("r12") _,
                options(readonly, nostack),
            );
        }
    }
    sum
}

/// [`rows`](super::rows) in assembly.
#[inline(always)]
pub(super) fn rows<T>(
    packing: Packing,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let mut at = At::new(weights, params, x, x.as_ptr_range().end);
    let kernel = at.set_rows(packing.format, x);
    let Some(blocks) = RowBlocks::rows(weights, params, x, kernel.words, kernel.params) else { return };
    // There is a unit for each row block at most, which reads the kernel's words of weights and parameters and moves on by them.
    for unit in blocks.units(units) {
        let pre = at.row_block();
        each(unit, pre);
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
    mut each: impl FnMut(T, [i32; 4]),
) {
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    let mut at = At::new(weights, params, x, xh.as_ptr_range().end);
    let kernel = at.set_split(packing.format, x, h);
    let Some(blocks) = RowBlocks::split(weights, params, xh, x_words, kernel.words, kernel.params) else { return };
    // As in `rows`; h follows x.
    for unit in blocks.units(units) {
        let pre = at.row_block();
        each(unit, pre);
    }
}
