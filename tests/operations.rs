//! A loader knows the operations that it was given: with them a model runs as with all, without one it names what is missing.

use elman::audio::{Config, FrontEnd, Pcen, SpectralSubtraction};
use elman::blob::AttentionScore;
use elman::operations::*;
use elman::{Blob, LoadError, Model, Operation, audio};
use elman_quant::synthetic::{self, Drive, Exercise, exercise};
use elman_quant::{IntegerModel, words_of};

/// A GRU and a dense layer, as most firmware has them.
static LEAN: Operations = Operations::of(&[GRU, DENSE]);
static LEAN_PCEN: Operations = LEAN.with_pcen();
static LEAN_SUBTRACTION: Operations = LEAN.with_spectral_subtraction();
static LEAN_CEPSTRUM: Operations = LEAN.with_cepstrum();
static BOTH_WAYS: Operations = LEAN.with_backward();
static DELAYED: Operations = Operations::of(&[DELAY, DENSE]);
static CLOSED: Operations = DELAYED.with_feedback();
static SYMBOLS: Operations = Operations::of(&[EMBEDDING, LSTM, GRU, DENSE, DENSE_TANH]);
static SENSORS: Operations = LEAN.with_scaling();
static TEXT: Operations = SYMBOLS.with_text();
static WRITES: Operations = SYMBOLS.with_structures();

fn words(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// All outputs and states of a while.
fn outputs(model: &Model<'_>) -> Vec<i64> {
    let (mut memory, mut all) = (vec![0; model.memory_words()], Vec::new());
    exercise(model, &mut memory, Exercise { steps: 60, structures: 3, seed: 5 }, |v| all.push(v)).unwrap();
    all
}

/// That a model runs with these operations as with all.
fn runs(operations: &'static Operations, model: &IntegerModel) {
    let words = words(model);
    let (all, named) = (Model::load(Blob::new(&words)), Model::load_with(operations, Blob::new(&words)));
    assert_eq!(outputs(&named.unwrap()), outputs(&all.unwrap()), "{}", model.name);
}

/// That a model does not load with these operations.
fn fails(operations: &'static Operations, model: &IntegerModel, error: LoadError) {
    let words = words(model);
    assert_eq!(Model::load_with(operations, Blob::new(&words)).map(|_| ()), Err(error), "{}", model.name);
    assert!(Model::load(Blob::new(&words)).is_ok());
}

fn missing(operation: Operation) -> LoadError {
    LoadError::OperationMissing { operation }
}

fn listener(audio: Config) -> IntegerModel {
    synthetic::sound::listener(audio, 6, 3, 7)
}

#[test]
fn named_layers_are_enough() {
    let gru = synthetic::model("gru", 3, 5, 4, Drive::Ordinary, 3);
    runs(&LEAN, &gru);
    let lstm = synthetic::model("lstm", 3, 5, 4, Drive::Ordinary, 3);
    fails(&LEAN, &lstm, LoadError::UnknownLayer { layer: 0, tag: 3, variant: 0 });
    let before = synthetic::model("gru-before", 3, 5, 4, Drive::Ordinary, 3);
    fails(&LEAN, &before, LoadError::UnknownLayer { layer: 0, tag: 2, variant: 1 });
    let sentence = LoadError::UnknownLayer { layer: 0, tag: 2, variant: 1 }.to_string();
    assert!(sentence.contains("`gru-before`"), "{sentence}");
}

#[test]
fn the_front_end_has_the_operations_of_the_model() {
    let (pcen, subtraction) = (Some(Pcen::SPEECH), Some(SpectralSubtraction::SPEECH));
    let plain = Config::HZ_8000;
    for (operations, operation, config) in [
        (&LEAN_PCEN, Operation::Pcen, Config { pcen, ..plain }),
        (&LEAN_SUBTRACTION, Operation::SpectralSubtraction, Config { spectral_subtraction: subtraction, ..plain }),
        (&LEAN_CEPSTRUM, Operation::Cepstrum, Config { cepstrum: 13, ..plain }),
    ] {
        let model = listener(config);
        runs(operations, &model);
        fails(&LEAN, &model, LoadError::Audio(audio::Error::OperationMissing { operation }));

        let words = words(&model);
        let loaded = Model::load_with(operations, Blob::new(&words)).unwrap();
        let (mut one, mut other) = (vec![0; config.memory_words()], vec![0; config.memory_words()]);
        let mut named = loaded.front_end(&mut one).unwrap().unwrap();
        let mut all = FrontEnd::new(config, &mut other).unwrap();
        let samples = synthetic::sound::samples(8000, 3);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        named.push(&samples, |frame| a.extend_from_slice(frame));
        all.push(&samples, |frame| b.extend_from_slice(frame));
        assert!(!a.is_empty() && a == b, "{operation:?}");
    }
    runs(&LEAN, &listener(plain));
}

#[test]
fn kinds_of_models_are_operations() {
    let both = synthetic::bidirectional(&["gru"], 3, 5, 4, 25, 7);
    runs(&BOTH_WAYS, &both);
    fails(&LEAN, &both, missing(Operation::Backward));

    let mut closed = synthetic::model("delay", 3, 0, 1, Drive::Ordinary, 7);
    runs(&DELAYED, &closed);
    (closed.feedback, closed.increments) = (1, true);
    runs(&CLOSED, &closed);
    fails(&DELAYED, &closed, missing(Operation::Feedback));

    let sensors = synthetic::sensors(5, 2, 7);
    runs(&SENSORS, &sensors);
    fails(&LEAN, &sensors, missing(Operation::Scaling));

    let language = synthetic::language(30, 6, 7);
    runs(&TEXT, &language);
    fails(&SYMBOLS, &language, missing(Operation::Text));

    let writes = synthetic::seq2seq(["gru", "lstm"], AttentionScore::Dot, 6, false, [9, 12], 2, 7);
    runs(&WRITES, &writes);
    fails(&SYMBOLS, &writes, missing(Operation::Structures));
}
