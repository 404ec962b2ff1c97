//! Sums of powers over the bins between two edges of mel bands.

use super::{Complex, get};
use crate::kernel::word::wide;

/// Σ |X|² over `bins`, and the sum of all sums but the last, which is Σ (last - k)·|X_k|²; both below 2^64 as the frame is
/// scaled. The answer that the assembly must equal.
#[inline(always)]
pub fn power_reference(bins: &[Complex]) -> [u64; 2] {
    let (mut all, mut partial) = (0u64, 0u64);
    for bin in bins {
        let [re, im] = get(bin).map(square);
        partial = partial.wrapping_add(all);
        all = all.wrapping_add(re).wrapping_add(im);
    }
    [all, partial]
}

/// x²
#[inline(always)]
fn square(x: i32) -> u64 {
    wide(x.unsigned_abs(), x.unsigned_abs())
}

#[cfg(not(elman_dsp))]
pub use power_reference as power;

/// [`power_reference`] in assembly.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn power(bins: &[Complex]) -> [u64; 2] {
    let (mut a, mut b, mut c, mut d) = (0u32, 0u32, 0u32, 0u32);
    if bins.is_empty() {
        return [0; 2];
    }
    let bins = bins.as_ptr_range();
    // SAFETY: it reads from the first bin to the end, of which there is at least one.
    unsafe {
        core::arch::asm!(
            "2:",
            "ldrd {x}, {y}, [{at}], #8",
            "smull {l}, {h}, {x}, {x}",
            "smlal {l}, {h}, {y}, {y}",
            "adds {c}, {c}, {a}",
            "adc {d}, {d}, {b}",
            "adds {a}, {a}, {l}",
            "adc {b}, {b}, {h}",
            "cmp {at}, {end}",
            "blo 2b",
            at = inout(reg) bins.start => _, end = in(reg) bins.end,
            x = out(reg) _, y = out(reg) _, l = out(reg) _, h = out(reg) _,
            a = inout(reg) a, b = inout(reg) b, c = inout(reg) c, d = inout(reg) d,
            options(pure, readonly, nostack),
        );
    }
    let long = |low: u32, high: u32| (high as u64) << 32 | low as u64;
    [long(a, b), long(c, d)]
}
