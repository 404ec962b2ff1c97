//! How to train: the table `[train]` of a recipe.

use serde::{Deserialize, Serialize};

use crate::limits::LIMITS;
use elman_nn::Loss;

/// How to train. Every value has a default; unknown keys are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Run folder of a larger network whose answers are learned as well (distillation); empty for none.
    pub teacher: String,
    /// Share of the loss that compares with the teacher.
    pub teacher_weight: f64,
    /// Temperature T of both softmaxes in that share.
    pub temperature: f64,
    /// Passes over the training data, at most.
    pub epochs: usize,
    /// Sequences per step of the optimizer.
    pub batch: usize,
    /// Sequences that one thread works on at a time. Part of the result's bits; the number of threads is not.
    pub shard: usize,
    /// Threads; 0 for all cores.
    pub threads: usize,
    /// Whether recurrent layers compute their gates again in the backward pass instead of keeping them: the same bits in less memory,
    /// for about a third more time. For long sequences.
    pub recompute: bool,
    /// Seed of all random numbers.
    pub seed: u64,
    /// What is minimized: summed over a sequence's outputs, averaged over a batch's sequences.
    pub loss: Loss,
    /// Factor of the training loss of an output by its target class, in the order of the classes; empty for 1 each.
    pub class_weights: Vec<f64>,
    /// Label smoothing: share of a target class that is spread evenly over all classes.
    pub label_smoothing: f64,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Highest learning rate of the schedule.
    pub rate: f64,
    /// Schedule of the learning rate over the epochs.
    pub schedule: Schedule,
    /// Teacher forcing: share of the steps at which a decoder reads the target symbol instead of its own, in the first epoch
    /// and in the last; linear between them.
    pub teacher_forcing: [f64; 2],
    /// Epochs over which the learning rate rises from 0; may be a fraction.
    pub warmup: f64,
    /// Epochs from one fall of the step schedule to the next.
    pub step_every: usize,
    /// What the step schedule multiplies the rate by.
    pub step_factor: f64,
    /// First moment's decay of Adam.
    pub beta1: f64,
    /// Second moment's decay of Adam.
    pub beta2: f64,
    /// What Adam adds to the root of the second moment.
    pub epsilon: f64,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Decoupled weight decay, on W and U, not on b: every step removes this share, times the rate.
    pub weight_decay: f64,
    /// Gradients with a larger norm are scaled down to it (clipping); 0 never.
    pub clip: f64,
    /// Epochs without improvement on the validation data after which training stops; 0 never.
    pub patience: usize,
    /// What counts as improvement.
    pub watch: Watch,
}

/// The optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015), with decoupled weight decay (Loshchilov and Hutter 2019).
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// The learning rate's schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Constant.
    Constant,
    /// Half a cosine, down to 0 at the last epoch.
    Cosine,
    /// Falls by a factor every some epochs.
    Step,
}

/// The figure by which the best epoch is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// Accuracy on the validation data; of equals, the lower loss.
    Accuracy,
    /// Loss on the validation data.
    Loss,
    /// None: the last epoch is the best.
    Last,
    /// Of streams, the share of the words missed at the recipe's false accepts an hour; of equals, the lower loss.
    #[serde(rename = "false-accepts")]
    ValidationMetric,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            teacher: String::new(),
            teacher_weight: 0.5,
            temperature: 2.0,
            epochs: 30,
            batch: 32,
            shard: 16,
            threads: 0,
            recompute: false,
            seed: 1,
            loss: Loss::CrossEntropy,
            class_weights: Vec::new(),
            label_smoothing: 0.0,
            optimizer: Optimizer::Adam,
            rate: 2e-3,
            schedule: Schedule::Cosine,
            teacher_forcing: [1.0; 2],
            warmup: 0.0,
            step_every: 10,
            step_factor: 0.5,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            momentum: 0.9,
            weight_decay: 0.0,
            clip: 1.0,
            patience: 0,
            watch: Watch::Accuracy,
        }
    }
}

impl TrainConfig {
    /// The first value that [`LIMITS`] does not have: its key and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let all = serde_json::to_value(self).unwrap_or_default();
        // What JSON has no number for is none.
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
        for &(key, values, unit) in LIMITS {
            let good = match &all[key] {
                serde_json::Value::Array(items) => items.iter().all(|item| values.takes(number(item))),
                value => values.takes(number(value)),
            };
            if !good {
                return Err((key, values.wanted(unit)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_default_and_typos_are_refused() {
        let read: TrainConfig = toml::from_str("epochs = 3\noptimizer = \"sgd\"").unwrap();
        assert_eq!(read, TrainConfig { epochs: 3, optimizer: Optimizer::Sgd, ..TrainConfig::default() });
        let wrong = toml::from_str::<TrainConfig>("epoch = 3").unwrap_err().to_string();
        assert!(wrong.contains("unknown field `epoch`"), "{wrong}");
    }

    #[test]
    fn senseless_values_are_named() {
        let check = |change: fn(&mut TrainConfig)| {
            let mut config = TrainConfig::default();
            change(&mut config);
            config.check().map_err(|(key, _)| key)
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|c| c.batch = 0), Err("batch"));
        assert_eq!(check(|c| c.rate = f64::NAN), Err("rate"));
        assert_eq!(check(|c| c.momentum = 1.0), Err("momentum"));
        assert_eq!(check(|c| c.teacher_forcing[1] = 1.5), Err("teacher_forcing"));
        assert_eq!(check(|c| c.clip = -1.0), Err("clip"));
        assert_eq!(check(|c| c.label_smoothing = 1.0), Err("label_smoothing"));
        assert_eq!(check(|c| c.class_weights = vec![1.0, -1.0]), Err("class_weights"));
    }
}
