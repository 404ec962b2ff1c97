//! The geometry of a delay line: which past inputs a layer keeps, and which it gives.

use crate::kernel::layout::vector_words;

/// Most words of a delay line: 256 KB.
pub const MAX_LINE_WORDS: usize = 1 << 16;

/// The numbers of a delay line. The last `tail` elements of an input have taps of their own: for a network that
/// reads past inputs and past outputs they are the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayTaps {
    /// K, past inputs in addition to the present one.
    pub taps: u16,
    /// Steps between taps, s.
    pub stride: u16,
    /// Elements at the end of the input with taps of their own.
    pub tail: u16,
    /// Past values of those, in addition to the present ones.
    pub tail_taps: u16,
}

impl DelayTaps {
    /// Names of the numbers, in the order of a layer's parameters.
    pub const NAMES: &'static [&'static str] = &["taps", "stride", "tail", "tail_taps"];

    /// From a layer's parameters.
    pub const fn of([taps, stride, tail, tail_taps]: [u16; 4]) -> Self {
        DelayTaps { taps, stride, tail, tail_taps }
    }

    /// Elements of the output for `inputs` elements of input; `None` where the numbers make no delay line: a
    /// stride of 0, a tail longer than the input, taps of a tail that is not there.
    pub fn outputs(&self, inputs: usize) -> Option<usize> {
        let (tail, head) = (self.tail as usize, inputs.checked_sub(self.tail as usize)?);
        // At most 65,535 times 65,536: below 2^32, so that no core needs a product of 64 bits.
        let taps = |n: u16, elements: usize| elements.min(u16::MAX as usize).wrapping_mul(n as usize + 1);
        let unused = (tail == 0 && self.tail_taps != 0) || (head == 0 && self.taps != 0);
        let outputs = taps(self.taps, head).saturating_add(taps(self.tail_taps, tail));
        (self.stride != 0 && !unused).then_some(outputs)
    }

    /// Elements kept of the head (all but the tail) and of the tail.
    pub fn kept(&self, inputs: usize) -> (usize, usize) {
        // A saturating product is one of 64 bits: these stay below 2^32, and what is beyond is more than any line holds.
        let kept = |taps: u16, elements: usize| match (taps as usize).wrapping_mul(self.stride as usize) {
            steps @ 0..=0xFFFF => elements.min(u16::MAX as usize).wrapping_mul(steps),
            steps if steps <= 4 * MAX_LINE_WORDS && elements <= 16 => elements.wrapping_mul(steps),
            _ if elements == 0 => 0,
            _ => usize::MAX,
        };
        let tail = (self.tail as usize).min(inputs);
        (kept(self.taps, inputs.saturating_sub(tail)), kept(self.tail_taps, tail))
    }

    /// [`DelayTaps::kept`] of a layer that the loader has seen, whose numbers stay in 32 bits: a product that saturates is one of 64
    /// bits.
    pub(crate) fn kept_by(&self, inputs: usize) -> (usize, usize) {
        let kept =
            |taps: u16, elements: usize| elements.wrapping_mul((taps as usize).wrapping_mul(self.stride as usize));
        let tail = (self.tail as usize).min(inputs);
        (kept(self.taps, inputs.wrapping_sub(tail)), kept(self.tail_taps, tail))
    }

    /// Words of memory: two positions, then the elements kept of head and tail. May be beyond
    /// [`MAX_LINE_WORDS`]; the loader rejects that.
    pub fn line_words(&self, inputs: usize) -> usize {
        let (head, tail) = self.kept(inputs);
        let words = |n: usize| if n > 4 * MAX_LINE_WORDS { 2 * MAX_LINE_WORDS } else { vector_words(n) };
        2 + words(head) + words(tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_the_numbers() {
        let plain = DelayTaps::of([4, 1, 0, 0]);
        assert_eq!((plain.outputs(3), plain.kept(3), plain.line_words(3)), (Some(15), (12, 0), 2 + 6));
        let narx = DelayTaps::of([2, 3, 1, 5]);
        assert_eq!((narx.outputs(3), narx.kept(3)), (Some(2 * 3 + 6), (12, 15)));
        assert_eq!((plain.kept_by(3), narx.kept_by(3)), (plain.kept(3), narx.kept(3)));
        assert_eq!(narx.line_words(3), 2 + 6 + 8);
    }

    #[test]
    fn what_makes_no_line_has_no_outputs() {
        for numbers in [[1, 0, 0, 0], [1, 1, 4, 1], [1, 1, 0, 1], [1, 1, 3, 1]] {
            assert_eq!(DelayTaps::of(numbers).outputs(3), None, "{numbers:?}");
        }
        let endless = DelayTaps::of([u16::MAX, u16::MAX, 0, 0]);
        assert!(endless.line_words(8192) > MAX_LINE_WORDS);
    }
}
