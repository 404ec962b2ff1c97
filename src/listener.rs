//! From samples to events: front end, network and detector as one.
//!
//! ```
//! use elman::{Blob, Listener, Model};
//!
//! # fn run(blob: Blob<'_>, memory: &mut [u32], block: &[i16]) -> Result<(), elman::Error> {
//! // On a device: memory of `[u32; BLOB.listener_words()]`, known at compile time.
//! let model = Model::load(blob)?;
//! let mut listener = Listener::new(&model, memory)?;
//! if let Some(event) = listener.push(block) {
//!     println!("{:?} after {} ms", listener.label(&event), listener.milliseconds(&event));
//! }
//! # Ok(()) }
//! # assert!(run(Blob::new(&[0; 8]), &mut [], &[]).is_err());
//! ```
//!
//! Blocks may have any length. The same samples give the same events however they are cut, for hours: the front end
//! keeps a window of samples, the network its bounded states, the detector sums of integers. With a
//! [`SilenceReset`](crate::detect::SilenceReset) the state is reset after as much silence as it says.

use crate::arith::divide;
use crate::audio::{self, FrontEnd, Position};
use crate::blob::Model;
use crate::detect::{self, Counters, Detector, Event};
use crate::memory::MemoryError;
use crate::net::{RunError, Stream};

/// Front end, network and detector of a model, over memory of the caller.
#[derive(Debug)]
pub struct Listener<'m, 'b> {
    front_end: FrontEnd<'m>,
    net: Stream<'m, 'b>,
    detector: Detector<'m>,
}

/// What a listener keeps from block to block, in addition to its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    front_end: Position,
    detector: Counters,
}

/// The memory of front end, network and detector.
#[inline(always)]
fn parts<'m>(
    model: &Model<'_>,
    audio: &audio::Config,
    detect: &detect::Config,
    memory: &'m mut [u32],
) -> Result<[&'m mut [u32]; 3], MemoryError> {
    let words = [audio.memory_words(), model.memory_words(), detect.memory_words()];
    let required = words.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
    let too_small = MemoryError { required, provided: memory.len() };
    let (sound, rest) = memory.split_at_mut_checked(words[0]).ok_or(too_small)?;
    let (states, rest) = rest.split_at_mut_checked(words[1]).ok_or(too_small)?;
    Ok([sound, states, rest.get_mut(..words[2]).ok_or(too_small)?])
}

/// The results of one frame, stage by stage.
#[derive(Clone, Copy, Debug)]
pub struct FrameResult<'l> {
    /// Features of the front end, in Q6.9.
    pub features: &'l [i16],
    /// Logits of the network, in [`Model::out_frac`] fraction bits.
    pub logits: &'l [i16],
    /// The detector after this step: probabilities and their means.
    pub detector: &'l Detector<'l>,
    /// The event, if there is one.
    pub event: Option<Event>,
    /// Whether the state is reset after this frame: enough consecutive frames were silent.
    pub reset: bool,
}

/// Logits, event and whether the state is reset; features would make a long line.
#[cfg(feature = "defmt")]
impl defmt::Format for FrameResult<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let FrameResult { logits, event, reset, .. } = *self;
        defmt::write!(f, "FrameResult {{ logits: {}, event: {}, reset: {=bool} }}", logits, event, reset);
    }
}

impl<'m, 'b> Listener<'m, 'b> {
    /// A listener at the start of a stream. `memory` needs [`Blob::listener_words`](crate::Blob::listener_words) words,
    /// whatever they hold.
    ///
    /// # Errors
    /// [`RunError::NotAListener`] where the model has no front end or no detector, [`RunError::Memory`], and the errors of
    /// [`Model::stream`].
    pub fn new(model: &'m Model<'b>, memory: &'m mut [u32]) -> Result<Self, RunError> {
        match model.detect() {
            Some(config) => Listener::with_detector(model, config, memory),
            None => Err(RunError::NotAListener { front_end: model.audio().is_some(), detector: false }),
        }
    }

    /// A listener with other parameters of the detector than the model's own, if it has any. `memory` needs the words of
    /// the front end, of the model, and [`Config::memory_words`](detect::Config::memory_words) of the parameters.
    ///
    /// # Errors
    /// As [`Listener::new`], and [`RunError::Detect`] where the parameters do not fit the model.
    pub fn with_detector(
        model: &'m Model<'b>,
        detect: &'m detect::Config,
        memory: &'m mut [u32],
    ) -> Result<Self, RunError> {
        let Some(audio) = model.audio() else {
            return Err(RunError::NotAListener { front_end: false, detector: true });
        };
        detect.check(model.outputs())?;
        let [sound, states, sums] = parts(model, audio, detect, memory)?;
        Ok(Listener {
            front_end: FrontEnd::with_operations(&model.operations.front_end, *audio, sound)?,
            net: model.stream(states)?,
            detector: Detector::new(detect, sums)?,
        })
    }

    /// A listener that goes on where one with this progress, over the same memory, ended; `None` where model or memory are
    /// of another.
    #[inline(always)]
    pub(crate) fn resume(model: &'m Model<'b>, memory: &'m mut [u32], progress: Progress) -> Option<Self> {
        let (audio, detect) = (model.audio()?, model.detect()?);
        let [sound, states, sums] = parts(model, audio, detect, memory).ok()?;
        Some(Listener {
            front_end: FrontEnd::resume(&model.operations.front_end, *audio, sound, progress.front_end)?,
            net: Stream::resume(model, states),
            detector: Detector::resume(detect, sums, progress.detector)?,
        })
    }

    /// What [`Listener::resume`] goes on from.
    #[inline(always)]
    pub(crate) fn progress(&self) -> Progress {
        Progress { front_end: self.front_end.position(), detector: self.detector.counters() }
    }

    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.net.model()
    }

    /// The network's stream: its states.
    pub fn net(&self) -> &Stream<'m, 'b> {
        &self.net
    }

    /// The detector.
    pub fn detector(&self) -> &Detector<'m> {
        &self.detector
    }

    /// The parameters of the front end.
    pub fn audio(&self) -> &audio::Config {
        self.front_end.config()
    }

    /// Resets everything to the start of a stream.
    pub fn reset(&mut self) {
        self.front_end.reset();
        self.net.reset();
        self.detector.reset();
    }

    /// Takes a block of any length; gives the last event in it, which for blocks shorter than the refractory time is the
    /// only one.
    pub fn push(&mut self, samples: &[i16]) -> Option<Event> {
        let mut last = None;
        self.push_each(samples, |result| last = result.event.or(last));
        last
    }

    /// Takes a block of any length and hands the result of each frame that it completes to `each`, in order.
    pub fn push_each(&mut self, samples: &[i16], mut each: impl FnMut(FrameResult<'_>)) {
        let mut rest = samples;
        loop {
            let (net, detector) = (&mut self.net, &mut self.detector);
            rest = self.front_end.push_until(rest, |features| {
                let output = net.step(features);
                let event = detector.step(output.logits, output.frac);
                let reset = detector.should_reset();
                each(FrameResult { features, logits: output.logits, detector, event, reset });
                reset
            });
            if !self.detector.should_reset() {
                return;
            }
            self.reset_parts();
        }
    }

    /// What a silence reset does: network, detector and the front end's estimates are as at the start of a stream, the
    /// window of samples and the count of steps go on.
    fn reset_parts(&mut self) {
        self.front_end.reset_estimates();
        self.net.reset();
        self.detector.reset_window();
    }

    /// The label of an event's class.
    pub fn label(&self, event: &Event) -> Option<&'b str> {
        self.model().label(event.class)
    }

    /// When an event was detected, in ms from the start of the stream to the end of its frame.
    pub fn milliseconds(&self, event: &Event) -> u64 {
        milliseconds(self.front_end.config(), event)
    }
}

/// [`Listener::milliseconds`] with these parameters of the front end.
pub(crate) fn milliseconds(config: &audio::Config, event: &Event) -> u64 {
    let samples = (event.step as u64).wrapping_mul(config.hop as u64).wrapping_add(config.window as u64);
    divide(samples.wrapping_mul(1000), (config.sample_rate as u64).max(1))
}
