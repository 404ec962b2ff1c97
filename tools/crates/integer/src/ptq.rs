//! Rounding after training: weights with one scale per row, formats from calibration.
//!
//! A row of the device is one sum over `[x; h]` with one requantization. With fraction bits F_x and F_h of the two
//! parts, the row's real weights are W·2^(15 - F_x) and U·2^(15 - F_h) against elements read as Q0.15; the scale s
//! maps their largest magnitude to that of the weight format, 127 in int8 and 112 in int4, whose weights of -7 to 7 count 16 each. Then
//! accumulator·s·2^-15 is the pre-activation, and in Q15.16 after a shift by 32 the multiplier is s·2^33.
//!
//! The scale is that of the larger part. A format of h with fewer fraction bits makes U larger next to W, at the price of a
//! coarser h: [`quantize_layer`] takes the one with the least noise.

use anyhow::{Result, ensure};
use elman::arith::Q;
use elman::cell::{CarriedState, GateShape, OutRange, PeepholeFormat, PreFormat, Recurrence, VariantSpec};
use elman::kernel::WeightFormat;
use elman::kernel::weights::accumulator_overflows;

use serde::{Deserialize, Serialize};

use super::{IntegerGate, IntegerLayer};

/// A trained layer: gate-major rows, as the trainer stores them.
#[derive(Clone, Debug, Default)]
pub struct FloatLayer<'a> {
    /// Variant, as in the tables of `elman`.
    pub variant: &'a str,
    /// Elements of the input vector.
    pub inputs: usize,
    /// Elements of the output vector.
    pub units: usize,
    /// W, `[gates with input columns * units, inputs]`.
    pub w: &'a [f32],
    /// U, `[gates with recurrent columns * units, units]`; of a cell whose gates read p, over its elements.
    pub u: &'a [f32],
    /// b, `[gates * units]`.
    pub b: &'a [f32],
    /// V of a cell with peepholes, `[gates that see c * units]`.
    pub v: &'a [f32],
    /// U₂ or P of a cell whose gates read p, `[elements of p, units]`.
    pub p: &'a [f32],
    /// The layer's own numbers.
    pub params: [u16; 4],
    /// The format that its weights get.
    pub weights: WeightFormat,
}

/// What calibration saw of a layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RangeStats {
    /// Largest magnitude of the output vector.
    pub out: f64,
    /// Largest magnitude of the long state.
    pub long: f64,
    /// Largest magnitude of the first stage's pre-activations.
    pub pre: f64,
    /// Mean of each element of the input vector; empty where it is not known.
    pub input_mean: Vec<f64>,
    /// Mean of each element of the hidden state before a step; empty where it is not known.
    pub hidden_mean: Vec<f64>,
    /// Mean square of the input's elements.
    pub input_power: f64,
    /// Mean square of the elements of the hidden state before a step.
    pub hidden_power: f64,
    /// Steps in the means.
    pub steps: usize,
    /// Fraction bits of the output, where those of others decide them.
    pub out_frac: Option<u8>,
    /// Fraction bits of p, where training chose them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_frac: Option<u8>,
    /// Scales of the rows and the shift of the pre-activations, where training chose them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowScales>,
    /// The same of the reverse direction, where the layer has one; `out` is that of both.
    pub reverse: Option<Box<RangeStats>>,
}

/// Scales that were learned (quantization-aware training).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowScales {
    /// Of each row, gate after gate and unit after unit: what a weight of 1 stands for, where elements are read as Q0.15.
    pub scales: Vec<f64>,
    /// How many times pre-activations are halved, of a linear map.
    pub shift: u8,
}

impl RangeStats {
    /// Takes in what another sequence showed; means are sums until [`RangeStats::average`].
    pub fn add(&mut self, other: &RangeStats) {
        self.out = self.out.max(other.out);
        self.long = self.long.max(other.long);
        self.pre = self.pre.max(other.pre);
        self.steps += other.steps;
        self.input_power += other.input_power;
        self.hidden_power += other.hidden_power;
        let pairs = [(&mut self.input_mean, &other.input_mean), (&mut self.hidden_mean, &other.hidden_mean)];
        for (to, from) in pairs {
            to.resize(from.len(), 0.0);
            to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
        }
        if let Some(other) = &other.reverse {
            self.reverse.get_or_insert_default().add(other);
            // Both halves of the output share a format.
            self.reverse.iter_mut().for_each(|r| r.out = self.out);
        }
    }

    /// Makes means of the sums.
    pub fn average(&mut self) {
        let n = self.steps.max(1) as f64;
        let powers = [&mut self.input_power, &mut self.hidden_power];
        self.input_mean.iter_mut().chain(&mut self.hidden_mean).chain(powers).for_each(|m| *m /= n);
        self.reverse.iter_mut().for_each(|r| r.average());
    }
}

/// Largest scale whose multiplier is an i32.
const MOST_SCALE: f64 = 0.2499;

/// Fraction bits that hold `range` in `bits` bits with sign, within `low..=high`.
pub fn frac_for(range: f64, bits: i32, low: i32, high: i32) -> u8 {
    let whole = range.max(f64::MIN_POSITIVE).log2().floor() as i32 + 1;
    (bits - 1 - whole).clamp(low, high) as u8
}

/// Fraction bits of a layer's output for what was seen.
///
/// A head is written once, so a quarter of headroom serves; a state that feeds itself gets twice the range.
pub fn out_frac(out: OutRange, stateful: bool, in_frac: u8, seen: &RangeStats) -> u8 {
    match out {
        OutRange::OneHot => 14,
        OutRange::Input => in_frac,
        OutRange::Bounded | OutRange::Calibrated if seen.out_frac.is_some() => seen.out_frac.unwrap_or(15),
        OutRange::Bounded => 15,
        OutRange::Calibrated => frac_for(seen.out * if stateful { 2.0 } else { 1.25 }, 16, 0, 15),
    }
}

/// Most fraction bits that a hidden state gives up to its recurrent weights.
const MOST_GIVEN_UP: u8 = 6;

/// Fraction bits of h, at most `base`, with the least noise of the pre-activations.
///
/// A row has one scale, that of the larger of W·2^(15 - F_x) and U·2^(15 - F_h), and each weight an error of a twelfth of its square.
/// A bit less of h halves the error of U as long as W decides the scale, and doubles that of h.
fn hidden_frac(layer: &FloatLayer<'_>, spec: &VariantSpec, in_frac: u8, base: u8, seen: &RangeStats) -> u8 {
    if !spec.recurrent() || seen.steps == 0 || seen.out_frac.is_some() {
        return base;
    }
    let projection = spec.gates().count().wrapping_sub(1);
    let mut rows = rows(layer, spec);
    let mut h = spec.recurrent_width(layer.units, layer.params) as f64;
    let mut hidden_power = seen.hidden_power;
    if spec.recurrence != Recurrence::State {
        rows.retain(|(gate, ..)| *gate != projection);
    }
    if spec.recurrence == Recurrence::LowRank {
        // Of p, as if the elements of h had nothing to do with each other.
        hidden_power *= layer.p.iter().map(|p| f64::from(*p).powi(2)).sum::<f64>() / h;
    }
    h = h.max(1.0);
    let n = layer.inputs as f64;
    let largest = |values: &[f32]| values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())));
    let noise = |frac: u8| {
        let (x_unit, h_unit) = (2f64.powi(15 - i32::from(in_frac)), 2f64.powi(15 - i32::from(frac)));
        let of_row = |(gate, w, u, _): &(usize, &[f32], &[f32], f32)| {
            let most = spec.gates().nth(*gate).map_or(MOST_SCALE, |g| most_scale(g.pre)) * reach(layer.weights);
            let (w_max, u_max) = (largest(w) * x_unit, largest(u) * h_unit);
            let scale = w_max.max(u_max).min(most) / f64::from(layer.weights.max());
            // What is cut off of the largest of U; of W it is the same in all formats.
            let cut = ((u_max - most).max(0.0) / h_unit).powi(2) * hidden_power;
            let of_x = if w.is_empty() { 0.0 } else { n * seen.input_power / x_unit.powi(2) };
            let of_h = if u.is_empty() { 0.0 } else { h * hidden_power / h_unit.powi(2) };
            let rounded = u.iter().map(|u| f64::from(*u).powi(2)).sum::<f64>() * (h_unit / 32_768.0).powi(2);
            [scale.powi(2) * of_x / 12.0, cut + (scale.powi(2) * of_h + rounded) / 12.0]
        };
        rows.iter().map(of_row).fold([0.0, 0.0], |[x, h], [of_x, of_h]| [x + of_x, h + of_h])
    };
    let mut best = (base, noise(base));
    for frac in (base.saturating_sub(MOST_GIVEN_UP)..base).rev() {
        let [of_x, of_h] = noise(frac);
        let [best_x, best_h] = best.1;
        // A bit is not given up for next to nothing: a fiftieth of the noise that comes with h.
        if of_x + of_h < best_x + 0.98 * best_h {
            best = (frac, [of_x, of_h]);
        }
    }
    best.0
}

/// Largest scale of a row of this format.
fn most_scale(pre: PreFormat) -> f64 {
    MOST_SCALE / factor(pre)
}

/// What a row's multiplier is larger by than for a pre-activation of Q15.16.
fn factor(pre: PreFormat) -> f64 {
    2f64.powi(i32::from(pre.frac()) - 16)
}

/// The rows of a layer, gate after gate and unit after unit: the number of the gate, its rows of W and U, b.
fn rows<'a>(layer: &FloatLayer<'a>, spec: &VariantSpec) -> Vec<(usize, &'a [f32], &'a [f32], f32)> {
    let (mut w, mut u, mut b) = (layer.w, layer.u, layer.b.iter());
    let mut rows = Vec::with_capacity(layer.b.len());
    let shapes = spec.shapes(layer.inputs, layer.units, layer.params);
    let projection = if spec.recurrence == Recurrence::State { 0 } else { spec.stages.len() - 1 };
    let projection: usize = spec.stages[..projection].iter().map(|stage| stage.gates.len()).sum();
    for (number, (_, GateShape { rows: count, inputs, hidden })) in shapes.enumerate() {
        if projection > 0 && number == projection {
            rows.extend(layer.p.chunks(hidden.max(1)).map(|row| (number, &[][..], row, 0.0)));
            continue;
        }
        for _ in 0..count {
            let take = |from: &mut &'a [f32], n: usize| {
                let (row, rest) = from.split_at(n.min(from.len()));
                *from = rest;
                row
            };
            rows.push((number, take(&mut w, inputs), take(&mut u, hidden), b.next().copied().unwrap_or_default()));
        }
    }
    rows
}

/// Fraction bits of a layer's long state; one that is calibrated gets twice the range seen. Peephole weights of a
/// magnitude of 2 and more need 20 bits.
pub fn carried_frac(long: CarriedState, seen: &RangeStats, out_frac: u8, peephole: bool) -> u8 {
    match long {
        CarriedState::None | CarriedState::Mean | CarriedState::Sum | CarriedState::Max | CarriedState::Line => 0,
        CarriedState::Hidden => out_frac + Q::HIDDEN_MORE,
        CarriedState::Cell | CarriedState::Pair | CarriedState::Wide => {
            frac_for(seen.long * 2.0, 32, if peephole { 20 } else { 17 }, 27)
        }
    }
}

/// Rounds a layer.
///
/// # Errors
/// Where shapes do not fit the variant's table or a parameter is not finite.
pub fn quantize_layer(layer: &FloatLayer<'_>, in_frac: u8, seen: &RangeStats) -> Result<IntegerLayer> {
    let (_, _, spec) = elman::layer::named(layer.variant)
        .ok_or_else(|| anyhow::anyhow!("there is no cell or layer `{}`", layer.variant))?;
    let mut want = [0; 4];
    for (gate, GateShape { rows, inputs, hidden }) in spec.shapes(layer.inputs, layer.units, layer.params) {
        if spec.recurrence != Recurrence::State && Some(gate) == spec.gates().last() {
            want[3] = rows * hidden;
        } else {
            [0, 1, 2].into_iter().zip([rows * inputs, rows * hidden, rows]).for_each(|(k, n)| want[k] += n);
        }
    }
    let have = [layer.w.len(), layer.u.len(), layer.b.len(), layer.p.len()];
    ensure!(have == want, "{}: w, u, b, p have {have:?} elements, the table says {want:?}", layer.variant);
    ensure!(
        layer.w.iter().chain(layer.u).chain(layer.b).chain(layer.p).all(|v| v.is_finite()),
        "{}: a weight is not a number; the training run diverged",
        layer.variant
    );

    let base = out_frac(spec.out, spec.stateful() && spec.grows, in_frac, seen);
    let mut params = layer.params;
    let out_frac = if spec.recurrence == Recurrence::LowRank {
        params[1] =
            seen.p_frac.unwrap_or_else(|| hidden_frac(layer, spec, in_frac, bound_frac(layer, seen), seen)).into();
        base
    } else {
        hidden_frac(layer, spec, in_frac, base, seen)
    };
    let mut carried_frac = carried_frac(spec.carried, seen, out_frac, spec.sees_carried());
    let [of_gates, of_projection] = recurrent_fracs(spec, out_frac, params);
    let (x_unit, h_unit) = (2f64.powi(15 - in_frac as i32), 2f64.powi(15 - of_gates as i32));
    // Where rows are too large for a multiplier, the pre-activations of a linear map are taken 2^k times smaller.
    let mut shrink = 1.0;
    if spec.out == OutRange::Calibrated && spec.carried == CarriedState::None {
        let largest = |values: &[f32], unit: f64| values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs()) * unit));
        let scale = largest(layer.w, x_unit).max(largest(layer.u, h_unit)) / reach(layer.weights);
        let fits = |k: &u8| scale * 0.5f64.powi(i32::from(*k)) < MOST_SCALE;
        let found = || (0..15 - out_frac).find(fits).unwrap_or(15 - out_frac);
        carried_frac = seen.rows.as_ref().map_or_else(found, |rows| rows.shift);
        shrink = 0.5f64.powi(i32::from(carried_frac));
    }
    // Means of the elements as the row reads them, in Q0.15; 0 where they are not known.
    let mean_of = |means: &[f64], n: usize, unit: f64| {
        (0..n).map(|k| means.get(k).copied().unwrap_or(0.0) / unit).collect::<Vec<_>>()
    };
    let x_mean = mean_of(&seen.input_mean, layer.inputs, x_unit);
    let h_mean = if spec.recurrence == Recurrence::LowRank {
        let of_row = |row: &[f32]| row.iter().zip(&seen.hidden_mean).map(|(p, h)| f64::from(*p) * h).sum::<f64>();
        layer.p.chunks(layer.units.max(1)).map(|row| of_row(row) / h_unit).collect()
    } else {
        mean_of(&seen.hidden_mean, layer.units, h_unit)
    };
    let first_stage = spec.stages.first().map_or(0, |s| s.gates.len());
    let mut gates = vec![IntegerGate::default(); spec.gates().count()];
    // A second stage reads what the first made of h, whose mean was not taken, or h itself.
    let projection_unit = 2f64.powi(15 - i32::from(of_projection));
    let second_mean = match spec.recurrence {
        Recurrence::LowRank => mean_of(&seen.hidden_mean, layer.units, projection_unit),
        Recurrence::State | Recurrence::Projected => vec![0.0; spec.cells(layer.units, params)],
    };
    for (k, (number, w, u, bias)) in rows(layer, spec).into_iter().enumerate() {
        let first = number < first_stage;
        let h_mean = if first { &h_mean } else { &second_mean };
        let h_unit = if first || spec.recurrence == Recurrence::State { h_unit } else { projection_unit };
        let real: Vec<f64> = (w.iter().map(|w| *w as f64 * x_unit))
            .chain(u.iter().map(|u| *u as f64 * h_unit))
            .map(|v| v * shrink)
            .collect();
        let means: Vec<f64> = x_mean.iter().take(w.len()).chain(h_mean.iter().take(u.len())).copied().collect();
        let pre = spec.gates().nth(number).map_or(PreFormat::Plain, |g| g.pre);
        let scale = seen.rows.as_ref().and_then(|rows| rows.scales.get(k)).copied();
        let row = quantize_row(&real, f64::from(bias) * shrink, &means, (layer.weights, scale), pre);
        let gate = &mut gates[number];
        gate.w.extend(&row.weights[..w.len()]);
        gate.u.extend(&row.weights[w.len()..]);
        gate.bias.push(row.bias);
        gate.multiplier.push(row.multiplier);
    }
    Ok(IntegerLayer {
        variant: layer.variant.to_owned(),
        weights: layer.weights,
        inputs: layer.inputs,
        units: layer.units,
        in_frac,
        out_frac,
        carried_frac,
        gates,
        params,
        diagonal: layer.v.iter().map(|v| diagonal(*v, spec.peephole_format, carried_frac)).collect(),
        ..IntegerLayer::default()
    })
}

/// Fraction bits of what the gates' recurrent products read, and of what those of U₂ or P read.
pub fn recurrent_fracs(spec: &VariantSpec, out_frac: u8, [_, p_frac, ..]: [u16; 4]) -> [u8; 2] {
    match spec.recurrence {
        Recurrence::State => [out_frac; 2],
        Recurrence::LowRank => [p_frac as u8, out_frac],
        Recurrence::Projected => [out_frac, 15],
    }
}

/// Fraction bits that hold every p = U₂ h of an h as large as was seen.
fn bound_frac(layer: &FloatLayer<'_>, seen: &RangeStats) -> u8 {
    let sums = layer.p.chunks(layer.units.max(1)).map(|row| row.iter().map(|p| f64::from(p.abs())).sum::<f64>());
    frac_for(sums.fold(0.0, f64::max) * seen.out, 16, 0, 15)
}

/// A peephole weight as the device has it, V·2^(48 - carried_frac), or a second bias, v·2^17.
fn diagonal(v: f32, format: PeepholeFormat, carried_frac: u8) -> i32 {
    let places = match format {
        PeepholeFormat::CellState => 48 - i32::from(carried_frac),
        PeepholeFormat::Bias => 17,
    };
    (f64::from(v) * 2f64.powi(places)).round().clamp(-2147483648.0, 2147483647.0) as i32
}

/// Largest multiplier of an embedding's row that the device takes.
const MOST_MULTIPLIER: i32 = elman::layer::embedding::MULTIPLIER_LIMIT as i32 - 1;

/// Rounds an embedding to `weights`, with a scale a row; `frac` is the format of the output, where others decide it, whose
/// range then ends the elements.
///
/// # Errors
/// Where a parameter is not finite.
pub fn quantize_embedding(
    table: &[f32],
    rows: usize,
    units: usize,
    frac: Option<u8>,
    weights: WeightFormat,
) -> Result<IntegerLayer> {
    ensure!(
        table.len() == rows * units && table.iter().all(|v| v.is_finite()),
        "embedding: {} elements for {rows} rows of {units}, or one that is not a number",
        table.len()
    );
    let largest = |values: &[f32]| values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())));
    let out_frac = frac.unwrap_or(frac_for(largest(table), 16, 0, 15));
    let most = 2f64.powi(15 - i32::from(out_frac));
    let mut layer = IntegerLayer {
        variant: "embedding".to_owned(),
        weights,
        inputs: 1,
        units,
        out_frac,
        params: [u16::try_from(rows).unwrap_or(u16::MAX), 0, 0, 0],
        ..IntegerLayer::default()
    };
    let unit = f64::from(weights.unit());
    for row in table.chunks_exact(units) {
        // An element is (table·unit·m) >> 16 in the output's format.
        let real: Vec<f64> = row.iter().map(|v| f64::from(*v)).collect();
        let full = (largest(row).min(most) / f64::from(weights.max())).max(1e-9);
        let step = if weights == WeightFormat::Int8 { full } else { best_step(&real, full, 1e-9, weights) };
        layer.table.extend(real.iter().map(|v| rounded(*v, step, weights) as i8));
        let multiplier = (step / unit * 2f64.powi(16 + i32::from(out_frac))).round() as i32;
        layer.row_multiplier.push(multiplier.min(MOST_MULTIPLIER));
    }
    Ok(layer)
}

/// What the largest weight of a format is in the accumulator.
fn reach(weights: WeightFormat) -> f64 {
    f64::from(weights.max()) * f64::from(weights.unit())
}

/// The weight of a format that is nearest to `w` where weights are `step` apart: rounding and range, without anything else.
/// Training that quantizes rounds by it too.
pub fn rounded(w: f64, step: f64, weights: WeightFormat) -> f64 {
    let max = f64::from(weights.max());
    (w / step).round().clamp(-max, max)
}

/// Steps that are tried for a row: how many, and by which share of the widest each is narrower than the one before. A row of
/// few bits is better off where its largest weights are cut off.
const fn steps_tried(weights: WeightFormat) -> (usize, f64) {
    match weights.bits() {
        8 => (8, 0.05),
        4 => (24, 0.025),
        _ => (60, 0.015),
    }
}

/// The step of a row with the least squared error, among `widest` and some that cut off its largest weights, none below `least`.
pub fn best_step(real: &[f64], widest: f64, least: f64, weights: WeightFormat) -> f64 {
    let error = |s: f64| real.iter().map(|w| (rounded(*w, s, weights) * s - w).powi(2)).sum::<f64>();
    let (count, share) = steps_tried(weights);
    (0..count)
        .map(|k| (widest * (1.0 - share * k as f64)).max(least))
        .map(|s| (s, error(s)))
        .fold((widest, f64::INFINITY), |best, s| if s.1 < best.1 { s } else { best })
        .0
}

struct Row {
    weights: Vec<i8>,
    bias: i32,
    multiplier: i32,
}

/// Rounds a row at the scale with the least squared error, among the one that maps its largest weight to that of the
/// format and some that clip it; or at a scale that is given. The bias takes up what rounding changes of the mean pre-activation.
fn quantize_row(
    real: &[f64],
    bias: f64,
    means: &[f64],
    (weights, given): (WeightFormat, Option<f64>),
    pre: PreFormat,
) -> Row {
    // Weights are `step` apart, and the accumulator counts in units of `scale`: the same in int8.
    let unit = f64::from(weights.unit());
    let largest = real.iter().fold(0f64, |m, w| m.max(w.abs()));
    // A bias far beyond the weights decides the scale: it must fit the accumulator. Pre-activations end at 2^14.
    let bias = bias.clamp(-8000.0, 8000.0);
    let least = (bias.abs() / 32768.0).max(1e-9);
    let full = (largest / reach(weights)).clamp(least, most_scale(pre).max(least));
    let searched = || best_step(real, full * unit, least * unit, weights) / unit;
    let mut scale = given.map_or_else(searched, |scale| scale.clamp(least, most_scale(pre).max(least)));
    loop {
        let step = scale * unit;
        let q: Vec<f64> = real.iter().map(|w| rounded(*w, step, weights)).collect();
        let shift: f64 = q.iter().zip(real).zip(means).map(|((q, w), mean)| (w - q * step) * mean).sum();
        let b = ((bias + shift) * 32768.0 / scale).round();
        let magnitudes = q.iter().map(|q| q.abs()).sum::<f64>() * unit;
        if b.abs() < 2f64.powi(31) && !accumulator_overflows(magnitudes as u32, b as i32) {
            return Row {
                weights: q.iter().map(|q| *q as i8).collect(),
                bias: b as i32,
                multiplier: (scale * 2f64.powi(33) * factor(pre)).round() as i32,
            };
        }
        // Too many large weights for the accumulator: coarser, until the bound holds.
        scale *= 1.05;
    }
}

/// The scale of each row of an integer layer, gate after gate and unit after unit, as [`RowScales`] has them.
pub fn row_scales(layer: &IntegerLayer) -> Vec<f64> {
    let spec = elman::layer::named(&layer.variant).map(|(_, _, spec)| spec);
    let pre = |k: usize| spec.and_then(|s| s.gates().nth(k)).map_or(1.0, |g| factor(g.pre));
    let of = |(k, gate): (usize, &IntegerGate)| -> Vec<f64> {
        gate.multiplier.iter().map(|m| f64::from(*m) / 2f64.powi(33) / pre(k)).collect()
    };
    layer.gates.iter().enumerate().flat_map(of).collect()
}

/// The biases of an integer layer back in real numbers, gate after gate and unit after unit.
pub fn dequantized_biases(layer: &IntegerLayer) -> Vec<f64> {
    let shrink = 0.5f64.powi(shift_of(layer).into());
    let biases = layer.gates.iter().flat_map(|gate| &gate.bias);
    biases.zip(row_scales(layer)).map(|(b, scale)| f64::from(*b) * scale / 32_768.0 / shrink).collect()
}

/// How many times a layer's pre-activations are halved.
pub fn shift_of(layer: &IntegerLayer) -> u8 {
    if shifts(layer) { layer.carried_frac } else { 0 }
}

/// Whether a layer is a linear map, whose pre-activations may be halved.
pub fn shifts(layer: &IntegerLayer) -> bool {
    let spec = elman::layer::named(&layer.variant).map(|(_, _, spec)| spec);
    spec.is_some_and(|s| s.out == OutRange::Calibrated && s.carried == CarriedState::None)
}

/// Weights of an integer layer back in real numbers, `[w, u]` per gate: what the device computes with.
pub fn dequantized(layer: &IntegerLayer) -> Vec<(Vec<f64>, Vec<f64>)> {
    let spec = elman::layer::named(&layer.variant).map(|(_, _, spec)| spec);
    let shrink = 0.5f64.powi(shift_of(layer).into());
    let fracs = spec.map_or([layer.out_frac; 2], |spec| recurrent_fracs(spec, layer.out_frac, layer.params));
    let x_unit = 2f64.powi(15 - i32::from(layer.in_frac)) * shrink;
    let h_units = fracs.map(|frac| 2f64.powi(15 - i32::from(frac)) * shrink);
    let first_stage = spec.and_then(|s| s.stages.first()).map_or(0, |stage| stage.gates.len());
    let steps = f64::from(layer.weights.unit());
    let real = |q: &[i8], gate: &IntegerGate, unit: f64| {
        let columns = (q.len() / gate.multiplier.len().max(1)).max(1);
        q.iter()
            .enumerate()
            .map(|(k, q)| *q as f64 * steps * gate.multiplier[k / columns] as f64 / 2f64.powi(33) / unit)
            .collect()
    };
    let pre = |k: usize| spec.and_then(|s| s.gates().nth(k)).map_or(1.0, |g| factor(g.pre));
    let of = |(k, g): (usize, &IntegerGate)| {
        let h_unit = h_units[usize::from(k >= first_stage)];
        (real(&g.w, g, x_unit * pre(k)), real(&g.u, g, h_unit * pre(k)))
    };
    layer.gates.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Numbers;
    use elman::cell::Operands;

    #[test]
    fn formats_hold_what_was_seen() {
        assert_eq!(frac_for(0.9, 16, 0, 15), 15);
        assert_eq!(frac_for(1.0, 16, 0, 15), 14);
        assert_eq!(frac_for(7.9, 16, 0, 15), 12);
        assert_eq!(frac_for(40_000.0, 16, 0, 15), 0);
        assert_eq!(carried_frac(CarriedState::Cell, &RangeStats { long: 3.0, ..RangeStats::default() }, 15, false), 27);
        assert_eq!(
            carried_frac(CarriedState::Cell, &RangeStats { long: 40.0, ..RangeStats::default() }, 15, false),
            24
        );
    }

    #[test]
    fn rows_come_back_within_half_a_step() {
        let mut numbers = Numbers(4);
        for n in [1, 7, 100] {
            let real: Vec<f64> = (0..n).map(|_| numbers.between(-1_000_000, 1_000_000) as f64 / 7e5).collect();
            let row = quantize_row(&real, 0.7, &[], (WeightFormat::Int8, None), PreFormat::Plain);
            let s = row.multiplier as f64 / 2f64.powi(33);
            let mean = real.iter().zip(&row.weights).map(|(r, q)| (r - *q as f64 * s).powi(2)).sum::<f64>() / n as f64;
            assert!(mean.sqrt() <= 0.5 * s, "{n}: {} of {s}", mean.sqrt());
            assert!((row.bias as f64 * s / 32768.0 - 0.7).abs() < 1e-5);
        }
    }

    /// Of few bits too: the error is that of the best step, below an evenly spread one's, and the bias what it was.
    #[test]
    fn rows_of_few_bits_cut_off_their_largest_weights() {
        let mut numbers = Numbers(6);
        // A sum of twelve is close to normal.
        let real: Vec<f64> =
            (0..400).map(|_| (0..12).map(|_| numbers.between(-1000, 1000) as f64 / 4000.0).sum::<f64>()).collect();
        let largest = real.iter().fold(0f64, |m, w| m.max(w.abs()));
        let power: f64 = real.iter().map(|w| w * w).sum();
        for (format, least_db) in [(WeightFormat::Int4, 18.0), (WeightFormat::Int2, 6.5)] {
            let row = quantize_row(&real, 0.7, &[], (format, None), PreFormat::Plain);
            let unit = f64::from(format.unit());
            let s = row.multiplier as f64 / 2f64.powi(33);
            let noise: f64 = real.iter().zip(&row.weights).map(|(r, q)| (r - f64::from(*q) * s * unit).powi(2)).sum();
            let db = 10.0 * (power / noise).log10();
            assert!(db > least_db, "{}: {db:.1} dB", format.name());
            assert!(s * unit * f64::from(format.max()) < 0.95 * largest);
            assert!((row.bias as f64 * s / 32768.0 - 0.7).abs() < 1e-5);
        }
    }

    #[test]
    fn the_bias_keeps_the_mean() {
        let mut numbers = Numbers(5);
        let real: Vec<f64> = (0..64).map(|_| numbers.between(-1000, 1000) as f64 / 700.0).collect();
        let means: Vec<f64> = (0..64).map(|_| numbers.between(0, 1000) as f64 / 1000.0).collect();
        let row = quantize_row(&real, 0.1, &means, (WeightFormat::Int8, None), PreFormat::Plain);
        let s = row.multiplier as f64 / 2f64.powi(33);
        let mean = |w: &dyn Fn(usize) -> f64| (0..64).map(|k| w(k) * means[k]).sum::<f64>();
        let integer = mean(&|k| row.weights[k] as f64 * s) + row.bias as f64 * s / 32768.0;
        assert!((integer - mean(&|k| real[k]) - 0.1).abs() < 1e-4);
    }

    #[test]
    fn extreme_rows_keep_the_accumulator_safe() {
        for (real, bias) in [
            (vec![1.0; 2000], 0.0),
            (vec![30.0; 3], 1e6),
            (vec![0.0; 5], 0.0),
            (vec![0.0; 5], -3.0),
            (vec![1e-7; 4], 5.0),
        ] {
            for format in WeightFormat::ALL {
                let row = quantize_row(&real, bias, &[], (*format, None), PreFormat::Plain);
                let sum: i64 = row.weights.iter().map(|w| (*w as i64).abs()).sum::<i64>() * i64::from(format.unit());
                assert!(sum * 32768 + (row.bias as i64).abs() < 1 << 31);
                assert!(row.multiplier >= 0);
                assert!(row.weights.iter().all(|w| (-format.max()..=format.max()).contains(w)));
            }
        }
    }

    /// U keeps the steps of int8 next to inputs of any format, and h gives up no bits where it need not.
    #[test]
    fn recurrent_weights_keep_their_steps() {
        let mut numbers = Numbers(9);
        for variant in ["gru", "gru-before", "lstm", "srn"] {
            let (_, _, spec) = elman::layer::named(variant).unwrap();
            let (n, h) = (6, 16);
            let rows = |of: Operands| spec.gates().filter(|g| g.operands != of).count() * h;
            let mut weights =
                |n: usize| (0..n).map(|_| numbers.between(-1000, 1000) as f32 / 1500.0).collect::<Vec<_>>();
            let (w, u, b) = (
                weights(rows(Operands::Hidden) * n),
                weights(rows(Operands::Input) * h),
                vec![0.1; rows(Operands::Input)],
            );
            let b = if variant == "gru" { vec![0.1; 4 * h] } else { b };
            let layer = FloatLayer { variant, inputs: n, units: h, w: &w, u: &u, b: &b, ..FloatLayer::default() };
            let median = |layer: &IntegerLayer| {
                let mut all: Vec<u8> = layer.gates.iter().flat_map(|g| &g.u).map(|q| q.unsigned_abs()).collect();
                all.sort_unstable();
                all[all.len() / 2]
            };
            for in_frac in [9, 11, 13, 15] {
                // Inputs that use a quarter of their range.
                let power = 4f64.powi(15 - i32::from(in_frac)) / 16.0;
                let seen = RangeStats {
                    out: 0.9,
                    long: 2.0,
                    input_power: power,
                    hidden_power: 0.2,
                    steps: 50,
                    ..RangeStats::default()
                };
                let integer = quantize_layer(&layer, in_frac, &seen).unwrap();
                assert!(median(&integer) >= 16, "{variant}, Q.{in_frac}: {}", median(&integer));
                assert!(
                    integer.out_frac >= in_frac.max(9) && (in_frac < 15 || integer.out_frac == 15),
                    "{}",
                    integer.out_frac
                );
                assert_eq!(integer.carried_frac, carried_frac(spec.carried, &seen, integer.out_frac, false));
                let shared = RangeStats { out_frac: Some(12), ..seen };
                assert_eq!(quantize_layer(&layer, in_frac, &shared).unwrap().out_frac, 12);
            }
        }
    }
}
