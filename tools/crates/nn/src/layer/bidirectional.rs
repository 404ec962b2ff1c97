//! A recurrent layer in both directions.

use get_size2::GetSize;

use super::pool::lengths;
use super::recurrent::Recurrent;
use super::{Backward, Below, Forward, Output, RecurrentTape, Run, fit};
use crate::batch::Frames;
use crate::{Float, Trace};

/// Two layers over the same frames, the second from the last frame of every sequence to its first; y_t is
/// [h_t of the first; h_t of the second], both at the frame's own place.
pub struct Bidirectional<F> {
    /// The directions: forward, reverse.
    pub directions: [Recurrent<F>; 2],
}

/// What the layer keeps.
#[derive(Clone, Debug, Default, GetSize)]
pub struct BothTapes<F> {
    /// Each direction, in its own order of time.
    directions: [(Output<F>, RecurrentTape<F>); 2],
    /// The input of the reverse direction.
    turned: Vec<F>,
    /// ∂L/∂turned, and at which steps it was written.
    dturned: Vec<F>,
    touched: Vec<bool>,
}

/// Copies every sequence from its end to its start.
fn turn<F: Float>(from: Frames<'_, F>, to: &mut Vec<F>) {
    fit(to, from.steps() * from.size * from.width);
    for (row, length) in lengths(from.rows, from.size).enumerate() {
        for t in 0..length {
            to[((length - 1 - t) * from.size + row) * from.width..][..from.width].copy_from_slice(from.row(t, row));
        }
    }
}

/// Turns the order of the steps.
fn turn_steps<F: Float>(values: &mut Vec<F>, steps: usize) {
    let width = values.len() / steps.max(1);
    if width > 0 {
        *values = values.chunks_exact(width).rev().flatten().copied().collect();
    }
}

impl<F: Float> Run<F> for Bidirectional<F> {
    type Tape = BothTapes<F>;

    fn pack(&mut self, parameters: &[F]) {
        self.directions.iter_mut().for_each(|d| d.pack(parameters));
    }

    fn set_recompute(&mut self, on: bool) {
        self.directions.iter_mut().for_each(|d| d.set_recompute(on));
    }

    fn forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut BothTapes<F>) {
        let (units, input) = (self.directions[0].units(), pass.input);
        out.shape(input.rows, input.size, 2 * units, 0);
        let BothTapes { directions, turned, .. } = tape;
        turn(input, turned);
        let turned = Frames { data: turned, ..input };
        for (d, ((layer, (out, tape)), frames)) in
            self.directions.iter().zip(&mut *directions).zip([input, turned]).enumerate()
        {
            let given = pass.given.map(|given| given.part(input, [2 * units, d * units, units], d > 0));
            layer.forward(Forward { input: frames, given: given.as_ref(), ..pass }, out, tape);
        }
        for (d, (of_direction, _)) in directions.iter().enumerate() {
            let h = of_direction.frames();
            for (row, length) in lengths(input.rows, input.size).enumerate() {
                for t in 0..length {
                    let step = if d == 0 { t } else { length - 1 - t };
                    let to = &mut out.values[(t * input.size + row) * 2 * units + d * units..][..units];
                    to.copy_from_slice(h.row(step, row));
                }
            }
        }
    }

    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut BothTapes<F>) {
        let Backward { parameters, input, gradient, mut below, probe } = pass;
        let units = self.directions[0].units();
        let (size, width) = (input.size, input.width);
        let BothTapes { directions, turned, dturned, touched } = tape;
        for (d, (layer, (own, tape))) in self.directions.iter().zip(directions.iter_mut()).enumerate() {
            own.clear_gradient();
            own.touched.fill(true);
            own.gradient.fill(F::ZERO);
            for (row, length) in lengths(input.rows, size).enumerate() {
                for t in (0..length).filter(|&t| out.touched[t]) {
                    let step = if d == 0 { t } else { length - 1 - t };
                    let from = &out.gradient[(t * size + row) * 2 * units + d * units..][..units];
                    own.gradient[(step * size + row) * units..][..units].copy_from_slice(from);
                }
            }
            let gradient = &mut *gradient;
            if d == 0 {
                let below = below.as_mut().map(Below::again);
                layer.backward(Backward { parameters, input, gradient, below, probe }, own, tape);
                continue;
            }
            let input = Frames { data: turned, ..input };
            let Some(below) = &mut below else {
                layer.backward(Backward { parameters, input, gradient, below: None, probe }, own, tape);
                continue;
            };
            fit(dturned, below.gradient.len());
            touched.resize(below.touched.len(), false);
            let of_turned = Below { gradient: dturned, touched, size, width };
            layer.backward(Backward { parameters, input, gradient, below: Some(of_turned), probe }, own, tape);
            let dx = Frames { data: dturned, ..input };
            for (row, length) in lengths(input.rows, size).enumerate() {
                for t in 0..length {
                    let to = &mut below.gradient[(t * size + row) * width..][..width];
                    to.iter_mut().zip(dx.row(length - 1 - t, row)).for_each(|(to, d)| *to += *d);
                }
            }
        }
    }

    fn trace(&self, out: &Output<F>, tape: &mut BothTapes<F>) -> Trace<F> {
        let [forward, reverse] = &self.directions;
        let [(forward_out, forward_tape), (reverse_out, reverse_tape)] = &mut tape.directions;
        let forward = forward.trace(forward_out, forward_tape);
        let mut reverse = reverse.trace(reverse_out, reverse_tape);
        for values in [&mut reverse.out, &mut reverse.cell].into_iter().chain(&mut reverse.pre) {
            turn_steps(values, reverse.steps);
        }
        Trace { cell: forward.cell, pre: forward.pre, reverse: Some(Box::new(reverse)), ..Trace::of(out) }
    }

    fn norms(&self, tape: &mut BothTapes<F>) -> Vec<Vec<f64>> {
        let [forward, reverse] = &self.directions;
        let [(_, forward_tape), (_, reverse_tape)] = &mut tape.directions;
        let mut norms = forward.norms(forward_tape);
        norms.extend(reverse.norms(reverse_tape).into_iter().map(|norms| norms.into_iter().rev().collect()));
        norms
    }
}
