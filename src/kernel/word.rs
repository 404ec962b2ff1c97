//! One-instruction operations on 32-bit words.

/// (a·b + 2^31) >> 32, rounded half up: SMMULR. The product of two fractions, without loss of range.
#[cfg(not(any(elman_dsp, elman_narrow, elman_saturates)))]
#[inline(always)]
pub fn mul_high(a: i32, b: i32) -> i32 {
    let product = a as i64 * b as i64;
    // A core of 32 bits has the halves in two registers: the low one's highest bit is all that rounds.
    #[cfg(elman_layout = "columns")]
    return ((product >> 32) as i32).wrapping_add((product as u32 >> 31) as i32);
    #[cfg(not(elman_layout = "columns"))]
    return ((product + (1 << 31)) >> 32) as i32;
}

/// (a·b + 2^31) >> 32, rounded half up: the high half, more by the low one's highest bit. In plain Rust the compiler turns a product
/// with a factor it knows to be non-negative into UMULL and corrections.
#[cfg(elman_saturates)]
#[inline(always)]
pub fn mul_high(a: i32, b: i32) -> i32 {
    let r;
    // SAFETY: data-processing instructions on registers.
    unsafe {
        core::arch::asm!(
            "smull {low}, {high}, {a}, {b}",
            "add {high}, {high}, {low}, lsr #31",
            a = in(reg) a, b = in(reg) b, low = out(reg) _, high = out(reg) r,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    r
}

/// (a·b + 2^31) >> 32, rounded half up, of four products of 16 by 16 bits: what the assembly for cores that multiply no
/// wider does.
#[cfg(test)]
fn mul_high_narrow(a: i32, b: i32) -> i32 {
    let (al, ah, bl, bh) = (a & 0xffff, a >> 16, b & 0xffff, b >> 16);
    // Below 2^32, so that its high half has no sign.
    let low = (al as u32).wrapping_mul(bl as u32) >> 16;
    let first = ah.wrapping_mul(bl).wrapping_add(low as i32);
    let second = al.wrapping_mul(bh).wrapping_add(first & 0xffff);
    // (second + 2^15) >> 16, which could not be added up in 32 bits.
    let rounded = (second >> 16).wrapping_add(second >> 15 & 1);
    ah.wrapping_mul(bh).wrapping_add(first >> 16).wrapping_add(rounded)
}

/// [`mul_high_narrow`] in assembly: the last bit shifted out is the carry that rounds.
#[cfg(elman_narrow)]
#[inline(always)]
pub fn mul_high(a: i32, b: i32) -> i32 {
    let r;
    // SAFETY: registers alone.
    unsafe {
        core::arch::asm!(
            "uxth {al}, {a}",
            "asrs {a}, {a}, #16",
            "uxth {bl}, {b}",
            "asrs {b}, {b}, #16",
            "mov {t}, {al}",
            "muls {t}, {bl}, {t}",
            "lsrs {t}, {t}, #16",
            "muls {bl}, {a}, {bl}",
            "adds {t}, {t}, {bl}",
            "muls {a}, {b}, {a}",
            "muls {al}, {b}, {al}",
            "uxth {bl}, {t}",
            "adds {al}, {al}, {bl}",
            "asrs {t}, {t}, #16",
            "adds {a}, {a}, {t}",
            "asrs {al}, {al}, #16",
            "adcs {a}, {al}",
            a = inout(reg) a => r, b = inout(reg) b => _, al = out(reg) _, bl = out(reg) _, t = out(reg) _,
            options(pure, nomem, nostack),
        );
    }
    r
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

/// c + a·b / 2^32, rounded half up: SMMLAR.
#[inline(always)]
pub fn mul_high_add(c: i32, a: i32, b: i32) -> i32 {
    #[cfg(not(elman_dsp))]
    return c.wrapping_add(mul_high(a, b));
    #[cfg(elman_dsp)]
    {
        let r;
        // SAFETY: one data-processing instruction on registers.
        unsafe {
            core::arch::asm!("smmlar {0}, {1}, {2}, {3}", lateout(reg) r, in(reg) a, in(reg) b, in(reg) c,
                options(pure, nomem, nostack, preserves_flags));
        }
        r
    }
}

/// c - a·b / 2^32, rounded half up: SMMLSR.
#[inline(always)]
pub fn mul_high_sub(c: i32, a: i32, b: i32) -> i32 {
    #[cfg(not(elman_dsp))]
    return c.wrapping_add((((1i64 << 31) - a as i64 * b as i64) >> 32) as i32);
    #[cfg(elman_dsp)]
    {
        let r;
        // SAFETY: one data-processing instruction on registers.
        unsafe {
            core::arch::asm!("smmlsr {0}, {1}, {2}, {3}", lateout(reg) r, in(reg) a, in(reg) b, in(reg) c,
                options(pure, nomem, nostack, preserves_flags));
        }
        r
    }
}

/// v / 2, rounded down, or the nearest number that an i16 holds.
#[cfg(elman_saturates)]
#[inline(always)]
pub fn half_saturated(v: i32) -> i16 {
    let r: i32;
    // SAFETY: one data-processing instruction on registers.
    unsafe {
        core::arch::asm!("ssat {0}, #16, {1}, asr #1", lateout(reg) r, in(reg) v, options(pure, nomem, nostack));
    }
    r as i16
}

/// a·b, all of it.
#[cfg(not(elman_narrow))]
#[inline(always)]
pub fn wide(a: u32, b: u32) -> u64 {
    a as u64 * b as u64
}

/// a·b, all of it, of four products of 16 by 16 bits.
#[cfg(any(elman_narrow, test))]
#[inline(always)]
fn wide_narrow(a: u32, b: u32) -> u64 {
    let (al, ah, bl, bh) = (a & 0xffff, a >> 16, b & 0xffff, b >> 16);
    let (low, high) = (al.wrapping_mul(bl), ah.wrapping_mul(bh));
    let middle = (al.wrapping_mul(bh) as u64).wrapping_add(ah.wrapping_mul(bl) as u64);
    ((high as u64) << 32 | low as u64).wrapping_add(middle << 16)
}

/// a·b, all of it.
#[cfg(elman_narrow)]
#[inline(never)]
pub fn wide(a: u32, b: u32) -> u64 {
    wide_narrow(a, b)
}

/// ⌊v·f / 2^32⌋
#[inline(always)]
pub fn times(v: u64, f: u32) -> u64 {
    (wide(v as u32, f) >> 32).wrapping_add(wide((v >> 32) as u32, f))
}

#[cfg(not(target_endian = "little"))]
compile_error!("elman's blob and vectors are little-endian, and so are the cores it runs on");

/// Two elements in a word, `even` low.
#[inline(always)]
pub fn pair(even: i16, odd: i16) -> u32 {
    even as u16 as u32 | (odd as u32) << 16
}

/// The elements of a vector: two i16 a word, the even one low.
#[inline(always)]
pub fn halves(words: &[u32]) -> &[i16] {
    bytemuck::must_cast_slice(words)
}

/// Words as i32.
#[inline(always)]
pub fn signed(words: &[u32]) -> &[i32] {
    bytemuck::must_cast_slice(words)
}

/// The elements of a vector, to write.
#[inline(always)]
pub fn halves_mut(words: &mut [u32]) -> &mut [i16] {
    bytemuck::must_cast_slice_mut(words)
}

/// Words as twice as many u16, the even one low, to write.
#[inline(always)]
pub fn unsigned_halves_mut(words: &mut [u32]) -> &mut [u16] {
    bytemuck::must_cast_slice_mut(words)
}

/// The bytes of words, in memory order.
#[inline(always)]
pub fn bytes(words: &[u32]) -> &[u8] {
    bytemuck::must_cast_slice(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_products_are_the_wide_ones() {
        let edges =
            [0, 1, -1, 0x7fff, 0x8000, 0xffff, 0x1_0000, i32::MAX, i32::MIN, i32::MIN + 1, -0x8000, 0x7fff_8000];
        let mut x = 1u32;
        let mut random = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x ^ x >> 15) as i32
        };
        for k in 0..200_000 {
            let (a, b) = (random(), random());
            let a = if k % 3 == 0 { edges[k % edges.len()] } else { a };
            let b = if k % 5 == 0 { edges[k / 7 % edges.len()] } else { b };
            assert_eq!(mul_high_narrow(a, b), mul_high(a, b), "{a} {b}");
        }
        for a in edges {
            for b in edges {
                assert_eq!(mul_high_narrow(a, b), mul_high(a, b), "{a} {b}");
                let (a, b) = (a as u32, b as u32);
                assert_eq!(wide_narrow(a, b), a as u64 * b as u64, "{a} {b}");
                let v = (a as u64) << 32 | b as u64;
                assert_eq!(times(v, b) as u128, (v as u128 * b as u128) >> 32, "{a} {b}");
            }
        }
    }
}
