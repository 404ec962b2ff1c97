//! What was read from a file, and the network of elman that it becomes.

use elman_nn::{Delay, Dense, DenseActivation, Embedding, LayerSpec, Network, NetworkSpec, Norm, Pool};

use crate::op::{AffineOp, CellWeights, DenseOp, Op};
use crate::simplify::simplify;
use crate::{Format, ImportError, MOST_WIDTH, Matrix, Result};

/// An operation with the name that messages give it: that of a layer, node or tensor of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The name.
    pub place: String,
    /// The operation.
    pub op: Op,
}

/// What stands after the last layer of elman's network: not part of the blob, whose outputs are logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Nothing: the outputs are logits or values.
    Linear,
    /// A softmax over the outputs.
    Softmax,
    /// A sigmoid of every output.
    Sigmoid,
}

/// What the outputs are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// A logit for each label: a softmax or sigmoid at the end falls away, a single sigmoid becomes two logits.
    Classes,
    /// Values.
    Values,
}

/// A network as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Of which format the file is.
    pub format: Format,
    /// Its operations, from the frames to the outputs.
    pub ops: Vec<Placed>,
    /// What was assumed or left out.
    pub notes: Vec<String>,
}

impl Imported {
    /// A network of these operations.
    ///
    /// # Errors
    /// Where there are none, their widths do not fit each other, or a weight is no finite number.
    pub fn new(format: Format, ops: Vec<Placed>, notes: Vec<String>) -> Result<Self> {
        let imported = Imported { format, ops, notes };
        imported.check()?;
        Ok(imported)
    }

    fn check(&self) -> Result<()> {
        let mut width = self.inputs()?;
        for Placed { place, op } in &self.ops {
            if let Some(reads) = op.inputs().filter(|reads| *reads != width) {
                let problem = format!("reads {reads} values where the layer before it gives {width}");
                return Err(ImportError::shape(place, problem));
            }
            width = op.width(width);
            if width == 0 || width > MOST_WIDTH {
                let problem = format!("is {width} wide; layers of 1 to {MOST_WIDTH} fit a microcontroller");
                return Err(ImportError::shape(place, problem));
            }
            for values in op.weights() {
                if let Some(element) = values.iter().position(|v| !v.is_finite()) {
                    return Err(ImportError::NotFinite { place: place.clone(), element, value: values[element] });
                }
            }
        }
        Ok(())
    }

    /// Values in a frame; 1 where frames are symbols.
    ///
    /// # Errors
    /// Where no operation says how many there are.
    pub fn inputs(&self) -> Result<usize> {
        let no_layer = || ImportError::shape("the file", "it has no layer with weights, so no network is in it");
        self.ops.iter().find_map(|o| o.op.inputs()).ok_or_else(no_layer)
    }

    /// How many symbols it knows, where frames are symbols.
    pub fn symbols(&self) -> Option<usize> {
        match &self.ops.first()?.op {
            Op::Embedding(e) => Some(e.rows),
            _ => None,
        }
    }

    /// Whether it has an output for every step.
    pub fn per_step(&self) -> bool {
        !self.ops.iter().any(|o| matches!(o.op, Op::Pool(_)))
    }

    /// Width of its outputs.
    ///
    /// # Errors
    /// As [`Imported::inputs`].
    pub fn width(&self) -> Result<usize> {
        Ok(self.ops.iter().fold(self.inputs()?, |width, o| o.op.width(width)))
    }

    /// What stands after the logits of a classifier.
    pub fn head(&self) -> Head {
        match simplify(self.ops.iter().cloned()).last().map(|o| &o.op) {
            Some(Op::Softmax) => Head::Softmax,
            Some(Op::Activation(DenseActivation::Sigmoid)) => Head::Sigmoid,
            _ => Head::Linear,
        }
    }

    /// Whether its one output is the probability of the second of two labels.
    pub fn is_binary(&self) -> bool {
        self.head() == Head::Sigmoid && self.width().is_ok_and(|width| width == 1)
    }

    /// As many labels as it tells apart.
    ///
    /// # Errors
    /// As [`Imported::inputs`].
    pub fn classes(&self) -> Result<usize> {
        Ok(if self.is_binary() { 2 } else { self.width()? })
    }

    /// The network whose frames are those of the file.
    ///
    /// # Errors
    /// Where elman has no such network.
    pub fn network(&self, outputs: Outputs) -> Result<Network<f32>> {
        self.scaled(outputs, None, None)
    }

    /// The network whose frames are `e` with x = s ⊙ e + o, and whose outputs are `output` of the file's.
    ///
    /// # Errors
    /// Where elman has no such network.
    pub fn scaled(&self, outputs: Outputs, input: Option<AffineOp>, output: Option<AffineOp>) -> Result<Network<f32>> {
        let (head, binary) = (self.head(), self.is_binary());
        let scale = |affine| Placed { place: "the scale of the frames".to_owned(), op: Op::Affine(affine) };
        let mut ops = simplify(input.map(scale).into_iter().chain(self.ops.iter().cloned()));
        if outputs == Outputs::Classes && head != Head::Linear {
            ops.pop();
        }
        ops = simplify(ops.into_iter().chain(output.map(scale)));
        let mut layers = Layers::new(self.inputs()?);
        for Placed { place, op } in ops {
            layers.push(&place, op)?;
        }
        layers.end(outputs == Outputs::Classes && binary);
        layers.network(self.inputs()?)
    }

    /// The same network with row `rows[k]` of its embedding as row k.
    #[must_use]
    pub fn with_rows(&self, rows: &[usize]) -> Self {
        let mut with = self.clone();
        if let Some(Placed { op: Op::Embedding(e), .. }) = with.ops.first_mut() {
            let values = rows.iter().flat_map(|k| e.row(*k)).copied().collect();
            *e = Matrix::new(rows.len(), e.columns, values);
        }
        with
    }
}

/// A tensor of a layer.
type Named = (String, Vec<f32>);

/// Elman's layers with their tensors.
struct Layers {
    layers: Vec<(LayerSpec, Vec<Named>)>,
    width: usize,
}

impl Layers {
    fn new(width: usize) -> Self {
        Layers { layers: Vec::new(), width }
    }

    fn push(&mut self, place: &str, op: Op) -> Result<()> {
        let width = op.width(self.width);
        match op {
            Op::Embedding(e) => self.add(Embedding { rows: e.rows, units: e.columns }, vec![("e", e.values)]),
            Op::Cell(cell) => {
                let both = cell.directions.len() > 1;
                let spec = match both {
                    true => LayerSpec::bidirectional(cell.variant, cell.units),
                    false => LayerSpec::cell(cell.variant, cell.units),
                };
                let (spec, mut tensors) = (spec.with_rank(cell.rank()), Vec::new());
                for (prefix, CellWeights { w, u, b, v, p }) in ["", "reverse."].into_iter().zip(cell.directions) {
                    for (name, values) in [("w", w.values), ("u", u.values), ("b", b), ("v", v), ("p", p.values)] {
                        tensors.push((format!("{prefix}{name}"), values));
                    }
                }
                self.layers.push((spec, tensors));
            }
            Op::Dense(dense) => self.dense(dense, DenseActivation::Linear),
            Op::Activation(f) => match self.layers.last_mut() {
                Some((LayerSpec::Dense(Dense { activation: linear @ DenseActivation::Linear, .. }), _)) => *linear = f,
                _ => self.dense(DenseOp::identity(width), f),
            },
            Op::Affine(AffineOp { scale, offset }) => {
                let [scale, b] = [scale, offset].map(|v| v.iter().map(|v| *v as f32).collect::<Vec<f32>>());
                self.dense(DenseOp { w: Matrix::diagonal(&scale), b }, DenseActivation::Linear);
            }
            Op::Delay(taps) => self.add(Delay { taps, stride: 1, tail: 0, tail_taps: 0 }, vec![]),
            Op::Pool(over) => self.add(Pool { over }, vec![]),
            Op::Norm { epsilon, gain, bias } => self.add(Norm { epsilon }, vec![("g", gain), ("b", bias)]),
            Op::Softmax => {
                return Err(ImportError::unsupported(
                    place,
                    "a softmax that is not the end of a classifier",
                    "integers have it after the last layer only: take it out and train again",
                ));
            }
        }
        self.width = width;
        Ok(())
    }

    fn add(&mut self, layer: impl Into<LayerSpec>, tensors: Vec<(&str, Vec<f32>)>) {
        let tensors = tensors.into_iter().map(|(name, values)| (name.to_owned(), values)).collect();
        self.layers.push((layer.into(), tensors));
    }

    fn dense(&mut self, DenseOp { w, b }: DenseOp, activation: DenseActivation) {
        self.add(Dense { outputs: w.rows, activation }, vec![("w", w.values), ("b", b)]);
    }

    /// A recipe's network ends in a linear dense layer.
    fn end(&mut self, binary: bool) {
        if !matches!(&self.layers.last(), Some((LayerSpec::Dense(d), _)) if d.activation == DenseActivation::Linear) {
            self.dense(DenseOp::identity(self.width), DenseActivation::Linear);
        }
        let Some((LayerSpec::Dense(dense), tensors)) = self.layers.last_mut().filter(|_| binary) else { return };
        // σ(z) is the second share of softmax(-z/2, z/2).
        dense.outputs = 2;
        for (_, values) in tensors {
            *values = [-0.5f32, 0.5].iter().flat_map(|s| values.iter().map(move |v| s * v)).collect();
        }
    }

    fn network(self, inputs: usize) -> Result<Network<f32>> {
        let (layers, tensors): (Vec<LayerSpec>, Vec<_>) = self.layers.into_iter().unzip();
        let mut network = Network::new(&NetworkSpec::sequence(inputs, layers), 0)?;
        let mut values = network.values().to_vec();
        for (k, tensors) in tensors.into_iter().enumerate() {
            for (name, from) in tensors.into_iter().filter(|(_, values)| !values.is_empty()) {
                let name = format!("layers.{k}.{name}");
                let to = network.tensor(&name).map(|(tensor, _)| tensor.range.clone());
                match to.and_then(|range| values.get_mut(range)).filter(|to| to.len() == from.len()) {
                    Some(to) => to.copy_from_slice(&from),
                    None => {
                        let problem = format!("has {} values where the layer has another number", from.len());
                        return Err(ImportError::shape(name, problem));
                    }
                }
            }
        }
        network.update(|v| v.copy_from_slice(&values));
        Ok(network)
    }
}
