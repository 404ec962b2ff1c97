//! The modules that the names and shapes of a state_dict tell of, and the chain that they make.

use elman_nn::Over;

use super::StateDict;
use crate::gates::{Direction, Gates};
use crate::op::{AffineOp, CellOp, DenseOp, Op};
use crate::{ImportError, Matrix, Placed, Result, Tensor};

/// A module with weights.
#[derive(Clone, Debug)]
pub enum Module {
    /// One layer of a recurrent module: how many gates, the units, and its directions.
    Recurrent {
        /// 1, 3 or 4.
        gates: usize,
        /// Width of the state.
        units: usize,
        /// Forward, and reverse.
        directions: Vec<Direction>,
    },
    /// A linear layer.
    Linear(DenseOp),
    /// A matrix without a bias: a linear layer or an embedding.
    Table(Matrix),
    /// Layer normalisation.
    Norm(Vec<f32>, Vec<f32>),
    /// Batch normalisation, as it is when the network runs.
    Batch(AffineOp),
}

/// A module and its name.
pub type Named = (String, Module);

/// ε of PyTorch's normalisations, which a state_dict does not tell.
const EPSILON: f64 = 1e-5;

/// The tensors with one prefix.
struct Group<'a> {
    prefix: &'a str,
    tensors: Vec<(&'a str, &'a Tensor)>,
}

impl<'a> Group<'a> {
    fn get(&self, leaf: &str) -> Option<&'a Tensor> {
        self.tensors.iter().find(|(name, _)| *name == leaf).map(|(_, t)| *t)
    }

    fn place(&self, leaf: &str) -> String {
        format!("tensor {}", [self.prefix, leaf].join(if self.prefix.is_empty() { "" } else { "." }))
    }

    fn name(&self) -> String {
        if self.prefix.is_empty() { "the state_dict".to_owned() } else { self.prefix.to_owned() }
    }
}

/// The modules of a state_dict, in its order.
pub fn of(state: &StateDict, notes: &mut Vec<String>) -> Result<Vec<Named>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (name, tensor) in &state.tensors {
        let (prefix, leaf) = name.rsplit_once('.').unwrap_or(("", name));
        match groups.iter_mut().find(|g| g.prefix == prefix) {
            Some(group) => group.tensors.push((leaf, tensor)),
            None => groups.push(Group { prefix, tensors: vec![(leaf, tensor)] }),
        }
    }
    let mut modules = Vec::new();
    for group in &groups {
        match group.tensors.iter().any(|(leaf, _)| leaf.starts_with("weight_ih")) {
            true => recurrent(group, &mut modules)?,
            false => modules.push((group.name(), plain(group, notes)?)),
        }
    }
    match modules.is_empty() {
        true => Err(ImportError::shape("the file", "it has no tensors, so no network is in it")),
        false => Ok(modules),
    }
}

/// The layers of a recurrent module.
fn recurrent(group: &Group<'_>, modules: &mut Vec<Named>) -> Result<()> {
    let mut known = 0;
    for layer in 0.. {
        // Cells (nn.GRUCell) have no number.
        let suffix = match group.get("weight_ih") {
            Some(_) if layer == 0 => String::new(),
            _ => format!("_l{layer}"),
        };
        if group.get(&format!("weight_ih{suffix}")).is_none() {
            break;
        }
        let (mut directions, mut units, mut gates) = (Vec::new(), 0, 0);
        for reverse in ["", "_reverse"] {
            let leaf = |name: &str| format!("{name}{suffix}{reverse}");
            let Some(w) = group.get(&leaf("weight_ih")) else { break };
            let matrix = |name: &str| {
                let tensor = group.get(&leaf(name));
                let missing = || ImportError::shape(group.place(&leaf(name)), "is missing");
                tensor.ok_or_else(missing)?.matrix(&group.place(&leaf(name)))
            };
            let u = matrix("weight_hh")?;
            let w = w.matrix(&group.place(&leaf("weight_ih")))?;
            // A projection of the state: U reads it, and it is over the units.
            let p = match group.get(&leaf("weight_hr")) {
                Some(_) => matrix("weight_hr")?,
                None => Matrix::default(),
            };
            units = if p.rows > 0 { p.columns } else { u.columns };
            gates = u.rows.checked_div(units).unwrap_or(0);
            if p.rows > 0 && gates != 4 {
                let problem = "is a projection of what is no LSTM".to_owned();
                return Err(ImportError::shape(group.place(&leaf("weight_hr")), problem));
            }
            if !matches!(gates, 1 | 3 | 4) || u.rows != gates * units || w.rows != u.rows {
                let problem = format!("{} x {} is of no RNN, GRU or LSTM with {} rows of W", u.rows, u.columns, w.rows);
                return Err(ImportError::shape(group.place(&leaf("weight_hh")), problem));
            }
            let bias = |name: &str| match group.get(&leaf(name)) {
                Some(bias) => bias.vector(&group.place(&leaf(name)), gates * units),
                None => Ok(Vec::new()),
            };
            let (w_bias, u_bias) = (bias("bias_ih")?, bias("bias_hh")?);
            known += 2 + [w_bias.len(), u_bias.len(), p.rows].into_iter().filter(|n| *n > 0).count();
            directions.push(Direction { w, u, p, w_bias, u_bias, peepholes: Vec::new() });
        }
        modules.push((format!("{} layer {layer}", group.name()), Module::Recurrent { gates, units, directions }));
    }
    match group.tensors.len() == known {
        true => Ok(()),
        false => {
            let names: Vec<&str> = group.tensors.iter().map(|(name, _)| *name).collect();
            let problem = format!("{} are not the tensors of layers 0, 1 ... of an RNN, GRU or LSTM", names.join(", "));
            Err(ImportError::shape(group.name(), problem))
        }
    }
}

/// A module that is not recurrent.
fn plain(group: &Group<'_>, notes: &mut Vec<String>) -> Result<Module> {
    let unknown = |tensor: &str, problem: String| {
        Err(ImportError::unsupported(
            group.place(tensor),
            problem,
            "known are RNN, GRU, LSTM, Linear, Embedding, LayerNorm and BatchNorm1d: take it out, or export to ONNX",
        ))
    };
    let allowed = ["weight", "bias", "running_mean", "running_var"];
    if let Some((leaf, tensor)) = group.tensors.iter().find(|(leaf, _)| !allowed.contains(leaf)) {
        return unknown(leaf, format!("a tensor of {:?} of a module that is not known", tensor.shape));
    }
    let Some(weight) = group.get("weight") else {
        return unknown(group.tensors[0].0, "a module without a weight".to_owned());
    };
    let bias = group.get("bias");
    if let (Some(mean), Some(variance), [n]) = (group.get("running_mean"), group.get("running_var"), &weight.shape[..])
    {
        let of = |leaf: &str, tensor: &Tensor| tensor.vector(&group.place(leaf), *n);
        let (mean, variance) = (of("running_mean", mean)?, of("running_var", variance)?);
        let bias = bias.map_or(Ok(vec![0.0; *n]), |b| of("bias", b))?;
        notes.push(format!("{}: batch normalisation with ε = {EPSILON:e}, which the file does not tell", group.name()));
        return Ok(Module::Batch(batch(&weight.values, &bias, &mean, &variance, EPSILON)));
    }
    match (&weight.shape[..], bias) {
        ([_, _], None) => Ok(Module::Table(weight.matrix(&group.place("weight"))?)),
        ([rows, _], Some(bias)) => {
            let b = bias.vector(&group.place("bias"), *rows)?;
            Ok(Module::Linear(DenseOp { w: weight.matrix(&group.place("weight"))?, b }))
        }
        ([n], Some(bias)) => {
            notes.push(format!(
                "{}: layer normalisation with ε = {EPSILON:e}, which the file does not tell",
                group.name()
            ));
            Ok(Module::Norm(weight.values.clone(), bias.vector(&group.place("bias"), *n)?))
        }
        (shape, _) => unknown("weight", format!("its shape {shape:?} is of no module that is known (a convolution?)")),
    }
}

/// y = g (x - μ) / √(σ² + ε) + b, with the μ and σ² that training found.
pub fn batch(gain: &[f32], bias: &[f32], mean: &[f32], variance: &[f32], epsilon: f64) -> AffineOp {
    let scale: Vec<f64> =
        gain.iter().zip(variance).map(|(g, v)| f64::from(*g) / (f64::from(*v) + epsilon).sqrt()).collect();
    let offset = bias.iter().zip(mean).zip(&scale).map(|((b, m), s)| f64::from(*b) - f64::from(*m) * s).collect();
    AffineOp { scale, offset }
}

/// The gates of a recurrent module of PyTorch, by their number; those of one gate are tanh's.
pub fn gates(gates: usize) -> Gates {
    match gates {
        3 => Gates::TORCH_GRU,
        4 => Gates::TORCH_LSTM,
        _ => Gates::TANH,
    }
}

/// A recurrent layer as an operation.
pub fn cell(place: &str, kind: Gates, count: usize, units: usize, directions: Vec<Direction>) -> Result<Op> {
    let projected = directions.iter().any(|d| d.p.rows > 0);
    let kind = if projected { Gates::TORCH_LSTM_PROJECTED } else { kind };
    let directions = directions.into_iter().map(|d| d.weights(place, kind, units, count));
    Ok(Op::Cell(CellOp { variant: kind.variant, units, directions: directions.collect::<Result<_>>()? }))
}

impl Module {
    /// Widths of input and output; of a table as a linear layer.
    fn widths(&self) -> (usize, usize) {
        match self {
            Module::Recurrent { units, directions, .. } => {
                let outputs = if directions[0].p.rows > 0 { directions[0].p.rows } else { *units };
                (directions[0].w.columns, outputs * directions.len())
            }
            Module::Linear(dense) => (dense.w.columns, dense.w.rows),
            Module::Table(w) => (w.columns, w.rows),
            Module::Norm(gain, _) => (gain.len(), gain.len()),
            Module::Batch(affine) => (affine.scale.len(), affine.scale.len()),
        }
    }
}

/// An order of the modules in which each reads what the one before it gives; the first in the order of the file.
fn order(modules: &[Named], embedding: bool) -> Option<Vec<usize>> {
    fn extend(modules: &[Named], embedding: bool, order: &mut Vec<usize>, width: usize, tries: &mut usize) -> bool {
        if order.len() == modules.len() {
            return true;
        }
        // A network begins with its recurrent layers more often than with a linear one.
        let recurrent = |k: &usize| !matches!(modules[*k].1, Module::Recurrent { .. });
        let mut candidates: Vec<usize> = (0..modules.len()).collect();
        if order.is_empty() {
            candidates.sort_by_key(recurrent);
        }
        for k in candidates {
            let module = &modules[k].1;
            *tries += 1;
            if order.contains(&k) || *tries > 100_000 {
                continue;
            }
            let (reads, gives) = module.widths();
            let first = order.is_empty();
            // An embedding gives its columns.
            let as_table = first && embedding && matches!(module, Module::Table(_));
            if first && embedding != as_table || !first && reads != width {
                continue;
            }
            order.push(k);
            if extend(modules, embedding, order, if as_table { reads } else { gives }, tries) {
                return true;
            }
            order.pop();
        }
        false
    }
    let (mut found, mut tries) = (Vec::new(), 0);
    extend(modules, embedding, &mut found, 0, &mut tries).then_some(found)
}

/// The network that the modules make without a recipe, if there is no doubt.
pub fn chain(modules: Vec<Named>, per_step: bool, notes: &mut Vec<String>) -> Result<Vec<Placed>> {
    let is_named = |(name, module): &Named| matches!(module, Module::Table(_)) && name.to_lowercase().contains("emb");
    let named = modules.iter().any(is_named);
    let as_layers = if named { None } else { order(&modules, false) };
    let (order, embedding) = match as_layers {
        Some(order) => (order, false),
        None => match order(&modules, true) {
            Some(order) => (order, true),
            None => return Err(no_chain(&modules)),
        },
    };
    let mut taken: Vec<Option<Named>> = modules.into_iter().map(Some).collect();
    let modules: Vec<Named> = order.into_iter().filter_map(|k| taken[k].take()).collect();
    let last_cell = modules.iter().rposition(|(_, m)| matches!(m, Module::Recurrent { .. }));
    let count = modules.len();
    let mut ops = Vec::new();
    for (k, (place, module)) in modules.into_iter().enumerate() {
        let op = match module {
            Module::Recurrent { gates: count, units, directions } => {
                if count == 1 {
                    notes
                        .push(format!("{place}: taken as tanh; a recipe with `variant = \"srn-relu\"` says otherwise"));
                }
                cell(&place, gates(count), count, units, directions)?
            }
            Module::Table(e) if embedding && k == 0 => Op::Embedding(e),
            Module::Linear(_) | Module::Table(_) if k + 1 < count => return Err(no_activation(&place)),
            Module::Linear(dense) => Op::Dense(dense),
            Module::Table(w) => Op::Dense(DenseOp { b: vec![0.0; w.rows], w }),
            Module::Norm(gain, bias) => Op::Norm { epsilon: EPSILON, gain, bias },
            Module::Batch(affine) => Op::Affine(affine),
        };
        ops.push(Placed { place: place.clone(), op });
        if !per_step && last_cell == Some(k) {
            notes.push(format!(
                "{place}: what follows reads its last step (`out[:, -1]`); a recipe says otherwise, \
                 `over = \"ends\"` for the last states of both directions"
            ));
            ops.push(Placed { place, op: Op::Pool(Over::Last) });
        }
    }
    Ok(ops)
}

/// ε that the normalisations of a recipe's file have.
pub const fn epsilon() -> f64 {
    EPSILON
}

fn no_activation(place: &str) -> ImportError {
    ImportError::unsupported(
        place,
        "a linear layer with others after it: a state_dict does not tell the activation between them",
        "name the layers by --recipe NETWORK.toml, under [network], as in layers = [{ layer = \"cell\", variant = \"gru\", units = 32 }, { layer \
         = \"pool\", over = \"last\" }, { layer = \"dense\", outputs = 16, activation = \"relu\" }] (the last linear layer is \
         not named), or export to ONNX",
    )
}

fn no_chain(modules: &[Named]) -> ImportError {
    let name = |(name, module): &Named| {
        let (reads, gives) = module.widths();
        format!("{name} ({reads} -> {gives})")
    };
    let names: Vec<String> = modules.iter().map(name).collect();
    ImportError::unsupported(
        "the state_dict",
        format!("its modules make no chain in which each reads what the one before it gives: {}", names.join(", ")),
        "name the layers by --recipe NETWORK.toml, or export to ONNX",
    )
}
