//! A keyword spotter, whatever the board: a listener, and a light that goes on with an event.
//!
//! A board's `main` has the microphone and hands over blocks of samples; everything else is here, over embedded-hal.

use core::convert::Infallible;
use elman::Listener;
use elman::detect::Event;
use embedded_hal::digital::{ErrorType, OutputPin};

/// A light that goes on with an event and off some samples later.
#[derive(Debug)]
pub struct Indicator<P> {
    pin: P,
    /// Whether the pin is low where the light is on.
    low_is_on: bool,
    /// Samples for which it stays on.
    on_for: u32,
    left: u32,
}

impl<P: OutputPin> Indicator<P> {
    /// A light that is off; an event turns it on for `on_for` samples. `low_is_on`: the light is on where the pin is low.
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

    /// Turns the light on, for `on_for` samples from now.
    ///
    /// # Errors
    /// The pin's.
    pub fn blink(&mut self) -> Result<(), P::Error> {
        self.left = self.on_for;
        self.set(true)
    }

    /// Advances the time by `samples`; turns the light off when its time is over.
    ///
    /// # Errors
    /// The pin's.
    pub fn tick(&mut self, samples: u32) -> Result<(), P::Error> {
        let was_on = self.left > 0;
        self.left = self.left.saturating_sub(samples);
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

/// An event in a block, and the label of its class.
pub type Detection<'b> = Option<(Event, &'b str)>;

/// A listener and its light.
#[derive(Debug)]
pub struct Spotter<'m, 'b, P> {
    listener: Listener<'m, 'b>,
    light: Indicator<P>,
}

impl<'m, 'b, P: OutputPin> Spotter<'m, 'b, P> {
    /// A listener and a light that is off.
    pub fn new(listener: Listener<'m, 'b>, light: Indicator<P>) -> Self {
        Spotter { listener, light }
    }

    /// Takes a block of any length; its event, if it has one, and the label of the event's class.
    ///
    /// # Errors
    /// The light's pin's.
    pub fn process(&mut self, block: &[i16]) -> Result<Detection<'b>, P::Error> {
        self.light.tick(block.len() as u32)?;
        let Some(event) = self.listener.push(block) else { return Ok(None) };
        self.light.blink()?;
        Ok(Some((event, self.listener.label(&event).unwrap_or("?"))))
    }
}

/// Samples of a converter without sign, `bits` wide, around a bias that drifts slowly: brought to i16 around 0.
#[derive(Clone, Copy, Debug)]
pub struct Unbiased {
    /// The bias in Q16 of the converter's steps.
    bias: i64,
    bits: u8,
}

impl Unbiased {
    /// For a converter of 1 to 16 bits whose microphone's silence is in the middle.
    pub fn new(bits: u8) -> Self {
        let bits = bits.clamp(1, 16);
        Unbiased { bias: 1 << (15 + bits), bits }
    }

    /// The next sample. The bias follows with a time constant of 4096 samples.
    pub fn next(&mut self, raw: u16) -> i16 {
        let raw = i64::from(raw) << 16;
        self.bias += (raw - self.bias) >> 12;
        let centred = (raw - self.bias) >> self.bits;
        centred.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
    }
}

/// The bits of a microphone with pulse density modulation as samples, 64 bits each: three running sums at the rate of the
/// bits, three differences at that of the samples (a CIC filter of order 3).
#[derive(Clone, Copy, Debug, Default)]
pub struct PulseDensity {
    sums: [i32; 3],
    before: [i32; 3],
}

impl PulseDensity {
    /// Bits of a sample.
    pub const BITS: usize = 64;

    /// The next sample, from four words of 16 bits, the highest bit of each first.
    pub fn next(&mut self, words: [u16; 4]) -> i16 {
        for word in words {
            for k in (0..16).rev() {
                let mut x = i32::from(word >> k & 1) * 2 - 1;
                for sum in &mut self.sums {
                    *sum = sum.wrapping_add(x);
                    x = *sum;
                }
            }
        }
        let mut y = self.sums[2];
        for before in &mut self.before {
            let difference = y.wrapping_sub(*before);
            *before = y;
            y = difference;
        }
        // The gain is 64^3 = 2^18: full scale becomes 2^15.
        (y >> 3).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }
}
