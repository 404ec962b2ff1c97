//! `bench profile`: where the instructions of a keyword spotter's step go, on the emulated Cortex-M4.

use anyhow::{Context, Result, ensure};
use elman::audio::{Config, FEATURE_FRAC, Pcen};
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
    let samples = sound_without_pauses(&config);
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
    figures.line("Other front ends, a frame of sound that does not pause");
    let pcen = Some(Pcen::SPEECH);
    for (name, key, config) in [
        ("with PCEN, hop 25 ms", "front-end-pcen", Config { pcen, hop: 400, ..config }),
        ("13 MFCC, hop 20 ms", "front-end-mfcc", Config { cepstrum: 13, ..config }),
        ("window of 25 ms, hop 10", "front-end-25-ms", Config { window: 400, hop: 160, ..config }),
        ("8 kHz, 256 points", "front-end-8-khz", Config::HZ_8000),
        ("1024 points, hop 32 ms", "front-end-1024", Config { window: 1024, fft_log2: 10, hop: 512, ..config }),
    ] {
        let report = bench.front_end(&config, &sound_without_pauses(&config))?;
        ensure!(report.mismatches == 0, "{} of {} frames differ from the host's", report.mismatches, report.frames);
        figures.line(format!("  {name:<24}{:>8.0}, at most {:.0}", report.instructions(), report.most));
        figures.add(key, report.most.round());
    }
    figures.line("The two on other cores, instructions of a frame");
    for core in ["m0", "m3", "m33", "m7", "m55", "rv32"] {
        let bench = Bench::new(&Options::default(), core, None)?;
        let plain = bench.front_end(&config, &samples)?;
        let gain = Config { pcen, hop: 400, ..config };
        let gain = bench.front_end(&gain, &sound_without_pauses(&gain))?;
        ensure!(plain.mismatches + gain.mismatches == 0, "frames on {core} differ from the host's");
        figures.line(format!("  {core:<8} log-mel {:>8.0}   with PCEN {:>8.0}", plain.most, gain.most));
        figures.add(format!("{core}-front-end"), plain.most.round());
        figures.add(format!("{core}-front-end-pcen"), gain.most.round());
    }
    figures.finish(output)
}

/// Samples of 60 frames, uniform in ±8000.
fn sound_without_pauses(config: &Config) -> Vec<i16> {
    let mut numbers = Numbers(1);
    let count = usize::from(config.window) + 60 * usize::from(config.hop);
    (0..count).map(|_| numbers.between(-8000, 8000) as i16).collect()
}
