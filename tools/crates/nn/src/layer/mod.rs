//! Layers over a batch of sequences: forward, and backward through time.

mod affine;
mod bidirectional;
mod delay;
mod dense;
mod dropout;
mod embedding;
mod narx;
mod pool;
mod recurrent;
mod span;

use get_size2::GetSize;
use std::ops::Range;

pub use affine::Affine;
pub use bidirectional::Bidirectional;
pub use delay::Delay;
pub use dense::Dense;
pub use dropout::{Draw, Dropout};
pub use embedding::{Embedding, OneHot};
pub use narx::Narx;
pub use pool::Pool;
pub use recurrent::{Dropped, Recurrent, StateDropout};

use super::Float;
use super::batch::Frames;
use super::float::gemm::Packed;

/// Where a layer's parameters lie in the network's.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// W
    pub w: Range<usize>,
    /// U; empty but in a recurrent layer.
    pub u: Range<usize>,
    /// b
    pub b: Range<usize>,
    /// V of a recurrent layer with peepholes: V_i, V_f, V_o.
    pub v: Range<usize>,
}

/// What a layer keeps of the forward pass for the backward pass. Memory is reused from batch to batch.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Tape<F> {
    /// Rows of the output in use at every step.
    pub rows: Vec<usize>,
    /// Rows of every matrix.
    pub size: usize,
    /// Columns of the output.
    pub width: usize,
    /// Steps before the first in `out`: 1 where it starts with the initial state.
    pub lead: usize,
    /// `[lead + steps, size, width]`: the output.
    pub out: Vec<F>,
    /// `[steps, size, width]`: ∂L/∂out.
    pub dout: Vec<F>,
    /// Steps at which `dout` is not 0; the others' memory is stale.
    pub touched: Vec<bool>,
    /// Per stage `[steps, size, gates * width]`: the gates, then their gradients. Dropout: the mask.
    pub gates: Vec<Vec<F>>,
    /// `[1 + steps, size, width]`: c, where the cell has it. Of a narx layer, the frames as they were read.
    pub long: Vec<F>,
    /// `[size, width]`: ∂L/∂c of the last step, where something else than the layer itself reads c; else empty.
    pub dlast: Vec<F>,
    /// `[size, width]`: c of a second predecessor at the first step, of a cell that joins two; else empty.
    pub second: Vec<F>,
    /// `[size, width]`: ∂L/∂second, where it is given.
    pub dsecond: Vec<F>,
    /// `[steps, size, width]`: h between two stages, or between the two maps of a narx layer.
    pub middle: Vec<F>,
    /// `[steps, size, width]`: what the first stage carries to the second. Of a narx layer, what its delay line gives.
    pub carry: Vec<F>,
    /// Per stage `[steps, size, gates * width]`: pre-activations with bias, where they are asked for.
    pub pre: Vec<Vec<F>>,
    /// Whether pre-activations are asked for.
    pub keep_pre: bool,
    /// `[size, width]` each: h_0 and c_0 of a recurrent layer of one direction; empty where they are 0.
    pub initial: [Vec<F>; 2],
    /// `[size, width]`: ∂L/∂h, ∂L/∂c, ∂L/∂carry of the step in work. After the backward pass ∂L/∂h_0 and ∂L/∂c_0, the
    /// former only where h_0 was given.
    pub running: [Vec<F>; 3],
    /// `[size, width]`: ∂L/∂h through U, where dropout masks h.
    pub through: Vec<F>,
    /// A right operand packed on the way.
    pub packed: Packed<F>,
    /// What dropout drops within the layer.
    pub dropped: Dropped<F>,
    /// Of a bidirectional layer: both directions, each in its own order of time.
    pub directions: Vec<Tape<F>>,
    /// The input of the reverse direction.
    pub turned: Vec<F>,
    /// Of a pool that takes the largest values: `[size, width]`, the step of each.
    pub of: Vec<usize>,
    /// Whether the norm of ∂L/∂h is asked for, step by step.
    pub probe: bool,
    /// These norms, of row 0.
    pub norms: Vec<f64>,
}

/// Makes a vector `n` long without the room to grow that a vector takes for itself: what a batch needs is what
/// [`Workspace`](super::Workspace) holds. What is new is 0.
pub(crate) fn fit<F: Float>(v: &mut Vec<F>, n: usize) {
    v.reserve_exact(n.saturating_sub(v.len()));
    v.resize(n, F::ZERO);
}

impl<F: Float> Tape<F> {
    /// Takes the shape of an output and makes room for it.
    fn shape(&mut self, rows: &[usize], size: usize, width: usize, lead: usize) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        (self.size, self.width, self.lead) = (size, width, lead);
        fit(&mut self.out, (lead + rows.len()) * size * width);
        self.out[..lead * size * width].fill(F::ZERO);
    }

    /// The output.
    pub fn output(&self) -> Frames<'_, F> {
        let data = &self.out[self.lead * self.size * self.width..];
        Frames { data, rows: &self.rows, size: self.size, width: self.width }
    }

    /// Makes room for ∂L/∂out, 0 at every step.
    pub fn clear_gradient(&mut self) {
        self.touched.clear();
        self.touched.resize(self.rows.len(), false);
        fit(&mut self.dout, self.rows.len() * self.size * self.width);
    }
}

/// How a forward pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As the device will: dropout off.
    Evaluate,
    /// Dropout on, its masks drawn from this seed.
    Train(u64),
}

/// A layer.
pub enum Layer<F> {
    /// A row of a table for every symbol.
    Embedding(Embedding),
    /// A unit vector for every symbol.
    OneHot(OneHot),
    /// Past frames beside the present one.
    Delay(Delay),
    /// Recurrent cells.
    Recurrent(Recurrent<F>),
    /// Recurrent cells in both directions.
    Bidirectional(Bidirectional<F>),
    /// A network over past inputs and outputs.
    Narx(Narx<F>),
    /// Dropout on what goes up.
    Dropout(Dropout),
    /// Pooling over time.
    Pool(Pool),
    /// Dense, step by step.
    Dense(Dense<F>),
}

impl<F: Float> Layer<F> {
    /// Brings the weights into the form in which the products read them.
    pub fn pack(&mut self, parameters: &[F]) {
        match self {
            Self::Recurrent(layer) => layer.pack(parameters),
            Self::Bidirectional(layer) => layer.pack(parameters),
            Self::Narx(layer) => layer.pack(parameters),
            Self::Dense(layer) => layer.0.pack(parameters),
            _ => {}
        }
    }

    /// Computes the output from `input`, into `tape`.
    pub fn forward(&self, parameters: &[F], input: Frames<'_, F>, tape: &mut Tape<F>, mode: Mode) {
        match self {
            Self::Recurrent(layer) => layer.forward(parameters, input, tape, mode),
            Self::Bidirectional(layer) => layer.forward(parameters, input, tape, mode),
            Self::Narx(layer) => layer.forward(parameters, input, tape),
            Self::Embedding(layer) => layer.forward(parameters, input, tape),
            Self::OneHot(layer) => layer.forward(input, tape),
            Self::Delay(layer) => layer.forward(input, tape),
            Self::Dropout(layer) => layer.forward(input, tape, mode),
            Self::Pool(layer) => layer.forward(input, tape),
            Self::Dense(layer) => layer.forward(parameters, input, tape),
        }
    }

    /// Adds ∂L/∂parameters to `gradient` and, unless this is the first layer, ∂L/∂input to the tape below.
    pub fn backward(
        &self,
        parameters: &[F],
        input: Frames<'_, F>,
        tape: &mut Tape<F>,
        gradient: &mut [F],
        below: Option<Below<'_, F>>,
    ) {
        match self {
            Self::Recurrent(layer) => layer.backward(parameters, input, tape, gradient, below),
            Self::Bidirectional(layer) => layer.backward(parameters, input, tape, gradient, below),
            Self::Narx(layer) => layer.backward(input, tape, gradient),
            Self::Embedding(layer) => layer.backward(input, tape, gradient),
            // Symbols have no gradient.
            Self::OneHot(_) => {}
            Self::Delay(layer) => layer.backward(tape, below),
            Self::Dropout(_) => Dropout::backward(tape, below),
            Self::Pool(layer) => layer.backward(input.rows, tape, below),
            Self::Dense(layer) => layer.backward(input, tape, gradient, below),
        }
    }
}

/// The gradient's side of the tape below: its output is still being read.
pub struct Below<'a, F> {
    /// `[steps, size, width]`
    pub dout: &'a mut [F],
    /// Steps written.
    pub touched: &'a mut [bool],
    /// Rows of every matrix.
    pub size: usize,
    /// Columns.
    pub width: usize,
}

impl<F: Float> Below<'_, F> {
    /// The gradient of these steps, to be written whole.
    fn steps(&mut self, steps: Range<usize>) -> &mut [F] {
        self.touched[steps.clone()].fill(true);
        &mut self.dout[steps.start * self.size * self.width..steps.end * self.size * self.width]
    }

    /// The same memory, for one of several that write to it.
    fn again(&mut self) -> Below<'_, F> {
        Below { dout: self.dout, touched: self.touched, size: self.size, width: self.width }
    }

    /// The gradient of step `t`, to be written whole.
    fn step(&mut self, t: usize) -> &mut [F] {
        self.touched[t] = true;
        &mut self.dout[t * self.size * self.width..][..self.size * self.width]
    }
}
