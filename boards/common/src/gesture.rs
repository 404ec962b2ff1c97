//! A firmware that recognises gestures: an accelerometer over embedded-hal, a network, a detector and a light.

use elman::detect::Detector;
use elman::{MemoryError, Model, RunError, Stream};
use embedded_hal::digital::OutputPin;

use crate::spotter::{Detection, Indicator};
use lis3dh::accelerometer::RawAccelerometer;

/// A source of accelerations in thousandths of g, e.g. [`Lis3dh`](lis3dh::Lis3dh) over I2C or SPI.
pub trait Accelerometer {
    /// Of the bus.
    type Error;
    /// x, y, z.
    ///
    /// # Errors
    /// The bus'.
    fn read(&mut self) -> Result<[i16; 3], Self::Error>;
}

impl<C> Accelerometer for lis3dh::Lis3dh<C>
where
    C: lis3dh::Lis3dhCore,
    C::BusError: core::fmt::Debug,
    C::PinError: core::fmt::Debug,
{
    type Error = lis3dh::accelerometer::Error<lis3dh::Error<C::BusError, C::PinError>>;

    fn read(&mut self) -> Result<[i16; 3], Self::Error> {
        let raw = self.accel_raw()?;
        // Left-justified 16 bits of a range of 2 g: 16384 is 1 g.
        Ok([raw.x, raw.y, raw.z].map(|v| ((i32::from(v) * 1000) >> 14) as i16))
    }
}

/// Why a gesture is not read.
#[derive(Debug)]
pub enum Fault<S, P> {
    /// The sensor.
    Sensor(S),
    /// The light's pin.
    Light(P),
}

/// Thousandths of g as a frame: by the model's scaling, or with the fraction bits of its input.
fn frame(model: &Model<'_>, values: [i16; 3]) -> [i16; 3] {
    let Some(scaling) = model.input_scaling() else {
        let frac = model.in_frac();
        return values.map(|v| (i32::from(v) << (frac & 15)).clamp(i16::MIN.into(), i16::MAX.into()) as i16);
    };
    let mut frame = [0; 3];
    for ((x, value), channel) in frame.iter_mut().zip(values).zip(scaling.channels()) {
        *x = channel.quantize(channel.whole(value.into())).0;
    }
    frame
}

/// A network over an accelerometer.
#[derive(Debug)]
pub struct Gestures<'m, 'b, A, P> {
    net: Stream<'m, 'b>,
    detector: Detector<'m>,
    sensor: A,
    light: Indicator<P>,
}

impl<'m, 'b, A: Accelerometer, P: OutputPin> Gestures<'m, 'b, A, P> {
    /// At the start of a stream, of a model trained on thousandths of g that takes three values a frame. `memory` needs
    /// `Blob::memory_words` and `Blob::detect_words` words.
    ///
    /// # Errors
    /// Where the model has no detector, is no stream, or the memory is too small.
    pub fn new(model: &'m Model<'b>, memory: &'m mut [u32], sensor: A, light: Indicator<P>) -> Result<Self, RunError> {
        let Some(config) = model.detect() else {
            return Err(RunError::NotAListener { front_end: model.audio().is_some(), detector: false });
        };
        if model.inputs() != 3 {
            return Err(RunError::FrameLength { required: model.inputs(), provided: 3 });
        }
        let required = model.memory_words() + config.memory_words();
        if memory.len() < required {
            return Err(MemoryError { required, provided: memory.len() }.into());
        }
        let (states, sums) = memory.split_at_mut(model.memory_words());
        let detector = Detector::new(config, sums)?;
        Ok(Gestures { net: model.stream(states)?, detector, sensor, light })
    }

    /// One reading, `period_ms` after the one before: gives the gesture that was recognised, if there is one. The caller
    /// waits, by a timer that keeps the rate that the model was trained on, as embassy's `Ticker` does.
    ///
    /// # Errors
    /// [`Fault`]: the sensor's or the pin's.
    pub fn step(&mut self, period_ms: u32) -> Result<Detection<'b>, Fault<A::Error, P::Error>> {
        self.light.tick(period_ms).map_err(Fault::Light)?;
        let values = self.sensor.read().map_err(Fault::Sensor)?;
        let frame = frame(self.net.model(), values);
        let y = self.net.step(&frame);
        let event = self.detector.step(y.logits, y.frac);
        if self.detector.should_reset() {
            self.net.reset();
            self.detector.reset_window();
        }
        let Some(event) = event else { return Ok(None) };
        self.light.blink().map_err(Fault::Light)?;
        Ok(Some((event, self.net.model().label(event.class).unwrap_or("?"))))
    }
}
