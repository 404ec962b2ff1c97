//! Messages between the nodes of graphs.

use super::Item;
use crate::nn::layer::Mode;
use crate::nn::{Float, Network, Pass, Score, Trace, Workspace};

/// As [`super::learn`].
pub(super) fn learn<F: Float>(
    _network: &Network<F>,
    _items: &[Item<'_>],
    _pass: Pass<'_>,
    _workspace: &mut Workspace<F>,
    _gradient: Option<&mut [F]>,
) -> Score {
    unimplemented!()
}

/// As [`super::run`].
pub(super) fn run<F: Float>(_network: &Network<F>, _item: Item<'_>, _mode: Mode) -> Vec<F> {
    unimplemented!()
}

/// As [`super::trace`].
pub(super) fn trace<F: Float>(_network: &Network<F>, _item: Item<'_>) -> Vec<Trace<F>> {
    unimplemented!()
}
