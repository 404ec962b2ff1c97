//! A recurrent layer in both directions.

use super::pool::lengths;
use super::{Below, Mode, Recurrent, Tape, fit};
use crate::Float;
use crate::batch::Frames;

/// Two layers over the same frames, the second from the last frame of every sequence to its first; y_t is
/// [h_t of the first; h_t of the second], both at the frame's own place.
pub struct Bidirectional<F> {
    /// The directions: forward, reverse.
    pub directions: [Recurrent<F>; 2],
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

impl<F: Float> Bidirectional<F> {
    pub fn pack(&mut self, parameters: &[F]) {
        self.directions.iter_mut().for_each(|d| d.pack(parameters));
    }

    pub fn forward(&self, parameters: &[F], input: Frames<'_, F>, tape: &mut Tape<F>, mode: Mode) {
        let units = self.directions[0].units();
        tape.shape(input.rows, input.size, 2 * units, 0);
        tape.directions.resize_with(2, Tape::default);
        turn(input, &mut tape.turned);
        let turned = Frames { data: &tape.turned, ..input };
        for ((layer, sub), input) in self.directions.iter().zip(&mut tape.directions).zip([input, turned]) {
            sub.keep_pre = tape.keep_pre;
            layer.forward(parameters, input, sub, mode);
        }
        for (d, sub) in tape.directions.iter().enumerate() {
            let h = sub.output();
            for (row, length) in lengths(input.rows, input.size).enumerate() {
                for t in 0..length {
                    let step = if d == 0 { t } else { length - 1 - t };
                    let to = &mut tape.out[(t * input.size + row) * 2 * units + d * units..][..units];
                    to.copy_from_slice(h.row(step, row));
                }
            }
        }
    }

    pub fn backward(
        &self,
        parameters: &[F],
        input: Frames<'_, F>,
        tape: &mut Tape<F>,
        gradient: &mut [F],
        mut below: Option<Below<'_, F>>,
    ) {
        let units = self.directions[0].units();
        let (size, width) = (input.size, input.width);
        let Tape { directions, dout, touched, turned, probe, .. } = tape;
        for (d, (layer, sub)) in self.directions.iter().zip(directions.iter_mut()).enumerate() {
            sub.probe = *probe;
            sub.clear_gradient();
            sub.touched.fill(true);
            sub.dout.fill(F::ZERO);
            for (row, length) in lengths(input.rows, size).enumerate() {
                for t in (0..length).filter(|&t| touched[t]) {
                    let step = if d == 0 { t } else { length - 1 - t };
                    let from = &dout[(t * size + row) * 2 * units + d * units..][..units];
                    sub.dout[(step * size + row) * units..][..units].copy_from_slice(from);
                }
            }
            if d == 0 {
                layer.backward(parameters, input, sub, gradient, below.as_mut().map(Below::again));
                continue;
            }
            let input = Frames { data: turned, ..input };
            let Some(below) = &mut below else {
                layer.backward(parameters, input, sub, gradient, None);
                continue;
            };
            let (mut dx, mut written) = (vec![F::ZERO; below.dout.len()], vec![false; below.touched.len()]);
            let turned_below = Below { dout: &mut dx, touched: &mut written, size, width };
            layer.backward(parameters, input, sub, gradient, Some(turned_below));
            let dx = Frames { data: &dx, ..input };
            for (row, length) in lengths(input.rows, size).enumerate() {
                for t in 0..length {
                    let to = &mut below.dout[(t * size + row) * width..][..width];
                    to.iter_mut().zip(dx.row(length - 1 - t, row)).for_each(|(to, d)| *to += *d);
                }
            }
        }
    }
}
