//! Resets the state after a number of consecutive silent frames.
//!
//! Rounding never forgets a difference smaller than itself: where the update gate z of a GRU is near 1, two 32-bit states
//! that differ in their last bits keep that difference for ever, and an event could depend by a bit on what was spoken
//! yesterday. After [`SilenceReset::steps`] consecutive steps whose greatest logit is that of silence, states are those of
//! the start.

use crate::record::record;

record! {
    /// Which class is silence, and after how many consecutive silent steps the state is reset; part of the detector's
    /// parameters.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub struct SilenceReset {
        /// The class (output) that is silence.
        class: u8 ["output "],
        /// Consecutive steps in which its logit is above every other's; 0 for never.
        steps: u16 ["steps"],
    }
}

impl SilenceReset {
    /// No reset in silence.
    pub const NEVER: SilenceReset = SilenceReset { class: 0, steps: 0 };

    /// Whether these logits are silence: the class above every other one; equals are not.
    fn is_silent(&self, logits: &[i16]) -> bool {
        let own = logits.get(self.class as usize).copied();
        let mut others = logits.iter().enumerate().filter(|(k, _)| *k != self.class as usize);
        own.is_some_and(|own| others.all(|(_, y)| *y < own))
    }
}

/// Counts consecutive silent steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SilenceCounter {
    /// Silent steps until the reset; 0 from a reset, or the start, until a step that is not silent.
    left: u16,
}

impl SilenceCounter {
    /// Counts a step with these logits; whether a reset is due. That is once in a silence, however long it lasts: a network
    /// that has read only silence since has nothing to forget, and the start of a word is not cut.
    pub(crate) fn step(&mut self, config: &SilenceReset, logits: &[i16]) -> bool {
        if !config.is_silent(logits) {
            self.left = config.steps;
            return false;
        }
        let due = self.left == 1;
        self.left = self.left.saturating_sub(1);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const SILENT: [i16; 3] = [-5, 7, 6];
    const LOUD: [i16; 3] = [-5, 7, 8];

    fn due(config: SilenceReset, steps: &[[i16; 3]]) -> Vec<usize> {
        let mut counter = SilenceCounter::default();
        (0..steps.len()).filter(|t| counter.step(&config, &steps[*t])).collect()
    }

    #[test]
    fn once_in_a_silence_that_is_long_enough() {
        let config = SilenceReset { class: 1, steps: 4 };
        // At the start there is nothing to forget.
        assert_eq!(due(config, &[SILENT; 100]), [0usize; 0]);
        let steps = [&[LOUD][..], &[SILENT; 50], &[LOUD], &[SILENT; 3], &[LOUD], &[SILENT; 4], &[LOUD; 3]].concat();
        assert_eq!(due(config, &steps), [4, 51 + 4 + 4]);
        assert_eq!(due(SilenceReset { steps: 1, ..config }, &steps), [1, 52, 56]);
        assert_eq!(due(SilenceReset { steps: u16::MAX, ..config }, &steps), [0usize; 0]);
    }

    #[test]
    fn equals_are_no_silence_and_no_output_is_none() {
        let steps = [LOUD, [7, 7, 0], [7, 7, 0], [7, 8, 0], [7, 8, 0]];
        assert_eq!(due(SilenceReset { class: 1, steps: 2 }, &steps), [4]);
        assert_eq!(due(SilenceReset { class: 3, steps: 1 }, &steps), [0usize; 0]);
        assert_eq!(due(SilenceReset::NEVER, &steps), [0usize; 0]);
        // One output alone is above all others.
        let mut counter = SilenceCounter { left: 2 };
        let config = SilenceReset { class: 0, steps: 2 };
        assert!(!counter.step(&config, &[i16::MIN]) && counter.step(&config, &[i16::MIN]));
        assert!(!counter.step(&config, &[]));
    }
}
