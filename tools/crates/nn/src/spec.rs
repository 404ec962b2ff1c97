//! What a network is made of: the part of a recipe that describes it.

use elman::arith::Activation;
use elman::cell::VariantSpec;
use serde::{Deserialize, Serialize};

use super::cell;
use super::joined::StructureSpec;

/// A network: the width of its input frames and its layers, from input to output.
///
/// ```
/// use crate::{LayerSpec, NetworkSpec, Over};
///
/// let layers = vec![LayerSpec::cell("gru", 64), LayerSpec::Pool { over: Over::Last }, LayerSpec::dense(10)];
/// let spec = NetworkSpec::sequence(40, layers);
/// assert_eq!(spec.check(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Values per frame.
    pub inputs: usize,
    /// From input to output, chain after chain.
    pub layers: Vec<LayerSpec>,
    /// How chains of layers are joined.
    #[serde(default)]
    pub structure: StructureSpec,
}

/// One layer. In a recipe: `{ layer = "cell", variant = "gru", units = 64, dropout = 0.2 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LayerSpec {
    /// A learnt vector for every symbol: y_t = E\[x_t\], row x_t of E. Frames hold one symbol's index.
    Embedding {
        /// Symbols; 0 in a recipe stands for the number of the vocabulary. Row 0 is the unknown symbol's, and an index
        /// beyond the last row reads it.
        #[serde(default)]
        rows: usize,
        /// Width of a row.
        units: usize,
    },
    /// y_t = 1 at element x_t and 0 elsewhere. Frames hold one symbol's index.
    OneHot {
        /// Symbols; 0 in a recipe stands for the number of the vocabulary. An index beyond the last sets element 0.
        #[serde(default)]
        rows: usize,
    },
    /// A recurrent layer. Its output is the hidden state of every step.
    Cell {
        /// Name of the variant, as in [`VariantSpec::name`].
        variant: String,
        /// Width of the hidden state, of each direction.
        units: usize,
        /// Also a second layer that reads the sequence from its end; the output is then `[forward; reverse]`.
        #[serde(default)]
        bidirectional: bool,
        /// Share of the connections that training cuts, by `dropout_kind`.
        #[serde(default)]
        dropout: f32,
        /// Which connections.
        #[serde(default)]
        dropout_kind: DropoutKind,
    },
    /// Sets a share of the values to 0 in training and scales the others so that the mean stays.
    Dropout {
        /// The share.
        rate: f32,
        /// One mask for all steps of a sequence, not one for each.
        #[serde(default)]
        variational: bool,
    },
    /// A delay line: y_t = [x_t; x_(t-s); ...; x_(t-Ks)], 0 before the first step. With a dense layer behind it, a
    /// time-delay network and a causal 1-D convolution of kernel K + 1 and dilation s.
    Delay {
        /// K, of all but the last `tail` elements of x.
        taps: usize,
        /// s
        #[serde(default = "one")]
        stride: usize,
        /// Last elements of x, which have a number of taps of their own and come last in y.
        #[serde(default)]
        tail: usize,
        /// K of the last `tail` elements.
        #[serde(default)]
        tail_taps: usize,
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
    /// y_t = V f(W [x_t; ...; x_(t-Kx); y_(t-1); ...; y_(t-Ky)] + b) + c, a network by itself. Frames are
    /// [x_t; y_(t-1) as measured], in the units of the output.
    Narx {
        /// Width of f; 0 makes it linear, y_t = W [...] + b.
        hidden: usize,
        /// Width of y.
        outputs: usize,
        /// Kx
        input_taps: usize,
        /// Ky, at least 1.
        output_taps: usize,
        /// f
        #[serde(default = "tanh")]
        activation: DenseActivation,
        /// Reads its own outputs instead of the measured ones, and learns through this loop.
        #[serde(default)]
        closed: bool,
        /// First steps of a sequence that read the measured outputs although the loop is closed.
        #[serde(default)]
        warmup: usize,
        /// Adds y_(t-1), so that the maps give the change of y: a slow system is learnt as such.
        #[serde(default)]
        residual: bool,
    },
}

/// Default of a stride.
fn one() -> usize {
    1
}

/// Default of f.
fn tanh() -> DenseActivation {
    DenseActivation::Tanh
}

impl LayerSpec {
    /// A recurrent layer without dropout.
    pub fn cell(variant: &str, units: usize) -> Self {
        let dropout_kind = DropoutKind::default();
        Self::Cell { variant: variant.into(), units, bidirectional: false, dropout: 0.0, dropout_kind }
    }

    /// A recurrent layer that reads in both directions, without dropout.
    pub fn bidirectional(variant: &str, units: usize) -> Self {
        let dropout_kind = DropoutKind::default();
        Self::Cell { variant: variant.into(), units, bidirectional: true, dropout: 0.0, dropout_kind }
    }

    /// The layer with dropout, if it is a recurrent one.
    #[must_use]
    pub fn with_dropout(mut self, rate: f32, kind: DropoutKind) -> Self {
        if let Self::Cell { dropout, dropout_kind, .. } = &mut self {
            (*dropout, *dropout_kind) = (rate, kind);
        }
        self
    }

    /// A linear dense layer.
    pub fn dense(outputs: usize) -> Self {
        Self::Dense { outputs, activation: DenseActivation::Linear }
    }

    /// Width of its output over frames of this width.
    pub fn width(&self, inputs: usize) -> usize {
        match *self {
            Self::Embedding { units, .. } => units,
            Self::OneHot { rows } => rows,
            Self::Cell { units, bidirectional, .. } => units * (1 + usize::from(bidirectional)),
            Self::Dropout { .. } | Self::Pool { .. } => inputs,
            Self::Delay { taps, tail, tail_taps, .. } => {
                inputs.saturating_sub(tail) * (taps + 1) + tail * (tail_taps + 1)
            }
            Self::Dense { outputs, .. } | Self::Narx { outputs, .. } => outputs,
        }
    }
}

/// Which connections of a recurrent layer dropout cuts, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropoutKind {
    /// What goes up to the next layer, drawn anew for every step; the recurrent side sees all (Zaremba et al. 2014).
    #[default]
    NonRecurrent,
    /// That and the h_(t-1) that U reads, both drawn anew for every step.
    Ordinary,
    /// x and the h_(t-1) that U reads, one mask for all steps of a sequence (Gal and Ghahramani 2016).
    Variational,
    /// Elements of W and U, one mask for all steps and sequences of a pass (Wan et al. 2013, Merity et al. 2018).
    Weights,
}

/// How a sequence becomes one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// The last step of the sequence.
    Last,
    /// The mean over the steps of the sequence.
    Mean,
    /// The sum over the steps of the sequence.
    Sum,
    /// Of each element the largest over the steps of the sequence.
    Max,
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

impl NetworkSpec {
    /// One chain of layers over a sequence of frames.
    pub fn sequence(inputs: usize, layers: Vec<LayerSpec>) -> Self {
        NetworkSpec { inputs, layers, structure: StructureSpec::Sequence }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.widths().last().map_or(self.inputs, |(_, out)| *out)
    }

    /// Whether the network has an output for every step or node, not one for the whole.
    pub fn per_step(&self) -> bool {
        match &self.structure {
            StructureSpec::Seq2seq { .. } => true,
            StructureSpec::Tree { every_node, .. } => *every_node,
            StructureSpec::Sequence | StructureSpec::Graph { .. } => {
                let head = self.chain(self.chains().saturating_sub(1));
                !self.layers[head].iter().any(|layer| matches!(layer, LayerSpec::Pool { .. }))
            }
        }
    }

    /// How many chains there are.
    pub fn chains(&self) -> usize {
        self.structure.counts().map_or(1, <[usize]>::len)
    }

    /// Which layers chain `k` has.
    pub fn chain(&self, k: usize) -> std::ops::Range<usize> {
        match self.structure.counts() {
            None => 0..self.layers.len(),
            Some(counts) => {
                let start = counts[..k].iter().sum::<usize>();
                start..start + counts[k]
            }
        }
    }

    /// Width of input and output of every chain; an empty one gives what it reads.
    pub fn chain_widths(&self) -> Vec<(usize, usize)> {
        let mut ends: Vec<(usize, usize)> = Vec::new();
        for k in 0..self.chains() {
            let given = self.structure.given(k, self.inputs, &ends);
            let end = self.layers[self.chain(k)].iter().fold(given, |width, layer| layer.width(width));
            ends.push((given, end));
        }
        ends
    }

    /// Width of input and output of every layer.
    pub fn widths(&self) -> Vec<(usize, usize)> {
        let mut all = Vec::with_capacity(self.layers.len());
        for (k, (mut width, _)) in self.chain_widths().into_iter().enumerate() {
            for layer in &self.layers[self.chain(k)] {
                let before = width;
                width = layer.width(before);
                all.push((before, width));
            }
        }
        all
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
        NetworkSpec::sequence(3, layers)
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
        let cell = LayerSpec::cell("lstm", 8).with_dropout(0.1, DropoutKind::NonRecurrent);
        assert_eq!(read, spec(vec![cell, LayerSpec::Pool { over: Over::Mean }, LayerSpec::dense(2)]));
        assert_eq!(read.outputs(), 2);
        assert!(!read.per_step());
        assert!(toml::from_str::<NetworkSpec>(&text.replace("units = 8", "unitz = 8")).is_err());
    }

    #[test]
    fn every_kind_reads_its_defaults() {
        let read = |text: &str| {
            let spec: NetworkSpec = toml::from_str(&format!("inputs = 1\nlayers = [{text}]")).unwrap();
            spec.layers.into_iter().next().unwrap()
        };
        assert_eq!(read(r#"{ layer = "embedding", units = 4 }"#), LayerSpec::Embedding { rows: 0, units: 4 });
        assert_eq!(read(r#"{ layer = "one-hot", rows = 9 }"#), LayerSpec::OneHot { rows: 9 });
        let both = r#"{ layer = "cell", variant = "gru", units = 4, bidirectional = true, dropout = 0.5, dropout_kind = "variational" }"#;
        assert_eq!(read(both), LayerSpec::bidirectional("gru", 4).with_dropout(0.5, DropoutKind::Variational));
        assert_eq!(read(r#"{ layer = "dropout", rate = 0.3 }"#), LayerSpec::Dropout { rate: 0.3, variational: false });
        let delay = LayerSpec::Delay { taps: 4, stride: 1, tail: 0, tail_taps: 0 };
        assert_eq!(read(r#"{ layer = "delay", taps = 4 }"#), delay);
        assert_eq!(read(r#"{ layer = "pool", over = "sum" }"#), LayerSpec::Pool { over: Over::Sum });
        let narx = LayerSpec::Narx {
            hidden: 16,
            outputs: 1,
            input_taps: 5,
            output_taps: 5,
            activation: DenseActivation::Tanh,
            closed: true,
            warmup: 0,
            residual: false,
        };
        let text = r#"{ layer = "narx", hidden = 16, outputs = 1, input_taps = 5, output_taps = 5, closed = true }"#;
        assert_eq!(read(text), narx);
    }

    #[test]
    fn widths_run_through() {
        let layers = vec![
            LayerSpec::Delay { taps: 2, stride: 3, tail: 1, tail_taps: 4 },
            LayerSpec::bidirectional("gru", 5),
            LayerSpec::Dropout { rate: 0.1, variational: true },
            LayerSpec::dense(2),
        ];
        let widths = spec(layers).widths();
        assert_eq!(widths, [(3, 11), (11, 10), (10, 10), (10, 2)]);
    }
}
