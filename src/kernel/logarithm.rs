//! The bits of a logarithm to the base 2, one by one: x² ≥ 2 exactly if the next bit of log2(x) is set.

/// log2 of 2^`exponent` times `mantissa`, Q1.31 from 1 on, with `bits` fraction bits, rounded down. The reference that the
/// assembly must equal.
pub const fn logarithm_reference(exponent: u32, mut mantissa: u32, bits: u32) -> u32 {
    let (mut result, mut n) = (exponent, 0);
    while n < bits {
        let square = mantissa as u64 * mantissa as u64; // Q2.62
        let (high, low) = ((square >> 32) as u32, square as u32);
        let carry = high >> 31;
        // Q1.31 again: a bit more of the square where it has not reached 2. Without a branch, so that it takes the same
        // time for every x.
        let lower = (high << 1 | low >> 31) & carry.wrapping_sub(1);
        mantissa = high & 0u32.wrapping_sub(carry) | lower;
        result = result << 1 | carry;
        n += 1;
    }
    result
}

/// [`logarithm_reference`] in assembly, where the core has it.
#[inline(always)]
pub fn logarithm<const BITS: u32>(exponent: u32, mantissa: u32) -> u32 {
    #[cfg(not(elman_dsp))]
    return logarithm_reference(exponent, mantissa, BITS);
    #[cfg(elman_dsp)]
    {
        let mut result = exponent;
        // SAFETY: registers alone.
        unsafe {
            core::arch::asm!(
                ".rept {bits}",
                "umull {low}, {high}, {m}, {m}",
                "adds {low}, {low}, {low}",
                "adcs {m}, {high}, {high}",
                "it cs",
                "rrxcs {m}, {m}",
                "adc {result}, {result}, {result}",
                ".endr",
                bits = const BITS, m = inout(reg) mantissa => _, result = inout(reg) result,
                low = out(reg) _, high = out(reg) _,
                options(pure, nomem, nostack),
            );
        }
        result
    }
}
