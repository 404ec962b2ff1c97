//! Back-propagation through an encoder-decoder: head, attention, decoder, bridge, encoder.

use elman::blob::AttentionScore;

use super::attention::Side;
use super::{BRIDGE, DECODER, ENCODER, ENERGY, HEAD, Joined, KEY, Memory, QUERY, one_step};
use crate::Float;
use crate::batch::Frames;
use crate::layer::{Below, Output, RecurrentTape, Tape};
use crate::network::Chain;

impl<F: Float> Joined<'_, F> {
    /// Runs all chains backward from ∂L/∂y, which is in the head's last tape.
    pub(super) fn backward(&self, memory: &mut Memory<F>, gradient: &mut [F]) {
        let Memory { source, target, tapes, attention, encoder_rows, summary, joined } = memory;
        let [encoder, bridge, decoder, query, key, score, head] = tapes;
        let (h, s_width) =
            (encoder.last().map_or(source.frames(), |top| top.output.frames()), self.cells_width(decoder));
        let (size, steps) = (target.order().len(), target.frames().steps());
        let rows = target.frames().rows;
        let width = s_width + if self.attends() { self.states } else { 0 };
        let s = decoder.last().map_or(target.frames(), |top| top.output.frames());
        let data = if self.attends() { &joined[..] } else { s.data };
        let top = Frames { data, rows, size, width };
        let mut djoined = vec![F::ZERO; steps * size * width];
        below(&self.chain(HEAD), top, head, gradient, &mut djoined);

        // ∂L/∂s and ∂L/∂h, what attention sends to them first.
        let mut ds = vec![F::ZERO; steps * size * s_width];
        let mut dh = vec![F::ZERO; h.steps() * h.size * h.width];
        if self.attends() {
            for (t, rows) in rows.iter().enumerate() {
                for row in 0..*rows {
                    let d = &djoined[(t * size + row) * width + s_width..][..self.states];
                    attention.set_context_gradient(row, t, d);
                }
            }
            let de = attention.backward().to_vec();
            let u = attention.width();
            if self.score == AttentionScore::Additive {
                let pairs = [attention.pairs()];
                let mut dsums = vec![F::ZERO; pairs[0] * u];
                start_at(score, |_, top| top.copy_from_slice(&de));
                let sums = attention.computed_sums().to_vec();
                below(&self.chain(ENERGY), one_step(&sums, &pairs, u), score, gradient, &mut dsums);
                attention.backward_sums(&dsums);
            } else {
                attention.backward_dot(self.scale(u));
            }
            let row_of = |row: usize| encoder_rows[row];
            let mut dq = vec![F::ZERO; steps * size * u];
            attention.gradients(Side::Steps, |row, t, d| dq[(t * size + row) * u..][..u].copy_from_slice(d));
            start_at(query, |_, top| top.copy_from_slice(&dq));
            let chain = self.chain(QUERY);
            if chain.layers().is_empty() {
                ds = dq
            } else {
                below(&chain, s, query, gradient, &mut ds)
            }

            let mut dk = vec![F::ZERO; h.steps() * h.size * u];
            attention.gradients(Side::Keys, |row, t, d| dk[(t * h.size + row_of(row)) * u..][..u].copy_from_slice(d));
            start_at(key, |_, top| top.copy_from_slice(&dk));
            let chain = self.chain(KEY);
            if chain.layers().is_empty() {
                dh = dk
            } else {
                below(&chain, h, key, gradient, &mut dh)
            }
            attention.gradients(Side::States, |row, t, d| {
                let to = &mut dh[(t * h.size + row_of(row)) * h.width..][..h.width];
                to.iter_mut().zip(d).for_each(|(to, d)| *to += *d);
            });
        }
        for (ds, d) in ds.chunks_exact_mut(s_width).zip(djoined.chunks_exact(width)) {
            ds.iter_mut().zip(d).for_each(|(to, d)| *to += *d);
        }
        start_at(decoder, |_, top| top.copy_from_slice(&ds));
        self.chain(DECODER).backward(target.frames(), decoder, gradient, None);

        let units: usize = self.cells.iter().map(|(_, units)| units).sum();
        let mut dstart = vec![F::ZERO; size * units];
        let mut at = 0;
        for (k, n) in &self.cells {
            let states: &RecurrentTape<F> = decoder[*k].parts().1;
            for (to, d) in dstart.chunks_exact_mut(units).zip(states.h_0_gradient().chunks_exact(*n)) {
                to[at..at + n].copy_from_slice(d);
            }
            at += n;
        }
        let mut dsummary = vec![F::ZERO; size * self.states];
        start_at(bridge, |_, top| top.copy_from_slice(&dstart));
        let (chain, rows) = (self.chain(BRIDGE), [size]);
        if chain.layers().is_empty() {
            dsummary = dstart;
        } else {
            below(&chain, one_step(summary, &rows, self.states), bridge, gradient, &mut dsummary);
        }
        let (h_size, h_width) = (h.size, h.width);
        for (d, row) in dsummary.chunks_exact(self.states).zip(encoder_rows.iter()) {
            let mut add = |t: usize, part: std::ops::Range<usize>| {
                let to = &mut dh[(t * h_size + row) * h_width..][part.clone()];
                to.iter_mut().zip(&d[part]).for_each(|(to, d)| *to += *d);
            };
            add(source.lengths()[*row] - 1, 0..self.forward);
            add(0, self.forward..self.states);
        }
        start_at(encoder, |_, top| top.copy_from_slice(&dh));
        self.chain(ENCODER).backward(source.frames(), encoder, gradient, None);
    }

    /// Width of s_t.
    fn cells_width(&self, decoder: &[Tape<F>]) -> usize {
        decoder.last().map_or(0, |top| top.output.width)
    }
}

/// Prepares a chain's tapes for the backward pass and lets `write` fill ∂L/∂y of the last, if there is one.
fn start_at<F: Float>(tapes: &mut [Tape<F>], write: impl FnOnce(&[usize], &mut [F])) {
    tapes.iter_mut().for_each(|tape| tape.output.clear_gradient());
    if let Some(Output { rows, gradient, touched, .. }) = tapes.last_mut().map(|top| &mut top.output) {
        touched.fill(true);
        write(rows, gradient);
    }
}

/// Runs a chain backward; ∂L/∂input goes to `dinput`.
fn below<F: Float>(
    chain: &Chain<'_, F>,
    input: Frames<'_, F>,
    tapes: &mut [Tape<F>],
    gradient: &mut [F],
    dinput: &mut [F],
) {
    let mut touched = vec![false; input.steps()];
    let below = Below { gradient: dinput, touched: &mut touched, size: input.size, width: input.width };
    chain.backward(input, tapes, gradient, Some(below));
}
