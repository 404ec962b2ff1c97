//! `bench eval`: how fast the host runs integer models, as `eval`, `run` and `calibrate` do: steps a second of one core.

use anyhow::Result;
use elman::Model;
use elman::blob::Blob;
use elman_quant::synthetic::{self, Drive};
use elman_quant::words_of;
use std::time::Instant;

use elman_figures::Figures;

const CASES: [(&str, usize, usize); 6] =
    [("lstm", 40, 64), ("lstm", 16, 16), ("lstm", 40, 128), ("gru", 40, 64), ("gru-before", 40, 64), ("srn", 40, 64)];

/// Frames in a round, and rounds, of which the fastest counts.
const FRAMES: usize = 500;
const ROUNDS: usize = 40;

/// Measures every case.
///
/// # Errors
/// Where a synthetic model does not load, which would be a defect.
pub fn run() -> Result<Figures> {
    let mut figures = Figures::new("bench-eval");
    figures.line("Integer steps a second, one core of the host, through Stream::step");
    for (variant, inputs, units) in CASES {
        let words = words_of(&synthetic::model(variant, inputs, units, 0, Drive::Ordinary, 1).to_blob()?)?;
        let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut memory = vec![0; model.memory_words()];
        let mut net = model.stream(&mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
        let frames = synthetic::frames(inputs, FRAMES, 7);
        let mut fastest = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for frame in frames.chunks_exact(inputs) {
                std::hint::black_box(net.step(frame).logits);
            }
            fastest = fastest.min(start.elapsed().as_secs_f64());
        }
        let rate = FRAMES as f64 / fastest;
        figures.line(format!("{variant:<12}{inputs:>4} x {units:<4}{rate:>12.0}"));
        figures.add(format!("{variant}-{inputs}x{units}"), rate);
    }
    Ok(figures)
}
