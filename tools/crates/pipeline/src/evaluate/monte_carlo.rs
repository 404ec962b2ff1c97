//! Monte-Carlo dropout: ŷ = 1/M Σ f(x, θ_m), the mean over M networks that dropout draws, and how far they spread (Gal
//! and Ghahramani 2016). On the host only.

use anyhow::{Result, ensure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::RunInfo;
use crate::{Answer, Example};
use elman_data::Task;
use elman_nn::{LayerSpec, Mode, Network};

/// The result of M passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonteCarlo {
    /// M
    pub passes: usize,
    /// Share of answers that the mean probabilities get right.
    pub accuracy: f64,
    /// Mean over the right answers of the deviation, over the passes, of the probability of the answer given.
    pub spread_right: f64,
    /// The same over the wrong answers: greater, if the network knows what it does not know.
    pub spread_wrong: f64,
}

/// Mean and deviation of each output's probability over passes; `[outputs]` each.
fn moments(passes: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let (n, width) = (passes.len() as f64, passes.first().map_or(0, Vec::len));
    let mean: Vec<f64> = (0..width).map(|k| passes.iter().map(|p| p[k]).sum::<f64>() / n).collect();
    let spread =
        (0..width).map(|k| (passes.iter().map(|p| (p[k] - mean[k]).powi(2)).sum::<f64>() / n).sqrt()).collect();
    (mean, spread)
}

fn softmax(scores: &[f32]) -> Vec<f64> {
    let most = scores.iter().fold(f32::NEG_INFINITY, |m, s| m.max(*s));
    let exp: Vec<f64> = scores.iter().map(|s| f64::from(s - most).exp()).collect();
    let sum: f64 = exp.iter().sum();
    exp.into_iter().map(|e| e / sum).collect()
}

/// Runs every example `passes` times with dropout on.
///
/// # Errors
/// Where the task has no labels or the network no dropout.
pub fn predict(network: &Network<f32>, about: &RunInfo, examples: &[Example], passes: usize) -> Result<MonteCarlo> {
    let task = about.encoding.task;
    ensure!(!matches!(task, Task::Next | Task::Series), "--mc is for classes and tags");
    ensure!(
        network.spec().layers.iter().any(LayerSpec::drops),
        "the network has no dropout, so that every pass is the same"
    );
    let width = about.encoding.outputs();
    // Right answers, answers, and the spreads of right and of wrong ones.
    let each: Vec<(u64, u64, f64, f64)> = examples
        .par_iter()
        .enumerate()
        .map(|(k, example)| {
            let frames = about.network_frames(&example.frames);
            let outputs: Vec<Vec<f32>> =
                (0..passes).map(|m| network.run_mode(&frames, Mode::Train((k * passes + m) as u64))).collect();
            let wanted: &[u32] = match &example.answer {
                Answer::Class(class) => std::slice::from_ref(class),
                Answer::Steps(steps) => steps,
                _ => &[],
            };
            let mut sum = (0, 0, 0.0, 0.0);
            for (t, wanted) in wanted.iter().enumerate() {
                let at = |o: &Vec<f32>| {
                    let t = if example.answer.single() { o.len() / width - 1 } else { t };
                    softmax(&o[t * width..][..width])
                };
                let (mean, spread) = moments(&outputs.iter().map(at).collect::<Vec<_>>());
                let best = (1..width).fold(0, |best, k| if mean[k] > mean[best] { k } else { best });
                sum.1 += 1;
                if best == *wanted as usize {
                    sum.0 += 1;
                    sum.2 += spread[best];
                } else {
                    sum.3 += spread[best];
                }
            }
            sum
        })
        .collect();
    let (right, all, of_right, of_wrong) =
        each.into_iter().fold((0, 0, 0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
    Ok(MonteCarlo {
        passes,
        accuracy: right as f64 / all.max(1) as f64,
        spread_right: of_right / right.max(1) as f64,
        spread_wrong: of_wrong / (all - right).max(1) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_spread_over_the_passes() {
        let (mean, spread) = moments(&[vec![0.2, 0.8], vec![0.6, 0.4]]);
        assert!((mean[0] - 0.4).abs() < 1e-12 && (mean[1] - 0.6).abs() < 1e-12);
        assert!((spread[0] - 0.2).abs() < 1e-12 && (spread[1] - 0.2).abs() < 1e-12);
        let p = softmax(&[0.0, 3f32.ln()]);
        assert!((p[1] - 0.75).abs() < 1e-6);
    }
}
