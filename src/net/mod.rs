//! Ways to run a model.

mod stream;

pub use stream::{Output, SNAPSHOT_EXTRA_WORDS, Stream};
