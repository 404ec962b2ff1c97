//! Structure of an example: sequence, tree or graph.

use elman::net::Node;
use serde::{Deserialize, Serialize};

/// Structure of an example: sequence, tree or graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ExampleStructure {
    /// A sequence, or a single frame.
    #[default]
    None,
    /// As the leaves of a tree or directed acyclic graph, whose nodes these are in topological order.
    Tree(Vec<Node>),
    /// As the nodes of a graph.
    Graph(GraphRows),
}

/// The edges of a graph in compressed sparse rows: node v receives messages from `neighbours[offsets[v]..offsets[v + 1]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphRows {
    /// Where each node's neighbours begin; one more than there are nodes.
    pub offsets: Vec<u32>,
    /// The other ends, node after node.
    pub neighbours: Vec<u16>,
    /// `[neighbours, features]`: the features of each edge, in the same order.
    pub edges: Vec<f32>,
}
