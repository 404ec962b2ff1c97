//! `combinations`: inputs, layers, cells, directions and heads in every legal combination, each trained for two steps,
//! quantized, and run on the emulated M4, compared with the host.

use anyhow::{Context, Result};
use elman::blob::{Blob, Structure};
use elman::text::TextUnit;
use elman::{Model, cell::CELLS};
use elman_nn::{DenseActivation, LayerSpec, Loss, NetworkSpec, Over, Target};
use elman_quant::network::{Surroundings, calibrate, quantize};
use elman_quant::scaling::{Moments, scaled};
use elman_quant::synthetic::Numbers;
use elman_quant::words_of;
use elman_train::{Control, Sequence, TrainConfig, Trainer};
use elman_verify::{Bench, Inputs, Options};
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
    /// One JSON object on stdout instead of text
    #[arg(long)]
    pub json: bool,
}

/// Steps of a sequence.
const STEPS: usize = 25;
/// Outputs of a network.
const OUTPUTS: usize = 3;
/// Symbols, where the input is one, and values, where it is a vector.
const SYMBOLS: usize = 11;
const VALUES: usize = 5;

/// What a combination reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Values,
    Embedding,
    OneHot,
}

/// A network, and how it is called.
struct Combination {
    name: String,
    input: Input,
    feedback: usize,
    layers: Vec<LayerSpec>,
}

impl Combination {
    fn inputs(&self) -> usize {
        if self.input == Input::Values { VALUES } else { 1 }
    }
}

/// All of them.
fn all() -> Vec<Combination> {
    let variants: Vec<&str> = CELLS.iter().flat_map(|c| c.variants).map(|v| v.name).collect();
    let heads = [None, Some(Over::Last), Some(Over::Mean), Some(Over::Sum), Some(Over::Max)];
    let activations = [DenseActivation::Relu, DenseActivation::Tanh, DenseActivation::Sigmoid, DenseActivation::Linear];
    let mut out = Vec::new();
    for input in [Input::Values, Input::Embedding, Input::OneHot] {
        let first = match input {
            Input::Values => vec![],
            Input::Embedding => vec![LayerSpec::Embedding { rows: SYMBOLS, units: 6 }],
            Input::OneHot => vec![LayerSpec::OneHot { rows: SYMBOLS }],
        };
        for (v, variant) in variants.iter().enumerate() {
            for (bidirectional, deep) in [(false, false), (false, true), (true, false), (true, true)] {
                for over in heads {
                    let number = out.len();
                    let cell = |variant: &str, units| match bidirectional {
                        true => LayerSpec::bidirectional(variant, units),
                        false => LayerSpec::cell(variant, units),
                    };
                    let mut layers = first.clone();
                    if number % 2 == 1 {
                        layers.push(LayerSpec::Delay { taps: 2, stride: 2, tail: 0, tail_taps: 0 });
                    }
                    layers.push(cell(variant, 7));
                    if deep {
                        layers.push(cell(variants[(v + 1) % variants.len()], 5));
                        layers.push(cell(variant, 6));
                    }
                    layers.push(LayerSpec::Dense { outputs: 9, activation: activations[number % 4] });
                    layers.extend(over.map(|over| LayerSpec::Pool { over }));
                    layers.push(LayerSpec::dense(OUTPUTS));
                    let name = layers.iter().map(describe).collect::<Vec<_>>().join(" > ");
                    out.push(Combination { name, input, feedback: 0, layers });
                }
            }
        }
    }
    for (hidden, activation) in [0, 4, 4, 4, 4].into_iter().zip([activations[3]].into_iter().chain(activations)) {
        for closed in [false, true] {
            let (input_taps, output_taps, warmup) = (2, 3, 4);
            let outputs = OUTPUTS;
            let layers = vec![LayerSpec::Narx {
                hidden,
                outputs,
                input_taps,
                output_taps,
                activation,
                closed,
                warmup,
                residual: hidden % 2 == 1,
            }];
            let name = format!("narx {hidden} {activation:?} {}", if closed { "closed" } else { "forced" });
            out.push(Combination { name, input: Input::Values, feedback: OUTPUTS, layers });
        }
    }
    out
}

fn describe(layer: &LayerSpec) -> String {
    match layer {
        LayerSpec::Embedding { .. } => "embedding".into(),
        LayerSpec::OneHot { .. } => "one-hot".into(),
        LayerSpec::Cell { variant, bidirectional, .. } => {
            format!("{}{variant}", if *bidirectional { "bi-" } else { "" })
        }
        LayerSpec::Dropout { .. } => "dropout".into(),
        LayerSpec::Delay { .. } => "delay".into(),
        LayerSpec::Pool { over } => format!("{over:?}").to_lowercase(),
        LayerSpec::Dense { activation, .. } => format!("{activation:?}").to_lowercase(),
        LayerSpec::Narx { .. } => "narx".into(),
    }
}

/// Trains, quantizes and runs one; steps run, and steps that differ.
fn one(c: &Combination, bench: &Bench, steps: usize) -> Result<(u64, u64)> {
    let inputs = c.inputs();
    let mut numbers = Numbers(7);
    let sequences: Vec<Vec<i16>> = (0..steps.div_ceil(STEPS))
        .map(|_| {
            let value = |numbers: &mut Numbers| match c.input {
                Input::Values => numbers.between(-9000, 9000) as i16,
                // Some beyond the last symbol: unknown.
                _ => numbers.between(0, SYMBOLS as i64 + 1) as i16,
            };
            (0..STEPS * inputs).map(|_| value(&mut numbers)).collect()
        })
        .collect();
    let scale = (c.input == Input::Values).then(|| {
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
                (true, _) => Target::Values(vec![0.25; STEPS * OUTPUTS]),
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
    };
    let float: Vec<Sequence> = sequences.iter().map(|s| Sequence::new(frames(s), Target::Steps(Vec::new()))).collect();
    let integer = quantize(&network, &around, &calibrate(&network, &float, &[]))?;
    let blob = integer.to_blob()?;
    let words = words_of(&blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let closed_from = (c.feedback > 0).then_some(4);
    let report = bench.session(&model, &Inputs { sequences: &sequences, closed_from }, Some(&blob))?;
    if let Some(first) = report.first {
        eprintln!("{}: {first}", c.name);
    }
    Ok((report.steps, report.mismatches))
}

/// Runs them all; failure where one differs.
///
/// # Errors
/// Where one cannot be trained, quantized or run.
pub fn run(args: &Args) -> Result<ExitCode> {
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
    if args.json {
        println!("{}", serde_json::json!({ "combinations": all.len(), "steps": steps, "mismatches": different }));
    } else {
        println!("{} combinations, {steps} steps on m4, {different} mismatches", all.len());
    }
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
