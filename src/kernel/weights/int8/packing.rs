//! Where in its words a row block of int8 weights has what.

use crate::kernel::RowBlock;
use crate::kernel::layout::Layout;

/// Words of parameters of a row block where biases are not packed: `[b0, b1, b2, b3, m0, m1, m2, m3]`.
pub(super) const PLAIN_PARAMS: usize = 8;

/// Words of parameters of four rows in pairs: `[A01 lo, A01 hi, b0, A23 lo, A23 hi, b2, m0, m1, m2, m3]` with
/// A01 = 256·b1 + b0 and A23 = 256·b3 + b2.
pub(super) const ROWS_PARAMS: usize = 10;

/// Words of parameters of split rows in pairs: `[A01 lo, A01 hi, b0, b2, b3, m0, m1, m2, m3]`.
pub(super) const SPLIT_PARAMS: usize = 9;

/// What a weight's byte is more than the weight, in columns.
pub(super) const OFFSET: i32 = 128;

/// Two weights of one column in a lane: 256·hi + lo. Both in -127..=127.
pub(super) const fn pack_pair(lo: i8, hi: i8) -> u16 {
    (hi as i16).wrapping_mul(256).wrapping_add(lo as i16) as u16
}

/// The weights of a lane that [`pack_pair`] made.
pub(super) const fn unpack_pair(lane: u16) -> (i8, i8) {
    let lo = lane as i8;
    (lo, ((lane as i16 as i32).wrapping_sub(lo as i32) >> 8) as i8)
}

/// The words of biases of a pair of rows.
pub(super) const fn pack_bias(b0: i32, b1: i32) -> [u32; 3] {
    let a = (b1 as i64).wrapping_mul(256).wrapping_add(b0 as i64);
    [a as u32, (a >> 32) as u32, b0 as u32]
}

/// The biases in three words, `None` where they are not what [`pack_bias`] writes.
pub(super) const fn unpack_bias(words: [u32; 3]) -> Option<(i32, i32)> {
    let a = ((words[1] as u64) << 32 | words[0] as u64) as i64;
    let b0 = words[2] as i32;
    let b1 = a.wrapping_sub(b0 as i64) >> 8;
    if b1 != b1 as i32 as i64 || b1 * 256 + b0 as i64 != a {
        return None;
    }
    Some((b0, b1 as i32))
}

/// How a word holds its four weights.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Two lanes of two rows.
    Lanes,
    /// Four bytes.
    Bytes,
    /// Four bytes w + 128.
    Offset,
}

/// How word `k` of a row block holds its weights.
#[inline(always)]
pub(super) fn word(layout: Layout, block: RowBlock, k: usize) -> Word {
    match (layout, block) {
        (_, RowBlock::Table { .. }) | (Layout::Rows, _) => Word::Bytes,
        (Layout::Columns, _) => Word::Offset,
        (Layout::Pairs, RowBlock::Split { .. }) if k % 3 == 2 => Word::Bytes,
        (Layout::Pairs, _) => Word::Lanes,
    }
}

/// Row and column of the four weights of word `k`, from the lowest byte.
#[inline(always)]
fn places(layout: Layout, block: RowBlock, k: usize) -> [(usize, usize); 4] {
    let lanes = |row, column| [(row, column), (row + 1, column), (row, column + 1), (row + 1, column + 1)];
    match (layout, block) {
        (Layout::Pairs, RowBlock::Rows { .. }) => lanes(2 * (k & 1), k / 4 * 4 + (k & 2)),
        (Layout::Pairs, RowBlock::Split { x, .. }) => {
            let (column, part) = (k / 3 * 4, k % 3);
            let last = if column < x { 2 } else { 3 };
            match part {
                0 | 1 => lanes(0, column + 2 * part),
                _ => [(last, column), (last, column + 2), (last, column + 1), (last, column + 3)],
            }
        }
        (Layout::Columns, RowBlock::Rows { .. }) => [(0, k), (1, k), (2, k), (3, k)],
        (Layout::Columns, RowBlock::Split { x, .. }) => [0, 1, 2, 3].map(|byte| {
            let (column, row) = ((4 * k + byte) / 3, (4 * k + byte) % 3);
            (if row == 2 && column >= x { 3 } else { row }, column)
        }),
        (Layout::Rows, _) | (_, RowBlock::Table { .. }) => {
            let (mut row, mut at) = (0, 4 * k);
            while row < 3 && at >= block.columns(row).len() {
                at = at.wrapping_sub(block.columns(row).len());
                row += 1;
            }
            let column = block.columns(row).start + at;
            [(row, column), (row, column + 1), (row, column + 2), (row, column + 3)]
        }
    }
}

/// Row, column and value of the four weights of word `k`.
#[inline(always)]
pub(super) fn unpack(layout: Layout, block: RowBlock, k: usize, packed: u32) -> [(usize, usize, i8); 4] {
    let [a, b, c, d] = places(layout, block, k);
    let [wa, wb, wc, wd] = match word(layout, block, k) {
        Word::Lanes => {
            let ((a, b), (c, d)) = (unpack_pair(packed as u16), unpack_pair((packed >> 16) as u16));
            [a, b, c, d]
        }
        Word::Bytes => packed.to_le_bytes().map(|w| w as i8),
        Word::Offset => packed.to_le_bytes().map(|w| (w as i32).wrapping_sub(OFFSET) as i8),
    };
    [(a.0, a.1, wa), (b.0, b.1, wb), (c.0, c.1, wc), (d.0, d.1, wd)]
}

/// Word `k` of the weights that `weight` gives.
#[inline(always)]
pub(super) fn pack(layout: Layout, block: RowBlock, k: usize, mut weight: impl FnMut(usize, usize) -> i8) -> u32 {
    let [a, b, c, d] = places(layout, block, k).map(|(row, column)| weight(row, column));
    match word(layout, block, k) {
        Word::Lanes => pack_pair(a, b) as u32 | (pack_pair(c, d) as u32) << 16,
        Word::Bytes => u32::from_le_bytes([a, b, c, d].map(|w| w as u8)),
        Word::Offset => u32::from_le_bytes([a, b, c, d].map(|w| (w as i32).wrapping_add(OFFSET) as u8)),
    }
}

/// Whether both lanes of a word hold two weights in -127..=127, both lanes at once: neither the low byte nor the high one,
/// with what a negative low byte took from it, is 80.
#[inline(always)]
pub(super) fn pairs_are_packed(word: u32) -> bool {
    let low = word & 0x00ff_00ff;
    let high = (word >> 8 & 0x00ff_00ff).wrapping_add(word >> 7 & 0x0001_0001) & 0x00ff_00ff;
    // Bit 15 of a lane is set exactly where it is not 0.
    let differs = |lanes: u32| (lanes ^ 0x0080_0080).wrapping_add(0x7fff_7fff);
    differs(low) & differs(high) & 0x8000_8000 == 0x8000_8000
}

/// Whether no byte of a word is that of `pattern`.
#[inline(always)]
pub(super) fn no_byte_is(word: u32, pattern: u32) -> bool {
    let x = word ^ pattern;
    x.wrapping_sub(0x0101_0101) & !x & 0x8080_8080 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights of a lane, where both are in -127..=127.
    fn valid(lane: u16) -> Option<(i8, i8)> {
        let lo = lane as i8;
        let hi = (lane as i16 as i32 - lo as i32) >> 8;
        (lo != i8::MIN && (-127..=127).contains(&hi)).then_some((lo, hi as i8))
    }

    #[test]
    fn pairs_round_trip() {
        let mut count = 0;
        for lane in 0..=u16::MAX {
            if let Some((lo, hi)) = valid(lane) {
                assert_eq!(pack_pair(lo, hi), lane);
                assert_eq!(unpack_pair(lane), (lo, hi));
                count += 1;
            }
        }
        assert_eq!(count, 255 * 255);
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

    #[test]
    fn packed_words_are_those_that_unpack() {
        for lane in 0..=u16::MAX {
            for other in [0u16, 0x7f7f, 0x8181, 0xff81, 0x807f] {
                let wanted = valid(lane).is_some() && valid(other).is_some();
                assert_eq!(pairs_are_packed(lane as u32 | (other as u32) << 16), wanted, "{lane:x} {other:x}");
                assert_eq!(pairs_are_packed(other as u32 | (lane as u32) << 16), wanted, "{lane:x} {other:x}");
            }
        }
    }

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        let mut word = 1u32;
        for k in 0..100_000u32 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 ^ k);
            for w in [word, word & 0x80ff_0080, word | 0x8000_8080, word & 0xff00_ffff] {
                assert_eq!(no_byte_is(w, 0x8080_8080), !w.to_le_bytes().contains(&0x80));
                assert_eq!(no_byte_is(w, 0), !w.to_le_bytes().contains(&0));
            }
        }
    }
}
