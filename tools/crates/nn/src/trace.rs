//! What a network's layers computed over one sequence, and how far its gradients reach back.

use super::layer::{Layer, Mode, Tape};
use super::loss::{Classes, Loss, Target};
use super::network::{Network, Pass, Workspace};
use super::{Batch, Float};

/// What one layer of the recipe computed over a sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace<F> {
    /// `[steps, inputs]`: what the layer reads; empty where that is the output of the layer before.
    pub input: Vec<F>,
    /// Steps: of the sequence, 1 behind a pool.
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

/// What a tape of one sequence, or of one step of several rows, holds.
pub(super) fn trace<F: Float>(tape: &mut Tape<F>) -> Trace<F> {
    let mut own = Trace {
        input: Vec::new(),
        steps: tape.output().data.len() / tape.width.max(1),
        width: tape.width,
        out: tape.output().data.to_vec(),
        // A narx layer keeps its frames there.
        cell: if tape.lead == 1 { tape.long.get(tape.width..).unwrap_or_default().to_vec() } else { Vec::new() },
        pre: std::mem::take(&mut tape.pre),
        reverse: None,
    };
    if let [forward, reverse] = &mut tape.directions[..] {
        let (forward, mut reverse) = (trace(forward), trace(reverse));
        (own.cell, own.pre) = (forward.cell, forward.pre);
        for values in [&mut reverse.out, &mut reverse.cell].into_iter().chain(&mut reverse.pre) {
            turn(values, reverse.steps);
        }
        own.reverse = Some(Box::new(reverse));
    }
    own
}

impl<F: Float> Trace<F> {
    /// What the layers of a chain computed over one step of many rows, as if the rows were steps.
    pub(super) fn of_rows(tapes: &mut [Tape<F>]) -> Vec<Self> {
        let of_tape = |tape: &mut Tape<F>| Trace {
            input: Vec::new(),
            steps: tape.size,
            width: tape.width,
            out: tape.output().data.to_vec(),
            cell: if tape.lead == 1 {
                tape.long.get(tape.size * tape.width..).unwrap_or_default().to_vec()
            } else {
                Vec::new()
            },
            pre: std::mem::take(&mut tape.pre),
            reverse: None,
        };
        tapes.iter_mut().map(of_tape).collect()
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

/// Turns the order of the steps.
fn turn<F: Float>(values: &mut Vec<F>, steps: usize) {
    let width = values.len() / steps.max(1);
    if width > 0 {
        *values = values.chunks_exact(width).rev().flatten().copied().collect();
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
        let mut workspace = Workspace::default();
        workspace.tapes.resize_with(self.layers.len(), || Tape { keep_pre: true, ..Tape::default() });
        self.forward(batch.frames(), &mut workspace, Mode::Evaluate);
        self.outputs.iter().map(|&i| trace(&mut workspace.tapes[i])).collect()
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
        let mut workspace = Workspace::default();
        self.forward(batch.frames(), &mut workspace, Mode::Evaluate);
        for tape in &mut workspace.tapes {
            tape.clear_gradient();
            tape.probe = true;
        }
        let pass = Pass { loss, scale: 1.0, mode: Mode::Evaluate, classes: Classes::default(), forced: 1.0 };
        self.score_top(&mut workspace, &[target], pass);
        let top = &mut workspace.tapes[self.layers.len() - 1];
        if let Some(last) = top.touched.iter().rposition(|touched| *touched) {
            top.touched[..last].fill(false);
        }
        self.backward(&batch, &mut workspace, &mut vec![F::ZERO; self.values().len()]);
        let mut norms = Vec::new();
        for (layer, tape) in self.layers.iter().zip(&mut workspace.tapes) {
            match (layer, &mut tape.directions[..]) {
                (Layer::Recurrent(_), _) => norms.push(std::mem::take(&mut tape.norms)),
                (Layer::Bidirectional(_), [forward, reverse]) => {
                    norms.push(std::mem::take(&mut forward.norms));
                    norms.push(reverse.norms.drain(..).rev().collect());
                }
                _ => {}
            }
        }
        norms
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
