//! From logits to events: smoothing, thresholds, refractory time.
//!
//! A step takes the network's logits. p_k are their probabilities ([`softmax`]); s_k is the mean of the last `smooth`
//! p_k, with zeros before the first step. Of the classes with s_k ≥ threshold_k the one with the greatest s_k is reported as
//! an [`Event`] (of equals the first), unless
//!
//! * an event was reported in the last `refractory` steps, or
//! * there is a `release` threshold, and s_k has not been below it since k was last reported.
//!
//! Sums are exact integers, so that nothing drifts however long it runs. Host and chip give the same events.
//!
//! With a [`SilenceReset`] the detector also says when the state should be reset: [`Detector::should_reset`].
//!
//! ```
//! use elman::detect::{Config, Detector, Probability};
//!
//! // Class 0 is no word. Class 1 is reported where its mean over two steps reaches a half, at most once in ten steps.
//! let thresholds = [Probability::ZERO, Probability::from_num(0.5)];
//! let config = Config { smooth: 2, refractory: 10, ..Config::new(&thresholds)? };
//! let mut memory = vec![0; config.memory_words()];
//! let mut detector = Detector::new(&config, &mut memory)?;
//! assert_eq!(detector.step(&[0, 2000], 8), None); // only one step is loud yet: its mean is just below a half
//! let event = detector.step(&[0, 2000], 8).ok_or("no event")?;
//! assert_eq!((event.class, event.step), (1, 1));
//! assert!(event.score > 0.7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use crate::arith::{probability, softmax};
use crate::kernel::word;
use crate::memory::MemoryError;
use crate::record::record;
use crate::silence::SilenceCounter;

pub use crate::arith::Probability;
pub use crate::silence::SilenceReset;

/// Most classes of a model with a detector.
pub const MAX_OUTPUTS: usize = 32;
/// Longest window of smoothing, in steps.
pub const MAX_SMOOTH: u8 = 64;

record! {
    /// Parameters of a detector: data of the model, calibrated with it, and part of its blob.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Config {
        /// Steps over which probabilities are averaged: 1 to [`MAX_SMOOTH`].
        smooth: u8 ["smooth "],
        /// Steps after an event in which no other is reported.
        refractory: u16 ["refractory "],
        /// The mean of a reported class must fall below this before the class is reported again; 0 for no such rule.
        release: Probability ["release "],
        /// After how much silence the state of network and detector is reset.
        silence_reset: SilenceReset ["rest(" SilenceReset ") "],
        /// Of each class, the mean probability from which on it is reported; 0 for a class that is no word.
        thresholds: heapless::Vec<Probability, MAX_OUTPUTS> ["thresholds"],
    }
}

/// Why a [`Config`] cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// A window of 0 steps or more than [`MAX_SMOOTH`].
    Smooth {
        /// Steps requested.
        steps: u8,
    },
    /// A threshold above 1, or all are 0, so that nothing could ever be reported.
    Threshold {
        /// The class.
        class: usize,
        /// Bits of its threshold.
        bits: u16,
    },
    /// A release threshold that is not below a class' own.
    Release {
        /// The class.
        class: usize,
        /// Bits of its threshold.
        threshold: u16,
        /// Bits of the release threshold.
        release: u16,
    },
    /// A silence reset whose class is a word or not there, or that a refractory time may outlast.
    SilenceReset {
        /// The silence reset.
        silence_reset: SilenceReset,
        /// Outputs of the model.
        outputs: usize,
        /// The refractory time, in steps.
        refractory: u16,
    },
    /// Other than one threshold for each output, or more than [`MAX_OUTPUTS`].
    Outputs {
        /// Thresholds.
        thresholds: usize,
        /// Outputs of the model.
        outputs: usize,
    },
    /// The memory is shorter than [`Config::memory_words`].
    Memory(MemoryError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Smooth { steps } => write!(f, "smoothing over {steps} steps: 1 to {MAX_SMOOTH} are possible"),
            Error::Threshold { class, bits } => write!(
                f,
                "threshold {bits}/32768 of class {class}: at most 32768/32768 is possible, and one class must have more than 0"
            ),
            Error::Release { class, threshold, release } => write!(
                f,
                "release threshold {release}/32768 for class {class} with threshold {threshold}/32768: it must be below"
            ),
            Error::SilenceReset { silence_reset: SilenceReset { class, steps }, outputs, refractory } => write!(
                f,
                "a silence reset after {steps} steps of class {class} of {outputs}: it must be a class without threshold, and \
                 the steps more than the refractory time of {refractory}"
            ),
            Error::Outputs { thresholds, outputs } => {
                write!(f, "{thresholds} thresholds for {outputs} outputs: one each is required, at most {MAX_OUTPUTS}")
            }
            Error::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Error::Memory(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MemoryError> for Error {
    fn from(error: MemoryError) -> Self {
        Error::Memory(error)
    }
}

/// A detected word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The class: index of the output and of its label.
    pub class: u16,
    /// Index of this step from 0, modulo 2^32 (2.7 years at 50 steps a second).
    pub step: u32,
    /// Mean probability of the class.
    pub score: Probability,
}

/// Probabilities are written in 2^-15, as integers.
#[cfg(feature = "defmt")]
impl defmt::Format for Event {
    fn format(&self, f: defmt::Formatter<'_>) {
        let Event { class, step, score } = *self;
        defmt::write!(f, "Event {{ class: {=u16}, step: {=u32}, score: {=u16}/32768 }}", class, step, score.to_bits());
    }
}

/// Probabilities are written in 2^-15, as integers.
#[cfg(feature = "defmt")]
impl defmt::Format for Config {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Config {{ smooth: {=u8}, refractory: {=u16}, release: {=u16}/32768, {}, thresholds: {}/32768 }}",
            self.smooth,
            self.refractory,
            self.release.to_bits(),
            self.silence_reset,
            probability::bits(&self.thresholds)
        );
    }
}

impl Config {
    /// One threshold a class, no smoothing, no refractory time, no release, no silence reset.
    ///
    /// # Errors
    /// [`Error::Outputs`] for more than [`MAX_OUTPUTS`].
    pub fn new(thresholds: &[Probability]) -> Result<Self, Error> {
        let outputs = thresholds.len();
        let thresholds =
            heapless::Vec::from_slice(thresholds).map_err(|_| Error::Outputs { thresholds: outputs, outputs })?;
        let release = Probability::ZERO;
        Ok(Config { smooth: 1, refractory: 0, release, silence_reset: SilenceReset::NEVER, thresholds })
    }

    /// Words of memory that a detector with these parameters needs, exactly.
    pub fn memory_words(&self) -> usize {
        let outputs = self.thresholds.len();
        (self.smooth as usize).wrapping_mul(outputs).div_ceil(2).wrapping_add(outputs)
    }

    /// Validates every parameter, for a model of so many outputs.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self, outputs: usize) -> Result<(), Error> {
        if !(1..=MAX_SMOOTH).contains(&self.smooth) {
            return Err(Error::Smooth { steps: self.smooth });
        }
        let thresholds = self.thresholds.len();
        if thresholds != outputs {
            return Err(Error::Outputs { thresholds, outputs });
        }
        let mut words = 0usize;
        for (class, &threshold) in self.thresholds.iter().enumerate().filter(|(_, t)| **t > Probability::ZERO) {
            words = words.wrapping_add(1);
            if threshold > Probability::ONE {
                return Err(Error::Threshold { class, bits: threshold.to_bits() });
            }
            if self.release >= threshold {
                let (threshold, release) = (threshold.to_bits(), self.release.to_bits());
                return Err(Error::Release { class, threshold, release });
            }
        }
        if words == 0 {
            return Err(Error::Threshold { class: 0, bits: 0 });
        }
        let Config { silence_reset, refractory, .. } = *self;
        let silence = self.thresholds.get(silence_reset.class as usize);
        let valid = silence_reset == SilenceReset::NEVER
            || (silence == Some(&Probability::ZERO) && silence_reset.steps > refractory);
        if valid { Ok(()) } else { Err(Error::SilenceReset { silence_reset, outputs, refractory }) }
    }
}

/// A detector that runs, over memory of the caller.
#[derive(Debug)]
pub struct Detector<'m> {
    config: &'m Config,
    /// The last `smooth` probabilities of all outputs, step by step, as a ring.
    ring: &'m mut [u16],
    /// Their sums, an output each.
    sums: &'m mut [u32],
    /// What changes from step to step and is not in the memory.
    counters: Counters,
}

/// What a detector keeps from step to step, in addition to its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Where in the ring the next step goes.
    at: usize,
    /// Steps so far.
    step: u32,
    /// Steps in which nothing is reported.
    quiet: u16,
    /// Classes that were reported and have not fallen below the release threshold since: a bit each.
    held: u32,
    /// Counts silent steps.
    silence: SilenceCounter,
    /// Whether a silence reset is due after the last step.
    reset_due: bool,
}

/// A detector's memory: ring and sums.
#[inline(always)]
fn parts<'m>(config: &Config, memory: &'m mut [u32]) -> Option<(&'m mut [u16], &'m mut [u32])> {
    let outputs = config.thresholds.len();
    let memory = memory.get_mut(..config.memory_words())?;
    let (sums, ring) = memory.split_at_mut_checked(outputs)?;
    let length = (config.smooth as usize).wrapping_mul(outputs);
    Some((word::unsigned_halves_mut(ring).get_mut(..length)?, sums))
}

impl<'m> Detector<'m> {
    /// A detector at the start of a stream. `memory` needs [`Config::memory_words`] words, whatever they hold.
    ///
    /// # Errors
    /// The errors of [`Config::check`], and [`Error::Memory`].
    pub fn new(config: &'m Config, memory: &'m mut [u32]) -> Result<Self, Error> {
        config.check(config.thresholds.len())?;
        let too_small = MemoryError { required: config.memory_words(), provided: memory.len() };
        let (ring, sums) = parts(config, memory).ok_or(too_small)?;
        let mut this = Detector { config, ring, sums, counters: Counters::default() };
        this.reset();
        Ok(this)
    }

    /// A detector that goes on where one with these counters, over the same memory, ended; `None` where the memory is too
    /// small. The parameters are valid.
    #[inline(always)]
    pub(crate) fn resume(config: &'m Config, memory: &'m mut [u32], counters: Counters) -> Option<Self> {
        let (ring, sums) = parts(config, memory)?;
        Some(Detector { config, ring, sums, counters })
    }

    /// What [`Detector::resume`] goes on from.
    #[inline(always)]
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// The parameters.
    pub fn config(&self) -> &'m Config {
        self.config
    }

    /// Resets everything to the start of a stream.
    pub fn reset(&mut self) {
        self.reset_window();
        self.counters.step = 0;
    }

    /// Resets all but the count of steps: time goes on.
    pub fn reset_window(&mut self) {
        self.ring.fill(0);
        self.sums.fill(0);
        self.counters = Counters { step: self.counters.step, ..Counters::default() };
    }

    /// Whether the state should be reset after the last step, as [`Config::silence_reset`] says. A
    /// [`Listener`](crate::Listener) does so; a caller that runs network and detector alone calls
    /// [`Stream::reset`](crate::Stream::reset), [`Detector::reset_window`] and, with a front end,
    /// [`FrontEnd::reset_estimates`](crate::audio::FrontEnd::reset_estimates).
    pub fn should_reset(&self) -> bool {
        self.counters.reset_due
    }

    /// Steps since the start, modulo 2^32.
    pub fn steps(&self) -> u32 {
        self.counters.step
    }

    /// Mean probability of class `k` over the window.
    pub fn smoothed(&self, k: u16) -> Probability {
        let sum = self.sums.get(usize::from(k)).copied().unwrap_or(0);
        Probability::from_bits((sum / (self.config.smooth as u32).max(1)) as u16)
    }

    /// Probabilities of the last step; empty before the first.
    pub fn probabilities(&self) -> &[Probability] {
        let outputs = self.sums.len();
        let at = if self.counters.at == 0 { self.ring.len() } else { self.counters.at };
        match self.counters.step {
            0 => &[],
            _ => probability::of_bits(self.ring.get(at.saturating_sub(outputs)..at).unwrap_or_default()),
        }
    }

    /// One step: the network's logits with `frac` fraction bits. Cannot fail; classes missing in `logits` have the
    /// probability 0, surplus ones are not read.
    #[inline(never)]
    pub fn step(&mut self, logits: &[i16], frac: u8) -> Option<Event> {
        self.counters.reset_due = self.counters.silence.step(&self.config.silence_reset, logits);
        self.slide(|slot| softmax(logits, frac, slot))
    }

    /// [`Detector::step`] with probabilities (at most 1) instead of logits. Silence is not counted.
    pub fn step_probabilities(&mut self, probabilities: &[Probability]) -> Option<Event> {
        self.slide(|slot| {
            slot.iter_mut().zip(probabilities).for_each(|(to, p)| *to = (*p).min(Probability::ONE).to_bits());
        })
    }

    /// Moves the window on by a step, whose probabilities `fill` writes over zeros.
    #[inline]
    fn slide(&mut self, fill: impl FnOnce(&mut [u16])) -> Option<Event> {
        let outputs = self.sums.len();
        let slot = self.ring.get_mut(self.counters.at..self.counters.at.wrapping_add(outputs)).unwrap_or_default();
        self.sums.iter_mut().zip(slot.iter()).for_each(|(sum, old)| *sum = sum.wrapping_sub(*old as u32));
        slot.fill(0);
        fill(slot);
        self.sums.iter_mut().zip(slot.iter()).for_each(|(sum, new)| *sum = sum.wrapping_add(*new as u32));
        self.counters.at = self.counters.at.wrapping_add(outputs);
        if self.counters.at >= self.ring.len() {
            self.counters.at = 0;
        }
        let event = self.detect();
        self.counters.step = self.counters.step.wrapping_add(1);
        event
    }

    /// Compares the sums with the thresholds.
    fn detect(&mut self) -> Option<Event> {
        let window = self.config.smooth as u32;
        let release = self.config.release.to_bits() as u32;
        let mut best: Option<(u16, u32)> = None;
        for ((class, &sum), &threshold) in (0u16..).zip(self.sums.iter()).zip(&self.config.thresholds) {
            let bit = 1u32 << (class & 31);
            if sum < release.wrapping_mul(window) {
                self.counters.held &= !bit;
            }
            let threshold = threshold.to_bits() as u32;
            let detected = threshold > 0 && sum >= threshold.wrapping_mul(window) && self.counters.held & bit == 0;
            if detected && best.is_none_or(|(_, most)| sum > most) {
                best = Some((class, sum));
            }
        }
        if self.counters.quiet > 0 {
            self.counters.quiet = self.counters.quiet.wrapping_sub(1);
            return None;
        }
        let (class, sum) = best?;
        self.counters.quiet = self.config.refractory;
        if release > 0 {
            self.counters.held |= 1 << (class & 31);
        }
        let score = Probability::from_bits((sum / window.max(1)) as u16);
        Some(Event { class, step: self.counters.step, score })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const ONE: u16 = Probability::ONE.to_bits();

    fn of<const N: usize>(bits: [u16; N]) -> [Probability; N] {
        bits.map(Probability::from_bits)
    }

    /// The steps at which `logits` (one class against a class at 0) are reported.
    fn reported(config: &Config, logits: &[i16]) -> Vec<u32> {
        let mut memory = vec![0xdead_beef; config.memory_words()];
        let mut detector = Detector::new(config, &mut memory).unwrap();
        let events: Vec<Event> = logits.iter().filter_map(|s| detector.step(&[0, *s], 8)).collect();
        assert!(events.iter().all(|e| e.class == 1));
        events.iter().map(|e| e.step).collect()
    }

    fn config(smooth: u8, refractory: u16, release: u16, threshold: u16) -> Config {
        let release = Probability::from_bits(release);
        Config { smooth, refractory, release, ..Config::new(&of([0, threshold])).unwrap() }
    }

    const LOUD: i16 = 8000;
    const SILENT: i16 = -8000;

    #[test]
    fn a_word_is_reported_when_its_mean_reaches_the_threshold() {
        let logits = [[SILENT; 5], [LOUD; 5], [SILENT; 5]].concat();
        // Step 5 is the first loud one; four loud ones make a mean of 1 over four.
        assert_eq!(reported(&config(1, 100, 0, ONE - 1), &logits), [5]);
        assert_eq!(reported(&config(4, 100, 0, ONE / 2), &logits), [6]);
        assert_eq!(reported(&config(4, 100, 0, ONE - 1), &logits), [8]);
        assert_eq!(reported(&config(6, 100, 0, ONE - 1), &logits), [0u32; 0]);
    }

    #[test]
    fn the_refractory_time_is_counted_in_steps() {
        let logits = [LOUD; 20];
        assert_eq!(reported(&config(1, 0, 0, ONE / 2), &logits).len(), 20);
        assert_eq!(reported(&config(1, 6, 0, ONE / 2), &logits), [0, 7, 14]);
        assert_eq!(reported(&config(1, u16::MAX, 0, ONE / 2), &logits), [0]);
    }

    #[test]
    fn a_word_that_is_held_is_reported_once_until_it_is_released() {
        let logits = [[LOUD; 10], [0; 10], [LOUD; 10], [SILENT; 10], [LOUD; 10]].concat();
        // 0 is a probability of a half: above the release threshold of a quarter, below that of three quarters.
        assert_eq!(reported(&config(1, 0, ONE / 4, ONE - 1), &logits), [0, 40]);
        assert_eq!(reported(&config(1, 0, ONE / 4 * 3, ONE - 1), &logits), [0, 20, 40]);
    }

    #[test]
    fn the_greater_of_two_is_reported() {
        let config = Config { refractory: 3, ..Config::new(&of([0, ONE / 8, ONE / 8])).unwrap() };
        let mut memory = vec![0; config.memory_words()];
        let mut detector = Detector::new(&config, &mut memory).unwrap();
        assert!(detector.probabilities().is_empty());
        let event = detector.step(&[0, 300, 400], 8).unwrap();
        assert_eq!((event.class, event.score), (2, detector.smoothed(2)));
        assert_eq!(detector.probabilities().len(), 3);
        assert!(detector.probabilities()[2] > detector.probabilities()[1]);
    }

    /// A million random steps: sums stay what they are by definition, and a reset gives a fresh start.
    #[test]
    fn sums_do_not_drift() {
        let config = Config { smooth: 7, refractory: 5, ..Config::new(&of([0, 9000, 12_000])).unwrap() };
        let mut memory = vec![0; config.memory_words()];
        let mut other = memory.clone();
        let mut detector = Detector::new(&config, &mut memory).unwrap();
        let mut again = Detector::new(&config, &mut other).unwrap();
        let (mut seed, mut last) = (1u32, Vec::new());
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as i16
        };
        for _ in 0..1_000_000 {
            let logits = [next(), next(), next()];
            let mut p = [0; 3];
            softmax(&logits, 11, &mut p);
            assert_eq!(detector.step(&logits, 11), again.step_probabilities(&of(p)));
            last.push(detector.probabilities().to_vec());
            if last.len() > 7 {
                last.remove(0);
            }
            for k in 0..3 {
                let sum: u32 = last.iter().map(|p| u32::from(p[k].to_bits())).sum();
                assert_eq!(detector.smoothed(k as u16).to_bits(), (sum / 7) as u16);
            }
        }
        assert_eq!(detector.steps(), 1_000_000);
        detector.reset();
        assert_eq!((detector.steps(), detector.smoothed(1)), (0, Probability::ZERO));
    }

    /// A word that is held and just reported, then silence: after the reset the detector is a fresh one whose time went on.
    #[test]
    fn after_a_silence_reset_nothing_of_before_is_left() {
        let config = Config { silence_reset: SilenceReset { class: 0, steps: 6 }, ..config(4, 5, ONE / 4, ONE / 2) };
        assert_eq!(config.check(2), Ok(()));
        let mut memory = vec![0; config.memory_words()];
        let mut detector = Detector::new(&config, &mut memory).unwrap();
        let logits = [[LOUD; 8], [SILENT; 8]].concat();
        let resets: Vec<usize> = (0..logits.len())
            .filter(|t| {
                detector.step(&[0, logits[*t]], 8);
                let reset = detector.should_reset();
                if reset {
                    detector.reset_window();
                    assert!(!detector.should_reset() && detector.smoothed(0) == 0);
                }
                reset
            })
            .collect();
        assert_eq!((resets, detector.steps()), (vec![13], 16));
        let mut other = vec![7; config.memory_words()];
        let mut fresh = Detector::new(&config, &mut other).unwrap();
        for score in [SILENT; 2].into_iter().chain([LOUD; 9]) {
            let here = detector.step(&[0, score], 8).map(|e| (e.class, e.step, e.score));
            // The two silent steps after the reset were taken above.
            let there = fresh.step(&[0, score], 8).map(|e| (e.class, e.step + 16, e.score));
            assert_eq!(here, there);
        }
    }

    #[test]
    fn extremes_are_defined() {
        let config = Config { smooth: 2, ..Config::new(&[Probability::ONE; 32]).unwrap() };
        let mut memory = vec![0; config.memory_words()];
        let mut detector = Detector::new(&config, &mut memory).unwrap();
        for logits in [[i16::MIN; 40], [i16::MAX; 40], [0; 40]] {
            for n in [0, 31, 32, 40, 1] {
                assert_eq!(detector.step(&logits[..n], 15), None, "{n}");
                let sum: u32 = detector.probabilities().iter().map(|p| u32::from(p.to_bits())).sum();
                assert!(if n == 0 { sum == 0 } else { sum > 32_000 && sum <= 32_768 }, "{n}: {sum}");
            }
            // One class alone has the probability 1, and with it the mean of the second step.
            assert_eq!(detector.step(&logits[..1], 15).map(|e| (e.class, e.score)), Some((0, Probability::ONE)));
        }
    }

    #[test]
    fn each_error_carries_its_numbers() {
        let good = config(4, 3, 100, 5000);
        assert_eq!(good.check(2), Ok(()));
        let resetting = |class, steps| Config { silence_reset: SilenceReset { class, steps }, ..good.clone() };
        assert_eq!(resetting(0, 4).check(2), Ok(()));
        let silence = |class, steps| {
            let silence_reset = SilenceReset { class, steps };
            Error::SilenceReset { silence_reset, outputs: 2, refractory: 3 }
        };
        for (bad, outputs, error) in [
            (Config { smooth: 0, ..good.clone() }, 2, Error::Smooth { steps: 0 }),
            (Config { smooth: 65, ..good.clone() }, 2, Error::Smooth { steps: 65 }),
            (good.clone(), 3, Error::Outputs { thresholds: 2, outputs: 3 }),
            (config(1, 0, 0, ONE + 1), 2, Error::Threshold { class: 1, bits: ONE + 1 }),
            (config(1, 0, 0, 0), 2, Error::Threshold { class: 0, bits: 0 }),
            (config(1, 0, 7, 7), 2, Error::Release { class: 1, threshold: 7, release: 7 }),
            (resetting(0, 3), 2, silence(0, 3)),
            (resetting(1, 9), 2, silence(1, 9)),
            (resetting(2, 9), 2, silence(2, 9)),
            (resetting(1, 0), 2, silence(1, 0)),
        ] {
            assert_eq!(bad.check(outputs), Err(error));
        }
        let mut memory = vec![0; good.memory_words() - 1];
        let provided = memory.len();
        assert_eq!(
            Detector::new(&good, &mut memory).unwrap_err(),
            MemoryError { required: provided + 1, provided }.into()
        );
        assert_eq!(Config::new(&[Probability::DELTA; 33]), Err(Error::Outputs { thresholds: 33, outputs: 33 }));
    }
}
