//! The equations of many units at once, on Armv8.1-M with Helium: bit for bit those of `arith`, whose table they read.
//!
//! A body gets [`Gates`] at r11 + [`AT`], which it moves on by its units; lanes beyond their number are predicated off. It keeps r11 alone.

use core::arch::naked_asm;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use super::activation::Table;

/// The equations of a cell in its layer's formats, and the units that are left.
#[derive(Debug)]
#[repr(C)]
pub struct Gates<'a> {
    /// Pre-activations, row block after row block.
    pub(super) pre: MaybeUninit<*const [i32; 4]>,
    /// Carried states.
    pub(super) carried: MaybeUninit<*mut u32>,
    pub(super) h: MaybeUninit<*mut i16>,
    pub(super) units: usize,
    /// The a and the w of the cell of 0.
    table: [*const i32; 2],
    /// By how much to shift left.
    shifts: [i32; 3],
    pub(super) body: unsafe extern "C" fn(),
    /// Of an LSTM that sees its cell state, three for each unit.
    peepholes: MaybeUninit<*const u32>,
    /// Units at most.
    pub(super) most: usize,
    /// Units of a row block are 2 to its power: 2 of cells with one gate, else 0.
    pub(super) places: u32,
    /// Whether units have a carried state.
    pub(super) carries: bool,
    of: PhantomData<&'a [u32]>,
}

/// Where [`Gates`] are from r11 on.
pub(super) const AT: usize = 52;

impl<'a> Gates<'a> {
    #[inline(always)]
    fn new(table: &'static Table, shifts: [i32; 3], places: u32, body: unsafe extern "C" fn()) -> Self {
        let [a, w] = &table[128];
        Gates {
            pre: MaybeUninit::uninit(),
            carried: MaybeUninit::uninit(),
            h: MaybeUninit::uninit(),
            units: 0,
            table: [a, w],
            shifts,
            body,
            places,
            carries: true,
            peepholes: MaybeUninit::uninit(),
            most: usize::MAX,
            of: PhantomData,
        }
    }

    /// Of an LSTM: c has `carried_frac` fraction bits, h `out_frac`.
    #[inline(always)]
    pub fn lstm(table: &'static Table, carried_frac: u8, out_frac: u8) -> Self {
        let (c, h) = (i32::from(carried_frac), i32::from(out_frac));
        Gates::new(table, [c.wrapping_sub(30), 16i32.wrapping_sub(c), h.wrapping_sub(30)], 0, lstm)
    }

    /// Of an LSTM whose gates see the cell state: i, f and o of a unit by three of `peepholes`, V·2^(48 - `carried_frac`).
    #[inline(always)]
    pub fn peephole(table: &'static Table, carried_frac: u8, out_frac: u8, peepholes: &'a [u32]) -> Self {
        let most = peepholes.as_chunks::<3>().0.len();
        let (peepholes, lstm) = (MaybeUninit::new(peepholes.as_ptr()), Gates::lstm(table, carried_frac, out_frac));
        Gates { peepholes, most, body: peephole, ..lstm }
    }

    /// Of a GRU with the reset gate after the product, whose 32-bit h has `carried_frac` fraction bits.
    #[inline(always)]
    pub fn gru(table: &'static Table, carried_frac: u8) -> Self {
        Gates::new(table, [i32::from(carried_frac).wrapping_sub(31), 0, 0], 0, gru)
    }

    /// A row a unit, without a carried state: y = z, in the unit 2^-`shift`.
    #[inline(always)]
    pub fn linear(table: &'static Table, shift: u32) -> Self {
        Gates::rows(table, shift, linear)
    }

    /// y = max(z, 0), likewise.
    #[inline(always)]
    pub fn relu(table: &'static Table, shift: u32) -> Self {
        Gates::rows(table, shift, relu)
    }

    /// y = tanh(z), which is Q0.31, likewise.
    #[inline(always)]
    pub fn tanh(table: &'static Table, shift: u32) -> Self {
        Gates::rows(table, shift, tanh)
    }

    /// y = σ(z), likewise.
    #[inline(always)]
    pub fn sigmoid(table: &'static Table, shift: u32) -> Self {
        Gates::rows(table, shift, sigmoid)
    }

    #[inline(always)]
    fn rows(table: &'static Table, shift: u32, body: unsafe extern "C" fn()) -> Self {
        Gates { carries: false, ..Gates::new(table, [(shift as i32).wrapping_neg(), 0, 0], 2, body) }
    }

    /// Of a residual network, whose 32-bit h has `carried_frac` fraction bits.
    #[inline(always)]
    pub fn residual(table: &'static Table, carried_frac: u8, out_frac: u8) -> Self {
        let (c, h) = (i32::from(carried_frac), i32::from(out_frac));
        Gates::new(table, [c.wrapping_sub(31), h.wrapping_sub(c), 0], 2, residual)
    }
}

/// Begins a body of four gates: MIN in r0, the pre-activations of a gate in each of q0 to q3, carried states at r1, h at r2, the table at
/// r4 and r5, shifts in r6 to r8, and lanes without a unit off.
macro_rules! begin {
    () => {
        "push {{lr}}
        add r0, r11, #52
        ldm r0, {{r0, r1, r2, r3, r4, r5, r6, r7, r8}}
        vld40.32 {{q0, q1, q2, q3}}, [r0]
        vld41.32 {{q0, q1, q2, q3}}, [r0]
        vld42.32 {{q0, q1, q2, q3}}, [r0]
        vld43.32 {{q0, q1, q2, q3}}, [r0]
        mov r0, #0x80000000
        dlstp.32 lr, r3"
    };
}

/// Ends it: all lanes are on again.
macro_rules! end {
    () => {
        "lctp
        sub r3, r3, #4
        strd r1, r2, [r11, #56]
        str r3, [r11, #64]
        pop {{pc}}"
    };
}

/// What the cells `cell`, counted from the table's middle, give at `t`, whose highest bit is the other one: in `t`.
macro_rules! interpolated {
    ($t:literal, $cell:literal, $w:literal, $a:literal) => {
        concat!(
            "vshl.i32 ",
            $cell,
            ", ",
            $cell,
            ", #1\n",
            "vadd.i32 ",
            $t,
            ", ",
            $t,
            ", r0\n",
            "vldrw.u32 ",
            $w,
            ", [r5, ",
            $cell,
            ", uxtw #2]\n",
            "vldrw.u32 ",
            $a,
            ", [r4, ",
            $cell,
            ", uxtw #2]\n",
            "vshl.i32 ",
            $cell,
            ", ",
            $w,
            ", #16\n",
            "vmulh.s32 ",
            $cell,
            ", ",
            $cell,
            ", ",
            $t,
            "\n",
            "vadd.i32 ",
            $w,
            ", ",
            $w,
            ", ",
            $cell,
            "\n",
            "vmulh.s32 ",
            $w,
            ", ",
            $w,
            ", ",
            $t,
            "\n",
            "vshr.s32 ",
            $w,
            ", ",
            $w,
            ", #3\n",
            "vadd.i32 ",
            $t,
            ", ",
            $a,
            ", ",
            $w,
        )
    };
}

/// σ of `z`, in `z`, with MAX in `max`.
macro_rules! sigmoid {
    ($z:literal, $max:literal) => {
        concat!(
            "vqshl.s32 q4, ",
            $z,
            ", #11\n",
            "vshr.s32 q4, q4, #24\n",
            "vshl.i32 ",
            $z,
            ", ",
            $z,
            ", #19\n",
            interpolated!($z, "q4", "q5", "q6"),
            "\n",
            // y / 2 + 1/2
            "vrhadd.s32 ",
            $z,
            ", ",
            $z,
            ", ",
            $max,
        )
    };
}

/// tanh of `z`, in `y`; where `shift` is an instruction on |z|, of what it gives.
macro_rules! tanh {
    ($z:literal, $y:literal, $shift:expr) => {
        concat!(
            "vabs.s32 ",
            $y,
            ", ",
            $z,
            "\n",
            $shift,
            "vqshl.s32 q4, ",
            $y,
            ", #12\n",
            "vshr.u32 q4, q4, #24\n",
            "vshl.i32 ",
            $y,
            ", ",
            $y,
            ", #20\n",
            interpolated!($y, "q4", "q5", "q6"),
            "\n",
            "vpt.s32 lt, ",
            $z,
            ", zr\n",
            "vnegt.s32 ",
            $y,
            ", ",
            $y,
        )
    };
}

/// Pre-activations i, f, g and o; what gates see of the old cell state, and what o sees of the new one in q0.
macro_rules! lstm {
    ($see:expr, $see_new:expr) => {
        naked_asm!(
            ".cpu cortex-m55",
            begin!(),
            tanh!("q2", "q7", ""),
            $see,
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
            $see_new,
            sigmoid!("q3", "q2"),
            tanh!("q0", "q1", "vshl.u32 q1, r7\n"),
            "vrmulh.s32 q3, q3, q1",
            "vrshl.s32 q3, r8",
            "vqmovnb.s32 q3, q3",
            "vstrh.32 q3, [r2], #8",
            end!(),
        )
    };
}

/// # Safety
/// As the module says, with readable 64 bytes at the pre-activations.
#[unsafe(naked)]
unsafe extern "C" fn lstm() {
    lstm!("", "")
}

/// Adds to pre-activations in `z` a gate's peepholes, of four units from r9 on, times the cell state in `c`.
macro_rules! seen {
    ($z:literal, $c:literal) => {
        concat!(
            "mov r10, #0
            vidup.u32 q4, r10, #4
            vshl.i32 q5, q4, #1
            vadd.i32 q5, q5, q4
            vldrw.u32 q4, [r9, q5]
            add r9, r9, #4
            vrmulh.s32 q4, q4, ",
            $c,
            "\nvadd.i32 ",
            $z,
            ", ",
            $z,
            ", q4\n",
        )
    };
}

/// # Safety
/// As [`lstm`], with as many peepholes for each unit as it has gates that see the cell state.
#[unsafe(naked)]
unsafe extern "C" fn peephole() {
    lstm!(
        concat!("ldr r9, [r11, #92]\nvldrw.u32 q2, [r1]\n", seen!("q0", "q2"), seen!("q1", "q2")),
        concat!(seen!("q3", "q0"), "add r9, r9, #36\nstr r9, [r11, #92]")
    )
}

/// Pre-activations r, z, n and m.
///
/// # Safety
/// As the module says, with readable 64 bytes at the pre-activations.
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

/// Body of a row a unit: `equation` of pre-activations in q0, with MIN in r0, MAX in q7, 0 in q3 and what `setup` sets.
macro_rules! of_rows {
    ($setup:literal, $equation:expr) => {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{lr}}",
            "add r0, r11, #52",
            "ldm r0, {{r0, r1, r2, r3, r4, r5, r6, r7}}",
            "mov r12, r0",
            "mov r0, #0x80000000",
            "vmov.i32 q3, #0",
            "vmvn.i32 q7, #0x80000000",
            $setup,
            "mov r10, r3",
            "cmp r10, #16",
            "it hs",
            "movhs r10, #16",
            "sub r3, r3, r10",
            "dlstp.32 lr, r10",
            "2:",
            "vldrw.u32 q0, [r12], #16",
            $equation,
            "vqmovnb.s32 q0, q0",
            "vstrh.32 q0, [r2], #8",
            "letp lr, 2b",
            "strd r1, r2, [r11, #56]",
            "str r3, [r11, #64]",
            "pop {{pc}}",
        )
    };
}

/// # Safety
/// As the module says.
#[unsafe(naked)]
unsafe extern "C" fn linear() {
    of_rows!("", "vrshl.s32 q0, r6")
}

/// # Safety
/// As the module says.
#[unsafe(naked)]
unsafe extern "C" fn relu() {
    of_rows!("", "vmax.s32 q0, q0, q3\nvrshl.s32 q0, r6")
}

/// # Safety
/// As the module says.
#[unsafe(naked)]
unsafe extern "C" fn tanh() {
    of_rows!("", concat!(tanh!("q0", "q1", ""), "\nvmov q0, q1\nvrshl.s32 q0, r6"))
}

/// # Safety
/// As the module says.
#[unsafe(naked)]
unsafe extern "C" fn sigmoid() {
    of_rows!("", concat!(sigmoid!("q0", "q7"), "\nvrshl.s32 q0, r6"))
}

/// Each shift rounds by half of its last place in r8 or r9, saturating before it can overflow.
///
/// # Safety
/// As the module says.
#[unsafe(naked)]
unsafe extern "C" fn residual() {
    of_rows!(
        "mov r10, #1
        mvn r8, r6
        mvn r9, r7
        lsl r8, r10, r8
        lsl r9, r10, r9",
        concat!(
            tanh!("q0", "q1", ""),
            "
            vqadd.s32 q1, q1, r8
            vshl.s32 q1, r6
            vldrw.u32 q0, [r1]
            vqadd.s32 q0, q0, q1
            vstrw.32 q0, [r1], #16
            vqadd.s32 q0, q0, r9
            vshl.s32 q0, r7"
        )
    )
}
