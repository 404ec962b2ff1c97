//! The part of a run that is aware of quantization.

use super::config::{Schedule, TrainConfig};
use super::error::TrainError;
use super::integer::Aware;
use super::optimizer::Moments;
use super::trainer::{AwareState, Trainer};

impl Trainer {
    /// The rates: of the configuration, or once training is aware of quantization, half a cosine over its own epochs.
    pub(super) fn schedule(&self) -> TrainConfig {
        let config = self.learner.config.clone();
        match (&self.quantization, self.aware_from) {
            (Some(quantization), Some(_)) => TrainConfig {
                rate: quantization.rate,
                epochs: quantization.epochs,
                schedule: Schedule::Cosine,
                warmup: 0.0,
                ..config
            },
            _ => config,
        }
    }

    /// Goes on from the best float network; figures of float epochs do not compare with those of integers.
    pub(super) fn begin_aware(&mut self) {
        if let Some(best) = self.best.take() {
            self.learner.network.update(|v| v.copy_from_slice(&best.values));
        }
        self.learner.moments = Moments::new(self.learner.network.values().len());
        (self.aware_from, self.kept) = (Some(self.history.len()), None);
    }

    /// Makes the network in integers, where training is aware of quantization and there is none yet.
    pub(super) fn take_up_aware(&mut self) -> Result<(), TrainError> {
        let (Some(_), Some(quantization), None) = (self.aware_from, &self.quantization, &self.learner.aware) else {
            return Ok(());
        };
        let network = &self.learner.network;
        let formats = self.kept.as_ref().map(|kept| kept.formats.as_str());
        let integer = quantization.quantizer.begin(network, formats).map_err(TrainError::Quantization)?;
        let mut aware = Aware::new(integer, network)?;
        if let Some(kept) = self.kept.take() {
            if kept.scales.len() != aware.scales.len() {
                let reason = "the checkpoint has other scales than the network".to_owned();
                return Err(TrainError::Quantization(reason));
            }
            (aware.scales, aware.moments) = (kept.scales, kept.moments);
        }
        self.learner.aware = Some(aware);
        Ok(())
    }

    /// What a checkpoint keeps.
    pub(super) fn aware_state(&self) -> Option<AwareState> {
        let (from, aware) = (self.aware_from?, self.learner.aware.as_ref());
        let Some(Aware { network, scales, moments, .. }) = aware else { return self.kept.clone() };
        Some(AwareState { from, formats: network.formats(), scales: scales.clone(), moments: moments.clone() })
    }

    /// Goes back to what was kept before an epoch.
    pub(super) fn restore_aware(&mut self, state: Option<AwareState>) {
        if let (Some(aware), Some(state)) = (&mut self.learner.aware, state) {
            (aware.scales, aware.moments) = (state.scales, state.moments);
        }
    }
}
