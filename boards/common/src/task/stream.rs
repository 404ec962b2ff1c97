//! A step a frame, and after each the stream's snapshot.

use elman::kernel::word;
use elman::{Model, Stream};
use elman_messages::{Failure, Outcome, Request, fill};

use super::{failure, split, words_of};
use crate::Clock;
use crate::link::Runner;

/// The steps of a stream.
pub(crate) struct Streams<'m, 'b, C> {
    net: Stream<'m, 'b>,
    frame: &'m mut [i16],
    snapshot: &'m mut [u32],
    clock: &'m C,
}

/// One step and its ticks. Never inlined, so that what surrounds it stays out of the count.
#[inline(never)]
fn counted_step(stream: &mut Stream<'_, '_>, frame: &[i16], clock: &impl Clock) -> u32 {
    clock.measure(|| {
        stream.step_by_length(frame);
    })
}

impl<'m, 'b, C: Clock> Streams<'m, 'b, C> {
    pub(crate) fn new(model: &'m Model<'b>, words: &'m mut [u32], clock: &'m C) -> Result<Self, Failure> {
        if model.max_steps() > 0 {
            return Err(Failure::WrongModel);
        }
        let (memory, words) = split(words, model.memory_words())?;
        let net = model.stream(memory).map_err(failure)?;
        let (frame, words) = split(words, words_of(model.inputs()))?;
        let (snapshot, _) = split(words, net.snapshot_words())?;
        let frame = word::halves_mut(frame).get_mut(..model.inputs()).unwrap_or_default();
        Ok(Streams { net, frame, snapshot, clock })
    }
}

impl<C: Clock> Runner for Streams<'_, '_, C> {
    fn answer(&mut self, request: Request<'_>) -> Result<Outcome, Failure> {
        let bytes = match request {
            Request::Step(bytes) => bytes,
            Request::Reset => {
                self.net.reset();
                return Ok(Outcome::Done);
            }
            _ => return Err(Failure::WrongTask),
        };
        // In closed loop a frame comes without what the model feeds back.
        let (required, provided) = (self.frame.len(), bytes.len() / 2);
        let external = self.net.model().external_inputs();
        let wrong = Failure::Length { required: required as u32, provided: provided as u32 };
        let Some(frame) = self.frame.get_mut(..provided) else { return Err(wrong) };
        if !fill(frame, bytes) || (provided != required && provided != external) {
            return Err(wrong);
        }
        let ticks = counted_step(&mut self.net, frame, self.clock);
        self.net.snapshot(self.snapshot).map_err(failure)?;
        Ok(Outcome::Step { ticks })
    }

    fn bytes(&self) -> &[u8] {
        word::bytes(self.snapshot)
    }
}
