//! A recording through the device's integer chain.

use anyhow::Result;
use elman::audio::{self, FrontEnd};
use elman::blob::Model;
use elman::detect::{self, Detector, Event};

/// The scores of every step of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Played {
    /// `[steps, outputs]`.
    pub scores: Vec<i16>,
    /// Their fraction bits.
    pub frac: u8,
    /// Outputs.
    pub outputs: usize,
    /// Their probabilities, as the detector takes them.
    pub probabilities: Vec<u16>,
}

impl Played {
    /// From the outputs of a float network, `[steps, outputs]`, rounded as the device would have them.
    pub fn of_floats(outputs: &[f32], width: usize) -> Self {
        const FRAC: u8 = 10;
        let round = |y: &f32| (y * f32::from(1u16 << FRAC)).round().clamp(-32_768.0, 32_767.0) as i16;
        Played::new(outputs.iter().map(round).collect(), FRAC, width)
    }

    /// From `[steps, outputs]` scores.
    pub fn new(scores: Vec<i16>, frac: u8, outputs: usize) -> Self {
        let mut probabilities = vec![0; scores.len()];
        for (y, p) in scores.chunks_exact(outputs.max(1)).zip(probabilities.chunks_exact_mut(outputs.max(1))) {
            elman::arith::softmax(y, frac, p);
        }
        Played { scores, frac, outputs, probabilities }
    }

    /// Steps.
    pub fn steps(&self) -> usize {
        self.scores.len() / self.outputs.max(1)
    }
}

/// Runs front end and network over samples, in blocks of `block`.
///
/// # Errors
/// Where the model has no front end, or is no stream.
pub fn play(model: &Model<'_>, samples: &[i16], block: usize) -> Result<Played> {
    let audio = model.audio().ok_or_else(|| anyhow::anyhow!("the model {} takes no sound", model.name()))?;
    let (mut sound, mut states) = (vec![0; audio.memory_words()], vec![0; model.memory_words()]);
    let mut front_end = FrontEnd::new(*audio, &mut sound).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut net = model.stream(&mut states).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut scores = Vec::with_capacity(audio.frames(samples.len()) * model.outputs());
    for block in samples.chunks(block.max(1)) {
        front_end.push(block, |frame| scores.extend_from_slice(net.step(frame).scores));
    }
    Ok(Played::new(scores, model.out_frac(), model.outputs()))
}

/// The events of a detector over scores that were kept.
///
/// # Panics
/// Where `config` does not fit the outputs; configurations are judged where they are made.
pub fn replay(played: &Played, config: &detect::Config) -> Vec<Event> {
    let mut memory = vec![0; config.memory_words()];
    let mut detector = Detector::new(config, &mut memory).expect("a detector for these outputs");
    played.probabilities.chunks_exact(played.outputs).filter_map(|p| detector.step_probabilities(p)).collect()
}

/// The sample at which an event's frame ends.
pub(super) fn sample_of(event: &Event, audio: &audio::Config) -> usize {
    event.step as usize * usize::from(audio.hop) + usize::from(audio.window)
}
