//! The streaming front end: samples in, log-mel frames out.

use super::{Config, Error, FEATURE_FRAC, MAX_CHANNELS, Operations, fft, mel, sine};
use crate::arith::log2::log2_ten;
use crate::kernel::butterfly::Complex;
use crate::kernel::word::mul_high;
use crate::memory::MemoryError;

const _: () = assert!(FEATURE_FRAC + 1 == 10);

/// Fraction bits of a sample after mean and pre-emphasis.
const SAMPLE_FRAC: u32 = 12;

/// The work on a frame, in this order.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Samples to the ring.
    Store,
    /// The frame out of the ring, without its mean.
    Unroll,
    /// Scale and window.
    Window,
    /// The spectrum; skipped for digital silence, as the window.
    Transform,
    /// Energies of the bands, and their logarithms.
    Bands,
}

/// A streaming log-mel front end over memory of the caller.
#[derive(Debug)]
pub struct FrontEnd<'a> {
    config: Config,
    operations: &'static Operations,
    /// The last `window` samples, as a ring.
    ring: &'a mut [i16],
    /// The frame, then its spectrum.
    buffer: &'a mut [u32],
    /// Edges of the mel bands.
    edges: &'a mut [u32],
    /// Noise in each band, in two words; empty without spectral subtraction.
    noises: &'a mut [[u32; 2]],
    /// Mean energy of each band, in two words; empty without PCEN.
    means: &'a mut [[u32; 2]],
    /// Where the next sample goes.
    head: usize,
    /// Samples still missing from the next frame.
    missing: usize,
}

/// A front end's memory in its parts, named as its fields.
struct Parts<'a> {
    ring: &'a mut [i16],
    buffer: &'a mut [u32],
    edges: &'a mut [u32],
    noises: &'a mut [[u32; 2]],
    means: &'a mut [[u32; 2]],
}

impl<'a> Parts<'a> {
    /// `None` where the memory is too small.
    #[inline(always)]
    fn of(config: &Config, memory: &'a mut [u32]) -> Option<Self> {
        let (ring, rest) = memory.split_at_mut_checked((config.window as usize).div_ceil(2))?;
        let (buffer, rest) = rest.split_at_mut_checked(config.fft())?;
        let ring = crate::kernel::word::halves_mut(ring).get_mut(..config.window as usize)?;
        let (edges, rest) = rest.split_at_mut_checked((config.channels as usize).wrapping_add(2))?;
        let bands = |present: bool| if present { config.channels as usize } else { 0 };
        let estimates: &mut [[u32; 2]] = rest.as_chunks_mut().0;
        let (noises, rest) = estimates.split_at_mut_checked(bands(config.spectral_subtraction.is_some()))?;
        let means = rest.get_mut(..bands(config.pcen.is_some()))?;
        Some(Parts { ring, buffer, edges, noises, means })
    }
}

/// What a front end keeps between samples, in addition to its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Where in the ring the next sample goes.
    head: usize,
    /// Samples still missing from the next frame.
    missing: usize,
}

impl<'a> FrontEnd<'a> {
    /// A front end at the start of a stream. `memory` needs [`Config::memory_words`] words, whatever they hold.
    ///
    /// # Errors
    /// The errors of [`Config::check`], and [`Error::Memory`].
    pub fn new(config: Config, memory: &'a mut [u32]) -> Result<Self, Error> {
        FrontEnd::with_operations(&Operations::ALL, config, memory)
    }

    /// A front end that has only the operations named, so that no others are linked. That of a model is
    /// [`Model::front_end`](crate::Model::front_end).
    ///
    /// # Errors
    /// As [`FrontEnd::new`], and [`Error::OperationMissing`].
    pub fn with_operations(
        operations: &'static Operations,
        config: Config,
        memory: &'a mut [u32],
    ) -> Result<Self, Error> {
        config.check_with(operations)?;
        let too_small = MemoryError { required: config.memory_words(), provided: memory.len() };
        let Parts { ring, buffer, edges, noises, means } = Parts::of(&config, memory).ok_or(too_small)?;
        for (i, e) in edges.iter_mut().enumerate() {
            *e = mel::edge(&config, i as u32);
        }
        let mut this = FrontEnd { config, operations, ring, buffer, edges, noises, means, head: 0, missing: 0 };
        this.reset();
        Ok(this)
    }

    /// A front end that goes on where one at this position, over the same memory, ended; `None` where the memory is too
    /// small. The parameters are valid.
    #[inline(always)]
    pub(crate) fn resume(
        operations: &'static Operations,
        config: Config,
        memory: &'a mut [u32],
        position: Position,
    ) -> Option<Self> {
        let Parts { ring, buffer, edges, noises, means } = Parts::of(&config, memory)?;
        let Position { head, missing } = position;
        Some(FrontEnd { config, operations, ring, buffer, edges, noises, means, head, missing })
    }

    /// What [`FrontEnd::resume`] goes on from.
    #[inline(always)]
    pub(crate) fn position(&self) -> Position {
        Position { head: self.head, missing: self.missing }
    }

    /// The parameters.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Back to the start of a stream: the next frame starts at the next sample.
    pub fn reset(&mut self) {
        self.reset_estimates();
        self.head = 0;
        self.missing = self.config.window as usize;
    }

    /// Resets the energies that spectral subtraction and PCEN keep: the next frame is the first of them. The samples of the
    /// window stay.
    pub fn reset_estimates(&mut self) {
        self.noises.fill([0; 2]);
        self.means.fill([0; 2]);
    }

    /// Takes a block of any length and calls `on_frame` with the features of each frame that it completes, in order:
    /// [`Config::features`] values in Q6.9: log2(E + 2^floor), low bands first, or the result of PCEN or the cepstrum.
    #[inline]
    pub fn push(&mut self, samples: &[i16], on_frame: impl FnMut(&[i16])) {
        self.push_with_probe(samples, on_frame, |_| ());
    }

    /// [`FrontEnd::push`] that also calls `done` after each stage of the work on a frame, so that its cost can be measured.
    #[doc(hidden)]
    #[inline]
    pub fn push_with_probe(&mut self, samples: &[i16], mut on_frame: impl FnMut(&[i16]), done: impl FnMut(Stage)) {
        let on_frame = |features: &[i16]| {
            on_frame(features);
            false
        };
        self.take(samples, on_frame, done);
    }

    /// [`FrontEnd::push`] until `on_frame` says that the stream should stop after a frame; the samples that are left.
    #[inline]
    pub(crate) fn push_until<'s>(&mut self, samples: &'s [i16], on_frame: impl FnMut(&[i16]) -> bool) -> &'s [i16] {
        self.take(samples, on_frame, |_| ())
    }

    #[inline]
    fn take<'s>(
        &mut self,
        samples: &'s [i16],
        mut on_frame: impl FnMut(&[i16]) -> bool,
        mut done: impl FnMut(Stage),
    ) -> &'s [i16] {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(self.missing).unwrap_or((rest, &[]));
            rest = later;
            self.store(now);
            done(Stage::Store);
            self.missing = self.missing.saturating_sub(now.len());
            if self.missing == 0 {
                self.missing = self.config.hop as usize;
                let mut features = [0; MAX_CHANNELS];
                self.frame(&mut features, &mut done);
                if on_frame(features.get(..self.config.features()).unwrap_or(&[])) {
                    break;
                }
            }
        }
        rest
    }

    fn store(&mut self, samples: &[i16]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let Some(free) = self.ring.get_mut(self.head..) else { return };
            let n = free.len().min(rest.len());
            let Some((now, later)) = rest.split_at_checked(n) else { return };
            free.iter_mut().zip(now).for_each(|(old, &new)| *old = new);
            self.head = if n == free.len() { 0 } else { self.head.wrapping_add(n) };
            rest = later;
        }
    }

    fn frame(&mut self, features: &mut [i16; MAX_CHANNELS], done: &mut impl FnMut(Stage)) {
        let loudest = self.unroll();
        done(Stage::Unroll);
        let mut exponent = 0;
        if loudest == 0 {
            self.buffer.fill(0);
        } else {
            exponent = self.apply_window(loudest.leading_zeros().saturating_sub(2));
            done(Stage::Window);
            fft::real(self.buffer.as_chunks_mut().0);
        }
        done(Stage::Transform);
        let spectrum: &[Complex] = self.buffer.as_chunks().0;
        let floor = 1u64 << ((self.config.floor_log2 as u32).wrapping_add(mel::ENERGY_FRAC) & 63);
        let mut edges = self.edges.iter().copied();
        let mut from = edges.next().unwrap_or(0);
        let mut to = edges.next().unwrap_or(0);
        let mut here = mel::between(spectrum, from, to, exponent);
        let estimates = !self.noises.is_empty() || !self.means.is_empty();
        let (mut noises, mut means) = (self.noises.iter_mut(), self.means.iter_mut());
        for (feature, next) in features.iter_mut().zip(edges) {
            (from, to) = (to, next);
            let rising = here.rising;
            here = mel::between(spectrum, from, to, exponent);
            let mut energy = rising.saturating_add(here.falling).saturating_add(floor);
            // Most front ends keep no estimates: one question a band instead of two.
            if estimates {
                if let (Some(subtraction), Some((_, left))) =
                    (&self.config.spectral_subtraction, self.operations.spectral_subtraction)
                    && let Some(noise) = noises.next()
                {
                    energy = left(subtraction, energy, noise).saturating_add(floor);
                }
                if let (Some(pcen), Some((_, normalised))) = (&self.config.pcen, self.operations.pcen)
                    && let Some(mean) = means.next()
                {
                    *feature = normalised(pcen, energy, mean);
                    continue;
                }
            }
            // One bit more than the format has, to round by.
            let log = log2_ten(energy).wrapping_sub(mel::ENERGY_FRAC << (FEATURE_FRAC + 1));
            let log = log.wrapping_add(1) >> 1;
            *feature = log.min(i16::MAX as u32) as i16;
        }
        if let (Some(transform), 1..) = (self.operations.cepstrum, self.config.cepstrum) {
            transform(features, self.config.channels.into(), self.config.cepstrum.into());
        }
        done(Stage::Bands);
    }

    /// Copies the frame out of the ring, oldest sample first, subtracting mean and applying pre-emphasis; in Q.12.
    /// Returns the OR of all magnitudes.
    #[inline(never)]
    fn unroll(&mut self) -> u32 {
        let Some((newest, oldest)) = self.ring.split_at_checked(self.head) else { return 0 };
        let mut mean = 0;
        if self.config.remove_dc {
            let sum = sum(self.ring);
            let n = (self.ring.len() as i32).max(1);
            let whole = sum.wrapping_div(n);
            let rest = sum.wrapping_sub(whole.wrapping_mul(n));
            mean = (whole << SAMPLE_FRAC).wrapping_add((rest << SAMPLE_FRAC).wrapping_div(n));
        }
        let Some((head, tail)) = self.buffer.split_at_mut_checked(oldest.len()) else { return 0 };
        if self.config.pre_emphasis == 0 {
            return centre(head, oldest, mean) | centre(tail, newest, mean);
        }
        let a = (self.config.pre_emphasis as i32) << 15;
        let mut before = oldest.first().map_or(0, |&x| centred(x, mean));
        let mut any = 0;
        for (part, samples) in [(head, oldest), (tail, newest)] {
            for (out, &x) in part.iter_mut().zip(samples) {
                // a is Q0.15 and the high word drops 32 bits: 17 more go in, spread over both.
                let x = centred(x, mean);
                let y = x.wrapping_sub(mul_high(before << 2, a));
                before = x;
                any |= y ^ y >> 31;
                *out = y as u32;
            }
        }
        any as u32
    }

    /// Scales the frame up by 2^`up`, windows it, pads it with zeros, and scales it so that no sum in the FFT can
    /// overflow. Returns the exponent of a sample in the buffer.
    #[inline(never)] // Registers: in one function with the rest each loop would keep its numbers on the stack.
    fn apply_window(&mut self, up: u32) -> u32 {
        let window = self.config.window as usize;
        let down = (self.config.fft_log2 as u32).wrapping_sub(1) & 31;
        // 2^-down as a factor of a product's high half, which rounds.
        let scale = 1i32 << (32u32.wrapping_sub(down) & 31);
        let step = u32::MAX / (window as u32).max(1);
        let mut phase = step >> 1;
        let shape = |x: &mut u32, w: i32| {
            let y = mul_high((*x as i32) << (up & 31), w);
            *x = mul_high(y, scale) as u32;
        };
        let Some((frame, padding)) = self.buffer.split_at_mut_checked(window) else { return 0 };
        padding.fill(0);
        let Some((front, back)) = frame.split_at_mut_checked(window / 2) else { return 0 };
        // Symmetric: sample n and window - 1 - n share a weight.
        let mut mirrored = back.iter_mut().rev();
        for (x, y) in front.iter_mut().zip(mirrored.by_ref()) {
            let w = sine::hann(phase);
            phase = phase.wrapping_add(step);
            shape(x, w);
            shape(y, w);
        }
        if let Some(middle) = mirrored.next() {
            shape(middle, sine::hann(phase));
        }
        SAMPLE_FRAC.wrapping_add(up).wrapping_sub(1).wrapping_sub(down)
    }
}

/// A sample without the mean, in Q.12.
#[inline(always)]
fn centred(x: i16, mean: i32) -> i32 {
    ((x as i32) << SAMPLE_FRAC).wrapping_sub(mean)
}

/// Σ x
fn sum(samples: &[i16]) -> i32 {
    let (fours, rest) = samples.as_chunks::<4>();
    let mut sum = 0i32;
    for [a, b, c, d] in fours {
        sum = sum.wrapping_add(*a as i32 + *b as i32 + *c as i32 + *d as i32);
    }
    rest.iter().fold(sum, |sum, x| sum.wrapping_add(*x as i32))
}

/// Samples without the mean, in Q.12; the OR of all magnitudes. Four at a time: the loop is half the work otherwise.
fn centre(out: &mut [u32], samples: &[i16], mean: i32) -> u32 {
    let mut any = 0;
    let mut one = |out: &mut u32, x: &i16| {
        let x = centred(*x, mean);
        any |= x ^ x >> 31;
        *out = x as u32;
    };
    let (fours, rest) = samples.as_chunks::<4>();
    let (to, to_rest) = out.split_at_mut(out.len().min(fours.len() * 4));
    for ([a, b, c, d], [w, x, y, z]) in to.as_chunks_mut::<4>().0.iter_mut().zip(fours) {
        one(a, w);
        one(b, x);
        one(c, y);
        one(d, z);
    }
    for (out, x) in to_rest.iter_mut().zip(rest) {
        one(out, x);
    }
    any as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::TAU;
    use std::vec;
    use std::vec::Vec;

    const DEFAULTS: [Config; 2] = [Config::HZ_16000, Config::HZ_8000];

    fn run(config: Config, chunks: &mut dyn Iterator<Item = &[i16]>) -> Vec<i16> {
        let mut memory = vec![0xdead_beef; config.memory_words()];
        let mut front_end = FrontEnd::new(config, &mut memory).unwrap();
        let mut all = Vec::new();
        chunks.for_each(|chunk| front_end.push(chunk, |frame| all.extend_from_slice(frame)));
        all
    }

    fn features(config: Config, samples: &[i16]) -> Vec<i16> {
        run(config, &mut core::iter::once(samples))
    }

    fn noise(n: usize, amplitude: f64, seed: u32) -> Vec<i16> {
        let mut seed = seed;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed as i32 as f64 / 2f64.powi(31)
        };
        (0..n).map(|_| (next() * amplitude) as i16).collect()
    }

    /// The definition in f64: log2(Σ w·|X|² + 2^floor) of each frame.
    fn reference(config: &Config, samples: &[i16]) -> Vec<f64> {
        let (window, n) = (config.window as usize, config.fft());
        let mel = |hz: f64| (1.0 + hz / 700.0).ln();
        let (low, high) = (mel(config.low_hz as f64), mel(config.high_hz as f64));
        let edge = |i: usize| {
            let at = low + (high - low) * i as f64 / (config.channels as f64 + 1.0);
            700.0 * (at.exp() - 1.0) * n as f64 / config.sample_rate as f64
        };
        let plan = realfft::RealFftPlanner::<f64>::new().plan_fft_forward(n);
        let mut all = Vec::new();
        for frame in samples.windows(window).step_by(config.hop as usize) {
            let mean =
                if config.remove_dc { frame.iter().map(|&x| x as f64).sum::<f64>() / window as f64 } else { 0.0 };
            let a = config.pre_emphasis as f64 / 32_768.0;
            let mut input = vec![0.0; n];
            for i in 0..window {
                let (x, before) = (frame[i] as f64 - mean, frame[i.saturating_sub(1)] as f64 - mean);
                input[i] = (x - a * before) * (0.5 - 0.5 * (TAU * (i as f64 + 0.5) / window as f64).cos());
            }
            let mut spectrum = plan.make_output_vec();
            plan.process(&mut input, &mut spectrum).unwrap();
            for c in 0..config.channels as usize {
                let (from, centre, to) = (edge(c), edge(c + 1), edge(c + 2));
                let energy: f64 = (1..n / 2)
                    .map(|k| {
                        let at = k as f64;
                        let weight = ((at - from) / (centre - from)).min((to - at) / (to - centre)).max(0.0);
                        weight * spectrum[k].norm_sqr()
                    })
                    .sum();
                all.push((energy + 2f64.powi(config.floor_log2 as i32)).log2());
            }
        }
        all
    }

    /// Compares with the reference; returns the SNR of the features about their mean, in dB.
    fn compare(config: Config, samples: &[i16], worst_allowed: f64) -> f64 {
        let (ours, exact) = (features(config, samples), reference(&config, samples));
        assert_eq!(ours.len(), exact.len());
        assert_eq!(ours.len(), config.frames(samples.len()) * config.channels as usize);
        let mean = exact.iter().sum::<f64>() / exact.len() as f64;
        let (mut signal, mut noise, mut worst) = (1e-9, 1e-9, 0f64);
        for (&o, &e) in ours.iter().zip(&exact) {
            let error = o as f64 / 512.0 - e;
            worst = worst.max(error.abs());
            signal += (e - mean).powi(2);
            noise += error * error;
        }
        assert!(worst <= worst_allowed, "{config:?}: error {worst}");
        10.0 * (signal / noise).log10()
    }

    /// Speech-like: a gliding harmonic tone with noise, from full scale to a few steps of the converter.
    #[test]
    fn against_float() {
        for config in DEFAULTS {
            for amplitude in [32_000.0, 1000.0, 30.0, 3.0] {
                let background = noise(12_000, amplitude / 20.0, 7);
                let samples: Vec<i16> = (0..12_000)
                    .map(|i| {
                        let t = i as f64 / config.sample_rate as f64;
                        let phase = TAU * (120.0 * t + 60.0 * t * t);
                        let voice: f64 = (1..20).map(|k| (k as f64 * phase).sin() / k as f64).sum();
                        (voice * amplitude / 2.0) as i16 / 2 + background[i]
                    })
                    .collect();
                let floor_log2 = if amplitude < 100.0 { 5 } else { 10 };
                let snr = compare(Config { floor_log2, ..config }, &samples, 0.01);
                std::println!("{} Hz, amplitude {amplitude}: SNR {snr:.1} dB", config.sample_rate);
                assert!(snr > 50.0, "{} Hz, amplitude {amplitude}: SNR {snr:.1} dB", config.sample_rate);
            }
        }
    }

    #[test]
    fn silence_is_the_floor() {
        for floor_log2 in [0, 10, 40] {
            let config = Config { floor_log2, ..Config::HZ_16000 };
            assert!(features(config, &[0; 2000]).iter().all(|&f| f == (floor_log2 as i16) << 9));
        }
        // A constant is silence too, once the mean is gone.
        assert!(features(Config::HZ_16000, &[i16::MIN; 2000]).iter().all(|&f| f == 10 << 9));
    }

    #[test]
    fn full_scale() {
        let configs = [
            Config::HZ_16000,
            Config::HZ_8000,
            Config { pre_emphasis: 32_767, window: 1024, fft_log2: 10, ..Config::HZ_16000 },
        ];
        for config in configs {
            for half_period in [1, 2, 7, 100, 5000] {
                let square: Vec<i16> =
                    (0..4000).map(|i| if i / half_period % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
                // Bands between two harmonics hold leakage only, 90 dB below the loudest bin.
                compare(config, &square, 0.5);
            }
            assert!(compare(config, &noise(4000, 32_767.0, 3), 0.01) > 50.0);
        }
    }

    #[test]
    fn any_parameters() {
        let base = Config::HZ_16000;
        let configs = [
            Config { fft_log2: 7, window: 16, hop: 1, channels: 1, ..base },
            Config { fft_log2: 7, window: 127, hop: 127, channels: 8, ..base },
            Config { fft_log2: 10, window: 1023, hop: 77, channels: 40, low_hz: 0, high_hz: 8000, ..base },
            Config { fft_log2: 10, window: 400, hop: 160, channels: 40, pre_emphasis: 31_785, ..base },
            Config { fft_log2: 10, window: 1024, hop: 512, channels: 40, sample_rate: 48_000, high_hz: 24_000, ..base },
            Config { fft_log2: 7, window: 128, hop: 64, channels: 20, sample_rate: 1000, high_hz: 500, ..base },
            Config { remove_dc: false, floor_log2: 0, channels: 13, low_hz: 300, ..base },
        ];
        for config in configs {
            assert_eq!(config.check(), Ok(()), "{config:?}");
            for amplitude in [20_000.0, 100.0] {
                let snr = compare(config, &noise(3000, amplitude, 5), 0.01);
                assert!(snr > 40.0, "{config:?}: SNR {snr:.1} dB");
            }
        }
    }

    #[test]
    fn any_chunking_gives_the_same_bits() {
        for config in DEFAULTS {
            let samples = noise(5000, 9000.0, 11);
            let whole = features(config, &samples);
            for size in [1, 7, 160, 319, 512, 513, 4999] {
                assert_eq!(run(config, &mut samples.chunks(size)), whole, "blocks of {size}");
            }
            let mut at = 0;
            let mut uneven = core::iter::from_fn(|| {
                let from = at;
                at = (at + 1 + at * 13 % 700).min(samples.len());
                (from < samples.len()).then(|| &samples[from..at])
            });
            assert_eq!(run(config, &mut uneven), whole);
        }
    }

    #[test]
    fn reset_starts_over_and_memory_is_exact() {
        let config = Config::HZ_8000;
        let samples = noise(700, 900.0, 1);
        let mut memory = vec![7; config.memory_words()];
        let mut front_end = FrontEnd::new(config, &mut memory).unwrap();
        front_end.push(&noise(333, 30_000.0, 2), |_| {});
        front_end.reset();
        let mut again = Vec::new();
        front_end.push(&samples, |f| again.extend_from_slice(f));
        assert_eq!(again, features(config, &samples));

        let required = config.memory_words();
        let mut short = vec![0; required - 1];
        assert_eq!(
            FrontEnd::new(config, &mut short).err(),
            Some(MemoryError { required, provided: required - 1 }.into())
        );
    }
}
