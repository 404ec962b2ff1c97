//! From the samples of a frame to windowed pairs in the order that the FFT reads.

use super::{Complex, Sines};
use crate::kernel::word::{halves, mul_high};

/// Σ s and Σ s² of the first `n` samples, two a word. The reference that the assembly must equal.
#[inline(always)]
pub fn moments_reference(words: &[u32], n: usize) -> (i32, u64) {
    more_moments((0, 0), halves(words).get(..n).unwrap_or(&[]))
}

/// And these.
#[inline(always)]
fn more_moments(before: (i32, u64), samples: &[i16]) -> (i32, u64) {
    samples.iter().fold(before, |(sum, squares), s| {
        let s = *s as i32;
        (sum.wrapping_add(s), squares.wrapping_add(s.wrapping_mul(s) as u64))
    })
}

#[cfg(not(elman_dsp))]
pub use moments_reference as moments;

/// [`moments_reference`] in assembly.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn moments(words: &[u32], n: usize) -> (i32, u64) {
    let (fours, _) = words.get(..n / 8 * 4).unwrap_or(&[]).as_chunks::<4>();
    let (mut sum, mut low, mut high) = (0i32, 0u32, 0u32);
    if !fours.is_empty() {
        let range = fours.as_ptr_range();
        // SAFETY: it reads four words at a time from the first to the end, at least once.
        unsafe {
            core::arch::asm!(
                "2:",
                ".rept 2",
                "ldrd {x}, {y}, [{at}], #8",
                "smlad {sum}, {x}, {ones}, {sum}",
                "smlald {low}, {high}, {x}, {x}",
                "smlad {sum}, {y}, {ones}, {sum}",
                "smlald {low}, {high}, {y}, {y}",
                ".endr",
                "cmp {at}, {end}",
                "blo 2b",
                at = inout(reg) range.start => _, end = in(reg) range.end, ones = in(reg) 0x0001_0001,
                x = out(reg) _, y = out(reg) _, sum = inout(reg) sum, low = inout(reg) low, high = inout(reg) high,
                options(pure, readonly, nostack),
            );
        }
    }
    more_moments((sum, (high as u64) << 32 | low as u64), halves(words).get(n & !7..n).unwrap_or(&[]))
}

/// sin(2πq/2^32) for |q| up to a quarter turn, in Q0.31. Between the table's entries sine is taken for a line; what is
/// negative is the complement.
#[inline(always)]
pub fn sine(sines: &Sines, q: i32) -> i32 {
    let along = q.unsigned_abs();
    // A quarter turn itself is the end of the last step.
    let along = along.min((1 << 30) - 1);
    let k = (along >> 22) as usize & 255;
    let (a, next) = (sines[k], sines[k + 1]);
    // Within a step sine changes by less than 2^24: the product stays in 32 bits.
    let slope = next.wrapping_sub(a) >> 8;
    a.wrapping_add(slope.wrapping_mul((along >> 8 & 0x3fff) as i32) >> 6) ^ q >> 31
}

/// The Hann window's weight where its phase is `q` short of a quarter turn: (1 - sin(2πq/2^32))/2 in Q0.31.
#[inline(always)]
fn weight(sines: &Sines, q: i32) -> i32 {
    (1i32 << 30).saturating_sub(sine(sines, q) >> 1)
}

/// Half of the windowed samples, `value(s)` of each s from the first to the last, in pairs, in bit-reversed order; what comes
/// after the last is left as it is. The reference that the others must equal.
#[inline(always)]
pub fn window_reference(samples: &[i16], data: &mut [Complex], sines: &Sines, mut value: impl FnMut(i16) -> i32) {
    let down = 32u32.wrapping_sub(data.len().trailing_zeros()) & 31;
    let n = samples.len() as u32;
    let unit = (1u32 << 31).checked_div(n).unwrap_or(0);
    for (k, s) in (0u32..).zip(samples) {
        // Symmetric: sample n and window - 1 - n share a weight.
        let along = k.min(n.wrapping_sub(1).wrapping_sub(k)).wrapping_mul(2).wrapping_add(1);
        let weight = weight(sines, (1u32 << 30).wrapping_sub(along.wrapping_mul(unit)) as i32);
        let place = ((k >> 1).reverse_bits() >> down) as usize;
        if let Some(part) = data.get_mut(place).and_then(|pair| pair.get_mut(k as usize & 1)) {
            *part = mul_high(value(*s), weight) as u32;
        }
    }
}

/// [`window_reference`] of s·`scale` + `offset`, from both ends at once; it always can.
#[cfg(not(elman_dsp))]
#[inline(always)]
pub fn window(samples: &[i16], data: &mut [Complex], sines: &'static Sines, scale: i32, offset: i32) -> bool {
    let down = 32u32.wrapping_sub(data.len().trailing_zeros()) & 31;
    let n = samples.len();
    let unit = (1u32 << 31).checked_div(n as u32).unwrap_or(0) as i32;
    let mut put = |k: usize, s: i16, weight: i32| {
        let place = ((k as u32 >> 1).reverse_bits() >> down) as usize;
        if let Some(pair) = data.get_mut(place) {
            pair[k & 1] = mul_high((s as i32).wrapping_mul(scale).wrapping_add(offset), weight) as u32;
        }
    };
    let mut q = (1i32 << 30).wrapping_sub(unit);
    let mut last = n;
    for (k, (s, mirrored)) in samples.iter().zip(samples.iter().rev()).enumerate().take(n.div_ceil(2)) {
        let weight = weight(sines, q);
        q = q.wrapping_sub(unit << 1);
        last = last.wrapping_sub(1);
        put(k, *s, weight);
        put(last, *mirrored, weight);
    }
    true
}

/// [`window_reference`] of s·`scale` + `offset` in assembly; whether it can: only windows whose weights all stand in the table,
/// of 16 to 512 samples, a power of two, and only on cores with the DSP extension.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn window(samples: &[i16], data: &mut [Complex], sines: &'static Sines, scale: i32, offset: i32) -> bool {
    let (n, bits) = (samples.len(), data.len().trailing_zeros());
    let fits = data.len().is_power_of_two() && bits <= super::MOST_BITS && n <= 2 * data.len();
    if !fits || !n.is_power_of_two() || !(16..=512).contains(&n) {
        return false;
    }
    let params = [scale as u32, offset as u32, bits];
    // SAFETY: `body` reads the first n/2 samples upwards and the others downwards, four a round, and writes the pairs 0 to
    // n/2 - 1 at places of `bits` bits, so inside `data`. It reads every entry of the table that is a weight: from 256 - 512/n
    // down to 512/n, and up again. Registers but r0 to r3, r12 and lr are kept.
    unsafe {
        core::arch::asm!(
            "bl {body}",
            body = sym body,
            inlateout("r0") samples.as_ptr() => _, inlateout("r1") data.as_mut_ptr() => _,
            inlateout("r2") sines.as_ptr_range().end => _, inlateout("r3") n => _, inlateout("r12") params.as_ptr() => _, out("lr") _,
        );
    }
    true
}

/// A round of four samples with weights r8 and r9: r0 the first sample, r6 after the last, r1 data, r3 scale, r4 offset, r7 the
/// pair's count, lr one pair's count; at sp the last pair's count and the end of the first half, with which it compares r0.
#[cfg(elman_dsp)]
macro_rules! four {
    () => {
        "ldrsh r10, [r0], #2
        ldrsh r11, [r0], #2
        rbit r12, r7
        add r12, r1, r12, lsl #3
        mla r10, r10, r3, r4
        mla r11, r11, r3, r4
        smmulr r10, r10, r8
        smmulr r11, r11, r9
        strd r10, r11, [r12]
        ldrd r12, r10, [sp]
        sub r12, r12, r7
        rbit r12, r12
        add r12, r1, r12, lsl #3
        cmp r0, r10
        ldrsh r11, [r6, #-2]!
        ldrsh r10, [r6, #-2]!
        mla r10, r10, r3, r4
        mla r11, r11, r3, r4
        smmulr r10, r10, r9
        smmulr r11, r11, r8
        strd r10, r11, [r12]
        add r7, r7, lr"
    };
}

/// r0 samples, r1 data, r2 the end of the table, r3 the number of samples; r12 points to scale, offset and the bits of a place.
///
/// # Safety
/// Only [`window`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn body() {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "sub sp, #20",
        // r6 after the last sample, r8 bytes from weight to weight, upwards, r2 the first weight: half a step below 1.
        "add r6, r0, r3, lsl #1",
        "mov r8, #4096",
        "udiv r8, r8, r3",
        "subs r2, r2, #4",
        "sub r2, r2, r8, lsr #1",
        // Pairs are counted in the top bits, so that the reversed ones are the place: lr one pair, r9 the last.
        "ldm r12, {{r4, r5, r12}}",
        "mov lr, #1",
        "rsb r12, r12, #32",
        "lsl lr, lr, r12",
        "lsr r9, r3, #1",
        "mul r9, r9, lr",
        "sub r9, r9, lr",
        // sp: [0] the last pair, [4] the end of this quarter, [8] the step, [12] the end of the first half
        "add r11, r0, r3",
        "rsb r8, r8, #0",
        "add r10, r0, r3, lsr #1",
        "strd r9, r10, [sp]",
        "strd r8, r11, [sp, #8]",
        "mov r3, r4",
        "mov r4, r5",
        "movs r7, #0",
        "mov r5, #0x40000000",
        // Down the table while the sine is positive, for a quarter of the window, then up again with the other sign.
        "add r5, r5, #1",
        "b 3f",
        "2:",
        "str r11, [sp, #4]",
        "sub r2, r2, r12",
        "rsb r12, r12, #0",
        "str r12, [sp, #8]",
        "3:",
        "ldr r12, [sp, #8]",
        "ldr r8, [r2]",
        "ldr r9, [r2, r12]",
        "add r2, r2, r12, lsl #1",
        "eor r8, r8, r12, asr #31",
        "eor r9, r9, r12, asr #31",
        // The step is negative while the sine is not: the complement of half of it and 1 are taken off.
        "add r8, r5, r8, asr #1",
        "add r9, r5, r9, asr #1",
        four!(),
        "blo 3b",
        "ldrd r12, r11, [sp, #8]",
        "cmp r0, r11",
        "blo 2b",
        "add sp, #20",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
