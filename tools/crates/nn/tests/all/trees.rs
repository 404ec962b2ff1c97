//! Trees and directed acyclic graphs, level by level.

use elman::net::Node::{self, Inner, Leaf};
use elman_data::ExampleStructure;
use elman_nn::{
    Classes, Dense, DenseActivation, Dropout, Embedding, Item, LayerSpec, Loss, Mode, Network, NetworkSpec, Pass,
    StructureSpec, Target, Workspace, structure,
};

use crate::check::{Random, worst};

const SYMBOLS: usize = 7;

/// A chain, a graph whose node 2 has three parents, two leaves side by side, and a full tree.
fn trees() -> Vec<Vec<Node>> {
    let inner = |left, right| Inner { left, right };
    vec![
        vec![Leaf(0), Leaf(1), inner(0, 1), Leaf(2), inner(2, 3), Leaf(3), inner(5, 4)],
        vec![Leaf(0), Leaf(1), inner(0, 1), inner(2, 2), inner(1, 3), inner(2, 4)],
        vec![Leaf(0), Leaf(2)],
        vec![Leaf(0), Leaf(1), Leaf(2), Leaf(3), inner(2, 3), inner(0, 1), inner(5, 4)],
    ]
}

/// Asserts the gradient of a network over the trees, a class for each node or one for each tree.
fn check(leaf: Vec<LayerSpec>, compose: LayerSpec, roots: usize, every_node: bool, mode: Mode) {
    let what = format!("{leaf:?} {compose:?} {roots} {every_node}");
    let chains = vec![leaf.len(), 1, 2];
    let tanh = LayerSpec::from(Dense { outputs: 3, activation: DenseActivation::Tanh });
    let layers = [leaf, vec![compose, tanh, LayerSpec::dense(2)]].concat();
    let structure = StructureSpec::Tree { chains, roots, every_node };
    let mut network = Network::<f64>::new(&NetworkSpec { inputs: 1, layers, structure }, 7).unwrap();
    let mut random = Random(3);
    network.update(|values| values.iter_mut().for_each(|v| *v += 0.3 * random.next()));
    let joints: Vec<ExampleStructure> = trees().into_iter().map(ExampleStructure::Tree).collect();
    let frames: Vec<Vec<f32>> = joints
        .iter()
        .map(|_| (0..4).map(|_| (SYMBOLS as f64 / 2.0 * (random.next() + 1.0)) as f32).collect())
        .collect();
    let targets: Vec<Target> = trees()
        .iter()
        .map(|nodes| match every_node {
            true => Target::Steps((0..nodes.len() as u32).map(|k| if k == 1 { u32::MAX } else { k % 2 }).collect()),
            false => Target::Class(nodes.len() as u32 % 2),
        })
        .collect();
    let examples = joints.iter().zip(&frames).zip(&targets);
    let items: Vec<Item<'_>> = examples.map(|((joints, frames), target)| Item { frames, joints, target }).collect();
    let (pass, mut workspace) = (
        Pass { loss: Loss::CrossEntropy, scale: 0.25, mode, classes: Classes::default(), teacher_forcing: 1.0 },
        Workspace::default(),
    );
    let found = worst(
        &mut network,
        |network| network,
        |network| {
            let mut gradient = vec![0.0; network.values().len()];
            let score = structure::learn(network, &items, pass, &mut workspace, Some(&mut gradient));
            (0.25 * score.loss, gradient)
        },
    );
    println!("{what}: {found:.1e}");
    assert!(found <= 1e-6, "{what}: relative error {found:e}");
}

#[test]
fn every_composition() {
    let table = || LayerSpec::from(Embedding { rows: SYMBOLS, units: 4 });
    let tanh = || LayerSpec::from(Dense { outputs: 4, activation: DenseActivation::Tanh });
    for (roots, every_node) in [(1, true), (1, false), (2, false)] {
        check(vec![table()], tanh(), roots, every_node, Mode::Evaluate);
        check(vec![table(), tanh()], LayerSpec::cell("tree-lstm", 4), roots, every_node, Mode::Evaluate);
        check(
            vec![table(), LayerSpec::cell("lstm", 4)],
            LayerSpec::cell("tree-lstm", 4),
            roots,
            every_node,
            Mode::Evaluate,
        );
        check(vec![table(), LayerSpec::cell("gru", 4)], tanh(), roots, every_node, Mode::Evaluate);
    }
}

#[test]
fn dropout_in_leaves_and_between_levels() {
    let table = LayerSpec::from(Embedding { rows: SYMBOLS, units: 4 });
    let dropout = LayerSpec::from(Dropout { rate: 0.3, variational: false });
    for kind in [elman_nn::DropoutKind::NonRecurrent, elman_nn::DropoutKind::Weights] {
        let cell = |name: &str| LayerSpec::cell(name, 4).with_dropout(0.3, kind);
        check(vec![table.clone(), dropout.clone(), cell("lstm")], cell("tree-lstm"), 1, true, Mode::Train(9));
    }
}
