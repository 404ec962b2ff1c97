//! Division of 64 bits, a bit at a time.

/// n / `divisor`, rounded down, for a `divisor` below 2^63 that is not 0.
///
/// For what is rare. The compiler's own division is faster and takes a kilobyte on a core without one of 64 bits.
#[inline(never)]
pub(crate) fn divide(mut n: u64, divisor: u64) -> u64 {
    let mut rest = 0u64;
    for _ in 0..64 {
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
            let divisor = random() >> (random() & 63);
            let (n, divisor) = (random() >> (random() & 63), divisor >> 1 | 1);
            assert_eq!(divide(n, divisor), n / divisor, "{n} {divisor}");
        }
        assert_eq!(divide(u64::MAX, u64::MAX >> 1), 2);
        assert_eq!(divide(u64::MAX, 1), u64::MAX);
    }
}
