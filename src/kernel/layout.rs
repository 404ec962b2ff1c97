//! How weights and parameters are packed: one definition for writer, loader and kernels.

/// Words of parameters of a pass of four rows: `[A01 lo, A01 hi, b0, A23 lo, A23 hi, b2, m0, m1, m2, m3]`
/// with A01 = 256·b1 + b0 and A23 = 256·b3 + b2.
pub const ROWS_PARAMS: usize = 10;

/// Words of parameters of a split pass: `[A01 lo, A01 hi, b0, b2, b3, m0, m1, m2, m3]`.
pub const SPLIT_PARAMS: usize = 9;

/// Largest magnitude of a weight.
pub const MAX_WEIGHT: i8 = 127;

/// Two weights of one column in a lane: 256·hi + lo. Both in -127..=127.
pub const fn pack_pair(lo: i8, hi: i8) -> u16 {
    (hi as i16).wrapping_mul(256).wrapping_add(lo as i16) as u16
}

/// The weights of a lane, `None` where one is out of -127..=127.
#[inline]
pub const fn unpack_pair(lane: u16) -> Option<(i8, i8)> {
    let lo = lane as i8;
    let hi = (lane as i16 as i32 - lo as i32) >> 8;
    if lo == i8::MIN || hi < -127 || hi > 127 { None } else { Some((lo, hi as i8)) }
}

/// Biases of a pair of rows as a pass starts with them.
pub const fn pack_bias(b0: i32, b1: i32) -> [u32; 3] {
    let a = (b1 as i64) * 256 + b0 as i64;
    [a as u32, (a >> 32) as u32, b0 as u32]
}

/// The biases behind three words, `None` where they are not what [`pack_bias`] writes.
pub const fn unpack_bias(words: [u32; 3]) -> Option<(i32, i32)> {
    let a = ((words[1] as u64) << 32 | words[0] as u64) as i64;
    let b0 = words[2] as i32;
    let b1 = a.wrapping_sub(b0 as i64) >> 8;
    if b1 != b1 as i32 as i64 || b1 * 256 + b0 as i64 != a {
        return None;
    }
    Some((b0, b1 as i32))
}

/// Elements after padding to whole blocks of four columns.
pub const fn padded(n: usize) -> usize {
    n.next_multiple_of(4)
}

/// Words of a vector of `n` elements.
pub const fn vector_words(n: usize) -> usize {
    padded(n) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_round_trip_and_reject_the_rest() {
        let mut valid = 0;
        for lane in 0..=u16::MAX {
            if let Some((lo, hi)) = unpack_pair(lane) {
                assert_eq!(pack_pair(lo, hi), lane);
                valid += 1;
            }
        }
        assert_eq!(valid, 255 * 255);
    }

    #[test]
    fn biases_round_trip() {
        for (b0, b1) in [(0, 0), (1, -1), (i32::MAX, i32::MIN), (i32::MIN, i32::MAX), (-7, 123_456)] {
            let words = pack_bias(b0, b1);
            assert_eq!(unpack_bias(words), Some((b0, b1)));
            assert_eq!(unpack_bias([words[0] ^ 1, words[1], words[2]]), None);
            assert_eq!(unpack_bias([words[0], words[1] ^ 0x4000_0000, words[2]]), None);
        }
    }
}
