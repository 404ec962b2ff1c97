//! Real FFT of 2^7 to 2^10 points as a complex one of half the length, in 32-bit words.

use super::sine::{QUARTER, TURN, cos, sin};
pub(super) use crate::kernel::butterfly::Complex;
use crate::kernel::butterfly::{add, get, radix4, real_fft_postprocess, set, sub};
use crate::kernel::word::mul_high;

/// exp(j·2πk/1024) for 0 < k < 256, in Q0.31.
#[inline(always)]
fn turn(k: usize) -> [i32; 2] {
    [cos(k), sin(k)]
}

/// a·b, both on the unit circle in Q0.31; 1 saturates.
#[inline(always)]
fn times(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    let double = |x: i32| x.saturating_add(x);
    [
        double(mul_high(a[0], b[0]).wrapping_sub(mul_high(a[1], b[1]))),
        double(mul_high(a[0], b[1]).wrapping_add(mul_high(a[1], b[0]))),
    ]
}

/// Complex FFT in place, decimation in frequency, two stages at once; the bins in bit-reversed order. No scaling: sums must
/// fit 30 bits and a sign.
#[inline(never)]
fn complex(data: &mut [Complex]) {
    let mut length = data.len();
    while length >= 4 {
        radix4(data, length, 0, None);
        let step = TURN >> (length.trailing_zeros() & 31);
        let mut at = step;
        for k in 1..length / 4 {
            let once = turn(at);
            let twice = times(once, once);
            radix4(data, length, k, Some(&[twice, once, times(twice, once)]));
            at = at.wrapping_add(step);
        }
        length /= 4;
    }
    if length == 2 {
        for [a, b] in data.as_chunks_mut::<2>().0 {
            let (x, y) = (get(a), get(b));
            set(a, add(x, y));
            set(b, sub(x, y));
        }
    }
}

/// Real FFT in place: `data` holds the samples in order, two a word pair; afterwards 2·X\[k\] for 0 < k < N/2 at
/// [`place`](crate::kernel::butterfly::place)`(k)`, and at 0 the real 2·X\[0\] and 2·X\[N/2\]. The sum of all |samples| must stay below 2^29.
#[inline(never)]
pub(super) fn real(data: &mut [Complex]) {
    complex(data);
    if let Some(first) = data.first_mut() {
        let [re, im] = get(first);
        set(first, [re.wrapping_add(im) << 1, re.wrapping_sub(im) << 1]);
    }
    // W^(N/4) = -j makes the middle the conjugate.
    if let Some([re, im]) = data.get_mut(1) {
        (*re, *im) = (*re << 1, im.wrapping_neg() << 1);
    }
    real_fft_postprocess(data, &QUARTER);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::butterfly::place;
    use std::vec::Vec;

    /// Against an FFT in f64: noise and full-scale tones at every size.
    #[test]
    fn against_float() {
        for log2 in 7..=10u32 {
            let n = 1usize << log2;
            let amplitude = (1 << 29 >> log2) as f64;
            for kind in 0..3 {
                let mut seed = 1u32;
                let samples: Vec<i32> = (0..n)
                    .map(|i| {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let v = match kind {
                            0 => seed as i32 as f64 / 2f64.powi(31),
                            1 => (i as f64 * 0.3).sin(),
                            _ => 1.0 - 2.0 * (i / 3 % 2) as f64,
                        };
                        (v * (amplitude - 1.0)) as i32
                    })
                    .collect();
                let mut data: Vec<Complex> = samples.chunks(2).map(|p| [p[0] as u32, p[1] as u32]).collect();
                real(&mut data);
                let mut planner = realfft::RealFftPlanner::<f64>::new();
                let plan = planner.plan_fft_forward(n);
                let (mut input, mut spectrum): (Vec<f64>, _) =
                    (samples.iter().map(|&v| v as f64).collect(), plan.make_output_vec());
                plan.process(&mut input, &mut spectrum).unwrap();
                let (mut signal, mut noise) = (0.0, 0.0);
                for k in 1..n / 2 {
                    let ours = get(&data[place(k, log2 - 1)]).map(|v| v as f64 / 2.0);
                    signal += spectrum[k].norm_sqr();
                    noise += (ours[0] - spectrum[k].re).powi(2) + (ours[1] - spectrum[k].im).powi(2);
                }
                let snr = 10.0 * (signal / noise).log10();
                std::println!("fft 2^{log2}, signal {kind}: SNR {snr:.1} dB");
                assert!(snr > 110.0, "fft 2^{log2}, signal {kind}: {snr:.1} dB");
                assert!((data[0][0] as i32 as f64 - 2.0 * spectrum[0].re).abs() < 64.0);
                assert!((data[0][1] as i32 as f64 - 2.0 * spectrum[n / 2].re).abs() < 64.0);
            }
        }
    }
}
