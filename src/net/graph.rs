//! Messages between the nodes of a graph.

use super::RunError;
use super::sequence::{Outputs, VectorBuffer, put};
use super::{CsrRows, chain};
use crate::arith::Q;
use crate::blob::{Model, Readout, Structure};
use crate::cell::{CarriedState, LayerView, split_mut};
use crate::kernel::layout::vector_words;
use crate::kernel::word;
use crate::memory::first_words;

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
    plan: Plan,
}

/// Most nodes, edges and neighbours, and how memory is divided.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: usize,
    max_nodes: usize,
    max_edges: usize,
    max_degree: usize,
    /// Number of the head's chain.
    head: usize,
    /// Whether the head begins with a pool over all nodes.
    of_all: bool,
    /// Words of a hidden state.
    stride: usize,
    /// Words of a carried state.
    long: usize,
    /// Words of the edges' chain.
    edge_words: usize,
    /// Elements of an edge's features.
    features: usize,
}

impl Plan {
    fn of(model: &Model<'_>) -> Result<Self, RunError> {
        let structure = model.structure();
        let Structure::Graph { rounds, max_nodes, max_edges, max_degree } = structure else {
            return Err(RunError::WrongRunner { structure });
        };
        let head = model.descriptor().chains.len().saturating_sub(1);
        let of_all = model.readout() == Readout::Last;
        let units = model.chain(0).last().map_or(0, LayerView::units);
        let output = if of_all { 0 } else { vector_words(model.outputs()) };
        let edge = model.chain(1);
        let beyond = model.chain(2).first().map_or(0, LayerView::inputs).saturating_sub(units.saturating_mul(2));
        let words = chain::words(edge).saturating_add(edge.last().map_or(0, |l| vector_words(l.units())));
        Ok(Plan {
            rounds: rounds as usize,
            max_nodes: max_nodes as usize,
            max_edges: max_edges as usize,
            max_degree: max_degree as usize,
            head,
            of_all,
            stride: vector_words(units).max(output),
            long: (3..head).step_by(2).flat_map(|k| model.chain(k)).map(LayerView::carried_words).max().unwrap_or(0),
            edge_words: words,
            features: edge.first().map_or(beyond, LayerView::inputs),
        })
    }
}

impl<'b> Model<'b> {
    /// Runs graphs in `memory`, which needs [`Model::memory_words`].
    ///
    /// # Errors
    /// [`RunError::Memory`] where `memory` is too small, [`RunError::WrongRunner`] where the model is not of graphs.
    pub fn graph<'m>(&'m self, memory: &'m mut [u32]) -> Result<Graph<'m, 'b>, RunError> {
        let plan = Plan::of(self)?;
        let memory = first_words(memory, self.memory_words())?;
        Ok(Graph { model: self, memory, plan })
    }
}

impl<'m, 'b> Graph<'m, 'b> {
    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.model
    }

    /// Elements that are known of each edge, in the fraction bits of [`Graph::edge_frac`].
    pub fn edge_features(&self) -> usize {
        self.plan.features
    }

    /// Fraction bits of what is known of an edge.
    pub fn edge_frac(&self) -> u8 {
        let edge = self.model.chain(1).first();
        edge.or(self.model.chain(2).first()).map_or(0, LayerView::in_frac)
    }

    /// Runs a graph: `frames` is `[nodes, inputs]`, `edges` `[rows.edges(), edge_features]` in the order of the rows.
    /// Gives an output for each node, or one for the graph. A graph without nodes has none.
    ///
    /// # Errors
    /// [`RunError::GraphTooLarge`] where the graph has more nodes, edges or neighbours of a node than the model states,
    /// [`RunError::GraphFeatures`] where `frames` or `edges` do not fit `rows`.
    pub fn run(&mut self, frames: &[i16], rows: CsrRows<'_>, edges: &[i16]) -> Result<Outputs<'_>, RunError> {
        self.judge(frames, rows, edges)?;
        let (model, plan) = (self.model, self.plan);
        let (even, rest) = split_mut(self.memory, plan.stride.saturating_mul(plan.max_nodes));
        let (odd, rest) = split_mut(rest, plan.stride.saturating_mul(plan.max_nodes));
        let (long, rest) = split_mut(rest, plan.long.saturating_mul(plan.max_nodes));
        let (edge_memory, scratch) = split_mut(rest, plan.edge_words);
        edge_memory.fill(0);
        let mut from = VectorBuffer { words: even, stride: plan.stride };
        let mut to = VectorBuffer { words: odd, stride: plan.stride };
        first_states(model, frames, scratch, &mut from, long, plan.long);
        for round in 0..plan.rounds {
            // Rounds with weights of their own have chains of their own.
            let k = if plan.head > 4 { round.wrapping_mul(2) } else { 0 }.wrapping_add(2);
            let (message, update) = (model.chain(k), model.chain(k.wrapping_add(1)));
            let Some(cell) = update.first() else { break };
            let edge = Edge { layers: model.chain(1), memory: &mut *edge_memory, edges, features: plan.features };
            Round { message, cell, edge, scratch: &mut *scratch, long: &mut *long, stride: plan.long }
                .run(rows, &mut from, &mut to);
            core::mem::swap(&mut from, &mut to);
        }
        let (layers, nodes) = (model.chain(plan.head), rows.nodes());
        let (width, frac) = (model.outputs(), model.out_frac());
        if plan.of_all {
            readout(layers, scratch, &mut from, nodes);
            let words = scratch.get(chain::words(layers)..).unwrap_or_default();
            return Ok(Outputs { words, steps: nodes.min(1), stride: vector_words(width), width, frac });
        }
        for v in 0..nodes {
            let y = step(layers, scratch, from.vector(v, 0, layers.first().map_or(0, LayerView::inputs)));
            put(word::halves(y), to.vector(v, 0, width));
        }
        Ok(Outputs { words: to.words, steps: nodes, stride: plan.stride, width, frac })
    }

    /// That the graph is as the model states, and that what comes with it fits.
    fn judge(&self, frames: &[i16], rows: CsrRows<'_>, edges: &[i16]) -> Result<(), RunError> {
        let Plan { max_nodes, max_edges, max_degree, features, .. } = self.plan;
        let (nodes, edge_count, degree) = (rows.nodes(), rows.edges(), rows.degree());
        if nodes > max_nodes || edge_count > max_edges || degree > max_degree {
            let edges = edge_count;
            return Err(RunError::GraphTooLarge { nodes, max_nodes, edges, max_edges, degree, max_degree });
        }
        let (node_required, edge_required) =
            (nodes.saturating_mul(self.model.inputs()), edge_count.saturating_mul(features));
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
    put(x, word::halves_mut(scratch).get_mut(..inputs).unwrap_or_default());
    chain::step(layers, scratch);
    scratch.get(chain::words(layers)..).unwrap_or_default()
}

/// h_0 and the carried state that belongs to it.
fn first_states(
    model: &Model<'_>,
    frames: &[i16],
    scratch: &mut [u32],
    states: &mut VectorBuffer<'_>,
    long: &mut [u32],
    words: usize,
) {
    let node = model.chain(0);
    let (inputs, units) = (model.inputs().max(1), node.last().map_or(0, LayerView::units));
    let cell = model.chain(3).first();
    scratch.fill(0);
    let mut longs = long.chunks_mut(words.max(1));
    for (v, x) in frames.chunks_exact(inputs).enumerate() {
        let h = word::halves(step(node, scratch, x)).get(..units).unwrap_or_default();
        put(h, states.vector(v, 0, units));
        let (Some(long), Some(cell)) = (longs.next(), cell) else { continue };
        for (long, h) in long.iter_mut().zip(h) {
            *long = long_of(cell, *h) as u32;
        }
    }
}

/// The carried state that a cell begins with where its hidden state begins with `h`.
fn long_of(cell: &LayerView<'_>, h: i16) -> i32 {
    let Q { carried_frac, out_frac } = cell.formats();
    match cell.spec().carried {
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
    long: &'r mut [u32],
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
                self.hear(h, first.wrapping_add(k));
            }
            let start = v.wrapping_mul(self.stride);
            let long = start..start.wrapping_add(self.stride);
            put(self.update(from.vector(v, 0, units), long), to.vector(v, 0, units));
        }
    }

    /// Puts h_v where messages read it, and empties the pool and its output.
    fn begin(&mut self, h: &[i16]) {
        let pool = chain::start(self.message, self.message.len().saturating_sub(1));
        self.scratch.get_mut(pool..).unwrap_or_default().fill(0);
        put(h, word::halves_mut(self.scratch));
    }

    /// The message of a neighbour with state `h` over edge `k`.
    fn hear(&mut self, h: &[i16], k: usize) {
        let (_, x) = word::halves_mut(self.scratch).split_at_mut_checked(h.len()).unwrap_or_default();
        put(h, x);
        let (_, x) = x.split_at_mut_checked(h.len()).unwrap_or_default();
        put(self.edge.vector(k), x);
        chain::step(self.message, self.scratch);
    }

    /// h_t(v) from h_(t-1)(v), its carried state, and m_t(v), which lies behind the messages' layers.
    fn update(&mut self, h: &[i16], long: core::ops::Range<usize>) -> &[i16] {
        let cell = self.cell;
        let at = chain::words(self.message);
        for k in 0..cell.input_words() {
            let m = self.scratch.get(at.wrapping_add(k)).copied().unwrap_or_default();
            if let Some(x) = self.scratch.get_mut(k) {
                *x = m;
            }
        }
        let kept = self.long.get_mut(long).unwrap_or_default();
        let (own, out) = split_mut(self.scratch, cell.memory_words());
        put(h, word::halves_mut(own.get_mut(cell.input_words()..).unwrap_or_default()));
        let states = cell.vector_words()..cell.vector_words().wrapping_add(cell.carried_words());
        put(kept, own.get_mut(states.clone()).unwrap_or_default());
        let out = out.get_mut(..vector_words(cell.units())).unwrap_or_default();
        cell.step(own, out);
        put(own.get(states).unwrap_or_default(), kept);
        word::halves(out).get(..cell.units()).unwrap_or_default()
    }
}

/// The head of a graph with one output: its pool over all nodes, then its other layers.
fn readout(layers: &[LayerView<'_>], scratch: &mut [u32], states: &mut VectorBuffer<'_>, nodes: usize) {
    scratch.fill(0);
    let units = layers.first().map_or(0, LayerView::inputs);
    for v in 0..nodes {
        put(states.vector(v, 0, units), word::halves_mut(scratch));
        chain::step(layers.get(..1).unwrap_or_default(), scratch);
    }
    chain::step_from(layers, scratch, 1);
}
