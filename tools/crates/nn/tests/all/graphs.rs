//! Messages between the nodes of graphs.

use elman::cell::Recurrence;
use elman_data::{ExampleStructure, GraphRows};
use elman_nn::{
    Classes, Dense, DenseActivation, Dropout, DropoutKind, Item, LayerSpec, Loss, Mode, Network, NetworkSpec, Over,
    Pass, Pool, StructureSpec, Target, Workspace, structure,
};

use crate::check::{Random, worst};

const INPUTS: usize = 3;
const UNITS: usize = 4;
const FEATURES: usize = 2;

/// What a network over graphs is made of.
#[derive(Clone, Debug)]
struct Case {
    cell: LayerSpec,
    message: Vec<LayerSpec>,
    over: Over,
    edge: Vec<LayerSpec>,
    features: usize,
    shared: bool,
    readout: Option<Over>,
    mode: Mode,
}

fn tanh(outputs: usize) -> LayerSpec {
    LayerSpec::from(Dense { outputs, activation: DenseActivation::Tanh })
}

impl Case {
    fn of(cell: &str) -> Self {
        Case {
            cell: LayerSpec::cell(cell, UNITS),
            message: vec![tanh(5)],
            over: Over::Sum,
            edge: vec![tanh(3)],
            features: FEATURES,
            shared: true,
            readout: None,
            mode: Mode::Evaluate,
        }
    }

    fn spec(&self) -> NetworkSpec {
        let mut chains = vec![vec![tanh(UNITS)], self.edge.clone()];
        for _ in 0..if self.shared { 1 } else { 2 } {
            let pool = LayerSpec::from(Pool { over: self.over });
            chains.extend([[self.message.clone(), vec![pool]].concat(), vec![self.cell.clone()]]);
        }
        let readout = self.readout.map(|over| LayerSpec::from(Pool { over }));
        chains.push(readout.into_iter().chain([tanh(3), LayerSpec::dense(2)]).collect());
        let counts = chains.iter().map(Vec::len).collect();
        let structure = StructureSpec::Graph { chains: counts, rounds: 2, edge_features: self.features };
        NetworkSpec { inputs: INPUTS, layers: chains.concat(), structure }
    }
}

/// A path of three, a node alone, and a directed graph with a loop, a double edge and a node that receives nothing.
fn graphs(random: &mut Random, features: usize) -> Vec<ExampleStructure> {
    let graphs: [(&[u32], &[u16]); 3] =
        [(&[0, 1, 3, 4], &[1, 0, 2, 1]), (&[0, 0], &[]), (&[0, 3, 3, 5, 6], &[0, 1, 1, 3, 0, 2])];
    let edges = |n: usize, random: &mut Random| (0..n * features).map(|_| random.next() as f32).collect();
    graphs
        .map(|(offsets, neighbours)| {
            let edges = edges(neighbours.len(), random);
            ExampleStructure::Graph(GraphRows { offsets: offsets.to_vec(), neighbours: neighbours.to_vec(), edges })
        })
        .to_vec()
}

fn check(case: &Case) {
    let mut network = Network::<f64>::new(&case.spec(), 7).unwrap();
    let mut random = Random(3);
    network.update(|values| values.iter_mut().for_each(|v| *v += 0.3 * random.next()));
    let joints = graphs(&mut random, case.features);
    let nodes = [3usize, 1, 4];
    let frames = nodes.map(|n| (0..n * INPUTS).map(|_| random.next() as f32).collect::<Vec<f32>>());
    let targets = nodes.map(|n| match case.readout {
        None => Target::Steps((0..n as u32).map(|k| if k == 2 { u32::MAX } else { k % 2 }).collect()),
        Some(_) => Target::Class(n as u32 % 2),
    });
    let examples = joints.iter().zip(&frames).zip(&targets);
    let items: Vec<Item<'_>> = examples.map(|((joints, frames), target)| Item { frames, joints, target }).collect();
    let pass = Pass {
        loss: Loss::CrossEntropy,
        scale: 0.25,
        mode: case.mode,
        classes: Classes::default(),
        teacher_forcing: 1.0,
    };
    let mut workspace = Workspace::default();
    let found = worst(
        &mut network,
        |network| network,
        |network| {
            let mut gradient = vec![0.0; network.values().len()];
            let score = structure::learn(network, &items, pass, &mut workspace, Some(&mut gradient));
            (0.25 * score.loss, gradient)
        },
    );
    println!("{case:?}: {found:.1e}");
    assert!(found <= 1e-6, "{case:?}: relative error {found:e}");
}

#[test]
fn every_update() {
    // Those without U are rejected, and those whose state is not their output.
    let cells = elman::cell::CELLS.iter().flat_map(|cell| cell.variants);
    for cell in cells.filter(|variant| variant.recurrent() && variant.recurrence == Recurrence::State) {
        check(&Case::of(cell.name));
    }
}

#[test]
fn every_pool_of_messages_and_nodes() {
    for over in [Over::Sum, Over::Mean, Over::Max] {
        for shared in [true, false] {
            check(&Case { over, shared, readout: Some(over), ..Case::of("gru") });
            check(&Case { over, shared, readout: Some(over), ..Case::of("lstm") });
        }
    }
}

#[test]
fn edges_without_layers_or_features_and_messages_without_layers() {
    check(&Case { edge: vec![], ..Case::of("srn") });
    check(&Case { edge: vec![], features: 0, ..Case::of("gru") });
    check(&Case { message: vec![], edge: vec![], shared: false, ..Case::of("lstm") });
}

#[test]
fn dropout_in_messages_and_updates() {
    let dropout = LayerSpec::from(Dropout { rate: 0.3, variational: false });
    for kind in [DropoutKind::NonRecurrent, DropoutKind::Variational, DropoutKind::Weights] {
        let cell = LayerSpec::cell("gru", UNITS).with_dropout(0.3, kind);
        let message = vec![tanh(5), dropout.clone()];
        check(&Case { cell, message, mode: Mode::Train(9), readout: Some(Over::Sum), ..Case::of("gru") });
    }
}

/// A graph answers as it does among others, and as it does with its nodes in another order.
#[test]
fn neither_company_nor_order_matters() {
    for readout in [None, Some(Over::Mean)] {
        let network = Network::<f64>::new(&Case { readout, ..Case::of("gru") }.spec(), 7).unwrap();
        // 0 - 1 - 2, and 2 - 0 - 1 with the same frames.
        let frames: Vec<f32> = (0..9).map(|k| (k as f32 * 0.7).sin()).collect();
        let moved = [&frames[3..6], &frames[6..9], &frames[0..3]].concat();
        let rows = |offsets: &[u32], neighbours: &[u16], edges: &[f32]| {
            let edges = edges.iter().flat_map(|e| [*e, 1.0 - e]).collect();
            ExampleStructure::Graph(GraphRows { offsets: offsets.to_vec(), neighbours: neighbours.to_vec(), edges })
        };
        let one = rows(&[0, 1, 3, 4], &[1, 0, 2, 1], &[0.1, 0.2, 0.3, 0.4]);
        let other = rows(&[0, 2, 3, 4], &[1, 2, 0, 0], &[0.3, 0.2, 0.4, 0.1]);
        let target = Target::Class(0);
        let run = |frames, joints| structure::run(&network, Item { frames, joints, target: &target }, Mode::Evaluate);
        let (a, b) = (run(&frames, &one), run(&moved, &other));
        let back = if readout.is_some() { b } else { [&b[4..6], &b[0..2], &b[2..4]].concat() };
        assert_eq!(a.len(), back.len());
        assert!(a.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?} {back:?}");
        assert!(a.iter().any(|a| *a != 0.0));
    }
}
