//! `bench profile`: where the instructions of a keyword spotter's step go, on the emulated Cortex-M4.

use anyhow::{Context, Result, ensure};
use elman::audio::{Config, FEATURE_FRAC};
use elman_quant::IntegerModel;
use elman_quant::synthetic::sound;
use elman_quant::synthetic::{self, Drive, Numbers};
use elman_verify::{Bench, Options, STAGES};
use std::process::ExitCode;

use super::{STEPS, count};
use elman_figures::{Figures, Output};

const CORE: &str = "m4";
/// Units and words of the network of the recipe `asc_kws`.
const UNITS: usize = 64;
const WORDS: usize = 11;

/// Counts the front end by its parts, the network by its layers, and the detector.
///
/// # Errors
/// Where a firmware cannot be built or run, or differs from the host.
pub fn run(output: &Output) -> Result<ExitCode> {
    let mut figures = Figures::new("bench-profile");
    let config = Config::HZ_16000;
    let mut numbers = Numbers(1);
    let samples: Vec<i16> =
        (0..config.window as usize + 60 * config.hop as usize).map(|_| numbers.between(-8000, 8000) as i16).collect();
    let bench = Bench::new(&Options::default(), CORE, None)?;
    let report = bench.front_end(&config, &samples)?;
    ensure!(report.mismatches == 0, "{} of {} frames differ from the host's", report.mismatches, report.frames);
    figures.line(format!(
        "A keyword spotter's step on the Cortex-M4: a frame of {} ms at 16 kHz, {} mel channels, GRU-{UNITS}",
        u32::from(config.hop) * 1000 / config.sample_rate,
        config.channels
    ));
    let mut total = 0.0;
    let part = |figures: &mut Figures, name: &str, n: f64| {
        figures.line(format!("  {name:<24}{n:>8.0}"));
        figures.add(name.replace(", ", "-"), n.round());
    };
    for (name, n) in STAGES.iter().zip(report.stages) {
        part(&mut figures, &format!("front end, {name}"), n);
        total += n;
    }
    figures.line(format!("  front end               {:>8.0}, at most {:.0}", report.instructions(), report.most));
    figures.add("front-end", report.instructions().round());
    figures.add("front-end-most", report.most.round());
    let channels = usize::from(config.channels);
    let mut layers: Vec<_> = Vec::new();
    for (variant, inputs, units) in [("scale", channels, channels), ("gru", channels, UNITS), ("dense", UNITS, WORDS)] {
        let frac = layers.last().map_or(FEATURE_FRAC as u8, |l: &elman_quant::IntegerLayer| l.out_frac);
        layers.push(synthetic::layer(variant, inputs, units, frac, Drive::Ordinary, 7));
    }
    let mut before = 0.0;
    for n in 1..=layers.len() {
        let model = IntegerModel { name: "keywords".into(), layers: layers[..n].to_vec(), ..IntegerModel::default() };
        let report =
            count(&bench, CORE, &model, synthetic::frames(channels, STEPS, 7))?.context("the M4 has memory")?;
        part(&mut figures, &format!("network, {}", layers[n - 1].variant), report.instructions - before);
        before = report.instructions;
    }
    total += before;
    // A detector takes the same whatever the network is; its smoothing and a word's softmax are what it does.
    let spotter = sound::listener(config, UNITS, WORDS, 7).to_blob()?;
    let report = bench.replay(&spotter, &samples, config.hop.into())?;
    ensure!(report.mismatches == 0, "{} of {} frames differ from the host's", report.mismatches, report.frames);
    part(&mut figures, "detector", report.spent.detector);
    total += report.spent.detector;
    figures.line(format!("  all                     {total:>8.0}"));
    figures.add("all", total.round());
    figures.finish(output)
}
