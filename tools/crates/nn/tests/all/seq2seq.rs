//! Encoder-decoders: every way to score, empty chains, stacked cells, both directions.

use elman_data::ExampleStructure;
use elman_nn::structure::{self, Item};
use elman_nn::{
    Classes, Dense, DenseActivation, Embedding, LayerSpec, Loss, Mode, NO_CLASS, Network, NetworkSpec, Pass,
    StructureSpec, Target, Workspace,
};

use elman::blob::AttentionScore;

use crate::check::Random;

fn tanh(outputs: usize) -> LayerSpec {
    LayerSpec::from(Dense { outputs, activation: DenseActivation::Tanh })
}

/// Chains by their letters in [`elman::blob::Structure::SEQ2SEQ`].
fn spec(score: AttentionScore, chains: [Vec<LayerSpec>; 7]) -> NetworkSpec {
    let counts = chains.iter().map(Vec::len).collect();
    let structure = StructureSpec::Seq2seq { chains: counts, score };
    NetworkSpec { inputs: 1, layers: chains.into_iter().flatten().collect(), structure }
}

fn embedding() -> LayerSpec {
    LayerSpec::from(Embedding { rows: 6, units: 3 })
}

/// Sources and targets of different lengths, one with a symbol that is not known.
fn examples() -> Vec<(Vec<f32>, Target)> {
    let example = |source: &[u8], target: &[u32]| {
        (source.iter().map(|s| f32::from(*s)).collect(), Target::Steps(target.iter().copied().chain([0]).collect()))
    };
    vec![
        example(&[1, 2, 3], &[2, 1]),
        example(&[5, 4, 3, 2, 1], &[1, NO_CLASS, 3, 2]),
        example(&[2], &[3, 3, 1]),
        example(&[4, 4], &[]),
    ]
}

fn loss(network: &Network<f64>, examples: &[(Vec<f32>, Target)], gradient: Option<&mut [f64]>, mode: Mode) -> f64 {
    let joints = ExampleStructure::None;
    let items: Vec<Item<'_>> =
        examples.iter().map(|(frames, target)| Item { frames, joints: &joints, target }).collect();
    let pass = Pass { loss: Loss::CrossEntropy, scale: 0.25, mode, classes: Classes::default(), teacher_forcing: 1.0 };
    0.25 * structure::learn(network, &items, pass, &mut Workspace::default(), gradient).loss
}

fn assert_exact(what: &str, spec: &NetworkSpec) {
    let mut network = Network::new(spec, 7).unwrap();
    let mut random = Random(3);
    network.update(|values| values.iter_mut().for_each(|v| *v += 0.3 * random.next()));
    let examples = examples();
    let mut analytic = vec![0.0; network.values().len()];
    let with = loss(&network, &examples, Some(&mut analytic), Mode::Evaluate);
    assert!((with - loss(&network, &examples, None, Mode::Evaluate)).abs() < 1e-12, "{what}");
    let mut worst = 0.0f64;
    for tensor in network.tensors().to_vec() {
        let scale = analytic[tensor.range.clone()].iter().fold(1e-3f64, |m, g| m.max(g.abs()));
        for i in tensor.range {
            let mut at = |by: f64| {
                network.update(|v| v[i] += by);
                let loss = loss(&network, &examples, None, Mode::Evaluate);
                network.update(|v| v[i] -= by);
                loss
            };
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            let error = (numeric - analytic[i]).abs() / scale;
            assert!(error <= 1e-6, "{what} {}: {numeric} {}", tensor.name, analytic[i]);
            worst = worst.max(error);
        }
    }
    println!("{what}: {worst:.1e}");
}

#[test]
fn without_attention() {
    let chains = [
        vec![embedding(), LayerSpec::cell("lstm", 4)],
        vec![],
        vec![embedding(), LayerSpec::cell("lstm", 4)],
        vec![],
        vec![],
        vec![],
        vec![LayerSpec::dense(4)],
    ];
    assert_exact("none", &spec(AttentionScore::None, chains));
}

#[test]
fn dot_over_the_states_themselves() {
    for score in [AttentionScore::Dot, AttentionScore::Scaled] {
        let chains = [
            vec![embedding(), LayerSpec::cell("gru", 4)],
            vec![],
            vec![embedding(), LayerSpec::cell("gru", 4)],
            vec![],
            vec![],
            vec![],
            vec![tanh(3), LayerSpec::dense(4)],
        ];
        assert_exact("dot", &spec(score, chains));
    }
}

#[test]
fn additive_over_both_directions_and_stacked_cells() {
    let chains = [
        vec![embedding(), LayerSpec::cell("srn", 3), LayerSpec::bidirectional("gru", 2)],
        vec![tanh(7)],
        vec![embedding(), LayerSpec::cell("gru-before", 3), LayerSpec::cell("lstm", 4)],
        vec![LayerSpec::dense(5)],
        vec![LayerSpec::dense(5)],
        vec![LayerSpec::dense(1)],
        vec![tanh(3), LayerSpec::dense(4)],
    ];
    assert_exact("additive", &spec(AttentionScore::Additive, chains));
}

/// A sequence whose every symbol is right after the right ones is the one that the network writes by itself.
#[test]
fn free_running_agrees_with_teacher_forcing_where_all_is_right() {
    let chains = || {
        [
            vec![embedding(), LayerSpec::bidirectional("gru", 2)],
            vec![tanh(4)],
            vec![embedding(), LayerSpec::cell("lstm", 4)],
            vec![LayerSpec::dense(4)],
            vec![],
            vec![],
            vec![LayerSpec::dense(4)],
        ]
    };
    for seed in 0..20 {
        let network = Network::<f64>::new(&spec(AttentionScore::Scaled, chains()), seed).unwrap();
        let sources: Vec<Vec<f32>> = examples().into_iter().map(|(source, _)| source).collect();
        let sources: Vec<&[f32]> = sources.iter().map(Vec::as_slice).collect();
        let said = structure::decode(&network, &sources, 5);
        for (source, said) in sources.iter().zip(&said) {
            assert_eq!(&structure::search(&network, source, 5, 1), said, "{seed}");
        }
        for (source, said) in sources.into_iter().zip(said) {
            // Where the limit cut it off, there is no end to ask for.
            let end = if said.len() < 5 { Some(0) } else { None };
            let target = Target::Steps(said.into_iter().chain(end).collect());
            let joints = ExampleStructure::None;
            let item = Item { frames: source, joints: &joints, target: &target };
            let pass = Pass {
                loss: Loss::CrossEntropy,
                scale: 1.0,
                mode: Mode::Evaluate,
                classes: Classes::default(),
                teacher_forcing: 1.0,
            };
            let score = structure::learn(&network, &[item], pass, &mut Workspace::default(), None);
            assert_eq!((score.correct, score.outputs), (1, 1), "{seed}: {target:?}");
        }
    }
}

#[test]
fn chains_that_do_not_fit_are_named() {
    let decoder = || vec![embedding(), LayerSpec::cell("gru", 4)];
    let encoder = || vec![embedding(), LayerSpec::cell("gru", 3)];
    let head = || vec![LayerSpec::dense(4)];
    let wrong = |score, chains| Network::<f32>::new(&spec(score, chains), 1).unwrap_err().to_string();
    let bridge = wrong(AttentionScore::None, [encoder(), vec![], decoder(), vec![], vec![], vec![], head()]);
    assert!(bridge.contains("the bridge gives 3 values, the decoder's cells start from 4"), "{bridge}");
    let keys = wrong(AttentionScore::Dot, [encoder(), vec![tanh(4)], decoder(), vec![], vec![], vec![], head()]);
    assert!(keys.contains("query is 4 wide, its key 3"), "{keys}");
    let both = vec![embedding(), LayerSpec::bidirectional("gru", 4)];
    let turned = wrong(AttentionScore::None, [encoder(), vec![tanh(4)], both, vec![], vec![], vec![], head()]);
    assert!(turned.contains("cannot read from the end"), "{turned}");
}

/// ln p of symbols and the end after them.
fn ln_p(network: &Network<f64>, source: &[f32], said: &[u32]) -> f64 {
    let target = Target::Steps(said.iter().copied().chain([0]).collect());
    let item = Item { frames: source, joints: &ExampleStructure::None, target: &target };
    let (mode, classes) = (Mode::Evaluate, Classes::default());
    let pass = Pass { loss: Loss::CrossEntropy, scale: 1.0, mode, classes, teacher_forcing: 1.0 };
    -structure::learn(network, &[item], pass, &mut Workspace::default(), None).loss
}

/// With as many hypotheses as there are sequences, the search finds the most likely of all.
#[test]
fn a_wide_search_is_exhaustive() {
    for seed in 0..6 {
        let chains = [
            vec![embedding(), LayerSpec::cell("lstm", 4)],
            vec![],
            vec![embedding(), LayerSpec::cell("lstm", 4)],
            vec![],
            vec![],
            vec![],
            vec![LayerSpec::dense(3)],
        ];
        let mut network = Network::<f64>::new(&spec(AttentionScore::Dot, chains), seed).unwrap();
        let mut random = Random(seed);
        network.update(|values| values.iter_mut().for_each(|v| *v += 1.5 * random.next()));
        let source = [2.0, 5.0, 1.0];
        // All sequences of up to three of two symbols.
        let mut all: Vec<Vec<u32>> = vec![vec![]];
        for length in 0..3 {
            let longer: Vec<Vec<u32>> = all.iter().filter(|s| s.len() == length).cloned().collect();
            all.extend(longer.iter().flat_map(|s| [1, 2].map(|k| [&s[..], &[k]].concat())));
        }
        let best = all.iter().max_by(|a, b| ln_p(&network, &source, a).total_cmp(&ln_p(&network, &source, b)));
        let found = structure::search(&network, &source, 4, 32);
        if found.len() < 4 {
            assert_eq!(Some(&found), best, "{seed}");
        }
        let greedy = structure::search(&network, &source, 4, 1);
        if greedy.len() < 4 && found.len() < 4 {
            assert!(ln_p(&network, &source, &found) >= ln_p(&network, &source, &greedy) - 1e-12);
        }
    }
}

/// Running free, the decoder reads what the network says: the same where that is what is wanted, another loss elsewhere.
#[test]
fn a_free_decoder_reads_its_own_symbols() {
    let chains = [
        vec![embedding(), LayerSpec::cell("gru", 4)],
        vec![],
        vec![embedding(), LayerSpec::cell("gru", 4)],
        vec![],
        vec![],
        vec![],
        vec![LayerSpec::dense(6)],
    ];
    let mut network = Network::<f64>::new(&spec(AttentionScore::Dot, chains), 3).unwrap();
    // It must not end at once: the bias of the end symbol is the first of the last tensor.
    let end = network.tensors().last().unwrap().range.start;
    network.update(|values| values[end] = -20.0);
    let joints = ExampleStructure::None;
    let source = [1.0, 4.0, 2.0];
    let loss = |target: &Target, teacher_forcing: f64| {
        let item = Item { frames: &source, joints: &joints, target };
        let (mode, classes) = (Mode::Train(5), Classes::default());
        let pass = Pass { loss: Loss::CrossEntropy, scale: 1.0, mode, classes, teacher_forcing };
        let mut gradient = vec![0.0; network.values().len()];
        structure::learn(&network, &[item], pass, &mut Workspace::default(), Some(&mut gradient)).loss
    };
    let said = structure::decode(&network, &[&source], 5).remove(0);
    assert_eq!(said.len(), 5);
    let own = Target::Steps(said.clone());
    assert_eq!(loss(&own, 1.0), loss(&own, 0.0));
    let other = Target::Steps(said.iter().map(|s| s % 5 + 1).collect());
    assert_ne!(loss(&other, 1.0), loss(&other, 0.0));
    // Its own symbols whatever is wanted: the sum of -ln p of `other` behind `said`.
    let network_says =
        structure::run(&network, Item { frames: &source, joints: &joints, target: &own }, Mode::Evaluate);
    let wanted: Vec<usize> = said.iter().map(|s| (s % 5 + 1) as usize).collect();
    let nats = |(y, k): (&[f64], &usize)| y.iter().map(|y| y.exp()).sum::<f64>().ln() - y[*k];
    let exact: f64 = network_says.chunks_exact(6).zip(&wanted).map(nats).sum();
    assert!((loss(&other, 0.0) - exact).abs() < 1e-9);
}
