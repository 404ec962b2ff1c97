//! Recursive networks: one composition function over a tree or a directed acyclic graph.

mod schedule;

use super::{Output, RunError};
use crate::blob::{Model, Readout, Structure};
use crate::cell::{CarriedState, LayerView, chain, split_mut};
use crate::kernel::layout::vector_words;
use crate::kernel::{put, word};
use crate::memory::first_words;
use crate::plan::TreePlan;
use crate::wiring::tree::{COMPOSE, HEAD, LEAF};

use schedule::Schedule;
pub use schedule::{Node, slots_needed};

/// A model that runs over trees and directed acyclic graphs, in the caller's memory.
///
/// A leaf's state is what the leaf chain makes of its frame; an inner node's is composed of its children's, h_i =
/// f(W [h_left; h_right] + b), or as the composing cell says. A node is computed once, however many parents it has. Its
/// state is in a slot, which the next node takes after the last parent was computed; so the number of slots follows from
/// the depth of a tree, not from its size.
///
/// ```
/// use elman::net::Node;
///
/// # fn run(model: &elman::Model<'_>, memory: &mut [u32], words: &[i16]) -> Result<(), elman::RunError> {
/// // ((0 1) (0 2)): each node after its children.
/// let nodes = [
///     Node::Leaf(0),
///     Node::Leaf(1),
///     Node::Inner { left: 0, right: 1 },
///     Node::Leaf(2),
///     Node::Inner { left: 0, right: 3 },
///     Node::Inner { left: 2, right: 4 },
/// ];
/// let mut tree = model.tree(memory)?; // `model.memory_words()` words
/// let answer = tree.run(words, &nodes)?.argmax(); // `words` is `[3, model.inputs()]`
/// println!("{:?}", answer.and_then(|k| model.label(k)));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Tree<'m, 'b> {
    model: &'m Model<'b>,
    /// A word for each node.
    table: &'m mut [u32],
    /// States, slot after slot: h, then c.
    states: &'m mut [u32],
    /// The chain that runs.
    scratch: &'m mut [u32],
    roots: usize,
    /// Words of a state.
    state: usize,
}

impl<'b> Model<'b> {
    /// Runs trees in `memory`, which needs [`Model::memory_words`].
    ///
    /// # Errors
    /// [`RunError::Memory`] where `memory` is too small, [`RunError::WrongRunner`] where the model's structure is no tree.
    pub fn tree<'m>(&'m self, memory: &'m mut [u32]) -> Result<Tree<'m, 'b>, RunError> {
        let Structure::Tree { roots, max_nodes, slots } = self.structure() else {
            return Err(RunError::WrongRunner { structure: self.structure() });
        };
        let plan = TreePlan::of(self.chains(), max_nodes, slots);
        let memory = first_words(memory, plan.words())?;
        let (table, rest) = split_mut(memory, plan.nodes);
        let (states, scratch) = split_mut(rest, plan.state.saturating_mul(plan.slots));
        Ok(Tree { model: self, table, states, scratch, roots: roots.into(), state: plan.state })
    }

    /// Words of memory for trees of up to `nodes` nodes that need `slots` slots, where the blob says other numbers: with
    /// as many slots as nodes, what it would be if states were never freed.
    pub fn tree_words(&self, nodes: u16, slots: u16) -> usize {
        TreePlan::of(self.chains(), nodes, slots).words()
    }
}

impl<'m, 'b> Tree<'m, 'b> {
    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.model
    }

    /// Runs over `nodes`, each of which comes after its children, and gives the answer for the last: of a model of
    /// several roots, the one answer for the last so many nodes. `frames` is `[leaves, inputs]`, frame after frame.
    ///
    /// # Errors
    /// [`RunError::Frames`] where `frames` is no whole number of frames, [`RunError::Nodes`] for too many nodes or none,
    /// [`RunError::Child`] for a child that is not before its node, [`RunError::LeafFrame`] for a frame that is not there,
    /// [`RunError::Slots`] where more states are needed at a time than the model has slots. Nothing is computed then.
    pub fn run(&mut self, frames: &[i16], nodes: &[Node]) -> Result<Output<'_>, RunError> {
        self.run_each(frames, nodes, |_, _| {})?;
        Ok(self.output())
    }

    /// [`Tree::run`] that hands every answer to `each` as it is computed, with the number of its node: of a model that
    /// answers at every node each node's, else the one after the last node.
    ///
    /// # Errors
    /// As of [`Tree::run`].
    pub fn run_each(
        &mut self,
        frames: &[i16],
        nodes: &[Node],
        mut each: impl FnMut(usize, Output<'_>),
    ) -> Result<(), RunError> {
        let inputs = self.model.inputs().max(1);
        let count = frames.len().checked_div(inputs).unwrap_or(0);
        if count.wrapping_mul(inputs) != frames.len() {
            return Err(RunError::Frames { elements: frames.len(), inputs });
        }
        let words = self.state;
        let mut schedule = Schedule::new(nodes, count, self.roots, (&mut *self.table, &mut *self.states, words))?;
        let every = self.model.readout() == Readout::EveryStep;
        for (k, node) in nodes.iter().enumerate() {
            let (h, c) = match *node {
                Node::Leaf(frame) => {
                    let at = (frame as usize).wrapping_mul(inputs);
                    leaf(self.model, frames.get(at..at.wrapping_add(inputs)).unwrap_or_default(), self.scratch)
                }
                Node::Inner { left, right } => {
                    let children = [schedule.state(left), schedule.state(right)];
                    compose(self.model, children, self.scratch)
                }
            };
            schedule.keep(k, *node, h, c);
            if every {
                head(self.model, core::iter::once(schedule.state(k as u16)), self.scratch);
                each(k, output(self.model, self.scratch));
            }
            schedule.free_unread(k);
        }
        if !every {
            let last = nodes.len();
            let roots = (last.saturating_sub(self.roots)..last).map(|k| schedule.state(k as u16));
            head(self.model, roots, self.scratch);
            each(last.wrapping_sub(1), output(self.model, self.scratch));
        }
        Ok(())
    }

    /// The answer computed last.
    fn output(&self) -> Output<'_> {
        output(self.model, self.scratch)
    }
}

/// h and c of a leaf, as they are in `scratch`.
fn leaf<'s>(model: &Model<'_>, frame: &[i16], scratch: &'s mut [u32]) -> (&'s [u32], &'s [u32]) {
    let layers = model.chain(LEAF);
    scratch.fill(0);
    put(word::halves_mut(scratch), frame);
    chain::step(layers, scratch);
    let Some((last, below)) = layers.split_last() else { return Default::default() };
    let (_, own) = split_mut(scratch, chain::words(below));
    let (own, out) = split_mut(own, last.memory_words());
    // Other carried states than a cell state are no c.
    let keeps = last.carried() == CarriedState::Cell;
    let c = own.get(last.vector_words()..).filter(|_| keeps).unwrap_or_default();
    (out.get(..vector_words(last.units())).unwrap_or_default(), c)
}

/// h and c of an inner node, as they are in `scratch`.
fn compose<'s>(model: &Model<'_>, [left, right]: [&[u32]; 2], scratch: &'s mut [u32]) -> (&'s [u32], &'s [u32]) {
    let Some(layer) = model.chain(COMPOSE).first() else { return Default::default() };
    scratch.fill(0);
    let units = layer.units();
    let (own, out) = split_mut(scratch, layer.memory_words());
    let out = out.get_mut(..vector_words(units)).unwrap_or_default();
    let (x, carried) = split_mut(own, layer.vector_words());
    let h = word::halves_mut(x);
    let (h_left, h_right) = h.split_at_mut(units.min(h.len()));
    let (c_left, c_right) = split_mut(carried, units);
    for (child, h, c) in [(left, h_left, c_left), (right, h_right, c_right)] {
        put(h, word::halves(child).get(..units).unwrap_or_default());
        put(c, child.get(vector_words(units)..).unwrap_or_default());
    }
    layer.step(own, out);
    (out, own.get(layer.vector_words()..).unwrap_or_default())
}

/// The head over the states of some nodes, side by side.
fn head<'s>(model: &Model<'_>, states: impl Iterator<Item = &'s [u32]>, scratch: &mut [u32]) {
    let units = model.chain(COMPOSE).first().map_or(0, LayerView::units);
    scratch.fill(0);
    let x = word::halves_mut(scratch);
    for (x, state) in x.chunks_mut(units.max(1)).zip(states) {
        put(x, word::halves(state));
    }
    chain::step(model.chain(HEAD), scratch);
}

/// What the head gave.
fn output<'s>(model: &Model<'_>, scratch: &'s [u32]) -> Output<'s> {
    let out = scratch.get(chain::words(model.chain(HEAD))..).unwrap_or_default();
    let logits = word::halves(out).get(..model.outputs()).unwrap_or_default();
    Output { logits, frac: model.out_frac() }
}
