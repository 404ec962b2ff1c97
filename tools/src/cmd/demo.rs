//! `elman demo`: the whole path on the bundled recordings.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use super::{eval, quantize, report, train, verify};
use crate::ui::{Ui, bytes, percent, thousands};
use elman_data::Split;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Source};
use elman_quant::model::ModelFile;
use elman_recipe::Recipe;

/// Trains on the bundled recordings, quantizes, evaluates, and verifies on an emulated Cortex-M4.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman demo --out runs/demo")]
pub struct Cmd {
    /// Run folder; an earlier demo in it is replaced
    #[arg(long, value_name = "RUN", default_value = "runs/demo")]
    pub out: PathBuf,
    /// Clips that run on the emulated core
    #[arg(long, default_value_t = 10)]
    pub clips: usize,
}

/// The demo's figures.
#[derive(Clone, Debug, Serialize)]
struct Summary {
    float_accuracy: f64,
    integer_accuracy: f64,
    clips: usize,
    blob_bytes: usize,
    ram_bytes: usize,
    audio_ram_bytes: usize,
    core: Option<String>,
    instructions_per_frame: Option<f64>,
    bit_exact: Option<bool>,
    steps_compared: Option<u64>,
    missing: Option<String>,
    report: PathBuf,
    seconds: f64,
}

const RECIPE: &str = include_str!("../../recipes/keywords.toml");

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let start = Instant::now();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let recipe = Recipe::parse(RECIPE).map_err(anyhow::Error::msg)?;
        // A demo may take the place of a demo.
        let again = RunFolder::open(&self.out).and_then(|run| run.recipe()).is_ok_and(|old| old.name == recipe.name);
        let mut folder = RunFolder::create(&self.out, again)?;
        let source = Source::open(&data, &recipe, pipeline::wanted_rate(&recipe), &ui)
            .context("the bundled recordings come with the repository")?;

        ui.note("training a GRU with full BPTT");
        let trained = train::train(&source, &recipe, &mut folder, train::TrainFlags::default(), ui);
        let trained = trained.inspect_err(|_| folder.discard())?;
        ui.note(format!("trained in {:.0} s; quantizing", trained.seconds));
        let quantized = quantize::run(&folder, 0)?;
        let file = ModelFile::read(&self.out)?;
        let model = file.model()?;
        let evaluated = eval::evaluate(&self.out, &file, &recipe, &source, Split::Test)?;
        folder.add_result("eval", &evaluated)?;

        ui.note("running the same clips on an emulated Cortex-M4");
        let examples = folder.about()?.encoding.examples(&source, Split::Test)?;
        let inputs = pipeline::spread_frames(&examples, self.clips, model.inputs(), usize::MAX);
        let verified = elman_verify::run(&file.bytes(), "m4", &inputs, &elman_verify::Options::default());
        let (verified, missing) = match verified {
            Ok(report) => {
                verify::show(&report, Ui { json: true, ..Ui::default() });
                folder.add_result("verify", &report)?;
                (Some(report), None)
            }
            // Without an emulator or a toolchain everything else in the demo still runs.
            Err(e) => (None, Some(format!("{e:#}"))),
        };
        report::write(&folder)?;

        let summary = Summary {
            float_accuracy: evaluated.main().0.unwrap_or(0.0),
            integer_accuracy: evaluated.main().1,
            clips: evaluated.examples,
            blob_bytes: quantized.blob_bytes,
            ram_bytes: quantized.ram_bytes,
            audio_ram_bytes: 4 * model.frame().audio_words as usize,
            core: verified.as_ref().map(|v| v.core.clone()),
            instructions_per_frame: verified.as_ref().map(|v| v.instructions),
            bit_exact: verified.as_ref().map(elman_verify::VerifyReport::bit_exact),
            steps_compared: verified.as_ref().map(|v| v.steps),
            missing,
            report: folder.report_path(),
            seconds: start.elapsed().as_secs_f64(),
        };
        show(&summary, ui);
        ui.result(&summary)
    }
}

fn show(s: &Summary, ui: Ui) {
    ui.line("");
    ui.line(format!(
        "accuracy     float {}, integer {} on {} clips of synthetic voices that were not trained on",
        percent(s.float_accuracy),
        percent(s.integer_accuracy),
        s.clips
    ));
    ui.line(format!("blob         {}", bytes(s.blob_bytes)));
    ui.line(format!("RAM          {} network + {} audio front end", bytes(s.ram_bytes), bytes(s.audio_ram_bytes)));
    match (s.instructions_per_frame, s.bit_exact, s.steps_compared) {
        (Some(n), Some(exact), Some(steps)) => {
            ui.line(format!(
                "Cortex-M4    {} instructions per frame of 20 ms (network, counted in the emulator)",
                thousands(n.round() as u64)
            ));
            ui.line(format!(
                "bit-exact    {}, {} steps compared with the host",
                if exact { "yes" } else { "NO" },
                thousands(steps)
            ));
        }
        _ => ui
            .line(format!("Cortex-M4    not run: {}", s.missing.as_deref().unwrap_or("").lines().next().unwrap_or(""))),
    }
    ui.line(format!("report       {}", s.report.display()));
    ui.line(format!("time         {:.0} s", s.seconds));
}
