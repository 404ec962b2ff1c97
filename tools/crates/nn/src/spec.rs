//! What a network is made of: the part of a recipe that describes it.

use elman::cell::VariantSpec;
use serde::{Deserialize, Serialize};

use super::cell;
use super::joined::StructureSpec;
use super::layer::{LayerSpec, Reads};

/// A network: the width of its input frames and its layers, from input to output.
///
/// ```
/// use elman_nn::{LayerSpec, NetworkSpec, Over, Pool};
///
/// let layers = vec![LayerSpec::cell("gru", 64), Pool { over: Over::Last }.into(), LayerSpec::dense(10)];
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
                !self.layers[head].iter().any(|layer| layer.reads() == Reads::Sequence)
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
    use crate::{Delay, DenseActivation, Dropout, DropoutKind, Embedding, Narx, OneHot, Over, Pool};

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
        assert_eq!(read, spec(vec![cell, Pool { over: Over::Mean }.into(), LayerSpec::dense(2)]));
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
        assert_eq!(read(r#"{ layer = "embedding", units = 4 }"#), Embedding { rows: 0, units: 4 }.into());
        assert_eq!(read(r#"{ layer = "one-hot", rows = 9 }"#), OneHot { rows: 9 }.into());
        let both = r#"{ layer = "cell", variant = "gru", units = 4, bidirectional = true, dropout = 0.5, dropout_kind = "variational" }"#;
        assert_eq!(read(both), LayerSpec::bidirectional("gru", 4).with_dropout(0.5, DropoutKind::Variational));
        assert_eq!(read(r#"{ layer = "dropout", rate = 0.3 }"#), Dropout { rate: 0.3, variational: false }.into());
        let delay = LayerSpec::from(Delay { taps: 4, stride: 1, tail: 0, tail_taps: 0 });
        assert_eq!(read(r#"{ layer = "delay", taps = 4 }"#), delay);
        assert_eq!(read(r#"{ layer = "pool", over = "sum" }"#), Pool { over: Over::Sum }.into());
        let narx = Narx {
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
        assert_eq!(read(text), narx.into());
    }

    #[test]
    fn widths_run_through() {
        let layers = vec![
            Delay { taps: 2, stride: 3, tail: 1, tail_taps: 4 }.into(),
            LayerSpec::bidirectional("gru", 5),
            Dropout { rate: 0.1, variational: true }.into(),
            LayerSpec::dense(2),
        ];
        let widths = spec(layers).widths();
        assert_eq!(widths, [(3, 11), (11, 10), (10, 10), (10, 2)]);
    }
}
