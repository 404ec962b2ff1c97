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
    [mul_high(re, b[0]).wrapping_add(mul_high(im, b[1])), mul_high_sub(mul_high(im, b[0]), re, b[1])]
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

/// Quarters of a turn's sine that [`real_fft_postprocess`] reads: sin(2πk/1024) for k = 0..=256, in Q0.31.
pub type Sines = [i32; 257];

/// Where bin `k` of a transform of 2^`log2` points is found: bit-reversed order.
#[inline(always)]
pub fn place(k: usize, log2: u32) -> usize {
    ((k as u32).reverse_bits() >> (32u32.wrapping_sub(log2) & 31)) as usize
}

/// Makes of the spectrum Z of pairs of samples the spectrum of the samples, for 0 < k < N/4 and N/2 - k, N = 2·`data.len()`,
/// from 128 to 1024: E = Z\[k\] + Z̄\[-k\] and O = -j(Z\[k\] - Z̄\[-k\]) are twice the spectra of even and odd samples; the bins
/// are E + O·t̄ and the conjugate of E - O·t̄, t = exp(j2πk/N). The reference that the assembly must equal.
#[inline(always)]
pub fn real_fft_postprocess_reference(data: &mut [Complex], sines: &Sines) {
    let half = data.len();
    let bits = half.trailing_zeros();
    let step = 512usize >> (bits & 31);
    for k in 1..half / 2 {
        let (p, q) = (place(k, bits), place(half.wrapping_sub(k), bits));
        let at = k.wrapping_mul(step).min(256);
        let turn = [sines.get(256usize.wrapping_sub(at)), sines.get(at)].map(|t| t.copied().unwrap_or_default());
        let (Some(x), Some(y)) = (data.get(p).map(get), data.get(q).map(get)) else { return };
        let mirrored = [y[0], y[1].wrapping_neg()];
        let even = add(x, mirrored);
        let odd = rotate(times_j(sub(mirrored, x)), turn);
        let (low, high) = (add(even, odd), sub(even, odd));
        if let Some(y) = data.get_mut(q) {
            set(y, [high[0], high[1].wrapping_neg()]);
        }
        if let Some(x) = data.get_mut(p) {
            set(x, low);
        }
    }
}

/// [`real_fft_postprocess_reference`] in assembly.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn real_fft_postprocess(data: &mut [Complex], sines: &'static Sines) {
    let half = data.len();
    let bits = half.trailing_zeros();
    if !half.is_power_of_two() || !(2..=9).contains(&bits) {
        return;
    }
    let step = 4 * (512 >> bits);
    let table = sines.as_ptr() as usize;
    // SAFETY: k and half - k have `bits` bits, so that both places are inside `data`; k·step is at most 1024 bytes, so that
    // sine and cosine are inside the table. Registers but r0 to r3, r12 and lr are kept.
    unsafe {
        core::arch::asm!(
            "bl {body}",
            body = sym real_fft_postprocess_body,
            inlateout("r0") data.as_mut_ptr() => _, inlateout("r1") half => _, inlateout("r2") 29 - bits => _,
            inlateout("r3") step => _, inlateout("r12") table => _, out("lr") _,
        );
    }
}

/// r0 data, r1 half, r2 the shift that makes a place of reversed bits, in bytes, r3 bytes from turn to turn, r12 the table.
///
/// # Safety
/// Only [`real_fft_postprocess`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn real_fft_postprocess_body() {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
        // r1 k, r2 half - k, r3 where its sine is, r12 what is left when that is taken off: where its cosine is
        "subs r2, r1, #1",
        "mov r1, #1",
        "add r3, r12, r3",
        "lsl r12, r12, #1",
        "add r12, r12, #1024",
        "b 3f",
        "2:",
        "ldr r11, [sp]",
        "rbit r9, r1",
        "rbit r10, r2",
        "lsr r9, r9, r11",
        "lsr r10, r10, r11",
        "add r9, r0, r9",
        "add r10, r0, r10",
        "sub r11, r12, r3",
        "ldr lr, [r3]",
        "ldr r11, [r11]",
        "ldrd r4, r5, [r9]",
        "ldrd r6, r7, [r10]",
        "add r4, r4, r6",
        "rsb r6, r4, r6, lsl #1",
        "add r5, r5, r7",
        "sub r7, r5, r7, lsl #1",
        // r4 r7: E; r5 r6: O
        "lsl r5, r5, #1",
        "lsl r6, r6, #1",
        "smmulr r8, r5, r11",
        "smmlar r8, r6, lr, r8",
        "smmulr r6, r6, r11",
        "smmlsr r6, r5, lr, r6",
        "add r5, r4, r8",
        "sub r4, r4, r8",
        "add r8, r7, r6",
        "sub r7, r6, r7",
        "ldr r11, [sp, #4]",
        "strd r5, r8, [r9]",
        "strd r4, r7, [r10]",
        "add r1, r1, #1",
        "sub r2, r2, #1",
        "add r3, r3, r11",
        "3:",
        "cmp r1, r2",
        "blo 2b",
        "pop {{r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}}",
    )
}

#[cfg(not(elman_dsp))]
pub use real_fft_postprocess_reference as real_fft_postprocess;

/// |X|² of bins `from..to` in bit-reversed order, each without its last ten bits: their sum, and the sum of the sums. The
/// answer that the assembly must equal.
#[inline(always)]
pub fn power_reference(spectrum: &[Complex], from: usize, to: usize) -> [u64; 2] {
    let bits = spectrum.len().trailing_zeros();
    let (mut all, mut partial) = (0u64, 0u64);
    for k in from..to {
        let Some([re, im]) = spectrum.get(place(k, bits)).map(get) else { break };
        let square = |x: i32| (x as i64).wrapping_mul(x as i64);
        all = all.wrapping_add((square(re).wrapping_add(square(im)) as u64) >> 10);
        partial = partial.wrapping_add(all);
    }
    [all, partial]
}

/// [`power_reference`] in assembly, with places as above.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn power(spectrum: &[Complex], from: usize, to: usize) -> [u64; 2] {
    let bits = spectrum.len().trailing_zeros();
    if !spectrum.len().is_power_of_two() || from >= to || to > spectrum.len() || bits == 0 || bits > 29 {
        return [0; 2];
    }
    let (mut a, mut b, mut c, mut d) = (0u32, 0u32, 0u32, 0u32);
    // SAFETY: a bin has `bits` bits, so that its place is inside the spectrum.
    unsafe {
        core::arch::asm!(
            "2:",
            "rbit {x}, {k}",
            "lsr {x}, {x}, {shift}",
            "add {x}, {x}, {data}",
            "ldrd {x}, {y}, [{x}]",
            "smull {l}, {h}, {x}, {x}",
            "smlal {l}, {h}, {y}, {y}",
            "add {k}, {k}, #1",
            "lsr {l}, {l}, #10",
            "orr {l}, {l}, {h}, lsl #22",
            "adds {a}, {a}, {l}",
            "adc {b}, {b}, {h}, lsr #10",
            "adds {c}, {c}, {a}",
            "adc {d}, {d}, {b}",
            "cmp {k}, {end}",
            "bne 2b",
            k = inout(reg) from => _, end = in(reg) to, data = in(reg) spectrum.as_ptr(), shift = in(reg) 29 - bits,
            x = out(reg) _, y = out(reg) _, l = out(reg) _, h = out(reg) _,
            a = inout(reg) a, b = inout(reg) b, c = inout(reg) c, d = inout(reg) d,
            options(pure, readonly, nostack),
        );
    }
    let long = |low: u32, high: u32| (high as u64) << 32 | low as u64;
    [long(a, b), long(c, d)]
}

#[cfg(not(elman_dsp))]
pub use power_reference as power;

/// The butterflies of position `k` (below a quarter of `length`) of each block of `length`, a multiple of four, turned back
/// by `turns`, Q0.31; without `turns` they are 1. The reference that the assembly must equal.
#[inline(always)]
pub fn radix4_reference(data: &mut [Complex], length: usize, k: usize, turns: Option<&[[i32; 2]; 3]>) {
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

/// [`radix4_reference`] in assembly.
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
pub use radix4_reference as radix4;

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
            "ldrd r6, r7, [lr, #",
            $at,
            "]\n",
            "lsl ",
            $re,
            ", ",
            $re,
            ", #1\n",
            "lsl ",
            $im,
            ", ",
            $im,
            ", #1\n",
            "smmulr r2, ",
            $re,
            ", r6\n",
            "smmlar r2, ",
            $im,
            ", r7, r2\n",
            "smmulr ",
            $im,
            ", ",
            $im,
            ", r6\n",
            "smmlsr ",
            $re,
            ", ",
            $re,
            ", r7, ",
            $im,
            "\n",
            "strd r2, ",
            $re,
            ", [r12]",
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
        cpu!(),
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
        cpu!(),
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
