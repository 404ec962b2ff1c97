//! The operations that a firmware names, so that it links nothing else: see [`Operations`].

pub use crate::blob::Operations;
use crate::blob::{Blob, LoadError, Model};
pub use crate::cell::LayerOperation;
pub use crate::cell::fast_grnn::FAST_GRNN;
pub use crate::cell::gru::{GRU, GRU_BEFORE};
pub use crate::cell::li_gru::LI_GRU;
pub use crate::cell::low_rank::{FAST_GRNN_LOW_RANK, GRU_LOW_RANK, LSTM_LOW_RANK, LSTM_PROJECTED};
pub use crate::cell::lstm::{LSTM, LSTM_COUPLED, LSTM_NO_FORGET, LSTM_PEEPHOLE};
pub use crate::cell::min_gru::MIN_GRU;
pub use crate::cell::min_lstm::MIN_LSTM;
pub use crate::cell::residual::{RESIDUAL_1, RESIDUAL_2};
pub use crate::cell::srn::{SRN, SRN_RELU, SRN_SIGMOID};
pub use crate::cell::tree_lstm::TREE_LSTM;
pub use crate::layer::delay::DELAY;
pub use crate::layer::dense::{DENSE, DENSE_RELU, DENSE_SIGMOID, DENSE_TANH};
pub use crate::layer::depthwise::DEPTHWISE;
pub use crate::layer::embedding::EMBEDDING;
pub use crate::layer::ends::ENDS;
pub use crate::layer::mean::{MAX, MEAN, SUM};
pub use crate::layer::norm::NORM;
pub use crate::layer::one_hot::ONE_HOT;
pub use crate::layer::scale::SCALE;
pub use crate::layer::stride::STRIDE;

impl Operations {
    /// Everything.
    pub const ALL: Operations = Operations::EVERY_LAYER
        .with_pcen()
        .with_spectral_subtraction()
        .with_cepstrum()
        .with_backward()
        .with_feedback()
        .with_text()
        .with_structures()
        .with_scaling();
}

impl<'b> Model<'b> {
    /// Validates a blob, every byte of it: frame, CRC, canonical descriptor, sizes, formats, weights, and for each row that
    /// no input can overflow its accumulator. Links all operations; [`Model::load_with`] links those that are named.
    ///
    /// # Errors
    /// The first mistake, with its numbers. A hostile blob gets an error; it cannot cause a panic, a read outside or work
    /// beyond its own length.
    pub fn load(blob: Blob<'b>) -> Result<Self, LoadError> {
        Model::load_with(&Operations::ALL, blob)
    }
}

/// [`Model::load`].
impl<'b> TryFrom<Blob<'b>> for Model<'b> {
    type Error = LoadError;

    #[inline(always)]
    fn try_from(blob: Blob<'b>) -> Result<Self, LoadError> {
        Model::load(blob)
    }
}
