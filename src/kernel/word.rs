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

#[cfg(not(target_endian = "little"))]
compile_error!("elman's blob and vectors are little-endian, and so are the cores it runs on");

/// The elements of a vector: two i16 a word, the even one low.
#[inline(always)]
pub fn halves(words: &[u32]) -> &[i16] {
    // SAFETY: the same bytes as twice as many i16, which need less alignment than u32; every bit pattern is
    // an i16; the lifetime is the argument's.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), words.len() * 2) }
}

/// The elements of a vector, to write.
#[inline(always)]
pub fn halves_mut(words: &mut [u32]) -> &mut [i16] {
    // SAFETY: as in `halves`; the borrow is exclusive and every i16 pair is a u32.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * 2) }
}

/// Words as twice as many u16, the even one low, to write.
#[inline(always)]
pub fn unsigned_halves_mut(words: &mut [u32]) -> &mut [u16] {
    // SAFETY: as in `halves_mut`; every u16 pair is a u32.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * 2) }
}

/// The bytes of words, in memory order.
#[inline(always)]
pub fn bytes(words: &[u32]) -> &[u8] {
    // SAFETY: the same bytes; u8 needs no alignment and every bit pattern is one; the lifetime is the
    // argument's.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), words.len() * 4) }
}
