//! A network of elman for other programs: ONNX, and a state_dict of PyTorch. Float; the frames are in their own units.

mod onnx;
mod state;

use elman_nn::{DenseActivation, LayerSpec, Network};

use crate::op::{AffineOp, CellOp, CellWeights, DenseOp, Op};
use crate::simplify::simplify;
use crate::{ImportError, Matrix, Placed, Result};

/// Formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A graph of ONNX.
    Onnx,
    /// A state_dict of PyTorch as safetensors.
    Safetensors,
}

/// The network as a file. `input` is what its frames are of those of the file, `output` what the file's outputs are of its
/// own; none where they are the same.
///
/// # Errors
/// Where the other format has no such layer.
pub fn write(
    network: &Network<f32>,
    input: Option<AffineOp>,
    output: Option<AffineOp>,
    target: Target,
) -> Result<Vec<u8>> {
    let scale = |affine| Placed { place: "the scale".to_owned(), op: Op::Affine(affine) };
    let ops = operations(network)?;
    let ops = simplify(input.map(scale).into_iter().chain(ops).chain(output.map(scale)));
    match target {
        Target::Onnx => Ok(onnx::write(&ops, network.spec().inputs)),
        Target::Safetensors => state::write(&ops),
    }
}

/// The operations of a network's layers.
fn operations(network: &Network<f32>) -> Result<Vec<Placed>> {
    let mut ops = Vec::new();
    let widths = network.spec().widths();
    for (k, (layer, (inputs, width))) in network.spec().layers.iter().zip(widths).enumerate() {
        let place = format!("layers.{k}");
        let tensor = |name: &str| network.tensor(&format!("layers.{k}.{name}")).map_or(Vec::new(), |(_, v)| v.to_vec());
        let mut push = |op| ops.push(Placed { place: place.clone(), op });
        let none = || {
            Err(ImportError::unsupported(
                format!("layer {k}, {}", layer.name()),
                "other formats have no such layer",
                "export the blob instead: `elman export RUN --to DIR`",
            ))
        };
        match layer {
            LayerSpec::Dropout(_) => {}
            LayerSpec::Embedding(e) => push(Op::Embedding(Matrix::new(e.rows, e.units, tensor("e")))),
            LayerSpec::OneHot(e) => push(Op::Embedding(Matrix::diagonal(&vec![1.0; e.rows]))),
            LayerSpec::Pool(pool) => push(Op::Pool(pool.over)),
            LayerSpec::Norm(norm) => push(Op::Norm { epsilon: norm.epsilon, gain: tensor("g"), bias: tensor("b") }),
            LayerSpec::Dense(dense) => {
                push(Op::Dense(DenseOp { w: Matrix::new(width, inputs, tensor("w")), b: tensor("b") }));
                if dense.activation != DenseActivation::Linear {
                    push(Op::Activation(dense.activation));
                }
            }
            LayerSpec::Cell(cell) => {
                let Some(variant) = cell.table().map(|table| table.name) else { return none() };
                let prefixes: &[&str] = if cell.bidirectional { &["", "reverse."] } else { &[""] };
                let direction = |prefix: &&str| {
                    let [w, u, b, v, p] = ["w", "u", "b", "v", "p"].map(|name| tensor(&format!("{prefix}{name}")));
                    let matrix =
                        |values: Vec<f32>, columns: usize| Matrix::new(values.len() / columns, columns, values);
                    CellWeights {
                        w: matrix(w, inputs),
                        u: matrix(u, cell.recurrent_width()),
                        b,
                        v,
                        p: matrix(p, cell.units),
                    }
                };
                let directions = prefixes.iter().map(direction).collect();
                push(Op::Cell(CellOp { variant, units: cell.units, directions }));
            }
            LayerSpec::Delay(_) | LayerSpec::Narx(_) | LayerSpec::Stride(_) | LayerSpec::Conv(_) => return none(),
        }
    }
    if let Some(Placed { place, op: Op::Cell(cell) }) = ops.iter().find(|o| !onnx::has(&o.op)) {
        return Err(ImportError::unsupported(
            place,
            format!("other formats have no cell {}", cell.variant),
            "export the blob instead: `elman export RUN --to DIR`",
        ));
    }
    Ok(ops)
}
