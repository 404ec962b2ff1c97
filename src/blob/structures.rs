//! Loading encoder-decoders, trees and graphs: what each chain reads, and what joins them.

use super::load::{ChainInput, Loader};
use super::{LoadError, Model};
use crate::cell::{CarriedState, LayerView, Recurrence};
use crate::descriptor::{AttentionScore, Descriptor, MAX_BEAMS, MAX_CHAINS, Readout, Structure, VectorFormat};
use crate::layer::attention::MOST_STEPS;
use crate::plan::{Chains, structure_words};
use crate::wiring::graph::{self, EDGE, MESSAGE, NODE};
use crate::wiring::{Chain, Input, seq2seq, tree};

/// Outputs of the chains so far; an empty one gives what it reads.
type Ends = heapless::Vec<VectorFormat, MAX_CHAINS>;

/// Loads all chains; gives the output of the last.
pub(super) fn load(loader: &mut Loader<'_, '_>) -> Result<VectorFormat, LoadError> {
    let count = loader.model.descriptor.chains.len();
    let mut ends = Ends::new();
    for k in 0..count {
        let layers = loader.model.descriptor.chains.get(k).copied().unwrap_or(0);
        let input = chain_input(loader.model, k, &ends)?;
        let end = loader.chain(layers.into(), input)?;
        // As many as there are chains.
        let _ = ends.push(end);
    }
    let Descriptor { structure, max_steps, readout, .. } = loader.model.descriptor;
    let chains = loader.model.chains();
    Check { chains, ends: &ends, readout, max_steps }.check(structure)?;
    let words = structure_words(structure, chains, max_steps.into());
    loader.model.memory_words = words;
    Ok(ends.last().copied().unwrap_or_default())
}

/// What chain number `k` reads: its inputs side by side, which must have one format.
#[inline(never)]
fn chain_input(model: &Model<'_>, k: usize, ends: &Ends) -> Result<ChainInput, LoadError> {
    let (structure, count) = (model.descriptor.structure, model.descriptor.chains.len());
    let wiring = structure.wiring();
    let (mut all, mut more) = (VectorFormat::default(), false);
    for (n, input) in wiring.wire(k, count).inputs.iter().enumerate() {
        let chain = match *input {
            Input::Frame | Input::Symbol | Input::EdgeFeatures => return Ok(ChainInput::Frame),
            Input::Context(_) if !structure.attends() => continue,
            Input::EdgeOutput if model.chain(EDGE).is_empty() => {
                more = true;
                continue;
            }
            Input::EdgeOutput => Chain::Edge,
            Input::Output(chain) | Input::Context(chain) | Input::Tanh(chain) | Input::Roots(chain) => chain,
        };
        let number = wiring.number(chain, graph::round(k), count);
        let mut part = ends.get(number).copied().unwrap_or_default();
        match (*input, structure) {
            (Input::Tanh(_), _) => part.frac = 15,
            (Input::Roots(_), Structure::Tree { roots, .. }) => part.width = part.width.saturating_mul(roots.into()),
            _ => {}
        }
        if n > 0 && all.frac != part.frac {
            // Of an edge the chain that makes its vector is wrong, else the one that reads it.
            let wrong = if chain == Chain::Edge { EDGE } else { k };
            return Err(LoadError::ChainShape { chain: wrong as u8 });
        }
        all = VectorFormat { width: all.width.saturating_add(part.width), frac: part.frac };
    }
    Ok(if more { ChainInput::AtLeast(all) } else { ChainInput::Vector(all) })
}

/// Whether layers keep no state from step to step.
fn stateless(layers: &[LayerView<'_>]) -> bool {
    layers.iter().all(|l| !l.spec.stateful())
}

/// The carried state of a chain's last layer.
fn carried(layers: &[LayerView<'_>]) -> CarriedState {
    layers.last().map_or(CarriedState::None, |l| l.spec.carried)
}

/// A model's chains and what they give.
struct Check<'c, 'b> {
    chains: Chains<'c, 'b>,
    ends: &'c Ends,
    readout: Readout,
    max_steps: u16,
}

impl Check<'_, '_> {
    /// What chain number `k` gives.
    fn end(&self, k: usize) -> VectorFormat {
        self.ends.get(k).copied().unwrap_or_default()
    }

    /// Checks what joins the chains, beyond what each reads.
    fn check(&self, structure: Structure) -> Result<(), LoadError> {
        let (wiring, count) = (structure.wiring(), self.chains.len());
        for k in 0..count {
            let (wire, layers) = (wiring.wire(k, count), self.chains.at(k));
            fits(k, !(wire.required && layers.is_empty() || wire.stateless && !stateless(layers)))?;
            // Every layer of a structure takes all of its steps, and what it reads of the one before is its output.
            fits(k, layers.iter().all(|l| l.spec.run.is_none() && l.spec.recurrence == Recurrence::State))?;
        }
        match structure {
            Structure::Sequence => Ok(()),
            Structure::Seq2seq { score, max_outputs, beams } => {
                let attends = score != AttentionScore::None;
                fits(seq2seq::ENCODER, !attends || self.max_steps <= MOST_STEPS)?;
                self.seq2seq(score, max_outputs, beams)
            }
            Structure::Tree { roots, max_nodes, slots } => self.tree(roots, max_nodes, slots),
            Structure::Graph { max_nodes, max_edges, max_degree, .. } => {
                fits(NODE, max_nodes > 0)?;
                fits(EDGE, max_degree <= max_edges)?;
                (MESSAGE..count.wrapping_sub(1)).try_for_each(|k| self.round(k))?;
                self.graph_head(count.wrapping_sub(1))
            }
        }
    }

    fn seq2seq(&self, score: AttentionScore, max_outputs: u16, beams: u8) -> Result<(), LoadError> {
        fits(seq2seq::ENCODER, max_outputs > 0 && (1..=MAX_BEAMS).contains(&beams))?;
        let cells = || self.chains.at(seq2seq::DECODER).iter().filter(|l| l.spec.recurrent);
        let states = cells().fold(0u16, |s, l| s.saturating_add(l.units));
        let bridge = self.end(seq2seq::BRIDGE);
        fits(seq2seq::BRIDGE, cells().all(|l| bridge == VectorFormat { width: states, frac: l.q.out_frac }))?;
        fits(seq2seq::DECODER, states > 0)?;
        let empty = |k: usize| self.chains.at(k).is_empty();
        fits(seq2seq::QUERY, score != AttentionScore::None || empty(seq2seq::QUERY))?;
        let (query, key) = (self.end(seq2seq::QUERY), self.end(seq2seq::KEY));
        let keys = match score {
            AttentionScore::None => empty(seq2seq::KEY),
            AttentionScore::Dot | AttentionScore::Scaled => query.width == key.width,
            AttentionScore::Additive => query == key,
        };
        fits(seq2seq::KEY, keys)?;
        let one = self.chains.at(seq2seq::ENERGY).len() == 1 && self.end(seq2seq::ENERGY).width == 1;
        fits(seq2seq::ENERGY, if score == AttentionScore::Additive { one } else { empty(seq2seq::ENERGY) })
    }

    fn tree(&self, roots: u8, max_nodes: u16, slots: u16) -> Result<(), LoadError> {
        let (leaf, compose) = (self.chains.at(tree::LEAF), self.chains.at(tree::COMPOSE));
        fits(tree::LEAF, max_nodes > 0 && slots > 0)?;
        let pair = carried(compose) == CarriedState::Pair;
        let composed = compose.len() == 1 && self.end(tree::COMPOSE) == self.end(tree::LEAF);
        fits(tree::COMPOSE, composed && (pair || stateless(compose)))?;
        // The cell state of a leaf is that of a composition: one format.
        let frac = |chain: &[LayerView<'_>]| chain.last().map(|l| l.q.carried_frac);
        fits(tree::COMPOSE, !pair || carried(leaf) != CarriedState::Cell || frac(leaf) == frac(compose))?;
        let every = self.readout == Readout::EveryStep;
        fits(tree::HEAD, roots > 0 && roots as u16 <= slots.min(max_nodes) && !(every && roots > 1))
    }

    /// Message or update of a graph, chain number `k`.
    fn round(&self, k: usize) -> Result<(), LoadError> {
        let layers = self.chains.at(k);
        if k.wrapping_sub(MESSAGE).is_multiple_of(2) {
            // Without layers for edges, each message reads their features: in all rounds as many.
            let reads = |layers: &[LayerView<'_>]| layers.first().map(|l| l.inputs);
            let message = layers.split_last().is_some_and(|(pool, map)| pool.spec.pools() && stateless(map));
            fits(k, message && reads(layers) == reads(self.chains.at(MESSAGE)))
        } else {
            let cell = layers.len() == 1 && layers.iter().all(|l| l.spec.recurrent);
            fits(k, cell && self.end(k) == self.end(NODE))
        }
    }

    /// The head of a graph, chain number `k`.
    fn graph_head(&self, k: usize) -> Result<(), LoadError> {
        let layers = self.chains.at(k);
        let pools = layers.first().is_some_and(|l| l.spec.pools());
        let rest = layers.get(pools as usize..).unwrap_or_default();
        let wanted = if pools { Readout::Last } else { Readout::EveryStep };
        fits(k, stateless(rest) && self.readout == wanted)
    }
}

/// An error at a chain that does not fit.
#[inline(never)]
fn fits(chain: usize, fits: bool) -> Result<(), LoadError> {
    if fits { Ok(()) } else { Err(LoadError::ChainShape { chain: chain as u8 }) }
}
