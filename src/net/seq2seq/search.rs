//! Greedy decoding and beam search, over states that are in the caller's memory.

use super::beam::{Best, Hypotheses, Hypothesis};
use super::{END, Seq2seq, Workspace};
use crate::net::RunError;

/// A target that was written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'s> {
    words: &'s [u32],
    /// Whether it ends with the end symbol; otherwise the limit cut it off.
    pub ended: bool,
    /// log2 of its probability, the end's included, in Q.10; saturating.
    pub log2_p: i32,
}

impl Written<'_> {
    /// The symbols, without the end.
    pub fn symbols(&self) -> impl ExactSizeIterator<Item = u16> + '_ {
        self.words.iter().map(|w| *w as u16)
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

impl Seq2seq<'_, '_> {
    /// Reads a source, `[steps, inputs]`, and writes the most likely target: greedily, or by beam search with as many
    /// hypotheses as the model has, by the sum of their symbols' log-probabilities; at most [`Seq2seq::max_outputs`]
    /// symbols. Of equal ones the earlier hypothesis and the lower symbol go first.
    ///
    /// # Errors
    /// As [`Seq2seq::encode`].
    pub fn run(&mut self, frames: &[i16]) -> Result<Written<'_>, RunError> {
        self.encode(frames)?;
        let (beams, limit) = (self.beams, self.max_outputs);
        let mut live = Hypotheses::start();
        let mut ended: Option<Best> = None;
        let mut set = 0;
        let mut length = 0;
        for t in 0..limit {
            let mut next = Hypotheses::new(beams);
            for (k, h) in live.iter().enumerate() {
                let output = self.advance(set + k, h.symbol);
                next.extend(k, h.log2_p, &output);
            }
            let mut kept = Hypotheses::new(beams);
            for h in next.iter() {
                if h.symbol != END {
                    kept.push(*h);
                } else if ended.is_none_or(|best| h.log2_p > best.log2_p) {
                    ended = Some(Best { length: t, last: h.parent, log2_p: h.log2_p });
                }
            }
            live = kept;
            length = t.wrapping_add(1);
            // What is written only gets less likely.
            let done = live.iter().next().is_none_or(|h| ended.is_some_and(|best| best.log2_p >= h.log2_p));
            if done {
                break;
            }
            let other = if beams > 1 { beams.wrapping_sub(set) } else { 0 };
            self.keep(&live, t, [set, other]);
            set = other;
        }
        let best = ended.unwrap_or_else(|| {
            let log2_p = live.iter().next().map_or(0, |h| h.log2_p);
            Best { length, last: 0, log2_p }
        });
        Ok(self.trace_back(best, ended.is_some()))
    }

    /// Copies the states of the hypotheses kept at step `t` from the slots `from..` to those `to..`, and notes what they
    /// extend.
    fn keep(&mut self, live: &Hypotheses, t: usize, [from, to]: [usize; 2]) {
        let (beams, words) = (self.beams, self.plan.slot);
        let Workspace { slots, written, .. } = self.workspace();
        let note = written.iter_mut().skip(t.wrapping_mul(beams));
        for ((j, Hypothesis { symbol, parent, .. }), note) in live.iter().enumerate().zip(note) {
            *note = *symbol as u32 | (*parent as u32) << 16;
            if from != to {
                let at = |slot: usize| slot.wrapping_mul(words);
                let (start, goal) = (at(from.wrapping_add(*parent as usize)), at(to.wrapping_add(j)));
                for k in 0..words {
                    let value = slots.get(start.wrapping_add(k)).copied().unwrap_or(0);
                    if let Some(word) = slots.get_mut(goal.wrapping_add(k)) {
                        *word = value;
                    }
                }
            }
        }
    }

    /// Follows a hypothesis back from its last symbol and writes its symbols in order to the end of the notes, over those
    /// that have been read.
    fn trace_back(&mut self, best: Best, ended: bool) -> Written<'_> {
        let beams = self.beams;
        let written = self.workspace().written;
        let first = written.len().saturating_sub(best.length);
        let mut k = best.last as usize;
        for t in (0..best.length).rev() {
            let note = written.get(t.wrapping_mul(beams).wrapping_add(k)).copied().unwrap_or(0);
            k = (note >> 16) as usize;
            if let Some(word) = written.get_mut(first.wrapping_add(t)) {
                *word = note & 0xFFFF;
            }
        }
        Written { words: written.get(first..).unwrap_or_default(), ended, log2_p: best.log2_p }
    }
}
