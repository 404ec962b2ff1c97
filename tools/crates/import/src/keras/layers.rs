//! The layers of Keras as operations: what each class and its configuration mean.

use elman_nn::{DenseActivation, Over};
use serde_json::Value as Json;

use crate::gates::{Direction, Gates};
use crate::op::{CellOp, CellWeights, DenseOp, Op};
use crate::{ImportError, Placed, Result, Tensor};

/// A layer of a model's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its class, as `GRU`.
    pub class: String,
    /// Its name.
    pub name: String,
    /// Its configuration.
    pub config: Json,
}

impl Layer {
    /// A layer of a configuration.
    pub fn of(json: &Json) -> Option<Self> {
        let config = json.get("config")?.clone();
        let class = json.get("class_name")?.as_str()?.to_owned();
        let name =
            json.get("name").or_else(|| config.get("name")).and_then(Json::as_str).unwrap_or_default().to_owned();
        Some(Layer { class, name, config })
    }

    fn place(&self) -> String {
        format!("layer {} ({})", self.name, self.class)
    }

    fn unsupported(&self, problem: impl Into<String>, way: &str) -> ImportError {
        ImportError::unsupported(self.place(), problem, way)
    }

    /// A switch.
    fn is(&self, key: &str) -> bool {
        self.config.get(key).and_then(Json::as_bool).unwrap_or(false)
    }

    /// A number.
    fn number(&self, key: &str) -> Option<f64> {
        self.config.get(key).and_then(Json::as_f64)
    }

    /// The name of an activation; linear where there is none.
    fn activation(&self, key: &str, default: &str) -> Result<String> {
        match self.config.get(key) {
            None => Ok(default.to_owned()),
            Some(Json::Null) => Ok("linear".to_owned()),
            Some(Json::String(name)) => Ok(name.clone()),
            Some(_) => {
                Err(self.unsupported(format!("{key} is a function of its own"), "use tanh, sigmoid, relu or softmax"))
            }
        }
    }

    /// The layer that a wrapper wraps.
    fn inner(&self, key: &str) -> Option<Layer> {
        Layer::of(self.config.get(key)?)
    }

    /// Steps of a sequence, where a layer says it.
    pub fn steps(&self) -> Option<usize> {
        let shape = self.config.get("batch_shape").or_else(|| self.config.get("batch_input_shape"))?.as_array()?;
        match &shape[..] {
            [_, steps, _] => usize::try_from(steps.as_u64()?).ok(),
            _ => None,
        }
    }

    /// Whether its outputs are one a step.
    fn every_step(&self) -> bool {
        self.is("return_sequences")
    }
}

/// What cannot stand after a Flatten.
pub fn after_flatten(layer: &Layer) -> ImportError {
    layer.unsupported("it reads all steps as one vector", "a Dense layer reads them first")
}

/// f after a layer.
fn f(layer: &Layer, name: &str) -> Result<Option<Op>> {
    Ok(match name {
        "linear" => None,
        "tanh" => Some(Op::Activation(DenseActivation::Tanh)),
        "sigmoid" => Some(Op::Activation(DenseActivation::Sigmoid)),
        "relu" => Some(Op::Activation(DenseActivation::Relu)),
        "softmax" | "log_softmax" => Some(Op::Softmax),
        other => {
            let problem = format!("the activation {other}");
            return Err(
                layer.unsupported(problem, "integers have linear, tanh, sigmoid, relu and a softmax at the end")
            );
        }
    })
}

/// The tensors of a layer, in Keras' order.
#[derive(Clone, Debug, Default)]
pub struct Tensors(pub Vec<Tensor>);

impl Tensors {
    fn get(&self, layer: &Layer, k: usize) -> Result<&Tensor> {
        let missing = || ImportError::shape(layer.place(), format!("it has {} tensors, and needs more", self.0.len()));
        self.0.get(k).ok_or_else(missing)
    }

    /// The first `n`, and the others.
    fn halves(self, n: usize) -> [Self; 2] {
        let mut first = self.0;
        let second = first.split_off(n.min(first.len()));
        [Tensors(first), Tensors(second)]
    }
}

/// The operations of a layer.
pub fn operations(layer: &Layer, tensors: Tensors, notes: &mut Vec<String>) -> Result<Vec<Placed>> {
    let place = layer.place();
    let mut ops = Vec::new();
    match layer.class.as_str() {
        "InputLayer"
        | "Dropout"
        | "SpatialDropout1D"
        | "GaussianNoise"
        | "GaussianDropout"
        | "AlphaDropout"
        | "ActivityRegularization" => {}
        "Masking" => notes.push(format!("{place}: leave masked steps out of the frames; sequences have any length")),
        "Embedding" => ops.push(Op::Embedding(tensors.get(layer, 0)?.matrix(&place)?)),
        "SimpleRNN" | "GRU" | "LSTM" => {
            ops.push(Op::Cell(cell(layer, vec![tensors])?));
            if !layer.every_step() {
                ops.push(Op::Pool(Over::Last));
            }
        }
        "Bidirectional" => {
            let (cell, every_step) = both(layer, tensors)?;
            ops.push(cell);
            if !every_step {
                ops.push(Op::Pool(Over::Ends));
            }
        }
        "Dense" => {
            ops.push(Op::Dense(dense(layer, &tensors)?));
            ops.extend(f(layer, &layer.activation("activation", "linear")?)?);
        }
        "TimeDistributed" => match layer.inner("layer") {
            Some(inner) if matches!(inner.class.as_str(), "Dense" | "Activation" | "Dropout") => {
                return operations(&inner, tensors, notes);
            }
            _ => return Err(layer.unsupported("what it wraps", "TimeDistributed wraps a Dense layer here")),
        },
        "Activation" => ops.extend(f(layer, &layer.activation("activation", "linear")?)?),
        "Softmax" => ops.push(Op::Softmax),
        "ReLU" => match (layer.number("max_value"), layer.number("negative_slope"), layer.number("threshold")) {
            (None, None | Some(0.0), None | Some(0.0)) => ops.push(Op::Activation(DenseActivation::Relu)),
            _ => return Err(layer.unsupported("a ReLU with a bound or a slope", "use a plain ReLU")),
        },
        "GlobalAveragePooling1D" => ops.push(Op::Pool(Over::Mean)),
        "GlobalMaxPooling1D" => ops.push(Op::Pool(Over::Max)),
        "LayerNormalization" => ops.push(norm(layer, &tensors)?),
        "BatchNormalization" => ops.push(batch_norm(layer, &tensors)?),
        "Flatten" | "Conv1D" | "MaxPooling1D" => {
            let way =
                "sequences have any length here: compute convolutions as features, and read the last step or a mean";
            return Err(layer.unsupported("the class is not in elman", way));
        }
        _ => {
            return Err(layer.unsupported(
                "the class is not understood",
                "take it out of the network, or compute it before or after it",
            ));
        }
    }
    Ok(ops.into_iter().map(|op| Placed { place: place.clone(), op }).collect())
}

fn dense(layer: &Layer, tensors: &Tensors) -> Result<DenseOp> {
    let w = tensors.get(layer, 0)?.matrix(&layer.place())?.transposed();
    let b = match tensors.0.get(1) {
        Some(b) => b.vector(&layer.place(), w.rows)?,
        None => vec![0.0; w.rows],
    };
    Ok(DenseOp { w, b })
}

/// A recurrent layer with its tensors of each direction: kernel, recurrent kernel and maybe bias.
fn cell(layer: &Layer, directions: Vec<Tensors>) -> Result<CellOp> {
    for (key, way) in [
        ("go_backwards", "wrap it in Bidirectional, or turn the frames around"),
        ("return_state", "build the network without the state as an output"),
    ] {
        if layer.is(key) {
            return Err(layer.unsupported(format!("{key} is set"), way));
        }
    }
    let (f, r) = (layer.activation("activation", "tanh")?, layer.activation("recurrent_activation", "sigmoid")?);
    let (kind, gates) = match (layer.class.as_str(), f.as_str(), r.as_str()) {
        ("SimpleRNN", "tanh", _) => (Gates::TANH, 1),
        ("SimpleRNN", "relu", _) => (Gates::RELU, 1),
        ("SimpleRNN", "sigmoid", _) => (Gates::SIGMOID, 1),
        ("GRU", "tanh", "sigmoid") if layer.config.get("reset_after").is_none_or(|v| v.as_bool() == Some(true)) => {
            (Gates::KERAS_GRU, 3)
        }
        ("GRU", "tanh", "sigmoid") => (Gates::KERAS_GRU_BEFORE, 3),
        ("LSTM", "tanh", "sigmoid") => (Gates::KERAS_LSTM, 4),
        _ => {
            let problem = format!("activation = {f}, recurrent_activation = {r}");
            return Err(layer.unsupported(problem, "the cells of elman have tanh and sigmoid: train with these"));
        }
    };
    let one = |tensors: Tensors| -> Result<CellWeights> {
        let place = layer.place();
        let [w, u] =
            [tensors.get(layer, 0)?.matrix(&place)?.transposed(), tensors.get(layer, 1)?.matrix(&place)?.transposed()];
        let units = u.columns;
        let (mut w_bias, mut u_bias) = (Vec::new(), Vec::new());
        if let Some(bias) = tensors.0.get(2) {
            w_bias = bias.values.clone();
            if bias.shape.len() == 2 {
                u_bias = w_bias.split_off(w_bias.len() / 2);
            }
        }
        Direction { w, u, w_bias, u_bias, ..Direction::default() }.weights(&place, kind, units, gates)
    };
    let directions = directions.into_iter().map(one).collect::<Result<Vec<_>>>()?;
    let units = directions.first().map_or(0, |d| d.u.columns);
    Ok(CellOp { variant: kind.variant, units, directions })
}

/// A layer of both directions, and whether its outputs are one a step.
fn both(layer: &Layer, tensors: Tensors) -> Result<(Op, bool)> {
    let merge = layer.config.get("merge_mode").and_then(Json::as_str).unwrap_or("none");
    if merge != "concat" {
        return Err(
            layer.unsupported(format!("merge_mode = {merge}"), "both directions stand one after the other: concat")
        );
    }
    let inner = layer.inner("layer").ok_or_else(|| layer.unsupported("it wraps nothing", "save the model again"))?;
    let inner = Layer { name: layer.name.clone(), ..inner };
    let n = tensors.0.len() / 2;
    let [forward, reverse] = tensors.halves(n);
    Ok((Op::Cell(cell(&inner, vec![forward, reverse])?), inner.every_step()))
}

fn norm(layer: &Layer, tensors: &Tensors) -> Result<Op> {
    let last = match layer.config.get("axis") {
        None | Some(Json::Null) => true,
        Some(Json::Array(axes)) => matches!(&axes[..], [axis] if matches!(axis.as_i64(), Some(-1 | 2))),
        Some(axis) => matches!(axis.as_i64(), Some(-1 | 2)),
    };
    let on = |key: &str| layer.config.get(key).and_then(Json::as_bool).unwrap_or(true);
    if !last || layer.is("rms_scaling") || !on("center") || !on("scale") {
        return Err(layer.unsupported("its axis or form", "a norm of elman is over the features, with gain and bias"));
    }
    let gain = tensors.get(layer, 0)?.values.clone();
    let bias = tensors.get(layer, 1)?.vector(&layer.place(), gain.len())?;
    Ok(Op::Norm { epsilon: layer.number("epsilon").unwrap_or(1e-3), gain, bias })
}

fn batch_norm(layer: &Layer, tensors: &Tensors) -> Result<Op> {
    let on = |key: &str| layer.config.get(key).and_then(Json::as_bool).unwrap_or(true);
    let mut next = 0;
    let mut take = |there: bool| -> Result<Option<Tensor>> {
        if !there {
            return Ok(None);
        }
        next += 1;
        tensors.get(layer, next - 1).cloned().map(Some)
    };
    let (gain, bias) = (take(on("scale"))?, take(on("center"))?);
    let (mean, variance) = (take(true)?.unwrap_or_default(), take(true)?.unwrap_or_default());
    let n = mean.values.len();
    let part = |t: Option<Tensor>, fill: f32| t.map_or(Ok(vec![fill; n]), |t| t.vector(&layer.place(), n));
    let (gain, bias) = (part(gain, 1.0)?, part(bias, 0.0)?);
    let variance = variance.vector(&layer.place(), n)?;
    let epsilon = layer.number("epsilon").unwrap_or(1e-3);
    Ok(Op::Affine(crate::torch::batch(&gain, &bias, &mean.values, &variance, epsilon)))
}
