//! What a network's layers computed over one sequence, and how far its gradients reach back.

use super::layer::{Mode, Output};
use super::loss::{Classes, Loss, Target};
use super::network::{Network, Pass, Workspace};
use super::{Batch, Float};

/// What one layer of the recipe computed over a sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace<F> {
    /// `[steps, inputs]`: what the layer reads; empty where that is the output of the layer before.
    pub input: Vec<F>,
    /// Steps: of the sequence, 1 after a pool.
    pub steps: usize,
    /// Width of the output.
    pub width: usize,
    /// `[steps, width]`: the output; of a cell, h; of a bidirectional layer, [h forward; h reverse].
    pub out: Vec<F>,
    /// `[steps, width]`: c; empty where the layer has none. Of a bidirectional layer, of its forward direction.
    pub cell: Vec<F>,
    /// Per stage `[steps, gates * width]`: pre-activations W x + U h + b (for half a gate, its half), without
    /// peepholes; empty where the
    /// layer has no weights. Of a bidirectional layer, of its forward direction; of a narx layer, of both its maps.
    pub pre: Vec<Vec<F>>,
    /// Of a bidirectional layer, its reverse direction by itself, in the order of the input.
    pub reverse: Option<Box<Trace<F>>>,
}

impl<F: Float> Trace<F> {
    /// Of an output: of one sequence, or of one step of many rows, as if the rows were steps.
    pub(super) fn of(output: &Output<F>) -> Self {
        let out = output.frames().data.to_vec();
        Trace { steps: out.len() / output.width.max(1), width: output.width, out, ..Trace::default() }
    }

    /// Takes the rows in another order.
    pub(super) fn reorder(&mut self, rows: &[usize]) {
        let steps = self.steps.max(1);
        for values in [&mut self.input, &mut self.out, &mut self.cell].into_iter().chain(&mut self.pre) {
            let width = values.len() / steps;
            *values = rows.iter().flat_map(|row| &values[row * width..][..width]).copied().collect();
        }
    }

    /// Adds the rows of another run of the layer.
    pub(super) fn extend(&mut self, more: Self) {
        self.input.extend(more.input);
        self.steps += more.steps;
        self.width = more.width;
        self.out.extend(more.out);
        self.cell.extend(more.cell);
        self.pre.resize_with(more.pre.len().max(self.pre.len()), Vec::new);
        self.pre.iter_mut().zip(more.pre).for_each(|(pre, more)| pre.extend(more));
    }
}

impl<F: Float> Network<F> {
    /// Runs one sequence and returns everything that the layers computed.
    ///
    /// # Panics
    /// As [`Network::run`].
    pub fn trace<T: Copy + Into<f64>>(&self, frames: &[T]) -> Vec<Trace<F>> {
        let mut batch = Batch::default();
        batch.fill(&[frames], self.spec().inputs);
        F::trace(self, &batch)
    }

    pub(crate) fn trace_here(&self, batch: &Batch<F>) -> Vec<Trace<F>> {
        let mut workspace = Workspace::default();
        self.forward_here(batch.frames(), &mut workspace, Mode::Trace);
        self.of_recipe(self.chain(0).trace(&mut workspace.tapes))
    }

    /// The norms of ∂L/∂h_k for every step k of one sequence, L being the loss at its last output with a wanted class
    /// or value alone: a vector for each recurrent layer, for a bidirectional one two, forward and reverse, in the
    /// order of the input.
    ///
    /// h_k counts as the cells read it: of an LSTM, c_k takes a way of its own that is part of the norms before k.
    ///
    /// # Panics
    /// As [`Network::run`], and where the target does not fit the outputs.
    pub fn probe<T: Copy + Into<f64>>(&self, frames: &[T], target: &Target, loss: Loss) -> Vec<Vec<f64>> {
        let mut batch = Batch::default();
        batch.fill(&[frames], self.spec().inputs);
        F::probe(self, &batch, target, loss)
    }

    pub(crate) fn probe_here(&self, batch: &Batch<F>, target: &Target, loss: Loss) -> Vec<Vec<f64>> {
        let mut workspace = Workspace::default();
        self.forward_here(batch.frames(), &mut workspace, Mode::Evaluate);
        workspace.tapes.iter_mut().for_each(|tape| tape.output.clear_gradient());
        let pass = Pass { loss, scale: 1.0, mode: Mode::Evaluate, classes: Classes::default(), teacher_forcing: 1.0 };
        self.score_top(&mut workspace, &[target], pass);
        if let Some(top) = workspace.tapes.last_mut()
            && let Some(last) = top.output.touched.iter().rposition(|touched| *touched)
        {
            top.output.touched[..last].fill(false);
        }
        let chain = self.chain(0).probing();
        chain.backward(batch.frames(), &mut workspace.tapes, &mut vec![F::ZERO; self.values().len()], None);
        chain.layers().iter().zip(&mut workspace.tapes).flat_map(|(layer, tape)| layer.norms(tape)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LayerSpec, NO_CLASS, NetworkSpec};

    /// One unit: ∂L/∂h_k = (y_T - wanted) Π u (1 - h_j²) over j = k + 1 ..= T, y = h.
    #[test]
    fn a_gradient_back_in_time_is_the_product_of_the_steps() {
        let layers = vec![LayerSpec::cell("srn", 1), LayerSpec::dense(1)];
        let mut network = Network::<f64>::new(&NetworkSpec::sequence(1, layers), 1).unwrap();
        let [w, u, b] = [0.7, -1.3, 0.1];
        network.update(|values| values.copy_from_slice(&[w, u, b, 1.0, 0.0]));
        let frames = [0.4, -0.9, 0.3, 0.8, -0.2];
        let mut h = vec![0.0f64];
        frames.iter().for_each(|x| h.push((w * x + u * h[h.len() - 1] + b).tanh()));
        // Nothing is wanted of the last step, so T is the one before.
        let target = Target::Values(vec![0.1, 0.2, 0.3, 0.25, f32::NAN]);
        let norms = network.probe(&frames, &target, Loss::SquaredError);
        let mut wanted = vec![0.0, (h[4] - 0.25).abs()];
        for k in (1..4).rev() {
            wanted.push(wanted[wanted.len() - 1] * (u * (1.0 - h[k + 1] * h[k + 1])).abs());
        }
        wanted.reverse();
        assert_eq!(norms.len(), 1);
        for (ours, exact) in norms[0].iter().zip(&wanted) {
            assert!((ours - exact).abs() < 1e-12, "{norms:?} {wanted:?}");
        }
        assert_eq!(norms[0].len(), wanted.len());
    }

    #[test]
    fn only_the_last_wanted_class_counts() {
        let layers = vec![LayerSpec::bidirectional("gru", 3), LayerSpec::cell("lstm", 2), LayerSpec::dense(2)];
        let network = Network::<f64>::new(&NetworkSpec::sequence(1, layers), 1).unwrap();
        let probe = |classes: &[u32]| {
            network.probe(&[0.1, 0.5, -0.4, 0.9], &Target::Steps(classes.to_vec()), Loss::CrossEntropy)
        };
        let norms = probe(&[0, 1, 1, NO_CLASS]);
        assert_eq!(norms, probe(&[NO_CLASS, NO_CLASS, 1, NO_CLASS]));
        assert_eq!(norms.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4]);
        assert_eq!(norms[2][3], 0.0);
        assert!(norms.iter().all(|n| n[..3].iter().all(|n| *n > 0.0)));
        // The reverse direction passes what comes before on to what comes after.
        assert!(norms[1][3] == 0.0 || norms[1][3] < norms[1][2]);
    }

    #[test]
    fn a_trace_has_both_directions_in_the_order_of_the_input() {
        let layers = vec![LayerSpec::bidirectional("lstm", 2)];
        let network = Network::<f64>::new(&NetworkSpec::sequence(1, layers), 1).unwrap();
        let trace = network.trace(&[0.3, -0.8, 0.5]).remove(0);
        let reverse = trace.reverse.unwrap();
        assert_eq!((trace.width, reverse.width, reverse.pre[0].len(), reverse.cell.len()), (4, 2, 3 * 8, 3 * 2));
        for (both, h) in trace.out.chunks(4).zip(reverse.out.chunks(2)) {
            assert_eq!(&both[2..], h);
        }
        // The reverse direction starts at the last step, so its first pre-activation has no U h.
        let w = network.tensor("layers.0.reverse.w").unwrap().1;
        let b = network.tensor("layers.0.reverse.b").unwrap().1;
        for (k, pre) in reverse.pre[0][2 * 8..].iter().enumerate() {
            assert!((pre - (w[k] * 0.5 + b[k])).abs() < 1e-12);
        }
    }
}
