//! A light that shows an event.

use core::convert::Infallible;
use embedded_hal::digital::{ErrorType, OutputPin};

/// A light that goes on with an event and off some time later.
#[derive(Debug)]
pub struct Indicator<P> {
    pin: P,
    /// Whether the pin is low where the light is on.
    low_is_on: bool,
    /// For how long it stays on.
    on_for: u32,
    left: u32,
}

impl<P: OutputPin> Indicator<P> {
    /// A light that is off, and stays on for `on_for` once it is on: in samples, milliseconds or whatever
    /// [`tick`](Indicator::tick) counts. `low_is_on`: the light is on where the pin is low.
    ///
    /// # Errors
    /// The pin's.
    pub fn new(pin: P, low_is_on: bool, on_for: u32) -> Result<Self, P::Error> {
        let mut light = Indicator { pin, low_is_on, on_for, left: 0 };
        light.set(false)?;
        Ok(light)
    }

    fn set(&mut self, on: bool) -> Result<(), P::Error> {
        if on != self.low_is_on { self.pin.set_high() } else { self.pin.set_low() }
    }

    /// Goes on.
    ///
    /// # Errors
    /// The pin's.
    pub fn blink(&mut self) -> Result<(), P::Error> {
        self.left = self.on_for;
        self.set(true)
    }

    /// Time passes; goes off where it is over.
    ///
    /// # Errors
    /// The pin's.
    pub fn tick(&mut self, time: u32) -> Result<(), P::Error> {
        let was_on = self.left > 0;
        self.left = self.left.saturating_sub(time);
        if was_on && self.left == 0 { self.set(false) } else { Ok(()) }
    }
}

/// The pin of a board without a light.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLed;

impl ErrorType for NoLed {
    type Error = Infallible;
}

impl OutputPin for NoLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
