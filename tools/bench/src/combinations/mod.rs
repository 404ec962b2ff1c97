//! `combinations`: inputs, layers, cells, directions and heads in every legal combination, each trained for two steps,
//! quantized, and run on the emulated M4, compared with the host. Then chains that are joined, trained until they have learned a task,
//! with the accuracies of floats and integers ([`joined`]).

mod joined;

use anyhow::{Context, Result};
use elman::Model;
use elman::blob::{Blob, Structure};
use elman::kernel::WeightFormat;
use elman::text::TextUnit;
use elman_nn::{LayerSpec, Loss, NetworkSpec, Reads, Target};
use elman_quant::network::{LayerFormats, Surroundings, calibrate, quantize};
use elman_quant::scaling::{Moments, scaled};
use elman_quant::synthetic::Numbers;
use elman_quant::words_of;
use elman_train::{Control, Sequence, TrainConfig, Trainer};
use elman_verify::{Bench, Inputs, Options, compare};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Arguments of `combinations`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Steps per combination
    #[arg(long, default_value_t = 1000)]
    pub steps: usize,
    /// Takes each N-th combination only
    #[arg(long, default_value_t = 1)]
    pub every: usize,
    /// Skips the chains of one sequence, or the joined ones
    #[arg(long, value_name = "PART")]
    pub skip: Option<Part>,
    /// One JSON object on stdout instead of text
    #[arg(long)]
    pub json: bool,
}

/// The parts of `combinations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Networks over one sequence, bit for bit
    Sequences,
    /// Encoder-decoders, trees and graphs, by their accuracy
    Joined,
}

/// Steps of a sequence.
const STEPS: usize = 25;
/// Outputs of a network.
const OUTPUTS: usize = 3;
/// Symbols, where the input is one (as the samples of layers have them), and values, where it is a vector.
const SYMBOLS: usize = 11;
const VALUES: usize = 5;

/// A network, and how it is called.
struct Combination {
    name: String,
    layers: Vec<LayerSpec>,
    /// Outputs that it reads again.
    feedback: usize,
    /// How its weights are stored.
    weights: WeightFormat,
}

impl Combination {
    fn new(layers: Vec<LayerSpec>) -> Self {
        let name = layers.iter().map(describe).collect::<Vec<_>>().join(" > ");
        Combination { name, layers, feedback: 0, weights: WeightFormat::default() }
    }

    /// Whether it reads symbols.
    fn symbols(&self) -> bool {
        self.layers.first().is_some_and(|first| first.reads() == Reads::Symbol)
    }

    fn inputs(&self) -> usize {
        if self.symbols() { 1 } else { VALUES }
    }
}

/// All of them: each way to read, each cell in one direction and both, alone and stacked, each pool and none; before and
/// after the cells another kind of layer each time. Then the layers that are networks by themselves.
fn all() -> Vec<Combination> {
    let samples = LayerSpec::samples();
    let of = |reads: Reads| samples.iter().filter(move |layer| layer.reads() == reads);
    let alone = |layer: &LayerSpec| {
        let layers = vec![layer.clone(), LayerSpec::dense(OUTPUTS)];
        NetworkSpec::sequence(VALUES, layers).check().is_err()
    };
    let is_cell = |layer: &&LayerSpec| matches!(layer, LayerSpec::Cell(_));
    let others: Vec<&LayerSpec> =
        of(Reads::Step).chain(of(Reads::Steps)).filter(|layer| !is_cell(layer) && !alone(layer)).collect();
    let cells: Vec<&LayerSpec> = samples.iter().filter(is_cell).collect();
    let or_none = |reads| std::iter::once(None).chain(of(reads).map(Some));
    let mut out: Vec<Combination> = Vec::new();
    for first in or_none(Reads::Symbol) {
        for (k, cell) in cells.iter().enumerate() {
            for deep in [false, true] {
                for pool in or_none(Reads::Sequence) {
                    let number = out.len();
                    let (before, after) = (others[number % others.len()], others[number / 7 % others.len()]);
                    let next = cells[(k + 2) % cells.len()];
                    let stack = if deep { vec![*cell, next, *cell] } else { vec![*cell] };
                    let layers = first.into_iter().chain([before]).chain(stack).chain([after]).chain(pool);
                    out.push(Combination::new(layers.cloned().chain([LayerSpec::dense(OUTPUTS)]).collect()));
                }
            }
        }
    }
    for layer in of(Reads::Steps).filter(|layer| alone(layer)) {
        out.push(Combination { feedback: layer.width(VALUES), ..Combination::new(vec![layer.clone()]) });
    }
    // Every format of weights, one after the other.
    for (combination, format) in out.iter_mut().zip(WeightFormat::ALL.iter().cycle()) {
        combination.weights = *format;
        combination.name += &format!(" in {}", format.name());
    }
    out
}

fn describe(layer: &LayerSpec) -> String {
    let device = layer.device();
    if device.is_empty() { layer.name().to_owned() } else { device.join("+") }
}

/// Trains, quantizes and runs one; steps run, and steps that differ.
fn one(c: &Combination, bench: &Bench, steps: usize) -> Result<(u64, u64)> {
    let inputs = c.inputs();
    let mut numbers = Numbers(7);
    let sequences: Vec<Vec<i16>> = (0..steps.div_ceil(STEPS))
        .map(|_| {
            let value = |numbers: &mut Numbers| match c.symbols() {
                false => numbers.between(-9000, 9000) as i16,
                // Some beyond the last symbol: unknown.
                true => numbers.between(0, SYMBOLS as i64 + 1) as i16,
            };
            (0..STEPS * inputs).map(|_| value(&mut numbers)).collect()
        })
        .collect();
    let scale = (!c.symbols()).then(|| {
        let mut moments = Moments::default();
        sequences.iter().for_each(|s| moments.add(s, inputs));
        moments.layer(12)
    });
    let spec = NetworkSpec::sequence(inputs, c.layers.clone());
    let frames = |s: &Vec<i16>| match &scale {
        Some(layer) => scaled(layer, s),
        None => s.iter().map(|x| f32::from(*x)).collect(),
    };
    let values = c.feedback > 0;
    let data: Vec<Sequence> = sequences
        .iter()
        .take(8)
        .map(|s| {
            let target = match (values, spec.per_step()) {
                (true, _) => Target::Values(vec![0.25; STEPS * c.feedback]),
                (false, true) => Target::Steps((0..STEPS as u32).map(|t| t % OUTPUTS as u32).collect()),
                (false, false) => Target::Class((s[0] as u32) % OUTPUTS as u32),
            };
            Sequence::new(frames(s), target)
        })
        .collect();
    let loss = if values { Loss::SquaredError } else { Loss::CrossEntropy };
    let config = TrainConfig { epochs: 2, batch: 8, threads: 1, loss, ..TrainConfig::default() };
    let mut trainer = Trainer::new(&spec, &config)?;
    trainer.run(&data, &data, None, |_| Control::Continue)?;
    let network = trainer.into_best();
    let around = Surroundings {
        input: None,
        name: "combination".into(),
        labels: Vec::new(),
        fingerprint: 0,
        audio: None,
        text: scale.is_none().then(|| (TextUnit::Characters, ('a'..).take(SYMBOLS - 1).map(String::from).collect())),
        feedback: c.feedback as u16,
        max_steps: STEPS as u16,
        scale: scale.clone(),
        target: Vec::new(),
        structure: Structure::Sequence,
        weights: LayerFormats::one(c.weights),
    };
    let float: Vec<Sequence> = sequences.iter().map(|s| Sequence::new(frames(s), Target::Steps(Vec::new()))).collect();
    let integer = quantize(&network, &around, &calibrate(&network, &float, &[]))?;
    let blob = integer.to_blob()?;
    let words = words_of(&blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let closed_from = (c.feedback > 0).then_some(4);
    let inputs = Inputs { sequences: &sequences, closed_from };
    let report = compare(&mut bench.device(Some(&blob)), &model, &inputs)?;
    if let Some(first) = report.first {
        eprintln!("{}: {first}", c.name);
    }
    Ok((report.steps, report.mismatches))
}

/// Runs the networks over one sequence: how many, steps, and steps that differ.
fn sequences(args: &Args) -> Result<(usize, u64, u64)> {
    let bench = Bench::new(&Options::default(), "m4", None)?;
    let all: Vec<Combination> = all().into_iter().step_by(args.every.max(1)).collect();
    let next = AtomicUsize::new(0);
    let worker = || -> Result<(u64, u64)> {
        let mut sum = (0, 0);
        while let Some(c) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (steps, different) = one(c, &bench, args.steps).with_context(|| c.name.clone())?;
            sum = (sum.0 + steps, sum.1 + different);
        }
        Ok(sum)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let sums = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .map(|w| w.join().map_err(|_| anyhow::anyhow!("a worker panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    let (steps, different) = sums.into_iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    Ok((all.len(), steps, different))
}

/// Runs them all; failure where one differs, or loses what it learned.
///
/// # Errors
/// Where one cannot be trained, quantized or run.
pub fn run(args: &Args) -> Result<ExitCode> {
    let skips = |part| args.skip == Some(part);
    let (count, steps, different) = if skips(Part::Sequences) { (0, 0, 0) } else { sequences(args)? };
    let joined = if skips(Part::Joined) { Vec::new() } else { joined::run(args.every)? };
    let lost = joined.iter().filter(|c| !c.holds()).count();
    if args.json {
        let json =
            serde_json::json!({ "combinations": count, "steps": steps, "mismatches": different, "joined": joined });
        println!("{json}");
    } else {
        for c in &joined {
            let holds = if c.holds() { "" } else { "   NOT LEARNED OR LOST" };
            let (float, integer) = (100.0 * c.float, 100.0 * c.integer);
            println!("{:<44} float {float:6.2} %   integer {integer:6.2} %{holds}", c.name);
        }
        if !skips(Part::Sequences) {
            println!("{count} combinations, {steps} steps on m4, {different} mismatches");
        }
        println!("{} joined networks, {lost} without what they learned", joined.len());
    }
    Ok(if different == 0 && lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
