//! Which streams an epoch trains on: seeds of new ones, and of the hard negatives, in which a wrong word was detected.

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The streams of an epoch and the hard negatives. Stored in a file, so that a resumed run continues with the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slots {
    /// The epoch before which hard negatives were last searched for, plus one.
    #[serde(alias = "mined")]
    searched: usize,
    /// Seeds of streams with false accepts, the latest last.
    #[serde(alias = "hard")]
    hard_negatives: Vec<u64>,
    /// Of each place in the epoch: the epoch from which its stream is used, plus one, and the stream's seed.
    places: Vec<(usize, u64)>,
}

impl Slots {
    /// From a file; empty where there is none.
    pub fn read(path: Option<&Path>) -> Self {
        let text = path.and_then(|path| std::fs::read(path).ok());
        text.and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
    }

    /// Writes the file. Where it cannot be written, a resumed run has other streams, and no other harm is done.
    pub fn write(&self, path: Option<&PathBuf>) {
        if let (Some(path), Ok(text)) = (path, serde_json::to_vec(self)) {
            let _ = elman_data::files::write_atomically(path, &text);
        }
    }

    /// Whether hard negatives are to be searched for before `epoch`, every so many epochs.
    pub fn search_due(&self, epoch: usize, every: usize) -> bool {
        every > 0 && epoch > 0 && epoch.is_multiple_of(every) && self.searched != epoch + 1
    }

    /// Adds hard negatives that were found before `epoch`; the latest `most` are kept, as these are what the network gets
    /// wrong now.
    pub fn add_hard_negatives(&mut self, epoch: usize, found: Vec<u64>, most: usize) {
        self.searched = epoch + 1;
        self.hard_negatives.extend(found);
        self.hard_negatives.drain(..self.hard_negatives.len().saturating_sub(most));
    }

    /// Gives each of `n` places its stream for `epoch`: the one it has, for `reuse` epochs, then another. At most
    /// `hard_share` of the new ones are hard negatives, and never more than twice as many as there are.
    pub fn turn(&mut self, epoch: usize, n: usize, reuse: usize, hard_share: f64, seed: u64) {
        self.places.resize(n, (0, 0));
        let reuse = reuse.max(1);
        let share = hard_share.min(2.0 * self.hard_negatives.len() as f64 / n.max(1) as f64);
        for (k, (since, stream)) in self.places.iter_mut().enumerate() {
            // Places change at different epochs, a like number at each.
            let due = (epoch + k).is_multiple_of(reuse) && *since != epoch + 1;
            if *since == 0 || due {
                let mut rng = ChaCha8Rng::seed_from_u64(seed ^ (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                rng.set_stream(epoch as u64);
                *stream = rng.random();
                if !self.hard_negatives.is_empty() && rng.random_range(0.0..1.0) < share {
                    *stream = self.hard_negatives[rng.random_range(0..self.hard_negatives.len())];
                }
                *since = epoch + 1;
            }
        }
    }

    /// The seed of a place's stream.
    pub fn seed(&self, place: usize) -> u64 {
        self.places.get(place).map_or(place as u64, |(_, seed)| *seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(slots: &Slots) -> Vec<u64> {
        (0..12).map(|k| slots.seed(k)).collect()
    }

    #[test]
    fn a_third_changes_each_epoch_and_a_repeated_epoch_changes_nothing() {
        let mut slots = Slots::default();
        slots.turn(0, 12, 3, 0.0, 7);
        let first = seeds(&slots);
        slots.turn(1, 12, 3, 0.0, 7);
        let second = seeds(&slots);
        assert_eq!(first.iter().zip(&second).filter(|(a, b)| a != b).count(), 4);
        let again = Slots::read(None);
        assert_eq!(again, Slots::default());
        slots.turn(1, 12, 3, 0.0, 7);
        assert_eq!(seeds(&slots), second);
        slots.turn(2, 12, 3, 0.0, 7);
        slots.turn(3, 12, 3, 0.0, 7);
        assert!(seeds(&slots).iter().zip(&first).all(|(a, b)| a != b));
    }

    #[test]
    fn hard_ones_come_in_their_share() {
        let mut slots = Slots::default();
        assert!(slots.search_due(10, 10) && !slots.search_due(5, 10) && !slots.search_due(0, 10));
        slots.add_hard_negatives(10, (0..100).collect(), 60);
        assert!(!slots.search_due(10, 10) && slots.hard_negatives == (40..100).collect::<Vec<_>>());
        slots.turn(10, 1000, 1, 0.3, 1);
        let hard = (0..1000).filter(|k| slots.seed(*k) < 100).count();
        // No more than twice as many as there are.
        assert!((80..160).contains(&hard), "{hard}");
    }
}
