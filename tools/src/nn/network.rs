//! A float network: parameters, the forward pass, and back-propagation through time.

use super::Float;
use super::batch::{Batch, Frames};
use super::cell;
use super::check::SpecError;
use super::layer::{Below, Delay, Dense, Dropout, Embedding, Layer, Mode, OneHot, Pool, Recurrent, Tape};
use super::loss::{Loss, Score, Target};
use super::parameters::{self, Tensor};
use super::spec::{DropoutKind, LayerSpec, NetworkSpec};

/// A network over scalars `F`.
pub struct Network<F> {
    spec: NetworkSpec,
    tensors: Vec<Tensor>,
    values: Vec<F>,
    layers: Vec<Layer<F>>,
    /// For every layer of the recipe, the layer here whose output it is.
    outputs: Vec<usize>,
}

/// What a training pass does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// What is minimized.
    pub loss: Loss,
    /// Factor of the gradient.
    pub scale: f64,
    /// Whether dropout is on.
    pub mode: Mode,
}

/// The memory in which a network runs; reused from batch to batch.
#[derive(Clone, Debug, Default)]
pub struct Workspace<F> {
    tapes: Vec<Tape<F>>,
}

impl<F: Float> Network<F> {
    /// A network with initial parameters drawn from `seed`.
    pub fn new(spec: &NetworkSpec, seed: u64) -> Result<Self, SpecError> {
        spec.check()?;
        let (tensors, places) = parameters::tensors(spec);
        let (mut layers, mut outputs) = (Vec::new(), Vec::new());
        for ((i, kind), ((inputs, width), [place, second])) in
            spec.layers.iter().enumerate().zip(spec.widths().zip(places))
        {
            let layer = match kind {
                LayerSpec::Cell { variant, units, bidirectional, dropout, dropout_kind } => {
                    if *bidirectional || (*dropout_kind != DropoutKind::NonRecurrent && *dropout > 0.0) {
                        return Err(SpecError::Soon(i));
                    }
                    let (cell, number, table) = cell::find::<F>(variant)
                        .ok_or_else(|| SpecError::UnknownCell { layer: i, variant: variant.clone() })?;
                    Layer::Recurrent(Recurrent::new(table, (cell.stages)(number), inputs, *units, place))
                }
                LayerSpec::Embedding { rows, units } => {
                    Layer::Embedding(Embedding { rows: *rows, units: *units, place })
                }
                LayerSpec::OneHot { rows } => Layer::OneHot(OneHot { rows: *rows }),
                LayerSpec::Dropout { rate, variational } => {
                    Layer::Dropout(Dropout { rate: *rate, width, layer: i, variational: *variational })
                }
                LayerSpec::Delay { taps, stride, tail, tail_taps } => {
                    Layer::Delay(Delay { inputs, taps: *taps, stride: *stride, tail: *tail, tail_taps: *tail_taps })
                }
                LayerSpec::Pool { over } => Layer::Pool(Pool { over: *over, width }),
                LayerSpec::Dense { activation, .. } => {
                    Layer::Dense(Dense::new(cell::dense((*activation).into()), inputs, width, place))
                }
                LayerSpec::Narx { .. } => {
                    let _ = second;
                    return Err(SpecError::Soon(i));
                }
            };
            layers.push(layer);
            outputs.push(layers.len() - 1);
            if let LayerSpec::Cell { dropout, .. } = kind
                && *dropout > 0.0
            {
                layers.push(Layer::Dropout(Dropout { rate: *dropout, width, layer: i, variational: false }));
            }
        }
        let values = parameters::initial(spec, seed).into_iter().map(F::of).collect();
        let mut network = Self { spec: spec.clone(), tensors, values, layers, outputs };
        network.update(|_| {});
        Ok(network)
    }

    /// What it is made of.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// Names, shapes and places of its parameters.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// All parameters.
    pub fn values(&self) -> &[F] {
        &self.values
    }

    /// The parameters of one tensor, row-major.
    pub fn tensor(&self, name: &str) -> Option<(&Tensor, &[F])> {
        let tensor = self.tensors.iter().find(|t| t.name == name)?;
        Some((tensor, &self.values[tensor.range.clone()]))
    }

    /// Changes parameters.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut [F]) -> R) -> R {
        let result = change(&mut self.values);
        self.layers.iter_mut().for_each(|layer| layer.pack(&self.values));
        result
    }

    /// Runs the batch; returns the output, `[steps, size, outputs]`, one step only behind a pool.
    pub fn forward<'w>(&self, input: Frames<'_, F>, workspace: &'w mut Workspace<F>, mode: Mode) -> Frames<'w, F> {
        workspace.tapes.resize_with(self.layers.len(), Tape::default);
        for (i, layer) in self.layers.iter().enumerate() {
            let (below, tape) = workspace.tapes.split_at_mut(i);
            let input = below.last().map_or(input, Tape::output);
            layer.forward(&self.values, input, &mut tape[0], mode);
        }
        workspace.tapes[self.layers.len() - 1].output()
    }

    /// One training pass: runs the batch, scores it, and adds the gradient of its total loss to `gradient`.
    /// `targets` are in the order given to [`Batch::fill`].
    pub fn gradient(
        &self,
        batch: &Batch<F>,
        targets: &[&Target],
        pass: Pass,
        workspace: &mut Workspace<F>,
        gradient: &mut [F],
    ) -> Score {
        self.forward(batch.frames(), workspace, pass.mode);
        let targets: Vec<&Target> = batch.order().iter().map(|&i| targets[i]).collect();
        for tape in &mut workspace.tapes {
            tape.clear_gradient();
        }
        let last = self.layers.len() - 1;
        let top = &mut workspace.tapes[last];
        let (out, mut dout) = (std::mem::take(&mut top.out), std::mem::take(&mut top.dout));
        let (size, width) = (top.size, top.width);
        let output = Frames { data: &out[top.lead * size * width..], rows: &top.rows, size, width };
        let touched = &mut top.touched;
        let score = pass.loss.score(
            output,
            &targets,
            pass.scale,
            Some(&mut |t, row, d| {
                if !std::mem::replace(&mut touched[t], true) {
                    dout[t * size * width..][..size * width].fill(F::ZERO);
                }
                let to = &mut dout[(t * size + row) * width..][..width];
                to.iter_mut().zip(d).for_each(|(to, d)| *to = F::of(*d));
            }),
        );
        (top.out, top.dout) = (out, dout);
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let (tapes, tape) = workspace.tapes.split_at_mut(i);
            match tapes.last_mut() {
                None => layer.backward(batch.frames(), &mut tape[0], gradient, None),
                Some(tape_below) => {
                    // The output of the layer below is read while its gradient is written.
                    let mut dout = std::mem::take(&mut tape_below.dout);
                    let mut touched = std::mem::take(&mut tape_below.touched);
                    let (size, width) = (tape_below.size, tape_below.width);
                    let below = Below { dout: &mut dout, touched: &mut touched, size, width };
                    layer.backward(tape_below.output(), &mut tape[0], gradient, Some(below));
                    (tape_below.dout, tape_below.touched) = (dout, touched);
                }
            }
        }
        score
    }

    /// Runs the batch without dropout and scores it. `targets` are in the order given to [`Batch::fill`].
    pub fn score(&self, batch: &Batch<F>, targets: &[&Target], loss: Loss, workspace: &mut Workspace<F>) -> Score {
        let targets: Vec<&Target> = batch.order().iter().map(|&i| targets[i]).collect();
        loss.score(self.forward(batch.frames(), workspace, Mode::Evaluate), &targets, 1.0, None)
    }

    /// Runs one sequence of `[steps, inputs]` values and returns `[steps, outputs]`, one step only behind a pool.
    ///
    /// # Panics
    /// Where `frames` is empty or no whole number of frames.
    pub fn run<T: Copy + Into<f64>>(&self, frames: &[T]) -> Vec<F> {
        let mut batch = Batch::default();
        batch.fill(&[frames], self.spec.inputs);
        self.forward(batch.frames(), &mut Workspace::default(), Mode::Evaluate).data.to_vec()
    }

    /// Runs one sequence and returns everything that the layers computed.
    ///
    /// # Panics
    /// As [`Network::run`].
    pub fn trace<T: Copy + Into<f64>>(&self, frames: &[T]) -> Vec<Trace<F>> {
        let mut batch = Batch::default();
        batch.fill(&[frames], self.spec.inputs);
        let mut workspace = Workspace::default();
        workspace.tapes.resize_with(self.layers.len(), || Tape { keep_pre: true, ..Tape::default() });
        self.forward(batch.frames(), &mut workspace, Mode::Evaluate);
        let trace = |&i: &usize| {
            let tape = &mut workspace.tapes[i];
            Trace {
                steps: tape.rows.len(),
                width: tape.width,
                out: tape.output().data.to_vec(),
                cell: tape.long.get(tape.width..).unwrap_or_default().to_vec(),
                pre: std::mem::take(&mut tape.pre),
                reverse: None,
            }
        };
        self.outputs.iter().map(trace).collect()
    }
}

impl<F: Float> std::fmt::Debug for Network<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("spec", &self.spec).field("parameters", &self.values.len()).finish()
    }
}

/// What one layer of the recipe computed over a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace<F> {
    /// Steps: of the sequence, 1 behind a pool.
    pub steps: usize,
    /// Width of the output.
    pub width: usize,
    /// `[steps, width]`: the output; of a cell, h.
    pub out: Vec<F>,
    /// `[steps, width]`: c; empty where the layer has none.
    pub cell: Vec<F>,
    /// Per stage `[steps, gates * width]`: pre-activations W x + U h + b (for half a gate, its half); empty for a pool.
    pub pre: Vec<Vec<F>>,
    /// The reverse direction of a bidirectional layer, in the input's order of time.
    pub reverse: Option<Box<Trace<F>>>,
}
