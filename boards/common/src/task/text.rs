//! A prompt in, symbols out.

use elman::net::{Sampler, Temperature};
use elman::{Model, Stream};
use elman_messages::{Failure, Outcome, Request, numbers};

use super::failure;
use crate::Clock;
use crate::link::Runner;

/// Seed, bits of the temperature, and k of the k best.
type Sampling = (u64, u16, u16);

/// A text.
pub(crate) struct Texts<'m, 'b, C> {
    net: Stream<'m, 'b>,
    sampling: Sampling,
    sampler: Sampler,
    /// What the model reads next; none before the prompt.
    symbol: Option<u16>,
    clock: &'m C,
}

/// One step and draw, and the ticks.
#[inline(never)]
fn counted_draw(stream: &mut Stream<'_, '_>, symbol: u16, sampler: &mut Sampler, clock: &impl Clock) -> (u32, u16) {
    let mut next = 0;
    let ticks = clock.measure(|| next = stream.next_symbol(symbol, sampler));
    (ticks, next)
}

fn sampler((seed, temperature, top_k): Sampling) -> Sampler {
    Sampler::new(seed, Temperature::from_bits(temperature), top_k)
}

impl<'m, 'b, C: Clock> Texts<'m, 'b, C> {
    pub(crate) fn new(
        model: &'m Model<'b>,
        words: &'m mut [u32],
        sampling: Sampling,
        clock: &'m C,
    ) -> Result<Self, Failure> {
        if model.text().is_none() {
            return Err(Failure::WrongModel);
        }
        let net = model.stream(words).map_err(failure)?;
        Ok(Texts { net, sampling, sampler: sampler(sampling), symbol: None, clock })
    }
}

impl<C: Clock> Runner for Texts<'_, '_, C> {
    fn answer(&mut self, request: Request<'_>) -> Result<Outcome, Failure> {
        match request {
            Request::Reset => {
                self.net.reset();
                (self.sampler, self.symbol) = (sampler(self.sampling), None);
                Ok(Outcome::Done)
            }
            Request::Prompt(bytes) => {
                // All but the last symbol of the prompt only advance the states.
                for symbol in numbers(bytes) {
                    if let Some(before) = self.symbol.replace(symbol as u16) {
                        self.net.advance(&[before as i16]);
                    }
                }
                Ok(Outcome::Done)
            }
            Request::Draw => {
                let symbol = self.symbol.ok_or(Failure::Length { required: 1, provided: 0 })?;
                let (ticks, symbol) = counted_draw(&mut self.net, symbol, &mut self.sampler, self.clock);
                self.symbol = Some(symbol);
                Ok(Outcome::Symbol { ticks, symbol })
            }
            _ => Err(Failure::WrongTask),
        }
    }

    fn bytes(&self) -> &[u8] {
        &[]
    }
}
