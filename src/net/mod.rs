//! Ways to run a model: a step per frame, whole sequences, encoder-decoders, trees and graphs; and to draw from its logits.

mod csr;
mod error;
mod feedback;
mod graph;
mod sampler;
mod seq2seq;
mod sequence;
pub(crate) mod stream;
mod tree;

pub use crate::arith::{Logit, Probability};
pub use csr::CsrRows;
pub use error::RunError;
pub use graph::Graph;
pub use sampler::{Sampler, Temperature};
pub use seq2seq::{AttentionWeight, END, Seq2seq, Written};
pub use sequence::{Outputs, Sequence};
pub use stream::{Output, SNAPSHOT_EXTRA_WORDS, Stream};
pub use tree::{Node, Tree, slots_needed};
