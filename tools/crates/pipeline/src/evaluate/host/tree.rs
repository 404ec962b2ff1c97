//! Trees.

use elman::RunError;
use elman::blob::Model;
use elman::net::Output;

use crate::Example;
use elman_data::ExampleStructure;

/// As [`super::structure`].
pub(super) fn run(
    model: &Model<'_>,
    memory: &mut [u32],
    example: &Example,
    each: impl FnMut(usize, Output<'_>),
) -> Result<(), RunError> {
    let nodes = if let ExampleStructure::Tree(nodes) = &example.joints { &nodes[..] } else { &[] };
    model.tree(memory)?.run_each(&example.frames, nodes, each)
}
