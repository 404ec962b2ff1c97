//! Any model that a writer makes, with a few changes to its descriptor, frame or weights: an error, or a model that runs in every way that
//! its structure allows. The bytes say what is made and changed, so that mutants are models and not noise.

use crate::taken::Taken;
use crate::{graph, listen, load, sealed, seq2seq, step, tree};
use elman::audio::{self, Config, Pcen, SpectralSubtraction};
use elman::blob::{AttentionScore, Descriptor, Direction, FRAME_WORDS, LayerDescriptor, Readout, Structure};
use elman::detect::{Probability, SilenceReset};
use elman::kernel::{Layout, WeightFormat};
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerLayer, IntegerModel};

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let mut taken = Taken(data);
    let Some(mut blob) = made(&mut taken) else { return };
    for _ in 0..taken.below(4) {
        change(&mut taken, &mut blob);
    }
    load::run(&blob);
    let words: Vec<u8> = sealed::words(&blob).iter().flat_map(|w| w.to_le_bytes()).collect();
    let rest = if taken.0.is_empty() { &[7][..] } else { taken.0 };
    let with = |run: fn(&[u8]), tail: usize| {
        let mut data = words.clone();
        data.extend(rest.iter().cycle().take(tail));
        run(&data);
    };
    with(step::run, step::FRAMES);
    with(listen::run, listen::SAMPLES);
    with(tree::run, tree::FRAMES + tree::NODES);
    with(graph::run, graph::TAIL);
    with(seq2seq::run, seq2seq::FRAMES);
}

/// A blob of one of the kinds of models; `None` where the writer does not take it.
pub fn made(taken: &mut Taken<'_>) -> Option<Vec<u8>> {
    let seed = taken.byte().into();
    let mut model = match taken.below(9) {
        0 | 1 => chain(taken),
        2 => both_ways(taken, seed),
        3 => synthetic::sensors(1 + taken.below(5), 1 + taken.below(4), seed),
        4 => synthetic::language(2 + taken.below(30) as u16, 1 + taken.below(5), seed),
        5 => listener(taken, seed),
        6 => over_trees(taken, seed),
        7 => over_graphs(taken, seed),
        _ => pairs(taken, seed),
    };
    if taken.below(8) == 7 {
        model.readout = taken.one(&[Readout::Last, Readout::EveryStep]);
    }
    let model = synthetic::in_format(model, taken.one(WeightFormat::ALL));
    model.to_blob_in(taken.one(&Layout::ALL)).ok()
}

/// Layers one after the other, of every kind, in both directions.
pub fn chain(taken: &mut Taken<'_>) -> IntegerModel {
    let variants: Vec<&str> = elman::layer::all().flat_map(|s| s.variants).map(|v| v.name).collect();
    let (mut layers, mut inputs, mut frac) = (Vec::new(), 1 + taken.below(9), 15);
    for _ in 0..1 + taken.below(3) {
        let variant = taken.one(&variants);
        let units = 1 + taken.below(9);
        let drive = taken.one(&[Drive::Ordinary, Drive::Saturating]);
        let layer = synthetic::layer(variant, inputs, units, frac, drive, taken.byte().into());
        if layer.inputs == 1 && layer.params[0] == synthetic::ROWS {
            // What takes symbols stands first or nowhere.
            layers.clear();
        }
        (inputs, frac) = (layer.units, layer.out_frac);
        layers.push(layer.clone());
        if taken.below(4) == 3 {
            layers.push(IntegerLayer { direction: Direction::Backward, ..layer });
            inputs *= 2;
        }
    }
    let backward = layers.iter().any(|l| l.direction == Direction::Backward);
    IntegerModel {
        name: "chain".into(),
        labels: (0..if taken.below(2) == 0 { inputs } else { 0 }).map(|k| format!("label {k}")).collect(),
        readout: taken.one(&[Readout::Last, Readout::EveryStep]),
        fingerprint: taken.byte().into(),
        counter: taken.byte().into(),
        max_steps: if backward { 1 + u16::from(taken.byte()) } else { 0 },
        feedback: if taken.below(4) == 3 { inputs as u16 } else { 0 },
        increments: taken.below(4) == 3,
        layers,
        ..IntegerModel::default()
    }
}

fn both_ways(taken: &mut Taken<'_>, seed: u64) -> IntegerModel {
    let cells = ["gru", "lstm", "srn", "lstm-coupled", "residual-2", "gru-before", "min-gru", "li-gru"];
    let variants = [taken.one(&cells), taken.one(&cells)];
    let steps = 1 + taken.below(40) as u16;
    synthetic::bidirectional(
        &variants[..1 + taken.below(2)],
        1 + taken.below(5),
        1 + taken.below(5),
        taken.below(4),
        steps,
        seed,
    )
}

/// Parameters of the front end, most of them in range.
fn sound(taken: &mut Taken<'_>) -> Config {
    let base = taken.one(&[Config::HZ_16000, Config::HZ_8000]);
    let mut audio = Config { channels: 1 + taken.below(40) as u8, ..base };
    let small = taken.below(2) == 0;
    if small {
        (audio.window, audio.hop, audio.fft_log2) = (16 + taken.below(112) as u16, 1 + taken.below(64) as u16, 7);
        audio.channels = 1 + taken.below(12) as u8;
    }
    audio.pre_emphasis = taken.half() >> 1;
    audio.remove_dc = taken.below(2) == 0;
    audio.floor_log2 = taken.below(41) as u8;
    if taken.below(2) == 0 {
        audio.pcen = Some(Pcen {
            smoothing_log2: 1 + taken.below(12) as u8,
            alpha: taken.half() >> 1,
            delta: taken.half().max(1),
            r: (taken.half() >> 1).max(1),
        });
    }
    if taken.below(2) == 0 {
        audio.spectral_subtraction = Some(SpectralSubtraction {
            fall_log2: 1 + taken.below(12) as u8,
            rise_log2: 1 + taken.below(12) as u8,
            oversubtraction: taken.half().max(1),
            floor: taken.half() >> 1,
        });
    }
    if taken.below(2) == 0 {
        audio.cepstrum = taken.byte().min(audio.channels);
    }
    audio
}

fn listener(taken: &mut Taken<'_>, seed: u64) -> IntegerModel {
    let outputs = 2 + taken.below(4);
    let mut model = synthetic::sound::listener(sound(taken), 1 + taken.below(4), outputs, seed);
    if let Some(detect) = &mut model.detect {
        detect.smooth = 1 + taken.below(20) as u8;
        detect.refractory = taken.below(30) as u16;
        detect.silence_reset = SilenceReset { class: taken.below(outputs) as u8, steps: taken.below(50) as u16 };
        if taken.below(2) == 0 {
            detect.release = Probability::from_bits(taken.half() >> 1);
        }
        for threshold in &mut detect.thresholds {
            if taken.below(2) == 0 {
                *threshold = Probability::from_bits(taken.half() >> 1);
            }
        }
    }
    model
}

fn over_trees(taken: &mut Taken<'_>, seed: u64) -> IntegerModel {
    let leaf = taken.one(&["", "lstm", "dense-tanh", "gru"]);
    let compose = taken.one(&["tree-lstm", "dense-tanh", "dense-relu"]);
    let extent = [1 + taken.below(60) as u16, 1 + taken.below(12) as u16];
    synthetic::tree(leaf, compose, 1 + taken.below(6), 1 + taken.below(3) as u8, extent, seed)
}

fn over_graphs(taken: &mut Taken<'_>, seed: u64) -> IntegerModel {
    let shape = synthetic::graph::Shape {
        cell: taken.one(&["gru", "lstm", "srn", "residual-2"]),
        aggregate: taken.one(&["sum", "mean", "max"]),
        readout: taken.one(&[None, Some("sum"), Some("mean"), Some("max")]),
        features: taken.below(3),
        edge_layer: taken.below(2) == 0,
        rounds: 1 + taken.below(4) as u8,
        shared: taken.below(2) == 0,
    };
    let shape = synthetic::graph::Shape { edge_layer: shape.edge_layer && shape.features > 0, ..shape };
    synthetic::graph::model(shape, seed)
}

fn pairs(taken: &mut Taken<'_>, seed: u64) -> IntegerModel {
    let cell = taken.one(&["gru", "lstm", "srn", "residual-2", "min-lstm"]);
    let scores = [AttentionScore::None, AttentionScore::Dot, AttentionScore::Scaled, AttentionScore::Additive];
    let extent = [1 + taken.below(12) as u16, 1 + taken.below(12) as u16];
    let (score, both) = (taken.one(&scores), taken.below(2) == 0);
    synthetic::seq2seq([cell, cell], score, 1 + taken.below(4), both, extent, 1 + taken.below(4) as u8, seed)
}

/// Changes the frame, the descriptor or the weights.
fn change(taken: &mut Taken<'_>, blob: &mut Vec<u8>) {
    let from = u32::from_le_bytes([blob[24], blob[25], blob[26], blob[27]]) as usize;
    let word = |taken: &mut Taken<'_>, words: std::ops::Range<usize>, blob: &mut Vec<u8>| {
        let at = 4 * (words.start + taken.half() as usize % words.len().max(1));
        let value = match taken.below(4) {
            0 => u32::MAX,
            1 => 0x8000_0000 >> taken.below(32),
            2 => 0x7f81_8180_u32.rotate_left(8 * taken.below(4) as u32),
            _ => taken.word(),
        };
        if let Some(bytes) = blob.get_mut(at..at + 4) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
    };
    match taken.below(8) {
        0 => word(taken, 0..FRAME_WORDS, blob),
        1 | 2 => {
            let weights = from / 4..blob.len() / 4;
            word(taken, weights, blob);
        }
        3 => {
            // An earlier change may have moved the weights.
            let length = from.saturating_sub(4 * FRAME_WORDS).max(1);
            let at = 4 * FRAME_WORDS + taken.half() as usize % length;
            if let Some(byte) = blob.get_mut(at) {
                *byte ^= 1 << taken.below(8);
            }
        }
        _ => {
            if let Some(changed) = described(taken, blob) {
                *blob = changed;
            }
        }
    }
}

/// The blob with a field of its descriptor changed, and written again.
fn described(taken: &mut Taken<'_>, blob: &[u8]) -> Option<Vec<u8>> {
    let at = |k: usize| u32::from_le_bytes([blob[4 * k], blob[4 * k + 1], blob[4 * k + 2], blob[4 * k + 3]]) as usize;
    let text = blob.get(4 * FRAME_WORDS..4 * FRAME_WORDS + at(5))?;
    let (mut descriptor, mut layers): (Descriptor<'_>, Vec<LayerDescriptor>) = postcard::from_bytes(text).ok()?;
    match taken.below(3) {
        0 => field(taken, &mut descriptor),
        1 => layer(taken, &mut layers),
        _ => list(taken, &mut descriptor, &mut layers),
    }
    let mut text = postcard::to_stdvec(&(&descriptor, &layers)).ok()?;
    let length = text.len() as u32;
    text.resize(text.len().next_multiple_of(4), 0);
    let mut changed = blob[..4 * FRAME_WORDS].to_vec();
    changed[20..24].copy_from_slice(&length.to_le_bytes());
    changed[24..28].copy_from_slice(&(4 * FRAME_WORDS as u32 + text.len() as u32).to_le_bytes());
    changed.extend(text);
    changed.extend(blob.get(at(6)..)?);
    Some(changed)
}

/// Changes what is neither layers nor weights.
fn field(taken: &mut Taken<'_>, d: &mut Descriptor<'_>) {
    match taken.below(12) {
        0 => d.max_steps = taken.half(),
        1 => d.feedback = taken.half(),
        2 => d.increments = !d.increments,
        3 => d.labels = taken.one(&["", "a", "a\nb", "a\nb\nc\nd", "\n"]),
        4 => d.audio = Some(sound(taken)),
        5 => d.detect = None,
        6 => d.text = None,
        7 => {
            let (a, b) = (taken.below(5) as u8, taken.half());
            d.structure = match taken.below(4) {
                0 => Structure::Sequence,
                1 => Structure::Tree { roots: a, max_nodes: b, slots: taken.half() },
                2 => Structure::Seq2seq { score: AttentionScore::Dot, max_outputs: b, beams: a },
                _ => Structure::Graph { rounds: a, max_nodes: b, max_edges: taken.half(), max_degree: taken.half() },
            };
        }
        8 => {
            if let Some(audio) = &mut d.audio {
                extreme(taken, audio);
            }
        }
        9 => {
            if let Some(detect) = &mut d.detect {
                match taken.below(4) {
                    0 => detect.smooth = taken.byte(),
                    1 => detect.refractory = taken.half(),
                    2 => detect.silence_reset.class = taken.byte(),
                    _ => drop(detect.thresholds.pop()),
                }
            }
        }
        10 => d.audio = None,
        _ => d.readout = taken.one(&[Readout::Last, Readout::EveryStep]),
    }
}

/// One parameter of the front end, in range or not.
fn extreme(taken: &mut Taken<'_>, audio: &mut audio::Config) {
    match taken.below(11) {
        0 => audio.sample_rate = taken.word() % 50_000,
        1 => audio.window = taken.half(),
        2 => audio.hop = taken.half(),
        3 => audio.fft_log2 = taken.byte(),
        4 => audio.channels = taken.byte(),
        5 => audio.low_hz = taken.half(),
        6 => audio.high_hz = taken.half(),
        7 => audio.pre_emphasis = taken.half(),
        8 => audio.floor_log2 = taken.byte(),
        9 => audio.cepstrum = taken.byte(),
        _ => {
            if let Some(pcen) = &mut audio.pcen {
                *pcen =
                    Pcen { smoothing_log2: taken.byte(), alpha: taken.half(), delta: taken.half(), r: taken.half() };
            }
            if let Some(subtraction) = &mut audio.spectral_subtraction {
                subtraction.fall_log2 = taken.byte();
                subtraction.floor = taken.half();
            }
        }
    }
}

/// One number of a layer, and what the next one reads of it.
fn layer(taken: &mut Taken<'_>, layers: &mut [LayerDescriptor]) {
    let count = layers.len();
    let k = taken.below(count);
    let Some(l) = layers.get_mut(k) else { return };
    match taken.below(10) {
        0 => l.tag = taken.byte(),
        1 => l.variant = taken.byte() % 6,
        2 => l.inputs = taken.half(),
        3 => l.in_frac = taken.byte() % 20,
        4 => l.out_frac = taken.byte() % 20,
        5 => l.carried_frac = taken.byte() % 40,
        6 => l.direction = taken.one(&[Direction::Forward, Direction::Backward]),
        7 => l.params[taken.below(4)] = taken.half(),
        _ => l.units = 1 + taken.byte() as u16 % 24,
    }
    let (units, out_frac) = (l.units, l.out_frac);
    if let (Some(next), 0..200) = (layers.get_mut(k + 1), taken.byte()) {
        (next.inputs, next.in_frac) = (units, out_frac);
    }
}

/// The list of layers, or of chains.
fn list(taken: &mut Taken<'_>, d: &mut Descriptor<'_>, layers: &mut Vec<LayerDescriptor>) {
    let k = taken.below(layers.len());
    match taken.below(4) {
        0 if layers.len() > 1 => drop(layers.remove(k)),
        1 if layers.len() < 16 => layers.insert(k, layers[k]),
        2 => {
            // The chains are full, or have space for one.
            let _ = d.chains.push(taken.byte() % 4);
        }
        _ => {
            let count = d.chains.len();
            if let Some(chain) = d.chains.get_mut(taken.below(count)) {
                *chain = taken.byte() % 6;
            }
        }
    }
}
