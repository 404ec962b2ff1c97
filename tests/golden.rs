//! Blobs of released formats: they load for ever and give the bits that they gave when they were written.
//!
//! `UPDATE_GOLDEN=1 cargo test -p elman-quant --test quant golden` writes the files anew; do that only with a new format
//! version or a new cell.

use std::path::{Path, PathBuf};

use elman::audio::{Config, Pcen, SpectralSubtraction};
use elman::blob::{AttentionScore, Blob, FORMAT_VERSION, Model};
use elman_quant::synthetic::{self, Drive, Exercise, exercise};
use elman_quant::words_of;

static GRU: Blob<'static> = elman::include_blob!("golden/gru.elman");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden")
}

/// Digest (FNV-1a) of outputs and states over 300 frames, or 10 structures, and of what scalings make of readings.
fn digest(model: &Model<'_>) -> u64 {
    let mut memory = vec![0; model.memory_words()];
    let mut hash = 0xCBF2_9CE4_8422_2325u64;
    let how = Exercise { steps: 300, structures: 10, seed: 42 };
    let mut add = |v: i64| hash = (hash ^ v as u64).wrapping_mul(0x0100_0000_01B3);
    exercise(model, &mut memory, how, &mut add).unwrap();
    for channel in model.input_scaling().iter().flat_map(|s| s.channels()) {
        let around = (-1200i32..1200).map(|k| channel.offset.saturating_add(k * k * k));
        around.for_each(|raw| add(channel.quantize(raw).0.into()));
    }
    for channel in model.output_scaling().iter().flat_map(|s| s.channels()) {
        (-300..300).for_each(|y: i16| add(channel.restore(y * 109).into()));
    }
    hash
}

/// One blob for each cell, one that reads both ways, one with a delay line that feeds its output back, one that writes
/// text, one that writes a sequence for a sequence, one that listens, one over trees,
/// one over graphs, and one that reads sensors.
fn fresh() -> Vec<(String, Vec<u8>)> {
    let both_ways = synthetic::bidirectional(&["gru", "lstm-coupled"], 3, 5, 4, 25, 77);
    let mut closed = synthetic::model("delay", 3, 0, 1, Drive::Ordinary, 77);
    closed.feedback = 1;
    closed.increments = true;
    let quiet = Config { spectral_subtraction: Some(SpectralSubtraction::SPEECH), ..Config::HZ_16000 };
    let more = [
        ("both-ways", both_ways),
        ("closed", closed),
        ("language", synthetic::language(30, 6, 77)),
        ("writes", synthetic::seq2seq(["gru", "lstm"], AttentionScore::Additive, 6, true, [9, 12], 3, 77)),
        ("graph", synthetic::graph::model(synthetic::graph::Shape { features: 2, ..Default::default() }, 77)),
        ("listens", synthetic::sound::listener(Config::HZ_8000, 6, 3, 77)),
        (
            "hears",
            synthetic::sound::listener(Config { pcen: Some(Pcen::SPEECH), cepstrum: 13, ..Config::HZ_16000 }, 6, 3, 77),
        ),
        ("hears-through", synthetic::sound::listener(quiet, 6, 3, 77)),
        ("gestures", synthetic::gestures(6, 3, 77)),
        ("sensors", synthetic::sensors(6, 2, 77)),
        ("tree", synthetic::tree("lstm", "tree-lstm", 6, 1, [60, 60], 77)),
    ]
    .map(|(name, model)| (name.to_owned(), model.to_blob().unwrap()));
    let names = elman::cell::CELLS.iter().flat_map(|c| c.variants).map(|v| v.name);
    names
        .map(|name| {
            let mut model = synthetic::model(name, 4, 6, 0, Drive::Ordinary, 77);
            let frac = model.layers[0].out_frac;
            model.layers.insert(0, synthetic::layer("scale", 4, 4, 9, Drive::Ordinary, 3));
            model.layers[1].in_frac = model.layers[0].out_frac;
            model.layers.push(synthetic::layer("mean", 6, 6, frac, Drive::Ordinary, 0));
            model.layers.push(synthetic::layer("dense", 6, 3, frac, Drive::Ordinary, 5));
            model.labels = ["one", "two", "three"].map(str::to_owned).to_vec();
            (name.to_owned(), model.to_blob().unwrap())
        })
        .chain(more)
        .collect()
}

#[test]
fn golden_blobs_give_their_bits() {
    let digests = folder().join("digests.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let mut lines = String::new();
        for (name, bytes) in fresh() {
            let words = words_of(&bytes).unwrap();
            let model = Model::load(Blob::new(&words)).unwrap();
            lines.push_str(&format!("{name} {FORMAT_VERSION} {:016x}\n", digest(&model)));
            std::fs::write(folder().join(format!("{name}.elman")), bytes).unwrap();
        }
        std::fs::write(&digests, lines).unwrap();
        // What boards are built with where nobody names a model.
        for name in ["listens.elman", "gestures.elman"] {
            std::fs::copy(folder().join(name), folder().join("../../boards").join(name)).unwrap();
        }
    }
    let lines = std::fs::read_to_string(&digests).unwrap();
    assert!(lines.lines().count() >= 14);
    for line in lines.lines() {
        let [name, _, wanted] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let words = words_of(&std::fs::read(folder().join(format!("{name}.elman"))).unwrap()).unwrap();
        let model = Model::load(Blob::new(&words)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(format!("{:016x}", digest(&model)), wanted, "{name}");
    }
}

#[test]
fn memory_is_known_at_compile_time() {
    static MEMORY: std::sync::Mutex<[u32; GRU.memory_words()]> = std::sync::Mutex::new([0; GRU.memory_words()]);
    let model = Model::load(GRU).unwrap();
    let mut memory = MEMORY.lock().unwrap();
    assert_eq!(memory.len(), model.memory_words());
    let mut net = model.stream(&mut memory[..]).unwrap();
    let class = net.step(&[100, -200, 300, -400]).argmax();
    assert!(class.is_some_and(|k| model.label(k).is_some()));
}
