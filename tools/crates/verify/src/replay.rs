//! A recording on a device, every stage of every frame as on the host.

use anyhow::{Context, Result, anyhow, ensure};
use elman::{Listener, Model};
use elman_messages::{Answer, Checksum, NO_EVENT, Outcome, Request, Task, numbers};
use serde::Serialize;
use std::fmt;

use crate::device::{Device, bytes_of, done, start, unexpected};

/// A stage of listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The samples that arrived, by their checksum.
    Samples,
    /// The front end's features.
    Features,
    /// The network's logits.
    Logits,
    /// The detector's mean probabilities.
    Posteriors,
    /// The event: class, step, score.
    Event,
}

/// The first number that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Number of the frame.
    pub frame: usize,
    /// Where.
    pub stage: Stage,
    /// Number in the stage.
    pub index: usize,
    /// The host's.
    pub host: i64,
    /// The board's.
    pub board: i64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { frame, index, host, board, .. } = self;
        let stage = match self.stage {
            Stage::Samples => "samples (checksum)",
            Stage::Features => "feature",
            Stage::Logits => "logit",
            Stage::Posteriors => "posterior",
            Stage::Event => "event (class, step, score)",
        };
        write!(f, "frame {frame}, {stage} {index}: host {host}, board {board}")
    }
}

/// Executed instructions a frame: the mean, and of the whole also the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spent {
    /// Front end, storing of samples included.
    pub front_end: f64,
    /// Network.
    pub network: f64,
    /// Detector.
    pub detector: f64,
    /// All of it in one, as the listener runs it.
    pub whole: f64,
    /// The most of any frame.
    pub most: f64,
}

/// What [`replay`] found.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayReport {
    /// Name of the core.
    pub core: String,
    /// Frames run and compared.
    pub frames: u64,
    /// Frames of which a stage differs from the host's.
    pub mismatches: u64,
    /// The first difference.
    pub first: Option<Difference>,
    /// The host's events: class, step, score.
    pub events: Vec<(u16, u32, u16)>,
    /// Instructions a frame.
    /// In frames of sound.
    pub spent: Spent,
    /// Frames of digital silence: all samples of the window are the same, so that the spectrum is not computed.
    pub silent_frames: u64,
    /// In those frames.
    pub spent_in_silence: Spent,
}

impl Spent {
    /// Of these frames: all of it, front end, network, detector.
    fn of(frames: &[[f64; 4]]) -> Self {
        let mean = |k: usize| frames.iter().map(|f| f[k]).sum::<f64>() / frames.len().max(1) as f64;
        let most = frames.iter().map(|f| f[0]).fold(0.0, f64::max);
        Spent { whole: mean(0), front_end: mean(1), network: mean(2), detector: mean(3), most }
    }
}

/// Words of memory of a model's listener.
fn listener_words(model: &Model<'_>) -> usize {
    let (audio, detect) = (model.audio(), model.detect());
    audio.map_or(0, |a| a.memory_words()) + model.memory_words() + detect.map_or(0, |d| d.memory_words())
}

/// The stages of the frames, as the host computes them: checksum, features, logits, mean probabilities, event.
fn on_host(model: &Model<'_>, samples: &[i16], block: usize) -> Result<Vec<Vec<i64>>> {
    let mut memory = vec![0; listener_words(model)];
    let mut listener = Listener::new(model, &mut memory).map_err(|e| anyhow!("{e}"))?;
    let (mut sum, mut frames) = (Checksum::default(), Vec::new());
    for block in samples.chunks(block) {
        sum.update(&bytes_of(block.iter().copied()));
        listener.push_each(block, |result| {
            let mut stages = vec![i64::from(sum.value())];
            stages.extend(result.features.iter().chain(result.logits).map(|x| i64::from(*x)));
            stages.extend((0..model.outputs()).map(|k| i64::from(result.detector.smoothed(k as u16).to_bits())));
            let none = (NO_EVENT.class, NO_EVENT.step, NO_EVENT.score);
            let (class, step, score) = result.event.map_or(none, |e| (e.class, e.step, e.score.to_bits()));
            stages.extend([i64::from(class), i64::from(step), i64::from(score)]);
            frames.push(stages);
        });
    }
    Ok(frames)
}

/// The stage that a number of a record belongs to, and its place in it.
fn stage_of(index: usize, channels: usize, outputs: usize) -> (Stage, usize) {
    let mut at = index;
    for (stage, width) in
        [(Stage::Samples, 1), (Stage::Features, channels), (Stage::Logits, outputs), (Stage::Posteriors, outputs)]
    {
        if at < width {
            return (stage, at);
        }
        at -= width;
    }
    (Stage::Event, at)
}

/// A device's frame as numbers in the order of the host's, with its ticks: all of it, front end, network, detector.
fn unpack(answer: &Answer<'_>, signed: usize) -> Option<(Vec<i64>, [u32; 4])> {
    let Outcome::Frame { ticks, parts: [front_end, network, detector], checksum, event } = answer.outcome else {
        return None;
    };
    let mut stages = vec![i64::from(checksum)];
    let number = |(k, x): (usize, i16)| if k < signed { i64::from(x) } else { i64::from(x as u16) };
    stages.extend(numbers(answer.bytes).enumerate().map(number));
    stages.extend([i64::from(event.class), i64::from(event.step), i64::from(event.score)]);
    Some((stages, [ticks, front_end, network, detector]))
}

/// Plays `samples` in blocks of `block` (at most a hop) on a device that runs the model and on the host, and compares every
/// stage of every frame.
///
/// # Errors
/// Where the model cannot listen, or the device does not answer. A difference is no error, but stated in the report.
pub fn replay(device: &mut dyn Device, model: &Model<'_>, samples: &[i16], block: usize) -> Result<ReplayReport> {
    let audio = *model.audio().context("the model takes no sound")?;
    let hop = usize::from(audio.hop);
    ensure!((1..=hop).contains(&block), "blocks of {block} samples: 1 to {hop}, a hop, are possible");
    let host = on_host(model, samples, block)?;
    let (channels, outputs) = (audio.features(), model.outputs());
    let (mut frames, mut mismatches, mut first) = (0, 0, None);
    let mut counts: Vec<[u32; 4]> = Vec::with_capacity(host.len());
    let hello = device.talk(model.crc(), &mut |channel| {
        start(channel, Task::Listen)?;
        done(channel, Request::Reset)?;
        for block in samples.chunks(block) {
            let bytes = bytes_of(block.iter().copied());
            let Some(answer) = channel.ask(Request::Samples(&bytes), (channels + 2 * outputs) * 2)? else { continue };
            if answer.outcome == Outcome::Done {
                continue;
            }
            let (theirs, ticks) = unpack(&answer, channels + outputs).ok_or_else(|| unexpected(&answer))?;
            let ours = host.get(frames).with_context(|| format!("more than {} frames", host.len()))?;
            ensure!(ours.len() == theirs.len(), "frame {frames} of {} numbers instead of {}", theirs.len(), ours.len());
            if let Some(at) = ours.iter().zip(&theirs).position(|(h, b)| h != b) {
                mismatches += 1;
                let (stage, index) = stage_of(at, channels, outputs);
                first.get_or_insert(Difference { frame: frames, stage, index, host: ours[at], board: theirs[at] });
            }
            counts.push(ticks);
            frames += 1;
        }
        Ok(())
    })?;
    ensure!(frames == host.len(), "the device completed {frames} frames of {}", host.len());
    let (mut of_sound, mut of_silence) = (Vec::new(), Vec::new());
    for (k, ticks) in counts.into_iter().enumerate() {
        let window = &samples[k * hop..][..usize::from(audio.window)];
        let to = if window.iter().all(|s| *s == window[0]) { &mut of_silence } else { &mut of_sound };
        to.push(ticks.map(|t| device.instructions(f64::from(t.saturating_sub(hello.empty_ticks)))));
    }
    let (spent, spent_in_silence) = (Spent::of(&of_sound), Spent::of(&of_silence));
    let silent_frames = of_silence.len() as u64;
    let none = i64::from(NO_EVENT.class);
    let events = host.iter().filter_map(|stages| match stages[..] {
        [.., class, step, score] if class != none => Some((class as u16, step as u32, score as u16)),
        _ => None,
    });
    let (core, events) = (device.name().to_owned(), events.collect());
    Ok(ReplayReport { core, frames: frames as u64, mismatches, first, events, spent, silent_frames, spent_in_silence })
}
