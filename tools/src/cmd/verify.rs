//! `elman verify`: the blob on an emulated core, bit for bit against the host.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::eval::recipe_for;
use crate::ui::{Ui, thousands};
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Encoding, Source};
use elman_quant::model::ModelFile;
use elman_recipe::Usage;
use elman_verify::{self as verify, Options, Patience, Port, VerifyReport};
use std::time::Duration;

/// Runs a model on an emulated core and compares every state of every step with the host.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman verify runs/fsdd --on m4 --data ~/data/fsdd\n  elman verify runs/fsdd --port /dev/ttyACM0 --data ~/data/fsdd"
)]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// Core: m0, m3, m4, m7, m33, m55, rv32
    #[arg(long, value_name = "CORE", default_value = "m4")]
    pub on: String,
    /// A board's serial port instead of an emulated core: it runs the model already
    #[arg(long, value_name = "PORT", conflicts_with = "on")]
    pub port: Option<String>,
    /// How long the board is waited for.
    #[command(flatten)]
    pub patience: PortFlags,
    /// Folder of the corpus whose examples are the input
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Most examples to run
    #[arg(long, default_value_t = 20)]
    pub clips: usize,
    /// Most steps of an example
    #[arg(long, default_value_t = 500)]
    pub steps: usize,
    /// Recipe that says how the data is read; by default the run folder's
    #[arg(long, value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    /// Leaves out files that cannot be read, and says which
    #[arg(long)]
    pub skip_bad: bool,
    /// The repository's folder `boards`
    #[arg(long, value_name = "DIR")]
    pub boards: Option<PathBuf>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!(
            self.clips > 0 && self.steps > 0,
            Usage("--clips and --steps are at least 1: of nothing, nothing can be compared".to_owned())
        );
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let mut recipe = recipe_for(&self.model, self.recipe.as_deref(), &model)?;
        recipe.skip_bad |= self.skip_bad;
        recipe.evaluate = true;
        let source = Source::open(&self.data, &recipe, model.audio().map(|a| a.sample_rate), &ui)?;
        let encoding = Encoding::of_model(&model, &source)?;
        let examples = encoding.examples(&source, source.evaluation_split(None)?)?;
        let examples = pipeline::spread(&examples, self.clips, model.inputs(), self.steps);
        // The first steps use teacher forcing, so that both ways are compared.
        let closed_from = (model.descriptor().feedback > 0).then_some(CLOSED_FROM);
        let options = Options { boards: self.boards, closed_from };
        let report = match &self.port {
            Some(port) => {
                let mut board = Port::open(port, self.patience.patience())?;
                let report = verify::compare_examples(&mut board, &model, &examples, closed_from)?;
                note_repeats(&board, ui);
                report
            }
            None => verify::examples(&file.bytes(), &self.on, &examples, &options)?,
        };
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

/// How long a board on a serial port is waited for.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct PortFlags {
    /// Seconds that a board may take for all of it
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0, requires = "port")]
    pub port_limit: f64,
}

impl PortFlags {
    /// As the library has it.
    pub fn patience(self) -> Patience {
        Patience { limit: Duration::from_secs_f64(self.port_limit.clamp(0.0, 1e9)), ..Patience::default() }
    }
}

/// Says where a line lost or damaged frames.
pub fn note_repeats<L: std::io::Read + std::io::Write>(board: &Port<L>, ui: Ui) {
    if board.asked_again() > 0 {
        ui.note(format!("note: {} questions were asked again: the line lost or damaged frames", board.asked_again()));
    }
}

/// First step in closed loop of a model that can read its own outputs.
pub const CLOSED_FROM: usize = 10;

/// Prints the comparison.
pub fn show(report: &VerifyReport, ui: Ui) {
    ui.line(format!(
        "{}: {} steps, {} mismatches, {} {} per step",
        report.core,
        thousands(report.steps),
        report.mismatches,
        thousands(report.instructions.round() as u64),
        if report.board { "ticks of its clock" } else { "instructions" }
    ));
    if let Some(first) = &report.first {
        ui.line(format!("first mismatch: {first}"));
    }
}
