//! A network between a file and elman's layers: a chain of operations with their weights.

use elman_nn::{DenseActivation, Over};

use crate::Matrix;

/// One operation on a sequence of vectors, or on the one vector that pooling made of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// y = E\[x\]: row x of E.
    Embedding(Matrix),
    /// A recurrent layer.
    Cell(CellOp),
    /// y = W x + b
    Dense(DenseOp),
    /// y = f(x)
    Activation(DenseActivation),
    /// y_k = s_k x_k + o_k
    Affine(AffineOp),
    /// y_t = [x_t; x_(t-1); ...; x_(t-K)]
    Delay(usize),
    /// One vector of the sequence.
    Pool(Over),
    /// y_k = g_k (x_k - μ) / √(σ² + ε) + b_k
    Norm {
        /// ε
        epsilon: f64,
        /// g
        gain: Vec<f32>,
        /// b
        bias: Vec<f32>,
    },
    /// y = softmax(x)
    Softmax,
}

/// y = W x + b
#[derive(Clone, Debug, PartialEq)]
pub struct DenseOp {
    /// W
    pub w: Matrix,
    /// b
    pub b: Vec<f32>,
}

/// y_k = s_k x_k + o_k
#[derive(Clone, Debug, PartialEq)]
pub struct AffineOp {
    /// s
    pub scale: Vec<f64>,
    /// o
    pub offset: Vec<f64>,
}

/// A recurrent layer in elman's order of gates.
#[derive(Clone, Debug, PartialEq)]
pub struct CellOp {
    /// Name of the variant, as in [`elman::cell::VariantSpec::name`].
    pub variant: &'static str,
    /// Width of the hidden state of each direction.
    pub units: usize,
    /// The forward direction, and the reverse one where there is one.
    pub directions: Vec<CellWeights>,
}

/// The tensors of one direction, gate after gate in the order of the cell's table.
#[derive(Clone, Debug, PartialEq)]
pub struct CellWeights {
    /// W, on the input.
    pub w: Matrix,
    /// U, on the recurrent side.
    pub u: Matrix,
    /// b
    pub b: Vec<f32>,
    /// V of the peepholes: V_i, V_f, V_o; empty without.
    pub v: Vec<f32>,
    /// P of a projected state, which U then reads; empty without.
    pub p: Matrix,
}

impl CellOp {
    /// Rows of P, where a direction has one.
    pub fn rank(&self) -> usize {
        self.directions.first().map_or(0, |d| d.p.rows)
    }
}

impl Op {
    /// How messages name it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Embedding(_) => "embedding",
            Op::Cell(cell) => cell.variant,
            Op::Dense(_) => "dense",
            Op::Activation(_) => "activation",
            Op::Affine(_) => "scale and offset",
            Op::Delay(_) => "delay",
            Op::Pool(_) => "pool",
            Op::Norm { .. } => "norm",
            Op::Softmax => "softmax",
        }
    }

    /// Width of what it reads, where its weights say so.
    pub fn inputs(&self) -> Option<usize> {
        match self {
            Op::Embedding(_) => Some(1),
            Op::Cell(cell) => cell.directions.first().map(|d| d.w.columns),
            Op::Dense(dense) => Some(dense.w.columns),
            Op::Affine(affine) => Some(affine.scale.len()),
            Op::Norm { gain, .. } => Some(gain.len()),
            Op::Activation(_) | Op::Delay(_) | Op::Pool(_) | Op::Softmax => None,
        }
    }

    /// Width of its output over vectors of this width.
    pub fn width(&self, inputs: usize) -> usize {
        match self {
            Op::Embedding(e) => e.columns,
            Op::Cell(cell) => {
                let outputs = if cell.variant == "lstm-projected" { cell.rank() } else { cell.units };
                outputs * cell.directions.len()
            }
            Op::Dense(dense) => dense.w.rows,
            Op::Delay(taps) => inputs.saturating_mul(taps.saturating_add(1)),
            Op::Activation(_) | Op::Affine(_) | Op::Pool(_) | Op::Norm { .. } | Op::Softmax => inputs,
        }
    }

    /// All its weights.
    pub fn weights(&self) -> Vec<&[f32]> {
        match self {
            Op::Embedding(e) => vec![&e.values],
            Op::Cell(cell) => {
                cell.directions.iter().flat_map(|d| [&d.w.values[..], &d.u.values, &d.b, &d.v, &d.p.values]).collect()
            }
            Op::Dense(dense) => vec![&dense.w.values, &dense.b],
            Op::Norm { gain, bias, .. } => vec![gain, bias],
            Op::Activation(_) | Op::Affine(_) | Op::Delay(_) | Op::Pool(_) | Op::Softmax => Vec::new(),
        }
    }
}

impl DenseOp {
    /// Over all steps as one vector from a delay line, which begins with the last of them.
    #[must_use]
    pub fn over_steps(mut self, steps: usize) -> Self {
        let width = (self.w.columns / steps.max(1)).max(1);
        for row in self.w.values.chunks_exact_mut(self.w.columns.max(1)) {
            let turned: Vec<f32> = row.chunks_exact(width).rev().flatten().copied().collect();
            row.copy_from_slice(&turned);
        }
        self
    }

    /// The identity of this width.
    pub fn identity(width: usize) -> Self {
        DenseOp { w: Matrix::diagonal(&vec![1.0; width]), b: vec![0.0; width] }
    }
}
