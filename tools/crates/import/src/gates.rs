//! The gates of recurrent layers, from the order of a framework into that of elman's tables.

use crate::op::CellWeights;
use crate::tensor::{blocks, sum};
use crate::{ImportError, Matrix, Result};

/// A variant of elman's, and which gate of the file each of its gates is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// Name of the variant.
    pub variant: &'static str,
    /// In the order of the variant's table, without `m` of a GRU: the gate's number in the file.
    pub order: &'static [usize],
}

/// One gate, whatever the order.
const ONE: &[usize] = &[0];
/// r, z, n
const RZN: &[usize] = &[0, 1, 2];
/// r, z, n of z, r, h
const RZN_OF_ZRH: &[usize] = &[1, 0, 2];
/// i, f, g, o
const IFGO: &[usize] = &[0, 1, 2, 3];
/// i, f, g, o of i, o, f, c
const IFGO_OF_IOFC: &[usize] = &[0, 2, 3, 1];
/// i, g, o of i, o, f, c
const IGO_OF_IOFC: &[usize] = &[0, 3, 1];
/// V_i, V_f, V_o of P_i, P_o, P_f
const PEEPHOLES_OF_IOF: &[usize] = &[0, 2, 1];

impl Gates {
    /// h = tanh(...)
    pub const TANH: Gates = Gates { variant: "srn", order: ONE };
    /// h = relu(...)
    pub const RELU: Gates = Gates { variant: "srn-relu", order: ONE };
    /// h = σ(...)
    pub const SIGMOID: Gates = Gates { variant: "srn-sigmoid", order: ONE };
    /// PyTorch's GRU: r z n.
    pub const TORCH_GRU: Gates = Gates { variant: "gru", order: RZN };
    /// PyTorch's LSTM: i f g o.
    pub const TORCH_LSTM: Gates = Gates { variant: "lstm", order: IFGO };
    /// PyTorch's LSTM with `proj_size`: i f g o.
    pub const TORCH_LSTM_PROJECTED: Gates = Gates { variant: "lstm-projected", order: IFGO };
    /// Keras' GRU, `reset_after=True`: z r h.
    pub const KERAS_GRU: Gates = Gates { variant: "gru", order: RZN_OF_ZRH };
    /// Keras' GRU, `reset_after=False`: z r h.
    pub const KERAS_GRU_BEFORE: Gates = Gates { variant: "gru-before", order: RZN_OF_ZRH };
    /// Keras' LSTM: i f c o.
    pub const KERAS_LSTM: Gates = Gates { variant: "lstm", order: IFGO };
    /// ONNX' GRU, `linear_before_reset` 1: z r h.
    pub const ONNX_GRU: Gates = Gates { variant: "gru", order: RZN_OF_ZRH };
    /// ONNX' GRU, `linear_before_reset` 0: z r h.
    pub const ONNX_GRU_BEFORE: Gates = Gates { variant: "gru-before", order: RZN_OF_ZRH };
    /// ONNX' LSTM: i o f c.
    pub const ONNX_LSTM: Gates = Gates { variant: "lstm", order: IFGO_OF_IOFC };
    /// ONNX' LSTM with peepholes: i o f c.
    pub const ONNX_LSTM_PEEPHOLE: Gates = Gates { variant: "lstm-peephole", order: IFGO_OF_IOFC };
    /// ONNX' LSTM with `input_forget` 1: i o f c, of which f is not used.
    pub const ONNX_LSTM_COUPLED: Gates = Gates { variant: "lstm-coupled", order: IGO_OF_IOFC };
}

/// One direction of a recurrent layer as a file has it: gate after gate.
#[derive(Clone, Debug, Default)]
pub struct Direction {
    /// `[gates * units, inputs]`
    pub w: Matrix,
    /// `[gates * units, units]`; over the projection, where there is one.
    pub u: Matrix,
    /// The projection of the state, `[elements, units]`; empty without.
    pub p: Matrix,
    /// The bias of W, `[gates * units]`; empty without.
    pub w_bias: Vec<f32>,
    /// The bias of U, `[gates * units]`; empty without.
    pub u_bias: Vec<f32>,
    /// Peepholes in the order i, o, f; empty without.
    pub peepholes: Vec<f32>,
}

impl Direction {
    /// It in elman's order; `gates` as many as the file has.
    ///
    /// # Errors
    /// Where shapes do not fit each other.
    pub fn weights(mut self, place: &str, kind: Gates, units: usize, gates: usize) -> Result<CellWeights> {
        let rows = gates * units;
        let wrong = |problem: String| Err(ImportError::shape(place, problem));
        let width = if self.p.rows > 0 { self.p.rows } else { units };
        if self.p.rows > 0 && (self.p.columns != units || self.p.rows > units) {
            return wrong(format!("a projection of {} x {} for {units} units", self.p.rows, self.p.columns));
        }
        if units == 0 || self.w.rows != rows || self.u.rows != rows || self.u.columns != width {
            return wrong(format!(
                "weights of {} x {} and {} x {} where {gates} gates of {units} units belong",
                self.w.rows, self.w.columns, self.u.rows, self.u.columns
            ));
        }
        for bias in [&mut self.w_bias, &mut self.u_bias] {
            if bias.is_empty() {
                bias.resize(rows, 0.0);
            }
            if bias.len() != rows {
                return wrong(format!("a bias of {} values where {rows} belong", bias.len()));
            }
        }
        let v = match self.peepholes.len() {
            0 => Vec::new(),
            n if n == 3 * units => blocks(&self.peepholes, units, PEEPHOLES_OF_IOF),
            n => return wrong(format!("peepholes of {n} values where {} belong", 3 * units)),
        };
        let [w_bias, u_bias] = [&self.w_bias, &self.u_bias].map(|b| blocks(b, units, kind.order));
        let mut b = sum(&w_bias, &u_bias);
        if kind.variant == "gru" {
            // b_n stays with x's part, b_m is that of h's part, which r gates.
            let n = 2 * units;
            b.truncate(n);
            b.extend_from_slice(&w_bias[n..]);
            b.extend_from_slice(&u_bias[n..]);
        }
        Ok(CellWeights { w: self.w.blocks(units, kind.order), u: self.u.blocks(units, kind.order), b, v, p: self.p })
    }
}
