//! `elman generate`: text from a language model, symbol by symbol, by the integers of the device.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use elman::blob::Structure;
use elman::net::Temperature;
use elman::text::TextUnit;
use serde::Serialize;

use super::verify::{PortFlags, note_repeats};
use crate::ui::{Ui, thousands};
use elman_quant::model::ModelFile;
use elman_recipe::Usage;
use elman_verify::{Bench, Generation, Options, Port, generate, generate_on_host};

/// Writes text with a language model; with --on, on an emulated core as well, compared symbol by symbol.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  elman generate runs/tinyshakespeare --prompt 'ROMEO:' --count 300 --temperature 0.7 --top-k 20"
)]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// What the model reads first
    #[arg(long, default_value = "\n")]
    pub prompt: String,
    /// Symbols to write
    #[arg(long, default_value_t = 200)]
    pub count: usize,
    /// Below 1 the likely symbols become more likely; at 0 the most likely is always taken
    #[arg(long, default_value_t = 1.0)]
    pub temperature: f64,
    /// Draws among so many of the most likely symbols; 0 for all
    #[arg(long, default_value_t = 0)]
    pub top_k: u16,
    /// Seed of the drawing
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Core on which the same is generated and compared: m3, m4, m7, m33
    #[arg(long, value_name = "CORE")]
    pub on: Option<String>,
    /// A board's serial port instead of an emulated core: it runs the model already
    #[arg(long, value_name = "PORT", conflicts_with = "on")]
    pub port: Option<String>,
    /// How long the board is waited for.
    #[command(flatten)]
    pub patience: PortFlags,
    /// The repository's folder `boards`
    #[arg(long, value_name = "DIR")]
    pub boards: Option<PathBuf>,
}

/// Most symbols to write: some 200 MB.
const MOST_SYMBOLS: usize = 10_000_000;

#[derive(Serialize)]
struct Generated {
    text: String,
    symbols: Vec<u16>,
    core: Option<String>,
    mismatches: Option<usize>,
    instructions_per_symbol: Option<f64>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!(
            (0.0..8.0).contains(&self.temperature),
            Usage(format!("--temperature {} is not in 0..8", self.temperature))
        );
        ensure!(
            self.count <= MOST_SYMBOLS,
            Usage(format!("--count {}: {MOST_SYMBOLS} symbols at most, as they are kept until the last", self.count))
        );
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let text =
            model.text().with_context(|| format!("{} reads no text, so it generates none", file.path().display()))?;
        ensure!(
            model.structure() == Structure::Sequence && model.max_steps() == 0,
            Usage(format!(
                "{} writes no text symbol by symbol: it is no language model; `elman run` gives its answers to the lines of a file",
                file.path().display()
            ))
        );
        let prompt: Vec<u16> = text.read(self.prompt.as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))?.collect();
        ensure!(!prompt.is_empty(), Usage("--prompt has no symbol".to_owned()));
        let generation = Generation {
            seed: self.seed,
            temperature: Temperature::from_num(self.temperature),
            top_k: self.top_k,
            prompt,
            count: self.count,
        };
        let symbols = generate_on_host(&model, &generation)?;
        let separator = if text.unit == TextUnit::Words { " " } else { "" };
        let written: Vec<&str> = symbols.iter().map(|k| text.symbol(*k).unwrap_or("\u{fffd}")).collect();
        let written = format!("{}{separator}{}", self.prompt, written.join(separator));
        ui.line(written.trim_start_matches('\n'));
        let report = match (&self.port, &self.on) {
            (Some(port), _) => {
                let mut board = Port::open(port, self.patience.patience())?;
                let report = generate(&mut board, &model, &generation)?;
                note_repeats(&board, ui);
                Some(report)
            }
            (None, Some(core)) => {
                let options = Options { boards: self.boards, ..Options::default() };
                Some(Bench::new(&options, core, None)?.generate(&file.bytes(), &generation)?)
            }
            (None, None) => None,
        };
        if let Some(r) = &report {
            ui.note(format!(
                "{}: {} symbols, {} differ from the host's, {} instructions per symbol",
                r.core,
                thousands(r.symbols.len() as u64),
                r.mismatches,
                thousands(r.instructions.round() as u64)
            ));
        }
        ui.result(&Generated {
            text: written,
            symbols,
            core: report.as_ref().map(|r| r.core.clone()),
            mismatches: report.as_ref().map(|r| r.mismatches),
            instructions_per_symbol: report.as_ref().map(|r| r.instructions),
        })?;
        match report {
            Some(r) if r.mismatches > 0 => bail!("{} symbols differ from the host's", r.mismatches),
            _ => Ok(()),
        }
    }
}
