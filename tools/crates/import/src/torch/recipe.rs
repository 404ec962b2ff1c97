//! The modules of a state_dict as the layers of a recipe.

use elman_nn::{DenseActivation, LayerSpec};

use super::modules::{Module, Named, cell, epsilon, gates};
use crate::gates::Gates;
use crate::op::{DenseOp, Op};
use crate::{ImportError, Placed, Result};

/// Modules that no layer has taken yet.
struct Left(Vec<Named>);

impl Left {
    /// The first module that `fits` and reads vectors of this width, else the first that fits.
    fn take(&mut self, layer: &str, width: Option<usize>, fits: impl Fn(&Module) -> Option<usize>) -> Result<Named> {
        let reads = |(_, module): &Named| fits(module).is_some_and(|reads| width.is_none_or(|width| reads == width));
        let found = self.0.iter().position(reads).or_else(|| self.0.iter().position(|(_, m)| fits(m).is_some()));
        match found {
            Some(k) => Ok(self.0.remove(k)),
            None => {
                Err(ImportError::shape(layer, "the file has no module left that this layer of the recipe could be"))
            }
        }
    }
}

/// The operations of a recipe's layers, with a linear layer after them where one is left.
pub fn chain(modules: Vec<Named>, layers: &[LayerSpec]) -> Result<Vec<Placed>> {
    let mut left = Left(modules);
    let mut ops: Vec<Placed> = Vec::new();
    let mut width = None;
    for (k, layer) in layers.iter().enumerate() {
        let named = format!("layer {k} of the recipe, {}", layer.name());
        let (place, op) = operation(layer, &named, width, &mut left)?;
        let Some(op) = op else { continue };
        let new = op.width(width.unwrap_or_else(|| op.inputs().unwrap_or_default()));
        ops.push(Placed { place: place.clone(), op });
        width = Some(new);
        if let LayerSpec::Dense(dense) = layer
            && dense.activation != DenseActivation::Linear
        {
            ops.push(Placed { place, op: Op::Activation(dense.activation) });
        }
    }
    if left.0.len() == 1 && matches!(left.0[0].1, Module::Linear(_) | Module::Table(_)) {
        let (place, dense) = linear(left.0.remove(0));
        ops.push(Placed { place, op: Op::Dense(dense) });
    }
    match left.0.first() {
        None => Ok(ops),
        Some((name, _)) => {
            let problem = "no layer of the recipe takes it (the last linear layer alone is not named)";
            Err(ImportError::shape(name, problem))
        }
    }
}

fn linear((place, module): Named) -> (String, DenseOp) {
    match module {
        Module::Linear(dense) => (place, dense),
        Module::Table(w) => (place, DenseOp { b: vec![0.0; w.rows], w }),
        _ => (place, DenseOp::identity(0)),
    }
}

/// The operation of one layer; none for what only training has.
fn operation(layer: &LayerSpec, named: &str, width: Option<usize>, left: &mut Left) -> Result<(String, Option<Op>)> {
    let of_linear = |m: &Module| match m {
        Module::Linear(dense) => Some(dense.w.columns),
        Module::Table(w) => Some(w.columns),
        _ => None,
    };
    Ok(match layer {
        LayerSpec::Embedding(_) => {
            let (place, module) = left.take(named, None, |m| matches!(m, Module::Table(_)).then_some(1))?;
            let Module::Table(e) = module else { return Ok((place, None)) };
            (place, Some(Op::Embedding(e)))
        }
        LayerSpec::Cell(asked) => {
            let of_cell = |m: &Module| match m {
                Module::Recurrent { directions, .. } => Some(directions[0].w.columns),
                _ => None,
            };
            let (place, module) = left.take(named, width, of_cell)?;
            let Module::Recurrent { gates: count, units, directions } = module else { return Ok((place, None)) };
            let kind = match asked.variant.as_str() {
                "srn-relu" => Gates::RELU,
                "srn-sigmoid" => Gates::SIGMOID,
                _ if directions[0].p.rows > 0 => Gates::TORCH_LSTM_PROJECTED,
                _ => gates(count),
            };
            let both = directions.len() > 1;
            if kind.variant != asked.variant
                || kind.order.len() != count
                || units != asked.units
                || (asked.factored() && directions[0].p.rows != asked.recurrent_width())
                || both != asked.bidirectional
            {
                let found = ["", "", "", "gru", "lstm"].get(count).copied().filter(|n| !n.is_empty()).unwrap_or("srn");
                let problem = format!(
                    "has {units} units of {found}, {} direction(s), where {named} asks for {} of {}",
                    directions.len(),
                    asked.units,
                    asked.variant
                );
                return Err(ImportError::shape(place, problem));
            }
            let op = cell(&place, kind, count, units, directions)?;
            (place, Some(op))
        }
        LayerSpec::Dense(asked) => {
            let (place, dense) = linear(left.take(named, width, of_linear)?);
            if dense.w.rows != asked.outputs {
                let problem = format!("has {} outputs where {named} asks for {}", dense.w.rows, asked.outputs);
                return Err(ImportError::shape(place, problem));
            }
            (place, Some(Op::Dense(dense)))
        }
        LayerSpec::Norm(norm) => {
            let of_norm = |m: &Module| if let Module::Norm(gain, _) = m { Some(gain.len()) } else { None };
            let (place, module) = left.take(named, width, of_norm)?;
            let Module::Norm(gain, bias) = module else { return Ok((place, None)) };
            let epsilon = if norm.epsilon > 0.0 { norm.epsilon } else { epsilon() };
            (place, Some(Op::Norm { epsilon, gain, bias }))
        }
        LayerSpec::Pool(pool) => (named.to_owned(), Some(Op::Pool(pool.over))),
        LayerSpec::Dropout(_) => (named.to_owned(), None),
        LayerSpec::OneHot(_) | LayerSpec::Delay(_) | LayerSpec::Narx(_) | LayerSpec::Stride(_) | LayerSpec::Conv(_) => {
            return Err(ImportError::unsupported(
                named,
                "no module of PyTorch is one",
                "a recipe for import has embedding, cell, norm, pool, dropout and dense layers",
            ));
        }
    })
}
