//! A graph of ONNX, opset 17: `x` of `[batch, steps, values]`, or of `[batch, steps]` whole numbers where there is an embedding;
//! `y` of `[batch, outputs]`, or of `[batch, steps, outputs]`.

use elman_nn::{DenseActivation, Over};
use prost::Message;

use crate::onnx::proto::{Attribute, Dim, Graph, Model, Node, Opset, Shape, TensorProto, TensorType, Type, ValueInfo};
use crate::op::{CellOp, CellWeights, Op};
use crate::tensor::blocks;
use crate::{Matrix, Placed};

/// Kind of a tensor of f32, and of whole numbers.
const FLOAT: i32 = 1;
const INT: i32 = 7;

/// Whether ONNX has such an operation.
pub fn has(op: &Op) -> bool {
    const CELLS: [&str; 8] =
        ["srn", "srn-relu", "srn-sigmoid", "gru", "gru-before", "lstm", "lstm-peephole", "lstm-coupled"];
    !matches!(op, Op::Cell(cell) if !CELLS.contains(&cell.variant))
}

#[derive(Default)]
struct Writer {
    graph: Graph,
    /// The name of what was computed last.
    last: String,
}

impl Writer {
    fn constant(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = format!("c{}", self.graph.initializers.len());
        let raw = Some(values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let dims = dims.iter().map(|n| *n as i64).collect();
        self.graph.initializers.push(TensorProto {
            name: name.clone(),
            kind: FLOAT,
            dims,
            raw,
            ..TensorProto::default()
        });
        name
    }

    fn ints(&mut self, values: &[i64], scalar: bool) -> String {
        let name = format!("c{}", self.graph.initializers.len());
        let raw = Some(values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let dims = if scalar { Vec::new() } else { vec![values.len() as i64] };
        self.graph.initializers.push(TensorProto {
            name: name.clone(),
            kind: INT,
            dims,
            raw,
            ..TensorProto::default()
        });
        name
    }

    /// A node that reads what was computed last, and these.
    fn node(&mut self, kind: &str, others: Vec<String>, attributes: Vec<Attribute>) {
        let output = format!("v{}", self.graph.nodes.len());
        let inputs = std::iter::once(self.last.clone()).chain(others).collect();
        self.push(kind, inputs, output, attributes);
    }

    fn push(&mut self, kind: &str, inputs: Vec<String>, output: String, attributes: Vec<Attribute>) {
        let name = format!("{kind}_{}", self.graph.nodes.len());
        self.last.clone_from(&output);
        self.graph.nodes.push(Node { inputs, outputs: vec![output], name, kind: kind.to_owned(), attributes });
    }
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.to_owned(), i: Some(value), kind: 2, ..Attribute::default() }
}

fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), ints: values.to_vec(), kind: 7, ..Attribute::default() }
}

fn info(name: &str, element: i32, dims: &[Result<usize, &str>]) -> ValueInfo {
    let dim = |d: &Result<usize, &str>| match d {
        Ok(n) => Dim { value: Some(*n as i64), name: None },
        Err(name) => Dim { value: None, name: Some((*name).to_owned()) },
    };
    let shape = Some(Shape { dims: dims.iter().map(dim).collect() });
    ValueInfo { name: name.to_owned(), kind: Some(Type { tensor: Some(TensorType { element, shape }) }) }
}

/// The model.
pub fn write(ops: &[Placed], inputs: usize) -> Vec<u8> {
    let mut to = Writer { last: "x".to_owned(), ..Writer::default() };
    to.graph.name = "elman".to_owned();
    let (mut width, mut pooled) = (inputs, false);
    match ops.first().map(|o| &o.op) {
        Some(Op::Embedding(e)) => {
            to.graph.inputs.push(info("x", INT, &[Err("batch"), Err("steps")]));
            let table = to.constant(&[e.rows, e.columns], &e.values);
            to.push("Gather", vec![table, "x".to_owned()], "embedded".to_owned(), vec![int("axis", 0)]);
        }
        _ => to.graph.inputs.push(info("x", FLOAT, &[Err("batch"), Err("steps"), Ok(inputs)])),
    }
    to.node("Transpose", vec![], vec![ints("perm", &[1, 0, 2])]);
    for Placed { op, .. } in ops {
        operation(&mut to, op, width);
        width = op.width(width);
        pooled |= matches!(op, Op::Pool(_));
    }
    let dims: &[Result<usize, &str>] = match pooled {
        true => {
            to.node("Identity", vec![], vec![]);
            &[Err("batch"), Ok(width)]
        }
        false => {
            to.node("Transpose", vec![], vec![ints("perm", &[1, 0, 2])]);
            &[Err("batch"), Err("steps"), Ok(width)]
        }
    };
    if let Some(last) = to.graph.nodes.last_mut() {
        last.outputs = vec!["y".to_owned()];
    }
    to.graph.outputs.push(info("y", FLOAT, dims));
    let opsets = vec![Opset { domain: String::new(), version: 17 }];
    Model { ir_version: 8, producer: "elman".to_owned(), graph: Some(to.graph), opsets }.encode_to_vec()
}

/// Adds an operation that reads vectors of `width`.
fn operation(to: &mut Writer, op: &Op, width: usize) {
    match op {
        // No network with a delay line comes here.
        Op::Embedding(_) | Op::Delay(_) => {}
        Op::Cell(cell) => recurrent(to, cell),
        Op::Dense(dense) => {
            let w = dense.w.transposed();
            let w = to.constant(&[w.rows, w.columns], &w.values);
            to.node("MatMul", vec![w], vec![]);
            let b = to.constant(&[dense.b.len()], &dense.b);
            to.node("Add", vec![b], vec![]);
        }
        Op::Activation(f) => match f {
            DenseActivation::Linear => {}
            DenseActivation::Tanh => to.node("Tanh", vec![], vec![]),
            DenseActivation::Sigmoid => to.node("Sigmoid", vec![], vec![]),
            DenseActivation::Relu => to.node("Relu", vec![], vec![]),
        },
        Op::Affine(affine) => {
            for (kind, values) in [("Mul", &affine.scale), ("Add", &affine.offset)] {
                let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
                let c = to.constant(&[values.len()], &values);
                to.node(kind, vec![c], vec![]);
            }
        }
        Op::Pool(over) => match over {
            Over::Last => {
                let last = to.ints(&[-1], true);
                to.node("Gather", vec![last], vec![int("axis", 0)]);
            }
            Over::Mean => to.node("ReduceMean", vec![], vec![ints("axes", &[0]), int("keepdims", 0)]),
            Over::Max => to.node("ReduceMax", vec![], vec![ints("axes", &[0]), int("keepdims", 0)]),
            Over::Ends => {
                // The last step and the first, each with 0 for what is read of the other, added.
                let half = width.div_ceil(2);
                let of_end = |first: bool| (0..width).map(move |k| f32::from(u8::from((k < half) != first)));
                let halves: Vec<f32> = of_end(false).chain(of_end(true)).collect();
                let ends = to.ints(&[-1, 0], false);
                to.node("Gather", vec![ends], vec![int("axis", 0)]);
                let halves = to.constant(&[2, 1, width], &halves);
                to.node("Mul", vec![halves], vec![]);
                let axes = to.ints(&[0], false);
                to.node("ReduceSum", vec![axes], vec![int("keepdims", 0)]);
            }
            Over::Sum => {
                let axes = to.ints(&[0], false);
                to.node("ReduceSum", vec![axes], vec![int("keepdims", 0)]);
            }
        },
        Op::Norm { epsilon, gain, bias } => {
            let (g, b) = (to.constant(&[gain.len()], gain), to.constant(&[bias.len()], bias));
            let epsilon =
                Attribute { name: "epsilon".to_owned(), f: Some(*epsilon as f32), kind: 1, ..Attribute::default() };
            to.node("LayerNormalization", vec![g, b], vec![int("axis", -1), epsilon]);
        }
        Op::Softmax => to.node("Softmax", vec![], vec![int("axis", -1)]),
    }
}

/// The operator of a cell, and which gate of elman's each of its gates is; `None` for one that is not there.
fn gates(variant: &str) -> (&'static str, &'static [Option<usize>]) {
    match variant {
        "gru" | "gru-before" => ("GRU", &[Some(1), Some(0), Some(2)]),
        "lstm" | "lstm-peephole" => ("LSTM", &[Some(0), Some(3), Some(1), Some(2)]),
        "lstm-coupled" => ("LSTM", &[Some(0), Some(2), None, Some(1)]),
        _ => ("RNN", &[Some(0)]),
    }
}

/// Blocks of `n` values in an order; zeros where there is none.
fn ordered(values: &[f32], n: usize, order: &[Option<usize>]) -> Vec<f32> {
    order.iter().flat_map(|k| k.map_or(vec![0.0; n], |k| values[k * n..][..n].to_vec())).collect()
}

fn recurrent(to: &mut Writer, cell: &CellOp) {
    let (kind, order) = gates(cell.variant);
    let (units, count) = (cell.units, cell.directions.len());
    let rows = order.len() * units;
    let inputs = cell.directions.first().map_or(0, |d| d.w.columns);
    let part = |of: &dyn Fn(&CellWeights) -> Vec<f32>| cell.directions.iter().flat_map(of).collect::<Vec<f32>>();
    let matrix = |m: &Matrix| ordered(&m.values, units * m.columns, order);
    let w = to.constant(&[count, rows, inputs], &part(&|d| matrix(&d.w)));
    let r = to.constant(&[count, rows, units], &part(&|d| matrix(&d.u)));
    let bias = |d: &CellWeights| {
        let mut bias = ordered(&d.b, units, order);
        let mut of_h = vec![0.0; rows];
        if cell.variant == "gru" {
            // b_m, of h's part of the candidate.
            of_h[2 * units..].copy_from_slice(&d.b[3 * units..]);
        }
        bias.append(&mut of_h);
        bias
    };
    let b = to.constant(&[count, 2 * rows], &part(&bias));
    let mut others = vec![w, r, b];
    if cell.variant == "lstm-peephole" {
        others.extend([String::new(), String::new(), String::new()]);
        // i, o, f of i, f, o
        others.push(to.constant(&[count, 3 * units], &part(&|d| blocks(&d.v, units, &[0, 2, 1]))));
    }
    let text = |name: &str, value: &str| Attribute {
        name: name.to_owned(),
        s: Some(value.as_bytes().to_vec()),
        kind: 3,
        ..Attribute::default()
    };
    let direction = if count == 2 { "bidirectional" } else { "forward" };
    let mut attributes = vec![int("hidden_size", units as i64), text("direction", direction)];
    match cell.variant {
        "gru" => attributes.push(int("linear_before_reset", 1)),
        "lstm-coupled" => attributes.push(int("input_forget", 1)),
        "srn-relu" | "srn-sigmoid" => {
            let f = if cell.variant == "srn-relu" { "Relu" } else { "Sigmoid" };
            let strings = vec![f.as_bytes().to_vec(); count];
            attributes.push(Attribute { name: "activations".to_owned(), strings, kind: 8, ..Attribute::default() });
        }
        _ => {}
    }
    to.node(kind, others, attributes);
    // [steps, directions, batch, units] -> [steps, batch, directions * units]
    to.node("Transpose", vec![], vec![ints("perm", &[0, 2, 1, 3])]);
    let shape = to.ints(&[0, 0, -1], false);
    to.node("Reshape", vec![shape], vec![]);
}
