//! `elman replay`: a recording through the chip's firmware, compared with the host stage by stage.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::verify::{PortFlags, note_repeats};
use crate::ui::{Ui, thousands};
use elman_pipeline::play_clip;
use elman_quant::model::ModelFile;
use elman_recipe::Usage;
use elman_verify::{Bench, Options, Port, ReplayReport, Spent, replay};

/// Plays a recording through a model on an emulated core and compares samples, features, logits, probabilities and events of
/// every frame with the host's; the first difference is printed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman replay evening.wav --model runs/asc_kws-stream --on m4")]
pub struct Cmd {
    /// A wav or flac
    pub recording: PathBuf,
    /// A blob with a detector, or a run folder
    #[arg(long, value_name = "MODEL")]
    pub model: PathBuf,
    /// Core: m0, m3, m4, m7, m33, m55; several between commas
    #[arg(long, value_name = "CORE", default_value = "m4", value_delimiter = ',')]
    pub on: Vec<String>,
    /// A board's serial port instead of an emulated core: it runs the model already
    #[arg(long, value_name = "PORT", conflicts_with = "on")]
    pub port: Option<String>,
    /// How long the board is waited for.
    #[command(flatten)]
    pub patience: PortFlags,
    /// Samples in a block; by default a hop
    #[arg(long, value_name = "N")]
    pub block: Option<usize>,
    /// Most seconds of the recording
    #[arg(long, default_value_t = 60.0)]
    pub seconds: f64,
    /// The repository's folder `boards`
    #[arg(long, value_name = "DIR")]
    pub boards: Option<PathBuf>,
}

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
        let most = (self.seconds.max(0.0) * f64::from(audio.sample_rate)) as usize;
        let mut samples = Vec::new();
        let notes = play_clip(&self.recording, &audio, &mut |piece| {
            samples.extend_from_slice(&piece[..piece.len().min(most - samples.len())]);
        })?;
        notes.iter().for_each(|n| ui.note(format!("note: {n}")));
        let options = Options { boards: self.boards, ..Options::default() };
        let block = self.block.unwrap_or(usize::from(audio.hop));
        let mut reports = Vec::new();
        if let Some(port) = &self.port {
            let mut board = Port::open(port, self.patience.patience())?;
            reports.push(replay(&mut board, &model, &samples, block)?);
            note_repeats(&board, ui);
        } else {
            for core in &self.on {
                reports.push(Bench::new(&options, core, None)?.replay(&file.bytes(), &samples, block)?);
            }
        }
        reports.iter().for_each(|report| show(report, ui));
        if let Some(report) = reports.first() {
            for (class, step, score) in &report.events {
                let seconds =
                    (f64::from(*step) * f64::from(audio.hop) + f64::from(audio.window)) / f64::from(audio.sample_rate);
                let label = model.label(*class).unwrap_or("?");
                ui.line(format!("{seconds:>8.2} s  {label:<12} {:.3}", f64::from(*score) / 32_768.0));
            }
        }
        ui.result(&reports)?;
        let wrong = reports.iter().filter(|r| r.mismatches > 0).count();
        if wrong > 0 {
            bail!("{wrong} of {} cores differ from the host", reports.len());
        }
        Ok(())
    }
}

/// Prints the comparison.
fn show(report: &ReplayReport, ui: Ui) {
    ui.line(format!("{}: {} frames, {} mismatches", report.core, thousands(report.frames), report.mismatches));
    for (what, frames, spent) in [
        ("sound", report.frames - report.silent_frames, &report.spent),
        ("digital silence", report.silent_frames, &report.spent_in_silence),
    ] {
        if frames > 0 {
            ui.line(format!("  in {} frames of {what}, instructions a frame: {}", thousands(frames), words(spent)));
        }
    }
    if let Some(first) = &report.first {
        ui.line(format!("first difference: {first}"));
    }
}

/// Instructions in words.
fn words(s: &Spent) -> String {
    let whole = |n: f64| thousands(n.round() as u64);
    // A small core does not have the memory to run the parts a second time.
    let parts = match s.front_end > 0.0 {
        true => {
            format!(" (front end {}, network {}, detector {})", whole(s.front_end), whole(s.network), whole(s.detector))
        }
        false => String::new(),
    };
    format!("{}{parts}, at most {}", whole(s.whole), whole(s.most))
}
