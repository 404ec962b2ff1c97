//! Graph networks that come from no training, and graphs for them.

use elman::blob::{Readout, Structure};
use elman::cell::OutRange;

use super::{Drive, Numbers, layer};
use crate::{IntegerLayer, IntegerModel};

/// Most nodes, edges and neighbours of a [`model`].
pub const MOST: [u16; 3] = [40, 400, 12];

/// What a [`model`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The update's cell.
    pub cell: &'static str,
    /// The pool of messages.
    pub aggregate: &'static str,
    /// The pool of nodes; `None` for an output of each node.
    pub readout: Option<&'static str>,
    /// Values of an edge.
    pub features: usize,
    /// Whether a layer reads them before the messages do.
    pub edge_layer: bool,
    /// How often messages are sent.
    pub rounds: u8,
    /// Whether all rounds have the same weights.
    pub shared: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Shape { cell: "gru", aggregate: "sum", readout: None, features: 0, edge_layer: false, rounds: 3, shared: true }
    }
}

/// A model over nodes of 3 values, with 6 hidden units, messages of 5 and 4 outputs.
///
/// # Panics
/// Where the tables have no such variants.
pub fn model(shape: Shape, seed: u64) -> IntegerModel {
    let (_, _, cell) = elman::layer::named(shape.cell).expect("a cell of the tables");
    // Node states and edges must have the format of the cell's output.
    let bounded = cell.out == OutRange::Bounded;
    let state = if bounded { "dense-tanh" } else { "dense" };
    let make = |variant: &str, inputs, units, frac, k: u64| {
        layer(variant, inputs, units, frac, Drive::Ordinary, seed.wrapping_mul(31).wrapping_add(k))
    };
    let node = make(state, 3, 6, 12, 1);
    let frac = node.out_frac;
    let mut chains = vec![vec![node]];
    let edge = if shape.edge_layer { vec![make(state, shape.features, 2, 12, 2)] } else { vec![] };
    let e = edge.last().map_or(shape.features, |l: &IntegerLayer| l.units);
    chains.push(edge);
    for round in 0..if shape.shared { 1 } else { u64::from(shape.rounds) } {
        let map = make("dense-relu", 12 + e, 5, frac, 10 * round + 3);
        let pool = make(shape.aggregate, 5, 5, map.out_frac, 10 * round + 4);
        let update = make(shape.cell, 5, 6, pool.out_frac, 10 * round + 5);
        chains.extend([vec![map, pool], vec![update]]);
    }
    let mut head = Vec::new();
    head.extend(shape.readout.map(|pool| make(pool, 6, 6, frac, 6)));
    let last = head.last().map_or(frac, |l: &IntegerLayer| l.out_frac);
    head.push(make("dense", 6, 4, last, 7));
    chains.push(head);
    let [max_nodes, max_edges, max_degree] = MOST;
    IntegerModel {
        name: format!("graph {} {}", shape.cell, shape.aggregate),
        readout: if shape.readout.is_some() { Readout::Last } else { Readout::EveryStep },
        fingerprint: seed,
        structure: Structure::Graph { rounds: shape.rounds, max_nodes, max_edges, max_degree },
        chains: chains.iter().map(|c| c.len() as u8).collect(),
        layers: chains.into_iter().flatten().collect(),
        ..IntegerModel::default()
    }
}

/// A graph: what [`elman::net::Graph::run`] takes.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// `[nodes, inputs]`
    pub frames: Vec<i16>,
    /// Where the rows of neighbours begin and end.
    pub offsets: Vec<u32>,
    /// The neighbours.
    pub neighbours: Vec<u16>,
    /// `[neighbours, features]`
    pub edges: Vec<i16>,
}

/// A directed graph of `nodes` nodes with up to `degree` neighbours each, some with none, some their own.
pub fn graph(nodes: usize, degree: usize, inputs: usize, features: usize, seed: u64) -> Graph {
    let mut numbers = Numbers(seed);
    let mut graph = Graph { offsets: vec![0], ..Graph::default() };
    for _ in 0..nodes {
        for _ in 0..numbers.between(0, degree as i64) {
            graph.neighbours.push(numbers.between(0, nodes as i64 - 1) as u16);
        }
        graph.offsets.push(graph.neighbours.len() as u32);
    }
    let mut values = |n: usize| (0..n).map(|_| numbers.between(-32_768, 32_767) as i16).collect();
    graph.frames = values(nodes * inputs);
    graph.edges = values(graph.neighbours.len() * features);
    graph
}
