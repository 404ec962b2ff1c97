//! Ways to run a model: a step per frame, or whole sequences.

mod sequence;
mod stream;

pub use sequence::{Outputs, Sequence};
pub use stream::{Output, SNAPSHOT_EXTRA_WORDS, Stream};
