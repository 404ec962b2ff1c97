//! A recurrent layer whose output is a projection of its state: y_t = P m_t, in one direction or in both.

use std::ops::Range;

use get_size2::GetSize;

use super::span::spans;
use super::{Backward, Forward, Output, Run};
use crate::float::gemm::{Gemm, Left, Packed, Right, Term};
use crate::{Float, Trace};

/// The layer: `cells` give the m of each direction side by side, of `units` elements each.
pub struct Projected<F, R> {
    cells: R,
    units: usize,
    outputs: usize,
    /// P of each direction.
    maps: Vec<Map<F>>,
}

/// P, `[outputs, units]`.
struct Map<F> {
    p: Range<usize>,
    forward: Packed<F>,
    backward: Packed<F>,
}

/// What the layer keeps.
#[derive(Clone, Debug, Default, GetSize)]
pub struct ProjectedTape<F, T> {
    /// m of all steps.
    m: Output<F>,
    /// What the cells keep.
    cells: T,
    packed: Packed<F>,
}

impl<F: Float, R> Projected<F, R> {
    /// The layer, with the P of each direction there among the parameters.
    pub fn new(cells: R, [units, outputs]: [usize; 2], places: Vec<Range<usize>>) -> Self {
        let map = |p| Map { p, forward: Packed::default(), backward: Packed::default() };
        Projected { cells, units, outputs, maps: places.into_iter().map(map).collect() }
    }
}

impl<F: Float, R: Run<F>> Run<F> for Projected<F, R>
where
    R::Tape: GetSize,
{
    type Tape = ProjectedTape<F, R::Tape>;

    fn pack(&mut self, parameters: &[F]) {
        self.cells.pack(parameters);
        for map in &mut self.maps {
            let p = &parameters[map.p.clone()];
            map.forward.pack_transposed(p, self.units, self.outputs);
            map.backward.pack(p, self.outputs, self.units, self.units);
        }
    }

    fn set_recompute(&mut self, on: bool) {
        self.cells.set_recompute(on);
    }

    fn forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut Self::Tape) {
        let input = pass.input;
        self.cells.forward(Forward { given: None, ..pass }, &mut tape.m, &mut tape.cells);
        let (wide, width) = (self.maps.len() * self.units, self.maps.len() * self.outputs);
        out.shape(input.rows, input.size, width, 0);
        let m = tape.m.frames();
        for span in spans(input.rows, input.size, |_| true) {
            let (m, y) = (m.from(span.from), &mut out.values[span.from * input.size * width..]);
            for (k, map) in self.maps.iter().enumerate() {
                let (a, b) = (Left::Rows(&m[k * self.units..], wide), Right::Packed(&map.forward));
                let c = &mut y[k * self.outputs..];
                F::gemm(Gemm { rows: span.rows, terms: &[Term { a, b }], c, stride: width, add: false });
            }
        }
    }

    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut Self::Tape) {
        let Backward { parameters, input, gradient, below, probe } = pass;
        let ProjectedTape { m, cells, packed } = tape;
        let (wide, width) = (self.maps.len() * self.units, self.maps.len() * self.outputs);
        m.clear_gradient();
        for span in spans(input.rows, input.size, |t| out.touched[t]) {
            let dy = &out.gradient[span.from * input.size * width..];
            let (values, mut dm) = m.split();
            let (m, dm) = (values.from(span.from), dm.steps(span.from..span.to));
            for (k, map) in self.maps.iter().enumerate() {
                let (m, dy) = (&m[k * self.units..], &dy[k * self.outputs..]);
                let (a, b) = (Left::Rows(dy, width), Right::Packed(&map.backward));
                let c = &mut dm[k * self.units..];
                F::gemm(Gemm { rows: span.rows, terms: &[Term { a, b }], c, stride: wide, add: false });
                packed.pack(m, span.rows, self.units, wide);
                let (a, b) = (Left::Columns(dy, width), Right::Packed(packed));
                let c = &mut gradient[map.p.clone()];
                F::gemm(Gemm { rows: self.outputs, terms: &[Term { a, b }], c, stride: self.units, add: true });
            }
        }
        self.cells.backward(Backward { parameters, input, gradient, below, probe }, m, cells);
    }

    fn trace(&self, out: &Output<F>, tape: &mut Self::Tape) -> Trace<F> {
        let cells = self.cells.trace(&tape.m, &mut tape.cells);
        let whole = Trace::of(out);
        let reverse = cells.reverse.map(|reverse| {
            let rows = whole.out.chunks_exact(whole.width.max(1)).flat_map(|row| &row[self.outputs..]);
            Box::new(Trace { width: self.outputs, out: rows.copied().collect(), ..*reverse })
        });
        Trace { cell: cells.cell, pre: cells.pre, reverse, ..whole }
    }

    fn norms(&self, tape: &mut Self::Tape) -> Vec<Vec<f64>> {
        self.cells.norms(&mut tape.cells)
    }
}
