//! Operators that compute: products with weights, scales, activations, pools.

use elman_nn::{DenseActivation, Over};

use super::node::Reader;
use super::value::{Axis, Stream, Value};
use crate::op::{AffineOp, DenseOp, Op};
use crate::{Result, Tensor};

/// A stream whose last axis is its features, of which all stand in one vector.
pub fn vectors<'a>(node: &Reader<'a>, k: usize) -> Result<&'a Stream> {
    let s = of_any_order(node, k)?;
    match s.flat {
        None => Ok(s),
        Some(_) => Err(node.unsupported("all steps as one vector are read", "a Gemm or MatMul reads them first")),
    }
}

/// As [`vectors`], or all steps as one vector.
fn of_any_order<'a>(node: &Reader<'a>, k: usize) -> Result<&'a Stream> {
    let s = node.stream(k)?;
    let whole = s.direction.is_none() && !s.axes.iter().any(|a| matches!(a, Axis::Directions(2..)));
    match s.axes.last() == Some(&Axis::Feature) && whole {
        true => Ok(s),
        false => Err(node.unsupported(
            &format!("vectors with the axes {:?}", s.axes),
            "features stand in the last axis, both directions one after the other",
        )),
    }
}

/// x W
pub fn matmul(node: &Reader<'_>) -> Result<Value> {
    let (x, w) = (of_any_order(node, 0)?, node.weights(1)?.matrix(&node.place())?.transposed());
    let b = vec![0.0; w.rows];
    dense(node, x, DenseOp { w, b })
}

/// α x W + β c
pub fn gemm(node: &Reader<'_>) -> Result<Value> {
    let x = of_any_order(node, 0)?;
    if node.int("transA", 0) != 0 {
        return Err(node.unsupported("transA", "export with the vectors as rows"));
    }
    let w = node.weights(1)?.matrix(&node.place())?;
    let mut w = if node.int("transB", 0) != 0 { w } else { w.transposed() };
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
    w.values.iter_mut().for_each(|w| *w *= alpha);
    let b = match node.constant(2)? {
        Some(c) => along(node, &c, w.rows)?.iter().map(|c| (c * f64::from(beta)) as f32).collect(),
        None => vec![0.0; w.rows],
    };
    dense(node, x, DenseOp { w, b })
}

fn dense(node: &Reader<'_>, x: &Stream, op: DenseOp) -> Result<Value> {
    let op = if let Some(steps) = x.flat { op.over_steps(steps) } else { op };
    match op.w.columns == x.width {
        true => Ok(Value::Stream(x.then(&node.place(), Op::Dense(op)))),
        false => Err(node.shape(format!("weights for {} values, which are {}", op.w.columns, x.width))),
    }
}

/// A constant along the features: one for all, or one for each.
fn along(node: &Reader<'_>, t: &Tensor, width: usize) -> Result<Vec<f64>> {
    let values: Vec<f64> = t.values.iter().map(|v| f64::from(*v)).collect();
    match (values.len(), t.shape.last()) {
        (1, _) => Ok(vec![values[0]; width]),
        (n, Some(last)) if n == width && *last == width => Ok(values),
        _ => Err(node.shape(format!("a constant of {:?} for vectors of {width}", t.shape))),
    }
}

/// Add, Sub, Mul and Div of sizes, and of vectors and a constant.
pub fn arithmetic(node: &Reader<'_>, kind: &str) -> Result<Value> {
    let (a, b) = (node.value(0)?, node.value(1)?);
    let (stream, constant, swapped) = match (a, b) {
        (Value::Ints { values: a, scalar: one }, Value::Ints { values: b, scalar: two }) => {
            let n = a.len().max(b.len());
            let at = |v: &[Option<i64>], k: usize| v.get(if v.len() == 1 { 0 } else { k }).copied().flatten();
            let f = |(a, b): (i64, i64)| match kind {
                "Add" => a.checked_add(b),
                "Sub" => a.checked_sub(b),
                "Mul" => a.checked_mul(b),
                _ => a.checked_div(b),
            };
            let values = (0..n).map(|k| at(a, k).zip(at(b, k)).and_then(f)).collect();
            return Ok(Value::Ints { values, scalar: *one && *two });
        }
        (Value::Stream(_), Value::Const(c)) => (vectors(node, 0)?, c, false),
        (Value::Const(c), Value::Stream(_)) => (vectors(node, 1)?, c, true),
        _ => {
            return Err(node.unsupported(
                "two results of the network are joined",
                "a network of elman is one chain: take the branch (a residual, an attention) out and train again",
            ));
        }
    };
    let c = along(node, constant, stream.width)?;
    let (ones, zeros) = (vec![1.0; stream.width], vec![0.0; stream.width]);
    let negative = |v: &[f64]| v.iter().map(|v| -v).collect::<Vec<f64>>();
    let (scale, offset) = match (kind, swapped) {
        ("Add", _) => (ones, c),
        ("Sub", false) => (ones, negative(&c)),
        ("Sub", true) => (negative(&ones), c),
        ("Mul", _) => (c, zeros),
        ("Div", false) if c.iter().all(|c| *c != 0.0) => (c.iter().map(|c| 1.0 / c).collect(), zeros),
        _ => return Err(node.unsupported("a quotient by what the network computes", "take it out and train again")),
    };
    if !scale.iter().chain(&offset).all(|v| v.is_finite()) {
        return Err(node.shape("a constant that is no finite number".to_owned()));
    }
    Ok(Value::Stream(stream.then(&node.place(), Op::Affine(AffineOp { scale, offset }))))
}

/// f of every element.
pub fn activation(node: &Reader<'_>, f: DenseActivation) -> Result<Value> {
    let x = node.stream(0)?;
    match x.direction {
        None => Ok(Value::Stream(vectors(node, 0)?.then(&node.place(), Op::Activation(f)))),
        Some(_) => Err(node.unsupported("an activation of one direction", "put it after both directions")),
    }
}

/// The softmax over the features.
pub fn softmax(node: &Reader<'_>) -> Result<Value> {
    let x = vectors(node, 0)?;
    let axis = node.axis(node.int("axis", -1), x.axes.len())?;
    // Of opset 12 and before, the axes from `axis` on are one.
    let rest_are_one = x.axes[axis + 1..].iter().all(|a| *a == Axis::Feature) && x.axes[axis] != Axis::Time;
    match x.axes[axis] == Axis::Feature || rest_are_one {
        true => Ok(Value::Stream(x.then(&node.place(), Op::Softmax))),
        false => {
            Err(node
                .unsupported("a softmax over other axes than the features", "attention over time is not in a chain"))
        }
    }
}

/// The largest of the outputs, which is what the device answers: the outputs themselves.
pub fn argmax(node: &Reader<'_>) -> Result<Value> {
    let x = vectors(node, 0)?;
    match node.axis(node.int("axis", 0), x.axes.len())? + 1 == x.axes.len() {
        true => Ok(Value::Stream(x.clone())),
        false => Err(node.unsupported("the largest along other axes than the features", "take it out")),
    }
}

/// The mean, sum or maximum over the steps.
pub fn reduce(node: &Reader<'_>, over: Over) -> Result<Value> {
    let s = node.stream(0)?;
    let axes = node.axes(1)?.unwrap_or_default();
    let [axis] = axes[..] else { return Err(node.unsupported("several axes are reduced", "the steps alone can be")) };
    let at = node.axis(axis, s.axes.len())?;
    let mut left = s.axes.clone();
    match (&s.axes[at], node.int("keepdims", 1) != 0) {
        (Axis::Time, true) => left[at] = Axis::One,
        (Axis::Time, false) => drop(left.remove(at)),
        (axis, _) => return Err(node.unsupported(&format!("the axis {axis:?} is reduced"), "the steps alone can be")),
    }
    Ok(Value::Stream(s.then(&node.place(), Op::Pool(over)).with_axes(left)))
}

/// Layer normalisation.
pub fn norm(node: &Reader<'_>) -> Result<Value> {
    let x = vectors(node, 0)?;
    if node.axis(node.int("axis", -1), x.axes.len())? + 1 != x.axes.len() {
        return Err(node.unsupported("a norm over several axes", "a norm of elman is over the features"));
    }
    let place = node.place();
    let gain = node.weights(1)?.vector(&place, x.width)?;
    let bias = node.constant(2)?.map_or(Ok(vec![0.0; x.width]), |b| b.vector(&place, x.width))?;
    let epsilon = f64::from(node.float("epsilon", 1e-5));
    Ok(Value::Stream(x.then(&place, Op::Norm { epsilon, gain, bias })))
}

/// Batch normalisation, as it is when the network runs.
pub fn batch_norm(node: &Reader<'_>) -> Result<Value> {
    let x = node.stream(0)?;
    if x.position(&Axis::Feature) != Some(1) || x.direction.is_some() {
        return Err(node.unsupported(&format!("the axes {:?}", x.axes), "features stand in axis 1 of it"));
    }
    let part = |k: usize| node.weights(k)?.vector(&node.place(), x.width);
    let (gain, bias, mean, variance) = (part(1)?, part(2)?, part(3)?, part(4)?);
    let affine = crate::torch::batch(&gain, &bias, &mean, &variance, f64::from(node.float("epsilon", 1e-5)));
    Ok(Value::Stream(x.then(&node.place(), Op::Affine(affine))))
}

/// Whole numbers or floats of a constant.
pub fn constant(node: &Reader<'_>, left: &mut usize) -> Result<Value> {
    if let Some(tensor) = node.tensor("value") {
        return Value::of_tensor(tensor, left);
    }
    let floats = |values: Vec<f32>, shape| Tensor::new(&node.place(), shape, values).map(|t| Value::Const(t.into()));
    if let Some(values) = node.floats("value_floats") {
        return floats(values.to_vec(), vec![values.len()]);
    }
    if let Some(values) = node.ints("value_ints") {
        return Ok(Value::ints(values.iter().map(|v| Some(*v)).collect()));
    }
    match node.has("value_float") {
        true => floats(vec![node.float("value_float", 0.0)], Vec::new()),
        false => Ok(Value::Ints { values: vec![Some(node.int("value_int", 0))], scalar: true }),
    }
}
