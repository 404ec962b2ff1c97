//! The layers and parts that a firmware links: those that its list names, as `elman::Operations`.

use elman::operations as known;
use elman::operations::{LayerOperation, Operations};

/// Most layers in a list of parts.
pub const ELMAN_MAX_LAYER_PARTS: usize = 8;

/// What a list of parts gathers while a model is loaded.
#[cfg_attr(elman_parts, allow(dead_code))]
pub struct elman_parts_t {
    pub(crate) layers: heapless::Vec<LayerOperation, ELMAN_MAX_LAYER_PARTS>,
    pub(crate) operations: Operations,
    /// Whether there were too many.
    pub(crate) full: bool,
}

/// A layer or part of models that the library can link: one of the functions elman_part_...(). A list of them ends with NULL.
/// `elman export` writes the list of a model; the linker (with -Wl,--gc-sections) takes what the list names and nothing else.
pub type elman_part_t = Option<extern "C" fn(&mut elman_parts_t)>;

impl elman_parts_t {
    /// Adds a layer. Not inlined: it would be in each part once.
    #[cfg(not(elman_parts))]
    #[inline(never)]
    fn layer(&mut self, layer: &'static LayerOperation) {
        self.full |= self.layers.push(*layer).is_err();
    }

    /// The library has a list of its own.
    #[cfg(elman_parts)]
    fn layer(&mut self, _: &'static LayerOperation) {}
}

/// The parts of a library that was built for one model.
#[cfg(elman_parts)]
pub(crate) mod own {
    use super::{Operations, known};

    include!(concat!(env!("OUT_DIR"), "/operations.rs"));
}

/// An Elman cell (SRN) with tanh.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_srn(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::SRN;
    parts.layer(&LAYER);
}

/// An Elman cell with relu.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_srn_relu(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::SRN_RELU;
    parts.layer(&LAYER);
}

/// An Elman cell with sigmoid.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_srn_sigmoid(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::SRN_SIGMOID;
    parts.layer(&LAYER);
}

/// A GRU, its reset gate after the product (PyTorch, Keras).
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_gru(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::GRU;
    parts.layer(&LAYER);
}

/// A GRU, its reset gate before the product (Cho et al. 2014).
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_gru_before(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::GRU_BEFORE;
    parts.layer(&LAYER);
}

/// An LSTM.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_lstm(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::LSTM;
    parts.layer(&LAYER);
}

/// An LSTM with coupled gates.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_lstm_coupled(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::LSTM_COUPLED;
    parts.layer(&LAYER);
}

/// An LSTM without forget gate.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_lstm_no_forget(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::LSTM_NO_FORGET;
    parts.layer(&LAYER);
}

/// An LSTM with peepholes.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_lstm_peephole(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::LSTM_PEEPHOLE;
    parts.layer(&LAYER);
}

/// A residual cell of one stage.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_residual_1(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::RESIDUAL_1;
    parts.layer(&LAYER);
}

/// A residual cell of two stages.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_residual_2(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::RESIDUAL_2;
    parts.layer(&LAYER);
}

/// A FastGRNN.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_fast_grnn(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::FAST_GRNN;
    parts.layer(&LAYER);
}

/// A light GRU (Ravanelli et al. 2018).
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_li_gru(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::LI_GRU;
    parts.layer(&LAYER);
}

/// A minimal GRU, whose gates read the input alone.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_min_gru(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::MIN_GRU;
    parts.layer(&LAYER);
}

/// A minimal LSTM, whose gates read the input alone.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_min_lstm(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::MIN_LSTM;
    parts.layer(&LAYER);
}

/// An LSTM with a projected state.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_lstm_projected(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::LSTM_PROJECTED;
    parts.layer(&LAYER);
}

/// An LSTM with a recurrent matrix of low rank.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_lstm_low_rank(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::LSTM_LOW_RANK;
    parts.layer(&LAYER);
}

/// A GRU with a recurrent matrix of low rank.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_gru_low_rank(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::GRU_LOW_RANK;
    parts.layer(&LAYER);
}

/// A FastGRNN with a recurrent matrix of low rank.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_fast_grnn_low_rank(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::FAST_GRNN_LOW_RANK;
    parts.layer(&LAYER);
}

/// The filters of a depthwise separable convolution.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_depthwise(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::DEPTHWISE;
    parts.layer(&LAYER);
}

/// A delay line.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_delay(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::DELAY;
    parts.layer(&LAYER);
}

/// A dense layer.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_dense(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::DENSE;
    parts.layer(&LAYER);
}

/// A dense layer with relu.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_dense_relu(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::DENSE_RELU;
    parts.layer(&LAYER);
}

/// A dense layer with sigmoid.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_dense_sigmoid(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::DENSE_SIGMOID;
    parts.layer(&LAYER);
}

/// A dense layer with tanh.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_dense_tanh(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::DENSE_TANH;
    parts.layer(&LAYER);
}

/// An embedding of symbols.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_embedding(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::EMBEDDING;
    parts.layer(&LAYER);
}

/// One-hot vectors of symbols.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_one_hot(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::ONE_HOT;
    parts.layer(&LAYER);
}

/// The maximum over time.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_max(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::MAX;
    parts.layer(&LAYER);
}

/// The mean over time.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_mean(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::MEAN;
    parts.layer(&LAYER);
}

/// The sum over time.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_sum(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::SUM;
    parts.layer(&LAYER);
}

/// Both ends of a sequence.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_ends(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::ENDS;
    parts.layer(&LAYER);
}

/// Layer normalisation.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_norm(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::NORM;
    parts.layer(&LAYER);
}

/// The scaling of raw features.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_scale(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::SCALE;
    parts.layer(&LAYER);
}

/// A stride over time.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_stride(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::STRIDE;
    parts.layer(&LAYER);
}

/// A Tree-LSTM with one predecessor.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_tree_lstm(parts: &mut elman_parts_t) {
    static LAYER: LayerOperation = known::TREE_LSTM;
    parts.layer(&LAYER);
}

/// Layers that read a sequence from its end.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_backward(parts: &mut elman_parts_t) {
    parts.operations = parts.operations.with_backward();
}

/// The cosine transform of the audio front end.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_cepstrum(parts: &mut elman_parts_t) {
    parts.operations = parts.operations.with_cepstrum();
}

/// Models that read their own output.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_feedback(parts: &mut elman_parts_t) {
    parts.operations = parts.operations.with_feedback();
}

/// Per-channel energy normalisation in the audio front end.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_pcen(parts: &mut elman_parts_t) {
    parts.operations = parts.operations.with_pcen();
}

/// The scaling of sensors' readings to frames, and of outputs to readings.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_scaling(parts: &mut elman_parts_t) {
    parts.operations = parts.operations.with_scaling();
}

/// Subtraction of steady noise in the audio front end.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_spectral_subtraction(parts: &mut elman_parts_t) {
    parts.operations = parts.operations.with_spectral_subtraction();
}

/// The symbols of a text.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_text(parts: &mut elman_parts_t) {
    parts.operations = parts.operations.with_text();
}

/// Every layer and every part, for programs that load any model.
#[unsafe(no_mangle)]
pub extern "C" fn elman_part_all(parts: &mut elman_parts_t) {
    parts.operations = Operations::ALL;
}
