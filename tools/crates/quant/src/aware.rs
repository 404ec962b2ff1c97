//! Quantization-aware training: the network in integers that follows a float network, with scales that are learned.
//!
//! The forward pass is the device's own code, so that what training sees of rounding, tables and saturation is what the device
//! does. Gradients pass rounding as if it were the identity (straight-through estimator, Bengio et al. 2013), and the scale of
//! each row is learned by the gradient of Esser et al. (2020), LSQ, here of its logarithm.

mod rows;
mod run;

use elman_nn::{IntegerStates, LayerSpec, Network, NetworkSpec, StructureSpec};
use elman_train::{IntegerNetwork, Quantizer, Sequence};

use crate::network::{Surroundings, calibrate, layer_map, quantize};
use crate::ptq::{RangeStats, RowScales, dequantized, dequantized_biases, row_scales, shift_of, shifts};
use crate::{IntegerLayer, IntegerModel};
use rows::{Row, rows};

/// Makes the network in integers for a run.
#[derive(Clone, Debug)]
pub struct AwareQuantizer {
    /// What surrounds the network.
    pub around: Surroundings,
    /// Sequences of the training data, for the formats.
    pub calibration: Vec<Sequence>,
    /// Offset and deviation of each output, where the last layer's weights contain them; else empty.
    pub folded: Vec<(f64, f64)>,
}

/// Why a network is not trained like this, if so.
pub fn unsupported(spec: &NetworkSpec) -> Option<String> {
    if spec.structure != StructureSpec::Sequence {
        return Some(
            "it takes networks over sequences; trees, graphs and encoder-decoders are rounded after training".into(),
        );
    }
    let loops = |layer: &&LayerSpec| matches!(layer, LayerSpec::Narx(_));
    let name = spec.layers.iter().find(loops)?.name();
    Some(format!("a layer `{name}` reads its own output, and is rounded after training"))
}

impl Quantizer for AwareQuantizer {
    fn begin(&self, network: &Network<f32>, formats: Option<&str>) -> Result<Box<dyn IntegerNetwork>, String> {
        if let Some(reason) = unsupported(network.spec()) {
            return Err(reason);
        }
        let seen = match formats {
            Some(text) => serde_json::from_str(text).map_err(|e| format!("the formats of the checkpoint: {e}"))?,
            None => self.calibrated(network).map_err(|e| format!("{e:#}"))?,
        };
        let map = places(&network.spec().layers, self.before());
        let integer = quantize(network, &self.around, &seen).map_err(|e| format!("{e:#}"))?;
        let rows = rows(network, &integer, &map, &self.folded);
        let spec = network.spec().clone();
        let aware = Aware { quantizer: self.clone(), spec, seen, map, rows, integer, words: Vec::new() };
        Ok(Box::new(aware))
    }
}

impl AwareQuantizer {
    /// Layers of the blob before the first of the recipe.
    fn before(&self) -> usize {
        usize::from(self.around.scale.is_some())
    }

    /// Formats from calibration, which then stay as they are, and the scales with the least squared error.
    fn calibrated(&self, network: &Network<f32>) -> anyhow::Result<Vec<RangeStats>> {
        let mut seen = calibrate(network, &self.calibration, &self.folded);
        let integer = quantize(network, &self.around, &seen)?;
        for (ranges, place) in seen.iter_mut().zip(places(&network.spec().layers, self.before())) {
            let Some(place) = place else { continue };
            keep(ranges, &integer.layers[place.output]);
            if let Some(reverse) = &mut ranges.reverse {
                keep(reverse, &integer.layers[place.last]);
            }
        }
        Ok(seen)
    }
}

/// The layers of the blob that a layer of the recipe becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    first: usize,
    /// The one whose output is the layer's; of both directions, the forward one.
    output: usize,
    /// The last; of both directions, the one that reads from the end.
    last: usize,
}

/// For each layer of the recipe its place after `before` others; `None` for one that becomes none.
fn places(layers: &[LayerSpec], before: usize) -> Vec<Option<Place>> {
    let place = |(layer, first): (&LayerSpec, Option<usize>)| {
        let first = first?;
        let last = first + layer.device().len() - 1;
        Some(Place { first, output: if directions(layer) > 1 { first } else { last }, last })
    };
    layers.iter().zip(layer_map(layers, before)).map(place).collect()
}

/// How many directions a layer reads in.
fn directions(layer: &LayerSpec) -> usize {
    if matches!(layer, LayerSpec::Cell(cell) if cell.bidirectional) { 2 } else { 1 }
}

/// Makes the formats and scales of a layer those that stay. Biases are learned, so that none has to make up for rounding.
fn keep(ranges: &mut RangeStats, layer: &IntegerLayer) {
    ranges.input_mean.clear();
    ranges.hidden_mean.clear();
    ranges.out_frac = Some(layer.out_frac);
    ranges.p_frac = layer.p_frac();
    ranges.rows = scales_of(layer);
}

/// The scales of a layer that has rows.
fn scales_of(layer: &IntegerLayer) -> Option<RowScales> {
    (!layer.gates.is_empty()).then(|| RowScales { scales: row_scales(layer), shift: shift_of(layer) })
}

/// Takes the coarser of two formats of a layer, and the larger range of its carried state.
fn coarser(ranges: &mut RangeStats, found: &RangeStats, layer: &IntegerLayer) {
    ranges.out_frac = ranges.out_frac.map(|frac| frac.min(layer.out_frac));
    ranges.p_frac = ranges.p_frac.min(layer.p_frac());
    ranges.long = ranges.long.max(found.long);
}

/// The network in integers.
struct Aware {
    quantizer: AwareQuantizer,
    spec: NetworkSpec,
    seen: Vec<RangeStats>,
    /// Where each layer of the recipe is in the blob.
    map: Vec<Option<Place>>,
    rows: Vec<Row>,
    integer: IntegerModel,
    /// The blob that runs: without the scale layer, as training's frames are scaled.
    words: Vec<u32>,
}

impl Aware {
    /// Where the ranges of a row's layer are.
    fn ranges(&mut self, row: usize) -> Option<&mut RowScales> {
        let Row { layer, reverse, .. } = self.rows[row];
        let ranges = self.seen.get_mut(layer)?;
        if reverse { ranges.reverse.as_mut()?.rows.as_mut() } else { ranges.rows.as_mut() }
    }

    /// Whether a format had to become coarser for what the rounded network computes.
    fn wider(&mut self, rounded: &Network<f32>) -> anyhow::Result<bool> {
        let AwareQuantizer { around, calibration, folded, .. } = &self.quantizer;
        let found = calibrate(rounded, calibration, folded);
        let free = quantize(rounded, around, &found)?;
        let now = |layer: usize| self.integer.layers[layer].formats();
        let outgrown = |layer: usize| {
            let (free, now) = (&free.layers[layer], &self.integer.layers[layer]);
            let coarser =
                if shifts(now) { free.carried_frac > now.carried_frac } else { free.carried_frac < now.carried_frac };
            free.out_frac < now.out_frac || free.p_frac() < now.p_frac() || coarser
        };
        let all = 0..self.integer.layers.len();
        if !all.clone().any(outgrown) {
            return Ok(false);
        }
        let before: Vec<_> = all.map(now).collect();
        for ((ranges, found), at) in self.seen.iter_mut().zip(&found).zip(&self.map) {
            let Some(at) = *at else { continue };
            coarser(ranges, found, &free.layers[at.output]);
            if let (Some(reverse), Some(found)) = (&mut ranges.reverse, &found.reverse) {
                coarser(reverse, found, &free.layers[at.last]);
            }
        }
        // Scales are in units of the formats: where these are others, they are searched again.
        let rows = |seen: &mut [RangeStats], of: &dyn Fn(usize) -> Option<RowScales>| {
            for (ranges, at) in seen.iter_mut().zip(&self.map).filter_map(|(r, at)| Some((r, (*at)?))) {
                ranges.rows = of(at.output);
                if let Some(reverse) = &mut ranges.reverse {
                    reverse.rows = of(at.last);
                }
            }
        };
        let mut seen = self.seen.clone();
        rows(&mut seen, &|_| None);
        let searched = quantize(rounded, &self.quantizer.around, &seen)?;
        rows(&mut seen, &|at| {
            let (layer, old) = (&searched.layers[at], &self.integer.layers[at]);
            let from = if layer.formats() == before[at] { old } else { layer };
            scales_of(from)
        });
        self.integer = quantize(rounded, &self.quantizer.around, &seen)?;
        self.seen = seen;
        Ok(true)
    }

    fn rounded(&mut self, network: &Network<f32>, scales: &[f32]) -> anyhow::Result<Vec<f32>> {
        for (row, scale) in scales.iter().enumerate() {
            let at = self.rows[row].row;
            if let Some(rows) = self.ranges(row) {
                rows.scales[at] = f64::from(*scale).exp();
            }
        }
        self.integer = quantize(network, &self.quantizer.around, &self.seen)?;
        // What does not fit the accumulator got a coarser scale.
        let all: Vec<Vec<f64>> = self.integer.layers.iter().map(row_scales).collect();
        for row in 0..self.rows.len() {
            let Row { device, row: at, .. } = self.rows[row];
            if let Some(rows) = self.ranges(row) {
                rows.scales[at] = all[device][at];
            }
        }
        self.words = run::words(&self.integer, self.quantizer.before())?;
        Ok(self.stand_for(network))
    }

    /// What the device's weights stand for.
    fn stand_for(&self, network: &Network<f32>) -> Vec<f32> {
        let mut values = network.values().to_vec();
        let weights: Vec<_> = self.integer.layers.iter().map(dequantized).collect();
        let biases: Vec<_> = self.integer.layers.iter().map(dequantized_biases).collect();
        for row in &self.rows {
            let (w, u) = &weights[row.device][row.gate];
            for (place, rounded) in [(&row.w, w), (&row.u, u)] {
                let rounded = rounded.iter().skip(row.of_gate * place.len());
                values[place.clone()].iter_mut().zip(rounded).for_each(|(v, r)| *v = (r / row.deviation) as f32);
            }
            if let Some(bias) = row.bias {
                values[bias] = ((biases[row.device][row.row] - row.offset) / row.deviation) as f32;
            }
        }
        values
    }
}

impl IntegerNetwork for Aware {
    fn scales(&self) -> Vec<f32> {
        let scales: Vec<Vec<f64>> = self.integer.layers.iter().map(row_scales).collect();
        self.rows.iter().map(|row| scales[row.device][row.row].ln() as f32).collect()
    }

    fn widen(&mut self, rounded: &Network<f32>) -> Result<Option<Vec<f32>>, String> {
        let wider = self.wider(rounded).map_err(|e| format!("{e:#}"))?;
        Ok(wider.then(|| self.scales()))
    }

    fn round(&mut self, network: &Network<f32>, scales: &[f32]) -> Result<Vec<f32>, String> {
        self.rounded(network, scales).map_err(|e| format!("{e:#}"))
    }

    fn backward(&self, network: &Network<f32>, gradient: &mut [f32], scales: &mut [f32]) {
        let values = network.values();
        for (row, to) in self.rows.iter().zip(scales) {
            let weights = self.integer.layers[row.device].weights;
            let max = f64::from(weights.max());
            let shrink = 0.5f64.powi(shift_of(&self.integer.layers[row.device]).into());
            let scale = row_scale(&self.integer, row) * f64::from(weights.unit()) / shrink / row.deviation;
            for (place, unit) in [(&row.w, row.x_unit), (&row.u, row.h_unit)] {
                let step = scale / unit;
                for k in place.clone() {
                    let (w, g) = (f64::from(values[k]), f64::from(gradient[k]));
                    let in_steps = w / step;
                    if in_steps.abs() <= max + 0.5 {
                        *to += (g * (in_steps.round() * step - w)) as f32;
                    } else {
                        *to += (g * max.copysign(w) * step) as f32;
                        gradient[k] = 0.0;
                    }
                }
            }
        }
    }

    fn run(&self, sequences: &[&Sequence]) -> Vec<Vec<IntegerStates>> {
        run::sequences(&self.words, &self.integer, &self.quantizer, (&self.spec, &self.map), sequences)
    }

    fn formats(&self) -> String {
        serde_json::to_string(&self.seen).unwrap_or_default()
    }
}

/// The scale of a row.
fn row_scale(integer: &IntegerModel, row: &Row) -> f64 {
    let gate = &integer.layers[row.device].gates[row.gate];
    f64::from(gate.multiplier[row.of_gate]) / 2f64.powi(33) / row.factor
}
