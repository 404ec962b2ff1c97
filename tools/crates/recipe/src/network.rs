//! The part of a recipe that describes the network between frames and labels.

use elman::blob::AttentionScore;
use elman::wiring::{self, Chain, Wire};
use serde::{Deserialize, Serialize};

use elman_nn::{LayerSpec, NetworkSpec, Over, Pool, StructureSpec};

/// The network between frames and labels. A linear dense layer to the labels is added after it, except after a
/// `narx` layer, whose outputs are the network's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkRecipe {
    /// Layers from the input, over a sequence of frames. An empty list is a network of the last dense layer alone.
    pub layers: Vec<LayerSpec>,
    /// Or an encoder and a decoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq2seq: Option<Seq2seqRecipe>,
    /// Or a composition function over trees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<TreeRecipe>,
    /// Or messages between the nodes of graphs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphRecipe>,
}

/// An encoder that reads a sequence and a decoder that writes another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seq2seqRecipe {
    /// Layers over the source.
    pub encoder: Vec<LayerSpec>,
    /// From the encoder's last states to the decoder's first; without layers they are passed on unchanged.
    #[serde(default)]
    pub bridge: Vec<LayerSpec>,
    /// Layers over the symbols written so far: an embedding and cells.
    pub decoder: Vec<LayerSpec>,
    /// Attention over the encoder's states.
    #[serde(default)]
    pub attention: AttentionRecipe,
    /// Layers between the decoder's state, concatenated with the context, and the symbols.
    #[serde(default)]
    pub head: Vec<LayerSpec>,
    /// Most symbols written; 0 for one more than the longest target.
    #[serde(default)]
    pub max_outputs: u16,
    /// Hypotheses of the beam search; 1 is greedy.
    #[serde(default = "one")]
    pub beams: u8,
}

/// Attention.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionRecipe {
    /// The attention score: none, dot, scaled, additive.
    #[serde(with = "score")]
    pub score: AttentionScore,
    /// Width of the linear maps to query and key; 0 uses the states themselves, which additive attention cannot.
    pub units: usize,
}

/// A composition function over trees and directed acyclic graphs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeRecipe {
    /// From a leaf's frame to its state.
    pub leaf: Vec<LayerSpec>,
    /// The layer that composes two states.
    pub compose: LayerSpec,
    /// Layers between state and labels.
    #[serde(default)]
    pub head: Vec<LayerSpec>,
    /// How many last nodes the head reads, concatenated.
    #[serde(default = "one_root")]
    pub roots: usize,
    /// The model has memory for trees of so many times the nodes and states of the largest in train and valid.
    #[serde(default = "margin")]
    pub margin: f64,
}

/// Messages between the nodes of graphs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphRecipe {
    /// From a node's frame to its first state.
    pub node: Vec<LayerSpec>,
    /// Layers over an edge's features.
    #[serde(default)]
    pub edge: Vec<LayerSpec>,
    /// From both ends' states and the edge to a message, and the pooling of a node's messages.
    pub message: Vec<LayerSpec>,
    /// The cell whose input is the pooled message.
    pub update: LayerSpec,
    /// How often messages are sent.
    pub rounds: usize,
    /// Whether all rounds have the same weights.
    #[serde(default = "yes")]
    pub shared: bool,
    /// Layers between states and labels; a pool at its beginning makes one output of all nodes.
    #[serde(default)]
    pub head: Vec<LayerSpec>,
    /// The model has memory for graphs of so many times the nodes, edges and neighbours of the largest in train and valid.
    #[serde(default = "margin")]
    pub margin: f64,
}

fn one() -> u8 {
    1
}
fn one_root() -> usize {
    1
}
fn margin() -> f64 {
    1.25
}
fn yes() -> bool {
    true
}

/// The names of attention scores in recipes.
mod score {
    use elman::blob::AttentionScore;
    use serde::{Deserialize, Deserializer, Serializer, de};

    const NAMES: [(&str, AttentionScore); 4] = [
        ("none", AttentionScore::None),
        ("dot", AttentionScore::Dot),
        ("scaled", AttentionScore::Scaled),
        ("additive", AttentionScore::Additive),
    ];

    pub fn serialize<S: Serializer>(score: &AttentionScore, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(NAMES.iter().find(|(_, known)| known == score).map_or("none", |(name, _)| name))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<AttentionScore, D::Error> {
        let name = String::deserialize(d)?;
        let known = NAMES.iter().find(|(known, _)| *known == name).map(|(_, score)| *score);
        known.ok_or_else(|| de::Error::unknown_variant(&name, &["none", "dot", "scaled", "additive"]))
    }
}

impl Default for NetworkRecipe {
    fn default() -> Self {
        let layers = vec![LayerSpec::cell("gru", 64), Pool { over: Over::Last }.into()];
        NetworkRecipe { layers, seq2seq: None, tree: None, graph: None }
    }
}

/// What the data requires of a network.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestedNetwork {
    /// Width of a frame.
    pub inputs: usize,
    /// Width of the output.
    pub outputs: usize,
    /// Symbols of the input, where frames are symbols.
    pub symbols: usize,
    /// Whether every step or node has an answer.
    pub every: bool,
    /// Features of each edge of a graph.
    pub edge_features: usize,
}

impl NetworkRecipe {
    /// One chain of layers.
    pub fn of(layers: Vec<LayerSpec>) -> Self {
        NetworkRecipe { layers, ..NetworkRecipe::default() }
    }

    /// Removes the default layers where another structure is named.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let named = [self.seq2seq.is_some(), self.tree.is_some(), self.graph.is_some()];
        if named.iter().filter(|n| **n).count() > 1 {
            return Err("[network] has more than one of seq2seq, tree and graph; keep one".to_owned());
        }
        if named.contains(&true) {
            if !self.layers.is_empty() && self.layers != NetworkRecipe::default().layers {
                return Err("[network] has layers and one of seq2seq, tree or graph; keep one of them".to_owned());
            }
            self.layers.clear();
        }
        Ok(())
    }

    /// Whether the network reads its own outputs of earlier steps.
    pub fn feeds_back(&self) -> bool {
        matches!(self.layers.last(), Some(LayerSpec::Narx(_)))
    }

    /// The layers that read frames first.
    pub fn first(&self) -> &[LayerSpec] {
        match (&self.seq2seq, &self.tree, &self.graph) {
            (Some(s), ..) => &s.encoder,
            (_, Some(t), _) => &t.leaf,
            (.., Some(g)) => &g.node,
            _ => &self.layers,
        }
    }

    /// The network for such data.
    pub fn spec(&self, asked: RequestedNetwork) -> NetworkSpec {
        let last = LayerSpec::dense(asked.outputs);
        let head = |head: &[LayerSpec]| head.iter().cloned().chain([last.clone()]).collect::<Vec<_>>();
        let counts = |chains: &[Vec<LayerSpec>]| chains.iter().map(Vec::len).collect::<Vec<_>>();
        let (chains, structure) = if let Some(s) = &self.seq2seq {
            let score = s.attention.score;
            let attends = score != AttentionScore::None && s.attention.units > 0;
            let map = || if attends { vec![LayerSpec::dense(s.attention.units)] } else { Vec::new() };
            let scores = if score == AttentionScore::Additive { vec![LayerSpec::dense(1)] } else { Vec::new() };
            let layers = |wire: &Wire| match wire.chain {
                Chain::Encoder => s.encoder.clone(),
                Chain::Bridge => s.bridge.clone(),
                Chain::Decoder => s.decoder.clone(),
                Chain::Query | Chain::Key => map(),
                Chain::Energy => scores.clone(),
                _ => head(&s.head),
            };
            let chains: Vec<_> = wiring::SEQ2SEQ.wires.iter().map(layers).collect();
            let structure = StructureSpec::Seq2seq { chains: counts(&chains), score };
            (chains, structure)
        } else if let Some(t) = &self.tree {
            let layers = |wire: &Wire| match wire.chain {
                Chain::Leaf => t.leaf.clone(),
                Chain::Compose => vec![t.compose.clone()],
                _ => head(&t.head),
            };
            let chains: Vec<_> = wiring::TREE.wires.iter().map(layers).collect();
            let structure = StructureSpec::Tree { chains: counts(&chains), roots: t.roots, every_node: asked.every };
            (chains, structure)
        } else if let Some(g) = &self.graph {
            let count = wiring::graph::count(if g.shared { 1 } else { g.rounds });
            let layers = |k: usize| match wiring::GRAPH.wire(k, count).chain {
                Chain::Node => g.node.clone(),
                Chain::Edge => g.edge.clone(),
                Chain::Message => g.message.clone(),
                Chain::Update => vec![g.update.clone()],
                _ => head(&g.head),
            };
            let chains: Vec<_> = (0..count).map(layers).collect();
            let edge_features = asked.edge_features;
            let structure = StructureSpec::Graph { chains: counts(&chains), rounds: g.rounds, edge_features };
            (chains, structure)
        } else {
            let layers = if self.feeds_back() { self.layers.clone() } else { head(&self.layers) };
            (vec![layers], StructureSpec::Sequence)
        };
        // A table without a number of rows has one for each symbol: of the input, and in a decoder of the output.
        let mut layers = Vec::new();
        for (k, chain) in chains.into_iter().enumerate() {
            let decoder = structure.wire(k).chain == Chain::Decoder;
            let symbols = if decoder { asked.outputs } else { asked.symbols };
            for mut layer in chain {
                layer.set_symbols(symbols);
                layers.push(layer);
            }
        }
        NetworkSpec { inputs: asked.inputs, layers, structure }
    }
}
