//! The model's audio front end by itself: every feature, and the ticks of each stage of the work.

use core::cell::Cell;

use elman::Model;
use elman::audio::{FrontEnd, Stage};
use elman::kernel::word;
use elman_messages::{Failure, Outcome, Request, fill};

use super::{failure, split, words_of};
use crate::Clock;
use crate::link::Runner;

/// Stages of the work.
const STAGES: usize = 5;

/// A front end.
pub(crate) struct FrontEnds<'m, C> {
    front_end: FrontEnd<'m>,
    samples: &'m mut [i16],
    features: &'m mut [u32],
    /// Numbers of the answer.
    answer: usize,
    ticks: [u32; STAGES],
    clock: &'m C,
}

impl<'m, C: Clock> FrontEnds<'m, C> {
    pub(crate) fn new(model: &'m Model<'_>, words: &'m mut [u32], clock: &'m C) -> Result<Self, Failure> {
        let config = *model.audio().ok_or(Failure::WrongModel)?;
        let (memory, words) = split(words, config.memory_words())?;
        let front_end = FrontEnd::new(config, memory).map_err(|e| failure(e.into()))?;
        let (samples, words) = split(words, words_of(config.hop.into()))?;
        let (features, _) = split(words, words_of(config.features()))?;
        Ok(FrontEnds { front_end, samples: word::halves_mut(samples), features, answer: 0, ticks: [0; STAGES], clock })
    }
}

/// A block through the front end, its last frame's features to `features`; how many frames it completed.
#[inline(never)]
fn counted_block(
    front_end: &mut FrontEnd<'_>,
    samples: &[i16],
    features: &mut [u32],
    ticks: &mut [u32; STAGES],
    clock: &impl Clock,
) -> u32 {
    let last = Cell::new(clock.now());
    let since = || {
        let ticks = clock.now().wrapping_sub(last.get());
        last.set(clock.now());
        ticks
    };
    let mut frames = 0u32;
    last.set(clock.now());
    front_end.push_with_probe(
        samples,
        |frame| {
            frames = frames.wrapping_add(1);
            for (to, from) in word::halves_mut(features).iter_mut().zip(frame) {
                *to = *from;
            }
            last.set(clock.now());
        },
        |stage: Stage| {
            let spent = since();
            if let Some(ticks) = ticks.get_mut(stage as usize) {
                *ticks = ticks.wrapping_add(spent);
            }
        },
    );
    frames
}

impl<C: Clock> Runner for FrontEnds<'_, C> {
    fn answer(&mut self, request: Request<'_>) -> Result<Outcome, Failure> {
        let bytes = match request {
            Request::Samples(bytes) => bytes,
            Request::Reset => {
                self.front_end.reset();
                (self.ticks, self.answer) = ([0; STAGES], 0);
                return Ok(Outcome::Done);
            }
            _ => return Err(Failure::WrongTask),
        };
        let samples = block(self.samples, self.front_end.config().hop, bytes)?;
        self.answer = 0;
        if counted_block(&mut self.front_end, samples, self.features, &mut self.ticks, self.clock) == 0 {
            return Ok(Outcome::Done);
        }
        self.answer = self.front_end.config().features();
        Ok(Outcome::Features { stages: core::mem::take(&mut self.ticks) })
    }

    fn bytes(&self) -> &[u8] {
        word::bytes(self.features).get(..self.answer.saturating_mul(2)).unwrap_or_default()
    }
}

/// The samples in `bytes`, at most a hop, in `buffer`.
pub(super) fn block<'s>(buffer: &'s mut [i16], hop: u16, bytes: &[u8]) -> Result<&'s [i16], Failure> {
    let provided = bytes.len() / 2;
    let wrong = Failure::Length { required: hop.into(), provided: provided as u32 };
    if provided > hop as usize {
        return Err(wrong);
    }
    let samples = buffer.get_mut(..provided).ok_or(wrong)?;
    if fill(samples, bytes) { Ok(samples) } else { Err(wrong) }
}
