//! Which chain of a structure reads which: the one table for loader, trainer, quantizer and recipes.
//!
//! The flat list of a model's layers is cut into chains. Within a chain each layer reads the one before; what the first of
//! them reads is in this table.

use crate::descriptor::{AttentionScore, Structure};

/// A chain of layers, by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chain {
    /// All layers of a sequence.
    Layers,
    /// Reads the source of an encoder-decoder, step by step.
    Encoder,
    /// Makes the decoder's first states of a summary of the encoder's.
    Bridge,
    /// Reads the symbol written last.
    Decoder,
    /// Makes the query q of a decoder state.
    Query,
    /// Makes a key k of an encoder state.
    Key,
    /// Makes the score of tanh(q + k), in additive attention.
    Energy,
    /// Makes the output.
    Head,
    /// Makes the state of a leaf of its frame.
    Leaf,
    /// Makes the state of an inner node of its two children's.
    Compose,
    /// Makes the first state of a node of its frame.
    Node,
    /// Reads the features of an edge.
    Edge,
    /// Makes the message of a neighbour, and pools the messages of all.
    Message,
    /// Makes the next state of a node of its messages.
    Update,
}

/// What the first layer of a chain reads, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A frame of the caller: whatever the layer takes.
    Frame,
    /// A symbol that the model wrote itself.
    Symbol,
    /// The features of an edge.
    EdgeFeatures,
    /// The output of a chain; of an empty one its input.
    Output(Chain),
    /// The outputs of a chain for the last nodes, as many as the structure has roots.
    Roots(Chain),
    /// The sum of the outputs of a chain weighted by attention; nothing without attention.
    Context(Chain),
    /// tanh of sums with the output of a chain: as wide, in Q0.15.
    Tanh(Chain),
    /// The output of the edge chain; features of edges of any number in the format of the states where it is empty.
    EdgeOutput,
}

impl Chain {
    /// Its name in recipes, errors and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Chain::Layers => "layers",
            Chain::Encoder => "encoder",
            Chain::Bridge => "bridge",
            Chain::Decoder => "decoder",
            Chain::Query => "query",
            Chain::Key => "key",
            Chain::Energy => "energy",
            Chain::Head => "head",
            Chain::Leaf => "leaf",
            Chain::Compose => "compose",
            Chain::Node => "node",
            Chain::Edge => "edge",
            Chain::Message => "message",
            Chain::Update => "update",
        }
    }
}

/// A chain, what it reads side by side, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    /// The chain.
    pub chain: Chain,
    /// What its first layer reads.
    pub inputs: &'static [Input],
    /// Whether it must have a layer.
    pub required: bool,
    /// Whether its layers must be without state from step to step.
    pub stateless: bool,
}

const fn wire(chain: Chain, inputs: &'static [Input]) -> Wire {
    Wire { chain, inputs, required: false, stateless: false }
}

impl Wire {
    const fn required(self) -> Wire {
        Wire { required: true, ..self }
    }

    const fn stateless(self) -> Wire {
        Wire { stateless: true, ..self }
    }
}

/// The chains of a structure in the order in which a model has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wiring {
    /// The chains; of a graph, message and update may come again for each round, before the head.
    pub wires: &'static [Wire],
}

/// A sequence: one chain.
pub const SEQUENCE: Wiring = Wiring { wires: &[wire(Chain::Layers, &[Input::Frame]).required()] };

/// An encoder-decoder.
pub const SEQ2SEQ: Wiring = Wiring {
    wires: &[
        wire(Chain::Encoder, &[Input::Frame]).required(),
        wire(Chain::Bridge, &[Input::Output(Chain::Encoder)]).stateless(),
        wire(Chain::Decoder, &[Input::Symbol]).required(),
        wire(Chain::Query, &[Input::Output(Chain::Decoder)]).stateless(),
        wire(Chain::Key, &[Input::Output(Chain::Encoder)]).stateless(),
        wire(Chain::Energy, &[Input::Tanh(Chain::Query)]),
        wire(Chain::Head, &[Input::Output(Chain::Decoder), Input::Context(Chain::Encoder)]).required().stateless(),
    ],
};

/// A tree.
pub const TREE: Wiring = Wiring {
    wires: &[
        wire(Chain::Leaf, &[Input::Frame]).required(),
        wire(Chain::Compose, &[Input::Output(Chain::Leaf), Input::Output(Chain::Leaf)]).required(),
        wire(Chain::Head, &[Input::Roots(Chain::Compose)]).required().stateless(),
    ],
};

/// A graph.
pub const GRAPH: Wiring = Wiring {
    wires: &[
        wire(Chain::Node, &[Input::Frame]).required().stateless(),
        wire(Chain::Edge, &[Input::EdgeFeatures]).stateless(),
        wire(Chain::Message, &[Input::Output(Chain::Node), Input::Output(Chain::Node), Input::EdgeOutput]).required(),
        wire(Chain::Update, &[Input::Output(Chain::Message)]).required(),
        wire(Chain::Head, &[Input::Output(Chain::Node)]).required(),
    ],
};

impl Wiring {
    /// Where a chain is in the table: its number, where chains do not come again for each round.
    const fn position(&self, chain: Chain) -> usize {
        let mut k = 0;
        while self.wires[k].chain as u8 != chain as u8 {
            k += 1;
        }
        k
    }

    /// Chain number `k` of a model of `chains` chains.
    #[inline(never)]
    pub fn wire(&self, k: usize, chains: usize) -> &'static Wire {
        let last = self.wires.len().saturating_sub(1);
        let at = match k {
            k if k.wrapping_add(1) == chains => last,
            k if k < last => k,
            // The rounds of a graph.
            k => graph::MESSAGE.wrapping_add(k.wrapping_sub(last) & 1),
        };
        self.wires.get(at).unwrap_or(&SEQUENCE.wires[0])
    }

    /// Number of a chain in a model of `chains` chains; of a chain that comes for each round, that of round `round`.
    #[inline(never)]
    pub fn number(&self, chain: Chain, round: usize, chains: usize) -> usize {
        let at = self.wires.iter().position(|wire| wire.chain == chain).unwrap_or(0);
        match chain {
            Chain::Head => chains.saturating_sub(1),
            Chain::Message | Chain::Update => graph::of_round(at, round, chains),
            _ => at,
        }
    }

    /// Groups of chains whose outputs share a format, as they are read side by side, added or multiplied; of a chain that
    /// comes for each round, those of all rounds.
    pub fn shared_formats(&self) -> &'static [&'static [Chain]] {
        match self.wires.first().map(|wire| wire.chain) {
            // The head reads a decoder state next to encoder states, and the bridge gives the decoder's first states.
            Some(Chain::Encoder) => &[&[Chain::Encoder, Chain::Bridge, Chain::Decoder], &[Chain::Query, Chain::Key]],
            Some(Chain::Leaf) => &[&[Chain::Leaf, Chain::Compose]],
            Some(Chain::Node) => &[&[Chain::Node, Chain::Edge, Chain::Update]],
            _ => &[],
        }
    }

    /// Whether a model of `rounds` rounds may have so many chains.
    pub fn fits(&self, chains: usize, rounds: usize) -> bool {
        chains == self.wires.len()
            || (self.wires.len() == GRAPH.wires.len() && rounds > 0 && chains == graph::count(rounds))
    }
}

/// Numbers of the chains of an encoder-decoder.
#[allow(missing_docs)]
pub mod seq2seq {
    use super::{Chain, SEQ2SEQ};

    pub const ENCODER: usize = SEQ2SEQ.position(Chain::Encoder);
    pub const BRIDGE: usize = SEQ2SEQ.position(Chain::Bridge);
    pub const DECODER: usize = SEQ2SEQ.position(Chain::Decoder);
    pub const QUERY: usize = SEQ2SEQ.position(Chain::Query);
    pub const KEY: usize = SEQ2SEQ.position(Chain::Key);
    pub const ENERGY: usize = SEQ2SEQ.position(Chain::Energy);
    pub const HEAD: usize = SEQ2SEQ.position(Chain::Head);
}

/// Numbers of the chains of a tree.
#[allow(missing_docs)]
pub mod tree {
    use super::{Chain, TREE};

    pub const LEAF: usize = TREE.position(Chain::Leaf);
    pub const COMPOSE: usize = TREE.position(Chain::Compose);
    pub const HEAD: usize = TREE.position(Chain::Head);
}

/// Numbers of the chains of a graph; the head is the last.
pub mod graph {
    use super::{Chain, GRAPH};

    /// Node.
    pub const NODE: usize = GRAPH.position(Chain::Node);
    /// Edge.
    pub const EDGE: usize = GRAPH.position(Chain::Edge);
    /// Message of the first round.
    pub const MESSAGE: usize = GRAPH.position(Chain::Message);
    /// Update of the first round.
    pub const UPDATE: usize = GRAPH.position(Chain::Update);

    /// Number of the message or update of round `round`, of which `first` is that of the first round, in a model of
    /// `chains` chains.
    pub const fn of_round(first: usize, round: usize, chains: usize) -> usize {
        if chains > GRAPH.wires.len() { first.wrapping_add(round.wrapping_mul(2)) } else { first }
    }

    /// Chains of a model with weights of their own for each of `rounds` rounds.
    pub const fn count(rounds: usize) -> usize {
        rounds.wrapping_mul(2).wrapping_add(GRAPH.wires.len()).wrapping_sub(2)
    }

    /// The round of chain number `k`.
    pub const fn round(k: usize) -> usize {
        k.saturating_sub(MESSAGE) / 2
    }
}

impl Structure {
    /// Its chains.
    pub const fn wiring(&self) -> &'static Wiring {
        match self {
            Structure::Sequence => &SEQUENCE,
            Structure::Seq2seq { .. } => &SEQ2SEQ,
            Structure::Tree { .. } => &TREE,
            Structure::Graph { .. } => &GRAPH,
        }
    }

    /// Whether a model of this structure may have so many chains; a sequence states none.
    pub(crate) fn fits(&self, chains: usize) -> bool {
        match *self {
            Structure::Sequence => chains == 0,
            Structure::Graph { rounds, .. } => rounds > 0 && GRAPH.fits(chains, rounds.into()),
            _ => self.wiring().fits(chains, 0),
        }
    }

    /// Whether attention makes a context of the encoder's states.
    pub(crate) fn attends(&self) -> bool {
        matches!(self, Structure::Seq2seq { score, .. } if *score != AttentionScore::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and roles of chains are inverse to each other, for one round of weights and for several.
    #[test]
    fn numbers_and_chains_are_inverse() {
        for (wiring, chains, rounds) in [(SEQUENCE, 1, 1), (SEQ2SEQ, 7, 1), (TREE, 3, 1), (GRAPH, 5, 1), (GRAPH, 15, 6)]
        {
            assert!(wiring.fits(chains, rounds));
            for k in 0..chains {
                let chain = wiring.wire(k, chains).chain;
                assert_eq!(wiring.number(chain, graph::round(k), chains), k, "{chain:?}");
            }
        }
        assert_eq!(GRAPH.wire(7, 9).chain, Chain::Update);
        assert_eq!(GRAPH.number(Chain::Update, 3, 5), 3);
        assert!(!GRAPH.fits(7, 3) && !SEQ2SEQ.fits(9, 3) && !TREE.fits(2, 0));
    }

    /// Every input is a chain of the same structure that comes before.
    #[test]
    fn chains_read_earlier_ones() {
        for wiring in [SEQUENCE, SEQ2SEQ, TREE, GRAPH] {
            for (k, wire) in wiring.wires.iter().enumerate() {
                for input in wire.inputs {
                    let from = match *input {
                        Input::Output(c) | Input::Roots(c) | Input::Context(c) | Input::Tanh(c) => c,
                        Input::EdgeOutput => Chain::Edge,
                        Input::Frame | Input::Symbol | Input::EdgeFeatures => continue,
                    };
                    assert!(wiring.wires.iter().position(|w| w.chain == from).is_some_and(|at| at < k), "{wire:?}");
                }
            }
        }
    }
}
