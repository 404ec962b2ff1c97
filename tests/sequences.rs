//! Whole sequences: layers that read backward, against streams over reversed frames.

use elman::blob::{Blob, Direction, Model};
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
