//! Which descriptions are networks.

use super::cell;
use super::joined::StructureSpec;
use super::spec::{LayerSpec, NetworkSpec, Over};
use elman::cell::CarriedState;
use elman::wiring::Chain;
use elman::wiring::graph::NODE;

/// Layers of recurrent cells that the device stacks at most; a bidirectional one counts twice.
pub const MAX_CELLS: usize = 8;

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
    #[error("the network stacks {0} cells (a bidirectional layer counts twice); at most {MAX_CELLS} fit")]
    TooManyCells(usize),
    /// Chains that its structure cannot join.
    #[error("{0}")]
    Structure(String),
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
    /// A layer over time behind a pooling layer.
    #[error("layer {0} needs a sequence, but the pool before it left a single vector")]
    AfterPool(usize),
    /// Symbols that are read elsewhere than at the input.
    #[error("layer {0} reads symbols, so it must be the first, and its inputs 1: a frame is one index")]
    NotFirst(usize),
    /// A table without rows.
    #[error("layer {0} has no rows; say how many symbols there are, or train on data that has a vocabulary")]
    NoRows(usize),
    /// More symbols than an index of 16 bits tells apart.
    #[error("layer {0} has {1} rows; at most 65535 fit a symbol's index")]
    TooManyRows(usize, usize),
    /// A delay line with a tail wider than its frames, or of stride 0.
    #[error(
        "layer {0}: a delay needs a stride of at least 1, a tail no wider than its frames of {1} values, and taps only of values that there are"
    )]
    Delay(usize, usize),
    /// A narx layer among others.
    #[error("layer {0}: narx must be the only layer; what it feeds back is the network's output")]
    NotAlone(usize),
    /// A narx layer without past outputs, or wider than its frames.
    #[error("layer {0}: narx needs output_taps of at least 1, and inputs of at least its outputs: a frame is [x; y]")]
    Narx(usize),
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
        if let Some(reason) = self.structure.misfit() {
            return Err(SpecError::Structure(reason));
        }
        if let Some(reason) = super::structure::seq2seq::misfit(self) {
            return Err(SpecError::Structure(reason));
        }
        let counted: usize = self.structure.counts().map_or(self.layers.len(), |counts| counts.iter().sum());
        if counted != self.layers.len() {
            return Err(SpecError::Structure(format!("{counted} layers in its chains, {} in all", self.layers.len())));
        }
        let widths = self.widths();
        let mut cells = 0;
        for chain in 0..self.chains() {
            let (range, mut pooled) = (self.chain(chain), false);
            for i in range.clone() {
                let (layer, (inputs, width)) = (&self.layers[i], widths[i]);
                let reads_frames = i == range.start && self.structure.reads_frames(chain);
                self.check_layer(i, layer, inputs, reads_frames)?;
                if width == 0 {
                    return Err(SpecError::NoUnits(i));
                }
                if pooled && !matches!(layer, LayerSpec::Dense { .. } | LayerSpec::Dropout { .. }) {
                    return Err(SpecError::AfterPool(i));
                }
                pooled |= matches!(layer, LayerSpec::Pool { .. });
                if let LayerSpec::Cell { bidirectional, .. } = layer {
                    cells += 1 + usize::from(*bidirectional);
                }
            }
        }
        if cells > MAX_CELLS {
            return Err(SpecError::TooManyCells(cells));
        }
        match self.graph_misfit() {
            Some(reason) => Err(SpecError::Structure(reason)),
            None => Ok(()),
        }
    }

    /// Why layers cannot take their places in a graph, if they cannot.
    fn graph_misfit(&self) -> Option<String> {
        let StructureSpec::Graph { .. } = self.structure else { return None };
        let (last, ends) = (self.chains() - 1, self.chain_widths());
        let pools = |l: &LayerSpec| matches!(l, LayerSpec::Pool { over } if *over != Over::Last);
        let map = |l: &LayerSpec| {
            use LayerSpec::{Dense, Dropout, Embedding, OneHot};
            matches!(l, Dense { .. } | Dropout { .. } | Embedding { .. } | OneHot { .. })
        };
        for k in 0..=last {
            let (layers, chain) = (&self.layers[self.chain(k)], self.structure.wire(k).chain);
            let fits = match (chain, layers) {
                (Chain::Node | Chain::Edge, layers) => layers.iter().all(map),
                (Chain::Message, [rest @ .., pool]) => pools(pool) && rest.iter().all(map),
                (Chain::Update, [LayerSpec::Cell { variant, units, bidirectional: false, .. }]) => {
                    let pair =
                        cell::find::<f32>(variant).is_some_and(|(_, _, spec)| spec.carried == CarriedState::Pair);
                    let states = ends[NODE].1;
                    if *units != states {
                        return Some(format!(
                            "the update of a graph is {units} wide, a node's first state {states}; make them one"
                        ));
                    }
                    !pair
                }
                (Chain::Head, [pool, rest @ ..]) if pools(pool) => rest.iter().all(map),
                (Chain::Head, layers) => layers.iter().all(map),
                _ => false,
            };
            if !fits {
                let wanted = match chain {
                    Chain::Node => "a graph's layers for nodes are dense, one-hot, embedding or dropout",
                    Chain::Edge => "a graph's layers for edges are dense, one-hot, embedding or dropout",
                    Chain::Message => "a graph's message is dense layers and a pool (mean, sum or max) after them",
                    Chain::Update => "a graph's update is one cell, which reads in one direction",
                    _ => "a graph's head is dense layers, with a pool (mean, sum or max) before them or not",
                };
                return Some(wanted.to_owned());
            }
        }
        None
    }

    /// Judges layer `i` by itself.
    fn check_layer(&self, i: usize, layer: &LayerSpec, inputs: usize, reads_frames: bool) -> Result<(), SpecError> {
        let wrong = match layer {
            LayerSpec::Embedding { rows, .. } | LayerSpec::OneHot { rows } => match rows {
                _ if !reads_frames || inputs != 1 => SpecError::NotFirst(i),
                0 => SpecError::NoRows(i),
                65_536.. => SpecError::TooManyRows(i, *rows),
                _ => return Ok(()),
            },
            LayerSpec::Cell { variant, .. } if cell::find::<f32>(variant).is_none() => {
                SpecError::UnknownCell { layer: i, variant: variant.clone() }
            }
            LayerSpec::Cell { dropout: rate, .. } | LayerSpec::Dropout { rate, .. } if !(0.0..1.0).contains(rate) => {
                SpecError::Dropout(i)
            }
            LayerSpec::Delay { taps, stride, tail, tail_taps }
                if *stride == 0
                    || *tail > inputs
                    || (*tail == 0 && *tail_taps > 0)
                    || (*tail == inputs && *taps > 0) =>
            {
                SpecError::Delay(i, inputs)
            }
            LayerSpec::Narx { .. } if self.layers.len() > 1 => SpecError::NotAlone(i),
            LayerSpec::Narx { output_taps, outputs, .. } if *output_taps == 0 || *outputs > inputs => {
                SpecError::Narx(i)
            }
            _ => return Ok(()),
        };
        Err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DenseActivation;

    fn check(inputs: usize, layers: Vec<LayerSpec>) -> Result<(), SpecError> {
        NetworkSpec::sequence(inputs, layers).check()
    }

    #[test]
    fn refuses_what_is_no_network() {
        let pool = LayerSpec::Pool { over: Over::Last };
        assert_eq!(check(3, vec![]), Err(SpecError::Empty));
        assert_eq!(check(3, vec![LayerSpec::cell("gru", 0)]), Err(SpecError::NoUnits(0)));
        assert_eq!(check(3, vec![pool.clone(), LayerSpec::cell("gru", 1)]), Err(SpecError::AfterPool(1)));
        assert_eq!(check(3, vec![pool.clone(), pool.clone()]), Err(SpecError::AfterPool(1)));
        assert_eq!(check(3, vec![LayerSpec::cell("srn", 1); 9]), Err(SpecError::TooManyCells(9)));
        assert_eq!(check(3, vec![LayerSpec::bidirectional("srn", 1); 5]), Err(SpecError::TooManyCells(10)));
        let wrong = check(3, vec![LayerSpec::cell("grue", 4)]).unwrap_err().to_string();
        assert!(wrong.starts_with("layer 0: no cell is called 'grue'; there are srn, srn-sigmoid, "), "{wrong}");
    }

    #[test]
    fn symbols_are_read_at_the_input() {
        let embedding = |rows| LayerSpec::Embedding { rows, units: 4 };
        assert_eq!(check(1, vec![embedding(7)]), Ok(()));
        assert_eq!(check(2, vec![embedding(7)]), Err(SpecError::NotFirst(0)));
        assert_eq!(check(1, vec![LayerSpec::dense(1), embedding(7)]), Err(SpecError::NotFirst(1)));
        assert_eq!(check(1, vec![LayerSpec::OneHot { rows: 0 }]), Err(SpecError::NoRows(0)));
        assert_eq!(check(1, vec![embedding(70_000)]), Err(SpecError::TooManyRows(0, 70_000)));
    }

    #[test]
    fn delays_and_loops_have_their_shapes() {
        let delay = |stride, tail| LayerSpec::Delay { taps: 2, stride, tail, tail_taps: 1 };
        assert_eq!(check(3, vec![delay(1, 2)]), Ok(()));
        assert_eq!(check(3, vec![delay(1, 3)]), Err(SpecError::Delay(0, 3)));
        assert_eq!(check(3, vec![delay(1, 4)]), Err(SpecError::Delay(0, 3)));
        assert_eq!(check(3, vec![delay(0, 0)]), Err(SpecError::Delay(0, 3)));
        let narx = |outputs, output_taps| LayerSpec::Narx {
            hidden: 0,
            outputs,
            input_taps: 0,
            output_taps,
            activation: DenseActivation::Tanh,
            closed: true,
            warmup: 0,
            residual: false,
        };
        assert_eq!(check(3, vec![narx(3, 1)]), Ok(()));
        assert_eq!(check(3, vec![narx(4, 1)]), Err(SpecError::Narx(0)));
        assert_eq!(check(3, vec![narx(1, 0)]), Err(SpecError::Narx(0)));
        assert_eq!(check(3, vec![narx(1, 1), LayerSpec::dense(1)]), Err(SpecError::NotAlone(0)));
        assert_eq!(check(3, vec![LayerSpec::Dropout { rate: 1.0, variational: false }]), Err(SpecError::Dropout(0)));
    }
}
