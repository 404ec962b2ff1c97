//! A graph in the making: edges as they come, compressed rows in the end.

use crate::{ExampleStructure, GraphRows};

/// Edges of a graph, each from a node to a neighbour whose messages it receives.
#[derive(Debug, Default)]
pub(super) struct Edges {
    list: Vec<(u16, u16, Vec<f32>)>,
}

impl Edges {
    /// Adds one direction of an edge, and the other where the graph is not directed.
    pub(super) fn add(&mut self, [v, u]: [u16; 2], features: &[f32], directed: bool) {
        self.list.push((v, u, features.to_vec()));
        if !directed {
            self.list.push((u, v, features.to_vec()));
        }
    }

    /// The rows of a graph of `nodes` nodes; neighbours of a node in ascending order.
    pub(super) fn rows(mut self, nodes: usize) -> ExampleStructure {
        self.list.sort_by_key(|(v, u, _)| (*v, *u));
        let mut rows = GraphRows { offsets: vec![0; nodes + 1], ..GraphRows::default() };
        for (v, u, features) in self.list {
            rows.offsets[usize::from(v) + 1] += 1;
            rows.neighbours.push(u);
            rows.edges.extend(features);
        }
        for k in 0..nodes {
            rows.offsets[k + 1] += rows.offsets[k];
        }
        ExampleStructure::Graph(rows)
    }
}
