//! A firmware that listens, whatever the board: a listener and a light that shows an event.
//!
//! A board's `main` has the microphone and hands over blocks of samples; everything else is here, over embedded-hal.

use elman::detect::Event;
use elman::{Listener, Model, RunError};
use embedded_hal::digital::OutputPin;

use crate::led::Indicator;

/// What was detected in a block, and its label.
pub type Detected<'b> = Option<(Event, &'b str)>;

/// A listener and its light.
#[derive(Debug)]
pub struct Spotter<'m, 'b, P> {
    listener: Listener<'m, 'b>,
    light: Indicator<P>,
}

impl<'m, 'b, P: OutputPin> Spotter<'m, 'b, P> {
    /// A listener at the start of a stream; `memory` is what `Blob::listener_words` says.
    ///
    /// # Errors
    /// As [`Listener::new`].
    pub fn new(model: &'m Model<'b>, memory: &'m mut [u32], light: Indicator<P>) -> Result<Self, RunError> {
        Ok(Spotter { listener: Listener::new(model, memory)?, light })
    }

    /// Takes a block of any length; what was detected in it, and its label.
    ///
    /// # Errors
    /// The light's pin's.
    pub fn process(&mut self, block: &[i16]) -> Result<Detected<'b>, P::Error> {
        self.light.tick(block.len() as u32)?;
        let Some(event) = self.listener.push(block) else { return Ok(None) };
        self.light.blink()?;
        Ok(Some((event, self.listener.model().label(event.class.into()).unwrap_or("?"))))
    }
}
