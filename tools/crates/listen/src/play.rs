//! A recording through the device's integer chain.

use anyhow::Result;
use elman::Listener;
use elman::audio;
use elman::blob::Model;
use elman::detect::{self, Detector, Event, ONE, SilenceReset};

use super::Track;

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
    /// The rest that the listener had.
    pub rest: SilenceReset,
    /// Steps behind which it started anew.
    pub rests: Vec<usize>,
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
        Played { scores, frac, outputs, probabilities, ..Played::default() }
    }

    /// Steps.
    pub fn steps(&self) -> usize {
        self.scores.len() / self.outputs.max(1)
    }
}

/// A listener of `model` over samples, in blocks of `block`, which starts anew after `rest`. Where that is depends on no
/// threshold, so that what it hears serves every point.
///
/// # Errors
/// Where the model has no front end, or is no stream, or has no such output.
pub fn play(model: &Model<'_>, samples: &[i16], block: usize, rest: SilenceReset) -> Result<Played> {
    let audio = model.audio().ok_or_else(|| anyhow::anyhow!("the model {} takes no sound", model.name()))?;
    let silence = (rest != SilenceReset::NEVER).then_some(usize::from(rest.class));
    let thresholds: Vec<u16> = (0..model.outputs()).map(|k| if silence == Some(k) { 0 } else { ONE }).collect();
    let config =
        detect::Config { silence_reset: rest, ..detect::Config::new(&thresholds).map_err(|e| anyhow::anyhow!("{e}"))? };
    let mut memory = vec![0; audio.memory_words() + model.memory_words() + config.memory_words()];
    let mut listener = Listener::with_detector(model, &config, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut played = Played { frac: model.out_frac(), outputs: model.outputs(), rest, ..Played::default() };
    played.scores.reserve(audio.frames(samples.len()) * model.outputs());
    let mut step = 0;
    for block in samples.chunks(block.max(1)) {
        listener.push_each(block, |heard| {
            played.scores.extend_from_slice(heard.logits);
            played.probabilities.extend_from_slice(heard.detector.probabilities());
            played.rests.extend(heard.reset.then_some(step));
            step += 1;
        });
    }
    Ok(played)
}

/// How often a listener started anew on tracks, and how often of these within a word: behind its start, and before its end.
pub fn rests(tracks: &[Track], played: &[Played], audio: &audio::Config) -> [usize; 2] {
    let mut counts = [0; 2];
    for (track, played) in tracks.iter().zip(played) {
        for &step in &played.rests {
            let at = step * usize::from(audio.hop) + usize::from(audio.window);
            counts[0] += 1;
            counts[1] += usize::from(track.words.iter().any(|w| (w.start..w.end).contains(&at)));
        }
    }
    counts
}

/// The events of a detector over scores that were kept; it starts anew where they were heard anew.
///
/// # Panics
/// Where `config` does not fit the outputs; configurations are judged where they are made.
pub fn replay(played: &Played, config: &detect::Config) -> Vec<Event> {
    let mut memory = vec![0; config.memory_words()];
    let mut detector = Detector::new(config, &mut memory).expect("a detector for these outputs");
    let mut rests = played.rests.iter().peekable();
    let mut events = Vec::new();
    for (step, p) in played.probabilities.chunks_exact(played.outputs).enumerate() {
        events.extend(detector.step_probabilities(p));
        if rests.next_if_eq(&&step).is_some() {
            detector.reset_window();
        }
    }
    events
}

/// The sample at which an event's frame ends.
pub(super) fn sample_of(event: &Event, audio: &audio::Config) -> usize {
    event.step as usize * usize::from(audio.hop) + usize::from(audio.window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman::blob::Blob;
    use elman_quant::synthetic::sound;
    use elman_quant::words_of;

    /// What is kept of a listener's scores gives a detector the listener's own events, rests included.
    #[test]
    fn kept_scores_give_the_events_of_the_listener() {
        let model = sound::resting(audio::Config::HZ_16000, 9, 4, 3).unwrap();
        let samples: Vec<i16> =
            sound::samples(90_000, 5).into_iter().chain([0; 30_000]).cycle().take(360_000).collect();
        let words = words_of(&model.to_blob().unwrap()).unwrap();
        let loaded = Model::load(Blob::new(&words)).unwrap();
        let config = loaded.detect().unwrap();
        let mut memory = vec![0; Blob::new(&words).listener_words()];
        let mut listener = Listener::new(&loaded, &mut memory).unwrap();
        let mut events = Vec::new();
        listener.push_each(&samples, |heard| events.extend(heard.event));
        let played = play(&loaded, &samples, 777, config.silence_reset).unwrap();
        assert!(played.rests.len() > 3 && events.len() > 3, "{} rests, {} events", played.rests.len(), events.len());
        assert_eq!(replay(&played, config), events);
        // Scores heard without rests are others.
        assert_ne!(play(&loaded, &samples, 777, SilenceReset::NEVER).unwrap().scores, played.scores);
        let words = [(0, 60_000)].map(|(start, end)| crate::Spoken { label: "a".into(), start, end });
        let track = Track { words: words.into(), ..Track::default() };
        let at = |step: &&usize| **step * 320 + 512 < 60_000;
        let within = played.rests.iter().filter(at).count();
        assert_eq!(
            rests(&[track], std::slice::from_ref(&played), loaded.audio().unwrap()),
            [played.rests.len(), within]
        );
    }
}
