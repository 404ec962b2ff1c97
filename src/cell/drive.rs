//! The integer loops over units: a row block of the kernel, then the equations of the units it served.
//!
//! A layer writes its output to the next layer's input while the block still reads the old hidden state, and
//! copies it over the hidden state afterwards.

use super::srn::Elman;
use super::{LayerView, Stage, Unit};
use crate::arith::{Gate, Pre, Q};
#[cfg(elman_layout = "rows")]
use crate::kernel::gates::Gates;
use crate::kernel::{self, copy, word};

/// `split_at_mut` that cannot panic: a short slice leaves the second part empty.
#[inline(always)]
pub(crate) fn split_mut(words: &mut [u32], at: usize) -> (&mut [u32], &mut [u32]) {
    words.split_at_mut(at.min(words.len()))
}

/// The first `n` elements of a vector.
#[inline(always)]
fn elements(words: &mut [u32], n: usize) -> &mut [i16] {
    word::halves_mut(words).get_mut(..n).unwrap_or_default()
}

/// Four pre-activations to the units of a row block, `G` for each.
#[inline(always)]
fn grouped<const G: usize>(pre: &[i32; 4]) -> impl Iterator<Item = [Pre; G]> {
    pre.as_chunks::<G>().0.iter().map(|p| p.map(Pre::from_bits))
}

/// One unit of a cell of one stage with four pre-activations and a carried state.
#[cfg(not(elman_layout = "rows"))]
#[inline(always)]
fn finish<S: Stage<4>>(q: &Q, stage: &S, (carried, h): (&mut u32, &mut i16), pre: [i32; 4]) {
    let mut unit = Unit { h: 0, carried: *carried as i32, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
    stage.unit(q, pre.map(Pre::from_bits), &mut unit);
    *carried = unit.carried as u32;
    *h = unit.h;
}

/// A cell of one stage with four pre-activations and a carried state, all rows full: one unit a block.
#[cfg(not(elman_layout = "rows"))]
#[inline(always)]
pub(crate) fn fused<S: Stage<4>>(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], stage: S) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let (view, q) = (layer.stages[0], layer.q);
    let units = carried.iter_mut().zip(elements(out, layer.units()));
    kernel::rows(layer.packing(), view.weights, view.params, xh, units, |unit, pre| finish(&q, &stage, unit, pre));
    copy(split_mut(xh, layer.input_words()).1, out);
}

/// [`fused`] by a kernel that knows the equations.
#[cfg(elman_layout = "rows")]
#[inline(always)]
pub(crate) fn gated(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], gates: Gates<'_>) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let view = layer.stages[0];
    let h = elements(out, layer.units());
    kernel::gated_rows(layer.packing(), view.weights, view.params, xh, gates, carried, h);
    copy(split_mut(xh, layer.input_words()).1, out);
}

/// [`fused`] for a cell whose gates see the cell state.
#[cfg(not(elman_layout = "rows"))]
#[inline(always)]
pub(crate) fn peephole<S: Stage<4>>(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], stage: S) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let (view, q) = (layer.stages[0], layer.q);
    let seen = layer.diagonal().as_chunks::<3>().0;
    let units = carried.iter_mut().zip(elements(out, layer.units())).zip(seen);
    kernel::rows(layer.packing(), view.weights, view.params, xh, units, |((carried, h), v), pre| {
        let peephole = v.map(|v| v as i32);
        let mut unit = Unit { h: 0, carried: *carried as i32, second: 0, stage_gate: Gate::ZERO, peephole };
        stage.unit(&q, pre.map(Pre::from_bits), &mut unit);
        *carried = unit.carried as u32;
        *h = unit.h;
    });
    copy(split_mut(xh, layer.input_words()).1, out);
}

/// A cell of one stage with `G` pre-activations, a carried state and perhaps a second one: rows go four a block, so that `G`
/// blocks serve four units. Not inlined, so that all such cells of `G` gates share one copy.
#[inline(never)]
pub(crate) fn drive_gated<const G: usize, S: Stage<G>>(
    layer: &LayerView<'_>,
    memory: &mut [u32],
    out: &mut [u32],
    stage: S,
) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let (carried, second) = split_mut(carried, layer.units());
    let (view, q) = (layer.stages[0], layer.q);
    let mut units = carried.chunks_mut(4).zip(elements(out, layer.units()).chunks_mut(4));
    let mut seconds = second.chunks(4);
    let mut four = |pre: &[[i32; 4]; G]| {
        if let Some((carried, h)) = units.next() {
            finish_four(&q, &stage, (carried, seconds.next().unwrap_or_default(), h), pre);
        }
    };
    let mut pre = [[0; 4]; G];
    kernel::rows(layer.packing(), view.weights, view.params, xh, (0..G).cycle(), |turn, rows| {
        if let Some(pre) = pre.get_mut(turn) {
            *pre = rows;
        }
        if turn.wrapping_add(1) == G {
            four(&pre);
        }
    });
    // Fewer than four units more take fewer than G blocks.
    four(&pre);
    copy(split_mut(xh, layer.input_words()).1, out);
}

/// Up to four units of [`drive_gated`].
#[inline(never)]
fn finish_four<const G: usize, S: Stage<G>>(
    q: &Q,
    stage: &S,
    (carried, second, h): (&mut [u32], &[u32], &mut [i16]),
    pre: &[[i32; 4]; G],
) {
    let seconds = second.iter().copied().chain(core::iter::repeat(0));
    for (((carried, second), h), pre) in
        carried.iter_mut().zip(seconds).zip(h).zip(pre.as_flattened().as_chunks::<G>().0)
    {
        let second = second as i32;
        let mut unit = Unit { h: 0, carried: *carried as i32, second, stage_gate: Gate::ZERO, peephole: [0; 3] };
        stage.unit(q, pre.map(Pre::from_bits), &mut unit);
        *carried = unit.carried as u32;
        *h = unit.h;
    }
}

/// [`fused`] for split row blocks.
#[cfg(not(elman_layout = "rows"))]
#[inline(always)]
pub(crate) fn fused_split<S: Stage<4>>(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], stage: S) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let (view, q, x_words) = (layer.stages[0], layer.q, layer.input_words());
    let units = carried.iter_mut().zip(elements(out, layer.units()));
    kernel::split(layer.packing(), view.weights, view.params, xh, x_words, units, |unit, pre| {
        finish(&q, &stage, unit, pre)
    });
    copy(split_mut(xh, x_words).1, out);
}

/// [`fused_split`] by a kernel that knows the equations.
#[cfg(elman_layout = "rows")]
#[inline(always)]
pub(crate) fn gated_split(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], gates: Gates<'_>) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let (view, x_words) = (layer.stages[0], layer.input_words());
    let h = elements(out, layer.units());
    kernel::gated_split(layer.packing(), view.weights, view.params, (xh, x_words), gates, carried, h);
    copy(split_mut(xh, x_words).1, out);
}

/// h of a unit of one pre-activation and no carried state.
#[cfg(not(elman_layout = "rows"))]
#[inline(always)]
fn stateless<S: Stage<1>>(q: &Q, stage: &S, pre: i32) -> i16 {
    let mut unit = Unit { h: 0, carried: 0, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
    stage.unit(q, [Pre::from_bits(pre)], &mut unit);
    unit.h
}

/// f of a map over `vector`: four units a block, written to `out`.
#[inline(always)]
pub(crate) fn plain<const F: u8>(layer: &LayerView<'_>, vector: &[u32], out: &mut [u32], stage: Elman<F>) {
    let view = layer.stages[0];
    let q = layer.q;
    #[cfg(elman_layout = "rows")]
    {
        let (_, gates) = (stage, q.activation_gates(Elman::<F>::F));
        let h = elements(out, layer.units());
        kernel::gated_rows(layer.packing(), view.weights, view.params, vector, gates, &mut [], h);
    }
    #[cfg(not(elman_layout = "rows"))]
    kernel::rows(
        layer.packing(),
        view.weights,
        view.params,
        vector,
        out.as_chunks_mut::<2>().0.iter_mut(),
        |out, pre| {
            let [a, b, c, d] = pre;
            // Written out, as the compiler makes a loop of calls of it where it builds for size.
            let even = word::pair(stateless(&q, &stage, a), stateless(&q, &stage, b));
            *out = [even, word::pair(stateless(&q, &stage, c), stateless(&q, &stage, d))];
        },
    );
    // The rows that fill up the last block are no units.
    if !layer.units().is_multiple_of(4) {
        word::halves_mut(out).get_mut(layer.units()..).unwrap_or_default().fill(0);
    }
}

/// [`plain`] over `[x; h]`, then h is replaced.
#[inline(always)]
pub(crate) fn recurrent<const F: u8>(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], stage: Elman<F>) {
    plain(layer, memory, out, stage);
    copy(split_mut(memory, layer.input_words()).1, out);
}

/// A stage of one pre-activation and a carried state, four units a block; where it reads `[x; h]`, h is replaced.
#[cfg(not(elman_layout = "rows"))]
#[inline(always)]
pub(crate) fn accumulating<S: Stage<1>>(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], stage: S) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let (view, q) = (layer.stages[0], layer.q);
    let units = carried.chunks_mut(4).zip(elements(out, layer.units()).chunks_mut(4));
    kernel::rows(layer.packing(), view.weights, view.params, xh, units, |(carried, out), pre| {
        for ((carried, h), pre) in carried.iter_mut().zip(out).zip(grouped(&pre)) {
            let mut unit = Unit { h: 0, carried: *carried as i32, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
            stage.unit(&q, pre, &mut unit);
            *carried = unit.carried as u32;
            *h = unit.h;
        }
    });
    copy(split_mut(xh, layer.input_words()).1, out);
}

/// [`accumulating`] for a cell of one row with a second bias a unit, and two numbers that all units share.
#[inline(always)]
pub(crate) fn with_second_bias<S: Stage<1>>(
    layer: &LayerView<'_>,
    memory: &mut [u32],
    out: &mut [u32],
    stage: S,
    [first, second]: [i32; 2],
) {
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let (view, q) = (layer.stages[0], layer.q);
    // Not in chunks: the linker could not see that these are not empty where two loops share the code that makes them.
    let mut units = carried.iter_mut().zip(elements(out, layer.units())).zip(layer.diagonal());
    kernel::rows(layer.packing(), view.weights, view.params, xh, core::iter::repeat(()), |(), pre| {
        for pre in grouped(&pre) {
            let Some(((carried, h), bias)) = units.next() else { return };
            let peephole = [*bias as i32, first, second];
            let mut unit = Unit { h: 0, carried: *carried as i32, second: 0, stage_gate: Gate::ZERO, peephole };
            stage.unit(&q, pre, &mut unit);
            *carried = unit.carried as u32;
            *h = unit.h;
        }
    });
    copy(split_mut(xh, layer.input_words()).1, out);
}

/// A cell of two stages: the first replaces h in `[x; h]` by what it makes of it, the second reads that.
#[inline(always)]
pub(crate) fn two_stages<const G: usize, S: Stage<G>, T: Stage<1>>(
    layer: &LayerView<'_>,
    memory: &mut [u32],
    out: &mut [u32],
    first: S,
    second: T,
) {
    let (xh, rest) = split_mut(memory, layer.vector_words());
    let (carried, stage_gate) = split_mut(rest, layer.units());
    run_stage(layer, 0, xh, carried, stage_gate, out, first);
    copy(split_mut(xh, layer.input_words()).1, out);
    run_stage(layer, 1, xh, carried, stage_gate, out, second);
    copy(split_mut(xh, layer.input_words()).1, out);
}

fn run_stage<const G: usize, S: Stage<G>>(
    layer: &LayerView<'_>,
    stage_number: usize,
    xh: &[u32],
    carried: &mut [u32],
    stage_gate: &mut [u32],
    out: &mut [u32],
    stage: S,
) {
    let view = layer.stage(stage_number);
    let q: Q = layer.q;
    let h = word::halves(xh.get(layer.input_words()..).unwrap_or_default());
    let mut units = carried.iter_mut().zip(stage_gate).zip(elements(out, layer.units())).zip(h);
    kernel::rows(layer.packing(), view.weights, view.params, xh, core::iter::repeat(()), |(), pre| {
        for pre in grouped::<G>(&pre) {
            let Some((((carried, stage_gate), out), h)) = units.next() else { return };
            let mut unit = Unit {
                h: *h,
                carried: *carried as i32,
                second: 0,
                stage_gate: Gate::from_bits(*stage_gate as i32),
                peephole: [0; 3],
            };
            stage.unit(&q, pre, &mut unit);
            *carried = unit.carried as u32;
            *stage_gate = unit.stage_gate.to_bits() as u32;
            *out = unit.h;
        }
    });
}
