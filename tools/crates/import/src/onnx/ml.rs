//! Operators of the domain `ai.onnx.ml`, as skl2onnx writes scalers, linear models and probabilities.

use elman_nn::DenseActivation;

use super::math;
use super::node::Reader;
use super::value::{Stream, Value};
use crate::op::{AffineOp, DenseOp, Op};
use crate::{Matrix, Result};

/// (x - offset) scale
pub fn scaler(node: &Reader<'_>) -> Result<Value> {
    let x = math::vectors(node, 0)?;
    let part = |name: &str, default: f64| match node.floats(name).unwrap_or_default() {
        [] => Ok(vec![default; x.width]),
        [one] => Ok(vec![f64::from(*one); x.width]),
        all if all.len() == x.width => Ok(all.iter().copied().map(f64::from).collect()),
        all => Err(node.shape(format!("{} numbers in {name} for vectors of {}", all.len(), x.width))),
    };
    let (offset, scale) = (part("offset", 0.0)?, part("scale", 1.0)?);
    let offset = offset.iter().zip(&scale).map(|(o, s)| -o * s).collect();
    Ok(Value::Stream(x.then(&node.place(), Op::Affine(AffineOp { scale, offset }))))
}

/// W x + b, and the labels that are chosen by it, which are left: the scores are the second output of a classifier.
pub fn linear(node: &Reader<'_>) -> Result<Vec<Value>> {
    let x = math::vectors(node, 0)?;
    let values = node.floats("coefficients").unwrap_or_default();
    let rows = values.len() / x.width.max(1);
    let biases = node.floats("intercepts").unwrap_or_default();
    if rows == 0 || rows * x.width != values.len() || ![0, rows].contains(&biases.len()) {
        let (n, b, width) = (values.len(), biases.len(), x.width);
        return Err(node.shape(format!("{n} coefficients and {b} intercepts for vectors of {width}")));
    }
    let mut w = Matrix { rows, columns: x.width, values: values.to_vec() };
    let mut b = if biases.is_empty() { vec![0.0; rows] } else { biases.to_vec() };
    let after = match (&*node.string("post_transform", "NONE"), rows) {
        ("NONE", _) => None,
        ("SOFTMAX", _) => Some(Op::Softmax),
        ("LOGISTIC", 1) => Some(Op::Activation(DenseActivation::Sigmoid)),
        // σ(-z) and σ(z) of one z: the softmax of -z/2 and z/2.
        ("LOGISTIC", 2) if opposite(&w.values, x.width) && b[0] == -b[1] => {
            w.values.iter_mut().chain(&mut b).for_each(|v| *v /= 2.0);
            Some(Op::Softmax)
        }
        (other, _) => {
            return Err(node.unsupported(
                &format!("{rows} scores by post_transform {other}"),
                "train one model of all classes (multinomial), whose scores are a softmax",
            ));
        }
    };
    let place = node.place();
    let scores = x.then(&place, Op::Dense(DenseOp { w, b }));
    let scores = Value::Stream(after.map_or(scores.clone(), |op| scores.then(&place, op)));
    Ok(if node.node.kind == "LinearClassifier" { vec![scores.clone(), scores] } else { vec![scores] })
}

/// Whether the first of two rows is the second with its sign changed.
fn opposite(values: &[f32], width: usize) -> bool {
    let (first, second) = values.split_at(width.min(values.len()));
    first.iter().zip(second).all(|(a, b)| *a == -b)
}

/// Probabilities over their sum, which is 1 where they are a softmax.
pub fn normalizer(node: &Reader<'_>) -> Result<Value> {
    let x = math::vectors(node, 0)?;
    match (x.last_op(), &*node.string("norm", "MAX")) {
        (Some(Op::Softmax), "L1") => Ok(Value::Stream(x.clone())),
        (_, norm) => Err(node.unsupported(
            &format!("vectors over their norm {norm}"),
            "compute it before the network, or end it by a softmax",
        )),
    }
}

/// [1 - p, p] with p = σ(z): the softmax of 0 and z.
pub fn both_probabilities(node: &Reader<'_>, [first, second]: [&Stream; 2]) -> Option<Stream> {
    let complement = match first.last_op()? {
        Op::Affine(AffineOp { scale, offset }) => scale[..] == [-1.0] && offset[..] == [1.0],
        _ => false,
    };
    let sigmoid = matches!(second.last_op()?, Op::Activation(DenseActivation::Sigmoid));
    if !complement || !sigmoid || !first.before()?.same(second) {
        return None;
    }
    let w = Matrix { rows: 2, columns: 1, values: vec![0.0, 1.0] };
    let logits = second.before()?.then(&node.place(), Op::Dense(DenseOp { w, b: vec![0.0; 2] }));
    Some(logits.then(&node.place(), Op::Softmax))
}
