//! Checkpoints: one file with everything that is needed to resume a run.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::error::TrainError;
use super::optimizer::Moments;
use super::trainer::{AwareState, Best, EpochMetrics};
use elman_nn::NetworkSpec;

/// Version of the layout.
const VERSION: u32 = 1;
/// The vectors of a file, in order; the last of them where there are such.
const VECTORS: [&str; 7] = ["values", "first", "second", "best", "scales", "scales.first", "scales.second"];
/// The key of the header in the file's metadata.
const HEADER: &str = "elman";

/// Everything of a checkpoint but its vectors.
#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    spec: NetworkSpec,
    config: TrainConfig,
    steps: u64,
    best_epoch: Option<usize>,
    history: Vec<EpochMetrics>,
    /// Of a training that is aware of quantization: epochs before it, formats, steps of the scales.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aware: Option<(usize, String, u64)>,
    /// Formats of the best epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best_formats: Option<String>,
    /// Of all vectors, one after the other; `None` in files of earlier versions.
    #[serde(default)]
    checksum: Option<u32>,
}

/// Checksum of vectors, one after the other.
fn checksum<'v>(vectors: impl Iterator<Item = &'v [u8]>) -> u32 {
    elman_data::files::checksum(&vectors.flatten().copied().collect::<Vec<u8>>())
}

/// The state of a run between two epochs.
#[derive(Debug)]
pub struct Checkpoint {
    pub spec: NetworkSpec,
    pub config: TrainConfig,
    pub values: Vec<f32>,
    pub moments: Moments,
    pub best: Option<Best>,
    pub history: Vec<EpochMetrics>,
    pub aware: Option<AwareState>,
}

impl Checkpoint {
    /// Writes it atomically.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let wrong = |e: &dyn std::fmt::Display| TrainError::Write {
            path: path.to_owned(),
            source: std::io::Error::other(e.to_string()),
        };
        let mut vectors =
            vec![("values", &self.values), ("first", &self.moments.first), ("second", &self.moments.second)];
        vectors.extend(self.best.as_ref().map(|best| ("best", &best.values)));
        if let Some(AwareState { scales, moments, .. }) = &self.aware {
            vectors.extend([("scales", scales), ("scales.first", &moments.first), ("scales.second", &moments.second)]);
        }
        let bytes: Vec<(&str, Vec<u8>)> = vectors
            .into_iter()
            .map(|(name, values)| (name, values.iter().flat_map(|x| x.to_le_bytes()).collect()))
            .collect();
        let header = Header {
            version: VERSION,
            spec: self.spec.clone(),
            config: self.config.clone(),
            steps: self.moments.steps,
            best_epoch: self.best.as_ref().map(|b| b.epoch),
            history: self.history.clone(),
            aware: self.aware.as_ref().map(|a| (a.from, a.formats.clone(), a.moments.steps)),
            best_formats: self.best.as_ref().and_then(|best| best.formats.clone()),
            checksum: Some(checksum(bytes.iter().map(|(_, bytes)| bytes.as_slice()))),
        };
        let header = serde_json::to_string(&header).map_err(|e| wrong(&e))?;
        let views = bytes
            .iter()
            .map(|(name, bytes)| Ok((*name, TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|e| wrong(&e))?;
        let metadata = [(HEADER.to_owned(), header)].into_iter().collect();
        let file = safetensors::serialize(views, Some(metadata)).map_err(|e| wrong(&e))?;
        elman_data::files::replace(path, &file).map_err(|source| TrainError::Write { path: path.to_owned(), source })
    }

    /// Reads it back.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let file = std::fs::read(path).map_err(|source| TrainError::Read { path: path.to_owned(), source })?;
        Self::parse(&file).map_err(|reason| TrainError::Checkpoint { path: path.to_owned(), reason })
    }

    fn parse(file: &[u8]) -> Result<Self, String> {
        let (_, metadata) = SafeTensors::read_metadata(file).map_err(|e| e.to_string())?;
        let header = metadata.metadata().as_ref().and_then(|m| m.get(HEADER)).ok_or("it has no header")?;
        let header: Header = serde_json::from_str(header).map_err(|e| e.to_string())?;
        if header.version != VERSION {
            return Err(format!("it has layout {}, this program reads {VERSION}", header.version));
        }
        let tensors = SafeTensors::deserialize(file).map_err(|e| e.to_string())?;
        let all = VECTORS.into_iter().filter_map(|name| tensors.tensor(name).ok());
        if header.checksum.is_some_and(|written| written != checksum(all.map(|t| t.data()))) {
            return Err("it is damaged: its checksum is not the one that was written; start again with --force".into());
        }
        let vector = |name: &str| -> Result<Vec<f32>, String> {
            let tensor = tensors.tensor(name).map_err(|e| e.to_string())?;
            if tensor.dtype() != Dtype::F32 {
                return Err(format!("'{name}' is not f32"));
            }
            Ok(tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        };
        let values = vector("values")?;
        let moments = Moments { first: vector("first")?, second: vector("second")?, steps: header.steps };
        let best = match header.best_epoch {
            Some(epoch) => Some(Best { epoch, values: vector("best")?, formats: header.best_formats }),
            None => None,
        };
        let best_len = best.as_ref().map_or(values.len(), |b| b.values.len());
        if [moments.first.len(), moments.second.len(), best_len] != [values.len(); 3] {
            return Err("its vectors differ in length".into());
        }
        let aware = match header.aware {
            Some((from, formats, steps)) => {
                let (first, second) = (vector("scales.first")?, vector("scales.second")?);
                let state =
                    AwareState { from, formats, scales: vector("scales")?, moments: Moments { first, second, steps } };
                if [state.moments.first.len(), state.moments.second.len()] != [state.scales.len(); 2] {
                    return Err("its vectors differ in length".into());
                }
                Some(state)
            }
            None => None,
        };
        Ok(Self { spec: header.spec, config: header.config, values, moments, best, history: header.history, aware })
    }
}
