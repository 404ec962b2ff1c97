//! The lookup of sigmoid and tanh in a table of 256 quadratic cells on [-8, 8), which `arith` makes.
//!
//! A cell [a, w] gives a + ((w + t·c/2^16)·t / 2^32) / 8 at t, the position in it in Q0.32 around its centre,
//! where c is the low half of w. The outermost cells are flat, so that only a cell's number has to saturate. The compiler
//! spends half as many instructions again on it as the core needs.

/// log2 of a cell's width in Q15.16: 1/16.
pub const CELL_BITS: u32 = 12;
/// Cells [a, w], from -8 on.
pub type Table = [[i32; 2]; 256];

/// The low half of a position is 0, so that it takes part as its high half.
#[cfg(not(elman_dsp))]
#[inline(always)]
fn interpolate(table: &Table, cell: usize, t: i32) -> i32 {
    // SAFETY: `cell_of` and `upper_cell` give 0..=255 here.
    #[cfg(elman_saturates)]
    let [a, w] = unsafe { *table.get_unchecked(cell) };
    #[cfg(not(elman_saturates))]
    let [a, w] = table[cell & 255];
    let t = t >> 16;
    let p = w.wrapping_add(t.wrapping_mul(w as i16 as i32));
    // (p·t·2^16) >> 32, in 32 bits.
    #[cfg(elman_narrow)]
    let product = (p >> 16).wrapping_mul(t).wrapping_add((p & 0xffff).wrapping_mul(t) >> 16);
    #[cfg(not(elman_narrow))]
    let product = ((p as i64 * (t << 16) as i64) >> 32) as i32;
    a.wrapping_add(product >> 3)
}

/// The lower of two numbers from -2^30 to 2^30, without a branch: a step takes the same time for every input.
#[cfg(not(any(elman_dsp, elman_saturates)))]
#[inline(always)]
fn lower(a: i32, b: i32) -> i32 {
    let over = a.wrapping_sub(b);
    b.wrapping_add(over & over >> 31)
}

/// The cell of a magnitude, of the table's upper half.
#[cfg(not(any(elman_dsp, elman_saturates)))]
#[inline(always)]
fn upper_cell(u: i32) -> usize {
    lower(u >> CELL_BITS, 127) as usize + 128
}

/// The cell of a number.
#[cfg(not(any(elman_dsp, elman_saturates)))]
#[inline(always)]
fn cell_of(z: i32) -> usize {
    let cell = lower((z >> (CELL_BITS + 1)).wrapping_add(128), 255);
    // And not below 0.
    (cell & !(cell >> 31)) as usize
}

/// The cell of a magnitude, of the table's upper half.
#[cfg(elman_saturates)]
#[inline(always)]
fn upper_cell(u: i32) -> usize {
    let cell: usize;
    // SAFETY: registers alone.
    unsafe {
        core::arch::asm!(
            "usat {cell}, #7, {u}, asr #{bits}",
            u = in(reg) u, cell = lateout(reg) cell, bits = const CELL_BITS,
            options(pure, nomem, nostack),
        );
    }
    cell.wrapping_add(128)
}

/// The cell of a number.
#[cfg(elman_saturates)]
#[inline(always)]
fn cell_of(z: i32) -> usize {
    let cell: isize;
    // SAFETY: registers alone.
    unsafe {
        core::arch::asm!(
            "ssat {cell}, #8, {z}, asr #{bits}",
            z = in(reg) z, cell = lateout(reg) cell, bits = const CELL_BITS + 1,
            options(pure, nomem, nostack),
        );
    }
    cell.wrapping_add(128) as usize
}

/// tanh for -2^31 < z < 2^31 in Q15.16; the result in Q0.31.
#[cfg(not(elman_dsp))]
#[inline(always)]
pub fn tanh(table: &'static Table, z: i32) -> i32 {
    tanh_shifted(table, z, 0)
}

/// tanh of c of 16 + `places` fraction bits, any c; the result in Q0.31. |c| is rounded down to Q15.16, so that the function is odd
/// and a mean over both signs has no bias.
#[cfg(not(elman_dsp))]
#[inline(always)]
pub fn tanh_shifted(table: &'static Table, c: i32, places: u32) -> i32 {
    let sign = c >> 31;
    let u = ((c ^ sign).wrapping_sub(sign) as u32 >> (places & 31)) as i32;
    let y = interpolate(table, upper_cell(u), (u << (32 - CELL_BITS)) ^ i32::MIN);
    (y ^ sign).wrapping_sub(sign)
}

/// σ(z) = 1/2 + tanh(z/2)/2 for any z in Q15.16; the result in Q0.31. The table's domain is z/2.
#[cfg(not(elman_dsp))]
#[inline(always)]
pub fn sigmoid(table: &'static Table, z: i32) -> i32 {
    let y = interpolate(table, cell_of(z), (z << (31 - CELL_BITS)) ^ i32::MIN);
    (1 << 30) + (y >> 1)
}

/// The instructions of tanh, with one or none between the magnitude of `z` and its position in the table.
#[cfg(elman_dsp)]
macro_rules! tanh_of {
    ($table:ident, $z:ident $(, $shift:literal, $places:ident)?) => {{
        let y;
        // SAFETY: registers, and two words read from cell `u >> 12`, saturated to 0..128, behind the table's middle: one of
        // the table's last 128 cells. A shift of |z|, up to 2^31 without sign, by 1 or more leaves what USAT reads as from 0 on.
        unsafe {
            core::arch::asm!(
                "eor {u}, {z}, {z}, asr #31",
                "sub {u}, {u}, {z}, asr #31",
                $($shift,)?
                "eor {t}, {min}, {u}, lsl #{left}",
                "usat {u}, #7, {u}, asr #{cell}",
                "add {u}, {middle}, {u}, lsl #3",
                "ldrd {y}, {u}, [{u}]",
                "smlawb {u}, {t}, {u}, {u}",
                "smmul {u}, {u}, {t}",
                "add {y}, {y}, {u}, asr #3",
                "eor {y}, {y}, {z}, asr #31",
                "sub {y}, {y}, {z}, asr #31",
                z = in(reg) $z, min = in(reg) i32::MIN, middle = in(reg) middle($table), $(places = in(reg) $places,)?
                u = out(reg) _, t = out(reg) _, y = out(reg) y,
                left = const 32 - CELL_BITS, cell = const CELL_BITS,
                options(pure, readonly, nostack),
            );
        }
        y
    }};
}

/// tanh for -2^31 < z < 2^31 in Q15.16; the result in Q0.31.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn tanh(table: &'static Table, z: i32) -> i32 {
    tanh_of!(table, z)
}

/// tanh of c of 16 + `places` fraction bits, any c; the result in Q0.31. |c| is rounded down to Q15.16, so that the function is odd
/// and a mean over both signs has no bias.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn tanh_shifted(table: &'static Table, c: i32, places: u32) -> i32 {
    tanh_of!(table, c, "lsr {u}, {u}, {places}", places)
}

/// σ(z) = 1/2 + tanh(z/2)/2 for any z in Q15.16; the result in Q0.31. The table's domain is z/2.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn sigmoid(table: &'static Table, z: i32) -> i32 {
    let y;
    // SAFETY: registers, and two words read from cell `z >> 13`, saturated to -128..128, around the table's middle: one
    // of the table's 256 cells.
    unsafe {
        core::arch::asm!(
            "eor {t}, {min}, {z}, lsl #{left}",
            "ssat {z}, #8, {z}, asr #{cell}",
            "add {z}, {middle}, {z}, lsl #3",
            "ldrd {y}, {z}, [{z}]",
            "smlawb {z}, {t}, {z}, {z}",
            "smmul {z}, {z}, {t}",
            "add {y}, {y}, {z}, asr #3",
            "add {y}, {half}, {y}, asr #1",
            z = inout(reg) z => _, min = in(reg) i32::MIN, middle = in(reg) middle(table), half = in(reg) 1 << 30,
            t = out(reg) _, y = out(reg) y,
            left = const 31 - CELL_BITS, cell = const CELL_BITS + 1,
            options(pure, readonly, nostack),
        );
    }
    y
}

/// The cell of z = 0.
#[cfg(elman_dsp)]
#[inline(always)]
fn middle(table: &'static Table) -> *const [i32; 2] {
    table[128..].as_ptr()
}
