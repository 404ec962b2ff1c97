//! ONNX: the graph as a chain of operations.
//!
//! Nodes are read in their order. A name stands for a constant, for sizes (which may be known only when the network runs),
//! or for a stream: vectors with the chain of operations that computes them, and the meaning of their axes. What moves axes
//! computes nothing. A node that is not understood is an error only where the output depends on it.

mod math;
mod ml;
mod node;
pub(crate) mod proto;
mod rnn;
mod shapes;
mod value;

use std::collections::HashMap;
use std::rc::Rc;

use elman_nn::{DenseActivation, Over};
use prost::Message;

use crate::{Format, ImportError, Imported, MOST_ELEMENTS, Result};
use node::Reader;
use value::{Axis, Stream, Value};

/// Messages in a file at most.
const MOST_MESSAGES: usize = 200_000;
/// Nodes of a graph at most.
const MOST_NODES: usize = 10_000;

/// Whether the bytes begin as a model: with its version.
pub fn is_onnx(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=40, ..])
}

/// Reads a model.
///
/// # Errors
/// Where it is damaged, or has what no network of elman has.
pub fn read(bytes: &[u8]) -> Result<Imported> {
    let damaged = |e: &dyn std::fmt::Display| ImportError::damaged("the ONNX file", e.to_string());
    match proto::count(bytes) {
        Some(..=MOST_MESSAGES) => {}
        Some(n) => return Err(damaged(&format!("{n} nodes, tensors and texts, more than {MOST_MESSAGES}"))),
        None => return Err(damaged(&"its messages do not end where they should")),
    }
    let model = proto::Model::decode(bytes).map_err(|e| damaged(&e))?;
    let graph = model.graph.ok_or_else(|| damaged(&"it has no graph"))?;
    let opset = model.opsets.iter().find(|o| matches!(o.domain.as_str(), "" | "ai.onnx"));
    match opset.map(|o| o.version) {
        None => return Err(damaged(&"it names no set of operators (opset_import)")),
        Some(7..) => {}
        Some(old) => {
            return Err(ImportError::unsupported(
                "the model",
                format!("opset {old}"),
                "export it again with opset 13 or later",
            ));
        }
    }
    if graph.nodes.len() > MOST_NODES {
        return Err(damaged(&format!("{} nodes, more than {MOST_NODES}", graph.nodes.len())));
    }
    let (input, rank, symbols, width, steps) = input(&graph)?;
    // What the axes of the input are, the graph does not tell: the first order in which it makes sense.
    let orders: &[&[Axis]] = match rank {
        3 => &[&[Axis::Batch, Axis::Time, Axis::Feature], &[Axis::Time, Axis::Batch, Axis::Feature]],
        2 if symbols => &[&[Axis::Batch, Axis::Time], &[Axis::Time, Axis::Batch]],
        2 => &[&[Axis::Time, Axis::Feature], &[Axis::Batch, Axis::Feature]],
        1 if symbols => &[&[Axis::Time]],
        _ => {
            return Err(ImportError::unsupported(
                format!("input {input}"),
                format!("{rank} axes"),
                "the input is [batch, steps, features] or [steps, batch, features]",
            ));
        }
    };
    let mut first: Option<(usize, ImportError)> = None;
    for axes in orders {
        let start = Stream {
            last: None,
            width: if symbols { 0 } else { width },
            axes: axes.to_vec(),
            direction: None,
            steps: steps.filter(|_| axes.get(1) == Some(&Axis::Time)),
            flat: None,
        };
        match run(&graph, &input, start) {
            Ok(ops) => return Imported::new(Format::Onnx, ops, Vec::new()),
            Err((at, error)) if first.as_ref().is_none_or(|(before, _)| at > *before) => first = Some((at, error)),
            Err(_) => {}
        }
    }
    Err(first.map_or(ImportError::Unknown, |(_, error)| error))
}

/// The first input that is no weight: its name, number of axes, whether it is symbols, and size of its last axis.
fn input(graph: &proto::Graph) -> Result<(String, usize, bool, usize, Option<usize>)> {
    let is_weight = |name: &str| graph.initializers.iter().any(|t| t.name == name);
    let inputs: Vec<&proto::ValueInfo> = graph.inputs.iter().filter(|i| !is_weight(&i.name)).collect();
    let first = inputs.first().ok_or_else(|| ImportError::shape("the graph", "it has no input"))?;
    let tensor = first.kind.as_ref().and_then(|k| k.tensor.as_ref());
    let symbols = tensor.is_some_and(|t| matches!(t.element, 6 | 7));
    let dims = tensor.and_then(|t| t.shape.as_ref()).map_or(&[][..], |s| &s.dims);
    let rank = match dims.len() {
        0 => {
            if symbols {
                2
            } else {
                3
            }
        }
        n => n,
    };
    let last = dims.last().and_then(|d| d.value).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let size = |k: usize| dims.get(k).and_then(|d| d.value).and_then(|n| usize::try_from(n).ok());
    Ok((first.name.clone(), rank, symbols, last, size(1).filter(|n| *n > 1)))
}

/// The operations of the graph's output; else how many nodes were read, and why no more.
fn run(
    graph: &proto::Graph,
    input: &str,
    start: Stream,
) -> std::result::Result<Vec<crate::Placed>, (usize, ImportError)> {
    let mut left = MOST_ELEMENTS;
    let mut values: HashMap<String, Value> = HashMap::new();
    for tensor in &graph.initializers {
        let value = Value::of_tensor(tensor, &mut left).unwrap_or_else(|e| Value::Failed(Rc::new(e)));
        values.insert(tensor.name.clone(), value);
    }
    for other in graph.inputs.iter().filter(|i| i.name != input && !graph.initializers.iter().any(|t| t.name == i.name))
    {
        let error = ImportError::unsupported(
            format!("input {}", other.name),
            "a second input",
            "a network of elman reads one sequence from state 0: export it without states and lengths",
        );
        values.insert(other.name.clone(), Value::Failed(Rc::new(error)));
    }
    values.insert(input.to_owned(), Value::Stream(start));
    let mut failed_at = None;
    for (at, node) in graph.nodes.iter().enumerate() {
        let made = operator(&Reader { node, values: &values }, &mut left);
        let made = made.unwrap_or_else(|error| {
            failed_at.get_or_insert(at);
            let error = Rc::new(error);
            node.outputs.iter().map(|_| Value::Failed(error.clone())).collect()
        });
        for (name, value) in node.outputs.iter().zip(made) {
            values.insert(name.clone(), value);
        }
    }
    let outputs: Vec<&Value> = graph.outputs.iter().filter_map(|o| values.get(&o.name)).collect();
    let stream = outputs.iter().find_map(|v| if let Value::Stream(s) = v { Some(s) } else { None });
    if let Some(stream) = stream.filter(|s| s.last.is_some()) {
        let whole = stream.direction.is_none() && stream.axes.contains(&Axis::Feature);
        // Both directions may stand in an axis of their own.
        return match whole {
            true => Ok(stream.ops()),
            false => {
                Err((graph.nodes.len(), ImportError::shape("the output", format!("has the axes {:?}", stream.axes))))
            }
        };
    }
    let error = outputs.iter().find_map(|v| if let Value::Failed(e) = v { Some(node::again(e)) } else { None });
    let error =
        error.unwrap_or_else(|| ImportError::shape("the graph", "its output is nothing that the input leads to"));
    Err((failed_at.unwrap_or(graph.nodes.len()), error))
}

/// What a node computes.
fn operator(node: &Reader<'_>, left: &mut usize) -> Result<Vec<Value>> {
    let kind = node.node.kind.as_str();
    Ok(vec![match kind {
        "RNN" | "GRU" | "LSTM" => return rnn::run(node, kind),
        "MatMul" => math::matmul(node)?,
        "Gemm" => math::gemm(node)?,
        "Add" | "Sub" | "Mul" | "Div" => math::arithmetic(node, kind)?,
        "Relu" => math::activation(node, DenseActivation::Relu)?,
        "Tanh" => math::activation(node, DenseActivation::Tanh)?,
        "Sigmoid" => math::activation(node, DenseActivation::Sigmoid)?,
        "Softmax" | "LogSoftmax" => math::softmax(node)?,
        "ReduceMean" => math::reduce(node, Over::Mean)?,
        "ReduceSum" => math::reduce(node, Over::Sum)?,
        "ReduceMax" => math::reduce(node, Over::Max)?,
        "ArgMax" => math::argmax(node)?,
        // A threshold after the network: what it chooses is left.
        "Where" => match (node.optional(1), node.optional(2)) {
            (Some(Value::Stream(s)), _) | (_, Some(Value::Stream(s))) => Value::Stream(s.clone()),
            _ => node.value(0)?.clone(),
        },
        "LayerNormalization" => math::norm(node)?,
        "BatchNormalization" => math::batch_norm(node)?,
        "Constant" => math::constant(node, left)?,
        "ConstantOfShape" | "Expand" => zeros(node)?,
        "Shape" => shapes::shape(node)?,
        "Gather" => shapes::gather(node)?,
        "Slice" => shapes::slice(node)?,
        "Squeeze" => shapes::squeeze(node)?,
        "Unsqueeze" => shapes::unsqueeze(node)?,
        "Transpose" => shapes::transpose(node)?,
        "Reshape" => shapes::reshape(node)?,
        "Concat" => shapes::concat(node)?,
        // What only training has, and other types of the same numbers.
        "Identity" | "Dropout" | "Cast" => node.value(0)?.clone(),
        "Flatten" => flatten(node)?,
        "Scaler" => ml::scaler(node)?,
        "LinearClassifier" | "LinearRegressor" => return ml::linear(node),
        "Normalizer" => ml::normalizer(node)?,
        // The names of the labels: scores by name, and the name of the largest.
        "ZipMap" | "ArrayFeatureExtractor" => (0..node.node.inputs.len())
            .find_map(|k| node.stream(k).ok())
            .map_or_else(|| node.value(0).cloned(), |s| Ok(Value::Stream(s.clone())))?,
        other => {
            // What went wrong before it is the cause.
            let failed = |k| if let Some(Value::Failed(e)) = node.optional(k) { Some(node::again(e)) } else { None };
            if let Some(cause) = (0..node.node.inputs.len()).find_map(failed) {
                return Err(cause);
            }
            let way = match other {
                "Loop" | "Scan" | "If" => {
                    "a loop is no layer: export RNN, GRU or LSTM as one node (opset 14 or later), or save the weights themselves"
                }
                "Conv" | "MaxPool" | "AveragePool" => {
                    "no convolution is read: compute it as features before the network, or train the network here (`conv` in a recipe)"
                }
                _ => "take it out of the network, or compute it before or after it",
            };
            return Err(node.unsupported(&format!("the operator {other} is not understood"), way));
        }
    }])
}

/// Zeros of a shape that is known only when the network runs: a first state.
fn zeros(node: &Reader<'_>) -> Result<Value> {
    let fill = match node.node.kind.as_str() {
        "Expand" => match node.value(0)? {
            Value::Const(t) if t.values.iter().all(|v| *v == 0.0) => return Ok(Value::Zeros),
            other => return Ok(other.clone()),
        },
        _ => match node.tensor("value") {
            Some(tensor) => Value::of_tensor(tensor, &mut MOST_ELEMENTS.clone())?,
            None => Value::Zeros,
        },
    };
    match fill {
        Value::Zeros => Ok(Value::Zeros),
        Value::Const(t) if t.values.iter().all(|v| *v == 0.0) => Ok(Value::Zeros),
        _ => Err(node.unsupported("a tensor of one number other than 0", "fold constants when exporting")),
    }
}

/// One vector a sequence, which is what is left after pooling.
fn flatten(node: &Reader<'_>) -> Result<Value> {
    let s = node.stream(0)?;
    match (s.axes.contains(&Axis::Time), s.steps, &s.axes[..]) {
        (false, ..) => Ok(Value::Stream(s.with_axes(vec![Axis::Batch, Axis::Feature]))),
        (true, Some(steps), [Axis::Batch, Axis::Time, Axis::Feature]) => {
            Ok(Value::Stream(s.flattened(&node.place(), steps)))
        }
        _ => Err(node.unsupported(
            "all steps as one vector",
            "sequences have any length here: read the last step, the mean or the maximum, and train again",
        )),
    }
}
