//! `elman quantize`: float network to integers, with the error of each layer.

use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::ui::{Ui, bytes};
use elman_data::files::write_atomically;
use elman_pipeline::evaluate::EvalFlags;
use elman_pipeline::evaluate::compare::{LayerError, compare};
use elman_pipeline::run::RunFolder;
use elman_quant::model::ModelFile;
use elman_quant::network::{calibrate, quantize};
use elman_train::Sequence;
use elman_verify::cost;

/// Quantizes a trained network and writes model.elman into the run folder.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman quantize runs/fsdd")]
pub struct Cmd {
    /// The run folder
    pub run: PathBuf,
    /// Format of the weights
    #[arg(long, value_enum, default_value_t = Weights::Int8)]
    pub weights: Weights,
    /// Monotonic counter to write into the blob
    #[arg(long, default_value_t = 0)]
    pub counter: u32,
}

/// Formats of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Weights {
    /// 8 bits, a scale per row
    Int8,
}

/// The result of quantization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quantized {
    /// The blob.
    pub model: PathBuf,
    /// Its length.
    pub blob_bytes: usize,
    /// Bytes of a stream's memory.
    pub ram_bytes: usize,
    /// The error of each layer, on the calibration clips.
    pub layers: Vec<LayerError>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let folder = RunFolder::open(&self.run)?;
        let quantized = run(&folder, self.counter)?;
        show(&quantized, ui);
        crate::cmd::report::write(&folder)?;
        ui.line(format!("next: elman eval {} --data DIR", self.run.display()));
        ui.result(&quantized)
    }
}

/// Quantizes the network of a run folder.
///
/// # Errors
/// Where the run is not finished, a weight is not finite, or the device could not run the result.
pub fn run(folder: &RunFolder, counter: u32) -> Result<Quantized> {
    let (recipe, about, network) = (folder.recipe()?, folder.about()?, folder.network()?);
    let examples = folder.calibration()?;
    let sequences: Vec<Sequence> = examples.iter().map(|e| about.sequence(e)).collect();
    let seen = calibrate(&network, &sequences, about.folded());
    let mut integer = quantize(&network, &about.surroundings(&recipe), &seen)?;
    integer.counter = counter;
    let blob = integer.to_blob()?;
    let file = ModelFile::from_bytes(&folder.model_path(), &blob)?;
    let model = file.model()?;
    let layers = compare(&network, &integer, &model, &about, EvalFlags::of(&recipe), &examples)?;
    write_atomically(&folder.model_path(), &blob)?;
    let quantized =
        Quantized { model: folder.model_path(), blob_bytes: blob.len(), ram_bytes: cost::of(&model).ram_bytes, layers };
    folder.add_result("quantize", &quantized)?;
    Ok(quantized)
}

fn show(quantized: &Quantized, ui: Ui) {
    ui.line(format!(
        "{}: {}, {} of RAM",
        quantized.model.display(),
        bytes(quantized.blob_bytes),
        bytes(quantized.ram_bytes)
    ));
    ui.line("    layer          weights   output   saturated   drift of the output, first .. last step");
    for l in &quantized.layers {
        ui.line(format!(
            "{:>2}  {:<12} {:>9} {:>8} {:>11}   {:.1e} .. {:.1e}{}",
            l.layer,
            l.variant,
            l.weights_db.map_or("".to_owned(), |d| format!("{d:.1} dB")),
            match l.output_db {
                Some(db) => format!("{db:.1} dB"),
                // Of chains of layers the last layer alone is compared.
                None => if l.outputs == 0 { "-" } else { "exact" }.to_owned(),
            },
            format!("{}/{}", l.saturated, l.outputs),
            l.drift.iter().find(|d| **d > 0.0).copied().unwrap_or(0.0),
            l.drift.last().copied().unwrap_or(0.0),
            if l.long_saturated > 0 { format!("   c saturated {} times", l.long_saturated) } else { String::new() },
        ));
    }
}
