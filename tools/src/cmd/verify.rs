//! `elman verify`: the blob on an emulated core, bit for bit against the host.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::data::Split;
use crate::model::ModelFile;
use crate::pipeline;
use crate::run::RunFolder;
use crate::ui::{Ui, thousands};
use crate::verify::{Options, VerifyReport, run};

/// Runs a model on an emulated core and compares every state of every step with the host.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman verify runs/fsdd --on m4 --data ~/data/fsdd")]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// Core: m3, m4, m7, m33
    #[arg(long, value_name = "CORE", default_value = "m4")]
    pub on: String,
    /// Folder of the corpus whose clips are the input
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Most clips to run
    #[arg(long, default_value_t = 20)]
    pub clips: usize,
    /// The repository's folder `boards`
    #[arg(long, value_name = "DIR")]
    pub boards: Option<PathBuf>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let Some(audio) = model.audio().copied() else { bail!("{} does not listen to sound", file.path().display()) };
        let corpus = pipeline::open_corpus(&self.data, Some(audio.sample_rate), ui)?;
        let split: Split = pipeline::judging(&corpus, None)?;
        let examples = pipeline::examples(corpus.split(split), &audio)?;
        let inputs = pipeline::spread(&examples, self.clips);
        let report = run(&file.bytes(), &self.on, &inputs, &Options { boards: self.boards, ..Options::default() })?;
        show(&report, ui);
        if self.model.is_dir() {
            let folder = RunFolder::open(&self.model)?;
            folder.add_result("verify", &report)?;
            crate::cmd::report::write(&folder)?;
        }
        ui.result(&report)?;
        if !report.bit_exact() {
            bail!("{} of {} steps differ from the host", report.mismatches, report.steps);
        }
        Ok(())
    }
}

/// Says what was found.
pub fn show(report: &VerifyReport, ui: Ui) {
    ui.line(format!(
        "{}: {} steps, {} mismatches, {} instructions per step",
        report.core,
        thousands(report.steps),
        report.mismatches,
        thousands(report.instructions.round() as u64)
    ));
    if let Some(first) = &report.first {
        ui.line(format!("first mismatch: {first}"));
    }
}
