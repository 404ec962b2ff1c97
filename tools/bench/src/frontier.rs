//! `frontier`: accuracy against flash and instructions, over cells, widths and bits of weights.
//!
//! Each network is trained in float once a seed. In int8 it is rounded; in fewer bits it is trained further along the device's
//! integers. The integers are evaluated, and run on an emulated Cortex-M4.

mod page;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use elman_data::Split;
use elman_figures::{Figures, Output, root};
use elman_nn::{Conv, DenseActivation, LayerSpec};
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Encoding, Frames, Source};
use elman_quant::model::ModelFile;
use elman_recipe::Recipe;
use elman_tools::cmd::{eval, quantize, train};
use elman_tools::ui::{Ui, thousands};
use elman_verify as verify;
use serde::{Deserialize, Serialize};

/// A data set, its recipe, and the share of the float epochs that the epochs in integers are.
const SETS: &[(&str, &str)] =
    &[("asc_kws", "asc_kws"), ("fsdd", "fsdd"), ("har_uci", "har_uci-gru"), ("japanese_vowels", "japanese_vowels-gru")];

/// Cells, each with its widths.
const CELLS: &[&str] = &["gru", "lstm", "li-gru", "min-gru", "fast-grnn"];
/// What stands in front of the cell: nothing, or a convolution over 3 frames with an output every second one.
const FRONTS: &[&str] = &["none", "conv"];
/// Cells that are also trained with a convolution in front.
const WITH_FRONT: &[&str] = &["gru"];
const UNITS: &[usize] = &[16, 32, 64];
/// Weight formats, and whether training goes on in integers.
const WEIGHTS: &[(&str, bool)] = &[("int8", false), ("int4", true), ("int2", true)];

/// Which networks, on which data.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder that holds the corpora, each named as its recipe says
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The data set
    #[arg(long, default_value = "asc_kws", value_parser = clap::builder::PossibleValuesParser::new(SETS.iter().map(|s| s.0)))]
    set: String,
    /// Cells, by the names of their variants
    #[arg(long, value_delimiter = ',', default_values_t = CELLS.iter().map(|c| (*c).to_owned()))]
    cells: Vec<String>,
    /// Widths
    #[arg(long, value_delimiter = ',', default_values_t = UNITS.to_vec())]
    units: Vec<usize>,
    /// What stands in front of the cell: none, conv
    #[arg(long, value_delimiter = ',', default_values_t = FRONTS.iter().map(|f| (*f).to_owned()))]
    fronts: Vec<String>,
    /// Weight formats
    #[arg(long, value_delimiter = ',', default_values_t = WEIGHTS.iter().map(|w| w.0.to_owned()))]
    weights: Vec<String>,
    /// Seeds to average over, from 1
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Epochs in float, instead of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// Writes docs/frontier.md and its pictures; networks of other data sets, and others of as many seeds, stay
    #[arg(long)]
    write_docs: bool,
    #[command(flatten)]
    output: Output,
}

/// A network on the frontier, or below it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Point {
    cell: String,
    units: usize,
    /// Whether a convolution stands in front.
    #[serde(default)]
    conv: bool,
    weights: String,
    /// Figures of the evaluated split, in %: the float network, and the integers.
    float: Vec<f64>,
    integer: Vec<f64>,
    /// Bytes of weights, biases and scales.
    flash: usize,
    /// Bytes of a stream's memory.
    ram: usize,
    /// Instructions a step on the emulated Cortex-M4, without the front end; `None` where no emulator is there.
    instructions: Option<f64>,
    /// Whether the emulated core gave the host's bits.
    bit_exact: Option<bool>,
    /// Steps a second, of sound.
    steps_per_second: Option<f64>,
}

impl Point {
    fn accuracy(&self) -> f64 {
        mean(&self.integer)
    }

    fn network(&self) -> String {
        format!("{}{}-{}", if self.conv { "conv-" } else { "" }, self.cell, self.units)
    }

    fn name(&self) -> String {
        format!("{} {}", self.network(), self.weights)
    }

    /// Instructions a second of sound; of other data, a step.
    fn work(&self) -> Option<f64> {
        Some(self.instructions? * self.steps_per_second.unwrap_or(1.0))
    }
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len().max(1) as f64
}

/// Trains and measures them.
///
/// # Errors
/// Where the recipe or its corpus cannot be read, or a run fails.
pub fn run(args: &Args) -> Result<ExitCode> {
    ensure!(args.seeds > 0, "--seeds is at least 1");
    let (_, name) = SETS.iter().find(|(set, _)| *set == args.set).context("a data set of the list")?;
    let base = Recipe::read(&root().join("tools/recipes").join(format!("{name}.toml")), &[])?;
    let corpus = args.data.join(if base.corpus.is_empty() { &args.set } else { &base.corpus });
    let source = Source::open(&corpus, &base, pipeline::wanted_rate(&base), &Ui { json: true, ..Ui::default() })?;
    let split = source.evaluation_split(None)?;
    let mut figures = Figures::new("frontier");
    figures.line(format!(
        "{}: {split} split, {} seeds, weights in bytes of flash, instructions on the M4",
        args.set, args.seeds
    ));
    for which in shapes(args) {
        let points = network(args, &base, &source, split, which).with_context(|| format!("{which:?}"))?;
        for point in &points {
            figures.line(line(point));
            figures.add(format!("{}-{}", args.set, point.name().replace(' ', "-")), point.accuracy());
        }
        // After each network: a run that is stopped has written what it has.
        if args.write_docs {
            page::write(&args.set, &split.to_string(), args.seeds, points)?;
        }
    }
    figures.finish(&args.output)
}

fn line(p: &Point) -> String {
    let each = p.integer.iter().map(|a| format!("{a:.2}")).collect::<Vec<_>>().join(" ");
    let instructions = p.instructions.map_or("-".to_owned(), |i| thousands(i.round() as u64));
    let exact = match p.bit_exact {
        Some(true) => "bit-exact",
        Some(false) => "NOT BIT-EXACT",
        None => "not run",
    };
    format!(
        "{:<22} float {:.2}   integers {:.2} ({each})   {:>6} B   {:>6} B of RAM   {instructions:>8} instructions a step, {exact}",
        p.name(),
        mean(&p.float),
        p.accuracy(),
        p.flash,
        p.ram,
    )
}

/// A cell, its width, and whether a convolution stands in front.
type Shape<'a> = (&'a str, usize, bool);

/// All that are asked for.
fn shapes(args: &Args) -> Vec<Shape<'_>> {
    let mut all = Vec::new();
    for conv in args.fronts.iter().map(|front| front == "conv") {
        for cell in args.cells.iter().filter(|cell| !conv || WITH_FRONT.contains(&cell.as_str())) {
            all.extend(args.units.iter().map(|units| (cell.as_str(), *units, conv)));
        }
    }
    all
}

/// The recipe with another cell.
fn recipe(args: &Args, base: &Recipe, (cell, units, conv): Shape<'_>, seed: u64) -> Result<Recipe> {
    let mut recipe = base.clone();
    recipe.name = format!("{}-{cell}-{units}", args.set);
    recipe.train.seed = seed;
    recipe.train.epochs = args.epochs.unwrap_or(recipe.train.epochs);
    let layer = recipe.network.layers.iter_mut().find_map(|layer| match layer {
        LayerSpec::Cell(cell) => Some(cell),
        _ => None,
    });
    let layer = layer.context("the recipe has a recurrent layer")?;
    (layer.variant, layer.units) = (cell.to_owned(), units);
    if conv {
        let front = Conv {
            outputs: CHANNELS,
            kernel: 3,
            stride: 2,
            dilation: 1,
            activation: DenseActivation::Relu,
            depthwise: false,
        };
        recipe.network.layers.insert(0, front.into());
    }
    Ok(recipe)
}

/// Channels of the convolution.
const CHANNELS: usize = 32;

/// All weight formats of a network.
fn network(args: &Args, base: &Recipe, source: &Source, split: Split, which: Shape<'_>) -> Result<Vec<Point>> {
    let quiet = Ui { json: true, ..Ui::default() };
    let mut points: Vec<Point> = Vec::new();
    for seed in 1..=args.seeds {
        let recipe = recipe(args, base, which, seed)?;
        let dir = tempfile::tempdir()?;
        let mut folder = RunFolder::create(dir.path(), true)?;
        train::train(source, &recipe, &mut folder, train::TrainFlags::default(), quiet)?;
        for (n, weights) in args.weights.iter().enumerate() {
            let aware = WEIGHTS.iter().any(|(name, aware)| name == weights && *aware);
            let (float, integer, point) = rounded(&folder, &recipe, source, split, (weights, aware))?;
            eprintln!("{} {weights}, seed {seed}: float {float:.2}, integers {integer:.2}", point.network());
            if seed == 1 {
                points.push(point);
            }
            points[n].float.push(float);
            points[n].integer.push(integer);
        }
    }
    Ok(points)
}

/// Epochs in integers, a share of those in float.
const SHARE: usize = 3;

/// One weight format of a trained run: figures of float network and integers, and the rest of the point.
fn rounded(
    from: &RunFolder,
    recipe: &Recipe,
    source: &Source,
    split: Split,
    (weights, aware): (&str, bool),
) -> Result<(f64, f64, Point)> {
    let quiet = Ui { json: true, ..Ui::default() };
    let dir = tempfile::tempdir()?;
    let mut folder = RunFolder::create(dir.path(), true)?;
    let epochs = if aware { recipe.train.epochs.div_ceil(SHARE) } else { 0 };
    let mut recipe = recipe.clone().changed(&[format!("quantize.weights={weights}")])?;
    (recipe.quantize.qat_epochs, recipe.quantize.qat_rate) = (epochs, recipe.train.rate / 4.0);
    let about = from.about()?;
    if aware {
        recipe.train.epochs = 0;
        let flags = train::TrainFlags { from: Some(from.path()), ..Default::default() };
        train::train(source, &recipe, &mut folder, flags, quiet)?;
    } else {
        folder.write_beginning(&recipe, &about)?;
        folder.write_calibration(&from.calibration()?)?;
        folder.write_weights(&from.network()?)?;
        folder.publish()?;
    }
    let quantized = quantize::run(&folder, 0)?;
    let file = ModelFile::read(dir.path())?;
    let evaluated = eval::evaluate(dir.path(), &file, &recipe, source, split)?;
    let float = eval_float(from, &recipe, source, split)?;
    let (_, integer) = evaluated.main();
    let model = file.model()?;
    let examples = about.encoding.examples(source, split)?;
    let chosen = pipeline::spread(&examples, 5, model.inputs(), 100);
    let verified = verify::examples(&file.bytes(), "m4", &chosen, &verify::Options::default());
    if let Err(e) = &verified {
        eprintln!("{}: not run on the emulated core: {e:#}", recipe.name);
    }
    let verified = verified.ok();
    let cell = recipe.network.layers.iter().find_map(|l| if let LayerSpec::Cell(c) = l { Some(c) } else { None });
    let cell = cell.context("a recurrent layer")?;
    let point = Point {
        cell: cell.variant.clone(),
        units: cell.units,
        conv: matches!(recipe.network.layers.first(), Some(LayerSpec::Conv(_))),
        weights: weights.to_owned(),
        float: Vec::new(),
        integer: Vec::new(),
        flash: model.frame().weights_bytes as usize,
        ram: quantized.ram_bytes,
        instructions: verified.as_ref().map(|v| v.instructions),
        bit_exact: verified.as_ref().map(|v| v.bit_exact()),
        steps_per_second: steps_per_second(&about.encoding),
    };
    Ok((100.0 * float, 100.0 * integer, point))
}

/// The float network's figure.
fn eval_float(from: &RunFolder, recipe: &Recipe, source: &Source, split: Split) -> Result<f64> {
    use elman_pipeline::evaluate::{self, EvalFlags};
    let (network, about) = (from.network()?, from.about()?);
    let examples = about.encoding.examples(source, split)?;
    let how = EvalFlags::of(recipe);
    let parts = evaluate::float(&network, &about, &examples, how);
    let figures = evaluate::figures(&about.encoding, &examples, &parts, how);
    Ok(figures.first().map_or(f64::NAN, |figure| figure.value))
}

/// Frames a second, of sound.
fn steps_per_second(encoding: &Encoding) -> Option<f64> {
    match &encoding.frames {
        Frames::Audio(config) => Some(f64::from(config.sample_rate) / f64::from(config.hop)),
        _ => None,
    }
}
