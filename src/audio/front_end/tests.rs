//! The front end against its definition in f64, and how it takes samples.

use super::*;
use core::f64::consts::TAU;
use std::vec;
use std::vec::Vec;

const DEFAULTS: [Config; 2] = [Config::HZ_16000, Config::HZ_8000];

fn run(config: Config, chunks: &mut dyn Iterator<Item = &[i16]>) -> Vec<i16> {
    let mut memory = vec![0xdead_beef; config.memory_words()];
    let mut front_end = FrontEnd::new(config, &mut memory).unwrap();
    let mut all = Vec::new();
    chunks.for_each(|chunk| front_end.push(chunk, |frame| all.extend_from_slice(frame)));
    all
}

fn features(config: Config, samples: &[i16]) -> Vec<i16> {
    run(config, &mut core::iter::once(samples))
}

fn noise(n: usize, amplitude: f64, seed: u32) -> Vec<i16> {
    let mut seed = seed;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed as i32 as f64 / 2f64.powi(31)
    };
    (0..n).map(|_| (next() * amplitude) as i16).collect()
}

/// The definition in f64: log2(Σ w·|X|² + 2^floor) of each frame.
fn reference(config: &Config, samples: &[i16]) -> Vec<f64> {
    let (window, n) = (config.window as usize, config.fft());
    let mel = |hz: f64| (1.0 + hz / 700.0).ln();
    let (low, high) = (mel(config.low_hz as f64), mel(config.high_hz as f64));
    let edge = |i: usize| {
        let at = low + (high - low) * i as f64 / (config.channels as f64 + 1.0);
        700.0 * (at.exp() - 1.0) * n as f64 / config.sample_rate as f64
    };
    let plan = realfft::RealFftPlanner::<f64>::new().plan_fft_forward(n);
    let mut all = Vec::new();
    for frame in samples.windows(window).step_by(config.hop as usize) {
        let mean = if config.remove_dc { frame.iter().map(|&x| x as f64).sum::<f64>() / window as f64 } else { 0.0 };
        let a = config.pre_emphasis as f64 / 32_768.0;
        let mut input = vec![0.0; n];
        for i in 0..window {
            let (x, before) = (frame[i] as f64 - mean, frame[i.saturating_sub(1)] as f64 - mean);
            input[i] = (x - a * before) * (0.5 - 0.5 * (TAU * (i as f64 + 0.5) / window as f64).cos());
        }
        let mut spectrum = plan.make_output_vec();
        plan.process(&mut input, &mut spectrum).unwrap();
        for c in 0..config.channels as usize {
            let (from, centre, to) = (edge(c), edge(c + 1), edge(c + 2));
            let energy: f64 = (1..n / 2)
                .map(|k| {
                    let at = k as f64;
                    let weight = ((at - from) / (centre - from)).min((to - at) / (to - centre)).max(0.0);
                    weight * spectrum[k].norm_sqr()
                })
                .sum();
            all.push((energy + 2f64.powi(config.floor_log2 as i32)).log2());
        }
    }
    all
}

/// Compares with the reference; returns the SNR of the features about their mean, in dB.
fn compare(config: Config, samples: &[i16], worst_allowed: f64) -> f64 {
    let (ours, exact) = (features(config, samples), reference(&config, samples));
    assert_eq!(ours.len(), exact.len());
    assert_eq!(ours.len(), config.frames(samples.len()) * config.channels as usize);
    let mean = exact.iter().sum::<f64>() / exact.len() as f64;
    let (mut signal, mut noise, mut worst) = (1e-9, 1e-9, 0f64);
    for (&o, &e) in ours.iter().zip(&exact) {
        let error = o as f64 / 512.0 - e;
        worst = worst.max(error.abs());
        signal += (e - mean).powi(2);
        noise += error * error;
    }
    assert!(worst <= worst_allowed, "{config:?}: error {worst}");
    10.0 * (signal / noise).log10()
}

/// Signals that a front end of fewer bits gets wrong: the SNR of each, as printed, is that of the rounding to Q6.9 nearly
/// everywhere.
#[test]
fn precision() {
    let config = Config::HZ_16000;
    let tone = |hz: f64, amplitude: f64| {
        (0..16_000).map(move |i| (TAU * hz * i as f64 / 16_000.0).sin() * amplitude).collect::<Vec<f64>>()
    };
    let sum = |a: &[f64], b: &[i16]| a.iter().zip(b).map(|(a, b)| a.round() as i16 + b).collect::<Vec<i16>>();
    let background = noise(16_000, 20_000.0 * 10f64.powf(-66.0 / 20.0), 3);
    let step: Vec<i16> = noise(16_000, 1.99, 5);
    let square: Vec<i16> = tone(500.0, 1.0).iter().map(|x| if *x >= 0.0 { 20_000 } else { -20_000 }).collect();
    for (name, samples, floor_log2, wanted) in [
        ("tone of 1 kHz, noise 66 dB below", sum(&tone(1000.0, 20_000.0), &background), 0, 70.0),
        ("200 Hz at full scale, noise of one step", sum(&tone(200.0, 32_000.0), &step), 0, 60.0),
        ("square of 500 Hz", square, 10, 60.0),
        ("noise", noise(16_000, 8000.0, 1), 10, 60.0),
    ] {
        let snr = compare(Config { floor_log2, ..config }, &samples, 0.1);
        std::println!("{name}: SNR {snr:.1} dB");
        assert!(snr > wanted, "{name}: SNR {snr:.1} dB");
    }
}

/// Speech-like: a gliding harmonic tone with noise, from full scale to a few steps of the converter.
#[test]
fn against_float() {
    for config in DEFAULTS {
        for amplitude in [32_000.0, 1000.0, 30.0, 3.0] {
            let background = noise(12_000, amplitude / 20.0, 7);
            let samples: Vec<i16> = (0..12_000)
                .map(|i| {
                    let t = i as f64 / config.sample_rate as f64;
                    let phase = TAU * (120.0 * t + 60.0 * t * t);
                    let voice: f64 = (1..20).map(|k| (k as f64 * phase).sin() / k as f64).sum();
                    (voice * amplitude / 2.0) as i16 / 2 + background[i]
                })
                .collect();
            let floor_log2 = if amplitude < 100.0 { 5 } else { 10 };
            let snr = compare(Config { floor_log2, ..config }, &samples, 0.01);
            std::println!("{} Hz, amplitude {amplitude}: SNR {snr:.1} dB", config.sample_rate);
            assert!(snr > 50.0, "{} Hz, amplitude {amplitude}: SNR {snr:.1} dB", config.sample_rate);
        }
    }
}

#[test]
fn silence_is_the_floor() {
    for floor_log2 in [0, 10, 40] {
        let config = Config { floor_log2, ..Config::HZ_16000 };
        assert!(features(config, &[0; 2000]).iter().all(|&f| f == (floor_log2 as i16) << 9));
    }
    // A constant is silence too, once the mean is gone.
    assert!(features(Config::HZ_16000, &[i16::MIN; 2000]).iter().all(|&f| f == 10 << 9));
}

#[test]
fn full_scale() {
    let configs = [
        Config::HZ_16000,
        Config::HZ_8000,
        Config { pre_emphasis: 32_767, window: 1024, fft_log2: 10, ..Config::HZ_16000 },
    ];
    for config in configs {
        for half_period in [1, 2, 7, 100, 5000] {
            let square: Vec<i16> =
                (0..4000).map(|i| if i / half_period % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
            // Bands between two harmonics hold leakage only, 90 dB below the loudest bin.
            compare(config, &square, 0.5);
        }
        assert!(compare(config, &noise(4000, 32_767.0, 3), 0.01) > 50.0);
    }
}

#[test]
fn any_parameters() {
    let base = Config::HZ_16000;
    let configs = [
        Config { fft_log2: 7, window: 16, hop: 1, channels: 1, ..base },
        Config { fft_log2: 7, window: 127, hop: 127, channels: 8, ..base },
        Config { fft_log2: 10, window: 1023, hop: 77, channels: 40, low_hz: 0, high_hz: 8000, ..base },
        Config { fft_log2: 10, window: 400, hop: 160, channels: 40, pre_emphasis: 31_785, ..base },
        Config { fft_log2: 10, window: 1024, hop: 512, channels: 40, sample_rate: 48_000, high_hz: 24_000, ..base },
        Config { fft_log2: 7, window: 128, hop: 64, channels: 20, sample_rate: 1000, high_hz: 500, ..base },
        Config { remove_dc: false, floor_log2: 0, channels: 13, low_hz: 300, ..base },
    ];
    for config in configs {
        assert_eq!(config.check(), Ok(()), "{config:?}");
        for amplitude in [20_000.0, 100.0] {
            let snr = compare(config, &noise(3000, amplitude, 5), 0.01);
            assert!(snr > 40.0, "{config:?}: SNR {snr:.1} dB");
        }
    }
}

#[test]
fn any_chunking_gives_the_same_bits() {
    for config in DEFAULTS {
        let samples = noise(5000, 9000.0, 11);
        let whole = features(config, &samples);
        for size in [1, 7, 160, 319, 512, 513, 4999] {
            assert_eq!(run(config, &mut samples.chunks(size)), whole, "blocks of {size}");
        }
        let mut at = 0;
        let mut uneven = core::iter::from_fn(|| {
            let from = at;
            at = (at + 1 + at * 13 % 700).min(samples.len());
            (from < samples.len()).then(|| &samples[from..at])
        });
        assert_eq!(run(config, &mut uneven), whole);
    }
}

#[test]
fn reset_starts_over_and_memory_is_exact() {
    let config = Config::HZ_8000;
    let samples = noise(700, 900.0, 1);
    let mut memory = vec![7; config.memory_words()];
    let mut front_end = FrontEnd::new(config, &mut memory).unwrap();
    front_end.push(&noise(333, 30_000.0, 2), |_| {});
    front_end.reset();
    let mut again = Vec::new();
    front_end.push(&samples, |f| again.extend_from_slice(f));
    assert_eq!(again, features(config, &samples));

    let required = config.memory_words();
    let mut short = vec![0; required - 1];
    assert_eq!(FrontEnd::new(config, &mut short).err(), Some(MemoryError { required, provided: required - 1 }.into()));
}
