//! A recording through the device's integer chain.

use anyhow::Result;
use elman::Listener;
use elman::audio;
use elman::blob::Model;
use elman::detect::{self, Detector, Event, Probability, SilenceReset};
use elman::net::Output;

use super::{Recording, Transcript};

/// The probabilities of every step of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamScores {
    /// Outputs.
    pub outputs: usize,
    /// Their probabilities, as the detector reads them: `[steps, outputs]`.
    pub probabilities: Vec<Probability>,
    /// The silence reset that the listener had.
    pub silence_reset: SilenceReset,
    /// Steps after which it was reset.
    pub resets: Vec<usize>,
}

impl StreamScores {
    /// From the outputs of a float network, `[steps, outputs]`, rounded to the device's format.
    pub fn of_floats(outputs: &[f32], width: usize) -> Self {
        const FRAC: u8 = 10;
        let round = |y: &f32| (y * f32::from(1u16 << FRAC)).round().clamp(-32_768.0, 32_767.0) as i16;
        StreamScores::new(&outputs.iter().map(round).collect::<Vec<_>>(), FRAC, width)
    }

    /// From `[steps, outputs]` logits.
    pub fn new(logits: &[i16], frac: u8, outputs: usize) -> Self {
        let mut probabilities = vec![Probability::ZERO; logits.len()];
        for (y, p) in logits.chunks_exact(outputs.max(1)).zip(probabilities.chunks_exact_mut(outputs.max(1))) {
            Output { logits: y, frac }.softmax(p);
        }
        StreamScores { outputs, probabilities, ..StreamScores::default() }
    }
}

/// Runs a listener of `model` over a recording, with this silence reset; `progress` is given the number of samples of each
/// block. Where the listener resets depends on no threshold, so the result serves every operating point.
///
/// # Errors
/// Where the model has no front end, or is no stream, or has no such output, or the recording cannot be read.
pub fn play(
    model: &Model<'_>,
    recording: &dyn Recording,
    silence_reset: SilenceReset,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<StreamScores> {
    let audio = model
        .audio()
        .ok_or_else(|| anyhow::anyhow!("the model {} reads no sound: it has no audio front end", model.name()))?;
    let silence = (silence_reset != SilenceReset::NEVER).then_some(usize::from(silence_reset.class));
    let threshold = |k| if silence == Some(k) { Probability::ZERO } else { Probability::ONE };
    let thresholds: Vec<Probability> = (0..model.outputs()).map(threshold).collect();
    let config =
        detect::Config { silence_reset, ..detect::Config::new(&thresholds).map_err(|e| anyhow::anyhow!("{e}"))? };
    let mut memory = vec![0; audio.memory_words() + model.memory_words() + config.memory_words()];
    let mut listener = Listener::with_detector(model, &config, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut played = StreamScores { outputs: model.outputs(), silence_reset, ..StreamScores::default() };
    played.probabilities.reserve_exact(audio.frames(recording.transcript().samples) * model.outputs());
    let mut step = 0;
    recording.play(&mut |samples| {
        listener.push_each(samples, |result| {
            played.probabilities.extend_from_slice(result.detector.probabilities());
            played.resets.extend(result.reset.then_some(step));
            step += 1;
        });
        progress(samples.len());
    })?;
    Ok(played)
}

/// How often a listener was reset on tracks, and how often of these within a word: after its start and before its end.
pub fn count_resets(tracks: &[Transcript], played: &[StreamScores], audio: &audio::Config) -> [usize; 2] {
    let mut counts = [0; 2];
    for (track, played) in tracks.iter().zip(played) {
        for &step in &played.resets {
            let at = step * usize::from(audio.hop) + usize::from(audio.window);
            counts[0] += 1;
            counts[1] += usize::from(track.words.iter().any(|w| (w.start..w.end).contains(&at)));
        }
    }
    counts
}

/// The events of a detector over stored probabilities; it is reset where the listener was.
///
/// # Panics
/// Where `config` does not fit the outputs; configurations are checked where they are made.
pub fn replay(played: &StreamScores, config: &detect::Config) -> Vec<Event> {
    let mut memory = vec![0; config.memory_words()];
    let mut detector = Detector::new(config, &mut memory).expect("a detector for these outputs");
    let mut resets = played.resets.iter().peekable();
    let mut events = Vec::new();
    for (step, p) in played.probabilities.chunks_exact(played.outputs).enumerate() {
        events.extend(detector.step_probabilities(p));
        if resets.next_if_eq(&&step).is_some() {
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

    /// Samples that are played in blocks of 777.
    struct Blocks(Vec<i16>, Transcript);

    impl Recording for Blocks {
        fn transcript(&self) -> &Transcript {
            &self.1
        }

        fn play(&self, sink: &mut dyn FnMut(&[i16])) -> Result<()> {
            self.0.chunks(777).for_each(sink);
            Ok(())
        }
    }

    /// The stored probabilities of a listener give a detector the listener's own events, silence resets included.
    #[test]
    fn kept_probabilities_give_the_events_of_the_listener() {
        let model = sound::resting(audio::Config::HZ_16000, 9, 4, 3).unwrap();
        let samples: Vec<i16> =
            sound::samples(90_000, 5).into_iter().chain([0; 30_000]).cycle().take(360_000).collect();
        let words = words_of(&model.to_blob().unwrap()).unwrap();
        let loaded = Model::load(Blob::new(&words)).unwrap();
        let config = loaded.detect().unwrap();
        let mut memory = vec![0; Blob::new(&words).listener_words()];
        let mut listener = Listener::new(&loaded, &mut memory).unwrap();
        let mut events = Vec::new();
        listener.push_each(&samples, |result| events.extend(result.event));
        let words = [(0, 60_000)].map(|(start, end)| crate::Spoken { label: "a".into(), start, end });
        let transcript = Transcript { samples: samples.len(), words: words.into(), ..Transcript::default() };
        let recording = Blocks(samples, transcript.clone());
        let played = play(&loaded, &recording, config.silence_reset, &|_| ()).unwrap();
        assert!(played.resets.len() > 3 && events.len() > 3, "{} resets, {} events", played.resets.len(), events.len());
        assert_eq!(replay(&played, config), events);
        // Without silence resets the probabilities differ.
        let never = play(&loaded, &recording, SilenceReset::NEVER, &|_| ()).unwrap();
        assert_ne!(never.probabilities, played.probabilities);
        let at = |step: &&usize| **step * 320 + 512 < 60_000;
        let within = played.resets.iter().filter(at).count();
        assert_eq!(
            count_resets(&[transcript], std::slice::from_ref(&played), loaded.audio().unwrap()),
            [played.resets.len(), within]
        );
    }
}
