//! The streaming front end: samples in, log-mel frames out.

use super::{Config, Error, FEATURE_FRAC, MAX_CHANNELS, Operations, mel};
use crate::arith::log2::log2_wide;
use crate::kernel::fft::{Complex, SINES, TURNS};
use crate::kernel::word::{halves, halves_mut, mul_high, wide};
use crate::kernel::{copy_elements, fft, put, slide};
use crate::memory::MemoryError;

/// Bits that a logarithm in Q.16 has more than a feature.
const LOG_MORE: u32 = 16 - FEATURE_FRAC;

/// Most bits that samples are scaled up by: more than what is rounded off an i16 needs.
const MOST_UP: u32 = 20;

/// The work on a frame, in this order.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Samples to the window.
    Store,
    /// Mean and power of the frame.
    Moments,
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
    /// The samples of the window, oldest first; two a word.
    samples: &'a mut [u32],
    /// The frame, then its spectrum.
    buffer: &'a mut [u32],
    /// Edges of the mel bands.
    edges: &'a mut [u32],
    /// Noise in each band, in two words; empty without spectral subtraction.
    noises: &'a mut [[u32; 2]],
    /// Mean energy of each band, in two words; empty without PCEN.
    means: &'a mut [[u32; 2]],
    /// Samples still missing from the next frame.
    missing: usize,
}

/// A front end's memory in its parts, named as its fields.
struct Parts<'a> {
    samples: &'a mut [u32],
    buffer: &'a mut [u32],
    edges: &'a mut [u32],
    noises: &'a mut [[u32; 2]],
    means: &'a mut [[u32; 2]],
}

impl<'a> Parts<'a> {
    /// `None` where the memory is too small.
    #[inline(always)]
    fn of(config: &Config, memory: &'a mut [u32]) -> Option<Self> {
        let (samples, rest) = memory.split_at_mut_checked((config.window as usize).div_ceil(2))?;
        let (buffer, rest) = rest.split_at_mut_checked(config.fft())?;
        let (edges, rest) = rest.split_at_mut_checked((config.channels as usize).wrapping_add(2))?;
        let bands = |present: bool| if present { config.channels as usize } else { 0 };
        let estimates: &mut [[u32; 2]] = rest.as_chunks_mut().0;
        let (noises, rest) = estimates.split_at_mut_checked(bands(config.spectral_subtraction.is_some()))?;
        let means = rest.get_mut(..bands(config.pcen.is_some()))?;
        Some(Parts { samples, buffer, edges, noises, means })
    }
}

/// What a front end keeps between samples, in addition to its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
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
        let Parts { samples, buffer, edges, noises, means } = Parts::of(&config, memory).ok_or(too_small)?;
        for (i, e) in edges.iter_mut().enumerate() {
            *e = mel::edge(&config, i as u32);
        }
        let mut this = FrontEnd { config, operations, samples, buffer, edges, noises, means, missing: 0 };
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
        let Parts { samples, buffer, edges, noises, means } = Parts::of(&config, memory)?;
        let Position { missing } = position;
        Some(FrontEnd { config, operations, samples, buffer, edges, noises, means, missing })
    }

    /// What [`FrontEnd::resume`] goes on from.
    #[inline(always)]
    pub(crate) fn position(&self) -> Position {
        Position { missing: self.missing }
    }

    /// The parameters.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Back to the start of a stream: the next frame starts at the next sample.
    pub fn reset(&mut self) {
        self.reset_estimates();
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
                let mut features = [0; MAX_CHANNELS];
                self.frame(&mut features, &mut done);
                self.missing = self.config.hop as usize;
                slide(self.samples, self.missing);
                done(Stage::Store);
                if on_frame(features.get(..self.config.features()).unwrap_or(&[])) {
                    break;
                }
            }
        }
        rest
    }

    /// Puts samples, at most those that are missing, after those that are there.
    fn store(&mut self, samples: &[i16]) {
        let at = (self.config.window as usize).saturating_sub(self.missing);
        match self.samples.get_mut(at / 2..) {
            Some(words) if at.is_multiple_of(2) => _ = copy_elements(words, samples),
            _ => put(halves_mut(self.samples).get_mut(at..).unwrap_or_default(), samples),
        }
    }

    fn frame(&mut self, features: &mut [i16; MAX_CHANNELS], done: &mut impl FnMut(Stage)) {
        let exponent = self.spectrum(done);
        done(Stage::Transform);
        let spectrum: &[Complex] = self.buffer.as_chunks().0;
        let floor = 1u64 << ((self.config.floor_log2 as u32).wrapping_add(mel::ENERGY_FRAC) & 63);
        let subtraction = self.config.spectral_subtraction.as_ref().zip(self.operations.spectral_subtraction.as_ref());
        let pcen = self.config.pcen.as_ref().zip(self.operations.pcen.as_ref());
        let offset = pcen.map_or(0, |(pcen, (_, offset, _))| offset(pcen));
        let (mut noises, mut means) = (self.noises.iter_mut(), self.means.iter_mut());
        let mut edges = self.edges.iter().copied();
        let mut from = edges.next().unwrap_or(0);
        let mut to = edges.next().unwrap_or(0);
        let mut here = mel::between(spectrum, from, to);
        for (feature, next) in features.iter_mut().zip(edges) {
            (from, to) = (to, next);
            let rising = here.rising;
            here = mel::between(spectrum, from, to);
            let mut energy = mel::rescaled(rising.wrapping_add(here.falling), exponent).wrapping_add(floor);
            if let Some((subtraction, (_, left))) = subtraction
                && let Some(noise) = noises.next()
            {
                energy = left(subtraction, energy, noise).saturating_add(floor);
            }
            if let Some((pcen, (_, _, normalised))) = pcen
                && let Some(mean) = means.next()
            {
                *feature = normalised(pcen, offset, energy, mean);
                continue;
            }
            let log = log2_wide(energy).wrapping_sub(mel::ENERGY_FRAC << 16) as i32;
            *feature = (log.wrapping_add(1 << (LOG_MORE - 1)) >> LOG_MORE).min(i16::MAX as i32) as i16;
        }
        if let (Some(transform), 1..) = (self.operations.cepstrum, self.config.cepstrum) {
            transform(features, self.config.channels.into(), self.config.cepstrum.into());
        }
        done(Stage::Bands);
    }

    /// Computes the frame's spectrum, zeros where all samples are the same; the exponent of its energies.
    fn spectrum(&mut self, done: &mut impl FnMut(Stage)) -> u32 {
        let n = self.config.window;
        let samples = halves(self.samples).get(..n as usize).unwrap_or(&[]);
        let (sum, squares) = fft::moments(self.samples, n.into());
        let (mean, rest) = if self.config.remove_dc { divided(sum, n) } else { (0, 0) };
        let emphasis = (self.config.pre_emphasis as i32) << 16;
        // Σ (s - mean)², the mean without its fraction.
        let of_mean = wide(mean.wrapping_mul(mean) as u32, n.into());
        let power = squares.wrapping_sub(of_mean).wrapping_sub(mean.wrapping_mul(rest).wrapping_mul(2) as i64 as u64);
        // Pre-emphasis makes it at most (1 + a)² as large.
        let most = if emphasis == 0 { power } else { power << 2 };
        done(Stage::Moments);
        // So that power · 4^up · bins between two edges is at most 2^64: no sum of the FFT and of the bands overflows.
        let bins = 32u32.wrapping_sub((mel::most_bins(self.edges) | 8).leading_zeros());
        let up = (most.leading_zeros().saturating_sub(bins) / 2).min(MOST_UP);
        let data: &mut [Complex] = self.buffer.as_chunks_mut().0;
        if power == 0 || n < 1 << (self.config.fft_log2 & 15) {
            data.fill([0; 2]);
        }
        if power != 0 {
            let scale = 1i32 << (up & 31);
            let fraction = (rest << (up & 31)).checked_div(n as i32).unwrap_or(0);
            let offset = (mean << (up & 31)).wrapping_add(fraction).wrapping_neg();
            if emphasis != 0 || !fft::window(samples, data, &SINES, scale, offset) {
                window(samples, data, scale, offset, emphasis);
            }
            done(Stage::Window);
            fft::real_fft(data, &TURNS, &SINES);
        }
        // The window halves, and every stage of the FFT but the first; squares count twice.
        2u32.wrapping_mul(up.wrapping_sub(self.config.fft_log2 as u32 / 2))
    }
}

/// Quotient and rest of a sum of `n`, rounded towards 0.
#[inline(always)]
fn divided(sum: i32, n: u16) -> (i32, i32) {
    let n = n as i32;
    let whole = sum.checked_div(n).unwrap_or(0);
    (whole, sum.wrapping_sub(whole.wrapping_mul(n)))
}

/// The window of x\[n\] - a·x\[n-1\], x = s·`scale` + `offset`, a in Q0.31; the sample before the first is the first.
#[inline(never)]
fn window(samples: &[i16], data: &mut [Complex], scale: i32, offset: i32, a: i32) {
    let scaled = |s: i16| (s as i32).wrapping_mul(scale).wrapping_add(offset);
    let mut before = samples.first().map_or(0, |s| scaled(*s));
    fft::window_reference(samples, data, &SINES, |s| {
        let x = scaled(s);
        let y = x.wrapping_sub(mul_high(before << 1, a));
        before = x;
        y
    });
}

#[cfg(test)]
mod tests;
