//! What a network is made of: the part of a recipe that describes it.

use elman::arith::Activation;
use elman::cell::VariantSpec;
use serde::{Deserialize, Serialize};

use super::cell;

/// Layers of recurrent cells that the device stacks at most.
pub const MAX_CELLS: usize = 8;

/// A network: the width of its input frames and its layers, from input to output.
///
/// ```
/// use elman_tools::nn::{LayerSpec, NetworkSpec, Over};
///
/// let spec = NetworkSpec {
///     inputs: 40,
///     layers: vec![LayerSpec::cell("gru", 64), LayerSpec::Pool { over: Over::Last }, LayerSpec::dense(10)],
/// };
/// assert_eq!(spec.check(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Values per frame.
    pub inputs: usize,
    /// From input to output.
    pub layers: Vec<LayerSpec>,
}

/// One layer. In a recipe: `{ layer = "cell", variant = "gru", units = 64, dropout = 0.2 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LayerSpec {
    /// A recurrent layer. Its output is the hidden state of every step.
    Cell {
        /// Name of the variant, as in [`VariantSpec::name`].
        variant: String,
        /// Width of the hidden state.
        units: usize,
        /// Share of the outputs set to 0 in training, drawn anew for every step; the recurrent side sees all.
        #[serde(default)]
        dropout: f32,
    },
    /// Makes one vector of a sequence. Without such a layer the network has one output per step.
    Pool {
        /// Of which steps.
        over: Over,
    },
    /// y = f(W x + b), for every step it gets.
    Dense {
        /// Width of y.
        outputs: usize,
        /// f
        #[serde(default)]
        activation: DenseActivation,
    },
}

impl LayerSpec {
    /// A recurrent layer without dropout.
    pub fn cell(variant: &str, units: usize) -> Self {
        Self::Cell { variant: variant.into(), units, dropout: 0.0 }
    }

    /// A linear dense layer.
    pub fn dense(outputs: usize) -> Self {
        Self::Dense { outputs, activation: DenseActivation::Linear }
    }
}

/// How a sequence becomes one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// The last step of the sequence.
    Last,
    /// The mean over the steps of the sequence.
    Mean,
}

/// f of a dense layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DenseActivation {
    /// f(z) = z
    #[default]
    Linear,
    /// f(z) = tanh(z)
    Tanh,
    /// f(z) = 1 / (1 + exp(-z))
    Sigmoid,
    /// f(z) = max(z, 0)
    Relu,
}

impl From<DenseActivation> for Activation {
    fn from(f: DenseActivation) -> Self {
        match f {
            DenseActivation::Linear => Self::Linear,
            DenseActivation::Tanh => Self::Tanh,
            DenseActivation::Sigmoid => Self::Sigmoid,
            DenseActivation::Relu => Self::Relu,
        }
    }
}

/// Why a [`NetworkSpec`] describes no network. Layers count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No layers.
    #[error("the network has no layers")]
    Empty,
    /// Frames of width 0.
    #[error("the network's inputs are 0; a frame needs at least one value")]
    NoInputs,
    /// More recurrent layers than the device stacks.
    #[error("the network stacks {0} cells; at most {MAX_CELLS} fit")]
    TooManyCells(usize),
    /// A layer of width 0.
    #[error("layer {0} is 0 wide; it needs at least one unit")]
    NoUnits(usize),
    /// A cell that no table has.
    #[error("layer {layer}: no cell is called '{variant}'; there are {}", cell::variant_names().collect::<Vec<_>>().join(", "))]
    UnknownCell {
        /// Place.
        layer: usize,
        /// What the recipe says.
        variant: String,
    },
    /// Dropout that drops everything, or less than nothing.
    #[error("layer {0}: dropout must be at least 0 and below 1")]
    Dropout(usize),
    /// A second pooling layer, or a cell behind one.
    #[error("layer {0} needs a sequence, but the pool before it left a single vector")]
    AfterPool(usize),
}

impl NetworkSpec {
    /// Judges the description.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.layers.is_empty() {
            return Err(SpecError::Empty);
        }
        if self.inputs == 0 {
            return Err(SpecError::NoInputs);
        }
        let (mut cells, mut pooled) = (0, false);
        for (i, layer) in self.layers.iter().enumerate() {
            let sequence = match layer {
                LayerSpec::Cell { variant, units, dropout } => {
                    cells += 1;
                    if cell::find::<f32>(variant).is_none() {
                        return Err(SpecError::UnknownCell { layer: i, variant: variant.clone() });
                    }
                    if *units == 0 {
                        return Err(SpecError::NoUnits(i));
                    }
                    if !(0.0..1.0).contains(dropout) {
                        return Err(SpecError::Dropout(i));
                    }
                    true
                }
                LayerSpec::Pool { .. } => true,
                LayerSpec::Dense { outputs: 0, .. } => return Err(SpecError::NoUnits(i)),
                LayerSpec::Dense { .. } => false,
            };
            if sequence && pooled {
                return Err(SpecError::AfterPool(i));
            }
            pooled |= matches!(layer, LayerSpec::Pool { .. });
        }
        if cells > MAX_CELLS { Err(SpecError::TooManyCells(cells)) } else { Ok(()) }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.widths().last().map_or(self.inputs, |(_, out)| out)
    }

    /// Whether the network has an output for every step, not one for the sequence.
    pub fn per_step(&self) -> bool {
        !self.layers.iter().any(|layer| matches!(layer, LayerSpec::Pool { .. }))
    }

    /// Width of input and output of every layer.
    pub fn widths(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.layers.iter().scan(self.inputs, |width, layer| {
            let before = *width;
            *width = match layer {
                LayerSpec::Cell { units, .. } => *units,
                LayerSpec::Pool { .. } => before,
                LayerSpec::Dense { outputs, .. } => *outputs,
            };
            Some((before, *width))
        })
    }
}

/// The table of a variant, by its name.
pub fn variant(name: &str) -> Option<&'static VariantSpec> {
    cell::find::<f32>(name).map(|(_, _, spec)| spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(layers: Vec<LayerSpec>) -> NetworkSpec {
        NetworkSpec { inputs: 3, layers }
    }

    #[test]
    fn reads_a_recipe() {
        let text = r#"
            inputs = 3
            layers = [
                { layer = "cell", variant = "lstm", units = 8, dropout = 0.1 },
                { layer = "pool", over = "mean" },
                { layer = "dense", outputs = 2 },
            ]"#;
        let read: NetworkSpec = toml::from_str(text).unwrap();
        let cell = LayerSpec::Cell { variant: "lstm".into(), units: 8, dropout: 0.1 };
        assert_eq!(read, spec(vec![cell, LayerSpec::Pool { over: Over::Mean }, LayerSpec::dense(2)]));
        assert_eq!(read.outputs(), 2);
        assert!(!read.per_step());
        assert!(toml::from_str::<NetworkSpec>(&text.replace("units = 8", "unitz = 8")).is_err());
    }

    #[test]
    fn refuses_what_is_no_network() {
        let pool = LayerSpec::Pool { over: Over::Last };
        assert_eq!(spec(vec![]).check(), Err(SpecError::Empty));
        assert_eq!(spec(vec![LayerSpec::cell("gru", 0)]).check(), Err(SpecError::NoUnits(0)));
        assert_eq!(spec(vec![pool.clone(), LayerSpec::cell("gru", 1)]).check(), Err(SpecError::AfterPool(1)));
        assert_eq!(spec(vec![pool.clone(), pool]).check(), Err(SpecError::AfterPool(1)));
        assert_eq!(spec(vec![LayerSpec::cell("srn", 1); 9]).check(), Err(SpecError::TooManyCells(9)));
        let wrong = spec(vec![LayerSpec::cell("grue", 4)]).check().unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "layer 0: no cell is called 'grue'; there are srn, srn-sigmoid, srn-relu, gru, gru-before, lstm"
        );
    }
}
