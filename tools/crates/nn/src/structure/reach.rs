//! How far gradients reach back, in networks over examples of any structure.

use super::{Item, graph, seq2seq, tree};
use crate::joined::StructureSpec;
use crate::layer::Mode;
use crate::loss::{Classes, Loss, NO_CLASS, Target};
use crate::{Batch, Cell, Float, LayerSpec, Network, Pass};

/// How far the gradient of a loss reaches back in one kind of state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    /// The chain and the cell.
    pub name: String,
    /// The norm of ∂L/∂h by the distance from where the loss is: steps, levels of a tree, rounds of a graph.
    pub norms: Vec<f64>,
}

/// The norms of ∂L/∂h of one item by their distance from the loss. L is that of a sequence's last step with a target, of the
/// last symbol of an encoder-decoder, of a tree's root, of a graph as a whole.
pub fn probe<F: Float>(network: &Network<F>, item: Item<'_>, loss: Loss) -> Vec<Reach> {
    F::probe_item(network, item, loss)
}

pub(crate) fn probe_here<F: Float>(network: &Network<F>, item: Item<'_>, loss: Loss) -> Vec<Reach> {
    let pass = Pass { loss, scale: 1.0, mode: Mode::Evaluate, classes: Classes::default(), teacher_forcing: 1.0 };
    match network.spec().structure {
        StructureSpec::Sequence => {
            let mut batch = Batch::default();
            batch.fill(&[item.frames], network.spec().inputs);
            let all = network.probe_here(&batch, item.target, loss).into_iter();
            let reach = |(name, mut norms): (String, Vec<f64>)| {
                // After the last step with a target nothing has a gradient.
                norms.truncate(last_step(item.target, norms.len(), network.spec().per_step()));
                norms.reverse();
                Reach { name, norms }
            };
            cells(&network.spec().layers).into_iter().zip(all).map(reach).collect()
        }
        StructureSpec::Seq2seq { .. } => seq2seq::probe(network, item, pass),
        StructureSpec::Tree { .. } => tree::probe(network, item, pass),
        StructureSpec::Graph { .. } => graph::probe(network, item, pass),
    }
}

/// Steps up to the last with a target; `per_step`: the network has an output for each.
fn last_step(target: &Target, steps: usize, per_step: bool) -> usize {
    let last = match target {
        Target::Steps(classes) => classes.iter().rposition(|class| *class != NO_CLASS),
        Target::Values(values) if per_step => {
            let width = (values.len() / steps.max(1)).max(1);
            values.chunks(width).rposition(|v| !v.iter().any(|v| v.is_nan()))
        }
        Target::Class(_) | Target::Values(_) => None,
    };
    last.map_or(steps, |last| last + 1).min(steps)
}

/// A name for each recurrent layer, of one that reads in both directions one for each.
pub(super) fn cells(layers: &[LayerSpec]) -> Vec<String> {
    let mut names = Vec::new();
    for (k, layer) in layers.iter().enumerate() {
        if let LayerSpec::Cell(Cell { variant, bidirectional, .. }) = layer {
            names.push(format!("{k} {variant}"));
            if *bidirectional {
                names.push(format!("{k} {variant} reverse"));
            }
        }
    }
    names
}

/// The mean norm of vectors at each distance; what has none is left out.
pub(super) fn means<'a, F: Float>(vectors: impl Iterator<Item = (usize, &'a [F])>) -> Vec<f64> {
    let mut sums: Vec<(f64, u32)> = Vec::new();
    for (distance, vector) in vectors.filter(|(distance, _)| *distance != usize::MAX) {
        sums.resize(sums.len().max(distance + 1), (0.0, 0));
        let squares: f64 = vector.iter().map(|x| x.f64() * x.f64()).sum();
        sums[distance].0 += squares.sqrt();
        sums[distance].1 += 1;
    }
    sums.into_iter().map(|(sum, n)| sum / f64::from(n.max(1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wanted_step_is_where_the_gradient_starts() {
        assert_eq!(last_step(&Target::Class(1), 5, false), 5);
        assert_eq!(last_step(&Target::Steps(vec![0, 1, NO_CLASS]), 3, true), 2);
        assert_eq!(last_step(&Target::Values(vec![1.0, 2.0, f32::NAN]), 3, true), 2);
        assert_eq!(last_step(&Target::Values(vec![1.0, 2.0]), 9, false), 9);
    }
}
