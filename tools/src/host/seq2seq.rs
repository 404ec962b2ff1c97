//! Encoder and decoder.

use elman::blob::{Error, Model};
use elman::net::Output;

use crate::pipeline::Example;

/// As [`super::structure`].
pub(super) fn run(
    _model: &Model<'_>,
    _memory: &mut [u32],
    _example: &Example,
    _each: impl FnMut(usize, Output<'_>),
) -> Result<(), Error> {
    unimplemented!()
}
