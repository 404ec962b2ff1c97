//! A float network: parameters, the forward pass, and back-propagation through time.

use super::Float;
use super::batch::{Batch, Frames};
use super::budget::{Part, timed};
use super::check::SpecError;
use super::layer::{Backward, Below, Forward, Given, Layer, Mode, RecurrentTape, Site, Tape};
use super::loss::{Classes, Loss, Score, Target};
use super::parameters::{self, Tensor};
use super::spec::NetworkSpec;
use super::structure::seq2seq;
use super::trace::Trace;
use get_size2::GetSize;
use std::ops::Range;

/// A network over scalars `F`.
pub struct Network<F> {
    spec: NetworkSpec,
    tensors: Vec<Tensor>,
    values: Vec<F>,
    layers: Vec<Box<dyn Layer<F>>>,
    /// For every layer of the recipe, the layer here whose output it is.
    outputs: Vec<usize>,
    /// For every chain, its layers here.
    chains: Vec<Range<usize>>,
    recompute: bool,
}

/// Layers one after the other, with the network's parameters.
pub(super) struct Chain<'n, F> {
    layers: &'n [Box<dyn Layer<F>>],
    values: &'n [F],
    probe: bool,
    /// For every layer of the recipe, the layer here whose output it is, and what takes its place.
    given: (&'n [usize], &'n [Given<F>]),
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
    pub teacher_forcing: f64,
}

/// The memory in which a network runs; reused from batch to batch.
#[derive(Debug, Default, GetSize)]
pub struct Workspace<F> {
    pub(super) tapes: Vec<Tape<F>>,
    pub(super) seq2seq: seq2seq::Memory<F>,
    pub(super) tree: super::structure::TreeMemory<F>,
    pub(super) graph: super::structure::GraphMemory<F>,
}

impl<F: Float> Network<F> {
    /// A network with initial parameters drawn from `seed`.
    pub fn new(spec: &NetworkSpec, seed: u64) -> Result<Self, SpecError> {
        F::network(spec, seed)
    }

    pub(crate) fn new_here(spec: &NetworkSpec, seed: u64) -> Result<Self, SpecError> {
        spec.check()?;
        let (tensors, _) = parameters::tensors(spec);
        let (mut layers, mut starts, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (kind, (inputs, _))) in spec.layers.iter().zip(spec.widths()).enumerate() {
            let own = |t: &Tensor| t.layer == number;
            let first = tensors.iter().position(own).unwrap_or(0);
            let last = tensors.iter().rposition(own).map_or(0, |last| last + 1);
            let built = kind.build(&Site { number, inputs, tensors: &tensors[first..last] });
            starts.push(layers.len());
            outputs.push(layers.len() + built.output);
            layers.extend(built.layers);
        }
        let values = parameters::initial(spec, seed).into_iter().map(F::of).collect();
        let start = |k: usize| starts.get(k).copied().unwrap_or(layers.len());
        let chains = (0..spec.chains()).map(|k| spec.chain(k)).map(|c| start(c.start)..start(c.end)).collect();
        let recompute = false;
        let mut network = Self { spec: spec.clone(), tensors, values, layers, outputs, chains, recompute };
        network.pack_here();
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

    /// Whether recurrent layers compute their gates again in the backward pass: the same bits, in the memory of h and c alone, for a
    /// forward pass more.
    pub fn set_recompute(&mut self, on: bool) {
        self.recompute = on;
        self.layers.iter_mut().for_each(|layer| layer.set_recompute(on));
    }

    /// As [`Network::set_recompute`] was called last.
    pub fn recomputes(&self) -> bool {
        self.recompute
    }

    /// Changes parameters.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut [F]) -> R) -> R {
        let result = change(&mut self.values);
        F::pack(self);
        result
    }

    pub(crate) fn pack_here(&mut self) {
        timed(Part::Packing, || self.layers.iter_mut().for_each(|layer| layer.pack(&self.values)));
    }

    /// Runs the batch; returns the output, `[steps, size, outputs]`, one step only after a pool.
    pub fn forward<'w>(&self, input: Frames<'w, F>, workspace: &'w mut Workspace<F>, mode: Mode) -> Frames<'w, F> {
        F::forward(self, input, workspace, mode)
    }

    pub(crate) fn forward_here<'w>(
        &self,
        input: Frames<'w, F>,
        workspace: &'w mut Workspace<F>,
        mode: Mode,
    ) -> Frames<'w, F> {
        self.chain(0).forward(input, &mut workspace.tapes, mode)
    }

    /// Runs the batch along what the network in integers computed, where that is given.
    fn forward_batch<'w>(&self, batch: &'w Batch<F>, workspace: &'w mut Workspace<F>, mode: Mode) -> Frames<'w, F> {
        let chain = Chain { given: (&self.outputs, batch.given()), ..self.chain(0) };
        chain.forward(batch.frames(), &mut workspace.tapes, mode)
    }

    /// Of what all layers here have, what those of the recipe have.
    pub(super) fn of_recipe<T: Clone>(&self, all: Vec<T>) -> Vec<T> {
        self.outputs.iter().map(|&i| all[i].clone()).collect()
    }

    /// The layers of chain `k`; of a network over sequences, all of them are chain 0.
    pub(super) fn chain(&self, k: usize) -> Chain<'_, F> {
        Chain { layers: &self.layers[self.chains[k].clone()], values: &self.values, probe: false, given: (&[], &[]) }
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
        F::gradient(self, batch, targets, pass, workspace, gradient)
    }

    pub(crate) fn gradient_here(
        &self,
        batch: &Batch<F>,
        targets: &[&Target],
        pass: Pass<'_>,
        workspace: &mut Workspace<F>,
        gradient: &mut [F],
    ) -> Score {
        self.forward_batch(batch, workspace, pass.mode);
        let targets: Vec<&Target> = batch.order().iter().map(|&i| targets[i]).collect();
        workspace.tapes.iter_mut().for_each(|tape| tape.output.clear_gradient());
        let score = self.score_top(workspace, &targets, pass);
        self.backward(batch, workspace, gradient);
        score
    }

    /// Scores the output and writes ∂L/∂y to the last tape.
    pub(super) fn score_top(&self, workspace: &mut Workspace<F>, targets: &[&Target], pass: Pass<'_>) -> Score {
        workspace.tapes[self.layers.len() - 1].output.score(targets, pass)
    }

    /// Runs the layers backward from ∂L/∂y.
    pub(super) fn backward(&self, batch: &Batch<F>, workspace: &mut Workspace<F>, gradient: &mut [F]) {
        self.chain(0).backward(batch.frames(), &mut workspace.tapes, gradient, None);
    }

    /// Runs the batch without dropout and scores it. `targets` are in the order given to [`Batch::fill`].
    pub fn score(&self, batch: &Batch<F>, targets: &[&Target], loss: Loss, workspace: &mut Workspace<F>) -> Score {
        F::score(self, batch, targets, loss, workspace)
    }

    pub(crate) fn score_here(
        &self,
        batch: &Batch<F>,
        targets: &[&Target],
        loss: Loss,
        workspace: &mut Workspace<F>,
    ) -> Score {
        let targets: Vec<&Target> = batch.order().iter().map(|&i| targets[i]).collect();
        loss.score(self.forward_batch(batch, workspace, Mode::Evaluate), &targets, Classes::default(), 1.0, None)
    }

    /// Runs one sequence of `[steps, inputs]` values and returns `[steps, outputs]`, one step only after a pool.
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
    pub fn layers(&self) -> &'n [Box<dyn Layer<F>>] {
        self.layers
    }

    /// Some of the layers.
    pub fn part(&self, layers: Range<usize>) -> Chain<'n, F> {
        Chain { layers: &self.layers[layers], ..*self }
    }

    /// The same layers; a backward pass keeps the norms of ∂L/∂h.
    pub fn probing(&self) -> Chain<'n, F> {
        Chain { probe: true, ..*self }
    }

    /// What the last recurrent layer of one direction keeps, where its states are given and taken.
    pub fn states<'t>(&self, tapes: &'t mut Vec<Tape<F>>) -> Option<&'t mut RecurrentTape<F>> {
        let at = self.layers.iter().rposition(|layer| layer.state_units().is_some())?;
        tapes.resize_with(self.layers.len(), Tape::default);
        Some(tapes[at].parts().1)
    }

    /// What takes the place of the output of layer `i`.
    fn given_of(&self, i: usize) -> Option<&'n Given<F>> {
        let (outputs, given) = self.given;
        let layer = outputs.iter().position(|output| *output == i)?;
        given.get(layer).filter(|given| !given.out.is_empty())
    }

    /// Runs the layers; returns the output of the last, or the input where there is none. A tape for each is kept in
    /// `tapes`.
    pub fn forward<'t>(&self, input: Frames<'t, F>, tapes: &'t mut Vec<Tape<F>>, mode: Mode) -> Frames<'t, F> {
        tapes.resize_with(self.layers.len(), Tape::default);
        for (i, layer) in self.layers.iter().enumerate() {
            let (below, tape) = tapes.split_at_mut(i);
            let input = below.last().map_or(input, |below| below.output.frames());
            layer.forward(Forward { parameters: self.values, input, mode, given: self.given_of(i) }, &mut tape[0]);
        }
        tapes.last().map_or(input, |top| top.output.frames())
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
        let (parameters, probe) = (self.values, self.probe);
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let (tapes, tape) = tapes.split_at_mut(i);
            let gradient = &mut *gradient;
            let (input, below) = match tapes.last_mut() {
                None => (input, below.take()),
                Some(tape) => {
                    let (output, below) = tape.output.split();
                    (output, Some(below))
                }
            };
            layer.backward(Backward { parameters, input, gradient, below, probe }, &mut tape[0]);
        }
    }

    /// What each layer computed in a pass in [`Mode::Trace`].
    pub fn trace(&self, tapes: &mut Vec<Tape<F>>) -> Vec<Trace<F>> {
        tapes.resize_with(self.layers.len(), Tape::default);
        self.layers.iter().zip(tapes).map(|(layer, tape)| layer.trace(tape)).collect()
    }
}

impl<F: Float> std::fmt::Debug for Network<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("spec", &self.spec).field("parameters", &self.values.len()).finish()
    }
}
