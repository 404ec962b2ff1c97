//! What a network's layers computed over one sequence, and how far its gradients reach back.

use super::layer::{Layer, Mode, Tape};
use super::loss::{Classes, Loss, NO_CLASS, Target};
use super::network::{Network, Pass, Workspace};
use super::{Batch, Float};

/// What one layer of the recipe computed over a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace<F> {
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

fn trace<F: Float>(tape: &mut Tape<F>) -> Trace<F> {
    let mut own = Trace {
        steps: tape.rows.len(),
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
        let pass = Pass { loss, scale: 1.0, mode: Mode::Evaluate, classes: Classes::default() };
        self.score_top(&mut workspace, &[&last_only(target)], pass);
        let top = &mut workspace.tapes[self.layers.len() - 1];
        if matches!(target, Target::Values(_)) {
            let last = top.touched.len() - 1;
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

/// The target without the classes of all steps but the last that has one.
fn last_only(target: &Target) -> Target {
    let Target::Steps(classes) = target else { return target.clone() };
    let last = classes.iter().rposition(|class| *class != NO_CLASS);
    let keep = |(t, class): (usize, &u32)| if Some(t) == last { *class } else { NO_CLASS };
    Target::Steps(classes.iter().enumerate().map(keep).collect())
}
