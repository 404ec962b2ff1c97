//! `elman quantize`: float network to integers, with the error of each layer.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::cmd::quantize_auto::{self, Choice};
use crate::ui::{Ui, bytes};
use elman::detect;
use elman::kernel::WeightFormat;
use elman_data::files::write_atomically;
use elman_nn::{Network, StructureSpec};
use elman_pipeline::evaluate::EvalFlags;
use elman_pipeline::evaluate::compare::{Comparison, LayerError, compare};
use elman_pipeline::run::{RunFolder, Unfinished};
use elman_pipeline::{Example, RunInfo};
use elman_quant::IntegerModel;
use elman_quant::model::ModelFile;
use elman_quant::network::{LayerFormats, Surroundings, calibrate, quantize, quantize_shared, shared_formats};
use elman_quant::ptq::RangeStats;
use elman_quant::with_detector;
use elman_recipe::{Recipe, Usage};
use elman_train::Sequence;
use elman_verify::cost;

/// Quantizes a trained network and writes model.elman into the run folder.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman quantize runs/fsdd\n  elman quantize runs/fsdd --weights auto --budget 12000"
)]
pub struct Cmd {
    /// The run folder
    pub run: PathBuf,
    /// Format of the weights of all layers, instead of the recipe's
    #[arg(long, value_enum)]
    pub weights: Option<Weights>,
    /// Of --weights auto, the most bytes that the blob may have
    #[arg(long, value_name = "BYTES")]
    pub budget: Option<usize>,
    /// Monotonic counter to write into the blob
    #[arg(long, default_value_t = 0)]
    pub counter: u32,
}

/// Formats of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Weights {
    /// 8 bits, a scale per row
    Int8,
    /// 4 bits, -7 to 7, a scale per row
    Int4,
    /// 2 bits: -1, 0 and 1, a scale per row
    Int2,
    /// For each layer what loses least, so that the blob has --budget bytes at most
    Auto,
}

/// Which formats the weights get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Formats {
    /// Those of the recipe.
    #[default]
    Recipe,
    /// One for all layers.
    One(WeightFormat),
    /// Those with the least loss in a blob of at most so many bytes.
    Budget(usize),
}

impl Cmd {
    /// What the arguments ask for.
    fn formats(&self) -> Result<Formats> {
        let usage = |text: &str| Err(Usage(text.to_owned()).into());
        Ok(match (self.weights, self.budget) {
            (Some(Weights::Auto), Some(budget)) => Formats::Budget(budget),
            (Some(Weights::Auto), None) => {
                return usage("--weights auto chooses formats for a budget: add --budget BYTES");
            }
            (_, Some(_)) => return usage("--budget is for --weights auto"),
            (None, None) => Formats::Recipe,
            (Some(Weights::Int8), None) => Formats::One(WeightFormat::Int8),
            (Some(Weights::Int4), None) => Formats::One(WeightFormat::Int4),
            (Some(Weights::Int2), None) => Formats::One(WeightFormat::Int2),
        })
    }
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
    /// Answers on the calibration examples, of a model of more than one output.
    #[serde(default)]
    pub answers: u64,
    /// Those that integers give otherwise than floats.
    #[serde(default)]
    pub changed: u64,
    /// How formats were chosen for a budget.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// What described the model that this one replaced, and is removed: its detector, and results of commands.
    #[serde(default)]
    pub void: Vec<String>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let formats = self.formats()?;
        let folder = RunFolder::open_locked(&self.run)?;
        if let Some(Unfinished { best, done }) = folder.unfinished()? {
            ui.note(format!(
                "training is not finished: this is the network of epoch {best}, the best of {done} so far"
            ));
        }
        let quantized = run_in(&folder, self.counter, &formats)?;
        if !quantized.choices.is_empty() {
            quantize_auto::show(&quantized.choices, ui);
        }
        show(&quantized, ui);
        warn(&quantized, ui);
        if !quantized.void.is_empty() {
            ui.note(format!(
                "the network is another than before: what was found of the earlier one is removed ({})",
                quantized.void.join(", ")
            ));
        }
        crate::cmd::report::write(&folder)?;
        ui.line(format!("next: elman eval {} --data DIR", self.run.display()));
        ui.result(&quantized)
    }
}

/// Quantizes the network of a run folder as its recipe says.
///
/// # Errors
/// Where the run is not finished, a weight is not finite, or the device could not run the result.
pub fn run(folder: &RunFolder, counter: u32) -> Result<Quantized> {
    run_in(folder, counter, &Formats::Recipe)
}

/// Quantizes the network of a run folder to these formats.
///
/// # Errors
/// As of [`run`], and where no choice of formats fits a budget.
pub fn run_in(folder: &RunFolder, counter: u32, formats: &Formats) -> Result<Quantized> {
    let (recipe, about, network) = (folder.recipe()?, folder.about()?, folder.network()?);
    let examples = folder.calibration()?;
    let trained_with = folder.formats()?.filter(|_| *formats == Formats::Recipe);
    let calibrated = || {
        let sequences: Vec<Sequence> = examples.iter().map(|e| about.sequence(e)).collect();
        calibrate(&network, &sequences, about.folded())
    };
    let (trained, seen) = match trained_with {
        // The integers that training saw.
        Some(seen) => (true, seen),
        None => (false, calibrated()),
    };
    let mut around = about.surroundings(&recipe);
    let measure = |integer: &IntegerModel| -> Result<Comparison> {
        let blob = integer.to_blob()?;
        let file = ModelFile::from_bytes(&folder.model_path(), &blob)?;
        compare(&network, integer, &file.model()?, &about, EvalFlags::of(&recipe), &examples)
    };
    let mut choices = Vec::new();
    match formats {
        Formats::Recipe => {}
        Formats::One(format) => around.weights = LayerFormats::one(*format),
        Formats::Budget(budget) => {
            let names: Vec<String> = network.spec().layers.iter().map(|layer| layer.name().to_owned()).collect();
            let loss = |formats: &LayerFormats| {
                let tried = Surroundings { weights: formats.clone(), ..around.clone() };
                let integer = quantize(&network, &tried, &seen)?;
                let noise = of_answers(&measure(&integer)?);
                Ok((integer.to_blob()?.len(), 10f64.powf(-0.1 * noise)))
            };
            (around.weights, choices) = quantize_auto::choose(&names, *budget, loss)?;
        }
    }
    let (mut integer, measured) = if trained {
        let integer = quantize(&network, &around, &seen)?;
        let measured = measure(&integer)?;
        (integer, measured)
    } else {
        best_shared(&network, &around, &seen, measure)?
    };
    integer.counter = counter;
    let plain = integer.to_blob()?;
    let before = earlier(folder);
    // The same network, whatever its counter is, keeps the detector that calibration found.
    let same = before.as_ref().is_some_and(|before| {
        let again = IntegerModel { counter: before.counter, ..integer.clone() };
        again.to_blob().is_ok_and(|blob| before.plain == blob)
    });
    let detect = before.and_then(|before| before.detect);
    let blob = if same { with_detector(&plain, detect.clone())? } else { plain };
    let file = ModelFile::from_bytes(&folder.model_path(), &blob)?;
    let model = file.model()?;
    let Comparison { layers, answers, changed } = measured;
    let mut void = Vec::new();
    if !same {
        void.extend(detect.map(|_| "the detector".to_owned()));
        void.extend(folder.forget_results(&[])?.into_iter().filter(|name| name != "quantize"));
    }
    write_atomically(&folder.model_path(), &blob)?;
    let (model, blob_bytes, ram_bytes) = (folder.model_path(), blob.len(), cost::of(&model).ram_bytes);
    let quantized = Quantized { model, blob_bytes, ram_bytes, layers, answers, changed, choices, void };
    folder.add_result("quantize", &quantized)?;
    Ok(quantized)
}

/// Signal to noise of the answers in dB; infinite where nothing is compared or lost.
fn of_answers(found: &Comparison) -> f64 {
    found.layers.last().and_then(|layer| layer.output_db).unwrap_or(f64::INFINITY)
}

/// Signal to noise of the weights of the layer that has the least, in dB.
fn of_weights(found: &Comparison) -> f64 {
    found.layers.iter().map(snr).fold(f64::INFINITY, f64::min)
}

/// Signal to noise of the answers in dB from which on the format that holds all values serves.
const GOOD: f64 = 18.0;
/// Least gain in dB for which a format is taken that ranges alone would not decide.
const LEAST_GAIN: f64 = 3.0;

/// Finer formats that are tried one after the other without a gain.
const MOST_IN_VAIN: usize = 3;

/// The network in integers, and how it compares. Chains that are joined share a format: one that holds all that calibration saw, or a
/// finer one, which cuts off the largest values, where answers or weights are poor and `measure` finds the answers closer to the float
/// network's.
fn best_shared(
    network: &Network<f32>,
    around: &Surroundings,
    seen: &[RangeStats],
    measure: impl Fn(&IntegerModel) -> Result<Comparison>,
) -> Result<(IntegerModel, Comparison)> {
    let mut best = quantize(network, around, seen)?;
    let mut reached = measure(&best)?;
    // Chains of a sequence are one; what is good stays.
    let is_good = of_answers(&reached) >= GOOD && of_weights(&reached) >= LEAST_SNR;
    if network.spec().structure == StructureSpec::Sequence || is_good {
        return Ok((best, reached));
    }
    let mut shared = shared_formats(network, around, seen)?;
    for group in 0..shared.len() {
        let Some(ranges) = shared[group] else { continue };
        let mut in_vain = 0;
        for frac in ranges + 1..=15 {
            if in_vain == MOST_IN_VAIN {
                break;
            }
            in_vain += 1;
            let mut tried = shared.clone();
            tried[group] = Some(frac);
            let integer = quantize_shared(network, around, seen, &tried)?;
            let found = measure(&integer)?;
            if of_answers(&found) > of_answers(&reached) + LEAST_GAIN {
                (best, shared, reached, in_vain) = (integer, tried, found, 0);
            }
        }
    }
    Ok((best, reached))
}

/// Quantizes a network before it is trained, on one example: what a device could not run is found before hours of training.
///
/// # Errors
/// Where the device could not run the result.
pub fn rehearse(network: &Network<f32>, recipe: &Recipe, about: &RunInfo, examples: &[Example]) -> Result<()> {
    let sequences: Vec<Sequence> = examples.iter().take(1).map(|e| about.sequence(e)).collect();
    let seen = calibrate(network, &sequences, &about.target);
    let integer = quantize(network, &about.surroundings(recipe), &seen)?;
    let (most, longest) = (usize::from(integer.max_steps), about.longest);
    ensure!(
        most == 0 || longest <= most,
        "the longest example has {longest} steps, quantize.max_steps is {most}; make it {longest} or 0, which takes the longest"
    );
    ModelFile::from_bytes(Path::new("the model"), &integer.to_blob()?)?.model()?;
    Ok(())
}

/// A model that was in the run folder before.
struct Earlier {
    counter: u32,
    detect: Option<detect::Config>,
    /// Its blob without the detector.
    plain: Vec<u8>,
}

/// The model in the run folder, where there is one that can be read.
fn earlier(folder: &RunFolder) -> Option<Earlier> {
    let file = ModelFile::read(&folder.model_path()).ok()?;
    let model = file.model().ok()?;
    let plain = with_detector(&file.bytes(), None).ok()?;
    Some(Earlier { counter: model.frame().counter, detect: model.descriptor().detect.clone(), plain })
}

/// Share of answers that quantization may change without a note.
const MOST_CHANGED: f64 = 0.02;
/// Signal to rounding noise of a layer's weights below which they are named as the reason, in dB.
const LEAST_SNR: f64 = 24.0;

fn decibels(db: Option<f64>) -> String {
    db.map_or("".to_owned(), |d| format!("{d:.1} dB"))
}

/// Signal to rounding noise of a layer's weights, of W or U, whichever has less; infinite without weights.
fn snr(layer: &LayerError) -> f64 {
    let weights = [layer.weights.input_db, layer.weights.recurrent_db, layer.weights.weights_db];
    weights.into_iter().flatten().fold(f64::INFINITY, f64::min)
}

/// Says where integers answer otherwise than floats more often than they should.
fn warn(quantized: &Quantized, ui: Ui) {
    let Quantized { answers, changed, ref layers, .. } = *quantized;
    let share = changed as f64 / answers.max(1) as f64;
    if answers > 0 {
        ui.line(format!("integers change {changed} of {answers} answers on the calibration examples"));
    }
    if share <= MOST_CHANGED {
        return;
    }
    let ends = |l: &&LayerError| l.long_saturated + l.saturated;
    let poorest = layers.iter().min_by(|a, b| snr(a).total_cmp(&snr(b))).filter(|l| snr(l) < LEAST_SNR);
    let most = layers.iter().max_by_key(ends).filter(|l| ends(l) > 0);
    let reason = match (poorest, most) {
        (Some(l), _) if l.format != WeightFormat::default().name() => format!(
            "the weights of layer {}, {}, keep {:.0} dB in {}; give that layer more bits, or all by --weights auto --budget BYTES",
            l.layer,
            l.variant,
            snr(l),
            l.format
        ),
        (Some(l), _) => format!(
            "the weights of layer {}, {}, keep {:.0} dB, as what it reads or gives has a range that leaves few bits; bound that \
             by tanh or a norm layer",
            l.layer,
            l.variant,
            snr(l)
        ),
        (None, Some(l)) => format!(
            "layer {}, {}, is at the end of its format {} times; calibrate with more data or bound its output by tanh",
            l.layer,
            l.variant,
            ends(&l)
        ),
        (None, None) => {
            "no layer saturates: the network answers close to its borders, so that rounding decides".to_owned()
        }
    };
    ui.note(format!("that is {:.1} %, more than {:.0} %: {reason}", 100.0 * share, 100.0 * MOST_CHANGED));
}

fn show(quantized: &Quantized, ui: Ui) {
    ui.line(format!(
        "{}: {}, {} of RAM",
        quantized.model.display(),
        bytes(quantized.blob_bytes),
        bytes(quantized.ram_bytes)
    ));
    ui.line(
        "    layer        weights        W        U   median |U|     output   saturated   drift of the output, first .. last step",
    );
    for l in &quantized.layers {
        ui.line(format!(
            "{:>2}  {:<12} {:<7} {:>8} {:>8} {:>12} {:>10} {:>11}   {:.1e} .. {:.1e}{}",
            l.layer,
            l.variant,
            l.format,
            decibels(l.weights.input_db.or(l.weights.weights_db)),
            decibels(l.weights.recurrent_db),
            l.weights.recurrent_median.map_or("".to_owned(), |m| m.to_string()),
            match l.output_db {
                Some(db) => format!("{db:.1} dB"),
                // Of chains of layers the last layer alone is compared.
                None => if l.drift.is_empty() { "-" } else { "exact" }.to_owned(),
            },
            format!("{}/{}", l.saturated, l.outputs),
            l.drift.iter().find(|d| **d > 0.0).copied().unwrap_or(0.0),
            l.drift.last().copied().unwrap_or(0.0),
            if l.long_saturated > 0 { format!("   c saturated {} times", l.long_saturated) } else { String::new() },
        ));
    }
}
