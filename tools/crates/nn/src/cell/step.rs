//! A stage's equations mapped over the rows of a batch, one time step at a time.

use elman::arith::{Pre, Q};
use elman::cell::Unit;

use super::Backward;
use crate::budget::{Part, timed};
use crate::float::{Float, Kernel, Lanes, World};

/// One forward step of a stage. All matrices are row-major, `rows` high; `H` = `units` wide but for `gates`.
///
/// Empty slices stand for values that the cell does not have.
#[derive(Debug, Default)]
pub struct ForwardStep<'a, F> {
    /// Rows in work.
    pub rows: usize,
    /// H
    pub units: usize,
    /// `[rows, stride]`: pre-activations without bias; where it is empty, they are in `gates`.
    pub pre: &'a [F],
    /// Elements from row to row of `pre`.
    pub stride: usize,
    /// `[rows, G * H]`: what the backward pass needs, on exit.
    pub gates: &'a mut [F],
    /// `[G * H]`: b
    pub bias: &'a [F],
    /// `[3 * H]`: V_i, V_f, V_o, where the cell has peepholes.
    pub diagonal: &'a [F],
    /// h on entry of the stage.
    pub h: &'a [F],
    /// h on exit of the stage.
    pub h_out: &'a mut [F],
    /// Long state of step t - 1.
    pub long: &'a [F],
    /// Long state of a second predecessor.
    pub second: &'a [F],
    /// Long state of step t, where it is stored apart from h.
    pub long_out: &'a mut [F],
    /// What the stage before carries here.
    pub carry: &'a [F],
    /// What this stage carries to the next.
    pub carry_out: &'a mut [F],
}

/// One backward step of a stage: shapes as in [`ForwardStep`].
#[derive(Debug, Default)]
pub struct BackwardStep<'a, F> {
    /// Rows in work.
    pub rows: usize,
    /// H
    pub units: usize,
    /// What the forward pass saved on entry; ∂L/∂pre on exit, where `dpre` is empty.
    pub gates: &'a mut [F],
    /// `[rows, stride]`: ∂L/∂pre on exit.
    pub dpre: &'a mut [F],
    /// Elements from row to row of `dpre`.
    pub stride: usize,
    /// `[G * H]`: ∂L/∂b, added to.
    pub dbias: &'a mut [F],
    /// `[3 * H]`: V_i, V_f, V_o, where the cell has peepholes.
    pub diagonal: &'a [F],
    /// `[3 * H]`: ∂L/∂V, added to, where the cell has peepholes.
    pub ddiagonal: &'a mut [F],
    /// h before the stage.
    pub h: &'a [F],
    /// Long state before the stage.
    pub long: &'a [F],
    /// Long state of a second predecessor.
    pub second: &'a [F],
    /// Long state after the stage, where it is stored apart from h.
    pub long_out: &'a [F],
    /// What was carried to this stage.
    pub carry: &'a [F],
    /// Added to ∂L/∂h after the stage: what comes from the layer above.
    pub dout: &'a [F],
    /// ∂L/∂h after the stage on entry, before it on exit (untouched where the equations do not read h).
    pub dh: &'a mut [F],
    /// ∂L/∂long after the stage on entry, before it on exit.
    pub dlong: &'a mut [F],
    /// ∂L/∂second: written.
    pub dsecond: &'a mut [F],
    /// Add ∂L/∂long to ∂L/∂h on exit: the long state is h itself and this is the first stage.
    pub fold: bool,
    /// Take ∂L/∂long from `dlong` on entry; else it is 0.
    pub enter_long: bool,
    /// ∂L/∂carry: written by the stage that reads the carry, read by the one that made it.
    pub dcarry: &'a mut [F],
}

/// A stage as an object.
pub trait Pointwise<F>: Send + Sync {
    /// Gates.
    fn gates(&self) -> usize;
    /// Whether the equations read h besides through the pre-activations.
    fn reads_h(&self) -> bool;
    /// Runs the equations over a step.
    fn forward(&self, step: ForwardStep<'_, F>);
    /// Runs the chain rule over a step.
    fn backward(&self, step: BackwardStep<'_, F>);
    /// Advances one unit in the device's integers, from the pre-activations of its gates: for tests of the device.
    fn integer(&self, q: &Q, pre: &[Pre], unit: &mut Unit<Q>);
}

/// A stage with `G` gates.
pub struct Mapped<S, const G: usize>(pub S);

impl<F: Float, S: Backward<G>, const G: usize> Pointwise<F> for Mapped<S, G> {
    fn gates(&self) -> usize {
        G
    }
    fn reads_h(&self) -> bool {
        S::READS_H
    }
    fn forward(&self, step: ForwardStep<'_, F>) {
        timed(Part::Pointwise, || F::dispatch(Forward::<F, S, G> { stage: self.0, step }));
    }
    fn backward(&self, step: BackwardStep<'_, F>) {
        timed(Part::Pointwise, || F::dispatch(Back::<F, S, G> { stage: self.0, step }));
    }
    fn integer(&self, q: &Q, pre: &[Pre], unit: &mut Unit<Q>) {
        self.0.unit(q, std::array::from_fn(|gate| pre[gate]), unit);
    }
}

/// Elements `at..at + n` of a matrix that the equations may not have: then 0.
#[inline(always)]
fn load<L: Lanes>(l: L, has: bool, from: &[L::Elem], at: usize, n: usize) -> L::V {
    if has && !from.is_empty() { l.load(&from[at..at + n]) } else { l.splat(L::Elem::ZERO) }
}

/// V_i, V_f, V_o of units `j..j + n`; 0 where the cell has no peepholes.
#[inline(always)]
fn peephole<L: Lanes>(l: L, diagonal: &[L::Elem], units: usize, j: usize, n: usize) -> [L::V; 3] {
    // Written out: a closure that is called through the standard library may be compiled without the instruction set.
    [load(l, true, diagonal, j, n), load(l, true, diagonal, units + j, n), load(l, true, diagonal, 2 * units + j, n)]
}

/// Writes elements `at..at + n` of a matrix that the equations may not have.
#[inline(always)]
fn store<L: Lanes>(l: L, has: bool, to: &mut [L::Elem], at: usize, n: usize, v: L::V) {
    if has && !to.is_empty() {
        l.store(&mut to[at..at + n], v);
    }
}

/// Runs `body(from, n)` over `units` columns: whole vectors, whose width the compiler knows, then the rest.
#[inline(always)]
fn columns<L: Lanes>(_: L, units: usize, mut body: impl FnMut(usize, usize)) {
    let mut j = 0;
    while j + L::LANES <= units {
        body(j, L::LANES);
        j += L::LANES;
    }
    if j < units {
        body(j, units - j);
    }
}

struct Forward<'a, F, S, const G: usize> {
    stage: S,
    step: ForwardStep<'a, F>,
}

impl<F: Float, S: Backward<G>, const G: usize> Kernel<F> for Forward<'_, F, S, G> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L) {
        let s = self.step;
        let world = World(l);
        let zero = l.splat(F::ZERO);
        for (row, gates) in s.gates.chunks_exact_mut(G * s.units).enumerate().take(s.rows) {
            columns(
                l,
                s.units,
                #[inline(always)]
                |j, n| {
                    let at = row * s.units + j;
                    let mut pre = [zero; G];
                    let from = if s.pre.is_empty() { &*gates } else { &s.pre[row * s.stride..][..G * s.units] };
                    for (g, pre) in pre.iter_mut().enumerate() {
                        let k = g * s.units + j;
                        *pre = l.add(l.load(&from[k..k + n]), l.load(&s.bias[k..k + n]));
                    }
                    let mut unit: Unit<World<L>> = Unit {
                        h: load(l, S::READS_H, s.h, at, n),
                        carried: load(l, S::HAS_LONG, s.long, at, n),
                        second: load(l, S::HAS_SECOND, s.second, at, n),
                        stage_gate: load(l, S::HAS_CARRY, s.carry, at, n),
                        peephole: peephole(l, s.diagonal, s.units, j, n),
                    };
                    let trace = self.stage.unit(&world, pre, &mut unit);
                    let saved = S::save(trace, &unit);
                    for (g, saved) in saved.into_iter().enumerate() {
                        let k = g * s.units + j;
                        l.store(&mut gates[k..k + n], saved);
                    }
                    l.store(&mut s.h_out[at..at + n], unit.h);
                    store(l, S::HAS_LONG, s.long_out, at, n, unit.carried);
                    store(l, S::HAS_CARRY, s.carry_out, at, n, unit.stage_gate);
                },
            );
        }
    }
}

/// Rows that the backward pass takes at a time: few, so that what it reads of each comes as a stream.
const ROWS: usize = 4;

struct Back<'a, F, S, const G: usize> {
    stage: S,
    step: BackwardStep<'a, F>,
}

impl<F: Float, S: Backward<G>, const G: usize> Kernel<F> for Back<'_, F, S, G> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L) {
        let s = self.step;
        let zero = l.splat(F::ZERO);
        let mut first = 0;
        while first < s.rows {
            let end = s.rows.min(first + ROWS);
            let mine = &mut s.gates[first * G * s.units..end * G * s.units];
            columns(
                l,
                s.units,
                #[inline(always)]
                |j, n| {
                    let mut dbias = [zero; G];
                    let seen = peephole(l, s.diagonal, s.units, j, n);
                    let mut dseen = [zero; 3];
                    for (row, gates) in mine.chunks_exact_mut(G * s.units).enumerate() {
                        let at = (first + row) * s.units + j;
                        let mut saved = [zero; G];
                        for (g, saved) in saved.iter_mut().enumerate() {
                            let k = g * s.units + j;
                            *saved = l.load(&gates[k..k + n]);
                        }
                        let before: Unit<World<L>> = Unit {
                            h: load(l, S::READS_H, s.h, at, n),
                            carried: load(l, S::HAS_LONG, s.long, at, n),
                            second: load(l, S::HAS_SECOND, s.second, at, n),
                            stage_gate: load(l, S::HAS_CARRY, s.carry, at, n),
                            peephole: seen,
                        };
                        let after: Unit<World<L>> = Unit {
                            h: zero,
                            carried: load(l, S::HAS_LONG, s.long_out, at, n),
                            second: zero,
                            stage_gate: zero,
                            peephole: [zero; 3],
                        };
                        let dh = l.load(&s.dh[at..at + n]);
                        let mut grad: Unit<World<L>> = Unit {
                            h: if s.dout.is_empty() { dh } else { l.add(dh, l.load(&s.dout[at..at + n])) },
                            carried: load(l, S::HAS_LONG && s.enter_long, s.dlong, at, n),
                            second: zero,
                            stage_gate: load(l, S::HAS_CARRY, s.dcarry, at, n),
                            peephole: [zero; 3],
                        };
                        let dpre = self.stage.unit_backward(l, saved, &before, &after, &mut grad);
                        let to = match s.dpre.get_mut((first + row) * s.stride..) {
                            Some(to) if !to.is_empty() => to,
                            _ => gates,
                        };
                        for g in 0..G {
                            let k = g * s.units + j;
                            l.store(&mut to[k..k + n], dpre[g]);
                            dbias[g] = l.add(dbias[g], dpre[g]);
                        }
                        for (sum, d) in dseen.iter_mut().zip(grad.peephole) {
                            *sum = l.add(*sum, d);
                        }
                        if S::READS_H {
                            let direct = if s.fold { l.add(grad.h, grad.carried) } else { grad.h };
                            l.store(&mut s.dh[at..at + n], direct);
                        }
                        store(l, S::HAS_LONG, s.dlong, at, n, grad.carried);
                        store(l, S::HAS_SECOND, s.dsecond, at, n, grad.second);
                        store(l, S::HAS_CARRY, s.dcarry, at, n, grad.stage_gate);
                    }
                    for (g, dbias) in dbias.into_iter().enumerate() {
                        let k = g * s.units + j;
                        let to = &mut s.dbias[k..k + n];
                        l.store(to, l.add(l.load(to), dbias));
                    }
                    if !s.ddiagonal.is_empty() {
                        for (g, dseen) in dseen.into_iter().enumerate() {
                            let k = g * s.units + j;
                            let to = &mut s.ddiagonal[k..k + n];
                            l.store(to, l.add(l.load(to), dseen));
                        }
                    }
                },
            );
            first = end;
        }
    }
}
