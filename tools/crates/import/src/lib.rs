//! Trained networks of other programs as networks of elman, and back.
//!
//! [`read`] looks at a file's first bytes and gives an [`Imported`]: a chain of operations with their weights.
//! [`Imported::network`] is elman's network of it. What a file cannot say (the activations between the layers of a
//! state_dict, for instance) is in [`Asked`]. Each format is a folder: `torch`, `onnx`, `keras`; `export` is the other way.
//!
//! Files come from elsewhere: nothing in them is run, all sizes are checked before memory is taken, and what is not
//! understood is an error that names its place.
#![forbid(unsafe_code)]

mod archive;
mod error;
pub mod export;
mod gates;
mod imported;
mod keras;
mod onnx;
mod op;
mod simplify;
mod tensor;
mod torch;

pub use error::{ImportError, Result};
pub use imported::{Head, Imported, Outputs, Placed};
pub use op::{AffineOp, CellOp, CellWeights, DenseOp, Op};
pub use tensor::{Matrix, Tensor};
pub use torch::Asked;

use std::path::Path;

/// Bytes of a file, and of what it unpacks to.
pub const MOST_BYTES: u64 = 128 << 20;
/// Elements of all tensors of a file.
pub const MOST_ELEMENTS: usize = 1 << 25;
/// Widest layer.
pub const MOST_WIDTH: usize = 4096;

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A state_dict as safetensors.
    Safetensors,
    /// A state_dict as `torch.save` writes it.
    Torch,
    /// ONNX.
    Onnx,
    /// Keras 3: .keras.
    Keras,
    /// Keras: .h5.
    KerasH5,
}

impl Format {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Format::Safetensors => "a PyTorch state_dict (safetensors)",
            Format::Torch => "a PyTorch state_dict (torch.save)",
            Format::Onnx => "an ONNX graph",
            Format::Keras => "a Keras model (.keras)",
            Format::KerasH5 => "a Keras model (.h5)",
        }
    }
}

/// Reads a file of any format that is known.
///
/// # Errors
/// Where it cannot be read, is damaged, or has what no network of elman has.
pub fn read(path: &Path, asked: &Asked) -> Result<Imported> {
    let wrong = |source| ImportError::Read { path: path.to_owned(), source };
    let bytes = std::fs::metadata(path).map_err(wrong)?.len();
    if bytes > MOST_BYTES {
        return Err(ImportError::TooLarge { bytes, most: MOST_BYTES });
    }
    from_bytes(&std::fs::read(path).map_err(wrong)?, asked)
}

/// The same of bytes in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: &[u8], asked: &Asked) -> Result<Imported> {
    if bytes.starts_with(b"PK\x03\x04") {
        let mut archive = archive::Archive::open(bytes)?;
        if keras::is_keras(&archive.names()) {
            return keras::read(&mut archive);
        }
        let state = torch::StateDict::from_torch(&mut archive)?;
        return torch::network(Format::Torch, &state, asked);
    }
    if is_safetensors(bytes) {
        let state = torch::StateDict::from_safetensors(bytes)?;
        return torch::network(Format::Safetensors, &state, asked);
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return keras::read_h5(bytes, asked);
    }
    if onnx::is_onnx(bytes) {
        return onnx::read(bytes);
    }
    if bytes.starts_with(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19") {
        return Err(ImportError::unsupported(
            "the file",
            "a file of torch.save before version 1.6",
            "load it and save its `state_dict()` again with torch.save or safetensors",
        ));
    }
    Err(ImportError::Unknown)
}

/// The length of the header, then the header.
fn is_safetensors(bytes: &[u8]) -> bool {
    matches!(bytes.get(..9), Some([.., b'{'])) && bytes[6..8] == [0, 0]
}
