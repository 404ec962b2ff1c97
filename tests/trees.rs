//! Trees and directed acyclic graphs in integers: a chain is the recurrent network, order and slots change nothing.

use elman::arith::{Gate, Pre, Q};
use elman::blob::{Blob, Model, Structure};
use elman::cell::tree_lstm::TreeLstm;
use elman::cell::{Stage, Unit};
use elman::net::Node::{self, Inner, Leaf};
use elman::net::slots_needed;
use elman::{LoadError, MemoryError, RunError};
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerGate, IntegerModel, words_of};

const UNITS: usize = 9;

fn blob(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// The outputs of all answers, with the numbers of their nodes.
fn run(words: &[u32], frames: &[i16], nodes: &[Node]) -> Result<Vec<(usize, Vec<i16>)>, RunError> {
    let model = Model::load(Blob::new(words)).unwrap();
    let mut memory = vec![0xA5A5_A5A5; model.memory_words()];
    let mut found = Vec::new();
    model.tree(&mut memory)?.run_each(frames, nodes, |k, output| found.push((k, output.logits.to_vec())))?;
    Ok(found)
}

/// Columns of U before those of W: h_(t-1) is the left child, x_t the right one.
fn side_by_side(gate: &IntegerGate) -> IntegerGate {
    let rows = gate.u.chunks(UNITS).zip(gate.w.chunks(UNITS));
    IntegerGate { w: rows.flat_map(|(u, w)| [u, w].concat()).collect(), u: Vec::new(), ..gate.clone() }
}

#[test]
fn a_chain_is_the_recurrent_network_bit_for_bit() {
    for (recurrent, compose, order) in [
        ("srn", "dense-tanh", &[0][..]),
        ("lstm", "tree-lstm", &[0, 1, 1, 2, 3]),
        ("srn-sigmoid", "dense-sigmoid", &[0]),
    ] {
        let steps = 300u16;
        let mut tree = synthetic::tree("", compose, UNITS, 1, [2 * steps + 1, 2], 5);
        // The unknown symbol stands for the state before the first step.
        tree.layers[0].table[..UNITS].fill(0);
        let cell = synthetic::layer(recurrent, UNITS, UNITS, 15, Drive::Ordinary, 7);
        let gates: Vec<IntegerGate> = cell.gates.iter().map(side_by_side).collect();
        tree.layers[1].gates = order.iter().map(|g| gates[*g].clone()).collect();
        let mut sequence = tree.clone();
        (sequence.structure, sequence.chains) = (Structure::Sequence, Vec::new());
        sequence.layers[1] = cell;

        let mut numbers = synthetic::Numbers(3);
        let symbols: Vec<i16> = (0..steps).map(|_| numbers.between(1, i64::from(synthetic::ROWS) - 1) as i16).collect();
        let mut nodes = vec![Leaf(steps)];
        for t in 0..steps {
            nodes.extend([Leaf(t), Inner { left: 2 * t, right: 2 * t + 1 }]);
        }
        let frames = [&symbols[..], &[0]].concat();
        let composed = run(&blob(&tree), &frames, &nodes).unwrap();
        let words = blob(&sequence);
        let model = Model::load(Blob::new(&words)).unwrap();
        let mut memory = vec![0; model.memory_words()];
        let mut net = model.stream(&mut memory).unwrap();
        for (t, symbol) in symbols.iter().enumerate() {
            let (k, output) = &composed[2 * t + 2];
            assert_eq!((*k, &output[..]), (2 * t + 2, net.step(&[*symbol]).logits), "{recurrent} {t}");
        }
        let distinct: std::collections::HashSet<_> = composed.iter().map(|(_, output)| output).collect();
        assert!(distinct.len() > 200, "{recurrent}: {} outputs", distinct.len());
    }
}

/// Of two leaves, the composing layer reads h and c as the leaf chain leaves them: those of a stream after one step.
#[test]
fn a_composition_reads_both_states_of_both_children() {
    let model = synthetic::tree("lstm", "tree-lstm", UNITS, 1, [3, 2], 5);
    let mut leaf = model.clone();
    (leaf.structure, leaf.chains) = (Structure::Sequence, Vec::new());
    leaf.layers.truncate(2);
    let words = blob(&leaf);
    let leaf = Model::load(Blob::new(&words)).unwrap();
    let states = [3i16, 7].map(|symbol| {
        let mut memory = vec![0; leaf.memory_words()];
        let mut net = leaf.stream(&mut memory).unwrap();
        let h = net.step(&[symbol]).logits.to_vec();
        (h, net.carried_state(1).to_vec())
    });
    let compose = &model.layers[2];
    let q = Q { carried_frac: compose.carried_frac, out_frac: compose.out_frac };
    let x = [&states[0].0[..], &states[1].0].concat();
    let h: Vec<i16> = (0..UNITS)
        .map(|unit| {
            let pre = [0, 1, 2, 3, 4].map(|gate| {
                let g = &compose.gates[gate];
                let row = g.w[unit * 2 * UNITS..][..2 * UNITS].iter().zip(&x);
                let sum = i64::from(g.bias[unit]) + row.map(|(w, x)| i64::from(*w) * i64::from(*x)).sum::<i64>();
                Pre::from_bits(((sum * i64::from(g.multiplier[unit]) + (1 << 31)) >> 32) as i32)
            });
            let [long, second] = [0, 1].map(|child: usize| states[child].1[unit]);
            let mut unit = Unit { h: 0, carried: long, second, stage_gate: Gate::ZERO, peephole: [0; 3] };
            TreeLstm.unit(&q, pre, &mut unit);
            unit.h
        })
        .collect();
    let mut head = model.clone();
    (head.structure, head.chains) = (Structure::Sequence, Vec::new());
    head.layers.drain(..3);
    let words_of_head = blob(&head);
    let head = Model::load(Blob::new(&words_of_head)).unwrap();
    let mut memory = vec![0; head.memory_words()];
    let mut head = head.stream(&mut memory).unwrap();
    let found = run(&blob(&model), &[3, 7], &[Leaf(0), Leaf(1), Inner { left: 0, right: 1 }]).unwrap();
    assert_eq!(found[0].1, head.step(&states[0].0).logits);
    assert_eq!(found[2].1, head.step(&h).logits);
}

/// A node and all below it as a tree of their own, shared nodes written out, the right child first.
fn expand(nodes: &[Node], k: usize, out: &mut Vec<Node>) -> u16 {
    match nodes[k] {
        Inner { left, right } => {
            let right = expand(nodes, right.into(), out);
            let left = expand(nodes, left.into(), out);
            out.push(Inner { left, right });
        }
        leaf => out.push(leaf),
    }
    (out.len() - 1) as u16
}

#[test]
fn graphs_give_what_their_trees_give_in_any_order() {
    for (n, (leaf, compose)) in
        [("", "dense-tanh"), ("lstm", "tree-lstm"), ("dense-tanh", "tree-lstm"), ("gru", "dense-sigmoid")]
            .into_iter()
            .enumerate()
    {
        for seed in 0..30 {
            let nodes = synthetic::nodes(12, 5, seed);
            let need = slots_needed(&nodes, 5, 1, &mut [0; 12]).unwrap();
            let tight = blob(&synthetic::tree(leaf, compose, 5, 1, [12, need as u16], n as u64));
            let frames = [3, 1, 4, 10, 5];
            let found = run(&tight, &frames, &nodes).unwrap();
            assert_eq!(found.len(), 12);
            for (k, output) in &found {
                let mut tree = Vec::new();
                expand(&nodes, *k, &mut tree);
                if tree.len() > 2000 {
                    continue;
                }
                let size = tree.len() as u16;
                let wide = blob(&synthetic::tree(leaf, compose, 5, 1, [size, size], n as u64));
                let alone = run(&wide, &frames, &tree).unwrap();
                assert_eq!(&alone.last().unwrap().1, output, "{leaf} {compose} {seed} node {k}");
            }
            if need > 1 {
                let short = blob(&synthetic::tree(leaf, compose, 5, 1, [12, need as u16 - 1], n as u64));
                assert_eq!(run(&short, &frames, &nodes), Err(RunError::Slots { required: need, provided: need - 1 }));
            }
        }
    }
}

/// Written out, this graph has 2^60 leaves.
#[test]
fn a_node_of_several_parents_is_computed_once() {
    let nodes: Vec<Node> =
        (0..=60).map(|k: u16| if k == 0 { Leaf(0) } else { Inner { left: k - 1, right: k - 1 } }).collect();
    let found = run(&blob(&synthetic::tree("", "dense-tanh", 4, 1, [61, 1], 3)), &[2], &nodes).unwrap();
    assert_eq!(found.len(), 61);
}

#[test]
fn two_roots_are_read_side_by_side() {
    let words = blob(&synthetic::tree("lstm", "tree-lstm", 6, 2, [8, 4], 9));
    let frames = [1, 2, 3];
    let nodes = [Leaf(0), Leaf(1), Leaf(2), Inner { left: 0, right: 1 }, Inner { left: 3, right: 2 }];
    let swapped = [Leaf(0), Leaf(1), Leaf(2), Inner { left: 0, right: 1 }, Inner { left: 2, right: 3 }];
    let answers = [&nodes, &swapped].map(|nodes| run(&words, &frames, nodes).unwrap());
    assert_eq!((answers[0].len(), answers[0][0].0), (1, 4));
    assert_ne!(answers[0], answers[1]);
    // Both roots may be leaves.
    assert_eq!(run(&words, &frames, &[Leaf(1), Leaf(2)]).unwrap().len(), 1);
    assert_eq!(run(&words, &frames, &[Leaf(1)]), Err(RunError::Nodes { nodes: 1, least: 2, most: 8 }));
}

#[test]
fn memory_is_what_slots_nodes_and_chains_need() {
    let model = synthetic::tree("lstm", "tree-lstm", 6, 1, [100, 7], 9);
    let words = blob(&model);
    let loaded = Model::load(Blob::new(&words)).unwrap();
    // A slot: 6 elements of h in 4 words, 6 words of c. The composing layer, the widest chain, runs in 6 words of
    // [h_l; h_r], 12 of c_l and c_r and 4 of h.
    assert_eq!(loaded.memory_words(), 100 + 7 * (4 + 6) + 22);
    assert_eq!(loaded.tree_words(100, 100), 100 + 100 * 10 + 22);
    let need = loaded.memory_words();
    let mut memory = vec![0; need];
    assert_eq!(
        loaded.tree(&mut memory[1..]).unwrap_err(),
        RunError::Memory(MemoryError { required: need, provided: need - 1 })
    );
    assert!(matches!(loaded.stream(&mut memory), Err(RunError::WrongRunner { .. })));
    let mut tree = loaded.tree(&mut memory).unwrap();
    assert_eq!(tree.run(&[1], &[Leaf(0)]).unwrap().logits.len(), 3);
    assert_eq!(tree.run(&[1], &[Leaf(1)]).unwrap_err(), RunError::LeafFrame { node: 0, frame: 1, frames: 1 });
    assert_eq!(tree.run(&[1], &[Inner { left: 0, right: 0 }]).unwrap_err(), RunError::Child { node: 0, child: 0 });
}

#[test]
fn the_loader_refuses_what_does_not_compose() {
    let refused = |change: &dyn Fn(&mut IntegerModel), with: LoadError| {
        let mut model = synthetic::tree("lstm", "tree-lstm", 6, 1, [10, 4], 9);
        change(&mut model);
        let said = model.to_blob().unwrap_err().to_string();
        assert!(said.ends_with(&with.to_string()), "{said} instead of {with}");
    };
    let structure =
        |roots, max_nodes, slots| move |m: &mut IntegerModel| m.structure = Structure::Tree { roots, max_nodes, slots };
    let joint = |layer, given| LoadError::ShapeMismatch { layer, inputs: 6, given, frac: 15, given_frac: 15 };
    // c of leaf and of inner nodes in one format.
    refused(&|m| m.layers[1].carried_frac = 20, LoadError::ChainShape { chain: 1 });
    // A composing layer that keeps a state of its own.
    let cell = synthetic::layer("gru", 12, 6, 15, Drive::Ordinary, 1);
    refused(&|m| m.layers[2] = cell.clone(), LoadError::ChainShape { chain: 1 });
    // Every node has one output, not one for two.
    let wide = synthetic::layer("dense", 12, 3, 15, Drive::Ordinary, 1);
    refused(
        &|m| {
            structure(2, 10, 4)(m);
            m.layers[3] = wide.clone()
        },
        LoadError::ChainShape { chain: 2 },
    );
    refused(&structure(2, 10, 4), joint(3, 12));
    refused(&structure(0, 10, 4), joint(3, 0));
    refused(&structure(1, 0, 4), LoadError::ChainShape { chain: 0 });
    refused(&structure(1, 10, 0), LoadError::ChainShape { chain: 0 });
    refused(&|m| m.chains = vec![2, 1], LoadError::ChainCount { chains: 2, layers: 3 });
    refused(&|m| m.chains = vec![1, 2, 1], joint(1, 12));
}
