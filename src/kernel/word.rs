//! One-instruction operations on 32-bit words.

/// (a·b + 2^31) >> 32, rounded half up: SMMULR. The product of two fractions, without loss of range.
#[cfg(not(elman_dsp))]
#[inline(always)]
pub fn mul_high(a: i32, b: i32) -> i32 {
    ((a as i64 * b as i64 + (1 << 31)) >> 32) as i32
}

/// (a·b + 2^31) >> 32, rounded half up: SMMULR. The product of two fractions, without loss of range.
#[cfg(elman_dsp)]
#[inline(always)]
pub fn mul_high(a: i32, b: i32) -> i32 {
    let r;
    // SAFETY: one data-processing instruction on registers. In plain Rust the compiler turns a product with a
    // factor it knows to be non-negative into UMULL and corrections.
    unsafe {
        core::arch::asm!("smmulr {0}, {1}, {2}", lateout(reg) r, in(reg) a, in(reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    r
}
