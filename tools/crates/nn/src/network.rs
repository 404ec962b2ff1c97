//! A float network: parameters, the forward pass, and back-propagation through time.

use super::Float;
use super::batch::{Batch, Frames};
use super::build;
use super::check::SpecError;
use super::layer::{Below, Layer, Mode, Tape};
use super::loss::{Classes, Loss, Score, Target};
use super::parameters::{self, Tensor};
use super::spec::NetworkSpec;
use super::structure::seq2seq;
use get_size2::GetSize;
use std::ops::Range;

/// A network over scalars `F`.
pub struct Network<F> {
    spec: NetworkSpec,
    tensors: Vec<Tensor>,
    values: Vec<F>,
    pub(super) layers: Vec<Layer<F>>,
    /// For every layer of the recipe, the layer here whose output it is.
    pub(super) outputs: Vec<usize>,
    /// For every chain, its layers here.
    pub(super) chains: Vec<Range<usize>>,
}

/// Layers one behind the other, with the network's parameters.
pub(super) struct Chain<'n, F> {
    layers: &'n [Layer<F>],
    values: &'n [F],
}

/// What a training pass does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass<'a> {
    /// What is minimized.
    pub loss: Loss,
    /// Factor of the gradient.
    pub scale: f64,
    /// Whether dropout is on.
    pub mode: Mode,
    /// How classes count.
    pub classes: Classes<'a>,
    /// Share of the steps at which a decoder reads the wanted symbol, not its own; 1 but where training says otherwise.
    pub forced: f64,
}

/// The memory in which a network runs; reused from batch to batch.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Workspace<F> {
    pub(super) tapes: Vec<Tape<F>>,
    pub(crate) batch: Batch<F>,
    pub(super) seq2seq: seq2seq::Memory<F>,
    pub(super) tree: super::structure::TreeRoom<F>,
    pub(super) graph: super::structure::GraphRoom<F>,
}

impl<F> Workspace<F> {
    /// Takes another batch to run, and gives the last one, whose memory is used again.
    pub fn swap_batch(&mut self, batch: &mut Batch<F>) {
        std::mem::swap(&mut self.batch, batch);
    }
}

impl<F: Float> Network<F> {
    /// A network with initial parameters drawn from `seed`.
    pub fn new(spec: &NetworkSpec, seed: u64) -> Result<Self, SpecError> {
        spec.check()?;
        let (tensors, places) = parameters::tensors(spec);
        let (layers, starts, outputs) = build::layers(spec, places)?;
        let values = parameters::initial(spec, seed).into_iter().map(F::of).collect();
        let start = |k: usize| starts.get(k).copied().unwrap_or(layers.len());
        let chains = (0..spec.chains()).map(|k| spec.chain(k)).map(|c| start(c.start)..start(c.end)).collect();
        let mut network = Self { spec: spec.clone(), tensors, values, layers, outputs, chains };
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
    pub fn forward<'w>(&self, input: Frames<'w, F>, workspace: &'w mut Workspace<F>, mode: Mode) -> Frames<'w, F> {
        self.chain(0).forward(input, &mut workspace.tapes, mode)
    }

    /// The layers of chain `k`; of a network over sequences, all of them are chain 0.
    pub(super) fn chain(&self, k: usize) -> Chain<'_, F> {
        Chain { layers: &self.layers[self.chains[k].clone()], values: &self.values }
    }

    /// One training pass: runs the batch, scores it, and adds the gradient of its total loss to `gradient`.
    /// `targets` are in the order given to [`Batch::fill`].
    pub fn gradient(
        &self,
        batch: &Batch<F>,
        targets: &[&Target],
        pass: Pass<'_>,
        workspace: &mut Workspace<F>,
        gradient: &mut [F],
    ) -> Score {
        self.forward(batch.frames(), workspace, pass.mode);
        let targets: Vec<&Target> = batch.order().iter().map(|&i| targets[i]).collect();
        for tape in &mut workspace.tapes {
            tape.clear_gradient();
        }
        let score = self.score_top(workspace, &targets, pass);
        self.backward(batch, workspace, gradient);
        score
    }

    /// Scores the output and writes ∂L/∂y to the last tape.
    pub(super) fn score_top(&self, workspace: &mut Workspace<F>, targets: &[&Target], pass: Pass<'_>) -> Score {
        workspace.tapes[self.layers.len() - 1].score(targets, pass)
    }

    /// Runs the layers backward from ∂L/∂y.
    pub(super) fn backward(&self, batch: &Batch<F>, workspace: &mut Workspace<F>, gradient: &mut [F]) {
        self.chain(0).backward(batch.frames(), &mut workspace.tapes, gradient, None);
    }

    /// Runs the batch without dropout and scores it. `targets` are in the order given to [`Batch::fill`].
    pub fn score(&self, batch: &Batch<F>, targets: &[&Target], loss: Loss, workspace: &mut Workspace<F>) -> Score {
        let targets: Vec<&Target> = batch.order().iter().map(|&i| targets[i]).collect();
        loss.score(self.forward(batch.frames(), workspace, Mode::Evaluate), &targets, Classes::default(), 1.0, None)
    }

    /// Runs one sequence of `[steps, inputs]` values and returns `[steps, outputs]`, one step only behind a pool.
    ///
    /// # Panics
    /// Where `frames` is empty or no whole number of frames.
    pub fn run<T: Copy + Into<f64>>(&self, frames: &[T]) -> Vec<F> {
        self.run_mode(frames, Mode::Evaluate)
    }

    /// As [`Network::run`], in this mode: with [`Mode::Train`] and a new seed each time, a sample of the network's
    /// opinion. The mean of M such outputs is the Monte-Carlo prediction 1/M Σ f(x, θ_m) (Gal and Ghahramani 2016).
    ///
    /// # Panics
    /// As [`Network::run`].
    pub fn run_mode<T: Copy + Into<f64>>(&self, frames: &[T], mode: Mode) -> Vec<F> {
        let mut batch = Batch::default();
        batch.fill(&[frames], self.spec.inputs);
        self.forward(batch.frames(), &mut Workspace::default(), mode).data.to_vec()
    }
}

impl<'n, F: Float> Chain<'n, F> {
    /// The layers.
    pub fn layers(&self) -> &'n [Layer<F>] {
        self.layers
    }

    /// Some of the layers.
    pub fn part(&self, layers: Range<usize>) -> Chain<'n, F> {
        Chain { layers: &self.layers[layers], values: self.values }
    }

    /// Makes a tape for each layer, which keeps pre-activations where they are asked for.
    pub fn prepare(&self, tapes: &mut Vec<Tape<F>>, keep_pre: bool) {
        tapes.resize_with(self.layers.len(), Tape::default);
        tapes.iter_mut().for_each(|tape| tape.keep_pre = keep_pre);
    }

    /// Runs the layers; returns the output of the last, or the input where there is none. A tape for each is kept in
    /// `tapes`.
    pub fn forward<'t>(&self, input: Frames<'t, F>, tapes: &'t mut Vec<Tape<F>>, mode: Mode) -> Frames<'t, F> {
        tapes.resize_with(self.layers.len(), Tape::default);
        for (i, layer) in self.layers.iter().enumerate() {
            let (below, tape) = tapes.split_at_mut(i);
            let input = below.last().map_or(input, Tape::output);
            layer.forward(self.values, input, &mut tape[0], mode);
        }
        tapes.last().map_or(input, Tape::output)
    }

    /// Runs the layers backward from ∂L/∂y, which is in the last tape, over the same input as forward; adds to
    /// `gradient`, and writes ∂L/∂input to `below`.
    pub fn backward(
        &self,
        input: Frames<'_, F>,
        tapes: &mut [Tape<F>],
        gradient: &mut [F],
        mut below: Option<Below<'_, F>>,
    ) {
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let (tapes, tape) = tapes.split_at_mut(i);
            match tapes.last_mut() {
                None => layer.backward(self.values, input, &mut tape[0], gradient, below.take()),
                Some(tape_below) => {
                    // The output of the layer below is read while its gradient is written.
                    let mut dout = std::mem::take(&mut tape_below.dout);
                    let mut touched = std::mem::take(&mut tape_below.touched);
                    let (size, width) = (tape_below.size, tape_below.width);
                    let below = Below { dout: &mut dout, touched: &mut touched, size, width };
                    layer.backward(self.values, tape_below.output(), &mut tape[0], gradient, Some(below));
                    (tape_below.dout, tape_below.touched) = (dout, touched);
                }
            }
        }
    }
}

impl<F: Float> Tape<F> {
    /// Scores the output against the targets of its rows and writes ∂L/∂y, which is 0 before.
    pub(super) fn score(&mut self, targets: &[&Target], pass: Pass<'_>) -> Score {
        let (out, mut dout) = (std::mem::take(&mut self.out), std::mem::take(&mut self.dout));
        let (size, width) = (self.size, self.width);
        let output = Frames { data: &out[self.lead * size * width..], rows: &self.rows, size, width };
        let touched = &mut self.touched;
        let mut write = |t: usize, row: usize, d: &[F]| {
            if !std::mem::replace(&mut touched[t], true) {
                dout[t * size * width..][..size * width].fill(F::ZERO);
            }
            dout[(t * size + row) * width..][..width].copy_from_slice(d);
        };
        let score = pass.loss.score(output, targets, pass.classes, pass.scale, Some(&mut write));
        (self.out, self.dout) = (out, dout);
        score
    }
}

impl<F: Float> std::fmt::Debug for Network<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("spec", &self.spec).field("parameters", &self.values.len()).finish()
    }
}
