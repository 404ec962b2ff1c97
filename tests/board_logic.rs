//! The board-independent logic against mocked pins, buses and delays.

use elman::audio::Config;
use elman::blob::{Blob, Model};
use elman_board::gesture::Gestures;
use elman_board::spotter::{Indicator, PulseDensity, Spotter, Unbiased};
use elman_quant::synthetic::{self, Drive, sound};
use elman_quant::words_of;
use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction as PinStep};
use embedded_hal_mock::eh1::i2c::{Mock as I2c, Transaction as I2cStep};
use lis3dh::{Lis3dh, SlaveAddr};

#[test]
fn the_light_goes_on_with_an_event_and_off_when_its_time_is_over() {
    let words = words_of(&sound::listener(Config::HZ_8000, 6, 6, 5).to_blob().unwrap()).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; Blob::new(&words).listener_words()];
    let samples = sound::samples(60_000, 9);
    // What the listener by itself tells, and from it what the light should do.
    let mut own = vec![0; memory.len()];
    let mut listener = elman::Listener::new(&model, &mut own).unwrap();
    let (mut steps, mut left) = (vec![PinStep::set(State::Low)], 0usize);
    let mut told = Vec::new();
    for block in samples.chunks(160) {
        if left > 0 {
            left = left.saturating_sub(block.len());
            if left == 0 {
                steps.push(PinStep::set(State::Low));
            }
        }
        if let Some(event) = listener.push(block) {
            steps.push(PinStep::set(State::High));
            left = 400;
            told.push(event);
        }
    }
    assert!(told.len() > 3 && steps.len() > told.len() + 2, "{} events", told.len());
    let mut pin = Pin::new(&steps);
    let light = Indicator::new(pin.clone(), false, 400).unwrap();
    let mut spotter = Spotter::new(elman::Listener::new(&model, &mut memory).unwrap(), light);
    let heard: Vec<_> = samples.chunks(160).filter_map(|b| spotter.process(b).unwrap()).collect();
    assert_eq!(heard.iter().map(|h| h.0).collect::<Vec<_>>(), told);
    assert!(heard.iter().all(|(event, name)| model.label(event.class) == Some(name)));
    pin.done();
}

#[test]
fn a_light_that_is_on_when_low() {
    let mut pin = Pin::new(&[State::High, State::Low, State::High].map(PinStep::set));
    let mut light = Indicator::new(pin.clone(), true, 10).unwrap();
    light.tick(5).unwrap();
    light.blink().unwrap();
    light.tick(9).unwrap();
    light.tick(1).unwrap();
    light.tick(100).unwrap();
    pin.done();
}

#[test]
fn samples_without_sign_lose_their_bias() {
    for bits in [8u8, 10, 12, 14, 16] {
        let mut converter = Unbiased::new(bits);
        let middle = 1u32 << (bits - 1);
        assert_eq!(converter.next(middle as u16), 0);
        // A bias a tenth off is gone after a few time constants; full scale stays within i16.
        let off = (middle + middle / 10) as u16;
        let mut last = 0;
        for _ in 0..40_000 {
            last = converter.next(off);
        }
        assert!(last.abs() < 16, "{bits} bits: {last}");
        assert!(converter.next(0) < -32_000 || bits == 8);
        assert!(converter.next(((1u32 << bits) - 1) as u16) > 25_000);
    }
}

#[test]
fn pulse_density_gives_the_mean_of_the_bits() {
    for (word, expected) in [(0xFFFF, 32_767), (0x0000, -32_768), (0x5555, 0), (0xEEEE, 16_384)] {
        let mut filter = PulseDensity::default();
        let samples: Vec<i16> = (0..8).map(|_| filter.next([word; 4])).collect();
        assert!(samples[4..].iter().all(|x| (i32::from(*x) - expected).abs() < 64), "{word:x}: {samples:?}");
    }
    // A sine of 500 Hz through a modulator of the first order comes back at its amplitude.
    let (mut filter, mut error) = (PulseDensity::default(), 0.0f64);
    let mut peak = 0;
    for n in 0..400usize {
        let words = [0usize, 1, 2, 3].map(|w| {
            (0..16).fold(0u16, |word, k| {
                let t = (n * 64 + w * 16 + k) as f64 / 1_024_000.0;
                error += 0.5 * (std::f64::consts::TAU * 500.0 * t).sin();
                let bit = error > 0.0;
                error -= if bit { 1.0 } else { -1.0 };
                word << 1 | u16::from(bit)
            })
        });
        let y = filter.next(words);
        peak = if n > 10 { peak.max(y) } else { 0 };
    }
    assert!((15_500..17_000).contains(&peak), "{peak}");
}

/// A LIS3DH as its registers, which writes down what is asked of it.
struct Registers {
    values: [u8; 128],
    said: Vec<I2cStep>,
}

impl embedded_hal::i2c::ErrorType for &mut Registers {
    type Error = core::convert::Infallible;
}

impl embedded_hal::i2c::I2c for &mut Registers {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [embedded_hal::i2c::Operation<'_>],
    ) -> Result<(), Self::Error> {
        use embedded_hal::i2c::Operation::{Read, Write};
        match operations {
            [Write(register), Read(to)] => {
                to.copy_from_slice(&self.values[usize::from(register[0] & 0x7F)..][..to.len()]);
                self.said.push(I2cStep::write_read(address, register.to_vec(), to.to_vec()));
            }
            [Write(bytes)] => {
                self.values[usize::from(bytes[0])] = bytes[1];
                self.said.push(I2cStep::write(address, bytes.to_vec()));
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }
}

/// What the driver asks of the sensor when it starts.
fn start() -> Vec<I2cStep> {
    let mut sensor = Registers { values: [0; 128], said: Vec::new() };
    sensor.values[0x0F] = 0x33;
    Lis3dh::new_i2c(&mut sensor, SlaveAddr::Default).unwrap();
    assert!(sensor.values[0x20] & 7 == 7, "all axes are on");
    sensor.said
}

#[test]
fn gestures_are_read_over_i2c() {
    gestures_of(synthetic::model("gru", 3, 6, 2, Drive::Ordinary, 4));
    // A model whose channels have an offset and a scale, in thousandths of g and in fractions of them.
    let mut scaled = synthetic::model("gru", 3, 6, 2, Drive::Ordinary, 4);
    let values: Vec<f64> = (-40..40).map(|k| f64::from(k) * 20.0).collect();
    let fractions: Vec<f64> = values.iter().map(|v| v + 0.25).collect();
    scaled.input = [&values, &values, &fractions].map(|v| elman_quant::channels::input(v, 15)).to_vec();
    assert!(scaled.input[2].raw_frac == 2);
    gestures_of(scaled);
}

/// Readings over I2C give the events of the same network over the same frames.
fn gestures_of(mut model: elman_quant::IntegerModel) {
    model.labels = vec!["none".into(), "ring".into()];
    model.detect = Some(elman::detect::Config {
        smooth: 2,
        refractory: 5,
        ..elman::detect::Config::new(&[0, 12_000].map(elman::detect::Probability::from_bits)).unwrap()
    });
    let words = words_of(&model.to_blob().unwrap()).unwrap();
    let loaded = Model::load(Blob::new(&words)).unwrap();
    // Readings of the sensor: left-justified 16 bits, little-endian.
    let readings: Vec<[i16; 3]> = (0..60i16).map(|k| [k * 500 - 15_000, (k % 7) * 2000, 16_384 - k * 100]).collect();
    // The synthetic model's input has 15 fraction bits: thousandths of g saturate, as the logic says.
    let frame = |reading: &[i16; 3]| {
        let thousandths = reading.map(|v| (i32::from(v) * 1000) >> 14);
        match loaded.input_scaling() {
            Some(scaling) => {
                let raw: Vec<i32> = scaling.channels().zip(thousandths).map(|(c, v)| v << c.raw_frac).collect();
                let mut frame = [0; 3];
                scaling.quantize_i32(&raw, &mut frame);
                frame
            }
            None => thousandths.map(|v| (v << 15).clamp(i16::MIN.into(), i16::MAX.into()) as i16),
        }
    };
    let frames = readings.iter().map(frame);
    let (mut states, mut sums) = (vec![0; loaded.memory_words()], vec![0; Blob::new(&words).detect_words()]);
    let mut net = loaded.stream(&mut states).unwrap();
    let mut detector = elman::detect::Detector::new(loaded.detect().unwrap(), &mut sums).unwrap();
    let expected: Vec<_> = frames
        .filter_map(|f| {
            let y = net.step(&f);
            detector.step(y.logits, y.frac)
        })
        .collect();
    assert!(!expected.is_empty());

    let mut steps = start();
    for reading in &readings {
        let bytes: Vec<u8> = reading.iter().flat_map(|v| v.to_le_bytes()).collect();
        steps.push(I2cStep::write_read(0x18, vec![0xA8], bytes));
    }
    let mut bus = I2c::new(&steps);
    let sensor = Lis3dh::new_i2c(bus.clone(), SlaveAddr::Default).unwrap();
    let mut pin = Pin::new(&light(&expected, readings.len()));
    let lamp = Indicator::new(pin.clone(), false, 100).unwrap();
    let mut memory = vec![0; loaded.memory_words() + Blob::new(&words).detect_words()];
    let mut gestures = Gestures::new(&loaded, &mut memory, sensor, lamp).unwrap();
    let told: Vec<_> = readings.iter().filter_map(|_| gestures.step(40).unwrap()).collect();
    assert_eq!(told.iter().map(|t| t.0).collect::<Vec<_>>(), expected);
    assert!(told.iter().all(|t| t.1 == "ring"));
    bus.done();
    pin.done();
}

/// The pin's steps for these events, at 40 ms a reading and 100 ms of light.
fn light(events: &[elman::detect::Event], readings: usize) -> Vec<PinStep> {
    let (mut steps, mut left) = (vec![PinStep::set(State::Low)], 0u32);
    for k in 0..readings as u32 {
        if left > 0 {
            left = left.saturating_sub(40);
            if left == 0 {
                steps.push(PinStep::set(State::Low));
            }
        }
        if events.iter().any(|e| e.step == k) {
            steps.push(PinStep::set(State::High));
            left = 100;
        }
    }
    steps
}
