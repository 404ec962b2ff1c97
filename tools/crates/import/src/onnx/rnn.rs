//! RNN, GRU and LSTM of ONNX: gates z r h and i o f c, two biases, peepholes i o f.

use super::node::Reader;
use super::value::{Axis, Stream, Value};
use crate::gates::{Direction, Gates};
use crate::op::{CellOp, DenseOp, Op};
use crate::{Matrix, Result, Tensor};
use elman_nn::Over;

/// What a cell does in one direction, in ONNX' words.
fn activations(node: &Reader<'_>, kind: &str, directions: usize) -> Result<Vec<String>> {
    let given: Vec<String> = node.strings("activations").iter().map(|s| s.to_lowercase()).collect();
    let default: &[&str] = match kind {
        "RNN" => &["tanh"],
        "GRU" => &["sigmoid", "tanh"],
        _ => &["sigmoid", "tanh", "tanh"],
    };
    if given.is_empty() {
        return Ok(default.iter().map(|s| (*s).to_owned()).collect());
    }
    let first = given.get(..default.len()).unwrap_or_default();
    let fits = given.len() == default.len() * directions && given.chunks(default.len()).all(|c| c == first);
    if !fits || (kind != "RNN" && first != default) {
        return Err(node.unsupported(
            &format!("the activations {}", given.join(", ")),
            "the cells of elman have sigmoid gates and a tanh, in both directions: train with these",
        ));
    }
    Ok(first.to_vec())
}

/// Which cell of elman it is.
fn gates(node: &Reader<'_>, kind: &str, directions: usize, peepholes: bool) -> Result<(Gates, usize)> {
    let f = activations(node, kind, directions)?;
    Ok(match kind {
        "RNN" => match f[0].as_str() {
            "tanh" => (Gates::TANH, 1),
            "relu" => (Gates::RELU, 1),
            "sigmoid" => (Gates::SIGMOID, 1),
            other => {
                return Err(
                    node.unsupported(&format!("the activation {other}"), "an RNN has tanh, relu or sigmoid here")
                );
            }
        },
        "GRU" if node.int("linear_before_reset", 0) != 0 => (Gates::ONNX_GRU, 3),
        "GRU" => (Gates::ONNX_GRU_BEFORE, 3),
        _ => match (node.int("input_forget", 0) != 0, peepholes) {
            (false, false) => (Gates::ONNX_LSTM, 4),
            (false, true) => (Gates::ONNX_LSTM_PEEPHOLE, 4),
            (true, false) => (Gates::ONNX_LSTM_COUPLED, 4),
            (true, true) => {
                return Err(node.unsupported(
                    "peepholes together with input_forget",
                    "no cell of elman has both: train with one of them",
                ));
            }
        },
    })
}

/// One direction's part of a tensor `[directions, ...]`.
fn part(node: &Reader<'_>, tensor: &Tensor, direction: usize, directions: usize) -> Result<Vec<f32>> {
    let n = tensor.values.len() / directions;
    match tensor.shape.first() == Some(&directions) {
        true => Ok(tensor.values[direction * n..][..n].to_vec()),
        false => Err(node.shape(format!("a tensor of {:?} for {directions} direction(s)", tensor.shape))),
    }
}

/// The outputs of a recurrent node: Y, Y_h and Y_c.
pub fn run(node: &Reader<'_>, kind: &str) -> Result<Vec<Value>> {
    let (direction, layout) = (node.string("direction", "forward"), node.int("layout", 0));
    let directions = if direction == "bidirectional" { 2 } else { 1 };
    if node.has("clip") {
        return Err(node.unsupported("clip is set", "no cell of elman clips its pre-activations: export without clip"));
    }
    if node.optional(4).is_some() {
        return Err(
            node.unsupported("lengths of sequences (sequence_lens)", "elman runs each sequence alone: export without")
        );
    }
    for state in [5, 6] {
        if node.optional(state).is_some_and(|v| !is_zero(v)) {
            return Err(node.unsupported("a first state that is not 0", "states begin at 0 here: export without one"));
        }
    }
    let x = node.stream(0)?;
    let time_first = matches!(x.axes[..], [Axis::Time, Axis::Batch | Axis::One, Axis::Feature]);
    let batch_first = matches!(x.axes[..], [Axis::Batch | Axis::One, Axis::Time, Axis::Feature]);
    if !(if layout == 1 { batch_first } else { time_first }) {
        return Err(node.shape(format!("its input has the axes {:?} where steps, batch, features belong", x.axes)));
    }
    let peepholes = if kind == "LSTM" { node.constant(7)? } else { None };
    let (gates, count) = gates(node, kind, directions, peepholes.is_some())?;
    let (w, r) = (node.weights(1)?, node.weights(2)?);
    let bias = node.constant(3)?;
    let (&[_, rows, inputs], &[_, _, units]) = (&w.shape[..], &r.shape[..]) else {
        return Err(node.shape(format!("W is {:?}, R {:?}; both have three axes", w.shape, r.shape)));
    };
    let mut weights = Vec::new();
    for k in 0..directions {
        let (w, u) = (part(node, &w, k, directions)?, part(node, &r, k, directions)?);
        if w.len() != rows * inputs || u.len() != rows * units {
            return Err(node.shape(format!("W of {} and R of {} values for {rows} rows", w.len(), u.len())));
        }
        let (mut w_bias, mut u_bias) = (Vec::new(), Vec::new());
        if let Some(bias) = &bias {
            w_bias = part(node, bias, k, directions)?;
            u_bias = w_bias.split_off(w_bias.len() / 2);
        }
        let peepholes = peepholes.as_ref().map_or(Ok(Vec::new()), |p| part(node, p, k, directions))?;
        let (w, u) = (Matrix::new(rows, inputs, w), Matrix::new(rows, units, u));
        weights.push(Direction { w, u, w_bias, u_bias, peepholes, ..Direction::default() }.weights(
            &node.place(),
            gates,
            units,
            count,
        )?);
    }
    let reverse = direction == "reverse";
    if reverse {
        // Both directions, of which the forward one is 0 and not read.
        let mut forward = weights[0].clone();
        let all = [&mut forward.w.values, &mut forward.u.values, &mut forward.b, &mut forward.v];
        all.into_iter().for_each(|v| v.fill(0.0));
        weights.insert(0, forward);
    }
    let y = x.then(&node.place(), Op::Cell(CellOp { variant: gates.variant, units, directions: weights }));
    // The reverse direction's last state stands at the first step.
    let over = if directions == 2 || reverse { Over::Ends } else { Over::Last };
    let ends = y.then(&node.place(), Op::Pool(over));
    let [y, ends] = [y, ends].map(|y| {
        let y = if reverse { second_half(node, &y, units) } else { y };
        // The axes have the width of one direction.
        Stream { width: units, ..y }
    });
    Ok(outputs(node, &y, &ends, directions, layout == 1))
}

/// The second half of vectors of 2 `units`.
fn second_half(node: &Reader<'_>, y: &Stream, units: usize) -> Stream {
    let mut w = Matrix::new(units, 2 * units, vec![0.0; 2 * units * units]);
    (0..units).for_each(|k| w.values[k * 2 * units + units + k] = 1.0);
    y.then(&node.place(), Op::Dense(DenseOp { w, b: vec![0.0; units] }))
}

fn outputs(node: &Reader<'_>, y: &Stream, ends: &Stream, directions: usize, batch_first: bool) -> Vec<Value> {
    let (both, batch) = (Axis::Directions(directions), Axis::Batch);
    let (steps, last) = match batch_first {
        false => (vec![Axis::Time, both.clone(), batch.clone(), Axis::Feature], vec![both, batch, Axis::Feature]),
        true => (vec![batch.clone(), Axis::Time, both.clone(), Axis::Feature], vec![batch, both, Axis::Feature]),
    };
    let failed = |problem: &str, way: &str| Value::Failed(std::rc::Rc::new(node.unsupported(problem, way)));
    let c = failed("the last cell state (Y_c) is read", "a network of elman reads h: build it without c");
    vec![Value::Stream(y.with_axes(steps)), Value::Stream(ends.with_axes(last)), c]
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Zeros => true,
        Value::Const(t) => t.values.iter().all(|v| *v == 0.0),
        _ => false,
    }
}
