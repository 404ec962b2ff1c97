//! A layer that runs: forward over a batch of sequences, and backward through time.

use super::given::Given;
use super::tape::{Below, Kept, Output, Tape};
use crate::batch::Frames;
use crate::{Float, Trace};

/// How a forward pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As the device will: dropout off.
    Evaluate,
    /// As [`Mode::Evaluate`]; keeps pre-activations for a [`Trace`].
    Trace,
    /// Dropout on, its masks drawn from this seed.
    Train(u64),
}

/// A forward pass through one layer.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a, F> {
    /// The network's parameters.
    pub parameters: &'a [F],
    /// What the layer reads.
    pub input: Frames<'a, F>,
    /// How.
    pub mode: Mode,
    /// What takes the place of the layer's output.
    pub given: Option<&'a Given<F>>,
}

/// A backward pass through one layer, over the input of its forward pass.
#[derive(Debug)]
pub struct Backward<'a, F> {
    /// The network's parameters.
    pub parameters: &'a [F],
    /// What the layer read.
    pub input: Frames<'a, F>,
    /// ∂L/∂parameters of the whole network, added to.
    pub gradient: &'a mut [F],
    /// Where ∂L/∂input goes, unless nobody asks for it.
    pub below: Option<Below<'a, F>>,
    /// Whether a recurrent layer keeps the norms of ∂L/∂h, step by step.
    pub probe: bool,
}

/// A layer, with the type of its own tape.
pub trait Run<F: Float>: Send + Sync + 'static {
    /// What it keeps of the forward pass in addition to its output.
    type Tape: Kept + Default;

    /// Brings weights into the form in which products read them, after the parameters have changed.
    fn pack(&mut self, _parameters: &[F]) {}

    /// Whether it may compute in the backward pass what it would keep of the forward pass: the same bits in less memory.
    fn set_recompute(&mut self, _on: bool) {}

    /// Computes the output.
    fn forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut Self::Tape);

    /// From ∂L/∂y in `out` to ∂L/∂parameters and ∂L/∂input.
    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut Self::Tape);

    /// What it computed, after a pass in [`Mode::Trace`].
    fn trace(&self, out: &Output<F>, _tape: &mut Self::Tape) -> Trace<F> {
        Trace::of(out)
    }

    /// After a backward pass that probed, the norms of ∂L/∂h: a vector for each direction in which it is recurrent.
    fn norms(&self, _tape: &mut Self::Tape) -> Vec<Vec<f64>> {
        Vec::new()
    }

    /// Units of a state that may be given to it and taken from it, [`super::RecurrentTape`]; `None` where it has none.
    fn state_units(&self) -> Option<usize> {
        None
    }
}

/// A [`Run`] as an object, whose tape has lost its type.
pub trait Layer<F: Float>: Send + Sync {
    /// As [`Run::pack`].
    fn pack(&mut self, parameters: &[F]);
    /// As [`Run::set_recompute`].
    fn set_recompute(&mut self, on: bool);
    /// As [`Run::forward`].
    fn forward(&self, pass: Forward<'_, F>, tape: &mut Tape<F>);
    /// As [`Run::backward`].
    fn backward(&self, pass: Backward<'_, F>, tape: &mut Tape<F>);
    /// As [`Run::trace`].
    fn trace(&self, tape: &mut Tape<F>) -> Trace<F>;
    /// As [`Run::norms`].
    fn norms(&self, tape: &mut Tape<F>) -> Vec<Vec<f64>>;
    /// As [`Run::state_units`].
    fn state_units(&self) -> Option<usize>;
}

impl<F: Float, R: Run<F>> Layer<F> for R {
    fn pack(&mut self, parameters: &[F]) {
        Run::pack(self, parameters);
    }
    fn set_recompute(&mut self, on: bool) {
        Run::set_recompute(self, on);
    }
    fn forward(&self, pass: Forward<'_, F>, tape: &mut Tape<F>) {
        let (out, own) = tape.parts();
        Run::forward(self, pass, out, own);
        if let Some(given) = pass.given {
            out.replace(&given.out);
        }
    }
    fn backward(&self, pass: Backward<'_, F>, tape: &mut Tape<F>) {
        let (out, own) = tape.parts();
        Run::backward(self, pass, out, own);
    }
    fn trace(&self, tape: &mut Tape<F>) -> Trace<F> {
        let (out, own) = tape.parts();
        Run::trace(self, out, own)
    }
    fn norms(&self, tape: &mut Tape<F>) -> Vec<Vec<f64>> {
        Run::norms(self, tape.parts().1)
    }
    fn state_units(&self) -> Option<usize> {
        Run::state_units(self)
    }
}
