//! Outputs, losses and gradients against PyTorch's for the same weights; see `tests/torch/make_vectors.py`.

use std::collections::HashMap;

use elman::net::Node;
use elman_data::ExampleStructure;
use elman_nn::{
    Batch, Classes, Item, LayerSpec, Loss, Mode, Network, NetworkSpec, Pass, Target, Workspace, cell, structure,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
    trees: Vec<TreeCase>,
}

#[derive(Deserialize)]
struct TreeCase {
    spec: NetworkSpec,
    parameters: HashMap<String, Vec<f64>>,
    examples: Vec<TreeExample>,
    loss: f64,
    gradients: HashMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct TreeExample {
    frames: Vec<f32>,
    nodes: Vec<Vec<u16>>,
    classes: Vec<u32>,
    outputs: Vec<f64>,
}

#[derive(Deserialize)]
struct Case {
    spec: NetworkSpec,
    parameters: HashMap<String, Vec<f64>>,
    sequences: Vec<Vec<f64>>,
    #[serde(default)]
    classes: Vec<Vec<u32>>,
    #[serde(default)]
    values: Vec<Vec<f32>>,
    class_weights: Vec<f64>,
    label_smoothing: f64,
    outputs: Vec<Vec<f64>>,
    loss: f64,
    gradients: HashMap<String, Vec<f64>>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../../../tests/torch/vectors.json")).unwrap()
}

fn cases() -> Vec<Case> {
    vectors().cases
}

/// A network with these parameters.
fn network<F: elman_nn::Float>(spec: &NetworkSpec, parameters: &HashMap<String, Vec<f64>>) -> Network<F> {
    let mut network = Network::<F>::new(spec, 0).unwrap();
    let tensors = network.tensors().to_vec();
    network.update(|values| {
        for t in &tensors {
            let theirs = &parameters[&t.name];
            assert_eq!(theirs.len(), t.range.len(), "{}", t.name);
            values[t.range.clone()].iter_mut().zip(theirs).for_each(|(v, x)| *v = F::of(*x));
        }
    });
    network
}

fn assert_near(what: &str, ours: impl IntoIterator<Item = f64>, theirs: &[f64], tolerance: f64) {
    let scale = theirs.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    let mut count = 0;
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert!((ours - theirs).abs() <= tolerance * scale, "{what}: {ours} instead of {theirs}");
        count += 1;
    }
    assert_eq!(count, theirs.len(), "{what}");
}

fn compare<F: elman_nn::Float>(tolerance: f64) {
    for case in cases() {
        let network = network::<F>(&case.spec, &case.parameters);
        let tensors = network.tensors().to_vec();
        let what = format!("{:?}", case.spec.layers);
        for (frames, theirs) in case.sequences.iter().zip(&case.outputs) {
            assert_near(&what, network.run(frames).into_iter().map(F::f64), theirs, tolerance);
        }
        let targets: Vec<Target> = case
            .classes
            .iter()
            .map(|c| if case.spec.per_step() { Target::Steps(c.clone()) } else { Target::Class(c[0]) })
            .chain(case.values.iter().map(|v| Target::Values(v.clone())))
            .collect();
        let mut batch = Batch::default();
        batch.fill(&case.sequences.iter().map(Vec::as_slice).collect::<Vec<_>>(), case.spec.inputs);
        let mut gradient = vec![F::ZERO; network.values().len()];
        let classes = Classes { weights: &case.class_weights, smoothing: case.label_smoothing, teacher: None };
        let loss = if case.values.is_empty() { Loss::CrossEntropy } else { Loss::SquaredError };
        let pass = Pass { loss, scale: 1.0, mode: Mode::Evaluate, classes, teacher_forcing: 1.0 };
        let targets: Vec<&Target> = targets.iter().collect();
        let score = network.gradient(&batch, &targets, pass, &mut Workspace::default(), &mut gradient);
        assert_near(&what, [score.loss], &[case.loss], tolerance);
        for t in &tensors {
            let ours = gradient[t.range.clone()].iter().map(|g| g.f64());
            assert_near(&format!("{what} {}", t.name), ours, &case.gradients[&t.name], tolerance);
        }
    }
}

fn compare_trees<F: elman_nn::Float>(tolerance: f64) {
    for case in vectors().trees {
        let network = network::<F>(&case.spec, &case.parameters);
        let what = format!("{:?}", case.spec.layers);
        let joints: Vec<ExampleStructure> =
            case.examples.iter().map(|e| ExampleStructure::Tree(e.nodes.iter().map(|n| node(n)).collect())).collect();
        let per_node = case.spec.per_step();
        let target = |c: &Vec<u32>| if per_node { Target::Steps(c.clone()) } else { Target::Class(c[0]) };
        let targets: Vec<Target> = case.examples.iter().map(|e| target(&e.classes)).collect();
        let examples = case.examples.iter().zip(&joints).zip(&targets);
        let items: Vec<Item<'_>> =
            examples.map(|((e, joints), target)| Item { frames: &e.frames, joints, target }).collect();
        for (item, example) in items.iter().zip(&case.examples) {
            let ours = structure::run(&network, *item, Mode::Evaluate);
            assert_near(&what, ours.into_iter().map(F::f64), &example.outputs, tolerance);
        }
        let mut gradient = vec![F::ZERO; network.values().len()];
        let pass = Pass {
            loss: Loss::CrossEntropy,
            scale: 1.0,
            mode: Mode::Evaluate,
            classes: Classes::default(),
            teacher_forcing: 1.0,
        };
        let score = structure::learn(&network, &items, pass, &mut Workspace::default(), Some(&mut gradient));
        assert_near(&what, [score.loss], &[case.loss], tolerance);
        assert_eq!(score.sequences, 3);
        for t in network.tensors() {
            let ours = gradient[t.range.clone()].iter().map(|g| g.f64());
            assert_near(&format!("{what} {}", t.name), ours, &case.gradients[&t.name], tolerance);
        }
    }
}

fn node(numbers: &[u16]) -> Node {
    match numbers[..] {
        [left, right] => Node::Inner { left, right },
        _ => Node::Leaf(numbers[0]),
    }
}

#[test]
fn in_f64() {
    compare::<f64>(1e-11);
    compare_trees::<f64>(1e-11);
}

#[test]
fn in_f32() {
    compare::<f32>(2e-5);
    compare_trees::<f32>(2e-5);
}

#[test]
fn every_variant_and_kind_has_a_vector() {
    let specs: Vec<String> = cases().iter().map(|case| serde_json::to_string(&case.spec).unwrap()).collect();
    let has = |what: String| specs.iter().any(|spec| spec.contains(&what));
    for name in cell::variant_names() {
        assert!(has(format!("\"variant\":\"{name}\"")), "{name} has no vector");
    }
    // What training drops is random.
    for layer in LayerSpec::samples().iter().filter(|layer| !layer.drops()) {
        assert!(has(format!("\"layer\":\"{}\"", layer.name())), "{layer:?} has no vector");
    }
}
