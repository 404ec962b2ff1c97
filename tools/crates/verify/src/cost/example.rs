//! What a whole example costs where layers are no stream: trees, graphs, encoder-decoders, sequences read in both directions.
//!
//! Each chain of layers runs as often as the example has nodes, edges, rounds or symbols. What lies between the layers, moving
//! states, attention, drawing the best symbol, is bounded by instructions an element.

use elman::blob::{AttentionScore, Model, Readout, Structure};
use elman::cell::LayerView;
use elman::net::Node;
use elman::wiring::Chain;
use elman::wiring::graph;
use elman_data::ExampleStructure;
use elman_pipeline::Example;
use serde::Serialize;

use super::{BOUND, CORES, COSTS, CoreCost, layer_instructions};

/// What the bounds of single layers and elements leave out: in eight recipes counted on up to four cores, examples took 0.51 to
/// 0.90 of the bound with it, and 0.19 in one of an encoder-decoder that wrote little.
const MARGIN: f64 = 1.1;

/// Instructions for each hypothesis that a successor of a beam search passes in the list.
const INSERTED: f64 = 30.0;

/// How large an example is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// Steps, leaves or nodes that have a frame.
    pub frames: usize,
    /// Nodes of a tree that have children.
    pub inner: usize,
    /// Edges of a graph, each direction counted.
    pub edges: usize,
    /// Symbols written, the end among them.
    pub outputs: usize,
}

/// How often a chain runs for an example.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Runs {
    /// Number of the chain.
    pub chain: usize,
    /// Its role.
    pub role: &'static str,
    /// Runs.
    pub runs: u64,
}

/// The largest example that a model takes, and what it costs.
#[derive(Clone, Debug, Serialize)]
pub struct ExampleCost {
    /// Its size.
    pub extent: Extent,
    /// How often each chain runs.
    pub runs: Vec<Runs>,
    /// Multiplications with a weight.
    pub macs: u64,
    /// Instructions that no example exceeds, by core.
    pub most: Vec<(&'static str, u64)>,
}

impl Extent {
    /// Of an example.
    pub fn of(model: &Model<'_>, example: &Example) -> Self {
        let frames = example.frames.len() / model.inputs().max(1);
        match &example.joints {
            ExampleStructure::None => Extent { frames, outputs: most_outputs(model), ..Extent::default() },
            ExampleStructure::Tree(nodes) => {
                let frames = nodes.iter().filter(|n| matches!(n, Node::Leaf(_))).count();
                Extent { frames, inner: nodes.len() - frames, ..Extent::default() }
            }
            ExampleStructure::Graph(rows) => Extent { frames, edges: rows.neighbours.len(), ..Extent::default() },
        }
    }

    /// The largest ones that a model takes; of trees those of leaves alone and of one leaf, between which all others are. None
    /// where the model is a stream, whose example may be of any length.
    pub fn largest(model: &Model<'_>) -> Vec<Self> {
        let none = Extent::default();
        match model.structure() {
            Structure::Sequence if model.max_steps() == 0 => Vec::new(),
            Structure::Sequence | Structure::Seq2seq { .. } => {
                vec![Extent { frames: model.max_steps(), outputs: most_outputs(model), ..none }]
            }
            Structure::Tree { max_nodes, .. } => {
                let nodes = usize::from(max_nodes);
                vec![Extent { frames: nodes, ..none }, Extent { frames: 1, inner: nodes.saturating_sub(1), ..none }]
            }
            Structure::Graph { max_nodes, max_edges, .. } => {
                vec![Extent { frames: max_nodes.into(), edges: max_edges.into(), ..none }]
            }
        }
    }
}

fn most_outputs(model: &Model<'_>) -> usize {
    match model.structure() {
        Structure::Seq2seq { max_outputs, .. } => usize::from(max_outputs),
        _ => 0,
    }
}

/// The chains of layers with their numbers; a sequence is one.
fn chains<'m, 'b>(model: &'m Model<'b>) -> impl Iterator<Item = (usize, &'m [LayerView<'b>])> {
    let one = matches!(model.structure(), Structure::Sequence);
    let count = if one { 1 } else { model.chain_count() };
    (0..count).map(move |k| (k, if one { model.layers() } else { model.chain(k) }))
}

fn role(model: &Model<'_>, chain: usize) -> Chain {
    if matches!(model.structure(), Structure::Sequence) { Chain::Layers } else { model.chain_role(chain) }
}

/// How often a layer of a chain runs: the layers of a graph's head run once after they have pooled the nodes.
fn runs(model: &Model<'_>, chain: usize, layer: usize, extent: Extent) -> usize {
    let Extent { frames, inner, edges, outputs } = extent;
    let every = model.readout() == Readout::EveryStep;
    let (rounds, beams) = match model.structure() {
        Structure::Graph { rounds, .. } => (usize::from(rounds), 1),
        Structure::Seq2seq { beams, .. } => (1, usize::from(beams)),
        _ => (1, 1),
    };
    // With weights of their own, each round has its chains.
    let shared = if model.chain_count() > elman::wiring::GRAPH.wires.len() { 1 } else { rounds };
    match role(model, chain) {
        Chain::Layers | Chain::Encoder | Chain::Key | Chain::Leaf | Chain::Node => frames,
        Chain::Bridge => 1,
        Chain::Compose => inner,
        Chain::Edge => edges * rounds,
        Chain::Message => edges * shared,
        Chain::Update => frames * shared,
        Chain::Decoder | Chain::Query => outputs * beams,
        Chain::Energy => outputs * beams * frames,
        Chain::Head => match model.structure() {
            Structure::Seq2seq { .. } => outputs * beams,
            Structure::Tree { .. } if every => frames + inner,
            Structure::Graph { .. } if every || layer == 0 => frames,
            _ => 1,
        },
    }
}

/// Instructions of what lies between layers, by core, an element each.
struct Between {
    /// Moving it, or setting it to 0.
    moved: f64,
    /// A product of attention.
    product: f64,
    /// An exponential, and all that belongs to it.
    exponential: f64,
    /// Calling a chain.
    call: f64,
}

impl Between {
    fn of(core: &CoreCost) -> Self {
        // A Cortex-M0 has no product of 64 bits.
        let slow = if core.key == "m0" { 3.0 } else { 1.0 };
        Between { moved: 4.0 + 2.0 * core.copy, product: 8.0 * slow, exponential: 120.0 * slow, call: 3.0 * core.step }
    }
}

/// Instructions on a core that an example of this size does not exceed.
pub fn most(model: &Model<'_>, core: &CoreCost, extent: Extent) -> f64 {
    let between = Between::of(core);
    let mut sum = 0.0;
    for (chain, layers) in chains(model) {
        for (k, view) in layers.iter().enumerate() {
            let elements = (view.inputs() + view.units()) as f64;
            let one = layer_instructions(core, view) * BOUND + between.moved * elements + between.call;
            sum += one * runs(model, chain, k, extent) as f64;
        }
    }
    let Extent { frames, inner, edges, outputs } = extent;
    let width = |chain: usize| model.chain(chain).last().map_or(0, LayerView::units) as f64;
    match model.structure() {
        Structure::Seq2seq { score, beams, .. } => {
            let written = (outputs * usize::from(beams.max(1))) as f64;
            // A successor may move all others of the list of hypotheses.
            let inserted = if beams > 1 { INSERTED * f64::from(beams) } else { 0.0 };
            let likelihoods = model.outputs() as f64 * (between.exponential + inserted);
            let states = 4.0 * model.memory_words() as f64 / frames.max(1) as f64;
            let attention = match score {
                AttentionScore::None => 0.0,
                _ => {
                    let widths = width(0) * 2.0 + width(elman::wiring::seq2seq::QUERY).max(width(2)) * 2.0;
                    frames as f64 * (widths * between.product + between.exponential)
                }
            };
            sum += written * (likelihoods + attention + states);
        }
        Structure::Tree { slots, .. } => {
            let words = 2.0 * width(elman::wiring::tree::COMPOSE);
            sum += (frames + inner) as f64 * (8.0 * f64::from(slots) + between.moved * words + between.call);
        }
        Structure::Graph { rounds, .. } => {
            let words = 2.0 * width(graph::NODE);
            sum += f64::from(rounds) * (frames + edges) as f64 * (between.moved * words + between.call);
        }
        Structure::Sequence => {}
    }
    (sum + 20.0 * core.step) * MARGIN
}

/// As [`most`], on the core that machines.toml calls so.
pub fn most_on(model: &Model<'_>, core: &str, extent: Extent) -> Option<f64> {
    COSTS.get(core).map(|cost| most(model, cost, extent))
}

/// The largest example of a model, which is no stream.
pub fn largest(model: &Model<'_>) -> Option<ExampleCost> {
    let extents = Extent::largest(model);
    let of = |core: &CoreCost| extents.iter().map(|extent| most(model, core, *extent)).fold(0.0, f64::max);
    let none = CoreCost::default();
    let most = CORES.map(|core| (core.key, of(COSTS.get(core.key).unwrap_or(&none)).ceil() as u64)).to_vec();
    let macs = |extent: &Extent| -> u64 {
        let of = |(chain, layers): (usize, &[LayerView<'_>])| -> u64 {
            layers.iter().enumerate().map(|(k, view)| super::macs(view) * runs(model, chain, k, *extent) as u64).sum()
        };
        chains(model).map(of).sum()
    };
    let (macs, extent) = extents.iter().map(|e| (macs(e), *e)).max_by_key(|(macs, _)| *macs)?;
    let runs = chains(model)
        .filter(|(_, layers)| !layers.is_empty())
        .map(|(chain, _)| Runs { chain, role: role(model, chain).name(), runs: runs(model, chain, 0, extent) as u64 })
        .collect();
    Some(ExampleCost { extent, runs, macs, most })
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman::blob::Blob;
    use elman_quant::synthetic;
    use elman_quant::words_of;

    /// Of every kind: what the layers alone take is within the bound, and a smaller example has a smaller one.
    #[test]
    fn a_bound_covers_all_runs_of_all_layers() {
        let models = [
            synthetic::bidirectional(&["gru", "lstm"], 5, 6, 3, 40, 1),
            synthetic::seq2seq(["lstm", "gru"], AttentionScore::Dot, 6, true, [12, 24], 2, 3),
            synthetic::tree("lstm", "tree-lstm", 6, 1, [60; 2], 3),
            synthetic::graph::model(synthetic::graph::Shape { features: 2, ..Default::default() }, 3),
        ];
        for model in models {
            let words = words_of(&model.to_blob().unwrap()).unwrap();
            let model = Model::load(Blob::new(&words)).unwrap();
            let cost = largest(&model).unwrap();
            let core = &COSTS["m4"];
            let layers: f64 = chains(&model)
                .flat_map(|(c, layers)| layers.iter().enumerate().map(move |(k, view)| (c, k, view)))
                .map(|(c, k, view)| layer_instructions(core, view) * runs(&model, c, k, cost.extent) as f64)
                .sum();
            let said = cost.most.iter().find(|(key, _)| *key == "m4").unwrap().1 as f64;
            assert!(layers > 0.0 && layers < said, "{layers} of {said}");
            let smaller = Extent { frames: 1, ..cost.extent };
            assert!(most(&model, core, smaller) < said);
        }
    }
}
