//! Messages between the nodes of a graph.

use super::sequence::{Outputs, VectorBuffer};
use super::{CsrRows, RunError};
use crate::arith::Q;
use crate::blob::{Model, Structure};
use crate::cell::{CarriedState, LayerView, chain, split_mut};
use crate::kernel::layout::vector_words;
use crate::kernel::{put, word};
use crate::memory::first_words;
use crate::plan::GraphPlan;
use crate::wiring::graph::{EDGE, MESSAGE, NODE, UPDATE, of_round};

/// A model that runs over graphs, in the caller's memory.
///
/// ```text
/// h_0(v) = node(x(v))
/// m_t(v) = Σ f(h_(t-1)(v), h_(t-1)(u), e(u, v)) over the neighbours u of v    f: message; Σ: sum, mean or max
/// h_t(v) = g(h_(t-1)(v), m_t(v))                                              g: update, a recurrent cell
/// y      = head(h_T(v)) of each node, or head(Σ h_T(v)) of the graph
/// ```
/// A message goes into the sum as soon as it is there, neighbour by neighbour, so that memory follows from the number
/// of nodes and not of edges: two buffers of hidden states, read from and written to alternately, and the carried states of
/// the cell, where it has some (a GRU's wide h begins as h_0, an LSTM's c with 0). The m of a node without neighbours is
/// 0.
///
/// ```
/// # fn run(model: &elman::Model<'_>, memory: &mut [u32], frames: &[i16]) -> Result<(), elman::RunError> {
/// use elman::net::CsrRows;
///
/// let mut net = model.graph(memory)?; // `model.memory_words()` words
/// let rows = CsrRows::new(&[0, 1, 3, 4], &[1, 0, 2, 1])?; // 0 - 1 - 2
/// let outputs = net.run(frames, rows, &[])?; // `[3, model.inputs()]`, and nothing known of the edges
/// for (v, output) in outputs.iter().enumerate() {
///     println!("node {v}: {:?}", output.argmax().and_then(|k| model.label(k)));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Graph<'m, 'b> {
    model: &'m Model<'b>,
    memory: &'m mut [u32],
    plan: GraphPlan,
    rounds: usize,
    max_edges: usize,
    max_degree: usize,
    /// Elements of an edge's features.
    features: usize,
}

/// Elements of an edge's features: the edge chain reads them, or the messages read them after two states.
fn features(model: &Model<'_>) -> usize {
    let units = model.chain(NODE).last().map_or(0, LayerView::units);
    let read = model.chain(MESSAGE).first().map_or(0, LayerView::inputs);
    model.chain(EDGE).first().map_or(read.saturating_sub(units.saturating_mul(2)), LayerView::inputs)
}

impl<'b> Model<'b> {
    /// Runs graphs in `memory`, which needs [`Model::memory_words`].
    ///
    /// # Errors
    /// [`RunError::Memory`] where `memory` is too small, [`RunError::WrongRunner`] where the model is not of graphs.
    pub fn graph<'m>(&'m self, memory: &'m mut [u32]) -> Result<Graph<'m, 'b>, RunError> {
        let structure = self.structure();
        let Structure::Graph { rounds, max_nodes, max_edges, max_degree } = structure else {
            return Err(RunError::WrongRunner { structure });
        };
        let plan = GraphPlan::of(self.chains(), max_nodes);
        let memory = first_words(memory, plan.words())?;
        Ok(Graph {
            model: self,
            memory,
            plan,
            rounds: rounds.into(),
            max_edges: max_edges.into(),
            max_degree: max_degree.into(),
            features: features(self),
        })
    }
}

impl<'m, 'b> Graph<'m, 'b> {
    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.model
    }

    /// Elements that are known of each edge, in the fraction bits of [`Graph::edge_frac`].
    pub fn edge_features(&self) -> usize {
        self.features
    }

    /// Fraction bits of what is known of an edge.
    pub fn edge_frac(&self) -> u8 {
        let edge = self.model.chain(EDGE).first();
        edge.or(self.model.chain(MESSAGE).first()).map_or(0, LayerView::in_frac)
    }

    /// Runs a graph: `frames` is `[nodes, inputs]`, `edges` `[rows.edges(), edge_features]` in the order of the rows.
    /// Gives an output for each node, or one for the graph. A graph without nodes has none.
    ///
    /// # Errors
    /// [`RunError::GraphTooLarge`] where the graph has more nodes, edges or neighbours of a node than the model states,
    /// [`RunError::GraphFeatures`] where `frames` or `edges` do not fit `rows`.
    pub fn run(&mut self, frames: &[i16], rows: CsrRows<'_>, edges: &[i16]) -> Result<Outputs<'_>, RunError> {
        self.check(frames, rows, edges)?;
        let (chains, plan) = (self.model.chains(), self.plan);
        let (even, rest) = split_mut(self.memory, plan.stride.saturating_mul(plan.nodes));
        let (odd, rest) = split_mut(rest, plan.stride.saturating_mul(plan.nodes));
        let (carried, rest) = split_mut(rest, plan.carried.saturating_mul(plan.nodes));
        let (edge_memory, scratch) = split_mut(rest, plan.edge);
        edge_memory.fill(0);
        let mut from = VectorBuffer { words: even, stride: plan.stride };
        let mut to = VectorBuffer { words: odd, stride: plan.stride };
        first_states(self.model, frames, scratch, &mut from, carried, plan.carried);
        for round in 0..self.rounds {
            let [message, update] = [MESSAGE, UPDATE].map(|k| chains.at(of_round(k, round, chains.len())));
            let Some(cell) = update.first() else { break };
            let layers = chains.at(EDGE);
            let edge = Edge { layers, memory: &mut *edge_memory, edges, features: self.features };
            Round { message, cell, edge, scratch: &mut *scratch, carried: &mut *carried, stride: plan.carried }
                .run(rows, &mut from, &mut to);
            core::mem::swap(&mut from, &mut to);
        }
        let (layers, nodes) = (chains.last(), rows.nodes());
        let (width, frac) = (self.model.outputs(), self.model.out_frac());
        if plan.pools_nodes {
            readout(layers, scratch, &mut from, nodes);
            let words = scratch.get(chain::words(layers)..).unwrap_or_default();
            return Ok(Outputs { words, steps: nodes.min(1), stride: vector_words(width), width, frac });
        }
        for v in 0..nodes {
            let y = step(layers, scratch, from.vector(v, 0, layers.first().map_or(0, LayerView::inputs)));
            put(to.vector(v, 0, width), word::halves(y));
        }
        Ok(Outputs { words: to.words, steps: nodes, stride: plan.stride, width, frac })
    }

    /// Checks that the graph is within the model's limits, and that frames and features fit it.
    fn check(&self, frames: &[i16], rows: CsrRows<'_>, edges: &[i16]) -> Result<(), RunError> {
        let Graph { max_edges, max_degree, features, plan: GraphPlan { nodes: max_nodes, .. }, .. } = *self;
        let (nodes, edge_count, degree) = (rows.nodes(), rows.edges(), rows.degree());
        if nodes > max_nodes || edge_count > max_edges || degree > max_degree {
            let edges = edge_count;
            return Err(RunError::GraphTooLarge { nodes, max_nodes, edges, max_edges, degree, max_degree });
        }
        let node_required = nodes.saturating_mul(self.model.inputs());
        let edge_required = edge_count.saturating_mul(features);
        if frames.len() != node_required || edges.len() != edge_required {
            let (node_elements, edge_elements) = (frames.len(), edges.len());
            return Err(RunError::GraphFeatures { node_elements, node_required, edge_elements, edge_required });
        }
        Ok(())
    }
}

/// Runs a chain once, from zeroed memory or from layers without state; its output.
fn step<'s>(layers: &[LayerView<'_>], scratch: &'s mut [u32], x: &[i16]) -> &'s [u32] {
    let inputs = layers.first().map_or(0, LayerView::inputs);
    put(word::halves_mut(scratch).get_mut(..inputs).unwrap_or_default(), x);
    chain::step(layers, scratch);
    scratch.get(chain::words(layers)..).unwrap_or_default()
}

/// h_0 and the carried state that belongs to it.
fn first_states(
    model: &Model<'_>,
    frames: &[i16],
    scratch: &mut [u32],
    states: &mut VectorBuffer<'_>,
    carried: &mut [u32],
    words: usize,
) {
    let node = model.chain(NODE);
    let (inputs, units) = (model.inputs().max(1), node.last().map_or(0, LayerView::units));
    let cell = model.chain(UPDATE).first();
    scratch.fill(0);
    let mut states_carried = carried.chunks_mut(words.max(1));
    for (v, x) in frames.chunks_exact(inputs).enumerate() {
        let h = word::halves(step(node, scratch, x)).get(..units).unwrap_or_default();
        put(states.vector(v, 0, units), h);
        let (Some(carried), Some(cell)) = (states_carried.next(), cell) else { continue };
        for (carried, h) in carried.iter_mut().zip(h) {
            *carried = carried_of(cell, *h) as u32;
        }
    }
}

/// The carried state that a cell begins with where its hidden state begins with `h`.
fn carried_of(cell: &LayerView<'_>, h: i16) -> i32 {
    let Q { carried_frac, out_frac } = cell.formats();
    match cell.carried() {
        // |h| is at most 2^15, and the state as wide as an i32 holds.
        CarriedState::Hidden | CarriedState::Wide => {
            let wide = (h as i64).wrapping_shl(carried_frac.saturating_sub(out_frac) as u32);
            wide.clamp(i32::MIN as i64, i32::MAX as i64) as i32
        }
        _ => 0,
    }
}

/// The edges' features, and the chain that reads them.
struct Edge<'r, 'b> {
    layers: &'r [LayerView<'b>],
    memory: &'r mut [u32],
    edges: &'r [i16],
    features: usize,
}

impl Edge<'_, '_> {
    /// e of edge `k`: its features, or what the chain makes of them.
    fn vector(&mut self, k: usize) -> &[i16] {
        let start = k.wrapping_mul(self.features);
        let x = self.edges.get(start..start.wrapping_add(self.features)).unwrap_or_default();
        match self.layers.last() {
            None => x,
            Some(last) => word::halves(step(self.layers, self.memory, x)).get(..last.units()).unwrap_or_default(),
        }
    }
}

/// One round of messages.
struct Round<'r, 'b> {
    message: &'r [LayerView<'b>],
    cell: &'r LayerView<'b>,
    edge: Edge<'r, 'b>,
    scratch: &'r mut [u32],
    carried: &'r mut [u32],
    /// Words of a carried state.
    stride: usize,
}

impl Round<'_, '_> {
    /// From the states of all nodes to those after the round.
    fn run(mut self, rows: CsrRows<'_>, from: &mut VectorBuffer<'_>, to: &mut VectorBuffer<'_>) {
        let units = self.cell.units();
        for (v, (first, neighbours)) in rows.iter().enumerate() {
            self.begin(from.vector(v, 0, units));
            for (k, u) in neighbours.iter().enumerate() {
                let h = from.vector(*u as usize, 0, units);
                self.add_message(h, first.wrapping_add(k));
            }
            let start = v.wrapping_mul(self.stride);
            let carried = start..start.wrapping_add(self.stride);
            put(to.vector(v, 0, units), self.update(from.vector(v, 0, units), carried));
        }
    }

    /// Puts h_v where messages read it, and empties the pool and its output.
    fn begin(&mut self, h: &[i16]) {
        let pool = chain::start(self.message, self.message.len().saturating_sub(1));
        self.scratch.get_mut(pool..).unwrap_or_default().fill(0);
        put(word::halves_mut(self.scratch), h);
    }

    /// Adds the message of a neighbour with state `h` over edge `k` to the pool.
    fn add_message(&mut self, h: &[i16], k: usize) {
        let (_, x) = word::halves_mut(self.scratch).split_at_mut_checked(h.len()).unwrap_or_default();
        put(x, h);
        let (_, x) = x.split_at_mut_checked(h.len()).unwrap_or_default();
        put(x, self.edge.vector(k));
        chain::step(self.message, self.scratch);
    }

    /// h_t(v) from h_(t-1)(v), its carried state, and m_t(v), which is after the messages' layers.
    fn update(&mut self, h: &[i16], carried: core::ops::Range<usize>) -> &[i16] {
        let cell = self.cell;
        let at = chain::words(self.message);
        for k in 0..cell.input_words() {
            let m = self.scratch.get(at.wrapping_add(k)).copied().unwrap_or_default();
            if let Some(x) = self.scratch.get_mut(k) {
                *x = m;
            }
        }
        let kept = self.carried.get_mut(carried).unwrap_or_default();
        let (own, out) = split_mut(self.scratch, cell.memory_words());
        put(word::halves_mut(own.get_mut(cell.input_words()..).unwrap_or_default()), h);
        let states = cell.vector_words()..cell.vector_words().wrapping_add(cell.carried_words());
        put(own.get_mut(states.clone()).unwrap_or_default(), kept);
        let out = out.get_mut(..vector_words(cell.units())).unwrap_or_default();
        cell.step(own, out);
        put(kept, own.get(states).unwrap_or_default());
        word::halves(out).get(..cell.units()).unwrap_or_default()
    }
}

/// The head of a graph with one output: its pool over all nodes, then its other layers.
fn readout(layers: &[LayerView<'_>], scratch: &mut [u32], states: &mut VectorBuffer<'_>, nodes: usize) {
    scratch.fill(0);
    let units = layers.first().map_or(0, LayerView::inputs);
    for v in 0..nodes {
        put(word::halves_mut(scratch), states.vector(v, 0, units));
        chain::step(layers.get(..1).unwrap_or_default(), scratch);
    }
    chain::step_from(layers, scratch, 1);
}
