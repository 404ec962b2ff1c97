//! A nonlinear autoregressive network with exogenous inputs.
//!
//! ```text
//! y_t = V f(W [x_t; ...; x_(t-Kx); y_(t-1); ...; y_(t-Ky)] + b) + c    (+ y_(t-1) where it is residual)
//! ```
//! Frames are [x_t; y_(t-1) as measured]. Teacher teacher_forcing, the past outputs are the measured ones and the layer is a delay
//! line and two dense layers. In closed loop they are its own from step `warmup` on, 0 before the first step, and the
//! gradient runs back through them.

use anyhow::Result;
use elman_integer::IntegerLayer;
use elman_integer::ptq::{FloatLayer, RangeStats, quantize_layer};
use get_size2::GetSize;
use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::delay::Delay;
use super::dense::{DenseActivation, in_physical_units};
use super::span::spans;
use super::{Backward, Built, Forward, LayerKind, Mode, Output, Place, Reads, Rounding, Run, Site, fit};
use crate::batch::Frames;
use crate::float::gemm::Packed;
use crate::parameters::{Start, TensorSpec};
use crate::{Float, Trace};

/// y_t = V f(W [x_t; ...; x_(t-Kx); y_(t-1); ...; y_(t-Ky)] + b) + c, a network by itself. Frames are
/// [x_t; y_(t-1) as measured], in the units of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narx {
    /// Width of f; 0 makes it linear, y_t = W [...] + b.
    pub hidden: usize,
    /// Width of y.
    pub outputs: usize,
    /// Kx
    pub input_taps: usize,
    /// Ky, at least 1.
    pub output_taps: usize,
    /// f
    #[serde(default = "tanh")]
    pub activation: DenseActivation,
    /// Reads its own outputs instead of the measured ones, and learns through this loop.
    #[serde(default)]
    pub closed: bool,
    /// First steps of a sequence that read the measured outputs although the loop is closed.
    #[serde(default)]
    pub warmup: usize,
    /// Adds y_(t-1), so that the maps give the change of y: a slow system is learnt as such.
    #[serde(default)]
    pub residual: bool,
}

/// Default of f.
fn tanh() -> DenseActivation {
    DenseActivation::Tanh
}

impl Narx {
    /// What it reads of the frames, past and present.
    fn delay(&self) -> Delay {
        let tail_taps = self.output_taps.saturating_sub(1);
        Delay { taps: self.input_taps, stride: 1, tail: self.outputs, tail_taps }
    }
}

impl LayerKind for Narx {
    fn reads(&self) -> Reads {
        Reads::Steps
    }

    fn width(&self, _: usize) -> usize {
        self.outputs
    }

    fn check(&self, place: Place) -> Result<(), String> {
        if !place.alone {
            return Err("narx must be the only layer; what it feeds back is the network's output".to_owned());
        }
        if self.output_taps == 0 || self.outputs > place.inputs {
            return Err(format!(
                "narx needs output_taps of at least 1, and inputs of at least its outputs: a frame is [x; y]; it has output_taps = {}, \
                 outputs = {}, and frames of {} values",
                self.output_taps, self.outputs, place.inputs
            ));
        }
        Ok(())
    }

    fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
        let (seen, n) = (self.delay().width(inputs), self.outputs);
        if self.hidden == 0 {
            return vec![TensorSpec::glorot("w", [n, seen], n), TensorSpec::zeros("b", n)];
        }
        let mut v = TensorSpec::glorot("v", [n, self.hidden], n);
        if let (true, Start::Uniform(bound)) = (self.residual, &mut v.start) {
            // Near no change at first, so that the loop neither grows nor shrinks.
            *bound *= 0.1;
        }
        let w = TensorSpec::glorot("w", [self.hidden, seen], self.hidden);
        vec![w, TensorSpec::zeros("b", self.hidden), v, TensorSpec::zeros("c", n)]
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        let delay = self.delay();
        let affine = |f: DenseActivation, widths, [w, b]: [&str; 2]| {
            Affine::new(F::dense(f.into()), widths, site.tensor(w), site.tensor(b))
        };
        let (seen, hidden, outputs) = (delay.width(site.inputs), self.hidden, self.outputs);
        let (hidden, output) = match hidden {
            0 => (None, affine(DenseActivation::Linear, [seen, outputs], ["w", "b"])),
            hidden => {
                let output = affine(DenseActivation::Linear, [hidden, outputs], ["v", "c"]);
                (Some(affine(self.activation, [seen, hidden], ["w", "b"])), output)
            }
        };
        let closed_from = self.closed.then_some(self.warmup);
        Built::one(Loop { delay, hidden, output, closed_from, residual: self.residual })
    }

    fn device(&self) -> Vec<&str> {
        match self.hidden {
            0 => vec!["delay", "dense"],
            _ => vec!["delay", self.activation.device(), "dense"],
        }
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let taps = if layer.inputs > self.outputs { self.input_taps } else { 0 };
        let line = Delay { taps, ..self.delay() }.rounded(layer);
        let (mut inputs, mut in_frac, mut head) = (line.units, line.out_frac, ["w", "b"]);
        let mut layers = vec![line];
        if self.hidden > 0 {
            let (variant, w, b) = (self.activation.device(), layer.tensor("w"), layer.tensor("b"));
            let float = FloatLayer {
                variant,
                inputs,
                units: self.hidden,
                w,
                b,
                weights: layer.weights,
                ..FloatLayer::default()
            };
            let ranges = RangeStats { out: layer.ranges.pre, ..RangeStats::default() };
            let hidden = quantize_layer(&float, in_frac, &ranges)?;
            (inputs, in_frac, head) = (self.hidden, hidden.out_frac, ["v", "c"]);
            layers.push(hidden);
        }
        // What is added has no offset.
        let added: Vec<_> = layer.target.iter().map(|(_, deviation)| (0.0, *deviation)).collect();
        let target = if self.residual { &added } else { layer.target };
        let (w, b) = in_physical_units(layer.tensor(head[0]), layer.tensor(head[1]), target);
        let (variant, units, weights) = ("dense", self.outputs, layer.weights);
        let float = FloatLayer { variant, inputs, units, w: &w, b: &b, weights, ..FloatLayer::default() };
        let RangeStats { out, out_frac, .. } = *layer.ranges;
        layers.push(quantize_layer(&float, in_frac, &RangeStats { out, out_frac, ..RangeStats::default() })?);
        Ok(layers)
    }

    fn samples() -> Vec<Self> {
        let narx = |hidden, activation, closed| {
            let (input_taps, output_taps, warmup, residual) = (2, 3, 4, hidden > 0 && closed);
            Narx { hidden, outputs: 3, input_taps, output_taps, activation, closed, warmup, residual }
        };
        let linear = [false, true].map(|closed| narx(0, DenseActivation::Linear, closed));
        let deep = DenseActivation::ALL.into_iter().flat_map(|f| [false, true].map(|closed| narx(4, f, closed)));
        linear.into_iter().chain(deep).collect()
    }
}

/// The layer.
struct Loop<F> {
    /// What it reads of the frames, past and present.
    delay: Delay,
    /// f(W [...] + b); none where the network is linear.
    hidden: Option<Affine<F>>,
    /// The map to y.
    output: Affine<F>,
    /// The first step that reads the layer's own output; none where all read the measured one.
    closed_from: Option<usize>,
    /// Whether y_(t-1) is added.
    residual: bool,
}

/// What the layer keeps.
#[derive(Clone, Debug, Default, GetSize)]
pub struct NarxTape<F> {
    /// `[steps, size, inputs]`: the frames as they were read.
    frames: Vec<F>,
    /// `[steps, size, seen]`: what the delay line gives.
    seen: Vec<F>,
    /// `[steps, size, hidden]`: the output of the first map.
    hidden: Vec<F>,
    /// Of each map what the backward pass needs of f, then ∂L/∂pre-activation.
    gates: [Vec<F>; 2],
    /// Of each map the pre-activations, where a trace is kept.
    pre: [Vec<F>; 2],
    /// ∂L/∂hidden and ∂L/∂seen of the step in work.
    dhidden: Vec<F>,
    dseen: Vec<F>,
    /// A right operand packed on the way.
    packed: Packed<F>,
}

impl<F: Float> Loop<F> {
    /// Whether step `t` reads the layer's own output.
    fn closed(&self, t: usize) -> bool {
        self.closed_from.is_some_and(|from| t >= from)
    }
}

impl<F: Float> Run<F> for Loop<F> {
    type Tape = NarxTape<F>;

    fn pack(&mut self, parameters: &[F]) {
        self.hidden.iter_mut().for_each(|hidden| hidden.pack(parameters));
        self.output.pack(parameters);
    }

    fn forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut NarxTape<F>) {
        let Forward { parameters, input, mode, .. } = pass;
        let (size, steps, outputs) = (input.size, input.steps(), self.output.outputs);
        let [frame, columns] = [input.width, self.delay.width(input.width)];
        let units = self.hidden.as_ref().map_or(0, |hidden| hidden.outputs);
        out.shape(input.rows, size, outputs, 0);
        fit(&mut tape.gates[0], steps * size * units);
        fit(&mut tape.gates[1], steps * size * outputs);
        fit(&mut tape.hidden, steps * size * units);
        fit(&mut tape.seen, steps * size * columns);
        tape.pre.iter_mut().for_each(Vec::clear);
        tape.frames.clear();
        tape.frames.extend_from_slice(&input.data[..steps * size * frame]);
        let NarxTape { gates, hidden, seen, frames, pre, .. } = tape;
        let ([pre_hidden, pre_output], out, keep_pre) = (pre, &mut out.values, mode == Mode::Trace);
        for t in 0..steps {
            let rows = input.rows[t];
            if self.closed(t) {
                for (row, x) in frames[t * size * frame..].chunks_exact_mut(frame).take(rows).enumerate() {
                    let tail = &mut x[frame - outputs..];
                    match t.checked_sub(1) {
                        Some(before) => tail.copy_from_slice(&out[(before * size + row) * outputs..][..outputs]),
                        None => tail.fill(F::ZERO),
                    }
                }
            }
            let read = Frames { data: frames, rows: input.rows, size, width: frame };
            let x = &mut seen[t * size * columns..][..size * columns];
            self.delay.step(read, t, x);
            let mut x: &[F] = x;
            if let Some(layer) = &self.hidden {
                let at = t * size * units;
                let (gates, h) = (&mut gates[0][at..], &mut hidden[at..]);
                layer.forward(parameters, rows, x, gates, h, keep_pre.then_some(&mut *pre_hidden));
                x = h;
            }
            let at = t * size * outputs;
            let (gates, y) = (&mut gates[1][at..], &mut out[at..]);
            self.output.forward(parameters, rows, x, gates, y, keep_pre.then_some(&mut *pre_output));
            if self.residual {
                let read = frames[t * size * frame..].chunks_exact(frame).take(rows);
                for (y, x) in y.chunks_exact_mut(outputs).zip(read) {
                    y.iter_mut().zip(&x[frame - outputs..]).for_each(|(y, before)| *y += *before);
                }
            }
        }
    }

    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut NarxTape<F>) {
        let Backward { input, gradient, .. } = pass;
        let (size, outputs) = (input.size, self.output.outputs);
        let columns = self.delay.width(input.width);
        let units = self.hidden.as_ref().map_or(0, |hidden| hidden.outputs);
        let NarxTape { gates: [gates_hidden, gates_output], hidden, seen, dhidden, dseen, packed, .. } = tape;
        let Output { rows, gradient: dout, touched, .. } = out;
        dhidden.resize(size * units, F::ZERO);
        dseen.resize(size * columns, F::ZERO);
        for (t, touched) in touched.iter_mut().enumerate() {
            if !std::mem::replace(touched, true) {
                dout[t * size * outputs..][..size * outputs].fill(F::ZERO);
            }
        }
        for t in (0..rows.len()).rev() {
            let (before, dy) = dout.split_at_mut(t * size * outputs);
            if self.residual && t > 0 && self.closed(t) {
                let rows = rows[t] * outputs;
                let from = before.len() - size * outputs;
                before[from..][..rows].iter_mut().zip(&dy[..rows]).for_each(|(to, d)| *to += *d);
            }
            let dy_pre = &mut gates_output[t * size * outputs..];
            self.output.backward(rows[t], dy_pre, dy, gradient);
            let mut dpre = &*dy_pre;
            let mut first = &self.output;
            if let Some(layer) = &self.hidden {
                self.output.to_input(rows[t], dpre, dhidden);
                let dh_pre = &mut gates_hidden[t * size * units..];
                layer.backward(rows[t], dh_pre, dhidden, gradient);
                (dpre, first) = (dh_pre, layer);
            }
            if self.closed_from.is_none() {
                continue;
            }
            first.to_input(rows[t], dpre, dseen);
            for (row, dseen) in dseen.chunks_exact(columns).take(rows[t]).enumerate() {
                for (column, back, ..) in self.delay.tail_blocks(input.width) {
                    let Some(read) = t.checked_sub(back).filter(|&read| read > 0 && self.closed(read)) else {
                        continue;
                    };
                    let dy = &mut before[((read - 1) * size + row) * outputs..][..outputs];
                    dy.iter_mut().zip(&dseen[column..]).for_each(|(dy, d)| *dy += *d);
                }
            }
        }
        for span in spans(rows, size, |_| true) {
            let mut x = &seen[span.from * size * columns..];
            if let Some(layer) = &self.hidden {
                layer.to_weights(span.rows, &gates_hidden[span.from * size * units..], x, packed, gradient);
                x = &hidden[span.from * size * units..];
            }
            self.output.to_weights(span.rows, &gates_output[span.from * size * outputs..], x, packed, gradient);
        }
    }

    fn trace(&self, out: &Output<F>, tape: &mut NarxTape<F>) -> Trace<F> {
        Trace { pre: tape.pre.iter_mut().map(std::mem::take).collect(), ..Trace::of(out) }
    }
}
