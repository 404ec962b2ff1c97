//! Graphs.

use elman::RunError;
use elman::blob::Model;
use elman::net::{CsrRows, Output};

use crate::Example;
use elman_data::{ExampleStructure, GraphRows};

/// As [`super::structure`].
pub(super) fn run(
    model: &Model<'_>,
    memory: &mut [u32],
    example: &Example,
    mut each: impl FnMut(usize, Output<'_>),
) -> Result<(), RunError> {
    let none = GraphRows { offsets: vec![0], ..GraphRows::default() };
    let graph = if let ExampleStructure::Graph(rows) = &example.joints { rows } else { &none };
    let mut net = model.graph(memory)?;
    let edges = features(graph, net.edge_frac());
    let rows = CsrRows::new(&graph.offsets, &graph.neighbours)?;
    net.run(&example.frames, rows, &edges)?.iter().enumerate().for_each(|(k, output)| each(k, output));
    Ok(())
}

/// The edges' features, with so many fraction bits: rounded half up, saturated to i16.
pub fn features(graph: &GraphRows, frac: u8) -> Vec<i16> {
    let unit = 2f32.powi(frac.into());
    graph.edges.iter().map(|x| (x * unit + 0.5).floor().clamp(-32768.0, 32767.0) as i16).collect()
}
