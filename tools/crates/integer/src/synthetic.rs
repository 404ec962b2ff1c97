//! Seeded models and inputs without training: for tests of bits, counts of instructions and fuzz seeds.

mod exercise;
pub mod graph;
pub mod sound;

pub use exercise::{Exercise, exercise};

use elman::arith::Q;
use elman::blob::{AttentionScore, Direction, Readout, Structure};
use elman::cell::{
    CarriedState, DelayTaps, GateShape, OutRange, PeepholeFormat, Recurrence, StageKind, VariantSpec, WidthRule,
};
use elman::kernel::WeightFormat;
use elman::net::Node;
use elman::text::TextUnit;
use elman::wiring::SEQ2SEQ;
use elman::wiring::seq2seq::{BRIDGE, DECODER, ENCODER, ENERGY, HEAD, KEY, QUERY};

use super::scaling::SCALED_FRAC;
use super::{IntegerGate, IntegerLayer, IntegerModel, channels};

/// A small generator (SplitMix64) whose numbers are the same on every machine.
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.draw() % (high - low + 1) as u64) as i64
    }
}

/// How strongly a synthetic layer drives its gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Pre-activations of a standard deviation near 1, as in a trained network.
    Ordinary,
    /// Gates and states run into saturation: multipliers 60 times as large, biases up to their bound.
    Saturating,
}

/// Rows of a synthetic embedding.
pub const ROWS: u16 = 11;

/// A layer with random weights over the full range of int8. Widths that follow from the variant replace those given:
/// layers that keep the width have `inputs` units, symbols are one element, and a delay line has 3 taps at a stride
/// of 2, with 2 of its own for the last of several elements.
///
/// # Panics
/// Where the tables have no such variant.
pub fn layer(variant: &str, inputs: usize, units: usize, in_frac: u8, drive: Drive, seed: u64) -> IntegerLayer {
    let (_, _, spec) = elman::layer::named(variant).expect("a variant of the tables");
    let mut numbers = Numbers(seed);
    // Cells of a projected LSTM, or the rank of U and the fraction bits of p.
    let params = match spec.recurrence {
        Recurrence::State => [0; 4],
        Recurrence::LowRank => [units.div_ceil(2) as u16, 12, 0, 0],
        Recurrence::Projected => [(units + units.div_ceil(2)) as u16, 0, 0, 0],
    };
    let gates = spec
        .shapes(inputs, units, params)
        .map(|(_, GateShape { rows, inputs: w, hidden: u })| {
            // Elements of about 9000 and weights of about 73 make a sum with a deviation of 657000 sqrt(n).
            let spread = 657_000.0 * ((w + u) as f64).sqrt();
            let strength = if drive == Drive::Saturating { 60.0 } else { 1.0 };
            let multiplier = (strength * 2f64.powi(48) / spread).min(i32::MAX as f64 - 1000.0) as i64;
            let bias = if drive == Drive::Saturating { 100_000_000 } else { 1_000_000 };
            let mut weights = |n: usize| (0..n).map(|_| numbers.between(-127, 127) as i8).collect::<Vec<_>>();
            IntegerGate {
                w: weights(w * rows),
                u: weights(u * rows),
                bias: (0..rows).map(|_| numbers.between(-bias, bias) as i32).collect(),
                multiplier: (0..rows).map(|_| (multiplier + numbers.between(0, 999)) as i32).collect(),
            }
        })
        .collect();
    // Both kinds of formats of a bounded output are met by whatever is driven both ways.
    let bounded_frac = if drive == Drive::Saturating { 12 } else { 15 };
    let pointwise = pointwise(spec);
    let scale = (0..if pointwise { inputs } else { 0 })
        .map(|_| (numbers.between(-4000, 4000) as i16, numbers.between(1, 32767) as i16))
        .collect();
    let mut layer = IntegerLayer {
        variant: variant.to_owned(),
        inputs,
        units,
        in_frac,
        out_frac: match spec.out {
            OutRange::Bounded => bounded_frac,
            OutRange::Input => in_frac,
            OutRange::OneHot => 14,
            OutRange::Calibrated if spec.carried == CarriedState::Sum => in_frac.min(10),
            OutRange::Calibrated => 11,
        },
        carried_frac: match spec.carried {
            CarriedState::None if pointwise => 14,
            CarriedState::None | CarriedState::Mean | CarriedState::Sum | CarriedState::Max | CarriedState::Line => 0,
            CarriedState::Hidden => bounded_frac + Q::HIDDEN_MORE,
            CarriedState::Cell | CarriedState::Pair => 27,
            CarriedState::Wide => 25,
        },
        gates,
        scale,
        params,
        ..IntegerLayer::default()
    };
    decorate(spec, &mut layer, drive, &mut numbers);
    layer
}

/// The model with its int8 weights scaled to the range of `format`.
pub fn in_format(mut model: IntegerModel, format: WeightFormat) -> IntegerModel {
    let (from, to) = (f64::from(WeightFormat::Int8.max()), f64::from(format.max()));
    let scaled = |w: &mut i8| *w = (f64::from(*w) * to / from).round() as i8;
    for layer in &mut model.layers {
        layer.weights = format;
        layer.gates.iter_mut().flat_map(|gate| gate.w.iter_mut().chain(&mut gate.u)).for_each(scaled);
        layer.table.iter_mut().for_each(scaled);
    }
    model
}

/// Whether a variant has a word of parameters for each unit.
fn pointwise(spec: &VariantSpec) -> bool {
    spec.stages.iter().any(|s| s.kind == StageKind::Pointwise)
}

/// What only some variants have: widths that follow from numbers of their own, peepholes, a table.
fn decorate(spec: &VariantSpec, layer: &mut IntegerLayer, drive: Drive, numbers: &mut Numbers) {
    // Ordinary cell states are below 1, and V·c then of the size of the other pre-activations.
    let peephole = match (drive, spec.peephole_format) {
        (Drive::Saturating, _) => i32::MAX as i64,
        (_, PeepholeFormat::CellState) => 1 << 21,
        (_, PeepholeFormat::Bias) => 1 << 17,
    };
    layer.diagonal =
        (0..spec.peephole.len() * layer.units).map(|_| numbers.between(-peephole, peephole) as i32).collect();
    if spec.peephole_format == PeepholeFormat::Bias {
        // ζ and ν of a FastGRNN.
        let shared = if drive == Drive::Saturating { [u16::MAX, 20_000] } else { [47_911, 1_179] };
        let at = spec.params.len() - shared.len();
        layer.params[at..][..shared.len()].copy_from_slice(&shared);
    }
    match spec.widths {
        WidthRule::Symbol => {
            (layer.inputs, layer.in_frac) = (1, 0);
            if spec.stages.iter().any(|s| s.kind == StageKind::Table) {
                layer.params[0] = ROWS;
                layer.table = (0..ROWS as usize * layer.units).map(|_| numbers.between(-127, 127) as i8).collect();
                layer.row_multiplier = (0..ROWS).map(|_| numbers.between(1 << 20, (1 << 24) - 1) as i32).collect();
            }
        }
        WidthRule::DelayTaps => {
            // Taps of a tail of their own, where there is one besides the rest.
            let tail = (layer.inputs > 1) as u16;
            layer.params = [3, 2, tail, 2 * tail];
            layer.units = DelayTaps::of(layer.params).outputs(layer.inputs).expect("numbers of a delay line");
        }
        WidthRule::Same => {
            layer.units = layer.inputs;
            if spec.run.is_some() {
                layer.params[0] = 3;
            }
        }
        WidthRule::Free if pointwise(spec) => {
            // Filters of three weights and a shift, over three frames side by side.
            (layer.units, layer.params[0], layer.carried_frac) = (layer.inputs, 3, 0);
            layer.inputs *= 3;
            let mut byte = |low: i64, high: i64| numbers.between(low, high) as i8;
            let shifts = if drive == Drive::Saturating { [0, 3] } else { [7, 11] };
            let mut word = || {
                let [a, b, c, shift] = [byte(-127, 127), byte(-127, 127), byte(-127, 127), byte(shifts[0], shifts[1])];
                (i16::from_le_bytes([a as u8, b as u8]), i16::from_le_bytes([c as u8, shift as u8]))
            };
            layer.scale = (0..layer.units).map(|_| word()).collect();
        }
        WidthRule::Free => {}
    }
}

/// A model of one recurrent layer and, for `outputs` > 0, a dense layer.
pub fn model(variant: &str, inputs: usize, units: usize, outputs: usize, drive: Drive, seed: u64) -> IntegerModel {
    let first = layer(variant, inputs, units, 15, drive, seed);
    let mut layers = vec![first];
    if outputs > 0 {
        layers.push(layer("dense", layers[0].units, outputs, layers[0].out_frac, Drive::Ordinary, seed ^ 1));
    }
    IntegerModel {
        name: format!("{variant} {inputs}x{units}"),
        readout: Readout::EveryStep,
        fingerprint: seed,
        layers,
        ..IntegerModel::default()
    }
}

/// Input frames: stretches of random frames of several amplitudes, of all-minimum, all-maximum and zero.
pub fn frames(inputs: usize, steps: usize, seed: u64) -> Vec<i16> {
    let mut numbers = Numbers(seed ^ 0x5EED);
    (0..steps)
        .flat_map(|t| {
            let amplitude = match (t / 50) % 6 {
                0 | 1 => 16_384,
                2 => 32_767,
                3 => -1,
                4 => -2,
                _ => 600,
            };
            (0..inputs)
                .map(|_| match amplitude {
                    -1 => i16::MIN,
                    -2 => i16::MAX,
                    a => numbers.between(-a, a) as i16,
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A model of pairs of layers, each a forward and a backward one of a variant, with `units` units in each direction,
/// then for `outputs` > 0 a dense layer; for sequences of up to `steps`.
pub fn bidirectional(
    variants: &[&str],
    inputs: usize,
    units: usize,
    outputs: usize,
    steps: u16,
    seed: u64,
) -> IntegerModel {
    let (mut layers, mut width, mut frac) = (Vec::new(), inputs, 15);
    for (k, variant) in variants.iter().enumerate() {
        let forward = layer(variant, width, units, frac, Drive::Ordinary, seed + 2 * k as u64);
        let mut backward = layer(variant, width, units, frac, Drive::Ordinary, seed + 2 * k as u64 + 1);
        backward.direction = Direction::Backward;
        (width, frac) = (forward.units + backward.units, forward.out_frac);
        layers.extend([forward, backward]);
    }
    if outputs > 0 {
        layers.push(layer("dense", width, outputs, frac, Drive::Ordinary, seed ^ 1));
    }
    IntegerModel {
        name: format!("{} {inputs}x{units} both ways", variants.join(" ")),
        readout: Readout::EveryStep,
        fingerprint: seed,
        layers,
        max_steps: steps,
        ..IntegerModel::default()
    }
}

/// An encoder-decoder over [`ROWS`] symbols on either side: embeddings and a cell of `units` units each, two layers of a
/// head. With `both` the encoder reads both ways, and a bridge, query and key stand between; else they are the states
/// themselves. `extent` is the longest source and the most symbols written.
pub fn seq2seq(
    [encoder, decoder]: [&str; 2],
    score: AttentionScore,
    units: usize,
    both: bool,
    extent: [u16; 2],
    beams: u8,
    seed: u64,
) -> IntegerModel {
    let make = |variant: &str, inputs: usize, units: usize, frac: u8, k: u64| {
        layer(variant, inputs, units, frac, Drive::Ordinary, seed ^ (k << 8))
    };
    let states = if both { 2 * units } else { units };
    let mut chains: Vec<Vec<IntegerLayer>> = vec![Vec::new(); SEQ2SEQ.wires.len()];
    chains[ENCODER] = vec![make("embedding", 1, units, 0, 1), make(encoder, units, units, 11, 2)];
    chains[DECODER] = vec![make("embedding", 1, units, 0, 4), make(decoder, units, units, 11, 5)];
    let frac = chains[DECODER][1].out_frac;
    if both {
        let backward = make(encoder, units, units, 11, 3);
        chains[ENCODER].push(IntegerLayer { direction: Direction::Backward, ..backward });
        // What it gives is a state of the decoder.
        let bridge = if frac == 15 { "dense-tanh" } else { "dense" };
        chains[BRIDGE] = vec![make(bridge, states, units, frac, 6)];
    }
    if both && score != AttentionScore::None {
        chains[QUERY] = vec![make("dense", units, units, frac, 7)];
        chains[KEY] = vec![make("dense", states, units, frac, 8)];
    }
    if score == AttentionScore::Additive {
        chains[ENERGY] = vec![make("dense", units, 1, 15, 9)];
    }
    let joined = if score == AttentionScore::None { units } else { units + states };
    chains[HEAD] = vec![make("dense-tanh", joined, units, frac, 10), make("dense", units, ROWS.into(), 15, 11)];
    let [max_steps, max_outputs] = extent;
    IntegerModel {
        name: format!("{encoder} to {decoder}, {units} units"),
        labels: std::iter::once("<end>".to_owned()).chain((1..ROWS).map(|k| format!("{k}"))).collect(),
        readout: Readout::EveryStep,
        fingerprint: seed,
        max_steps,
        structure: Structure::Seq2seq { score, max_outputs, beams },
        chains: chains.iter().map(|c| c.len() as u8).collect(),
        layers: chains.into_iter().flatten().collect(),
        ..IntegerModel::default()
    }
}

/// A source of an encoder-decoder of [`seq2seq`].
pub fn source(steps: usize, seed: u64) -> Vec<i16> {
    let mut numbers = Numbers(seed ^ 0x50CE);
    (0..steps).map(|_| numbers.between(0, i64::from(ROWS) - 1) as i16).collect()
}

/// A recursive network over symbols: an embedding and perhaps `leaf` after it, the composing layer, and a dense layer at
/// every node, or over the last nodes where `roots` is more than one.
pub fn tree(
    leaf: &str,
    compose: &str,
    units: usize,
    roots: u8,
    [max_nodes, slots]: [u16; 2],
    seed: u64,
) -> IntegerModel {
    let mut layers = vec![layer("embedding", 1, units, 0, Drive::Ordinary, seed)];
    // What leaves give is a state.
    layers[0].out_frac = 15;
    if !leaf.is_empty() {
        layers.push(layer(leaf, units, units, 15, Drive::Ordinary, seed ^ 1));
    }
    let leaves = layers.len() as u8;
    layers.push(layer(compose, 2 * units, units, 15, Drive::Ordinary, seed ^ 2));
    layers.push(layer("dense", units * usize::from(roots), 3, 15, Drive::Ordinary, seed ^ 3));
    IntegerModel {
        name: format!("{leaf} {compose} {units} over trees"),
        readout: if roots == 1 { Readout::EveryStep } else { Readout::Last },
        fingerprint: seed,
        structure: Structure::Tree { roots, max_nodes, slots },
        chains: vec![leaves, 1, 1],
        layers,
        ..IntegerModel::default()
    }
}

/// Some nodes of a directed acyclic graph, leaves of `frames` frames among them.
pub fn nodes(count: usize, frames: u16, seed: u64) -> Vec<Node> {
    let mut numbers = Numbers(seed ^ 0x7EE);
    let mut below = |n: usize| numbers.between(0, n as i64 - 1) as u16;
    (0..count)
        .map(|k| match below(3) {
            1 | 2 if k > 0 => Node::Inner { left: below(k), right: below(k) },
            _ => Node::Leaf(below(frames.into())),
        })
        .collect()
}

/// A model that knows gestures from thousandths of g along three axes: scale, GRU and dense layer, and a detector for all
/// outputs but the first.
///
/// # Panics
/// Where there are more outputs than a detector takes.
pub fn gestures(units: usize, outputs: usize, seed: u64) -> IntegerModel {
    let scale = layer("scale", 3, 3, 0, Drive::Ordinary, seed ^ 2);
    let frac = scale.out_frac;
    IntegerModel {
        name: format!("gestures with {units} units"),
        labels: (0..outputs).map(|k| format!("gesture {k}")).collect(),
        readout: Readout::EveryStep,
        fingerprint: seed,
        detect: Some(sound::detector(outputs)),
        layers: vec![
            scale,
            layer("gru", 3, units, frac, Drive::Ordinary, seed),
            layer("dense", units, outputs, 15, Drive::Ordinary, seed ^ 1),
        ],
        ..IntegerModel::default()
    }
}

/// A model of sensors: readings with scalings of all kinds, a GRU, a dense layer, and outputs that are readings.
pub fn sensors(units: usize, outputs: usize, seed: u64) -> IntegerModel {
    let input = [
        channels::input(&[101_200.0, 101_325.0, 101_410.0, 101_290.0], SCALED_FRAC),
        channels::input(&[1.5e-6, -2.5e-6, 0.3e-6], SCALED_FRAC),
        channels::input(&[-8_000_311.0, -7_999_000.0, -8_003_512.0], SCALED_FRAC),
        channels::input(&[0.0, 1.0, 0.0], SCALED_FRAC),
    ];
    let mut gru = layer("gru", input.len(), units, SCALED_FRAC, Drive::Ordinary, seed);
    gru.in_frac = SCALED_FRAC;
    let head = layer("dense", units, outputs, 15, Drive::Ordinary, seed ^ 1);
    let output = (0..outputs).map(|k| channels::output(1013.25 * k as f64, 2.5, head.out_frac)).collect();
    IntegerModel {
        name: format!("sensors with {units} units"),
        readout: Readout::EveryStep,
        fingerprint: seed,
        layers: vec![gru, head],
        input: input.to_vec(),
        output,
        ..IntegerModel::default()
    }
}

/// A language model of `symbols` characters (the unknown one included): embedding, GRU and dense layer.
///
/// # Panics
/// Where `symbols` is 0 or beyond the characters from `!` on.
pub fn language(symbols: u16, units: usize, seed: u64) -> IntegerModel {
    let mut numbers = Numbers(seed);
    let mut embedding = layer("embedding", 1, units, 0, Drive::Ordinary, seed);
    embedding.params[0] = symbols;
    embedding.table = (0..symbols as usize * units).map(|_| numbers.between(-127, 127) as i8).collect();
    embedding.row_multiplier = (0..symbols).map(|_| numbers.between(1 << 20, (1 << 24) - 1) as i32).collect();
    let frac = embedding.out_frac;
    let characters = (1..symbols as u32).map(|k| char::from_u32(0x20 + k).expect("a character").to_string());
    IntegerModel {
        name: format!("language of {symbols} characters"),
        readout: Readout::EveryStep,
        fingerprint: seed,
        text: Some((TextUnit::Characters, characters.collect())),
        layers: vec![
            embedding,
            layer("gru", units, units, frac, Drive::Ordinary, seed ^ 2),
            layer("dense", units, symbols as usize, 15, Drive::Ordinary, seed ^ 3),
        ],
        ..IntegerModel::default()
    }
}
