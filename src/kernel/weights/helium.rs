//! Row blocks in assembly, on Armv8.1-M with Helium: four of them at a time, and the equations of the units that they serve.

use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of};

use super::{Packing, WeightFormat, int8};
use crate::kernel::gates::{self, Gates};
use crate::kernel::row_block::RowBlocks;

/// Words of parameters of a row block: biases, then multipliers.
const PARAMS: usize = 8;

/// The row blocks of a stage that are left, and the pre-activations of four of them.
#[repr(C)]
struct Walk<'a> {
    /// Those of fewer row blocks are at the end.
    pre: MaybeUninit<[[i32; 4]; 4]>,
    /// r11 of a body: x.
    x: *const u32,
    /// Halfwords of x and of h; of rows that are not split, of x twice.
    columns: [usize; 2],
    /// By how many columns loops over eight go beyond them.
    beyond: [usize; 2],
    weights: *const u32,
    params: *const u32,
    /// How many row blocks there are.
    count: usize,
    body: unsafe extern "C" fn(),
    /// What sums begin with, where there are several formats.
    begin: MaybeUninit<[i32; 4]>,
    gates: MaybeUninit<Gates<'a>>,
}

const _: () = assert!(offset_of!(Walk<'static>, gates) == offset_of!(Walk<'static>, x) + gates::AT);

/// What a format sets: its body, the words of weights of a row block, and what sums begin with, with Σ x.
///
/// A body gets a [`Walk`] at r11, its x, with a row block or more, takes up to four and moves on by them. It keeps r11 alone.
pub(super) struct Kernel {
    pub(super) body: unsafe extern "C" fn(),
    pub(super) words: usize,
    #[cfg(elman_several)]
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

/// A method of [`Walk`]: each row block's pre-activations, with an item of `units`. `$changed`: registers that its bodies change beyond d7.
///
/// # Safety
/// The kernel's words of weights and PARAMS of parameters are there for each row block, and as many halfwords of x, and of h after
/// it, as `columns` says.
macro_rules! each {
    ($name:ident $(, $changed:tt)*) => {
        #[inline(always)]
        unsafe fn $name<T>(&mut self, mut units: impl Iterator<Item = T>, mut each: impl FnMut(T, [i32; 4])) {
            while self.count > 0 {
                let walk = &raw mut *self;
                let mut pre: *const [i32; 4];
                // SAFETY: as above. The body writes from the address that it gives in r0 to the end of `pre`. Registers but those
                // named are kept.
                unsafe {
                    asm!(
                        "bl {four}",
                        four = sym four,
                        inlateout("r0") walk => pre, out("r1") _, out("r2") _, out("r3") _, out("r12") _, out("lr") _,
                        out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _,
                        out("d7") _, $(out($changed) _,)*
                    );
                }
                let end = walk.cast::<[i32; 4]>().wrapping_add(4).cast_const();
                while pre != end {
                    let Some(unit) = units.next() else { return };
                    // SAFETY: one of those that the body has written.
                    each(unit, unsafe { *pre });
                    pre = pre.wrapping_add(1);
                }
            }
        }
    };
}

impl<'a> Walk<'a> {
    #[inline(always)]
    fn new(kernel: &Kernel, weights: &[u32], params: &[u32], x: &[u32], h: &[u32], count: usize) -> Self {
        let (of_x, of_h) = (x.len() * 2, h.len() * 2);
        Walk {
            pre: MaybeUninit::uninit(),
            x: x.as_ptr(),
            columns: [of_x, of_h],
            // They are multiples of four.
            beyond: [of_x & 4, of_h & 4],
            weights: weights.as_ptr(),
            params: params.as_ptr(),
            count,
            body: kernel.body,
            #[cfg(elman_several)]
            begin: MaybeUninit::new(kernel.begin),
            #[cfg(not(elman_several))]
            begin: MaybeUninit::uninit(),
            gates: MaybeUninit::uninit(),
        }
    }

    each!(each_row);
    each!(each_split, "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15");

    /// The equations of each unit, as many as `h` has, and `carried` where they are of a cell.
    ///
    /// # Safety
    /// As [`each`] says.
    #[inline(always)]
    unsafe fn gates(&mut self, mut gates: Gates<'a>, carried: &mut [u32], h: &mut [i16]) {
        let places = gates.places & 31;
        let room = if gates.carries { h.len().min(carried.len()) } else { h.len() };
        let units = room.min(gates.most).min(self.count << places);
        self.count = units.wrapping_add((1 << places) - 1) >> places;
        gates.units = units;
        gates.carried.write(carried.as_mut_ptr());
        gates.h.write(h.as_mut_ptr());
        self.gates.write(gates);
        if self.count == 0 {
            return;
        }
        // SAFETY: as above; h, and carried of a cell, has an element for each unit of the row blocks, and no others are read or written.
        // From any row block's pre-activations on there are 64 bytes. Registers but those named are kept.
        unsafe {
            asm!(
                "bl {all}",
                all = sym all,
                inlateout("r0") &raw mut *self => _, out("r1") _, out("r2") _, out("r3") _, out("r12") _, out("lr") _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            );
        }
    }
}

/// r0 a [`Walk`]; gives where the pre-activations of up to four row blocks are.
///
/// # Safety
/// Only what [`each`] makes may call it.
#[unsafe(naked)]
unsafe extern "C" fn four() {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "add r11, r0, #64",
        "ldr r0, [r11, #32]",
        "blx r0",
        "ldr r0, [r11, #52]",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}

/// r0 a [`Walk`]: all its row blocks and units.
///
/// # Safety
/// Only [`Walk::gates`] may call it.
#[unsafe(naked)]
unsafe extern "C" fn all() {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "vpush {{d8, d9, d10, d11, d12, d13, d14, d15}}",
        "add r11, r0, #64",
        "2:",
        "ldr r0, [r11, #32]",
        "blx r0",
        "ldr r0, [r11, #88]",
        "blx r0",
        "ldr r0, [r11, #28]",
        "cmp r0, #0",
        "bne 2b",
        "vpop {{d8, d9, d10, d11, d12, d13, d14, d15}}",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}

/// Runs a method of [`Walk`] over rows, or over split rows, where there is something to do.
macro_rules! over {
    ($packing:ident, $weights:ident, $params:ident, $x:ident, $method:ident($($argument:expr),+)) => {
        if !$x.is_empty() {
            let kernel = of_rows($packing.format, $x);
            if let Some(RowBlocks { count, .. }) = RowBlocks::rows($weights, $params, $x, kernel.words, PARAMS) {
                over!(kernel, $weights, $params, $x, $x, count, $method($($argument),+));
            }
        }
    };
    ($packing:ident, $weights:ident, $params:ident, $xh:ident, $x_words:ident, $method:ident($($argument:expr),+)) => {
        let (x, h) = $xh.split_at($x_words.min($xh.len()));
        if !x.is_empty() && !h.is_empty() {
            let kernel = of_split($packing.format, x, h);
            let blocks = RowBlocks::split($weights, $params, $xh, $x_words, kernel.words, PARAMS);
            if let Some(RowBlocks { x, h, count }) = blocks {
                over!(kernel, $weights, $params, x, h, count, $method($($argument),+));
            }
        }
    };
    ($kernel:ident, $weights:ident, $params:ident, $x:ident, $h:ident, $count:ident, $method:ident($($argument:expr),+)) => {
        let mut walk = Walk::new(&$kernel, $weights, $params, $x, $h, $count);
        // SAFETY: as `RowBlocks` has checked.
        unsafe { walk.$method($($argument),+) }
    };
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
    over!(packing, weights, params, x, each_row(units, each));
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
    over!(packing, weights, params, xh, x_words, each_split(units, each));
}

/// [`rows`] with the equations of the units.
#[inline(never)]
pub fn gated_rows(
    packing: Packing,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    gates: Gates<'_>,
    carried: &mut [u32],
    h: &mut [i16],
) {
    over!(packing, weights, params, x, gates(gates, carried, h));
}

/// [`split`] with the equations of the units.
#[inline(never)]
pub fn gated_split(
    packing: Packing,
    weights: &[u32],
    params: &[u32],
    (xh, x_words): (&[u32], usize),
    gates: Gates<'_>,
    carried: &mut [u32],
    h: &mut [i16],
) {
    over!(packing, weights, params, xh, x_words, gates(gates, carried, h));
}

/// Begins a body: weights at r1, parameters at r12, the columns in the second place in r8, where pre-activations go in r9; of split rows, the
/// columns in the first place in another register.
macro_rules! begin {
    () => {
        begin!(loads "ldr r8, [r11, #8]")
    };
    ($first:literal) => {
        begin!(loads concat!("ldrd ", $first, ", r8, [r11, #4]"))
    };
    (loads $columns:expr) => {
        concat!(
            "push {{lr}}
            ldrd r1, r12, [r11, #20]
            ldr r3, [r11, #28]
            ",
            $columns,
            "
            subs r0, r3, #4
            ite hs
            movhs r3, #4
            movlo r0, #0
            str r0, [r11, #28]
            sub r9, r11, r3, lsl #4
            str r9, [r11, #52]"
        )
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

/// Ends a body, with weights at r1 or another register.
macro_rules! end {
    () => {
        end!("r1")
    };
    ($weights:literal) => {
        concat!(
            "strd ",
            $weights,
            ", r12, [r11, #20]
            pop {{pc}}"
        )
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
            "ldr r1, [r11, #12]",
            "2:",
            "ldr r3, [r11]",
            "ldrd r0, r2, [r11, #36]",
            "ldrd r4, r6, [r11, #44]",
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
            concat!("sub r7, r7, r1, lsl #", $log2),
            concat!("sub r0, r0, r2, lsl #", $shift),
            concat!("sub r2, r2, r4, lsl #", $shift),
            concat!("sub r4, r4, r6, lsl #", $shift),
            sums_of_rows!($unit),
            requantize!(),
            "bne 2b",
            end!("r7"),
        )
    };
}

/// Body of three rows of split ones in a lane: as [`four_rows`].
#[cfg(elman_several)]
macro_rules! three_rows {
    ($load:literal, $right:literal, $shift:literal, $unit:literal, $log2:literal) => {
        naked_asm!(
            ".cpu cortex-m55",
            begin!("r5"),
            "mov r7, r1",
            "ldrd r1, r10, [r11, #12]",
            "2:",
            "ldr r3, [r11]",
            "ldrd r0, r2, [r11, #36]",
            "ldrd r4, r6, [r11, #44]",
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
            end!("r7"),
        )
    };
}

pub(super) use {begin, end, requantize};
#[cfg(elman_several)]
pub(super) use {four_rows, sums_of_rows, three_rows};
