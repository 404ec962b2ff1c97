//! How far gradients reach, in networks so small that the chain rule gives each norm.

use elman::blob::AttentionScore;
use elman::net::Node::{Inner, Leaf};
use elman_data::{ExampleStructure, GraphRows};
use elman_nn::{
    Dense, DenseActivation, Embedding, Item, LayerSpec, Loss, Network, NetworkSpec, Over, Pool, StructureSpec, Target,
    structure,
};

fn linear(outputs: usize) -> LayerSpec {
    LayerSpec::from(Dense { outputs, activation: DenseActivation::Linear })
}

fn network(inputs: usize, chains: &[Vec<LayerSpec>], structure: impl Fn(Vec<usize>) -> StructureSpec) -> Network<f64> {
    let counts = chains.iter().map(Vec::len).collect();
    Network::new(&NetworkSpec { inputs, layers: chains.concat(), structure: structure(counts) }, 1).unwrap()
}

fn assert_near(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len(), "{found:?} {wanted:?}");
    for (f, w) in found.iter().zip(wanted) {
        assert!((f - w).abs() < 1e-12, "{found:?} {wanted:?}");
    }
}

/// h = a h_left + b h_right, y = h: each level takes a factor.
#[test]
fn of_a_tree_by_levels() {
    let chains = [vec![linear(1)], vec![linear(1)], vec![linear(1)]];
    for every_node in [false, true] {
        let mut network = network(1, &chains, |chains| StructureSpec::Tree { chains, roots: 1, every_node });
        let [a, b] = [0.5, -2.0];
        network.update(|v| v.copy_from_slice(&[1.0, 0.0, a, b, 0.0, 1.0, 0.0]));
        let inner = |left, right| Inner { left, right };
        let joints = ExampleStructure::Tree(vec![Leaf(0), Leaf(1), inner(0, 1), Leaf(2), inner(2, 3)]);
        let frames = [3.0, 4.0, 5.0];
        let y = a * (a * 3.0 + b * 4.0) + b * 5.0;
        // The root alone counts, whatever is wanted of the nodes below.
        let target = Target::Values(if every_node { vec![9.0, 8.0, 7.0, 6.0, 0.25] } else { vec![0.25] });
        let item = Item { frames: &frames, joints: &joints, target: &target };
        let found = structure::probe(&network, item, Loss::SquaredError);
        assert_eq!(found.len(), 1);
        let g = (y - 0.25f64).abs();
        assert_near(&found[0].norms, &[g, g * (0.5 + 2.0) / 2.0, g * 0.5 * (0.5 + 2.0) / 2.0]);
    }
}

/// No message counts: h' = tanh(u h), y = h, of one node of two.
#[test]
fn of_a_graph_by_rounds() {
    let pool = LayerSpec::from(Pool { over: Over::Sum });
    let chains = [vec![linear(1)], vec![], vec![linear(1), pool], vec![LayerSpec::cell("srn", 1)], vec![linear(1)]];
    let mut network = network(1, &chains, |chains| StructureSpec::Graph { chains, rounds: 2, edge_features: 0 });
    let u = -1.3;
    network.update(|v| v.copy_from_slice(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, u, 0.0, 1.0, 0.0]));
    let joints =
        ExampleStructure::Graph(GraphRows { offsets: vec![0, 1, 2], neighbours: vec![1, 0], edges: Vec::new() });
    let target = Target::Values(vec![0.5, f32::NAN]);
    let item = Item { frames: &[0.75, 0.3], joints: &joints, target: &target };
    let found = structure::probe(&network, item, Loss::SquaredError).remove(0);
    assert_eq!(found.name, "update 0 srn");
    let h = [0.75f64, (u * 0.75).tanh(), (u * (u * 0.75).tanh()).tanh()];
    let last = (h[2] - 0.5).abs() / 2.0;
    let one = last * (u * (1.0 - h[2] * h[2])).abs();
    assert_near(&found.norms, &[last, one, one * (u * (1.0 - h[1] * h[1])).abs()]);
}

/// Residual cells pass the whole gradient on, from the last symbol through the decoder and back over the source.
#[test]
fn of_an_encoder_decoder_by_symbols() {
    let embedding = || LayerSpec::from(Embedding { rows: 5, units: 2 });
    let reach = |cell: &str| {
        let chain = || vec![embedding(), LayerSpec::cell(cell, 3)];
        let chains = [chain(), vec![], chain(), vec![], vec![], vec![], vec![LayerSpec::dense(5)]];
        let network = network(1, &chains, |chains| StructureSpec::Seq2seq { chains, score: AttentionScore::None });
        let target = Target::Steps(vec![2, 3, 1, 0, elman_nn::NO_CLASS]);
        let item = Item { frames: &[1.0, 2.0, 3.0, 4.0, 1.0, 2.0], joints: &ExampleStructure::None, target: &target };
        structure::probe(&network, item, Loss::CrossEntropy)
    };
    let residual = reach("residual-1");
    let names: Vec<&str> = residual.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["decoder 1 residual-1", "encoder 1 residual-1"]);
    let g = residual[0].norms[0];
    assert!(g > 0.0);
    assert_near(&residual[0].norms, &[g; 4]);
    assert_near(&residual[1].norms, &[g; 6]);
    // A saturating one loses it on the way.
    let sigmoid = reach("srn-sigmoid");
    let [decoder, encoder] = [0, 1].map(|k| sigmoid[k].norms.clone());
    assert!(decoder[3] < 0.1 * decoder[0] && encoder[0] < decoder[3] && encoder[5] < 0.01 * encoder[0], "{sigmoid:?}");
}
