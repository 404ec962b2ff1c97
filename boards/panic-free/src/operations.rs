//! What the firmware links of the crate, by features of this package.

use elman::operations::*;

/// Everything.
#[cfg(feature = "all")]
pub static OPERATIONS: Operations = Operations::ALL;

/// A cell and a dense layer, and what is measured in addition.
#[cfg(not(feature = "all"))]
pub static OPERATIONS: Operations = {
    let mut operations = Operations::of(&[
        #[cfg(feature = "gru")]
        GRU,
        #[cfg(feature = "lstm")]
        LSTM,
        #[cfg(feature = "srn")]
        SRN,
        #[cfg(feature = "residual")]
        RESIDUAL_2,
        #[cfg(feature = "tree-lstm")]
        TREE_LSTM,
        #[cfg(feature = "fast-grnn")]
        FAST_GRNN,
        #[cfg(feature = "li-gru")]
        LI_GRU,
        #[cfg(feature = "min-gru")]
        MIN_GRU,
        #[cfg(feature = "min-lstm")]
        MIN_LSTM,
        #[cfg(feature = "low-rank")]
        LSTM_PROJECTED,
        #[cfg(feature = "low-rank")]
        GRU_LOW_RANK,
        #[cfg(feature = "low-rank")]
        LSTM_LOW_RANK,
        #[cfg(feature = "low-rank")]
        FAST_GRNN_LOW_RANK,
        #[cfg(feature = "pool")]
        MEAN,
        #[cfg(feature = "symbols")]
        EMBEDDING,
        #[cfg(feature = "delay")]
        DELAY,
        #[cfg(feature = "norm")]
        NORM,
        #[cfg(feature = "depthwise")]
        DEPTHWISE,
        #[cfg(feature = "stride")]
        STRIDE,
        DENSE,
    ]);
    if cfg!(feature = "symbols") {
        operations = operations.with_text();
    }
    if cfg!(feature = "backward") {
        operations = operations.with_backward();
    }
    if cfg!(feature = "feedback") {
        operations = operations.with_feedback();
    }
    if cfg!(feature = "scaling") {
        operations = operations.with_scaling();
    }
    if cfg!(feature = "structures") {
        operations = operations.with_structures();
    }
    if cfg!(feature = "spectral-subtraction") {
        operations = operations.with_spectral_subtraction();
    }
    if cfg!(feature = "pcen") {
        operations = operations.with_pcen();
    }
    if cfg!(feature = "cepstrum") {
        operations = operations.with_cepstrum();
    }
    operations
};
