//! The audio front end on a device, every feature as on the host.

use anyhow::{Result, anyhow, ensure};
use elman::Model;
use elman::audio::FrontEnd;
use elman_messages::{Outcome, Request, Task, numbers};
use serde::Serialize;

use crate::device::{Device, bytes_of, done, start, unexpected};

/// The stages of the work on a frame.
pub const STAGES: [&str; 5] = ["store", "moments", "window", "spectrum", "bands"];
/// Samples of a block at most.
const BLOCK: usize = 320;

/// What [`front_end`] found.
#[derive(Clone, Debug, Serialize)]
pub struct FrontEndReport {
    /// Name of the core.
    pub core: String,
    /// Frames run and compared.
    pub frames: u64,
    /// Frames of which a feature differs from the host's.
    pub mismatches: u64,
    /// Executed instructions of each of [`STAGES`], the mean over all frames but the first, which fills the window.
    pub stages: [f64; 5],
    /// Executed instructions of the frame that took the most, without the first.
    pub most: f64,
}

impl FrontEndReport {
    /// Executed instructions per frame.
    pub fn instructions(&self) -> f64 {
        self.stages.iter().sum()
    }
}

/// Runs the front end of a model over `samples` on a device that runs the model, and compares every feature with the host's.
///
/// # Errors
/// Where the model takes no sound, or the device does not answer. A difference is no error, but stated in the report.
pub fn front_end(device: &mut dyn Device, model: &Model<'_>, samples: &[i16]) -> Result<FrontEndReport> {
    let config = *model.audio().ok_or_else(|| anyhow!("the model takes no sound"))?;
    let mut memory = vec![0; config.memory_words()];
    let mut host = FrontEnd::new(config, &mut memory).map_err(|e| anyhow!("{e}"))?;
    let mut wanted: Vec<Vec<i16>> = Vec::new();
    host.push(samples, |features| wanted.push(features.to_vec()));
    let (mut frames, mut mismatches) = (0, 0);
    let mut counts: Vec<[u32; 5]> = Vec::new();
    let hello = device.talk(model.crc(), &mut |channel| {
        start(channel, Task::FrontEnd)?;
        done(channel, Request::Reset)?;
        for block in samples.chunks(usize::from(config.hop).clamp(1, BLOCK)) {
            let bytes = bytes_of(block.iter().copied());
            let Some(answer) = channel.ask(Request::Samples(&bytes), config.features() * 2)? else { continue };
            match answer.outcome {
                Outcome::Done => {}
                Outcome::Features { stages } => {
                    mismatches +=
                        u64::from(!wanted.get(frames).is_some_and(|f| numbers(answer.bytes).eq(f.iter().copied())));
                    counts.push(stages);
                    frames += 1;
                }
                _ => return Err(unexpected(&answer)),
            }
        }
        Ok(())
    })?;
    ensure!(frames == wanted.len(), "{frames} frames instead of {}", wanted.len());
    let (mut ticks, mut most) = ([0f64; 5], 0f64);
    for stages in counts.iter().skip(1) {
        // A block may end a frame: its samples are stored in two pieces, of which the second measurement may be empty.
        let spent = stages.map(|t| f64::from(t.saturating_sub(hello.empty_ticks)));
        ticks.iter_mut().zip(&spent).for_each(|(sum, t)| *sum += t);
        most = most.max(spent.iter().sum());
    }
    let measured = counts.len().saturating_sub(1).max(1) as f64;
    let stages = ticks.map(|t| device.instructions(t / measured));
    let most = device.instructions(most);
    Ok(FrontEndReport { core: device.name().to_owned(), frames: frames as u64, mismatches, stages, most })
}
