//! `elman listen`: a model at work, on the PC's microphone or a recording.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use elman::Listener;
use elman::blob::{Blob, Model};
use elman::detect::Probability;
use serde::Serialize;

use crate::ui::{Ui, percent};
use elman_listen::Microphone;
use elman_pipeline::play_clip;
use elman_quant::model::ModelFile;
use elman_recipe::Usage;

/// Listens with the device's integer network: level, probabilities and events in the terminal.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "With --json, each event is one JSON object on a line of its own, as it happens; all other commands print one object \
                  at their end.\n\nExamples:\n  elman listen runs/asc_kws-stream\n  elman listen keywords.elman --wav evening.wav --json"
)]
pub struct Cmd {
    /// A blob with a detector, or a run folder
    pub model: PathBuf,
    /// Listens to a recording instead of the microphone
    #[arg(long, value_name = "FILE")]
    pub wav: Option<PathBuf>,
    /// Ends after so many seconds
    #[arg(long)]
    pub seconds: Option<f64>,
}

/// A word that was detected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Word {
    /// When, in seconds.
    pub seconds: f64,
    /// Which.
    pub label: String,
    /// Its mean probability.
    pub score: f64,
}

/// Samples between two lines of the meter, as a share of a second.
const METER: u32 = 10;

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let (audio, ..) = elman_listen::listener_setup(&model)?;
        ensure!(
            model.detect().is_some(),
            Usage(format!("{} has no detector; `elman calibrate` gives it one", self.model.display()))
        );
        let rate = audio.sample_rate;
        let most = self.seconds.map_or(usize::MAX, |s| (s.max(0.0) * f64::from(rate)) as usize);
        let mut memory = vec![0; Blob::new(file.words()).listener_words()];
        let mut listener = Listener::new(&model, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut taken = 0;
        let mut meter = Meter { on: std::io::stderr().is_terminal(), samples: Vec::new() };
        let mut hear = |block: &[i16]| -> bool {
            let block = &block[..block.len().min(most - taken)];
            taken += block.len();
            let mut events = Vec::new();
            listener.push_each(block, |result| events.extend(result.event));
            for event in &events {
                let label = model.label(event.class).unwrap_or("?").to_owned();
                let seconds = listener.milliseconds(event) as f64 / 1000.0;
                let word = Word { seconds, label, score: event.score.to_num() };
                meter.clear();
                ui.event(&word, format!("{:>8.2} s  {:<12} {}", word.seconds, word.label, percent(word.score)));
            }
            meter.show(block, rate, &listener, &model);
            taken < most
        };
        match &self.wav {
            Some(path) => {
                let mut more = true;
                let notes = play_clip(path, &audio, &mut |piece| {
                    more = more && piece.chunks(usize::from(audio.hop)).all(&mut hear);
                })?;
                notes.iter().for_each(|n| ui.note(format!("note: {n}")));
            }
            None => {
                let microphone = Microphone::open(rate)?;
                ui.note("listening; Ctrl-C ends");
                while microphone.blocks.recv().is_ok_and(|block| hear(&block)) {}
            }
        }
        meter.clear();
        Ok(())
    }
}

/// One line on the terminal that is overwritten.
struct Meter {
    on: bool,
    samples: Vec<i16>,
}

impl Meter {
    fn clear(&self) {
        if self.on {
            eprint!("\r\x1b[2K");
        }
    }

    /// The level in dB below full scale as a bar, and the most probable outputs.
    fn show(&mut self, block: &[i16], rate: u32, listener: &Listener<'_, '_>, model: &Model<'_>) {
        if !self.on {
            return;
        }
        self.samples.extend(block);
        if self.samples.len() < (rate / METER) as usize {
            return;
        }
        let line = line(&self.samples, |k| listener.detector().smoothed(k), model);
        self.samples.clear();
        eprint!("\r\x1b[2K{line}");
        let _ = std::io::stderr().flush();
    }
}

fn line(samples: &[i16], smoothed: impl Fn(u16) -> Probability, model: &Model<'_>) -> String {
    let power = samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len().max(1) as f64;
    let db = 10.0 * (power.max(1.0) / 32_768f64.powi(2)).log10();
    let bar = ((db + 70.0) / 3.0).clamp(0.0, 23.0) as usize;
    let mut best: Vec<(Probability, u16)> = (0..model.outputs() as u16).map(|k| (smoothed(k), k)).collect();
    best.sort_by_key(|(p, k)| (std::cmp::Reverse(*p), *k));
    let names = best
        .iter()
        .take(3)
        .map(|(p, k)| format!("{} {:.0} %", model.label(*k).unwrap_or("?"), 100.0 * p.to_num::<f64>()));
    format!("{db:>6.1} dB [{:<23}] {}", "#".repeat(bar), names.collect::<Vec<_>>().join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_quant::synthetic::sound;
    use elman_quant::words_of;

    #[test]
    fn the_meter_shows_level_and_the_three_most_probable() {
        let words = words_of(&sound::listener(elman::audio::Config::HZ_8000, 3, 4, 1).to_blob().unwrap()).unwrap();
        let model = Model::load(Blob::new(&words)).unwrap();
        let probable = [100, 16_384, 8192, 4096];
        let text = line(&[3277, -3277], |k| Probability::from_bits(probable[usize::from(k)]), &model);
        assert_eq!(text, format!(" -20.0 dB [{}       ] word 1 50 %  word 2 25 %  word 3 12 %", "#".repeat(16)));
        assert!(line(&[0; 4], |_| Probability::ZERO, &model).contains("-90.3 dB [ "));
    }
}
