//! From the FFT of pairs of samples to that of the samples.

use super::stages::{Turns, fft_reference};
use super::{Complex, Sines, add, get, half, rotate, set, sub, times_j};

/// Makes of the spectrum Z of pairs of samples the spectrum of the samples, for 0 < k < N/2, N = 2·`data.len()`: E = Z\[k\] +
/// Z̄\[-k\] and O = -j(Z\[k\] - Z̄\[-k\]) are twice the spectra of even and odd samples; the bins are (E + O·t̄)/2 and the
/// conjugate of (E - O·t̄)/2, t = exp(j2πk/N). Bin 0 is left as it is.
#[inline(always)]
fn postprocess(data: &mut [Complex], sines: &Sines) {
    let n = data.len();
    let step = 512usize.checked_div(n).unwrap_or(0).max(1);
    let Some((low, high)) = data.split_at_mut_checked(n / 2) else { return };
    let Some((middle, high)) = high.split_first_mut() else { return };
    let mut at = 0usize;
    for (x, y) in low.iter_mut().skip(1).zip(high.iter_mut().rev()) {
        at = at.wrapping_add(step).min(256);
        let mirrored = [y[0] as i32, (y[1] as i32).wrapping_neg()];
        let even = half(add(get(x), mirrored));
        let odd = rotate(times_j(sub(mirrored, get(x))), [sines[256 - at], sines[at]]);
        let [re, im] = sub(even, odd);
        set(x, add(even, odd));
        set(y, [re, im.wrapping_neg()]);
    }
    // W^(N/4) = -j makes the middle the conjugate.
    middle[1] = (middle[1] as i32).wrapping_neg() as u32;
}

/// The spectrum of `data`, pairs of samples in bit-reversed order, of which there is a power of two from 16 to 512: bins 1 to
/// N/2 - 1 in natural order, divided by 2 for every stage but the first. The reference that the assembly must equal.
#[inline(always)]
pub fn real_fft_reference(data: &mut [Complex], turns: &Turns, sines: &Sines) {
    fft_reference(data, turns, sines);
    postprocess(data, sines);
}

#[cfg(not(elman_dsp))]
pub use real_fft_reference as real_fft;

/// [`real_fft_reference`] in assembly.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn real_fft(data: &mut [Complex], turns: &'static Turns, sines: &'static Sines) {
    let n = data.len();
    let bits = n.trailing_zeros();
    if !n.is_power_of_two() || !(4..=super::MOST_BITS).contains(&bits) {
        return;
    }
    // SAFETY: `stages` as it says. `body` walks from number 1 up and from the last down until they meet, n/2 - 1 steps, and as many
    // steps of 512/n entries into `sines` from either end, which is less than 256. Registers but r0 to r3, r12 and lr are kept.
    unsafe {
        core::arch::asm!(
            "bl {stages}",
            "adds r0, r0, #8",
            "subs r1, r1, #8",
            "mov r2, r3",
            "mov r3, {step}",
            "bl {body}",
            stages = sym super::stages::stages, body = sym body, step = in(reg) 2048u32 >> bits,
            inlateout("r0") data.as_mut_ptr() => _, inlateout("r1") data.as_mut_ptr_range().end => _,
            inlateout("r2") turns.as_ptr() => _, inlateout("r3") sines.as_ptr() => _, out("r12") _, out("lr") _,
        );
    }
    if let Some([_, im]) = data.get_mut(n / 2) {
        *im = (*im as i32).wrapping_neg() as u32;
    }
}

/// r0 the first number, r1 the last, r2 sines, r3 bytes from sine to sine.
///
/// # Safety
/// Only [`real_fft`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn body() {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        // r2 where the sine is, r12 the cosine
        "add r12, r2, #1024",
        "2:",
        "add r2, r2, r3",
        "sub r12, r12, r3",
        "ldr r11, [r2]",
        "ldr r10, [r12]",
        "ldrd r4, r5, [r0]",
        "ldrd r6, r7, [r1]",
        // E to r4 r7, O to r5 r6
        "add r4, r4, r6",
        "rsb r6, r4, r6, lsl #1",
        "add r5, r5, r7",
        "sub r7, r5, r7, lsl #1",
        "smmulr r8, r5, r10",
        "smmlar r8, r6, r11, r8",
        "smmulr r6, r6, r10",
        "smmlsr r6, r5, r11, r6",
        "add r5, r8, r4, asr #1",
        "rsb r4, r8, r4, asr #1",
        "add r8, r6, r7, asr #1",
        "sub r7, r6, r7, asr #1",
        "strd r5, r8, [r0], #8",
        "strd r4, r7, [r1], #-8",
        "cmp r0, r1",
        "blo 2b",
        "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
