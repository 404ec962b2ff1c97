//! When a listener starts anew: in silence, so that nothing of what was heard long ago is left.
//!
//! A recurrent network forgets by rounding, and rounding forgets nothing smaller than itself: where z of a GRU is near 1,
//! two 32-bit states that differ in their last bits keep that difference for ever. What a listener tells today would so
//! depend, by a bit here and there, on what it heard yesterday. A rest ends that: after [`Rest::steps`] steps in a row of
//! which each says silence, states are those of the start.

use serde::{Deserialize, Serialize};

/// Which output is silence, and after how many steps of it in a row the listener starts anew; part of the detector's
/// parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rest {
    /// The output that is silence.
    pub output: u8,
    /// Steps in a row in which its score is above every other's; 0 for never.
    pub steps: u16,
}

impl Rest {
    /// A listener that never starts anew by itself.
    pub const NEVER: Rest = Rest { output: 0, steps: 0 };

    /// Whether these scores say silence: above every other's, so that equals do not.
    fn heard(&self, scores: &[i16]) -> bool {
        let own = scores.get(self.output as usize).copied();
        let mut others = scores.iter().enumerate().filter(|(k, _)| *k != self.output as usize);
        own.is_some_and(|own| others.all(|(_, y)| *y < own))
    }
}

/// Counts the steps of a rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Countdown {
    /// Silent steps that are missing; 0 from a rest, or the start, until something else is heard.
    left: u16,
}

impl Countdown {
    /// A step with these scores; whether the rest is over with it. That is once in a silence, however long it lasts: a
    /// network that has heard nothing but silence since has nothing to forget, and a word that begins is not cut.
    pub(crate) fn step(&mut self, rest: &Rest, scores: &[i16]) -> bool {
        if !rest.heard(scores) {
            self.left = rest.steps;
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

    fn due(rest: Rest, steps: &[[i16; 3]]) -> Vec<usize> {
        let mut countdown = Countdown::default();
        (0..steps.len()).filter(|t| countdown.step(&rest, &steps[*t])).collect()
    }

    #[test]
    fn once_in_a_silence_that_is_long_enough() {
        let rest = Rest { output: 1, steps: 4 };
        // At the start there is nothing to forget.
        assert_eq!(due(rest, &[SILENT; 100]), [0usize; 0]);
        let heard = [&[LOUD][..], &[SILENT; 50], &[LOUD], &[SILENT; 3], &[LOUD], &[SILENT; 4], &[LOUD; 3]].concat();
        assert_eq!(due(rest, &heard), [4, 51 + 4 + 4]);
        assert_eq!(due(Rest { steps: 1, ..rest }, &heard), [1, 52, 56]);
        assert_eq!(due(Rest { steps: u16::MAX, ..rest }, &heard), [0usize; 0]);
    }

    #[test]
    fn equals_are_no_silence_and_no_output_is_none() {
        let heard = [LOUD, [7, 7, 0], [7, 7, 0], [7, 8, 0], [7, 8, 0]];
        assert_eq!(due(Rest { output: 1, steps: 2 }, &heard), [4]);
        assert_eq!(due(Rest { output: 3, steps: 1 }, &heard), [0usize; 0]);
        assert_eq!(due(Rest::NEVER, &heard), [0usize; 0]);
        // One output alone is above all others.
        let mut countdown = Countdown { left: 2 };
        let rest = Rest { output: 0, steps: 2 };
        assert!(!countdown.step(&rest, &[i16::MIN]) && countdown.step(&rest, &[i16::MIN]));
        assert!(!countdown.step(&rest, &[]));
    }
}
