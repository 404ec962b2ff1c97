//! From a microphone's samples to events: front end, network and detector as one.
//!
//! ```
//! use elman::{Blob, Listener, Model};
//!
//! # fn run(blob: Blob<'_>, memory: &mut [u32], block: &[i16]) -> Result<(), elman::blob::Error> {
//! // On a device: memory of `[u32; BLOB.listener_words()]`, known at compile time.
//! let model = Model::load(blob)?;
//! let mut listener = Listener::new(&model, memory)?;
//! if let Some(event) = listener.push(block) {
//!     println!("{:?} after {} ms", model.label(event.output.into()), listener.milliseconds(&event));
//! }
//! # Ok(()) }
//! # assert!(run(Blob::new(&[0; 8]), &mut [], &[]).is_err());
//! ```
//!
//! Blocks may have any length. The same samples give the same events however they are cut, for hours: the front end
//! keeps a window of samples, the network its bounded states, the detector sums of integers.

use crate::arith::divide;
use crate::audio::FrontEnd;
use crate::blob::{Error, Model};
use crate::detect::{Detector, Event};
use crate::net::Stream;

/// A model that listens, over memory of the caller.
#[derive(Debug)]
pub struct Listener<'m, 'b> {
    front_end: FrontEnd<'m>,
    net: Stream<'m, 'b>,
    detector: Detector<'m>,
}

/// What one frame came to, stage by stage.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'l> {
    /// The front end's features, in Q6.9.
    pub features: &'l [i16],
    /// The network's scores, in [`Model::out_frac`] fraction bits.
    pub scores: &'l [i16],
    /// The detector behind this step: probabilities and their means.
    pub detector: &'l Detector<'l>,
    /// The event, if there is one.
    pub event: Option<Event>,
}

/// Instructions that a frame takes on one core, as tools count them in an emulator or estimate them; `elman export`
/// writes them beside the model. The core itself cannot know them, and they are no cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Front end, the storing of a hop's samples included.
    pub front_end: u32,
    /// Network.
    pub network: u32,
    /// Detector.
    pub detector: u32,
}

/// What listening takes of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Instructions a second, the mean over many blocks, rounded up.
    pub per_second: u64,
    /// Most frames that one block can complete.
    pub frames_per_block: u32,
    /// Instructions of such a block.
    pub per_block: u64,
}

impl Budget {
    /// Share of a core that executes `hz` instructions a second, in tenths of a percent, rounded up. A core that needs
    /// more than a cycle an instruction, or waits for flash, has fewer instructions than its clock has cycles.
    pub fn per_mille(&self, hz: u32) -> u64 {
        self.per_second.saturating_mul(1000).div_ceil((hz as u64).max(1))
    }
}

impl<'m, 'b> Listener<'m, 'b> {
    /// A listener at the start of a stream. `memory` needs [`Blob::listener_words`](crate::Blob::listener_words) words,
    /// whatever they hold.
    ///
    /// # Errors
    /// [`Error::Deaf`] where the model has no front end or no detector, [`Error::Memory`], and what
    /// [`Model::stream`] refuses.
    pub fn new(model: &'m Model<'b>, memory: &'m mut [u32]) -> Result<Self, Error> {
        let (Some(audio), Some(detect)) = (model.audio(), model.detect()) else {
            return Err(Error::Deaf { audio: model.audio().is_some(), detector: model.detect().is_some() });
        };
        let words = [audio.memory_words(), model.memory_words(), detect.memory_words()];
        let need = words.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
        let too_small = Error::Memory { need, have: memory.len() };
        let (sound, rest) = memory.split_at_mut_checked(words[0]).ok_or(too_small)?;
        let (states, rest) = rest.split_at_mut_checked(words[1]).ok_or(too_small)?;
        let sums = rest.get_mut(..words[2]).ok_or(too_small)?;
        Ok(Listener {
            front_end: FrontEnd::new(*audio, sound).map_err(Error::Audio)?,
            net: model.stream(states)?,
            detector: Detector::new(detect, sums).map_err(Error::Detect)?,
        })
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

    /// As at the start of a stream.
    pub fn reset(&mut self) {
        self.front_end.reset();
        self.net.reset();
        self.detector.reset();
    }

    /// Takes a block of any length; the last event in it, which for blocks shorter than the refractory time is the only
    /// one.
    pub fn push(&mut self, samples: &[i16]) -> Option<Event> {
        let mut last = None;
        self.push_each(samples, |heard| last = heard.event.or(last));
        last
    }

    /// Takes a block of any length and shows each frame that it completes, in order.
    pub fn push_each(&mut self, samples: &[i16], mut each: impl FnMut(Heard<'_>)) {
        let (net, detector) = (&mut self.net, &mut self.detector);
        self.front_end.push(samples, |features| {
            let output = net.step(features);
            let event = detector.step(output.scores, output.frac);
            each(Heard { features, scores: output.scores, detector, event });
        });
    }

    /// When an event was told, in ms from the start of the stream to the end of its frame.
    pub fn milliseconds(&self, event: &Event) -> u64 {
        let config = self.front_end.config();
        let samples = (event.step as u64).wrapping_mul(config.hop as u64).wrapping_add(config.window as u64);
        divide(samples.wrapping_mul(1000), (config.sample_rate as u64).max(1))
    }

    /// What listening takes of a core on which a frame takes `cost`, in blocks of `block` samples.
    pub fn budget(&self, cost: Cost, block: usize) -> Budget {
        let config = self.front_end.config();
        let hop = (config.hop as u64).max(1);
        let frame =
            [cost.network, cost.detector].iter().fold(cost.front_end as u64, |sum, n| sum.wrapping_add(*n as u64));
        let frames_per_block = (block as u64).div_ceil(hop).min(u32::MAX as u64) as u32;
        Budget {
            per_second: frame.saturating_mul(config.sample_rate as u64).div_ceil(hop),
            frames_per_block,
            per_block: frame.saturating_mul(frames_per_block as u64),
        }
    }
}
