//! Division of 64 bits, a bit at a time.

/// n / `divisor`, rounded down, where that has at most `bits` bits, 1 to 63; `divisor` is not 0.
///
/// For what is rare or short. The compiler's own division is faster and takes a kilobyte on a core without one of 64 bits.
#[inline(never)]
pub(crate) fn divide(n: u64, divisor: u64, bits: u32) -> u64 {
    let (mut rest, mut n) = (n >> (bits & 63), n << (64u32.wrapping_sub(bits) & 63));
    for _ in 0..bits {
        rest = rest << 1 | n >> 63;
        n <<= 1;
        // Bits of the quotient come in where those of n go out.
        if rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            n |= 1;
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_quotient() {
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed ^ seed >> 29
        };
        for _ in 0..100_000 {
            let divisor = (random() >> (random() & 63)).max(1);
            let n = random() >> (random() & 63).max(1);
            let quotient = n / divisor;
            let needed = (64 - quotient.leading_zeros()).max(1);
            for bits in needed..=63 {
                assert_eq!(divide(n, divisor, bits), quotient, "{n} {divisor} {bits}");
            }
        }
        assert_eq!(divide(u64::MAX, u64::MAX, 1), 1);
        assert_eq!(divide(u64::MAX >> 1, 1, 63), u64::MAX >> 1);
    }
}
