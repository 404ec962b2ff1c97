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

/// Half of the windowed samples, `value(s)` of each s, in pairs, in bit-reversed order; zeros after the last. The reference
/// that the assembly must equal.
#[inline(always)]
pub fn window_reference(samples: &[i16], data: &mut [Complex], sines: &Sines, mut value: impl FnMut(i16) -> i32) {
    let bits = data.len().trailing_zeros();
    let n = samples.len() as u32;
    let unit = (1u32 << 31).checked_div(n).unwrap_or(0);
    data.fill([0; 2]);
    for (k, s) in (0u32..).zip(samples) {
        // Symmetric: sample n and window - 1 - n share a weight.
        let along = k.min(n.wrapping_sub(1).wrapping_sub(k)).wrapping_mul(2).wrapping_add(1);
        let weight = weight(sines, (1u32 << 30).wrapping_sub(along.wrapping_mul(unit)) as i32);
        let place = ((k >> 1).reverse_bits() >> (32u32.wrapping_sub(bits) & 31)) as usize;
        if let Some(part) = data.get_mut(place).and_then(|pair| pair.get_mut(k as usize & 1)) {
            *part = mul_high(value(*s), weight) as u32;
        }
    }
}

/// [`window_reference`] of s·`scale` + `offset` in assembly; whether it can: only windows in fours, on cores with the DSP
/// extension.
#[cfg(not(elman_dsp))]
#[inline(always)]
pub fn window(_: &[i16], _: &mut [Complex], _: &'static Sines, _: i32, _: i32) -> bool {
    false
}

/// [`window_reference`] of s·`scale` + `offset` in assembly; whether it can: only windows in fours, on cores with the DSP
/// extension.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn window(samples: &[i16], data: &mut [Complex], sines: &'static Sines, scale: i32, offset: i32) -> bool {
    let (n, bits) = (samples.len(), data.len().trailing_zeros());
    let whole = data.len().is_power_of_two() && bits <= super::MOST_BITS && n <= 2 * data.len();
    if !whole || n == 0 || !n.is_multiple_of(4) {
        return false;
    }
    if n < 2 * data.len() {
        data.fill([0; 2]);
    }
    let unit = (1u32 << 31) / n as u32;
    // Pairs are counted in the top bits, so that the reversed ones are the place.
    let one = (1u32 << 31) >> (bits - 1);
    // A window whose weights are all in the table needs no line between entries.
    let exact = unit & ((1 << 22) - 1) == 0;
    let body = if exact { exactly as *const () } else { between as *const () };
    let last = one.wrapping_mul((n / 2 - 1) as u32);
    let start = (1u32 << 30).wrapping_sub(unit);
    let table = sines.as_ptr().wrapping_add(if exact { (start >> 22) as usize } else { 0 });
    // r12 points to: the last pair's count, the end of the first half of the samples, from weight to weight (in bytes of the
    // table, or in phase), scale, offset, one pair's count, and the end of the first quarter or q.
    let end = |n: usize| samples.as_ptr().wrapping_add(n).addr() as u32;
    let (step, more) = if exact { ((unit >> 19).wrapping_neg(), end(n / 4)) } else { (unit << 1, start) };
    let params = [last, end(n / 2), step, scale as u32, offset as u32, one, more];
    // SAFETY: both bodies read the first n/2 samples upwards and the others downwards, four a round, and write the pairs 0 to
    // n/2 - 1 at places of `bits` bits, so inside `data`. `exactly` reads every entry of the table that is a weight: from
    // 256 - 512/n down to 512/n, and up again; `between` entries k and k + 1 of |q| >> 22, at most 255. Registers but r0 to
    // r3, r12 and lr are kept.
    unsafe {
        core::arch::asm!(
            "blx {body}",
            body = in(reg) body,
            inlateout("r0") samples.as_ptr() => _, inlateout("r1") data.as_mut_ptr() => _,
            inlateout("r2") table => _, inlateout("r3") samples.as_ptr_range().end => _,
            inlateout("r12") params.as_ptr() => _, out("lr") _,
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

/// Saves registers, takes what r12 points to to the stack, and gives the registers of [`four`] their values.
#[cfg(elman_dsp)]
macro_rules! prologue {
    () => {
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}
        sub sp, #28
        mov r6, r3
        ldm r12, {{r3, r4, r5, r7, r8, r9, r10}}
        stm sp, {{r3, r4, r5, r7, r8, r9, r10}}
        mov r3, r7
        mov r4, r8
        mov lr, r9
        mov r7, #0
        mov r5, #0x40000000"
    };
}

/// The rest of [`prologue`]'s work.
#[cfg(elman_dsp)]
macro_rules! epilogue {
    () => {
        "add sp, #28
        pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}"
    };
}

/// Weights of the table: r2 points to the first one, at sp + 8 are the bytes to the next and at sp + 24 the end of the first
/// quarter.
///
/// # Safety
/// Only [`window`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn exactly() {
    core::arch::naked_asm!(
        cpu!(),
        prologue!(),
        // Down the table while the sine is positive, for a quarter of the window, then up again with the other sign.
        "add r5, r5, #1",
        "b 3f",
        "2:",
        "ldr r12, [sp, #8]",
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
        "bhs 4f",
        "ldr r12, [sp, #24]",
        "cmp r0, r12",
        "bne 3b",
        "b 2b",
        "4:",
        epilogue!(),
    )
}

/// The weight at r12, to `to`: r2 the table.
#[cfg(elman_dsp)]
macro_rules! weight {
    ($to:literal) => {
        concat!(
            "eor r10, r12, r12, asr #31\n",
            "sub r10, r10, r12, asr #31\n",
            "lsr r11, r10, #22\n",
            "add r11, r2, r11, lsl #2\n",
            "ldrd ",
            $to,
            ", r11, [r11]\n",
            "sub r11, r11, ",
            $to,
            "\n",
            "asr r11, r11, #8\n",
            "ubfx r10, r10, #8, #14\n",
            "mul r11, r11, r10\n",
            "add ",
            $to,
            ", ",
            $to,
            ", r11, asr #6\n",
            "eor ",
            $to,
            ", ",
            $to,
            ", r12, asr #31\n",
            "sub ",
            $to,
            ", r5, ",
            $to,
            ", asr #1",
        )
    };
}

/// Weights between entries of the table at r2: at sp + 8 the phase from one to the next, at sp + 24 that of the first.
///
/// # Safety
/// Only [`window`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn between() {
    core::arch::naked_asm!(
        cpu!(),
        prologue!(),
        "2:",
        "ldr r12, [sp, #24]",
        weight!("r8"),
        "ldr r10, [sp, #8]",
        "sub r12, r12, r10",
        weight!("r9"),
        "ldr r10, [sp, #8]",
        "sub r12, r12, r10",
        "str r12, [sp, #24]",
        four!(),
        "blo 2b",
        epilogue!(),
    )
}
