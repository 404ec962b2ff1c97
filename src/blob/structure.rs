//! How chains of layers are joined: what each chain reads, and the memory that a model of such chains needs.
//!
//! The flat list of a model's layers is cut into chains. Within a chain each layer reads the one before; what the
//! first of them reads is up to the structure.

use serde::{Deserialize, Serialize};

use super::{Descriptor, LayerDescriptor, LoadError, Readout};
use crate::cell::{CarriedState, VariantSpec};
use crate::kernel::layout::vector_words;
use crate::layer;

/// Most chains of a model: a graph's node, edge and head, and message and update of six rounds.
pub const MAX_CHAINS: usize = 16;
/// Most hypotheses of a beam search.
pub const MAX_BEAMS: u8 = 8;

/// How attention scores an encoder state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AttentionScore {
    /// No attention.
    #[default]
    None,
    /// q·k
    Dot,
    /// q·k / √d, d being the width of q.
    Scaled,
    /// V tanh(q + k)
    Additive,
}

/// What a model's layers are joined to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Structure {
    /// One chain over a sequence of frames.
    #[default]
    Sequence,
    /// An encoder reads a sequence, a decoder writes another one.
    Seq2seq {
        /// Attention over the encoder's states.
        score: AttentionScore,
        /// Most symbols written.
        max_outputs: u16,
        /// Most hypotheses of a beam search, 1..=[`MAX_BEAMS`].
        beams: u8,
    },
    /// A composition function over a tree or a directed acyclic graph.
    Tree {
        /// How many last nodes the head reads side by side.
        roots: u8,
        /// Most nodes.
        max_nodes: u16,
        /// Most states that are needed at a time.
        slots: u16,
    },
    /// Messages between the nodes of a graph.
    Graph {
        /// How often messages are sent.
        rounds: u8,
        /// Most nodes.
        max_nodes: u16,
        /// Most edges, each direction counted.
        max_edges: u16,
        /// Most neighbours of a node.
        max_degree: u16,
    },
}

impl Structure {
    /// The chains of an encoder-decoder.
    pub const SEQ2SEQ: [&str; 7] = ["encoder", "bridge", "decoder", "query", "key", "score", "head"];
    /// The chains of a tree.
    pub const TREE: [&str; 3] = ["leaf", "compose", "head"];

    /// Name of chain `k` out of `chains`.
    pub fn chain_name(&self, k: usize, chains: usize) -> &'static str {
        let named = match self {
            Structure::Sequence => None,
            Structure::Seq2seq { .. } => Self::SEQ2SEQ.get(k),
            Structure::Tree { .. } => Self::TREE.get(k),
            Structure::Graph { .. } => match k {
                0 => Some(&"node"),
                1 => Some(&"edge"),
                k if k.wrapping_add(1) == chains => Some(&"head"),
                k if k.is_multiple_of(2) => Some(&"message"),
                _ => Some(&"update"),
            },
        };
        named.copied().unwrap_or("layers")
    }

    /// Whether a model may have so many chains.
    fn counts(&self, chains: usize) -> bool {
        match *self {
            Structure::Sequence => chains == 0,
            Structure::Seq2seq { .. } => chains == Self::SEQ2SEQ.len(),
            Structure::Tree { .. } => chains == Self::TREE.len(),
            Structure::Graph { rounds, .. } => {
                rounds > 0 && (chains == 5 || chains == (rounds as usize).wrapping_mul(2).wrapping_add(3))
            }
        }
    }
}

/// Elements and fraction bits of a vector between chains.
pub(super) type Joint = (u16, u8);

/// What a chain reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainInput {
    /// Frames: whatever its first layer takes.
    Frame,
    /// A vector.
    Vector(Joint),
    /// A vector of these elements, and more of the caller's after them.
    AtLeast(Joint),
}

/// Chains of layers, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chains<'d> {
    layers: &'d [LayerDescriptor],
    counts: &'d [u8],
}

impl<'d> Chains<'d> {
    pub(crate) fn of(descriptor: &'d Descriptor<'_>) -> Self {
        Chains { layers: &descriptor.layers, counts: &descriptor.chains }
    }

    /// Where chain `k` begins and ends in the list of layers.
    pub(crate) fn range(counts: &[u8], k: usize) -> (usize, usize) {
        let start = counts.iter().take(k).fold(0usize, |s, n| s.saturating_add(*n as usize));
        (start, start.saturating_add(counts.get(k).copied().unwrap_or(0) as usize))
    }

    /// The layers of chain `k`.
    pub(crate) fn chain(&self, k: usize) -> &'d [LayerDescriptor] {
        let (start, end) = Self::range(self.counts, k);
        self.layers.get(start..end).unwrap_or_default()
    }

    /// Number of the first layer of chain `k`.
    fn first(&self, k: usize) -> usize {
        Self::range(self.counts, k).0
    }

    /// How many chains there are.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }
}

/// Whether this build runs models that are no sequence. What a build does not run is code that it does not have.
pub(super) const STRUCTURES: bool = cfg!(feature = "structures");

/// The number of chains, and that their layers are all there are.
pub(super) fn counts(descriptor: &Descriptor<'_>) -> Result<(), LoadError> {
    let structure = descriptor.structure;
    if !STRUCTURES && structure != Structure::Sequence {
        return Err(LoadError::FeatureDisabled { feature: crate::Feature::Structures });
    }
    let chains = &descriptor.chains;
    let layers = chains.iter().fold(0usize, |s, n| s.saturating_add(*n as usize));
    let whole = chains.is_empty() || layers == descriptor.layers.len();
    if descriptor.structure.counts(chains.len()) && whole {
        Ok(())
    } else {
        Err(LoadError::ChainCount { chains: chains.len(), layers })
    }
}

/// What chain `k` reads; `ends` is what the chains before it give, an empty one what it is given.
pub(super) fn given(descriptor: &Descriptor<'_>, k: usize, ends: &[Joint]) -> Result<ChainInput, LoadError> {
    let end = |k: usize| ends.get(k).copied().unwrap_or_default();
    let wrong = LoadError::ChainShape { chain: k as u8 };
    if !STRUCTURES {
        return Err(wrong);
    }
    let given = match descriptor.structure {
        Structure::Sequence => ChainInput::Frame,
        Structure::Seq2seq { score, .. } => match k {
            0 | 2 => ChainInput::Frame,
            1 | 4 => ChainInput::Vector(end(0)),
            3 => ChainInput::Vector(end(2)),
            5 => ChainInput::Vector((end(3).0, 15)),
            _ if score == AttentionScore::None => ChainInput::Vector(end(2)),
            _ if end(0).1 != end(2).1 => return Err(wrong),
            _ => ChainInput::Vector((end(0).0.saturating_add(end(2).0), end(2).1)),
        },
        Structure::Tree { roots, .. } => match k {
            0 => ChainInput::Frame,
            1 => ChainInput::Vector((end(0).0.saturating_mul(2), end(0).1)),
            _ => ChainInput::Vector((end(1).0.saturating_mul(roots as u16), end(1).1)),
        },
        Structure::Graph { .. } => {
            let last = k.wrapping_add(1) == descriptor.chains.len();
            match k {
                0 | 1 => ChainInput::Frame,
                _ if last => ChainInput::Vector(end(0)),
                _ if k.is_multiple_of(2) && Chains::of(descriptor).chain(1).is_empty() => {
                    ChainInput::AtLeast((end(0).0.saturating_mul(2), end(0).1))
                }
                _ if k.is_multiple_of(2) && end(1).1 != end(0).1 => return Err(LoadError::ChainShape { chain: 1 }),
                _ if k.is_multiple_of(2) => {
                    ChainInput::Vector((end(0).0.saturating_mul(2).saturating_add(end(1).0), end(0).1))
                }
                _ => ChainInput::Vector(end(k.wrapping_sub(1))),
            }
        }
    };
    Ok(given)
}

/// The table of a layer.
fn spec(l: &LayerDescriptor) -> Option<&'static VariantSpec> {
    layer::find(l.tag, l.variant)
}

/// Whether a chain's layers keep no state from step to step.
fn stateless(chain: &[LayerDescriptor]) -> bool {
    chain.iter().all(|l| spec(l).is_some_and(|s| !s.stateful()))
}

/// The carried state of a chain's last layer.
fn long(chain: &[LayerDescriptor]) -> CarriedState {
    chain.last().and_then(spec).map_or(CarriedState::None, |s| s.carried)
}

/// What joins the chains, beyond what each is given; `ends` is what they give.
pub(super) fn validate(descriptor: &Descriptor<'_>, ends: &[Joint]) -> Result<(), LoadError> {
    if !STRUCTURES {
        return Ok(());
    }
    let chains = Chains::of(descriptor);
    let end = |k: usize| ends.get(k).copied().unwrap_or_default();
    let fits = |chain: u8, fits: bool| if fits { Ok(()) } else { Err(LoadError::ChainShape { chain }) };
    match descriptor.structure {
        Structure::Sequence => Ok(()),
        Structure::Seq2seq { score, max_outputs, beams } => {
            fits(0, !chains.chain(0).is_empty() && max_outputs > 0 && (1..=MAX_BEAMS).contains(&beams))?;
            let cells = || chains.chain(2).iter().filter(|l| spec(l).is_some_and(VariantSpec::recurrent));
            let states = cells().fold(0u16, |s, l| s.saturating_add(l.units));
            fits(1, stateless(chains.chain(1)) && cells().all(|l| (states, l.out_frac) == (end(1).0, end(1).1)))?;
            fits(2, states > 0)?;
            let attends = score != AttentionScore::None;
            fits(3, stateless(chains.chain(3)) && (attends || chains.chain(3).is_empty()))?;
            let dot = matches!(score, AttentionScore::Dot | AttentionScore::Scaled);
            let keys = match score {
                AttentionScore::None => chains.chain(4).is_empty(),
                AttentionScore::Dot | AttentionScore::Scaled => end(3).0 == end(4).0,
                AttentionScore::Additive => end(3) == end(4),
            };
            fits(4, stateless(chains.chain(4)) && keys)?;
            let scores = chains.chain(5);
            fits(5, if attends && !dot { scores.len() == 1 && end(5).0 == 1 } else { scores.is_empty() })?;
            fits(6, !chains.chain(6).is_empty() && stateless(chains.chain(6)))
        }
        Structure::Tree { roots, max_nodes, slots } => {
            let (leaf, compose) = (chains.chain(0), chains.chain(1));
            fits(0, !leaf.is_empty() && max_nodes > 0 && slots > 0)?;
            let pair = long(compose) == CarriedState::Pair;
            fits(1, compose.len() == 1 && end(1) == end(0) && (pair || stateless(compose)))?;
            // The cell state of a leaf is that of a composition: one format.
            let formats = [leaf, compose].map(|c| c.last().map(|l| l.carried_frac));
            fits(1, !pair || long(leaf) != CarriedState::Cell || formats[0] == formats[1])?;
            let every = descriptor.readout == Readout::EveryStep;
            fits(2, !chains.chain(2).is_empty() && stateless(chains.chain(2)))?;
            fits(2, roots > 0 && roots as u16 <= slots.min(max_nodes) && !(every && roots > 1))
        }
        Structure::Graph { max_nodes, max_edges, max_degree, .. } => {
            fits(0, !chains.chain(0).is_empty() && stateless(chains.chain(0)) && max_nodes > 0)?;
            fits(1, stateless(chains.chain(1)) && max_degree <= max_edges)?;
            let last = chains.len().saturating_sub(1);
            // Without layers for edges, each message reads their features: in all rounds as many.
            let reads = |k: usize| chains.chain(k).first().map(|l| l.inputs);
            for k in 2..last {
                let chain = chains.chain(k);
                if k.is_multiple_of(2) {
                    let message = chain.split_last().is_some_and(|(pool, map)| pools(pool) && stateless(map));
                    fits(k as u8, message && reads(k) == reads(2))?;
                    exact(chains.first(k).saturating_add(chain.len()).saturating_sub(1), chain.last(), max_degree)?;
                } else {
                    let one = chain.len() == 1 && chain.iter().all(|l| spec(l).is_some_and(VariantSpec::recurrent));
                    fits(k as u8, one && end(k) == end(0))?;
                }
            }
            let head = chains.chain(last);
            exact(chains.first(last), head.first(), max_nodes)?;
            let of_all = head.first().is_some_and(pools);
            let rest = head.get(of_all as usize..).unwrap_or_default();
            let readout = if of_all { Readout::Last } else { Readout::EveryStep };
            fits(last as u8, !head.is_empty() && stateless(rest) && descriptor.readout == readout)
        }
    }
}

/// Whether a layer is a pool: over the neighbours of a node, or over all nodes.
pub(crate) fn pools(l: &LayerDescriptor) -> bool {
    let long = spec(l).map(|s| s.carried);
    matches!(long, Some(CarriedState::Mean | CarriedState::Sum | CarriedState::Max))
}

/// That a pool adds up so many vectors without overflow, whatever is in them.
fn exact(number: usize, l: Option<&LayerDescriptor>, steps: u16) -> Result<(), LoadError> {
    let most = l.and_then(spec).map_or(usize::MAX, |s| layer::mean::most_exact(s.carried));
    if steps as usize > most {
        return Err(LoadError::PoolOverflow { layer: number as u8, steps: steps as usize, most });
    }
    Ok(())
}

/// Words of a chain that runs as a stream: its layers' memories one after the other, and its output.
pub(crate) fn chain_words(chain: &[LayerDescriptor]) -> usize {
    let own =
        |l: &LayerDescriptor| spec(l).map_or(0, |s| s.memory_words(l.inputs as usize, l.units as usize, l.params));
    let out = chain.last().map_or(0, |l| vector_words(l.units as usize));
    chain.iter().map(own).fold(out, usize::saturating_add)
}

/// Words of one state of a chain's last layer: h, and the carried state beside it.
pub(crate) fn state_words(chain: &[LayerDescriptor]) -> usize {
    chain.last().map_or(0, |l| {
        let units = l.units as usize;
        let long = spec(l).map_or(0, |s| if s.carried == CarriedState::None { 0 } else { units });
        vector_words(units).saturating_add(long)
    })
}

/// Words of a tree: a state for each slot, a word of bookkeeping for each node, and the widest of the chains, which
/// run alternately.
pub(crate) fn tree_words(chains: Chains<'_>, max_nodes: u16, slots: u16) -> usize {
    let states = state_words(chains.chain(1)).saturating_mul(slots as usize);
    let running = (0..3).map(|k| chain_words(chains.chain(k))).max().unwrap_or(0);
    states.saturating_add(max_nodes as usize).saturating_add(running)
}

/// Words of a graph: the hidden states of all nodes before and after a round (the outputs of all nodes come in place of
/// either), their carried states, and the widest of the chains, which run alternately, but for that of the edges, which runs
/// beside the messages.
pub(super) fn graph_words(chains: Chains<'_>, max_nodes: u16) -> usize {
    let last = chains.len().saturating_sub(1);
    let width = |k: usize| chains.chain(k).last().map_or(0, |l| vector_words(l.units as usize));
    let output = if chains.chain(last).first().is_some_and(pools) { 0 } else { width(last) };
    let hidden = width(0).max(output);
    let long =
        |l: &LayerDescriptor| spec(l).map_or(0, |s| s.carried_words(l.inputs as usize, l.units as usize, l.params));
    let long = (3..last).step_by(2).flat_map(|k| chains.chain(k)).map(long).max().unwrap_or(0);
    let node = hidden.saturating_mul(2).saturating_add(long);
    let running = (0..chains.len()).filter(|k| *k != 1).map(|k| chain_words(chains.chain(k))).max().unwrap_or(0);
    let edge = chain_words(chains.chain(1));
    node.saturating_mul(max_nodes as usize).saturating_add(running).saturating_add(edge)
}
