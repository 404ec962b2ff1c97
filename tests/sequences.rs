//! Whole sequences: layers that read backward, against streams over reversed frames.

use elman::blob::{AttentionScore, Blob, Direction, Model, Readout};
use elman::{LoadError, MemoryError, RunError};
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerLayer, IntegerModel, words_of};

fn words(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// A layer alone as a stream over `frames`, the outputs of all steps.
fn stream(layer: &IntegerLayer, frames: &[Vec<i16>]) -> Vec<Vec<i16>> {
    let forward = IntegerLayer { direction: Direction::Forward, ..layer.clone() };
    let words = words(&IntegerModel { layers: vec![forward], ..IntegerModel::default() });
    let model = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.stream(&mut memory).unwrap();
    frames.iter().map(|x| net.step(x).logits.to_vec()).collect()
}

/// All layers one after the other, each over the whole sequence.
fn by_definition(model: &IntegerModel, frames: &[Vec<i16>]) -> Vec<Vec<i16>> {
    let mut x = frames.to_vec();
    let mut before = Vec::new();
    for layer in &model.layers {
        match layer.direction {
            Direction::Forward => {
                before = x.clone();
                x = stream(layer, &x);
            }
            Direction::Backward => {
                let reversed: Vec<_> = before.iter().rev().cloned().collect();
                let backward = stream(layer, &reversed);
                x.iter_mut().zip(backward.into_iter().rev()).for_each(|(f, b)| f.extend(b));
            }
        }
    }
    x
}

#[test]
fn every_cell_in_both_directions() {
    for variant in elman::cell::CELLS.iter().flat_map(|c| c.variants).map(|v| v.name) {
        let model = synthetic::bidirectional(&[variant, "gru"], 3, 5, 4, 40, 2);
        let words = words(&model);
        let loaded = Model::load(Blob::new(&words)).unwrap();
        let mut memory = vec![0xAAAA_AAAA; Blob::new(&words).memory_words()];
        let mut net = loaded.sequence(&mut memory).unwrap();
        // Several lengths after each other in the same memory: nothing is left of the sequence before.
        for (steps, seed) in [(40, 1), (1, 2), (17, 3), (40, 4)] {
            let frames = synthetic::frames(3, steps, seed);
            let outputs = net.run(&frames).unwrap();
            let want = by_definition(&model, &frames.chunks(3).map(<[i16]>::to_vec).collect::<Vec<_>>());
            assert_eq!(outputs.iter().map(|y| y.logits.to_vec()).collect::<Vec<_>>(), want, "{variant}, {steps} steps");
            assert_eq!(outputs.last().unwrap().logits, want[steps - 1]);
            assert!(outputs.get(steps).is_none());
        }
    }
}

/// Layers after strides take the steps that these pass on, as if no others were there, and hold what they gave between them: in a
/// stream and in a sequence, in both directions.
#[test]
fn strides_leave_out_steps() {
    let stride = |width: usize, by: u16| IntegerLayer {
        params: [by, 0, 0, 0],
        ..synthetic::layer("stride", width, width, 15, Drive::Ordinary, 0)
    };
    let cell = |variant: &str, inputs: usize, units: usize, seed: u64| {
        synthetic::layer(variant, inputs, units, 15, Drive::Ordinary, seed)
    };
    for (first, second) in [(1, 1), (2, 3), (5, 1), (3, 4)] {
        let below = cell("gru", 3, 5, 1);
        let middle = cell("lstm", 5, 4, 2);
        let above = vec![cell("mean", 4, 4, 3), cell("dense", 4, 2, 4)];
        let layers = [vec![below], vec![middle], above];
        let all = [&layers[0][..], &[stride(5, first)], &layers[1], &[stride(4, second)], &layers[2]].concat();
        let words = words(&IntegerModel { layers: all, readout: Readout::EveryStep, ..IntegerModel::default() });
        let model = Model::load(Blob::new(&words)).unwrap();
        let frames = synthetic::frames(3, 41, 9);
        let frames: Vec<_> = frames.chunks(3).map(<[i16]>::to_vec).collect();
        // By definition: each part over the steps that are left.
        let left = |x: Vec<Vec<i16>>, by: u16| x.into_iter().step_by(by.into()).collect::<Vec<_>>();
        let run = |layers: &[IntegerLayer], x: Vec<Vec<i16>>| layers.iter().fold(x, |x, layer| stream(layer, &x));
        let x = left(run(&layers[0], frames.clone()), first);
        let y = run(&layers[2], left(run(&layers[1], x), second));
        let want: Vec<_> = (0..41).map(|t| y[t / usize::from(first) / usize::from(second)].clone()).collect();

        let mut memory = vec![0xAAAA_AAAA; model.memory_words()];
        let mut net = model.stream(&mut memory).unwrap();
        for (t, x) in frames.iter().enumerate() {
            assert_eq!(net.step(x).logits, want[t], "{first} {second}, stream, step {t}");
        }
        let mut memory = vec![0xAAAA_AAAA; model.sequence_words(41)];
        let mut net = model.sequence(&mut memory).unwrap();
        let outputs = net.run(&frames.concat()).unwrap();
        assert!(outputs.iter().zip(&want).all(|(y, want)| y.logits == want), "{first} {second}, sequence");
    }
    // A stride before layers in both directions.
    let mut both = synthetic::bidirectional(&["gru"], 3, 5, 4, 40, 2);
    let plain = words(&both);
    both.layers.insert(0, stride(3, 3));
    let strided = words(&both);
    let [plain, strided] = [&plain, &strided].map(|words| Model::load(Blob::new(words)).unwrap());
    let frames = synthetic::frames(3, 40, 5);
    let few: Vec<i16> = frames.chunks(3).step_by(3).flatten().copied().collect();
    let mut memory = [vec![0; plain.memory_words()], vec![0; strided.memory_words()]];
    let [of_plain, of_strided] = &mut memory;
    let (mut plain, mut strided) = (plain.sequence(of_plain).unwrap(), strided.sequence(of_strided).unwrap());
    let (want, found) = (plain.run(&few).unwrap(), strided.run(&frames).unwrap());
    for (t, y) in found.iter().enumerate() {
        assert_eq!(y.logits, want.get(t / 3).unwrap().logits, "both directions, step {t}");
    }
}

/// After a layer of both directions the last output has the forward one's last state and the backward one's, which stands at the
/// first step.
#[test]
fn both_ends_of_a_sequence() {
    for units in [1, 4, 5] {
        let both = synthetic::bidirectional(&["gru"], 3, units, 4, 40, 2);
        let ends = |width| synthetic::layer("ends", width, width, both.layers[0].out_frac, Drive::Ordinary, 0);
        let mut plain = IntegerModel { layers: both.layers[..2].to_vec(), ..both.clone() };
        let states = words(&plain);
        plain.layers.push(ends(2 * units));
        let joined = words(&plain);
        let [states, joined] = [&states, &joined].map(|words| Model::load(Blob::new(words)).unwrap());
        let mut memory = [vec![0xAAAA_AAAA; states.memory_words()], vec![0xAAAA_AAAA; joined.memory_words()]];
        let [of_states, of_joined] = &mut memory;
        let (mut states, mut joined) = (states.sequence(of_states).unwrap(), joined.sequence(of_joined).unwrap());
        for steps in [1, 2, 40, 7] {
            let frames = synthetic::frames(3, steps, steps as u64);
            let (states, joined) = (states.run(&frames).unwrap(), joined.run(&frames).unwrap());
            let backward = &states.get(0).unwrap().logits[units..];
            for (t, y) in joined.iter().enumerate() {
                assert_eq!(
                    y.logits,
                    [&states.get(t).unwrap().logits[..units], backward].concat(),
                    "{units}, step {t} of {steps}"
                );
            }
        }
    }
}

/// Structures take all steps: a stride in one is an error that names the chain.
#[test]
fn no_stride_in_a_structure() {
    let mut model = synthetic::seq2seq(["gru", "gru"], AttentionScore::None, 6, false, [9, 12], 1, 3);
    let width = model.layers[0].units;
    let stride = IntegerLayer { out_frac: 11, ..synthetic::layer("stride", width, width, 11, Drive::Ordinary, 0) };
    model.layers.insert(1, stride);
    model.chains[0] += 1;
    let error = model.to_blob().unwrap_err().to_string();
    assert!(error.contains("could not load this model"), "{error}");
}

#[test]
fn a_stream_is_run_as_a_sequence_too() {
    let mut model = synthetic::model("lstm", 3, 6, 0, Drive::Ordinary, 5);
    model.layers.push(synthetic::layer("mean", 6, 6, 15, Drive::Ordinary, 0));
    model.layers.push(synthetic::layer("dense", 6, 2, 15, Drive::Ordinary, 1));
    let words = words(&model);
    let loaded = Model::load(Blob::new(&words)).unwrap();
    let frames = synthetic::frames(3, 30, 1);
    let (mut a, mut b) = (vec![0; loaded.memory_words()], vec![0; loaded.sequence_words(30)]);
    let mut net = loaded.stream(&mut a).unwrap();
    let want: Vec<Vec<i16>> = frames.chunks(3).map(|x| net.step(x).logits.to_vec()).collect();
    let mut net = loaded.sequence(&mut b).unwrap();
    assert_eq!(net.max_steps(), 30);
    let outputs = net.run(&frames).unwrap();
    assert_eq!(outputs.iter().map(|y| y.logits.to_vec()).collect::<Vec<_>>(), want);
    let few = loaded.sequence_words(1) - 1;
    assert!(
        matches!(loaded.sequence(&mut b[..few]), Err(RunError::Memory(MemoryError { required: need, provided: have })) if need == few + 1 && have == few)
    );
}

#[test]
fn what_does_not_fit_is_refused_with_its_numbers() {
    let model = synthetic::bidirectional(&["gru"], 3, 5, 2, 8, 1);
    let blob = words(&model);
    let loaded = Model::load(Blob::new(&blob)).unwrap();
    assert_eq!(loaded.sequence_words(8), loaded.memory_words());
    let mut memory = vec![0; loaded.memory_words()];
    assert_eq!(loaded.stream(&mut memory).unwrap_err(), RunError::SequenceOnly { max_steps: 8 });
    let need = memory.len();
    let short = loaded.sequence(&mut memory[..need - 1]).unwrap_err();
    assert_eq!(short, RunError::Memory(MemoryError { required: need, provided: need - 1 }));
    let mut net = loaded.sequence(&mut memory).unwrap();
    assert_eq!(net.run(&[0; 27]).unwrap_err(), RunError::TooLong { steps: 9, most: 8 });
    assert_eq!(net.run(&[0; 7]).unwrap_err(), RunError::Frames { elements: 7, inputs: 3 });
    assert!(net.run(&[]).unwrap().is_empty());

    let refused = |change: &dyn Fn(&mut IntegerModel)| {
        let mut bad = model.clone();
        change(&mut bad);
        bad.to_blob().unwrap_err().to_string()
    };
    assert!(refused(&|m| m.max_steps = 0).contains(&LoadError::MaxSteps { max_steps: 0, backward: true }.to_string()));
    assert!(refused(&|m| m.layers.swap(0, 1)).contains(&LoadError::Direction { layer: 0 }.to_string()));
    assert!(
        refused(&|m| {
            m.layers[1] = synthetic::layer("gru", 4, 5, 15, Drive::Ordinary, 1);
            m.layers[1].direction = Direction::Backward;
        })
        .contains(&LoadError::Direction { layer: 1 }.to_string())
    );
    assert!(
        refused(&|m| {
            m.layers.insert(1, m.layers[0].clone());
            m.layers[1].direction = Direction::Backward;
        })
        .contains(&LoadError::Direction { layer: 2 }.to_string())
    );
    assert!(
        refused(&|m| {
            m.layers[1] = synthetic::layer("dense-tanh", 3, 5, 15, Drive::Ordinary, 1);
            m.layers[1].direction = Direction::Backward;
        })
        .contains(&LoadError::Direction { layer: 1 }.to_string())
    );
}
