//! Models of the recipes' shapes, with random numbers in them: what a step of such a model takes can be counted without
//! training it. Widths are those of the data that the recipe is for.

use elman_quant::IntegerModel;
use elman_quant::synthetic::{self, Drive, ROWS};

/// A recipe and a model of its shape.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Name of the recipe.
    pub name: &'static str,
    /// The model.
    pub model: IntegerModel,
}

/// A layer: its variant, inputs and units; taps and stride of a delay line.
type Layer = (&'static str, usize, usize, [u16; 2]);

const fn of(variant: &'static str, inputs: usize, units: usize) -> Layer {
    (variant, inputs, units, [0; 2])
}

/// `values` numbers through a cell to a number for each of `outputs`.
fn values(values: usize, variant: &'static str, units: usize, outputs: usize) -> Vec<Layer> {
    vec![of("scale", values, values), of(variant, values, units), of("dense", units, outputs)]
}

/// [`values`] with a mean over time.
fn mean(n: usize, variant: &'static str, units: usize, outputs: usize) -> Vec<Layer> {
    let mut layers = values(n, variant, units, outputs);
    layers.insert(2, of("mean", units, units));
    layers
}

/// Symbols through an embedding.
fn symbols(width: usize, variant: &'static str, units: usize, outputs: usize) -> Vec<Layer> {
    vec![of("embedding", 1, width), of(variant, width, units), of("dense", units, outputs)]
}

fn delayed(inputs: usize, taps: u16, stride: u16) -> Layer {
    ("delay", inputs, inputs * (usize::from(taps) + 1), [taps, stride])
}

/// Recipes whose network takes a step a frame.
pub fn recipes() -> Vec<Recipe> {
    let shapes: Vec<(&'static str, Vec<Layer>)> = vec![
        ("adding-gru", values(2, "gru", 48, 1)),
        ("adding-lstm", values(2, "lstm", 48, 1)),
        ("adding-srn", values(2, "srn", 48, 1)),
        ("asc_kws", values(32, "gru", 64, 11)),
        ("asc_kws-fast-grnn", values(32, "fast-grnn", 64, 11)),
        ("asc_kws-li-gru", values(32, "li-gru", 64, 11)),
        ("asc_kws-min-gru", values(32, "min-gru", 64, 11)),
        ("asc_kws-min-lstm", values(32, "min-lstm", 64, 11)),
        ("cascaded_tanks", values(1, "gru", 8, 1)),
        (
            "chinese_poetry",
            vec![of("embedding", 1, 64), of("gru", 64, 128), of("dense", 128, 64), of("dense", 64, 4000)],
        ),
        ("copy-gru", vec![of("one-hot", 1, 10), of("gru", 10, 96), of("dense", 96, 10)]),
        ("fsdd", values(32, "gru", 64, 10)),
        ("fsdd-lstm", values(32, "lstm", 64, 10)),
        ("fsdd-srn", mean(32, "srn", 64, 10)),
        ("har_uci-gru", mean(9, "gru", 32, 6)),
        (
            "har_uci-residual-1",
            vec![of("scale", 9, 9), delayed(9, 4, 2), of("residual-1", 45, 48), of("mean", 48, 48), of("dense", 48, 6)],
        ),
        ("har_uci-residual-2", mean(9, "residual-2", 48, 6)),
        (
            "har_uci-tdnn",
            vec![
                of("scale", 9, 9),
                delayed(9, 4, 2),
                of("dense-relu", 45, 32),
                delayed(32, 4, 4),
                of("dense-relu", 160, 32),
                of("mean", 32, 32),
                of("dense", 32, 6),
            ],
        ),
        ("japanese_vowels-gru", values(12, "gru", 32, 9)),
        ("japanese_vowels-gru-before", values(12, "gru-before", 32, 9)),
        ("japanese_vowels-lstm", values(12, "lstm", 32, 9)),
        ("japanese_vowels-lstm-coupled", values(12, "lstm-coupled", 32, 9)),
        ("japanese_vowels-lstm-no-forget", values(12, "lstm-no-forget", 32, 9)),
        ("japanese_vowels-lstm-peephole", values(12, "lstm-peephole", 32, 9)),
        ("keywords", values(32, "gru", 48, 12)),
        ("names-bag", vec![of("one-hot", 1, 90), of("sum", 90, 90), of("dense-relu", 90, 64), of("dense", 64, 18)]),
        ("names-one-hot", vec![of("one-hot", 1, 90), of("lstm", 90, 64), of("mean", 64, 64), of("dense", 64, 18)]),
        (
            "pendigits",
            vec![of("scale", 16, 16), of("dense-tanh", 16, 64), of("dense-relu", 64, 48), of("dense", 48, 10)],
        ),
        ("pendulum", values(1, "gru", 24, 1)),
        ("silverbox-gru", values(1, "gru", 10, 1)),
        ("tinyshakespeare", symbols(32, "gru", 208, 66)),
        ("ud_en_atis-srn", symbols(32, "srn", 64, 18)),
    ];
    shapes.into_iter().map(|(name, layers)| Recipe { name, model: model(name, &layers) }).collect()
}

/// A model of these layers, each of which takes what the one before gives.
fn model(name: &str, layers: &[Layer]) -> IntegerModel {
    let mut frac = 15;
    let mut made = Vec::new();
    for (seed, (variant, inputs, units, [taps, stride])) in layers.iter().enumerate() {
        let mut layer = synthetic::layer(variant, *inputs, *units, frac, Drive::Ordinary, seed as u64);
        if *taps > 0 {
            (layer.params, layer.units) = ([*taps, *stride, 0, 0], *units);
        }
        frac = layer.out_frac;
        made.push(layer);
    }
    IntegerModel { name: name.to_owned(), layers: made, ..IntegerModel::default() }
}

/// Frames for a model: numbers, or symbols where it takes those, some of them unknown.
pub fn frames(model: &IntegerModel, steps: usize, seed: u64) -> Vec<i16> {
    let first = &model.layers[0];
    let mut frames = synthetic::frames(first.inputs, steps, seed);
    if matches!(first.variant.as_str(), "embedding" | "one-hot") {
        frames.iter_mut().for_each(|x| *x = x.rem_euclid(ROWS as i16 + 2));
    }
    frames
}
