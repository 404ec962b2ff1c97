//! Encoder-decoders against PyTorch's for the same weights; see `tests/torch/make_seq2seq.py`.

use std::collections::HashMap;

use elman_data::ExampleStructure;
use elman_nn::structure::{self, Item};
use elman_nn::{Classes, Float, Loss, Mode, Network, NetworkSpec, Pass, Target, Workspace};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    sources: Vec<Vec<f32>>,
    targets: Vec<Vec<u32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    spec: NetworkSpec,
    parameters: HashMap<String, Vec<f64>>,
    outputs: Vec<Vec<f64>>,
    loss: f64,
    gradients: HashMap<String, Vec<f64>>,
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

fn compare<F: Float>(tolerance: f64) {
    let vectors: Vectors = serde_json::from_str(include_str!("../../../../../tests/torch/seq2seq.json")).unwrap();
    let with_end = |target: &Vec<u32>| Target::Steps(target.iter().copied().chain([0]).collect());
    let targets: Vec<Target> = vectors.targets.iter().map(with_end).collect();
    let joints = ExampleStructure::None;
    let items: Vec<Item<'_>> =
        vectors.sources.iter().zip(&targets).map(|(frames, target)| Item { frames, joints: &joints, target }).collect();
    for case in vectors.cases {
        let mut network = Network::<F>::new(&case.spec, 0).unwrap();
        let tensors = network.tensors().to_vec();
        network.update(|values| {
            for t in &tensors {
                let theirs = &case.parameters[&t.name];
                assert_eq!(theirs.len(), t.range.len(), "{}", t.name);
                values[t.range.clone()].iter_mut().zip(theirs).for_each(|(v, x)| *v = F::of(*x));
            }
        });
        let what = format!("{:?}", case.spec.structure);
        for (item, theirs) in items.iter().zip(&case.outputs) {
            let ours = structure::run(&network, *item, Mode::Evaluate);
            assert_near(&what, ours.into_iter().map(F::f64), theirs, tolerance);
        }
        let mut gradient = vec![F::ZERO; network.values().len()];
        let (mode, classes) = (Mode::Evaluate, Classes::default());
        let pass = Pass { loss: Loss::CrossEntropy, scale: 1.0, mode, classes, teacher_forcing: 1.0 };
        let score = structure::learn(&network, &items, pass, &mut Workspace::default(), Some(&mut gradient));
        assert_near(&what, [score.loss], &[case.loss], tolerance);
        for t in &tensors {
            let ours = gradient[t.range.clone()].iter().map(|g| g.f64());
            assert_near(&format!("{what} {}", t.name), ours, &case.gradients[&t.name], tolerance);
        }
    }
}

#[test]
fn double_precision() {
    compare::<f64>(1e-9);
}

#[test]
fn single_precision() {
    compare::<f32>(2e-5);
}
