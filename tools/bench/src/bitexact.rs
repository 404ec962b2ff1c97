//! `bitexact`: every variant of every cell and layer on every core, compared with the host.

use anyhow::{Context, Result, ensure};
use elman::Model;
use elman::audio::{Config, Pcen, SpectralSubtraction};
use elman::blob::{AttentionScore, Blob};
use elman::cell::{StageKind, VariantSpec, WidthRule};
use elman::kernel::{Layout, WeightFormat};
use elman::net::Temperature;
use elman_data::{ExampleStructure, GraphRows};
use elman_emulator::Machines;
use elman_pipeline::{Answer, Example};
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerModel, layout_of, words_of};
use elman_verify::{Bench, GenerateReport, Generation, Inputs, Options, VerifyReport, compare, compare_examples};
use rayon::prelude::*;
use std::process::ExitCode;

/// Arguments of `bitexact`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Steps per variant, drive and core
    #[arg(long, default_value_t = 100_000)]
    pub steps: usize,
    /// Cores, by their names in boards/qemu-mps2/machines.toml; all by default
    #[arg(long, value_delimiter = ',')]
    pub cores: Vec<String>,
    /// One JSON object on stdout instead of text
    #[arg(long)]
    pub json: bool,
}

/// Elements of a frame, units and outputs. Neither is a multiple of four, so that padding is run too.
const SHAPE: (usize, usize, usize) = (10, 18, 5);
/// Steps between resets.
const SEQUENCE: usize = 2500;
/// Steps of a sequence that is run in both directions.
const BOTH_WAYS: u16 = 50;

/// Steps of a source of an encoder-decoder.
const SOURCE: u16 = 20;

/// A model, the steps of its sequences, and where they close the loop.
struct Case {
    name: String,
    drive: &'static str,
    model: IntegerModel,
    sequence: usize,
    closed_from: Option<usize>,
}

impl Case {
    fn stream(name: &str, drive: &'static str, model: IntegerModel) -> Self {
        Case { name: name.to_owned(), drive, model, sequence: SEQUENCE, closed_from: None }
    }
}

/// Every variant of every cell and layer in front of a dense layer, each cell in both directions, and a closed loop.
fn cases() -> Vec<Case> {
    let (inputs, units, outputs) = SHAPE;
    let mut cases = Vec::new();
    for spec in elman::layer::all() {
        for variant in spec.variants.iter().map(|v| v.name) {
            for (word, drive) in [("ordinary", Drive::Ordinary), ("saturating", Drive::Saturating)] {
                let model = synthetic::model(variant, inputs, units, outputs, drive, 3);
                cases.push(Case::stream(variant, word, model));
            }
        }
    }
    for format in WeightFormat::ALL.iter().filter(|format| **format != WeightFormat::Int8) {
        let with_weights =
            |v: &&VariantSpec| v.gates().count() > 0 || v.stages.iter().any(|s| s.kind == StageKind::Table);
        for variant in elman::layer::all().flat_map(|s| s.variants).copied().filter(with_weights) {
            for (word, drive) in [("ordinary", Drive::Ordinary), ("saturating", Drive::Saturating)] {
                let model = synthetic::model(variant.name, inputs, units, outputs, drive, 3);
                let name = format!("{}, {}", variant.name, format.name());
                cases.push(Case::stream(&name, word, synthetic::in_format(model, *format)));
            }
        }
    }
    for variant in elman::cell::CELLS.iter().flat_map(|c| c.variants).map(|v| v.name) {
        let model = synthetic::bidirectional(&[variant, variant], inputs, units, outputs, BOTH_WAYS, 3);
        let name = format!("{variant}, both ways");
        cases.push(Case { sequence: BOTH_WAYS as usize, ..Case::stream(&name, "ordinary", model) });
    }
    for (cell, score, both, beams) in [
        ("lstm", AttentionScore::None, true, 1),
        ("srn", AttentionScore::Dot, false, 1),
        ("gru", AttentionScore::Scaled, true, 4),
        ("gru-before", AttentionScore::Additive, true, 8),
    ] {
        let extent = [SOURCE, 2 * SOURCE];
        let model = synthetic::seq2seq([cell, cell], score, units, both, extent, beams, 3);
        let name = format!("{cell} to {cell}, {beams} beam(s)");
        cases.push(Case { sequence: SOURCE as usize, ..Case::stream(&name, "ordinary", model) });
    }
    let mut narx = synthetic::model("delay", 4, 0, 0, Drive::Ordinary, 3);
    narx.layers.push(synthetic::layer("dense-tanh", narx.layers[0].units, units, 15, Drive::Ordinary, 4));
    narx.layers.push(synthetic::layer("dense", units, 1, 15, Drive::Ordinary, 5));
    narx.feedback = 1;
    cases.push(Case { closed_from: Some(10), ..Case::stream("delay, closed loop", "ordinary", narx) });
    cases
}

/// Frames for a model: numbers, or symbols where it takes those, some of them unknown.
fn frames(model: &Model<'_>, steps: usize) -> Vec<i16> {
    let symbols = model.layers().first().is_some_and(|l| l.spec().widths == WidthRule::Symbol);
    let mut frames = synthetic::frames(model.inputs(), steps, 11);
    if symbols {
        frames.iter_mut().for_each(|x| *x &= 31);
    }
    frames
}

/// Nodes of a graph.
const NODES: usize = 100;

/// Directed acyclic graphs over a few symbols, some of them unknown.
fn graphs(count: usize) -> Vec<Example> {
    let graph = |seed: usize| Example {
        name: format!("graph {seed}"),
        frames: (0..16).map(|k| ((k * 7 + seed) % 13) as i16).collect(),
        joints: ExampleStructure::Tree(synthetic::nodes(NODES, 16, seed as u64)),
        answer: Answer::Next,
    };
    (0..count).map(graph).collect()
}

/// Text drawn from a language model of 90 characters, among the 20 likeliest.
fn text(bench: &Bench, symbols: usize) -> Result<GenerateReport> {
    let generation = Generation {
        seed: 11,
        temperature: Temperature::from_num(0.9),
        top_k: 20,
        prompt: vec![40, 0, 7],
        count: symbols,
    };
    bench.generate(&synthetic::language(90, 18, 3).to_blob()?, &generation)
}

/// The firmware of a core returns an error for a blob in another core's layout, with the names of both layouts.
fn refuses(bench: &Bench, core: &str) -> Result<()> {
    let built = layout_of(core)?;
    for other in Layout::ALL.into_iter().filter(|other| *other != built) {
        let blob = synthetic::model("lstm", 4, 5, 0, Drive::Ordinary, 3).to_blob_in(other)?;
        let words = words_of(&blob)?;
        let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let frames = [synthetic::frames(4, 2, 3)];
        let refused =
            compare(&mut bench.device(Some(&blob)), &model, &Inputs::of(&frames)).err().map(|e| e.to_string());
        let said = refused.with_context(|| format!("{core} runs a blob in the layout `{}`", other.name()))?;
        let names = [other, built].map(|layout| format!("`{}`", layout.name()));
        anyhow::ensure!(
            names.iter().all(|name| said.contains(name.as_str())),
            "{core} does not name both layouts: {said}"
        );
    }
    Ok(())
}

/// Front ends of every size of FFT, and with everything that may follow it, over noise from silence to full scale.
fn front_ends() -> [(Config, Vec<i16>); 9] {
    let base = Config::HZ_16000;
    let configs = [
        base,
        Config::HZ_8000,
        Config { fft_log2: 10, window: 1023, channels: 40, high_hz: 8000, pre_emphasis: 31_785, floor_log2: 0, ..base },
        Config { fft_log2: 7, window: 100, hop: 90, channels: 20, pre_emphasis: 500, remove_dc: false, ..base },
        Config { cepstrum: 13, ..base },
        Config { pcen: Some(Pcen::SPEECH), ..Config::HZ_8000 },
        Config { spectral_subtraction: Some(SpectralSubtraction::SPEECH), ..base },
        Config { cepstrum: 20, pre_emphasis: 31_785, pcen: Some(Pcen { smoothing_log2: 2, ..Pcen::SPEECH }), ..base },
        Config {
            cepstrum: 32,
            pcen: Some(Pcen { r: 1 << 15, alpha: 1 << 14, ..Pcen::SPEECH }),
            spectral_subtraction: Some(SpectralSubtraction {
                fall_log2: 1,
                rise_log2: 1,
                floor: 0,
                ..SpectralSubtraction::SPEECH
            }),
            ..Config::HZ_8000
        },
    ];
    configs.map(|config| {
        let mut numbers = synthetic::Numbers(5);
        let samples =
            [32_767, 1000, 30, 3, 0, 8000].into_iter().cycle().take(18).flat_map(|amplitude| {
                (0..512).map(|_| numbers.between(-amplitude, amplitude) as i16).collect::<Vec<_>>()
            });
        (config, samples.collect())
    })
}

/// Listeners: a network as large as a keyword spotter's, and one after everything that a front end may have.
fn listeners() -> Result<[IntegerModel; 2]> {
    let all = Config {
        cepstrum: 13,
        pre_emphasis: 31_785,
        spectral_subtraction: Some(SpectralSubtraction::SPEECH),
        pcen: Some(Pcen::SPEECH),
        ..Config::HZ_8000
    };
    Ok([synthetic::sound::resting(Config::HZ_16000, 96, 12, 3)?, synthetic::sound::resting(all, 18, 5, 3)?])
}

/// Sound with pauses for a silence reset, two seconds each.
fn sound(rate: u32) -> Vec<i16> {
    let stretch = |seed| synthetic::sound::samples(2 * rate as usize, seed);
    [stretch(1), vec![0; 2 * rate as usize], stretch(2)].concat()
}

/// A front end in some words.
fn about(config: &Config) -> String {
    let mut name = format!("front end, {} Hz, {} points", config.sample_rate, config.fft());
    let cepstrum = format!("cepstrum {}", config.cepstrum);
    for (there, what) in [
        (config.pre_emphasis > 0, "pre-emphasis"),
        (config.spectral_subtraction.is_some(), "spectral subtraction"),
        (config.pcen.is_some(), "PCEN"),
        (config.cepstrum > 0, &cepstrum),
    ] {
        if there {
            name += &format!(", {what}");
        }
    }
    name
}

/// Graph networks of each pool, over edges with and without features.
fn over_graphs() -> [synthetic::graph::Shape; 3] {
    let base = synthetic::graph::Shape::default();
    [
        base,
        synthetic::graph::Shape { cell: "lstm", aggregate: "mean", readout: Some("max"), features: 2, ..base },
        synthetic::graph::Shape { cell: "srn", aggregate: "max", features: 3, edge_layer: true, shared: false, ..base },
    ]
}

/// Graphs as examples.
fn examples_of_graphs(features: usize, count: usize) -> Vec<Example> {
    (0..count as u64)
        .map(|seed| {
            let graph = synthetic::graph::graph(20, 8, 3, features, seed);
            let edges = graph.edges.iter().map(|x| f32::from(*x) / 32768.0).collect();
            let rows = GraphRows { offsets: graph.offsets, neighbours: graph.neighbours, edges };
            let (frames, answer) = (graph.frames, Answer::Steps(Vec::new()));
            Example { name: format!("graph {seed}"), frames, joints: ExampleStructure::Graph(rows), answer }
        })
        .collect()
}

/// What was compared on a core.
#[derive(Default)]
struct Compared {
    lines: Vec<String>,
    reports: Vec<serde_json::Value>,
    total: u64,
    different: u64,
}

impl Compared {
    fn add(&mut self, line: String, steps: u64, mismatches: u64, report: serde_json::Value) {
        self.lines.push(line);
        self.reports.push(report);
        self.total += steps;
        self.different += mismatches;
    }
    fn first<T: std::fmt::Display>(&mut self, first: Option<T>) {
        self.lines.extend(first.map(|first| format!("     first: {first}")));
    }
}

/// Streams and sequences of all cases.
fn sequences(bench: &Bench, core: &str, steps: usize, out: &mut Compared) -> Result<()> {
    for Case { name, drive, model, sequence, closed_from } in cases() {
        let blob = model.to_blob_for(core).with_context(|| name.clone())?;
        let words = words_of(&blob)?;
        let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
        if !bench.has_memory(&model, blob.len(), sequence) {
            out.lines.push(format!("{core:<5}{name:<28}{drive:<12} no memory"));
            continue;
        }
        let frames = frames(&model, steps);
        let sequences: Vec<Vec<i16>> = frames.chunks(sequence * model.inputs()).map(<[i16]>::to_vec).collect();
        let inputs = Inputs { sequences: &sequences, closed_from };
        let report =
            compare(&mut bench.device(Some(&blob)), &model, &inputs).with_context(|| format!("{name} on {core}"))?;
        within_bound(&name, &report)?;
        let (steps, mismatches) = (report.steps, report.mismatches);
        let json = serde_json::json!({ "variant": name, "drive": drive, "report": report });
        out.add(
            format!("{core:<5}{name:<28}{drive:<12}{steps:>8} steps{mismatches:>8} mismatches"),
            steps,
            mismatches,
            json,
        );
        out.first(report.first);
    }
    refuses(bench, core)
}

/// Front ends and listeners.
fn listening(bench: &Bench, core: &str, out: &mut Compared) -> Result<()> {
    for (config, samples) in front_ends() {
        let report = bench.front_end(&config, &samples)?;
        let (name, frames, mismatches) = (about(&config), report.frames, report.mismatches);
        let json = serde_json::json!({ "variant": name, "report": report });
        out.add(format!("{core:<5}{name:<60}{frames:>8} frames{mismatches:>8} mismatches"), frames, mismatches, json);
    }
    for model in listeners()? {
        let config = model.audio.context("it listens")?;
        let block = usize::from(config.hop) - 1;
        let report = bench.replay(&model.to_blob()?, &sound(config.sample_rate), block)?;
        let name = format!("{}, {}", model.name, about(&config));
        let (frames, mismatches) = (report.frames, report.mismatches);
        let json = serde_json::json!({ "variant": name, "report": report });
        out.add(format!("{core:<5}{name:<80}{frames:>8} frames{mismatches:>8} mismatches"), frames, mismatches, json);
        out.first(report.first);
    }
    Ok(())
}

/// That no example takes more instructions than `inspect` says.
fn within_bound(model: &str, report: &VerifyReport) -> Result<()> {
    let share = report.share_of_bound.unwrap_or(0.0);
    ensure!(
        share <= 1.0,
        "{}: an example of `{model}` takes {share:.3} times the bound of `elman inspect`",
        report.core
    );
    Ok(())
}

/// Trees, graphs and generated text.
fn structures(bench: &Bench, core: &str, steps: usize, out: &mut Compared) -> Result<()> {
    for (leaf, compose, roots) in [("lstm", "tree-lstm", 1), ("", "dense-tanh", 1), ("gru", "tree-lstm", 2)] {
        let blob = synthetic::tree(leaf, compose, SHAPE.1, roots, [NODES as u16; 2], 3).to_blob_for(core)?;
        let words = words_of(&blob)?;
        let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let examples = graphs(steps / NODES + 1);
        let report = compare_examples(&mut bench.device(Some(&blob)), &model, &examples, None)?;
        within_bound(compose, &report)?;
        let (nodes, mismatches) = (report.steps, report.mismatches);
        let name = format!("{compose}, {roots} root(s)");
        let json = serde_json::json!({ "variant": name, "structure": "tree", "report": report });
        out.add(format!("{core:<5}{name:<40}{nodes:>8} nodes{mismatches:>8} mismatches"), nodes, mismatches, json);
    }
    for shape in over_graphs() {
        let blob = synthetic::graph::model(shape, 3).to_blob_for(core)?;
        let words = words_of(&blob)?;
        let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let examples = examples_of_graphs(shape.features, steps / 20 + 1);
        let report = compare_examples(&mut bench.device(Some(&blob)), &model, &examples, None)?;
        within_bound(shape.cell, &report)?;
        let (answers, mismatches) = (report.steps, report.mismatches);
        let name = format!("graph, {}, {}", shape.cell, shape.aggregate);
        let json = serde_json::json!({ "variant": name, "structure": "graph", "report": report });
        out.add(
            format!("{core:<5}{name:<40}{answers:>8} answers{mismatches:>6} mismatches"),
            answers,
            mismatches,
            json,
        );
    }
    let report = text(bench, steps)?;
    let (symbols, mismatches) = (report.symbols.len() as u64, report.mismatches as u64);
    let json = serde_json::json!({ "variant": "generation", "report": report });
    let name = "generation";
    out.add(format!("{core:<5}{name:<40}{symbols:>8} symbols{mismatches:>6} mismatches"), symbols, mismatches, json);
    Ok(())
}

/// All of it on one core.
fn on_core(core: &str, args: &Args) -> Result<Compared> {
    let bench = Bench::new(&Options::default(), core, None)?;
    let mut out = Compared::default();
    sequences(&bench, core, args.steps, &mut out)?;
    listening(&bench, core, &mut out)?;
    // Structures take more RAM than the smallest core has.
    if bench.machine().blob_at.is_none() {
        structures(&bench, core, args.steps, &mut out)?;
    }
    if !args.json {
        println!("{}", out.lines.join("\n"));
    }
    Ok(out)
}

/// Runs all cases, as many cores at a time as this machine has; failure where one differs.
///
/// # Errors
/// Where a firmware cannot be built or run.
pub fn run(args: &Args) -> Result<ExitCode> {
    let machines = Machines::find(None)?;
    let wanted = |core: &str| args.cores.is_empty() || args.cores.iter().any(|a| a == core);
    let cores: Vec<&str> = machines.iter().map(|(core, _)| core).filter(|core| wanted(core)).collect();
    let compared = cores.par_iter().map(|core| on_core(core, args)).collect::<Result<Vec<Compared>>>()?;
    let total: u64 = compared.iter().map(|c| c.total).sum();
    let different: u64 = compared.iter().map(|c| c.different).sum();
    anyhow::ensure!(total > 0, "no core of that name: boards/qemu-mps2/machines.toml lists them");
    if args.json {
        let cases: Vec<_> = compared.into_iter().flat_map(|c| c.reports).collect();
        println!(
            "{}",
            serde_json::json!({ "verb": "bitexact", "steps": total, "mismatches": different, "cases": cases })
        );
    } else {
        println!("{total} steps, {different} mismatches");
    }
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
