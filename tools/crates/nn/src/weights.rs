//! Weights on disk: safetensors.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{Float, Network};

/// Why weights do not fit a network.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// Not the format.
    #[error("not a safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// A tensor is missing.
    #[error("the tensor '{0}' is missing")]
    Missing(String),
    /// A tensor has another shape or type.
    #[error("the tensor '{name}' is {found}, but the network needs f32 {wanted:?}")]
    Shape {
        /// Name.
        name: String,
        /// Type and shape in the file.
        found: String,
        /// Shape in the network.
        wanted: Vec<usize>,
    },
    /// A tensor the network does not have.
    #[error("the network has no tensor '{0}'; the weights belong to another recipe")]
    Unknown(String),
    /// Numbers other than those that were written.
    #[error(
        "the weights are damaged: their checksum is not the one that was written; train again, or restore the file"
    )]
    Checksum,
}

/// The key of the checksum in a file's metadata.
const CHECKSUM: &str = "crc32c";

/// Checksum of the tensors of a file, in the order of their names.
fn checksum(file: &SafeTensors<'_>) -> String {
    let mut tensors = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let all: Vec<u8> = tensors.iter().flat_map(|(_, t)| t.data()).copied().collect();
    format!("{:08x}", elman_data::files::checksum(&all))
}

impl Network<f32> {
    /// All tensors as a safetensors file.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let bytes: Vec<Vec<u8>> = self
            .tensors()
            .iter()
            .map(|t| self.values()[t.range.clone()].iter().flat_map(|x| x.to_le_bytes()).collect())
            .collect();
        let views = self
            .tensors()
            .iter()
            .zip(&bytes)
            .map(|(t, bytes)| Ok((t.name.as_str(), TensorView::new(Dtype::F32, t.shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, WeightsError>>()?;
        let plain = safetensors::serialize(views.clone(), None)?;
        let checksum = checksum(&SafeTensors::deserialize(&plain)?);
        Ok(safetensors::serialize(views, Some([(CHECKSUM.to_owned(), checksum)].into()))?)
    }
}

impl<F: Float> Network<F> {
    /// Takes all parameters from a safetensors file.
    pub fn read_safetensors(&mut self, file: &[u8]) -> Result<(), WeightsError> {
        F::read_safetensors(self, file)
    }

    pub(crate) fn read_here(&mut self, file: &[u8]) -> Result<(), WeightsError> {
        let (_, metadata) = SafeTensors::read_metadata(file)?;
        let file = SafeTensors::deserialize(file)?;
        // Files of other programs have none.
        let written = metadata.metadata().as_ref().and_then(|m| m.get(CHECKSUM));
        if written.is_some_and(|written| *written != checksum(&file)) {
            return Err(WeightsError::Checksum);
        }
        if let Some(name) = file.names().iter().find(|name| self.tensor(name).is_none()) {
            return Err(WeightsError::Unknown((*name).to_string()));
        }
        let mut values = self.values().to_vec();
        for t in self.tensors() {
            let read = file.tensor(&t.name).map_err(|_| WeightsError::Missing(t.name.clone()))?;
            if read.dtype() != Dtype::F32 || read.shape() != t.shape {
                let found = format!("{:?} {:?}", read.dtype(), read.shape());
                return Err(WeightsError::Shape { name: t.name.clone(), found, wanted: t.shape.clone() });
            }
            for (to, bytes) in values[t.range.clone()].iter_mut().zip(read.data().as_chunks::<4>().0) {
                *to = F::of(f64::from(f32::from_le_bytes(*bytes)));
            }
        }
        self.update(|v| v.copy_from_slice(&values));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LayerSpec, NetworkSpec};

    fn network(variant: &str, seed: u64) -> Network<f32> {
        Network::new(&NetworkSpec::sequence(3, vec![LayerSpec::cell(variant, 4)]), seed).unwrap()
    }

    #[test]
    fn come_back_as_they_were() {
        let (saved, mut read) = (network("gru", 1), network("gru", 2));
        read.read_safetensors(&saved.to_safetensors().unwrap()).unwrap();
        assert_eq!(read.values(), saved.values());
    }

    #[test]
    fn of_another_network_are_refused() {
        let file = network("lstm", 1).to_safetensors().unwrap();
        let wrong = network("gru", 1).read_safetensors(&file).unwrap_err();
        assert_eq!(wrong.to_string(), "the tensor 'layers.0.w' is F32 [16, 3], but the network needs f32 [12, 3]");
        assert!(network("gru", 1).read_safetensors(b"no").is_err());
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let file = network("gru", 1).to_safetensors().unwrap();
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << (at % 8);
            let mut read = network("gru", 2);
            let error = read.read_safetensors(&damaged);
            assert!(error.is_err() || read.values() == network("gru", 1).values(), "byte {at}");
        }
    }
}
