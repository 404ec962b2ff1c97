//! From ∂L/∂pre of some steps to ∂L/∂W, ∂L/∂U and ∂L/∂x.
//!
//! ∂L/∂W is a product over all rows of all steps. Its transpose is gathered where its columns, which are gates, fill
//! vectors: what is read of ∂L/∂pre, which is the most, then is read once.

use super::dropout::Dropped;
use super::{GateRun, PAD, Recurrent, RecurrentTape, Terms, apart};
use crate::Float;
use crate::batch::Frames;
use crate::float::gemm::{Gemm, Left, Right, Term};
use crate::layer::span::Chunk;
use crate::layer::{Below, Output, fit};

/// Columns that fill vectors on every machine: what is transposed does not depend on the machine.
const WHOLE: usize = 16;
/// Rows of a batch, all steps together, from which on transposing is worth its while.
const MANY: usize = 64;

/// A right operand of the products: x or h.
struct Seen<'a, F> {
    /// From the first step of the chunk on.
    data: &'a [F],
    /// Width.
    width: usize,
    /// First step that is not 0.
    first: usize,
}

impl<F: Float> Recurrent<F> {
    /// Makes the memory for what is gathered transposed; none where nothing is.
    pub(super) fn turn(&self, input: Frames<'_, F>, tape: &mut RecurrentTape<F>) {
        let sides = [(&self.input_runs, self.inputs), (&self.hidden_runs, self.units)];
        let many = input.rows.iter().sum::<usize>() >= MANY;
        let RecurrentTape { turned, packed, .. } = tape;
        for (turned, (runs, width)) in turned.iter_mut().zip(sides) {
            let whole = |run: &GateRun| (run.gates * self.units).is_multiple_of(WHOLE);
            let turn = many && runs.iter().all(whole);
            let rows: usize = runs.iter().map(|run| run.gates * self.units + PAD).sum();
            turned.clear();
            fit(turned, if turn { rows * width } else { 0 });
            // A batch of fewer rows packs what this one turns: no batch takes more memory than a longer one.
            packed.make_room(MANY.min(input.rows.iter().sum()), width);
        }
    }

    /// Adds what was gathered transposed.
    pub(super) fn turn_back(&self, tape: &RecurrentTape<F>, weights: &mut [F]) {
        let (dw, du) = weights.split_at_mut(self.tensors.w.len());
        let sides = [(&self.input_runs, self.inputs, dw), (&self.hidden_runs, self.units, du)];
        for (turned, (runs, width, to)) in tape.turned.iter().zip(sides) {
            for (k, run) in runs.iter().enumerate().filter(|_| !turned.is_empty()) {
                let (first, rows) = (run.row * self.units, run.gates * self.units);
                let (turned, stride) = (&turned[(first + k * PAD) * width..], apart(rows));
                let to = &mut to[first * width..][..rows * width];
                // Some columns at a time: as many rows of the transpose are read side by side.
                for from in (0..width).step_by(WHOLE) {
                    let columns = from..width.min(from + WHOLE);
                    for (r, to) in to.chunks_exact_mut(width).enumerate() {
                        to[columns.clone()]
                            .iter_mut()
                            .zip(turned[from * stride + r..].iter().step_by(stride))
                            .for_each(|(to, d)| *to += *d);
                    }
                }
            }
        }
    }

    /// Adds ∂L/∂W and ∂L/∂U of stage `s` over the steps of a chunk.
    pub(super) fn to_weights(
        &self,
        input: Frames<'_, F>,
        (out, tape): (&Output<F>, &mut RecurrentTape<F>),
        weights: &mut [F],
        dropped: &mut Dropped<F>,
        (chunk, s): (&Chunk, usize),
    ) {
        let (dw, du) = weights.split_at_mut(self.tensors.w.len());
        let n = input.size * self.units;
        let x = Seen { data: input.from(chunk.from), width: self.inputs, first: 0 };
        for (k, run) in self.input_runs.iter().enumerate().filter(|(_, run)| run.stage == s) {
            self.gather((k, run), &x, (tape, 0), chunk, dw);
        }
        // What the first step reads is 0, unless it is given.
        let first = usize::from(s == 0 && tape.h_0.is_empty());
        let middle = std::mem::take(&mut tape.middle);
        let kept = if tape.again { 0 } else { chunk.from };
        let h_in = if s == 0 { &out.values[chunk.from * n..] } else { &middle[kept * n..] };
        dropped.mask_chunk(chunk, n, h_in);
        let h = Seen { data: dropped.state(h_in), width: self.units, first };
        for (k, run) in self.hidden_runs.iter().enumerate().filter(|(_, run)| run.stage == s) {
            self.gather((k, run), &h, (tape, 1), chunk, du);
        }
        tape.middle = middle;
    }

    /// The product of one run over the steps of a chunk.
    fn gather(
        &self,
        (k, run): (usize, &GateRun),
        seen: &Seen<'_, F>,
        (tape, side): (&mut RecurrentTape<F>, usize),
        chunk: &Chunk,
        to: &mut [F],
    ) {
        let (stride, rows, width) = (self.stride(run.stage), run.gates * self.units, seen.width);
        let size = chunk.size;
        let RecurrentTape { dpre, turned, packed, .. } = tape;
        let (dpre, turned) = (&dpre[run.stage][run.gate * self.units..], &mut turned[side]);
        let first = run.row * self.units;
        let as_is = turned.is_empty();
        let (c, c_stride, high, wide) = if as_is {
            (&mut to[first * width..], width, rows, width)
        } else {
            (&mut turned[(first + k * PAD) * width..], apart(rows), width, rows)
        };
        let mut terms: Terms<'_, F> = Terms::new();
        for piece in chunk.pieces(seen.first) {
            let d = (&dpre[piece.step * size * stride..], stride);
            let seen = (&seen.data[piece.step * size * width..], width);
            let ((left, l), (right, r)) = if as_is { (d, seen) } else { (seen, d) };
            let a = Left::Columns(left, l);
            if let Some(b) = Right::as_is(right, [piece.rows, wide], r) {
                let _ = terms.push(Term { a, b });
            } else {
                packed.pack(right, piece.rows, wide, r);
                let terms = &[Term { a, b: Right::Packed(packed) }];
                F::gemm(Gemm { rows: high, terms, c: &mut *c, stride: c_stride, add: true });
            }
        }
        F::gemm(Gemm { rows: high, terms: &terms, c, stride: c_stride, add: true });
    }

    /// ∂L/∂x over the steps of a chunk.
    pub(super) fn to_input(
        &self,
        tape: &RecurrentTape<F>,
        below: &mut Below<'_, F>,
        dropped: &Dropped<F>,
        chunk: &Chunk,
    ) {
        let (size, width) = (below.size, below.width);
        let c = below.steps(chunk.from..chunk.to);
        let packs = &dropped.weights(&self.weights).input;
        for piece in chunk.pieces(0) {
            let mut terms: Terms<'_, F> = Terms::new();
            for (run, packs) in self.input_runs.iter().zip(packs) {
                let stride = self.stride(run.stage);
                let dpre = &tape.dpre[run.stage][piece.step * size * stride + run.gate * self.units..];
                let _ = terms.push(Term { a: Left::Rows(dpre, stride), b: Right::Packed(&packs.backward) });
            }
            let c = &mut c[piece.step * size * width..];
            F::gemm(Gemm { rows: piece.rows, terms: &terms, c, stride: width, add: false });
        }
    }
}
