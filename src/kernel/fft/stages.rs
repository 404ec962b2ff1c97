//! The complex FFT: stages of radix 4, and one of radix 2 where the size is no power of four.

use crate::kernel::word::{mul_high, mul_high_add, mul_high_sub};

use super::{Complex, Sines, add, get, half, rotate, set, sines, sub, times_j};

/// For k = 1..=32 the numbers exp(j2πn/256), n = 2k, k and 3k, in Q0.31.
pub type Turns = [[[i32; 2]; 3]; 32];

/// [`Turns`], computed by the compiler.
pub static TURNS: Turns = {
    let sines = sines();
    let mut turns = [[[0; 2]; 3]; 32];
    let mut k = 1;
    while k <= 32 {
        turns[k - 1] = [turn(&sines, 2 * k), turn(&sines, k), turn(&sines, 3 * k)];
        k += 1;
    }
    turns
};

/// exp(j2πn/256) for n below 128.
const fn turn(sines: &Sines, n: usize) -> [i32; 2] {
    let (quarter, rest) = (n / 64, 4 * (n % 64));
    let (cos, sin) = (sines[256 - rest], sines[rest]);
    if quarter == 0 { [cos, sin] } else { [-sin, cos] }
}

/// Two stages of radix 2 at once.
#[inline(always)]
fn radix4([a, b, c, d]: [[i32; 2]; 4]) -> [[i32; 2]; 4] {
    let (s, t, u, v) = (add(a, b), sub(a, b), add(c, d), times_j(sub(c, d)));
    [add(s, u), sub(t, v), sub(s, u), add(t, v)]
}

/// Half of a·b for Q0.31 b.
#[inline(always)]
fn unturned(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    [mul_high_sub(mul_high(a[0], b[0]), a[1], b[1]), mul_high_add(mul_high(a[1], b[0]), a[0], b[1])]
}

/// The complex FFT of `data` in bit-reversed order, a power of two from 4 to 512 numbers; the bins in natural order, divided
/// by 2 for every stage but the first. `turns` is [`TURNS`], `sines` a quarter of a sine. The reference that the assembly
/// must equal.
#[inline(always)]
pub(super) fn fft_reference(data: &mut [Complex], turns: &Turns, sines: &Sines) {
    let n = data.len();
    for block in data.as_chunks_mut::<4>().0 {
        let out = radix4([get(&block[0]), get(&block[1]), get(&block[2]), get(&block[3])]);
        block.iter_mut().zip(out).for_each(|(to, v)| set(to, v));
    }
    let mut quarter = 4;
    while 4 * quarter <= n && quarter < 128 {
        let step = 64usize.checked_div(quarter).unwrap_or(0);
        for block in data.chunks_exact_mut((4 * quarter).max(1)) {
            let Some((first, second)) = block.split_at_mut_checked(2 * quarter) else { return };
            let Some((a, b)) = first.split_at_mut_checked(quarter) else { return };
            let Some((c, d)) = second.split_at_mut_checked(quarter) else { return };
            for (k, (((a, b), c), d)) in a.iter_mut().zip(b).zip(c).zip(d).enumerate() {
                let turn = |k: usize| turns.get(k.wrapping_mul(step).wrapping_sub(1));
                let [x, y, z] = [get(b), get(c), get(d)];
                let out = if k == 0 {
                    radix4([half(get(a)), half(x), half(y), half(z)])
                } else if let Some([twice, once, thrice]) = turn(k) {
                    radix4([half(get(a)), rotate(x, *twice), rotate(y, *once), rotate(z, *thrice)])
                } else if let Some([twice, once, thrice]) = turn(quarter - k) {
                    // A quarter turn less the angle: sine and cosine change places, b and d have the other sign.
                    let other = |[cos, sin]: [i32; 2]| [sin, cos];
                    let [a, b, c, d] =
                        [half(get(a)), unturned(x, *twice), rotate(y, other(*once)), rotate(z, other(*thrice))];
                    let (s, t, u, v) = (sub(a, b), add(a, b), sub(c, d), times_j(add(c, d)));
                    [add(s, u), sub(t, v), sub(s, u), add(t, v)]
                } else {
                    return;
                };
                [a, b, c, d].into_iter().zip(out).for_each(|(to, v)| set(to, v));
            }
        }
        quarter *= 4;
    }
    if n.trailing_zeros() & 1 == 1 {
        radix2(data, sines);
    }
}

/// The last stage of a size that is no power of four: bins k and k + n/2 of k of either half, and k + n/4 with them, whose
/// turn is the same but for -j.
#[inline(always)]
fn radix2(data: &mut [Complex], sines: &Sines) {
    let quarter = data.len() / 4;
    let step = 256usize.checked_div(quarter).unwrap_or(0);
    let Some((first, second)) = data.split_at_mut_checked(2 * quarter) else { return };
    let Some((a, b)) = first.split_at_mut_checked(quarter) else { return };
    let Some((c, d)) = second.split_at_mut_checked(quarter) else { return };
    for (k, (((a, b), c), d)) in a.iter_mut().zip(b).zip(c).zip(d).enumerate() {
        let at = k.wrapping_mul(step).min(256);
        let turn = [sines[256 - at], sines[at]];
        let (x, y) = (half(get(a)), rotate(get(c), turn));
        set(a, add(x, y));
        set(c, sub(x, y));
        let (x, y) = (half(get(b)), times_j(rotate(get(d), turn)));
        set(b, sub(x, y));
        set(d, add(x, y));
    }
}

/// Two stages of radix 2 at once of r4 r5, r6 r7, r8 r9 and r10 r11; the last comes out as r11 r10.
#[cfg(elman_dsp)]
macro_rules! sums {
    () => {
        "add r4, r4, r6
        add r5, r5, r7
        sub r6, r4, r6, lsl #1
        sub r7, r5, r7, lsl #1
        add r8, r8, r10
        add r9, r9, r11
        sub r10, r8, r10, lsl #1
        sub r11, r9, r11, lsl #1
        add r4, r4, r8
        add r5, r5, r9
        sub r8, r4, r8, lsl #1
        sub r9, r5, r9, lsl #1
        add r6, r6, r11
        sub r11, r6, r11, lsl #1
        sub r7, r7, r10
        add r10, r7, r10, lsl #1"
    };
}

/// re, im turned back by r10, r11, halved, to `to`, im.
#[cfg(elman_dsp)]
macro_rules! rotated {
    ($to:literal, $re:literal, $im:literal) => {
        concat!(
            "smmulr ", $to, ", ", $re, ", r10\n", "smmlar ", $to, ", ", $im, ", r11, ", $to, "\n", "smmulr ", $im,
            ", ", $im, ", r10\n", "smmlsr ", $im, ", ", $re, ", r11, ", $im,
        )
    };
}

/// From r0, a, and lr, turns: c + d to r8 r5, c - d to r9 r7, b to r2 r6, a to r10 r11; r12 where b stands. `turn` are the
/// registers of a turn's cosine and sine, the others add and take off its products for b.
#[cfg(elman_dsp)]
macro_rules! loaded {
    ($turn:literal, $add:literal, $sub:literal) => {
        concat!(
            "add r12, r0, r1, lsl #1\n",
            "ldrd r4, r5, [r12]\n",
            "add r12, r12, r1\n",
            "ldrd r6, r7, [r12]\n",
            "ldrd ",
            $turn,
            ", [lr, #8]\n",
            rotated!("r8", "r4", "r5"),
            "\n",
            "ldrd ",
            $turn,
            ", [lr, #16]\n",
            rotated!("r9", "r6", "r7"),
            "\n",
            "add r8, r8, r9\n",
            "sub r9, r8, r9, lsl #1\n",
            "add r5, r5, r7\n",
            "sub r7, r5, r7, lsl #1\n",
            "sub r12, r12, r1, lsl #1\n",
            "ldrd r4, r6, [r12]\n",
            "ldrd r10, r11, [lr]\n",
            "smmulr r2, r4, r10\n",
            $add,
            " r2, r6, r11, r2\n",
            "smmulr r6, r6, r10\n",
            $sub,
            " r6, r4, r11, r6\n",
            "ldrd r10, r11, [r0]",
        )
    };
}

/// The rest of a butterfly: c + d in `u` and `u_im`, c - d in `v` and `v_im`; then to the next block, if r0 is below r3.
#[cfg(elman_dsp)]
macro_rules! joined {
    ($u:literal, $v:literal, $u_im:literal, $v_im:literal) => {
        concat!(
            "add r4, r4, ",
            $u,
            "\n",
            "sub ",
            $u,
            ", r4, ",
            $u,
            ", lsl #1\n",
            "add r10, r10, ",
            $u_im,
            "\n",
            "sub ",
            $u_im,
            ", r10, ",
            $u_im,
            ", lsl #1\n",
            "add r11, r2, ",
            $v_im,
            "\n",
            "sub r2, r2, ",
            $v_im,
            "\n",
            "add ",
            $v_im,
            ", r6, ",
            $v,
            "\n",
            "sub r6, r6, ",
            $v,
            "\n",
            "strd r11, r6, [r12]\n",
            "add r12, r12, r1\n",
            "strd ",
            $u,
            ", ",
            $u_im,
            ", [r12]\n",
            "add r12, r12, r1\n",
            "strd r2, ",
            $v_im,
            ", [r12]\n",
            "strd r4, r10, [r0]\n",
            "add r0, r0, r1, lsl #2\n",
            "cmp r0, r3",
        )
    };
}

/// r0 data, a power of two from 16 to 512 numbers, r1 their end, r2 turns, r3 sines.
///
/// # Safety
/// It touches those numbers alone. It reads turns k·step, k up to half of a quarter of a block of at most 256, so at most the last
/// of the 32, and of the sines the entries k·step and 256 less it, k below a quarter of the numbers and step 256 divided by that. It
/// keeps all registers but r12 and lr.
#[cfg(elman_dsp)]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn stages() {
    core::arch::naked_asm!(
        cpu!(),
        "push {{r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "sub sp, #12",
        // sp: [0] number k of the first block, [4] k's left, [8] bytes from turn to turn, [12] data, [16] end, [20] turns,
        // [24] sines
        "mov r3, r1",
        // The first stage: blocks of four, all turns 1.
        "2:",
        "ldrd r4, r5, [r0]",
        "ldrd r6, r7, [r0, #8]",
        "ldrd r8, r9, [r0, #16]",
        "ldrd r10, r11, [r0, #24]",
        sums!(),
        "strd r6, r7, [r0, #8]",
        "strd r8, r9, [r0, #16]",
        "strd r11, r10, [r0, #24]",
        "strd r4, r5, [r0], #32",
        "cmp r0, r3",
        "blo 2b",
        // r1 bytes of a quarter of a block, r2 bytes from turn to turn
        "movs r1, #32",
        "mov r2, #384",
        "b 7f",
        // A stage: k = 0 without turns.
        "3:",
        "str r2, [sp, #8]",
        "4:",
        "add r12, r0, r1, lsl #1",
        "ldrd r8, r9, [r12]",
        "add r12, r12, r1",
        "ldrd r10, r11, [r12]",
        "sub r12, r12, r1, lsl #1",
        "ldrd r6, r7, [r12]",
        "ldrd r4, r5, [r0]",
        "asrs r4, r4, #1",
        "asrs r5, r5, #1",
        "asrs r6, r6, #1",
        "asrs r7, r7, #1",
        "asr r8, r8, #1",
        "asr r9, r9, #1",
        "asr r10, r10, #1",
        "asr r11, r11, #1",
        sums!(),
        "strd r6, r7, [r12]",
        "add r12, r12, r1",
        "strd r8, r9, [r12]",
        "add r12, r12, r1",
        "strd r11, r10, [r12]",
        "strd r4, r5, [r0]",
        "add r0, r0, r1, lsl #2",
        "cmp r0, r3",
        "blo 4b",
        // k from 1 to half of the quarter, r12 times, with turns onwards from the first.
        "lsr r12, r1, #4",
        "ldr r0, [sp, #12]",
        "ldr lr, [sp, #20]",
        "sub lr, lr, #24",
        "5:",
        "ldr r2, [sp, #8]",
        "adds r0, r0, #8",
        "add lr, lr, r2",
        "strd r0, r12, [sp]",
        "6:",
        loaded!("r10, r11", "smmlar", "smmlsr"),
        // a + b in r4 r10, a - b in r2 r6
        "add r4, r2, r10, asr #1",
        "rsb r2, r2, r10, asr #1",
        "add r10, r6, r11, asr #1",
        "rsb r6, r6, r11, asr #1",
        joined!("r8", "r9", "r5", "r7"),
        "blo 6b",
        "ldrd r0, r12, [sp]",
        "subs r12, r12, #1",
        "bne 5b",
        // The others, with turns backwards: b and d have the other sign.
        "lsr r12, r1, #4",
        "b 12f",
        "10:",
        "ldr r2, [sp, #8]",
        "adds r0, r0, #8",
        "sub lr, lr, r2",
        "strd r0, r12, [sp]",
        "11:",
        loaded!("r11, r10", "smmlsr", "smmlar"),
        "rsb r4, r2, r10, asr #1",
        "add r2, r2, r10, asr #1",
        "rsb r10, r6, r11, asr #1",
        "add r6, r6, r11, asr #1",
        joined!("r9", "r8", "r7", "r5"),
        "blo 11b",
        "ldrd r0, r12, [sp]",
        "12:",
        "subs r12, r12, #1",
        "bne 10b",
        "ldr r2, [sp, #8]",
        "lsrs r2, r2, #2",
        "lsls r1, r1, #2",
        // The next stage, if its blocks are not longer than all.
        "7:",
        "ldr r0, [sp, #12]",
        "subs r4, r3, r0",
        "cmp r4, r1, lsl #2",
        "bhs 3b",
        "cmp r4, r1",
        "beq 9f",
        // A stage of radix 2: r1 bytes of half of the data, r2 of a quarter, r3 from sine to sine, 1024 / (r2 / 8), r12 the sine
        // and lr the cosine.
        "ldr r12, [sp, #24]",
        "lsrs r2, r1, #1",
        "mov r3, #8192",
        "udiv r3, r3, r2",
        "add lr, r12, #1024",
        "8:",
        "ldr r11, [r12]",
        "ldr r10, [lr]",
        "add r12, r12, r3",
        "sub lr, lr, r3",
        "add r9, r0, r1",
        "ldrd r4, r5, [r9]",
        rotated!("r8", "r4", "r5"),
        "ldrd r6, r7, [r0]",
        "add r4, r8, r6, asr #1",
        "rsb r6, r8, r6, asr #1",
        "add r8, r5, r7, asr #1",
        "rsb r7, r5, r7, asr #1",
        "strd r6, r7, [r9]",
        "strd r4, r8, [r0], #8",
        // The other two numbers; j times the turned one is taken off and added.
        "add r9, r9, r2",
        "ldrd r4, r5, [r9]",
        rotated!("r8", "r4", "r5"),
        "sub r4, r9, r1",
        "ldrd r6, r7, [r4]",
        "add r10, r5, r6, asr #1",
        "rsb r6, r5, r6, asr #1",
        "rsb r11, r8, r7, asr #1",
        "add r7, r8, r7, asr #1",
        "strd r10, r11, [r4]",
        "strd r6, r7, [r9]",
        "ldr r4, [sp, #24]",
        "cmp lr, r4",
        "bhi 8b",
        "9:",
        "add sp, #12",
        "pop {{r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Against the sum that defines it, in f64: every size, tones and noise as large as the halving allows.
    #[test]
    fn is_the_fourier_transform() {
        let sines = sines();
        for bits in 4..=9u32 {
            let n = 1usize << bits;
            let mut seed = 1u32;
            let mut random = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(seed as i32) / 2f64.powi(31)
            };
            for kind in 0..3 {
                let values: Vec<[i32; 2]> = (0..n)
                    .map(|i| match kind {
                        0 => [random(), random()],
                        1 => [(i as f64 * 0.3).sin(), (i as f64 * 0.3).cos()],
                        _ => [1.0 - 2.0 * f64::from(i as u32 / 3 % 2), 0.0],
                    })
                    .map(|v| v.map(|x| (x * f64::from(1 << 25)) as i32))
                    .collect();
                let mut data: Vec<Complex> =
                    (0..n).map(|i| values[i.reverse_bits() >> (usize::BITS - bits)].map(|x| x as u32)).collect();
                fft_reference(&mut data, &TURNS, &sines);
                let down = f64::from(1 << (bits.div_ceil(2) - 1));
                let (mut signal, mut noise) = (0.0, 0.0);
                for (k, ours) in data.iter().enumerate() {
                    let (mut re, mut im) = (0.0, 0.0);
                    for (i, v) in values.iter().enumerate() {
                        let (sin, cos) = (-core::f64::consts::TAU * (k * i % n) as f64 / n as f64).sin_cos();
                        re += f64::from(v[0]) * cos - f64::from(v[1]) * sin;
                        im += f64::from(v[0]) * sin + f64::from(v[1]) * cos;
                    }
                    let ours = get(ours).map(f64::from);
                    signal += (re / down).powi(2) + (im / down).powi(2);
                    noise += (ours[0] - re / down).powi(2) + (ours[1] - im / down).powi(2);
                }
                let snr = 10.0 * (signal / noise).log10();
                std::println!("{n} numbers, signal {kind}: SNR {snr:.1} dB");
                assert!(snr > 140.0, "{n} numbers, signal {kind}: SNR {snr:.1} dB");
            }
        }
    }
}
