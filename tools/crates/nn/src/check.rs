//! Which descriptions are networks.

use elman::cell::CarriedState;
use elman::wiring::Chain;
use elman::wiring::graph::NODE;
use elman::wiring::tree::{COMPOSE, HEAD, LEAF};

use super::joined::StructureSpec;
use super::layer::{LayerSpec, Place, Reads};
use super::spec::NetworkSpec;
use super::{Cell, Over, Pool};

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
    /// A layer over time after a pooling layer.
    #[error("layer {0} needs a sequence, but the pool before it left a single vector")]
    AfterPool(usize),
    /// What a layer itself finds wrong.
    #[error("layer {layer}: {reason}")]
    Layer {
        /// Place.
        layer: usize,
        /// What is wrong, and the way out.
        reason: String,
    },
}

/// What is wrong with a stride that leaves a network without an output for every step.
const NO_STRIDE: &str = "its stride leaves out steps, so that the network has no output for them; put a pool after it, in a network that \
                         is one chain of layers over a sequence";

impl NetworkSpec {
    /// Checks the description.
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
                let first = i == range.start && self.structure.reads_frames(chain);
                let place = Place { inputs, first, alone: self.layers.len() == 1 };
                layer.check(place).map_err(|reason| SpecError::Layer { layer: i, reason })?;
                if width == 0 {
                    return Err(SpecError::NoUnits(i));
                }
                if pooled && layer.reads() != Reads::Step {
                    return Err(SpecError::AfterPool(i));
                }
                pooled |= layer.reads() == Reads::Sequence;
                let later = &self.layers[i + 1..range.end];
                if layer.stride() > 1 && !self.strides(later) {
                    return Err(SpecError::Layer { layer: i, reason: NO_STRIDE.to_owned() });
                }
                if let LayerSpec::Cell(cell) = layer {
                    cells += 1 + usize::from(cell.bidirectional);
                    if self.structure != StructureSpec::Sequence && cell.factored() {
                        let reason =
                            format!("`{}` has another state than its output, and is for sequences alone", cell.variant);
                        return Err(SpecError::Layer { layer: i, reason });
                    }
                }
            }
        }
        if cells > MAX_CELLS {
            return Err(SpecError::TooManyCells(cells));
        }
        match self.tree_misfit().or_else(|| self.graph_misfit()) {
            Some(reason) => Err(SpecError::Structure(reason)),
            None => Ok(()),
        }
    }

    /// Whether steps may be left out before these layers: where one vector is made of those that are left.
    fn strides(&self, later: &[LayerSpec]) -> bool {
        self.structure == StructureSpec::Sequence && later.iter().any(|layer| layer.reads() == Reads::Sequence)
    }

    /// Why layers cannot take their places in a tree, if they cannot.
    fn tree_misfit(&self) -> Option<String> {
        let StructureSpec::Tree { roots, every_node, .. } = self.structure else { return None };
        let ends = self.chain_widths();
        let (leaf, units) = (ends[LEAF].1, ends[COMPOSE].1);
        if leaf != units {
            return Some(format!(
                "a leaf's state is {leaf} wide, a composed one {units}; make `units` or `outputs` of the last layer of `leaf` and of \
                 `compose` the same"
            ));
        }
        if every_node && roots != 1 {
            return Some(format!("labels of nodes need roots = 1, not {roots}: the head reads one node at a time"));
        }
        let both = |l: &LayerSpec| matches!(l, LayerSpec::Cell(Cell { bidirectional: true, .. }));
        let over_time =
            |l: &LayerSpec| !matches!(l, LayerSpec::Cell(_)) && !matches!(l.reads(), Reads::Step | Reads::Symbol);
        let chains = [(LEAF, "leaf"), (COMPOSE, "composition"), (HEAD, "head")];
        let wrong = |chain: usize| self.layers[self.chain(chain)].iter().any(|l| both(l) || over_time(l));
        let (_, name) = chains.into_iter().find(|(chain, _)| wrong(*chain))?;
        Some(format!(
            "the {name} of a tree runs once a node: it has no layers that read other steps (both directions, delay, pool or narx)"
        ))
    }

    /// Why layers cannot take their places in a graph, if they cannot.
    fn graph_misfit(&self) -> Option<String> {
        let StructureSpec::Graph { .. } = self.structure else { return None };
        let (last, ends) = (self.chains() - 1, self.chain_widths());
        let pools =
            |l: &LayerSpec| matches!(l, LayerSpec::Pool(Pool { over }) if !matches!(over, Over::Last | Over::Ends));
        let map = |l: &LayerSpec| matches!(l.reads(), Reads::Step | Reads::Symbol);
        for k in 0..=last {
            let (layers, chain) = (&self.layers[self.chain(k)], self.structure.wire(k).chain);
            let fits = match (chain, layers) {
                (Chain::Node | Chain::Edge, layers) => layers.iter().all(map),
                (Chain::Message, [rest @ .., pool]) => pools(pool) && rest.iter().all(map),
                (Chain::Update, [LayerSpec::Cell(cell @ Cell { units, bidirectional: false, .. })]) => {
                    let pair = cell.table().is_some_and(|table| table.carried == CarriedState::Pair);
                    if cell.table().is_some_and(|table| !table.recurrent()) && !pair {
                        return Some(format!(
                            "the update of a graph is `{}`, which has no U, so that no row of it reads a node's state; take a cell \
                             that has one, such as `residual-2` or `gru`",
                            cell.variant
                        ));
                    }
                    let states = ends[NODE].1;
                    if *units != states {
                        return Some(format!(
                            "the update of a graph is {units} wide, a node's first state {states}; make `units` of `update` and \
                             `units` or `outputs` of the last layer of `node` the same"
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
                    Chain::Node => "a graph's layers for nodes are dense, one-hot, embedding, norm or dropout",
                    Chain::Edge => "a graph's layers for edges are dense, one-hot, embedding, norm or dropout",
                    Chain::Message => "a graph's message is dense layers and a pool (mean, sum or max) after them",
                    Chain::Update => {
                        "a graph's update is one cell, which reads in one direction, so without `bidirectional = true`"
                    }
                    _ => "a graph's head is dense layers, with a pool (mean, sum or max) before them or not",
                };
                return Some(wanted.to_owned());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv, Delay, DenseActivation, Dropout, Embedding, Narx, OneHot, Stride};

    fn check(inputs: usize, layers: Vec<LayerSpec>) -> Result<(), SpecError> {
        NetworkSpec::sequence(inputs, layers).check()
    }

    /// The error message for these layers.
    fn refusal(inputs: usize, layers: Vec<LayerSpec>) -> String {
        check(inputs, layers).unwrap_err().to_string()
    }

    #[test]
    fn refuses_what_is_no_network() {
        let pool = LayerSpec::from(Pool { over: Over::Last });
        assert_eq!(check(3, vec![]), Err(SpecError::Empty));
        assert_eq!(check(3, vec![LayerSpec::cell("gru", 0)]), Err(SpecError::NoUnits(0)));
        assert_eq!(check(3, vec![pool.clone(), LayerSpec::cell("gru", 1)]), Err(SpecError::AfterPool(1)));
        assert_eq!(check(3, vec![pool.clone(), pool.clone()]), Err(SpecError::AfterPool(1)));
        assert_eq!(check(3, vec![LayerSpec::cell("srn", 1); 9]), Err(SpecError::TooManyCells(9)));
        assert_eq!(check(3, vec![LayerSpec::bidirectional("srn", 1); 5]), Err(SpecError::TooManyCells(10)));
        let wrong = refusal(3, vec![LayerSpec::cell("grue", 4)]);
        assert!(
            wrong.starts_with("layer 0: no `variant` of a cell is called 'grue'; there are srn, srn-sigmoid, "),
            "{wrong}"
        );
    }

    #[test]
    fn symbols_are_read_at_the_input() {
        let embedding = |rows| LayerSpec::from(Embedding { rows, units: 4 });
        assert_eq!(check(1, vec![embedding(7)]), Ok(()));
        let place = "it reads symbols, so it must be the first, and its inputs 1: a frame is one index";
        assert_eq!(refusal(2, vec![embedding(7)]), format!("layer 0: {place}"));
        assert_eq!(refusal(1, vec![LayerSpec::dense(1), embedding(7)]), format!("layer 1: {place}"));
        assert!(refusal(1, vec![OneHot { rows: 0 }.into()]).starts_with("layer 0: it has no rows; say how many"));
        assert!(refusal(1, vec![embedding(70_000)]).contains("it has 70000 rows; at most 65535 fit"));
    }

    #[test]
    fn delays_and_loops_have_their_shapes() {
        let delay = |stride, tail| LayerSpec::from(Delay { taps: 2, stride, tail, tail_taps: 1 });
        assert_eq!(check(3, vec![delay(1, 2)]), Ok(()));
        for (stride, tail) in [(1, 3), (1, 4), (0, 0)] {
            let wrong = refusal(3, vec![delay(stride, tail)]);
            assert!(wrong.starts_with("layer 0: a delay with stride = "), "{wrong}");
        }
        let narx = |outputs, output_taps| {
            let activation = DenseActivation::Tanh;
            let (hidden, input_taps, closed, warmup, residual) = (0, 0, true, 0, false);
            let narx = Narx { hidden, outputs, input_taps, output_taps, activation, closed, warmup, residual };
            LayerSpec::from(narx)
        };
        assert_eq!(check(3, vec![narx(3, 1)]), Ok(()));
        for (outputs, output_taps) in [(4, 1), (1, 0)] {
            assert!(refusal(3, vec![narx(outputs, output_taps)]).contains("narx needs output_taps of at least 1"));
        }
        assert!(refusal(3, vec![narx(1, 1), LayerSpec::dense(1)]).contains("narx must be the only layer"));
        let all = Dropout { rate: 1.0, variational: false };
        assert_eq!(refusal(3, vec![all.into()]), "layer 0: dropout must be at least 0 and below 1");
    }

    #[test]
    fn a_stride_has_a_pool_after_it() {
        let (stride, pool) = (|by| LayerSpec::from(Stride { by }), || LayerSpec::from(Pool { over: Over::Last }));
        assert_eq!(check(3, vec![stride(4), LayerSpec::cell("gru", 2), pool(), LayerSpec::dense(2)]), Ok(()));
        assert_eq!(check(3, vec![stride(1), LayerSpec::cell("gru", 2)]), Ok(()));
        for layers in [vec![stride(2), LayerSpec::cell("gru", 2)], vec![LayerSpec::cell("gru", 2), stride(2)]] {
            assert!(refusal(3, layers).contains("put a pool after it"));
        }
        assert!(refusal(3, vec![stride(0)]).contains("by is 0"));
        let conv = |kernel, stride| {
            let (activation, depthwise) = (DenseActivation::Relu, kernel > 3);
            Conv { outputs: 2, kernel, stride, dilation: 1, activation, depthwise }
        };
        assert!(refusal(3, vec![conv(3, 2).into()]).contains("put a pool after it"));
        assert!(refusal(3, vec![conv(3, 0).into(), pool()]).contains("stride is 0"));
        assert!(refusal(3, vec![conv(0, 1).into()]).contains("kernel = 0"));
        assert!(refusal(3, vec![conv(4, 1).into()]).contains("at most 3"));
    }

    #[test]
    fn every_kind_is_a_network() {
        for layer in LayerSpec::samples() {
            let inputs = if layer.reads() == Reads::Symbol { 1 } else { 6 };
            assert_eq!(check(inputs, vec![layer.clone()]), Ok(()), "{layer:?}");
            for name in layer.device() {
                assert!(elman::layer::named(name).is_some(), "{layer:?} becomes `{name}`, which no table has");
            }
        }
    }

    /// An update without U is rejected by its name.
    #[test]
    fn the_update_of_a_graph_has_a_u() {
        let graph = |variant: &str| {
            let dense = || LayerSpec::from(crate::Dense { outputs: 4, activation: DenseActivation::Tanh });
            let pool = LayerSpec::from(Pool { over: Over::Sum });
            let layers = vec![dense(), dense(), pool, LayerSpec::cell(variant, 4), LayerSpec::dense(2)];
            let structure = StructureSpec::Graph { chains: vec![1, 0, 2, 1, 1], rounds: 2, edge_features: 0 };
            NetworkSpec { inputs: 3, layers, structure }.check()
        };
        assert_eq!(graph("residual-2"), Ok(()));
        let said = graph("residual-1").unwrap_err().to_string();
        assert!(said.contains("`residual-1`") && said.contains("has no U"), "{said}");
    }
}
