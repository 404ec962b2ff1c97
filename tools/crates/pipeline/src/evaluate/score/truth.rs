//! Figures and features against other programs: tests/truth/truth.json has what librosa, scikit-learn, seqeval and sacrebleu computed,
//! and tests/truth/make_truth.py makes it.

use super::{SpanScore, SymbolScore, deviation, macro_f1, per_label};
use crate::evaluate::Confusion;
use elman::audio::{Config, FEATURE_FRAC, FrontEnd, Pcen};
use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Deserialize)]
struct Truth {
    sound: Vec<Sound>,
    labels: Labels,
    tags: Tags,
    symbols: Symbols,
    values: Values,
}

#[derive(Deserialize)]
struct Sound {
    name: String,
    config: Bands,
    pcen: Option<Normalised>,
    cepstrum: u8,
    samples: Vec<i16>,
    features: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Bands {
    sample_rate: u32,
    window: u16,
    hop: u16,
    fft: u32,
    channels: u8,
    low_hz: u16,
    high_hz: u16,
    floor_log2: u8,
    remove_dc: bool,
}

#[derive(Deserialize)]
struct Normalised {
    smoothing_log2: u8,
    alpha: f64,
    delta: f64,
    r: f64,
}

#[derive(Deserialize)]
struct Labels {
    wanted: Vec<usize>,
    said: Vec<usize>,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    macro_f1: f64,
}

#[derive(Deserialize)]
struct Tags {
    wanted: Vec<Vec<String>>,
    said: Vec<Vec<String>>,
    precision: f64,
    recall: f64,
    f1: f64,
}

#[derive(Deserialize)]
struct Symbols {
    wanted: Vec<Vec<u32>>,
    said: Vec<Vec<u32>>,
    bleu: f64,
}

#[derive(Deserialize)]
struct Values {
    wanted: Vec<f32>,
    said: Vec<f32>,
    rmse: f64,
    nrmse: f64,
    most: f64,
}

static TRUTH: LazyLock<Truth> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../../../tests/truth/truth.json")).expect("what the script writes")
});

fn front_end(of: &Sound) -> Config {
    let b = &of.config;
    let fixed = |v: f64, frac: u32| (v * f64::from(1u32 << frac)).round() as u16;
    let pcen = of.pcen.as_ref().map(|p| Pcen {
        smoothing_log2: p.smoothing_log2,
        alpha: fixed(p.alpha, 15),
        delta: fixed(p.delta, 12),
        r: fixed(p.r, 15),
    });
    Config {
        sample_rate: b.sample_rate,
        window: b.window,
        hop: b.hop,
        fft_log2: b.fft.ilog2() as u8,
        channels: b.channels,
        low_hz: b.low_hz,
        high_hz: b.high_hz,
        floor_log2: b.floor_log2,
        remove_dc: b.remove_dc,
        pcen,
        cepstrum: of.cepstrum,
        ..Config::HZ_16000
    }
}

/// Features in integers, as numbers.
fn features(config: Config, samples: &[i16]) -> Vec<Vec<f64>> {
    let mut memory = vec![0; config.memory_words()];
    let mut front_end = FrontEnd::new(config, &mut memory).expect("parameters in range");
    let mut all = Vec::new();
    let unit = 2f64.powi(-(FEATURE_FRAC as i32));
    front_end.push(samples, |frame| all.push(frame.iter().map(|v| f64::from(*v) * unit).collect()));
    all
}

/// The SNR about the mean, in dB.
fn snr(ours: &[Vec<f64>], theirs: &[Vec<f64>]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let all: Vec<f64> = theirs.iter().flatten().copied().collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let noise: f64 = ours.iter().flatten().zip(&all).map(|(a, b)| (a - b).powi(2)).sum();
    10.0 * (all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / noise).log10()
}

#[test]
fn features_are_those_of_librosa() {
    assert!(TRUTH.sound.len() >= 9);
    for of in &TRUTH.sound {
        let config = front_end(of);
        let found = snr(&features(config, &of.samples), &of.features);
        println!("{}: SNR {found:.1} dB", of.name);
        assert!(found > 60.0, "{}: SNR {found:.1} dB", of.name);
        // A band more or less, another exponent or floor is found.
        let planted = match (config.pcen, config.cepstrum) {
            (Some(pcen), _) => Config { pcen: Some(Pcen { alpha: pcen.alpha - 500, ..pcen }), ..config },
            _ => Config { low_hz: config.low_hz + 30, ..config },
        };
        let planted = snr(&features(planted, &of.samples), &of.features);
        assert!(planted < 60.0, "{}: with a planted fault the SNR is {planted:.1} dB", of.name);
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn labels_are_those_of_scikit_learn() {
    let Labels { wanted, said, precision, recall, f1, macro_f1: mean } = &TRUTH.labels;
    let pairs = wanted.iter().copied().zip(said.iter().copied());
    let names: Vec<String> = (0..precision.len()).map(|k| k.to_string()).collect();
    let scores = per_label(&Confusion::of(names.len(), pairs), &names);
    for (k, score) in scores.iter().enumerate() {
        assert!(close(score.precision, precision[k]) && close(score.recall, recall[k]) && close(score.f1, f1[k]));
    }
    assert!(close(macro_f1(&scores), *mean));
}

#[test]
fn spans_are_those_of_seqeval() {
    let Tags { wanted, said, precision, recall, f1 } = &TRUTH.tags;
    let mut score = SpanScore::default();
    for (wanted, said) in wanted.iter().zip(said) {
        score.add(wanted.iter().map(String::as_str), said.iter().map(String::as_str));
    }
    let found = [score.all.precision(), score.all.recall(), score.all.f1()];
    assert!(found.iter().zip([precision, recall, f1]).all(|(a, b)| close(*a, *b)), "{found:?}");
}

#[test]
fn bleu_is_that_of_sacrebleu() {
    let Symbols { wanted, said, bleu } = &TRUTH.symbols;
    let mut score = SymbolScore::default();
    wanted.iter().zip(said).for_each(|(wanted, said)| score.add(wanted, said));
    assert!(close(score.bleu(), *bleu), "{} and {bleu}", score.bleu());
}

#[test]
fn deviations_are_those_of_scikit_learn() {
    let Values { wanted, said, rmse, nrmse, most } = &TRUTH.values;
    let found = deviation(wanted, said, 1, 0)[0];
    // Values are f32 here.
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    assert!(near(found.rmse, *rmse) && near(found.nrmse, *nrmse) && near(found.most, *most), "{found:?}");
}
