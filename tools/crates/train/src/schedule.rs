//! The learning rate of every step, and the share of teacher forcing.

use super::config::{Schedule, TrainConfig};

impl TrainConfig {
    /// Share of the steps with teacher forcing in epoch `epoch`, from 0.
    pub fn teacher_forcing_at(&self, epoch: usize) -> f64 {
        let [first, last] = self.teacher_forcing;
        let progress = epoch as f64 / self.epochs.saturating_sub(1).max(1) as f64;
        first + (last - first) * progress.min(1.0)
    }

    /// Learning rate of step `step` (from 0), with `per_epoch` steps in an epoch.
    pub fn rate_at(&self, step: u64, per_epoch: u64) -> f64 {
        let epoch = step as f64 / per_epoch as f64;
        if epoch < self.warmup {
            return self.rate * (step + 1) as f64 / (self.warmup * per_epoch as f64).max((step + 1) as f64);
        }
        self.rate
            * match self.schedule {
                Schedule::Constant => 1.0,
                Schedule::Cosine => {
                    let progress = (epoch - self.warmup) / (self.epochs as f64 - self.warmup);
                    0.5 + 0.5 * (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos()
                }
                Schedule::Step => self.step_factor.powi((step / per_epoch / self.step_every as u64) as i32),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courses() {
        let config = |schedule, warmup| TrainConfig {
            schedule,
            warmup,
            rate: 1.0,
            epochs: 10,
            step_every: 4,
            step_factor: 0.1,
            ..TrainConfig::default()
        };
        let forced = TrainConfig { teacher_forcing: [1.0, 0.5], epochs: 6, ..TrainConfig::default() };
        assert_eq!([0, 1, 5, 9].map(|k| forced.teacher_forcing_at(k)), [1.0, 0.9, 0.5, 0.5]);
        assert_eq!(config(Schedule::Constant, 0.0).rate_at(77, 8), 1.0);
        let warm = config(Schedule::Constant, 0.5);
        assert_eq!([0, 1, 3, 4].map(|k| warm.rate_at(k, 8)), [0.25, 0.5, 1.0, 1.0]);
        let cosine = config(Schedule::Cosine, 0.0);
        assert_eq!(cosine.rate_at(0, 8), 1.0);
        assert!((cosine.rate_at(40, 8) - 0.5).abs() < 1e-12);
        assert!(cosine.rate_at(79, 8) < 1e-3);
        let step = config(Schedule::Step, 0.0);
        assert_eq!([0, 31, 32].map(|k| step.rate_at(k, 8)), [1.0, 1.0, 0.1]);
        assert!((step.rate_at(64, 8) - 0.01).abs() < 1e-15);
    }
}
