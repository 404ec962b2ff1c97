//! How chains of layers are joined: the part of a network's description that is more than a list of layers.

use elman::blob::AttentionScore;
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

    /// Width of what chain `k` reads; `inputs` is that of a frame, `ends` the widths of the chains before it.
    pub fn given(&self, k: usize, inputs: usize, ends: &[(usize, usize)]) -> usize {
        let end = |k: usize| ends[k].1;
        match self {
            StructureSpec::Sequence => inputs,
            StructureSpec::Seq2seq { score, .. } => match k {
                0 => inputs,
                2 => 1,
                1 | 4 => end(0),
                3 => end(2),
                5 => end(3),
                _ if *score == AttentionScore::None => end(2),
                _ => end(0) + end(2),
            },
            StructureSpec::Tree { roots, .. } => match k {
                0 => inputs,
                1 => 2 * end(0),
                _ => roots * end(1),
            },
            StructureSpec::Graph { chains, edge_features, .. } => match k {
                0 => inputs,
                1 => *edge_features,
                _ if k + 1 == chains.len() => end(0),
                _ if k.is_multiple_of(2) => 2 * end(0) + end(1),
                _ => end(k - 1),
            },
        }
    }

    /// Whether chain `k` reads frames, so that it may begin with symbols.
    pub fn reads_frames(&self, k: usize) -> bool {
        match self {
            StructureSpec::Sequence | StructureSpec::Tree { .. } => k == 0,
            StructureSpec::Seq2seq { .. } => k == 0 || k == 2,
            StructureSpec::Graph { .. } => k < 2,
        }
    }

    /// What is wrong with the chains as such.
    pub(super) fn misfit(&self) -> Option<String> {
        let (counts, what) = match self {
            StructureSpec::Sequence => return None,
            StructureSpec::Seq2seq { chains, .. } => ((chains.len() == 7).then_some(chains), "seven chains"),
            StructureSpec::Tree { chains, .. } => ((chains.len() == 3).then_some(chains), "three chains"),
            StructureSpec::Graph { chains, rounds, .. } => {
                let fits = chains.len() == 5 || chains.len() == 2 * rounds + 3;
                ((fits && *rounds > 0).then_some(chains), "node, edge, message, update (of each round) and head")
            }
        };
        let Some(counts) = counts else { return Some(format!("the structure needs {what}")) };
        match self {
            StructureSpec::Seq2seq { score, .. } => {
                let needed = [0, 2, 6].iter().find(|k| counts[**k] == 0);
                if let Some(k) = needed {
                    return Some(format!("the {} has no layers", elman::blob::Structure::SEQ2SEQ[*k]));
                }
                let scores = usize::from(*score == AttentionScore::Additive);
                (counts[5] != scores).then(|| format!("the attention needs {scores} layers that score"))
            }
            StructureSpec::Tree { roots, .. } => {
                if counts[0] == 0 || counts[2] == 0 {
                    return Some("a tree needs layers for its leaves and its head".to_owned());
                }
                (counts[1] != 1 || *roots == 0)
                    .then(|| "a tree is composed by one layer, up to one root or more".to_owned())
            }
            StructureSpec::Graph { .. } => {
                let needed = |k: usize| k != 1 && counts[k] == 0;
                (0..counts.len()).any(needed).then(|| "only the edges of a graph may be without layers".to_owned())
            }
            StructureSpec::Sequence => None,
        }
    }
}
