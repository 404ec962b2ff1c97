//! How weights and parameters are packed: one definition for writer, loader and kernels.

/// In which order a blob has the weights of a row block. Vectors, parameters of a layer and everything else are the same in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Layout {
    /// Two rows share a 16-bit lane: for cores with the DSP extension.
    Pairs = 1,
    /// Row after row: for cores with Helium.
    Rows = 2,
    /// Column after column: for cores that take one weight at a time.
    Columns = 3,
}

impl Layout {
    /// All of them.
    pub const ALL: [Layout; 3] = [Layout::Pairs, Layout::Rows, Layout::Columns];

    /// The one layout that this build's kernels read; `None` where they read all, as on a PC.
    pub const BUILT: Option<Layout> = if cfg!(elman_layout = "pairs") {
        Some(Layout::Pairs)
    } else if cfg!(elman_layout = "rows") {
        Some(Layout::Rows)
    } else if cfg!(elman_layout = "columns") {
        Some(Layout::Columns)
    } else {
        None
    };

    /// By its number in the frame.
    pub const fn of(number: u16) -> Option<Self> {
        match number {
            1 => Some(Layout::Pairs),
            2 => Some(Layout::Rows),
            3 => Some(Layout::Columns),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Layout::Pairs => "pairs",
            Layout::Rows => "rows",
            Layout::Columns => "columns",
        }
    }

    /// Cores whose kernels read it.
    pub const fn cores(self) -> &'static [&'static str] {
        match self {
            Layout::Pairs => &["m4", "m7", "m33"],
            Layout::Rows => &["m55"],
            Layout::Columns => &["m0", "m3", "rv32"],
        }
    }

    /// What the kernels of a core read.
    pub fn of_core(core: &str) -> Option<Self> {
        Layout::ALL.into_iter().find(|layout| layout.cores().contains(&core))
    }

    /// Words of parameters of a row block of four rows.
    pub const fn rows_params(self) -> usize {
        if let Layout::Pairs = self { ROWS_PARAMS } else { PLAIN_PARAMS }
    }

    /// Words of parameters of a split row block.
    pub const fn split_params(self) -> usize {
        if let Layout::Pairs = self { SPLIT_PARAMS } else { PLAIN_PARAMS }
    }
}

/// Words of parameters of a row block of either kind where rows are not packed: `[b0, b1, b2, b3, m0, m1, m2, m3]`.
pub const PLAIN_PARAMS: usize = 8;

/// What a weight's byte is more than the weight, where columns lie side by side.
pub const OFFSET: i32 = 128;

/// Words of parameters of a row block of four rows in pairs: `[A01 lo, A01 hi, b0, A23 lo, A23 hi, b2, m0, m1, m2, m3]`
/// with A01 = 256·b1 + b0 and A23 = 256·b3 + b2.
pub const ROWS_PARAMS: usize = 10;

/// Words of parameters of a split row block in pairs: `[A01 lo, A01 hi, b0, b2, b3, m0, m1, m2, m3]`.
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

/// Biases of a pair of rows as a row block starts with them.
pub const fn pack_bias(b0: i32, b1: i32) -> [u32; 3] {
    let a = (b1 as i64) * 256 + b0 as i64;
    [a as u32, (a >> 32) as u32, b0 as u32]
}

/// The biases that [`pack_bias`] packed into three words; `None` for other words.
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
