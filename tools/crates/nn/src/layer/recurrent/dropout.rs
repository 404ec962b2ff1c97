//! Dropout on the recurrent side: of the state that U reads, or of the weights.

use std::ops::Range;

use get_size2::GetSize;

use super::{Recurrent, Weights};
use crate::layer::cell::DropoutKind;
use crate::layer::dropout::Draw;
use crate::layer::fit;
use crate::layer::span::Chunk;
use crate::{Float, Mode};

/// What training drops within a recurrent layer.
#[derive(Clone, Copy, Debug)]
pub struct StateDropout {
    /// The share.
    pub rate: f32,
    /// Of what.
    pub kind: DropoutKind,
    /// Place in the network: layers and directions draw different masks.
    pub stream: u64,
}

/// What a pass dropped.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Dropped<F> {
    /// Mask of h: `[steps, size, units]`, `[size, units]` for all steps, or empty.
    state: Vec<F>,
    /// Whether the mask of h is one for all steps.
    one: bool,
    /// Mask of W and U, or empty.
    elements: Vec<F>,
    /// W and U under their mask.
    values: Vec<F>,
    /// The same, packed.
    weights: Weights<F>,
    /// ∂L/∂W and ∂L/∂U under the mask.
    gradient: Vec<F>,
    /// h under its mask: `[size, units]`.
    h: Vec<F>,
}

impl<F: Float> Dropped<F> {
    /// The mask of the h_(t-1) that step `t` reads; empty where nothing is dropped.
    fn mask_of(&self, t: usize, n: usize) -> &[F] {
        if self.state.is_empty() { &[] } else { &self.state[if self.one { 0 } else { t * n }..][..n] }
    }

    /// Whether h is masked.
    pub(super) fn drops_state(&self) -> bool {
        !self.state.is_empty()
    }

    /// Masks h as U reads it at step `t`, for [`Dropped::state`].
    pub(super) fn mask_state(&mut self, t: usize, h: &[F]) {
        self.mask(t..t + 1, h.len(), h);
    }

    /// The same for the steps of a chunk, `n` values apart.
    pub(super) fn mask_chunk(&mut self, chunk: &Chunk, n: usize, h: &[F]) {
        self.mask(chunk.from..chunk.to, n, h);
    }

    fn mask(&mut self, steps: Range<usize>, n: usize, h: &[F]) {
        if self.state.is_empty() {
            return;
        }
        let mut to = std::mem::take(&mut self.h);
        to.clear();
        for (t, h) in steps.zip(h.chunks(n)) {
            to.extend(h.iter().zip(self.mask_of(t, n)).map(|(h, m)| {
                let mut h = *h;
                h *= *m;
                h
            }));
        }
        self.h = to;
    }

    /// The h just masked, or `h` itself where nothing is dropped.
    pub(super) fn state<'a>(&'a self, h: &'a [F]) -> &'a [F] {
        if self.state.is_empty() { h } else { &self.h }
    }

    /// Adds ∂L/∂h through U, `from`, to `dh`, of the elements in use.
    pub(super) fn add_masked(&self, t: usize, from: &[F], dh: &mut [F], used: usize) {
        for ((dh, d), m) in dh.iter_mut().zip(from).zip(self.mask_of(t, from.len())).take(used) {
            let mut d = *d;
            d *= *m;
            *dh += d;
        }
    }

    /// The weights of the pass.
    pub(super) fn weights<'a>(&'a self, whole: &'a Weights<F>) -> &'a Weights<F> {
        if self.elements.is_empty() { whole } else { &self.weights }
    }

    /// Where the gradient of W and U goes first: room of its own where they are masked.
    pub(super) fn take_gradient(&mut self) -> Option<Vec<F>> {
        let n = self.elements.len();
        (n > 0).then(|| {
            let mut gradient = std::mem::take(&mut self.gradient);
            gradient.clear();
            gradient.resize(n, F::ZERO);
            gradient
        })
    }

    /// Adds the gradient of the masked W and U to that of W and U.
    pub(super) fn give_gradient(&mut self, gradient: Vec<F>, to: &mut [F]) {
        for ((to, d), m) in to.iter_mut().zip(&gradient).zip(&self.elements) {
            let mut d = *d;
            d *= *m;
            *to += d;
        }
        self.gradient = gradient;
    }
}

impl<F: Float> Recurrent<F> {
    /// Draws the masks of a pass over `steps` steps of `n` values of h.
    pub(super) fn draw(&self, parameters: &[F], [steps, n]: [usize; 2], mode: Mode, dropped: &mut Dropped<F>) {
        dropped.state.clear();
        dropped.elements.clear();
        let (Some(dropout), Mode::Train(seed)) = (self.dropout, mode) else { return };
        let mut draw = Draw::new(seed, dropout.stream, dropout.rate);
        dropped.one = dropout.kind == DropoutKind::Variational;
        match dropout.kind {
            DropoutKind::NonRecurrent => {}
            DropoutKind::Ordinary | DropoutKind::Variational => {
                fit(&mut dropped.state, if dropped.one { n } else { steps * n });
                draw.fill(&mut dropped.state);
            }
            DropoutKind::Weights => {
                let (w, u) = (&parameters[self.tensors.w.clone()], &parameters[self.tensors.u.clone()]);
                dropped.elements.resize(w.len() + u.len(), F::ZERO);
                draw.fill(&mut dropped.elements);
                dropped.values.clear();
                dropped.values.extend(w.iter().chain(u));
                dropped.values.iter_mut().zip(&dropped.elements).for_each(|(v, m)| *v *= *m);
                let mut weights = std::mem::take(&mut dropped.weights);
                let (w, u) = dropped.values.split_at(w.len());
                self.pack_into(w, u, &mut weights);
                dropped.weights = weights;
            }
        }
    }
}
