//! Butterflies of the audio front end's FFT: two radix-2 stages at once, at one position of every block.
//!
//! With a, b, c, d a quarter of a block apart: a + c + b + d goes to a, (a + c - b - d)·t̄_0 to b, (a - c - j(b - d))·t̄_1 to
//! c and (a - c + j(b - d))·t̄_2 to d.

use super::word::{mul_high, mul_high_sub};

/// A complex number: real and imaginary part, i32 each.
pub type Complex = [u32; 2];

/// a·b̄ for Q0.31 b. The doubled factor keeps what a product of high halves would lose.
#[inline(always)]
pub fn rotate(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    let (re, im) = (a[0] << 1, a[1] << 1);
    [
        mul_high(re, b[0]).wrapping_add(mul_high(im, b[1])),
        mul_high_sub(mul_high(im, b[0]), re, b[1]),
    ]
}

/// Both parts.
#[inline(always)]
pub fn get(a: &Complex) -> [i32; 2] {
    [a[0] as i32, a[1] as i32]
}

/// Replaces both parts.
#[inline(always)]
pub fn set(a: &mut Complex, v: [i32; 2]) {
    *a = [v[0] as u32, v[1] as u32];
}

/// a + b
#[inline(always)]
pub fn add(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])]
}

/// a - b
#[inline(always)]
pub fn sub(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    [a[0].wrapping_sub(b[0]), a[1].wrapping_sub(b[1])]
}

/// a·j
#[inline(always)]
pub fn times_j(a: [i32; 2]) -> [i32; 2] {
    [a[1].wrapping_neg(), a[0]]
}

/// The butterflies of position `k` (below a quarter of `length`) of each block of `length`, a multiple of four, turned back
/// by `turns`, Q0.31; without `turns` they are 1. The answer that the assembly must equal.
#[inline(always)]
pub fn twin(data: &mut [Complex], length: usize, k: usize, turns: Option<&[[i32; 2]; 3]>) {
    let quarter = length / 4;
    for block in data.chunks_exact_mut(length.max(1)) {
        let mut parts = block.chunks_exact_mut(quarter.max(1)).filter_map(|part| part.get_mut(k));
        let (Some(a), Some(b), Some(c), Some(d)) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return;
        };
        let (sum_ac, dif_ac) = (add(get(a), get(c)), sub(get(a), get(c)));
        let (sum_bd, dif_bd) = (add(get(b), get(d)), times_j(sub(get(b), get(d))));
        set(a, add(sum_ac, sum_bd));
        let others = [sub(sum_ac, sum_bd), sub(dif_ac, dif_bd), add(dif_ac, dif_bd)];
        for ((to, value), n) in [b, c, d].into_iter().zip(others).zip(0..3) {
            set(to, turns.and_then(|t| t.get(n)).map_or(value, |t| rotate(value, *t)));
        }
    }
}

/// [`twin`] in assembly.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn radix4(data: &mut [Complex], length: usize, k: usize, turns: Option<&[[i32; 2]; 3]>) {
    let quarter = length / 4;
    if quarter == 0 || k >= quarter || !data.len().is_multiple_of(length) || !length.is_multiple_of(4) {
        return;
    }
    let body = if turns.is_some() { turned as *const () } else { straight as *const () };
    let none = [[0; 2]; 3];
    // SAFETY: both bodies touch elements k, k + quarter, k + 2 quarter and k + 3 quarter of each block, all inside it; the
    // first is below the end while there is a block. They read six words of turns, and keep r6 to r11.
    unsafe {
        core::arch::asm!(
            "blx {body}",
            body = in(reg) body,
            inlateout("r0") data.as_mut_ptr().wrapping_add(k) => _, in("r1") quarter * 8, out("r2") _,
            in("r3") data.as_ptr_range().end, inlateout("r12") turns.unwrap_or(&none).as_ptr() => _, out("lr") _,
        );
    }
}

#[cfg(not(elman_dsp))]
pub use twin as radix4;

/// What both bodies begin with: a' is stored, r4 r5 have the second value, r8 r9 the third, r11 r10 the fourth.
#[cfg(elman_dsp)]
macro_rules! sums {
    () => {
        "ldrd r4, r5, [r0]
        add r12, r0, r1
        ldrd r6, r7, [r12]
        add r12, r12, r1
        ldrd r8, r9, [r12]
        add r12, r12, r1
        ldrd r10, r11, [r12]
        add r4, r4, r8
        add r5, r5, r9
        sub r8, r4, r8, lsl #1
        sub r9, r5, r9, lsl #1
        add r6, r6, r10
        add r7, r7, r11
        sub r10, r6, r10, lsl #1
        sub r11, r7, r11, lsl #1
        add r4, r4, r6
        add r5, r5, r7
        strd r4, r5, [r0]
        sub r4, r4, r6, lsl #1
        sub r5, r5, r7, lsl #1
        add r8, r8, r11
        sub r11, r8, r11, lsl #1
        sub r9, r9, r10
        add r10, r9, r10, lsl #1"
    };
}

/// Turns a value back by two words at lr + `at` and stores it at r12.
#[cfg(elman_dsp)]
macro_rules! turn {
    ($re:literal, $im:literal, $at:literal) => {
        concat!(
            "ldrd r6, r7, [lr, #", $at, "]\n",
            "lsl ", $re, ", ", $re, ", #1\n",
            "lsl ", $im, ", ", $im, ", #1\n",
            "smmulr r2, ", $re, ", r6\n",
            "smmlar r2, ", $im, ", r7, r2\n",
            "smmulr ", $im, ", ", $im, ", r6\n",
            "smmlsr ", $re, ", ", $re, ", r7, ", $im, "\n",
            "strd r2, ", $re, ", [r12]",
        )
    };
}

/// Butterflies from r0 on, r1 bytes apart, until r3; the turns are at r12.
///
/// # Safety
/// Only [`radix4`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn turned() {
    core::arch::naked_asm!(
        super::dsp::cpu!(),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "mov lr, r12",
        "2:",
        sums!(),
        turn!("r11", "r10", "16"),
        "sub r12, r12, r1",
        turn!("r8", "r9", "8"),
        "sub r12, r12, r1",
        turn!("r4", "r5", "0"),
        "add r0, r0, r1, lsl #2",
        "cmp r0, r3",
        "blo 2b",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}

/// [`turned`] without turns.
///
/// # Safety
/// Only [`radix4`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn straight() {
    core::arch::naked_asm!(
        super::dsp::cpu!(),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "2:",
        sums!(),
        "strd r11, r10, [r12]",
        "sub r12, r12, r1",
        "strd r8, r9, [r12]",
        "sub r12, r12, r1",
        "strd r4, r5, [r12]",
        "add r0, r0, r1, lsl #2",
        "cmp r0, r3",
        "blo 2b",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
