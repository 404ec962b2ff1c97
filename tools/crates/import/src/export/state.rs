//! A state_dict of PyTorch as safetensors: the tensors of module N of an `nn.ModuleList` called `layers`, or of an `nn.Sequential`
//! of that name.

use safetensors::tensor::{Dtype, TensorView};

use crate::op::{CellOp, Op};
use crate::tensor::blocks;
use crate::{ImportError, Placed, Result};

type Named = (String, Vec<usize>, Vec<f32>);

/// The file.
pub fn write(ops: &[Placed]) -> Result<Vec<u8>> {
    let mut tensors: Vec<Named> = Vec::new();
    for (k, Placed { place, op }) in ops.iter().enumerate() {
        let name = |leaf: &str| format!("layers.{k}.{leaf}");
        let vector = |leaf: &str, v: &[f32]| (name(leaf), vec![v.len()], v.to_vec());
        match op {
            Op::Embedding(e) => tensors.push((name("weight"), vec![e.rows, e.columns], e.values.clone())),
            Op::Dense(dense) => {
                tensors.push((name("weight"), vec![dense.w.rows, dense.w.columns], dense.w.values.clone()));
                tensors.push(vector("bias", &dense.b));
            }
            Op::Norm { gain, bias, .. } => tensors.extend([vector("weight", gain), vector("bias", bias)]),
            Op::Cell(cell) => {
                tensors.extend(recurrent(place, cell)?.into_iter().map(|(leaf, s, v)| (name(&leaf), s, v)))
            }
            Op::Affine(affine) => {
                let [w, b] = [&affine.scale, &affine.offset].map(|v| v.iter().map(|v| *v as f32).collect::<Vec<f32>>());
                let w = crate::Matrix::diagonal(&w);
                tensors.push((name("weight"), vec![w.rows, w.columns], w.values));
                tensors.push(vector("bias", &b));
            }
            Op::Activation(_) | Op::Pool(_) | Op::Softmax => {}
        }
    }
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, v)| v.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let wrong = |e: safetensors::SafeTensorError| ImportError::damaged("the safetensors file", e);
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        Ok((name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(wrong)?))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    safetensors::serialize(views, None).map_err(wrong)
}

fn recurrent(place: &str, cell: &CellOp) -> Result<Vec<Named>> {
    let order: &[usize] = match cell.variant {
        "srn" | "srn-relu" => &[0],
        "gru" => &[0, 1, 2],
        "lstm" => &[0, 1, 2, 3],
        other => {
            return Err(ImportError::unsupported(
                place,
                format!("PyTorch has no cell {other}"),
                "export to ONNX: `--to model.onnx`",
            ));
        }
    };
    let mut all = Vec::new();
    for (suffix, d) in ["", "_reverse"].iter().zip(&cell.directions) {
        let rows = order.len() * cell.units;
        let mut of_h = vec![0.0; rows];
        if cell.variant == "gru" {
            of_h[2 * cell.units..].copy_from_slice(&d.b[3 * cell.units..]);
        }
        all.push((format!("weight_ih_l0{suffix}"), vec![rows, d.w.columns], d.w.values.clone()));
        all.push((format!("weight_hh_l0{suffix}"), vec![rows, cell.units], d.u.values.clone()));
        all.push((format!("bias_ih_l0{suffix}"), vec![rows], blocks(&d.b, cell.units, order)));
        all.push((format!("bias_hh_l0{suffix}"), vec![rows], of_h));
    }
    Ok(all)
}
