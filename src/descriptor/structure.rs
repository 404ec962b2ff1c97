//! The ways in which chains of layers can be wired, and their numbers.

use crate::record::choice;

/// Most chains of a model: a graph's node, edge and head, and message and update of six rounds.
pub const MAX_CHAINS: usize = 16;
/// Most hypotheses of a beam search.
pub const MAX_BEAMS: u8 = 8;

choice! {
    /// How attention scores an encoder state.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum AttentionScore {
        /// No attention.
        None,
        /// q·k
        Dot,
        /// q·k / √d, d being the width of q.
        Scaled,
        /// V tanh(q + k)
        Additive,
    }
}

choice! {
    /// How a model's chains of layers are wired; [`crate::wiring`] says which chain reads which.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Structure {
        /// One chain over a sequence of frames.
        Sequence ["sequence "],
        /// An encoder reads a sequence, a decoder writes another one.
        Seq2seq {
            /// Attention over the encoder's states.
            score: AttentionScore,
            /// Most symbols written.
            max_outputs: u16,
            /// Most hypotheses of a beam search, 1..=[`MAX_BEAMS`].
            beams: u8,
        } ["seq2seq(score outputs beams) "],
        /// A composition function over a tree or a directed acyclic graph.
        Tree {
            /// How many last nodes the head reads side by side.
            roots: u8,
            /// Most nodes.
            max_nodes: u16,
            /// Most states that are required at a time.
            slots: u16,
        } ["tree(roots nodes slots) "],
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
        } ["graph(rounds nodes edges degree)"],
    }
}
