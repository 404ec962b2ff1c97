//! What a loss is of: a step, or a whole sequence.

use elman_nn::{NetworkSpec, StructureSpec};
use elman_train::EpochMetrics;

/// What a loss that is shown is of: a step where there is a target at each, else the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossUnit {
    Step,
    Symbol,
    Node,
    Sequence,
    Tree,
    Graph,
}

impl LossUnit {
    /// Of a network.
    pub(super) fn of(spec: &NetworkSpec) -> Self {
        match (&spec.structure, spec.per_step()) {
            (StructureSpec::Seq2seq { .. }, _) => LossUnit::Symbol,
            (StructureSpec::Sequence, true) => LossUnit::Step,
            (StructureSpec::Sequence, false) => LossUnit::Sequence,
            (_, true) => LossUnit::Node,
            (StructureSpec::Tree { .. }, false) => LossUnit::Tree,
            (StructureSpec::Graph { .. }, false) => LossUnit::Graph,
        }
    }

    /// Its name after "loss a".
    pub(super) fn name(self) -> &'static str {
        match self {
            LossUnit::Step => "step",
            LossUnit::Symbol => "symbol",
            LossUnit::Node => "node",
            LossUnit::Sequence => "sequence",
            LossUnit::Tree => "tree",
            LossUnit::Graph => "graph",
        }
    }

    /// The losses of an epoch, of train and valid. A run of an older version knows those of whole sequences alone.
    pub(super) fn losses(self, epoch: &EpochMetrics) -> [f64; 2] {
        match self {
            LossUnit::Step | LossUnit::Symbol | LossUnit::Node => {
                [epoch.train_loss_per_step, epoch.valid_loss_per_step]
            }
            LossUnit::Sequence | LossUnit::Tree | LossUnit::Graph => [epoch.train_loss, epoch.valid_loss],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_nn::{LayerSpec, Over, Pool};

    #[test]
    fn where_each_step_has_a_target_the_loss_is_a_step_s() {
        let cell = || LayerSpec::cell("gru", 3);
        let of = |layers| LossUnit::of(&NetworkSpec::sequence(2, layers));
        assert_eq!(of(vec![cell()]), LossUnit::Step);
        assert_eq!(of(vec![cell(), Pool { over: Over::Last }.into()]), LossUnit::Sequence);
    }
}
