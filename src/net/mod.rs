//! Ways to run a model: a step per frame, or whole sequences; and to draw from what it says.

mod sampler;
mod sequence;
mod stream;
mod tree;

pub use sampler::{Sampler, Temperature};
pub use sequence::{Outputs, Sequence};
pub use stream::{Output, SNAPSHOT_EXTRA_WORDS, Stream};
pub use tree::Node;
