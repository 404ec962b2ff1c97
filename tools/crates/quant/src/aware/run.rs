//! Training sequences through the device's code.

use anyhow::Result;
use elman::cell::{CarriedState, Recurrence};
use elman_nn::{IntegerStates, LayerSpec, NetworkSpec};
use elman_train::Sequence;

use super::{AwareQuantizer, Place, directions};
use crate::{IntegerLayer, IntegerModel, trace, words_of};

/// The blob of a model that reads frames as training has them: scaled, `before` layers being left out.
pub(super) fn words(integer: &IntegerModel, before: usize) -> Result<Vec<u32>> {
    let layers = integer.layers[before..].to_vec();
    words_of(&IntegerModel { layers, audio: None, ..integer.clone() }.to_blob()?)
}

/// What each layer of the recipe computes of each sequence.
///
/// # Panics
/// Where the blob does not load, which making it has tried, or a sequence is longer than the model's longest.
pub(super) fn sequences(
    words: &[u32],
    integer: &IntegerModel,
    quantizer: &AwareQuantizer,
    (spec, map): (&NetworkSpec, &[Option<Place>]),
    sequences: &[&Sequence],
) -> Vec<Vec<IntegerStates>> {
    let before = quantizer.before();
    let model = trace::load(words).expect("a blob that was loaded as it was made");
    let frac = integer.layers.get(before).map_or(0, |layer| layer.in_frac);
    let unit = 2f32.powi(frac.into());
    let mut memory = vec![0; model.memory_words()];
    let one = |sequence: &&Sequence| {
        let frames: Vec<i16> = sequence.frames.iter().map(|x| integer_frame(*x, unit)).collect();
        let states =
            trace::states(&model, &mut memory, &frames, spec.per_step()).expect("a sequence that the model takes");
        let mut steps = frames.len() / model.inputs().max(1);
        let of_layer = |(k, place): (usize, &Option<Place>)| {
            if matches!(spec.layers[k], LayerSpec::Pool(_)) {
                steps = 1;
            }
            let Some(place) = *place else { return IntegerStates::default() };
            let of = |device: usize| of_device(&integer.layers[device], &states[device - before], steps);
            let forward = of(place.output);
            if directions(&spec.layers[k]) > 1 { both(&forward, &of(place.last)) } else { forward }
        };
        let mut all: Vec<IntegerStates> = map.iter().enumerate().map(of_layer).collect();
        if let Some(last) = all.last_mut() {
            for (y, (offset, deviation)) in last.out.iter_mut().zip(quantizer.folded.iter().cycle()) {
                *y = ((f64::from(*y) - offset) / deviation) as f32;
            }
        }
        all
    };
    sequences.iter().map(one).collect()
}

/// An element of a frame in the model's format; symbols are whole numbers, the greatest beyond an i16's half.
fn integer_frame(x: f32, unit: f32) -> i16 {
    let x = (x * unit).round();
    if x > 32_767.0 && unit == 1.0 { x.min(65_535.0) as u16 as i16 } else { x.clamp(-32_768.0, 32_767.0) as i16 }
}

/// The last `steps` steps of a layer of the blob, as numbers.
fn of_device(layer: &IntegerLayer, states: &trace::LayerStates, steps: usize) -> IntegerStates {
    let kept = layer.units * steps;
    let tail = |n: usize| n.saturating_sub(kept);
    let unit = 2f32.powi(-i32::from(layer.out_frac));
    let out = states.out[tail(states.out.len())..].iter().map(|y| f32::from(*y) * unit).collect();
    let spec = elman::layer::named(&layer.variant).map(|(_, _, spec)| (spec.carried, spec.recurrence));
    // Of a projected LSTM only the output is taken: m and c are those of the float cells.
    let carried = if matches!(spec, Some((CarriedState::Cell, recurrence)) if recurrence != Recurrence::Projected) {
        let unit = 2f64.powi(-i32::from(layer.carried_frac));
        let all = &states.carried[tail(states.carried.len())..];
        all.iter().map(|c| (f64::from(*c) * unit) as f32).collect()
    } else {
        Vec::new()
    };
    IntegerStates { width: layer.units, out, carried }
}

/// Both directions side by side.
fn both(forward: &IntegerStates, reverse: &IntegerStates) -> IntegerStates {
    let (left, right) = (forward.width, reverse.width);
    IntegerStates {
        width: left + right,
        out: side_by_side(&forward.out, &reverse.out, left, right),
        carried: side_by_side(&forward.carried, &reverse.carried, left, right),
    }
}

fn side_by_side(a: &[f32], b: &[f32], left: usize, right: usize) -> Vec<f32> {
    a.chunks_exact(left).zip(b.chunks_exact(right)).flat_map(|(a, b)| a.iter().chain(b)).copied().collect()
}
