//! Attention over a batch: what every step of a decoder reads of the states of an encoder.
//!
//! ```text
//! e_ti = q_t · k_i   or   q_t · k_i / √u   or   V tanh(q_t + k_i)
//! a_ti = exp(e_ti) / Σ_j exp(e_tj)            c_t = Σ_i a_ti h_i
//! ```
//! Dot (Luong et al. 2015), scaled dot (Vaswani et al. 2017), additive (Bahdanau et al. 2015). Steps t and states i of a
//! sequence are its own: padding is not there, so nothing has to be masked.

use crate::batch::Frames;
use crate::float::gemm::{Gemm, Left, Packed, Right, Term};
use crate::float::{Float, Kernel, Lanes};
use get_size2::GetSize;

/// Steps and states of one sequence, and where its matrices begin, in rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, GetSize)]
struct Place {
    steps: usize,
    states: usize,
    first_step: usize,
    first_state: usize,
    first_pair: usize,
}

/// Vectors of all sequences, one sequence after the other, `[vectors, width]`.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Vectors<F> {
    data: Vec<F>,
    /// ∂L/∂data.
    gradient: Vec<F>,
    width: usize,
}

/// Which vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// q, a vector per step of the decoder.
    Steps,
    /// k, a vector per state of the encoder.
    Keys,
    /// h, the states themselves.
    States,
}

/// What attention keeps of the forward pass for the backward pass. Memory is reused from batch to batch.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Attention<F> {
    places: Vec<Place>,
    /// `[steps, u]`
    q: Vectors<F>,
    /// `[states, u]`
    k: Vectors<F>,
    /// `[states, width]`: the states attended to.
    h: Vectors<F>,
    /// `[steps, width]`
    c: Vectors<F>,
    /// `[pairs, u]`: tanh(q_t + k_i).
    sums: Vectors<F>,
    /// `[pairs, 1]`: e, then a; ∂L/∂a, then ∂L/∂e.
    weights: Vectors<F>,
    packed: Packed<F>,
}

impl Place {
    /// Number of the first vector.
    fn first(&self, side: Side) -> usize {
        if side == Side::Steps { self.first_step } else { self.first_state }
    }

    fn count(&self, side: Side) -> usize {
        if side == Side::Steps { self.steps } else { self.states }
    }
}

impl<F: Float> Vectors<F> {
    fn shape(&mut self, vectors: usize, width: usize) {
        self.width = width;
        self.data.resize(vectors * width, F::ZERO);
        self.gradient.clear();
        self.gradient.resize(vectors * width, F::ZERO);
    }

    fn rows(&self, from: usize, count: usize) -> &[F] {
        &self.data[from * self.width..][..count * self.width]
    }

    fn rows_mut(&mut self, from: usize, count: usize) -> &mut [F] {
        &mut self.data[from * self.width..][..count * self.width]
    }

    fn gradient(&self, from: usize, count: usize) -> &[F] {
        &self.gradient[from * self.width..][..count * self.width]
    }

    fn gradient_mut(&mut self, from: usize, count: usize) -> &mut [F] {
        &mut self.gradient[from * self.width..][..count * self.width]
    }
}

impl<F: Float> Attention<F> {
    /// Takes the lengths of a batch: steps and states of every sequence.
    pub fn shape(&mut self, lengths: impl Iterator<Item = (usize, usize)>) {
        self.places.clear();
        let mut next = Place::default();
        for (steps, states) in lengths {
            self.places.push(Place { steps, states, ..next });
            next.first_step += steps;
            next.first_state += states;
            next.first_pair += steps * states;
        }
        self.weights.shape(next.first_pair, 1);
    }

    /// How many vectors there are.
    fn vectors(&self, side: Side) -> usize {
        self.places.last().map_or(0, |p| p.first(side) + p.count(side))
    }

    /// Pairs of a step and a state.
    pub fn pairs(&self) -> usize {
        self.places.last().map_or(0, |p| p.first_pair + p.steps * p.states)
    }

    /// u
    pub fn width(&self) -> usize {
        self.k.width
    }

    fn side(&mut self, side: Side) -> &mut Vectors<F> {
        match side {
            Side::Steps => &mut self.q,
            Side::Keys => &mut self.k,
            Side::States => &mut self.h,
        }
    }

    /// Copies vectors out of frames, in whose row `row(i)` sequence i stands.
    pub fn gather(&mut self, side: Side, from: Frames<'_, F>, row: impl Fn(usize) -> usize) {
        let count = self.vectors(side);
        let mut to = std::mem::take(self.side(side));
        to.shape(count, from.width);
        for (i, p) in self.places.iter().enumerate() {
            for t in 0..p.count(side) {
                to.rows_mut(p.first(side) + t, 1).copy_from_slice(from.row(t, row(i)));
            }
        }
        *self.side(side) = to;
    }

    /// Hands c to `each`, with its sequence and step.
    pub fn contexts(&self, mut each: impl FnMut(usize, usize, &[F])) {
        for (i, p) in self.places.iter().enumerate() {
            (0..p.steps).for_each(|t| each(i, t, self.c.rows(p.first_step + t, 1)));
        }
    }

    /// Hands ∂L/∂vector to `each`, with its sequence and its number there.
    pub fn gradients(&mut self, side: Side, mut each: impl FnMut(usize, usize, &[F])) {
        let from = std::mem::take(self.side(side));
        for (i, p) in self.places.iter().enumerate() {
            (0..p.count(side)).for_each(|t| each(i, t, from.gradient(p.first(side) + t, 1)));
        }
        *self.side(side) = from;
    }

    /// Takes ∂L/∂c of sequence `i` and step `t`.
    pub fn set_context_gradient(&mut self, i: usize, t: usize, d: &[F]) {
        let first = self.places[i].first_step;
        self.c.gradient_mut(first + t, 1).copy_from_slice(d);
    }

    /// `scale` q_t · k_i as the scores.
    pub fn dot(&mut self, scale: f64) {
        for p in &self.places {
            let width = self.k.width;
            self.packed.pack_transposed(self.k.rows(p.first_state, p.states), width, p.states);
            let (a, b) = (Left::Rows(self.q.rows(p.first_step, p.steps), width), Right::Packed(&self.packed));
            let c = self.weights.rows_mut(p.first_pair, p.steps * p.states);
            F::gemm(Gemm { rows: p.steps, terms: &[Term { a, b }], c, stride: p.states, add: false });
        }
        let scale = F::of(scale);
        self.weights.data.iter_mut().for_each(|e| *e *= scale);
    }

    /// tanh(q_t + k_i) of all pairs, `[pairs, u]`, from which the scores are to be made: states of a step side by side,
    /// step after step, sequence after sequence.
    pub fn sums(&mut self) -> &[F] {
        let (pairs, width) = (self.pairs(), self.k.width);
        self.sums.shape(pairs, width);
        for p in &self.places {
            for t in 0..p.steps {
                let to = self.sums.rows_mut(p.first_pair + t * p.states, p.states);
                let q = self.q.rows(p.first_step + t, 1);
                for (to, k) in to.chunks_exact_mut(width).zip(self.k.rows(p.first_state, p.states).chunks_exact(width))
                {
                    F::dispatch(TanhSum { q, k, to });
                }
            }
        }
        &self.sums.data
    }

    /// What [`Attention::sums`] gave.
    pub fn computed_sums(&self) -> &[F] {
        &self.sums.data
    }

    /// Takes the scores of all pairs.
    pub fn set_scores(&mut self, scores: &[F]) {
        self.weights.data.copy_from_slice(scores);
    }

    /// Weights from scores, and the contexts.
    pub fn attend(&mut self) {
        self.c.shape(self.vectors(Side::Steps), self.h.width);
        for p in &self.places {
            for t in 0..p.steps {
                softmax(self.weights.rows_mut(p.first_pair + t * p.states, p.states));
            }
            let b = Right::rows(self.h.rows(p.first_state, p.states), p.states, self.h.width, &mut self.packed);
            let a = Left::Rows(self.weights.rows(p.first_pair, p.steps * p.states), p.states);
            let (c, stride) = (self.c.rows_mut(p.first_step, p.steps), self.h.width);
            F::gemm(Gemm { rows: p.steps, terms: &[Term { a, b }], c, stride, add: false });
        }
    }

    /// From ∂L/∂c to ∂L/∂h and ∂L/∂e, which is returned.
    pub fn backward(&mut self) -> &[F] {
        let width = self.h.width;
        for p in &self.places {
            let dc = self.c.gradient(p.first_step, p.steps);
            let a = self.weights.rows(p.first_pair, p.steps * p.states);
            let b = Right::rows(dc, p.steps, width, &mut self.packed);
            let c = self.h.gradient_mut(p.first_state, p.states);
            let a = Left::Columns(a, p.states);
            F::gemm(Gemm { rows: p.states, terms: &[Term { a, b }], c, stride: width, add: true });

            self.packed.pack_transposed(self.h.rows(p.first_state, p.states), width, p.states);
            let (a, b) = (Left::Rows(dc, width), Right::Packed(&self.packed));
            let c = self.weights.gradient_mut(p.first_pair, p.steps * p.states);
            F::gemm(Gemm { rows: p.steps, terms: &[Term { a, b }], c, stride: p.states, add: false });
            for t in 0..p.steps {
                let from = p.first_pair + t * p.states;
                softmax_backward(
                    &self.weights.data[from..from + p.states],
                    &mut self.weights.gradient[from..from + p.states],
                );
            }
        }
        &self.weights.gradient
    }

    /// From ∂L/∂e to ∂L/∂q and ∂L/∂k, after [`Attention::dot`].
    pub fn backward_dot(&mut self, scale: f64) {
        let (width, scale) = (self.k.width, F::of(scale));
        self.weights.gradient.iter_mut().for_each(|e| *e *= scale);
        for p in &self.places {
            let de = self.weights.gradient(p.first_pair, p.steps * p.states);
            let b = Right::rows(self.k.rows(p.first_state, p.states), p.states, width, &mut self.packed);
            let c = self.q.gradient_mut(p.first_step, p.steps);
            let a = Left::Rows(de, p.states);
            F::gemm(Gemm { rows: p.steps, terms: &[Term { a, b }], c, stride: width, add: true });

            let b = Right::rows(self.q.rows(p.first_step, p.steps), p.steps, width, &mut self.packed);
            let c = self.k.gradient_mut(p.first_state, p.states);
            let a = Left::Columns(de, p.states);
            F::gemm(Gemm { rows: p.states, terms: &[Term { a, b }], c, stride: width, add: true });
        }
    }

    /// From ∂L/∂tanh(q + k), `[pairs, u]`, to ∂L/∂q and ∂L/∂k, after [`Attention::sums`].
    pub fn backward_sums(&mut self, dsums: &[F]) {
        let width = self.k.width;
        for p in &self.places {
            for t in 0..p.steps {
                for i in 0..p.states {
                    let at = (p.first_pair + t * p.states + i) * width;
                    let (y, d) = (&self.sums.data[at..at + width], &dsums[at..at + width]);
                    let dq = self.q.gradient_mut(p.first_step + t, 1);
                    let dk = self.k.gradient_mut(p.first_state + i, 1);
                    F::dispatch(TanhSumBack { y, d, dq, dk });
                }
            }
        }
    }
}

/// e becomes a.
fn softmax<F: Float>(e: &mut [F]) {
    let most = e.iter().fold(f64::NEG_INFINITY, |m, e| m.max(e.f64()));
    let sum: f64 = e.iter().map(|e| (e.f64() - most).exp()).sum();
    e.iter_mut().for_each(|e| *e = F::of((e.f64() - most).exp() / sum));
}

/// ∂L/∂a becomes ∂L/∂e_i = a_i (∂L/∂a_i - Σ_j a_j ∂L/∂a_j).
fn softmax_backward<F: Float>(a: &[F], d: &mut [F]) {
    let mean: f64 = a.iter().zip(d.iter()).map(|(a, d)| a.f64() * d.f64()).sum();
    d.iter_mut().zip(a).for_each(|(d, a)| *d = F::of(a.f64() * (d.f64() - mean)));
}

struct TanhSum<'a, F> {
    q: &'a [F],
    k: &'a [F],
    to: &'a mut [F],
}

impl<F: Float> Kernel<F> for TanhSum<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L) {
        let sides = self.q.chunks(L::LANES).zip(self.k.chunks(L::LANES));
        for (to, (q, k)) in self.to.chunks_mut(L::LANES).zip(sides) {
            l.store(to, l.tanh(l.add(l.load(q), l.load(k))));
        }
    }
}

struct TanhSumBack<'a, F> {
    y: &'a [F],
    d: &'a [F],
    dq: &'a mut [F],
    dk: &'a mut [F],
}

impl<F: Float> Kernel<F> for TanhSumBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L) {
        let to = self.dq.chunks_mut(L::LANES).zip(self.dk.chunks_mut(L::LANES));
        for ((dq, dk), (y, d)) in to.zip(self.y.chunks(L::LANES).zip(self.d.chunks(L::LANES))) {
            let d = l.tanh_backward(l.load(y), l.load(d));
            l.store(dq, l.add(l.load(dq), d));
            l.store(dk, l.add(l.load(dk), d));
        }
    }
}
