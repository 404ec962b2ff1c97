//! `bench mcu`: executed instructions per step of `net::Stream` on emulated cores.

pub mod costs;
mod docs;
mod floor;
pub mod profile;
pub mod worst;

use anyhow::{Context, Result, ensure};
use elman::Model;
use elman::blob::Blob;
use elman::kernel::WeightFormat;
use elman_emulator::Machines;
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerModel, words_of};
use elman_verify::cost;
use elman_verify::{Bench, Inputs, Options, VerifyReport, compare};
use std::process::ExitCode;

use elman_figures::{Figures, Output};

/// Arguments of `bench mcu`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub output: Output,
    /// All cores, all cells and variants, against the table [bench-mcu-all]; otherwise the M4 alone
    #[arg(long)]
    pub all: bool,
    /// Of --all, these cores
    #[arg(long, value_delimiter = ',', requires = "all")]
    pub cores: Vec<String>,
    /// Write the device's part of docs/performance.md: how instructions grow with the number of units
    #[arg(long)]
    pub write_docs: bool,
}

/// What a case is compared with: our best loop on its own, CMSIS-NN's s8 and s16 (at 99f736a, gcc 12 -Ofast,
/// July 2026), all counted in the same way.
struct Case {
    variant: &'static str,
    inputs: usize,
    units: usize,
    loop_alone: Option<u32>,
    cmsis: Option<(u32, Option<u32>)>,
}

const fn lstm(inputs: usize, units: usize, loop_alone: u32, s8: u32, s16: u32) -> Case {
    Case { variant: "lstm", inputs, units, loop_alone: Some(loop_alone), cmsis: Some((s8, Some(s16))) }
}

const fn gru(inputs: usize, units: usize, loop_alone: u32) -> Case {
    Case { variant: "gru", inputs, units, loop_alone: Some(loop_alone), cmsis: None }
}

/// A cell that neither has.
const fn other(variant: &'static str, inputs: usize, units: usize) -> Case {
    Case { variant, inputs, units, loop_alone: None, cmsis: None }
}

const fn dense(inputs: usize, units: usize, loop_alone: u32, s8: u32) -> Case {
    Case { variant: "dense", inputs, units, loop_alone: Some(loop_alone), cmsis: Some((s8, None)) }
}

const CASES: &[Case] = &[
    lstm(10, 32, 8_132, 27_667, 34_835),
    lstm(40, 64, 30_020, 82_563, 104_885),
    lstm(40, 128, 89_284, 225_130, 285_941),
    lstm(16, 16, 3_425, 13_084, 16_515),
    lstm(64, 256, 317_687, 740_640, 939_895),
    gru(12, 32, 7_098),
    gru(40, 64, 26_002),
    gru(40, 128, 76_882),
    gru(16, 16, 3_055),
    gru(64, 256, 272_901),
    dense(64, 64, 4_503, 10_624),
    dense(128, 128, 16_311, 36_480),
    dense(128, 256, 32_567, 72_832),
    other("lstm-no-forget", 40, 64),
    other("lstm-coupled", 40, 64),
    other("lstm-peephole", 40, 64),
    other("residual-2", 40, 64),
];

const STEPS: usize = 60;

/// What CMSIS-NN's LSTM in int8 takes with Helium, on sizes of [`CASES`].
const HELIUM_S8: [((usize, usize), u32); 4] =
    [((10, 32), 12_173), ((40, 64), 30_301), ((40, 128), 74_238), ((16, 16), 6_469)];

/// Counts a model on synthetic frames; `None` where it does not fit the core.
fn count(bench: &Bench, core: &str, model: &IntegerModel, frames: Vec<i16>) -> Result<Option<VerifyReport>> {
    let blob = model.to_blob_for(core)?;
    let words = words_of(&blob)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    if !bench.has_memory(&loaded, blob.len(), STEPS) {
        return Ok(None);
    }
    let report = compare(&mut bench.device(Some(&blob)), &loaded, &Inputs::of(&[frames]))
        .with_context(|| format!("{} on {core}", model.name))?;
    ensure!(report.bit_exact(), "{} on {core} is not bit-exact: {:?}", model.name, report.first);
    Ok(Some(report))
}

/// A variant of these sizes, alone.
fn alone(bench: &Bench, core: &str, variant: &str, inputs: usize, units: usize) -> Result<Option<VerifyReport>> {
    let model = synthetic::model(variant, inputs, units, 0, Drive::Ordinary, 7);
    let frames = cost::shapes::frames(&model, STEPS, 7);
    count(bench, core, &model, frames)
}

/// Layers that are counted in every format of weights.
const IN_EVERY_FORMAT: [(&str, usize, usize); 5] =
    [("lstm", 40, 64), ("lstm", 64, 256), ("gru", 40, 64), ("gru", 64, 256), ("dense", 128, 128)];

/// Counts layers in the formats of fewer bits, and compares them with int8; `prefix` begins the figures' names.
fn few_bits(figures: &mut Figures, bench: &Bench, core: &str, prefix: &str) -> Result<()> {
    for (variant, inputs, units) in IN_EVERY_FORMAT {
        let plain = alone(bench, core, variant, inputs, units)?.map(|report| report.instructions);
        for format in WeightFormat::ALL.iter().filter(|format| **format != WeightFormat::Int8) {
            let model = synthetic::model(variant, inputs, units, 0, Drive::Ordinary, 7);
            let frames = cost::shapes::frames(&model, STEPS, 7);
            let name = format!("{variant}-{}-{inputs}x{units}", format.name());
            let shape = format!("{variant} ({inputs}, {units}) in {}", format.name());
            let Some(report) = count(bench, core, &synthetic::in_format(model, *format), frames)? else {
                figures.line(format!("  {shape:<26}{:>10}", "no memory"));
                continue;
            };
            let step = report.instructions;
            let compared = plain.map_or(String::new(), |plain| format!("  {:.3} of int8's {plain:.0}", step / plain));
            figures.line(format!("  {shape:<26}{step:>10.0}{compared}"));
            figures.add(format!("{prefix}{name}"), step.round());
        }
    }
    Ok(())
}

/// Counts, and writes documentation where asked to.
///
/// # Errors
/// Where a firmware cannot be built or run, or differs from the host.
pub fn run(args: &Args) -> Result<ExitCode> {
    if args.write_docs {
        docs::write()?;
        return Ok(ExitCode::SUCCESS);
    }
    match (args.all, args.cores.as_slice()) {
        (true, []) => all(&[])?.finish(&args.output),
        (true, cores) => all(cores)?.finish_some(&args.output),
        _ => quick()?.finish(&args.output),
    }
}

/// The M4's cases, and what loading costs.
fn quick() -> Result<Figures> {
    let core = "m4";
    let bench = Bench::new(&Options::default(), core, None)?;
    let mut figures = Figures::new("bench-mcu");
    figures.line(format!("Executed instructions per step on the {} (QEMU; no cycles)", bench.machine().name));
    figures.line(format!(
        "{:<16}{:>10}{:>9}{:>12}{:>8}{:>12}{:>8}{:>12}{:>8}",
        "", "step", "per MAC", "loop alone", "step/", "CMSIS s8", "/step", "CMSIS s16", "/step"
    ));
    for case in CASES {
        let Case { variant, inputs, units, .. } = *case;
        let report = alone(&bench, core, variant, inputs, units)?.context("the M4 has memory")?;
        let step = report.instructions;
        let name = format!("{variant}-{inputs}x{units}");
        let peer = |p: Option<u32>| {
            p.map_or(format!("{:>12}{:>8}", "-", "-"), |p| format!("{p:>12}{:>7.2}x", p as f64 / step))
        };
        figures.line(format!(
            "{:<16}{:>10.0}{:>9.2}{}{}{}",
            format!("{variant} ({inputs}, {units})"),
            step,
            step / macs(variant, inputs, units)? as f64,
            case.loop_alone.map_or(format!("{:>12}{:>8}", "-", "-"), |l| format!("{l:>12}{:>7.3}x", step / l as f64)),
            peer(case.cmsis.map(|c| c.0)),
            peer(case.cmsis.and_then(|c| c.1)),
        ));
        figures.add(name, step.round());
    }
    few_bits(&mut figures, &bench, core, "")?;
    let blob = synthetic::model("gru", 32, 64, 10, Drive::Ordinary, 7);
    let bytes = blob.to_blob_for(core)?.len();
    let report = count(&bench, core, &blob, synthetic::frames(32, STEPS, 7))?.context("the M4 has memory")?;
    let per_byte = report.load_instructions / bytes as f64;
    figures.line(format!(
        "loading a GRU (32, 64) and dense layer of {bytes} bytes: {:.0} instructions, {per_byte:.2} a byte",
        report.load_instructions
    ));
    figures.add("load-per-byte", (per_byte * 100.0).round() / 100.0);
    Ok(figures)
}

fn macs(variant: &str, inputs: usize, units: usize) -> Result<u64> {
    let blob = synthetic::model(variant, inputs, units, 0, Drive::Ordinary, 7).to_blob()?;
    let words = words_of(&blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(cost::of(&model).macs)
}

/// Sizes of cases on a core: those of [`CASES`], and every other variant once.
fn cases() -> Vec<(&'static str, usize, usize)> {
    let mut cases: Vec<_> = CASES.iter().map(|c| (c.variant, c.inputs, c.units)).collect();
    for name in elman::layer::all().flat_map(|s| s.variants).map(|v| v.name) {
        if !cases.iter().any(|(variant, ..)| *variant == name) {
            cases.push((name, 40, 64));
        }
    }
    // What the smallest core has memory for.
    cases.extend([("lstm-peephole", 16, 16), ("gru-before", 16, 16), ("tree-lstm", 16, 16)]);
    cases
}

/// Every core or those named, every cell and variant.
fn all(cores: &[String]) -> Result<Figures> {
    let mut figures = Figures::new("bench-mcu-all");
    figures.line("Executed instructions per step (QEMU; no cycles)");
    for (core, _) in
        Machines::find(None)?.iter().filter(|(core, _)| cores.is_empty() || cores.iter().any(|c| c == core))
    {
        let bench = Bench::new(&Options::default(), core, None)?;
        figures.line(bench.machine().name.clone());
        for (variant, inputs, units) in cases() {
            let shape = format!("{variant} ({inputs}, {units})");
            let Some(report) = alone(&bench, core, variant, inputs, units)? else {
                figures.line(format!("  {shape:<26}{:>10}", "no memory"));
                continue;
            };
            let step = report.instructions;
            let name = format!("{core}-{variant}-{inputs}x{units}");
            let s8 = HELIUM_S8.iter().find(|(size, _)| core == "m55" && variant == "lstm" && *size == (inputs, units));
            let comparison = match (s8, floor::of(variant, inputs, units).filter(|_| core == "m3")) {
                (Some((_, s8)), _) => format!("  {:.3} of CMSIS-NN s8's {s8}", step / f64::from(*s8)),
                (_, Some(floor)) => {
                    figures.add(format!("{name}-over-floor"), (step / floor * 1000.0).round() / 1000.0);
                    format!("  {:.3} of the scalar floor, {floor:.0}", step / floor)
                }
                _ => String::new(),
            };
            figures.line(format!("  {shape:<26}{step:>10.0}{comparison}"));
            figures.add(name, step.round());
        }
        few_bits(&mut figures, &bench, core, &format!("{core}-"))?;
    }
    Ok(figures)
}
