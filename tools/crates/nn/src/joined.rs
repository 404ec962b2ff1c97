//! How chains of layers are joined: the part of a network's description that is more than a list of layers.

use elman::blob::AttentionScore;
use elman::wiring::{self, Chain, Input, Wire, Wiring};
use serde::{Deserialize, Serialize};

/// How chains of layers are joined. `chains` has the number of layers of each, in the order of
/// [`elman::blob::Structure`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StructureSpec {
    /// One chain over a sequence of frames.
    #[default]
    Sequence,
    /// Encoder, bridge, decoder, query, key, score, head.
    Seq2seq {
        /// Layers of each chain.
        chains: Vec<usize>,
        /// How attention scores the encoder's states.
        score: AttentionScore,
    },
    /// Leaf, compose, head.
    Tree {
        /// Layers of each chain.
        chains: Vec<usize>,
        /// How many last nodes the head reads side by side.
        roots: usize,
        /// Whether every node has an output, not the roots alone.
        every_node: bool,
    },
    /// Node, edge, message and update (of each round, where they have weights of their own), head.
    Graph {
        /// Layers of each chain.
        chains: Vec<usize>,
        /// How often messages are sent.
        rounds: usize,
        /// Values known of each edge.
        edge_features: usize,
    },
}

impl StructureSpec {
    /// Layers of each chain, where there are several.
    pub fn counts(&self) -> Option<&[usize]> {
        match self {
            StructureSpec::Sequence => None,
            StructureSpec::Seq2seq { chains, .. }
            | StructureSpec::Tree { chains, .. }
            | StructureSpec::Graph { chains, .. } => Some(chains),
        }
    }

    /// Which chain reads which.
    pub fn wiring(&self) -> &'static Wiring {
        match self {
            StructureSpec::Sequence => &wiring::SEQUENCE,
            StructureSpec::Seq2seq { .. } => &wiring::SEQ2SEQ,
            StructureSpec::Tree { .. } => &wiring::TREE,
            StructureSpec::Graph { .. } => &wiring::GRAPH,
        }
    }

    /// How many chains there are.
    pub fn chain_count(&self) -> usize {
        self.counts().map_or(1, <[usize]>::len)
    }

    /// The role of chain number `k`.
    pub fn wire(&self, k: usize) -> &'static Wire {
        self.wiring().wire(k, self.chain_count())
    }

    /// Number of the chain that chain number `k` reads where an input names `chain`.
    pub fn number(&self, chain: Chain, k: usize) -> usize {
        self.wiring().number(chain, wiring::graph::round(k), self.chain_count())
    }

    /// Width of what chain `k` reads; `inputs` is that of a frame, `ends` the widths of the chains before it.
    pub fn given(&self, k: usize, inputs: usize, ends: &[(usize, usize)]) -> usize {
        let end = |chain: Chain| ends[self.number(chain, k)].1;
        let width = |input: &Input| match (*input, self) {
            (Input::Frame, _) => inputs,
            (Input::Symbol, _) => 1,
            (Input::EdgeFeatures, StructureSpec::Graph { edge_features, .. }) => *edge_features,
            (Input::Context(_), StructureSpec::Seq2seq { score: AttentionScore::None, .. }) => 0,
            (Input::Roots(chain), StructureSpec::Tree { roots, .. }) => roots * end(chain),
            (Input::Output(chain) | Input::Context(chain) | Input::Tanh(chain) | Input::Roots(chain), _) => end(chain),
            (Input::EdgeOutput | Input::EdgeFeatures, _) => end(Chain::Edge),
        };
        self.wire(k).inputs.iter().map(width).sum()
    }

    /// Whether chain `k` reads frames, so that it may begin with symbols.
    pub fn reads_frames(&self, k: usize) -> bool {
        matches!(self.wire(k).inputs, [Input::Frame | Input::Symbol | Input::EdgeFeatures])
    }

    /// What is wrong with the chains as such.
    pub(super) fn misfit(&self) -> Option<String> {
        let counts = self.counts()?;
        let rounds = if let StructureSpec::Graph { rounds, .. } = self { *rounds } else { 0 };
        let graph = matches!(self, StructureSpec::Graph { .. });
        if !self.wiring().fits(counts.len(), rounds) || (graph && rounds == 0) {
            let names: Vec<&str> = self.wiring().wires.iter().map(|wire| wire.chain.name()).collect();
            let again = if graph { " (message and update once, or for each round)" } else { "" };
            return Some(format!("the structure has the chains {}{again}", names.join(", ")));
        }
        let missing = (0..counts.len()).map(|k| (k, self.wire(k))).find(|(k, wire)| wire.required && counts[*k] == 0);
        if let Some((_, wire)) = missing {
            return Some(format!("the {} has no layers", wire.chain.name()));
        }
        match self {
            StructureSpec::Seq2seq { score, .. } => {
                let scores = usize::from(*score == AttentionScore::Additive);
                (counts[wiring::seq2seq::ENERGY] != scores)
                    .then(|| format!("the attention needs {scores} layers that score"))
            }
            StructureSpec::Tree { roots, .. } => (counts[wiring::tree::COMPOSE] != 1 || *roots == 0)
                .then(|| "a tree is composed by one layer, up to one root or more".to_owned()),
            StructureSpec::Sequence | StructureSpec::Graph { .. } => None,
        }
    }
}
