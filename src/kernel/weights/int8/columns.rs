//! Layout "columns" in assembly: Armv6-M, which has eight registers for almost everything, no offsets for signed loads and
//! no multiply-accumulate; and Armv7-M without the DSP extension.
//!
//! A product takes a load, a multiplication and an addition (two instructions where the core accumulates); x is loaded once
//! for the rows of a row block.

use super::packing::PLAIN_PARAMS;
use super::reference::correction;
use crate::kernel::Layout;
use crate::kernel::row_block::RowBlocks;
#[cfg(elman_several)]
use crate::kernel::weights::columns::Kernel;
use crate::kernel::word::mul_high;
use core::arch::naked_asm;

/// What a row block is made of. The body moves on what is first.
#[repr(C)]
pub(in super::super) struct At {
    weights: *const u8,
    /// Of the row block before; four words on are the biases of this one.
    multipliers: *const u32,
    x: *const u32,
    x_end: *const u32,
    /// What is taken off each row for the offset of the weights.
    corrections: [i32; 4],
    /// Of split rows.
    h_end: *const u32,
    /// Whether x, and h, are an odd number of blocks of four columns: a loop of two is then entered in its middle.
    odd: [u32; 2],
}

/// Of a build with several formats.
#[cfg(elman_several)]
impl At {
    /// Row blocks over x, and of split rows h, whose sums begin with `corrections`.
    #[inline(always)]
    pub(in super::super) fn new(weights: &[u32], params: &[u32], x: &[u32], h: &[u32], corrections: [i32; 4]) -> Self {
        At {
            weights: weights.as_ptr().cast(),
            multipliers: params.as_ptr().wrapping_sub(4),
            x: x.as_ptr(),
            x_end: x.as_ptr_range().end,
            corrections,
            h_end: h.as_ptr_range().end,
            odd: [x.len() as u32 / 2 & 1, h.len() as u32 / 2 & 1],
        }
    }
}

/// Words of parameters of a row block.
#[cfg(elman_several)]
pub(in super::super) const PARAMS: usize = PLAIN_PARAMS;

/// Four rows, of a build with several formats.
#[cfg(elman_several)]
pub(in super::super) fn of_rows(x: &[u32]) -> Kernel {
    Kernel { body: rows_body, words: x.len() * 2, begin: [correction(x); 4] }
}

/// Split rows, of a build with several formats.
#[cfg(elman_several)]
pub(in super::super) fn of_split(x: &[u32], h: &[u32]) -> Kernel {
    let (of_x, of_h) = (correction(x), correction(h));
    let both = of_x.wrapping_add(of_h);
    Kernel { body: split_body, words: (x.len() + h.len()) / 2 * 3, begin: [both, both, of_x, of_h] }
}

/// A row block, by a call of its body.
macro_rules! row_block {
    ($at:expr, $call:literal, $($body:tt)+) => {{
        let at: &mut At = $at;
        let (s0, s1, s2, s3);
        // SAFETY: `rows` and `split` say so. Registers but those named are kept.
        unsafe {
            core::arch::asm!(
                $call,
                $($body)+,
                inlateout("r0") at as *mut At => s0, lateout("r1") s1, lateout("r2") s2, lateout("r3") s3,
                out("r12") _, out("lr") _,
            );
        }
        // SAFETY: the parameters of a row block are there, as `RowBlocks` has checked, and the body has moved on to its multipliers.
        let m = unsafe { *at.multipliers.cast::<[i32; 4]>() };
        [mul_high(s0, m[0]), mul_high(s1, m[1]), mul_high(s2, m[2]), mul_high(s3, m[3])]
    }};
}

/// One row block by the body at `body`.
#[cfg(elman_several)]
#[inline(always)]
pub(in super::super) fn row_block(at: &mut At, body: unsafe extern "C" fn()) -> [i32; 4] {
    row_block!(at, "blx {body}", body = in(reg) body)
}

/// [`super::reference::rows`] in assembly.
#[inline(always)]
pub fn rows<T>(
    _: Layout,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let Some(blocks) = RowBlocks::rows(weights, params, x, x.len() * 2, PLAIN_PARAMS) else { return };
    let range = x.as_ptr_range();
    let mut at = At {
        weights: weights.as_ptr().cast(),
        multipliers: params.as_ptr().wrapping_sub(4),
        x: range.start,
        x_end: range.end,
        corrections: [correction(x); 4],
        h_end: range.end,
        odd: [x.len() as u32 / 2 & 1, 0],
    };
    // There is a unit for each row block at most, which reads `x.len() * 2` words of weights, four bytes a column, and
    // PLAIN_PARAMS of parameters; a turn takes four columns, and x is whole turns and not empty.
    for unit in blocks.units(units) {
        let pre = row_block!(&mut at, "bl {body}", body = sym rows_body);
        each(unit, pre);
    }
}

/// [`super::reference::split`] in assembly.
#[inline(always)]
pub fn split<T>(
    _: Layout,
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let blocks = RowBlocks::split(weights, params, xh, x_words, xh.len() / 2 * 3, PLAIN_PARAMS);
    let Some(blocks @ RowBlocks { x, h, .. }) = blocks else { return };
    let (of_x, of_h) = (correction(x), correction(h));
    let both = of_x.wrapping_add(of_h);
    let mut at = At {
        weights: weights.as_ptr().cast(),
        multipliers: params.as_ptr().wrapping_sub(4),
        x: x.as_ptr(),
        x_end: x.as_ptr_range().end,
        corrections: [both, both, of_x, of_h],
        h_end: h.as_ptr_range().end,
        odd: [x.len() as u32 / 2 & 1, h.len() as u32 / 2 & 1],
    };
    // As in `rows`, with three bytes a column; h follows x.
    for unit in blocks.units(units) {
        let pre = row_block!(&mut at, "bl {body}", body = sym split_body);
        each(unit, pre);
    }
}

/// The beginning of a row block: r0 to r3 the sums, r4 weights, r5 x; r8 x's end, r9 `at`.
#[cfg(elman_narrow)]
macro_rules! begin {
    () => {
        "push {{r4, r5, r6, r7, lr}}
        mov r4, r8
        mov r5, r9
        push {{r4, r5}}
        mov r9, r0
        ldr r6, [r0, #12]
        mov r8, r6
        ldr r7, [r0, #4]
        adds r7, #16
        adds r0, #16
        ldm r0!, {{r1, r2, r3, r4}}
        mov r12, r1
        ldm r7!, {{r0, r1, r5, r6}}
        adds r1, r1, r2
        adds r2, r5, r3
        adds r3, r6, r4
        add r0, r12
        mov r6, r9
        str r7, [r6, #4]
        ldr r4, [r6, #0]
        ldr r5, [r6, #8]"
    };
}
#[cfg(not(elman_narrow))]
macro_rules! begin {
    () => {
        "push {{r4, r5, r6, r7, r8, r9, lr}}
        mov r9, r0
        ldrd r4, r7, [r9]
        ldrd r5, r8, [r9, #8]
        adds r7, #16
        ldm r7!, {{r0, r1, r2, r3}}
        ldrd r6, r12, [r9, #16]
        add r0, r0, r6
        add r1, r1, r12
        ldrd r6, r12, [r9, #24]
        add r2, r2, r6
        add r3, r3, r12
        str r7, [r9, #4]"
    };
}

/// Goes to the middle of a loop of two blocks, `bytes` of weights each, where the number of blocks is odd, as the word at
/// `flag` of `at` says.
#[cfg(elman_narrow)]
macro_rules! enter {
    ($flag:literal, $bytes:literal, $middle:literal) => {
        concat!(
            "mov r6, r9\nldr r7, [r6, #",
            $flag,
            "]\ncmp r7, #0\nbeq 6f\nsubs r4, #",
            $bytes,
            "\nsubs r5, #8\nb ",
            $middle,
            "\n6:"
        )
    };
}
#[cfg(not(elman_narrow))]
macro_rules! enter {
    ($flag:literal, $bytes:literal, $middle:literal) => {
        concat!("ldr r7, [r9, #", $flag, "]\ncbz r7, 6f\nsubs r4, #", $bytes, "\nsubs r5, #8\nb ", $middle, "\n6:")
    };
}

/// The end of a row block: what was moved on is stored.
#[cfg(elman_narrow)]
macro_rules! end {
    () => {
        "mov r6, r9
        str r4, [r6, #0]
        pop {{r4, r5}}
        mov r8, r4
        mov r9, r5
        pop {{r4, r5, r6, r7, pc}}"
    };
}
#[cfg(not(elman_narrow))]
macro_rules! end {
    () => {
        "str r4, [r9]
        pop {{r4, r5, r6, r7, r8, r9, pc}}"
    };
}

/// A weight at an offset times x in r6, added to a sum.
#[cfg(elman_narrow)]
macro_rules! product {
    ($sum:literal, $at:literal) => {
        concat!("ldrb r7, [r4, #", $at, "]\nmuls r7, r6, r7\nadds ", $sum, ", ", $sum, ", r7\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! product {
    ($sum:literal, $at:literal) => {
        concat!("ldrb r7, [r4, #", $at, "]\nmla ", $sum, ", r7, r6, ", $sum, "\n")
    };
}

/// An element of x at an even and at an odd place, to r6.
#[cfg(elman_narrow)]
macro_rules! even {
    ($at:literal) => {
        concat!("ldr r6, [r5, #", $at, "]\nsxth r6, r6\n")
    };
}
#[cfg(elman_narrow)]
macro_rules! odd {
    ($at:literal) => {
        concat!("ldr r6, [r5, #", $at, "]\nasrs r6, r6, #16\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! even {
    ($at:literal) => {
        concat!("ldrsh r6, [r5, #", $at, "]\n")
    };
}
#[cfg(not(elman_narrow))]
macro_rules! odd {
    ($at:literal) => {
        concat!("ldrsh r6, [r5, #", $at, " + 2]\n")
    };
}

/// Four columns of four rows, from an offset in the weights and one in x on.
macro_rules! four_rows {
    ($x0:literal, $x1:literal, $($w:literal)*) => {
        four_rows!(@ $x0, $x1, [$($w)*])
    };
    (@ $x0:literal, $x1:literal, [$a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal
      $i:literal $j:literal $k:literal $l:literal $m:literal $n:literal $o:literal $p:literal]) => {
        concat!(
            even!($x0), product!("r0", $a), product!("r1", $b), product!("r2", $c), product!("r3", $d),
            odd!($x0), product!("r0", $e), product!("r1", $f), product!("r2", $g), product!("r3", $h),
            even!($x1), product!("r0", $i), product!("r1", $j), product!("r2", $k), product!("r3", $l),
            odd!($x1), product!("r0", $m), product!("r1", $n), product!("r2", $o), product!("r3", $p),
        )
    };
}

/// Four columns of three rows, the third of which is `last`.
macro_rules! three_rows {
    ($last:literal, $x0:literal, $x1:literal, [$a:literal $b:literal $c:literal $d:literal $e:literal $f:literal
      $g:literal $h:literal $i:literal $j:literal $k:literal $l:literal]) => {
        concat!(
            even!($x0),
            product!("r0", $a),
            product!("r1", $b),
            product!($last, $c),
            odd!($x0),
            product!("r0", $d),
            product!("r1", $e),
            product!($last, $f),
            even!($x1),
            product!("r0", $g),
            product!("r1", $h),
            product!($last, $i),
            odd!($x1),
            product!("r0", $j),
            product!("r1", $k),
            product!($last, $l),
        )
    };
}

/// # Safety
/// Only [`rows`] may call it, as reasoned there.
#[unsafe(naked)]
unsafe extern "C" fn rows_body() {
    naked_asm!(
        begin!(),
        enter!("36", "16", "3f"),
        "2:",
        four_rows!("0", "4", "0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15"),
        "3:",
        four_rows!("8", "12", "16" "17" "18" "19" "20" "21" "22" "23" "24" "25" "26" "27" "28" "29" "30" "31"),
        "adds r4, #32",
        "adds r5, #16",
        "cmp r5, r8",
        "bne 2b",
        end!(),
    )
}

/// # Safety
/// Only [`split`] may call it, as reasoned there.
#[unsafe(naked)]
unsafe extern "C" fn split_body() {
    naked_asm!(
        begin!(),
        // r3, the row over h, waits.
        enter!("36", "12", "3f"),
        "2:",
        three_rows!("r2", "0", "4", ["0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11"]),
        "3:",
        three_rows!("r2", "8", "12", ["12" "13" "14" "15" "16" "17" "18" "19" "20" "21" "22" "23"]),
        "adds r4, #24",
        "adds r5, #16",
        "cmp r5, r8",
        "bne 2b",
        "mov r6, r9",
        "ldr r7, [r6, #32]",
        "mov r8, r7",
        enter!("40", "12", "5f"),
        "4:",
        three_rows!("r3", "0", "4", ["0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11"]),
        "5:",
        three_rows!("r3", "8", "12", ["12" "13" "14" "15" "16" "17" "18" "19" "20" "21" "22" "23"]),
        "adds r4, #24",
        "adds r5, #16",
        "cmp r5, r8",
        "bne 4b",
        end!(),
    )
}
