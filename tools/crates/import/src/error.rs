//! Why a file cannot be imported.

/// Why a file cannot be imported. Each message names the place in the file and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is larger than any model that a microcontroller runs.
    #[error("{bytes} bytes, more than {most}: no network of a microcontroller is so large; export the network alone")]
    TooLarge {
        /// Size of the file, or of what it unpacks to.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// None of the formats that are understood.
    #[error(
        "not a model that import reads: it begins with none of the marks of safetensors, .pt, .onnx, .keras and .h5; save a \
         `state_dict` with safetensors or torch.save, or export to ONNX"
    )]
    Unknown,
    /// The file is cut off, or its bytes make no sense.
    #[error("{place}: {problem}; the file is damaged or cut off: save it again")]
    Damaged {
        /// Where in the file.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A pickle that names something that could run code.
    #[error(
        "{place}: the pickle names `{name}`, and import runs no code: only tensors of a state_dict are read; save it with \
         `torch.save(model.state_dict(), FILE)` or with safetensors"
    )]
    Code {
        /// Where in the file.
        place: String,
        /// What it names.
        name: String,
    },
    /// Something that is understood, but that no network of elman has.
    #[error("{place}: {problem}; {way}")]
    Unsupported {
        /// The layer, node or tensor.
        place: String,
        /// What it is.
        problem: String,
        /// The way out.
        way: String,
    },
    /// Tensors whose shapes do not fit each other.
    #[error("{place}: {problem}")]
    Shape {
        /// The layer, node or tensor.
        place: String,
        /// What does not fit.
        problem: String,
    },
    /// A weight that is no number.
    #[error(
        "{place}: element {element} is {value}; training diverged or the file is damaged: save a network whose weights are all \
         finite"
    )]
    NotFinite {
        /// The tensor.
        place: String,
        /// Its index.
        element: usize,
        /// What it is.
        value: f32,
    },
    /// The layers make no network of elman.
    #[error("the layers of the file: {0}")]
    Spec(#[from] elman_nn::SpecError),
}

impl ImportError {
    /// [`ImportError::Damaged`]
    pub(crate) fn damaged(place: impl Into<String>, problem: impl ToString) -> Self {
        Self::Damaged { place: place.into(), problem: problem.to_string() }
    }

    /// [`ImportError::Unsupported`]
    pub(crate) fn unsupported(place: impl Into<String>, problem: impl Into<String>, way: impl Into<String>) -> Self {
        Self::Unsupported { place: place.into(), problem: problem.into(), way: way.into() }
    }

    /// [`ImportError::Shape`]
    pub(crate) fn shape(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Shape { place: place.into(), problem: problem.into() }
    }
}

/// What reading gives.
pub type Result<T> = std::result::Result<T, ImportError>;
