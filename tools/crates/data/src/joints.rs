//! How the frames of an example hang together.

use elman::net::Node;
use serde::{Deserialize, Serialize};

/// How the frames of an example hang together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Joints {
    /// One after the other, or not at all.
    #[default]
    None,
    /// As the leaves of a tree or directed acyclic graph, whose nodes these are in topological order.
    Tree(Vec<Node>),
    /// As the nodes of a graph.
    Graph(Rows),
}

/// The edges of a graph in compressed rows: node v hears `neighbours[offsets[v]..offsets[v + 1]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Where each node's neighbours begin; one more than there are nodes.
    pub offsets: Vec<u32>,
    /// The other ends, node after node.
    pub neighbours: Vec<u16>,
    /// `[neighbours, features]`: what is known of each edge, in the same order.
    pub edges: Vec<f32>,
}
