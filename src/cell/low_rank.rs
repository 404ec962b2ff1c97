//! Cells whose recurrent products read a vector p of fewer elements than there are units.
//!
//! ```text
//! low rank:   U = U₁ U₂          gates read W x_t + U₁ p_(t-1) + b     p_t = U₂ h_t, the output is h_t
//! projected:  m_t = o_t ⊙ tanh(c_t)                                    p_t = P m_t, the output is p_t
//! ```
//! All else is as in the cell that a variant is named after. A matrix of low rank takes r (g + 1) products a unit where U takes g u, of
//! g gates, u units and r elements of p. *Projected* is the LSTM of Sak et al. 2014, and PyTorch's with `proj_size`.
//!
//! In integers p is an i16, saturating: of a projected LSTM in the format of the output, with m in Q0.15; of a matrix of low rank in a
//! power-of-two format of its own. It stands where other cells have h, so that a step is that of the cell, then a linear dense layer from h
//! to p.

use super::GateSpec;
use super::srn::linear;
use super::{
    CarriedState, CellSpec, LayerOperation, LayerView, Operands, OutRange, Recurrence, StageKind, StageSpec, StepFn,
    VariantSpec, drive, fast_grnn, gru, lstm,
};
use crate::arith::Q;
use crate::descriptor::MAX_WIDTH;
use crate::kernel::copy;
use crate::kernel::layout::vector_words;

/// The rows of U₂ or P.
const PROJECTION: StageSpec = StageSpec { kind: StageKind::Projection, gates: &[GateSpec::new("p", Operands::Hidden)] };

const LSTM_STAGES: &[StageSpec] = &[lstm::SPEC.variants[0].stages[0], PROJECTION];
const GRU_STAGES: &[StageSpec] = &[gru::SPEC.variants[0].stages[0], PROJECTION];
const FAST_GRNN_STAGES: &[StageSpec] = &[fast_grnn::SPEC.variants[0].stages[0], PROJECTION];

/// A cell with a U of low rank.
const fn low_rank(
    name: &'static str,
    cell: &VariantSpec,
    stages: &'static [StageSpec],
    params: &'static [&'static str],
    step: StepFn,
) -> VariantSpec {
    VariantSpec {
        name,
        stages,
        recurrence: Recurrence::LowRank,
        carried: cell.carried,
        out: cell.out,
        grows: cell.grows,
        params,
        check: |_, units, [rank, frac, ..]| {
            (rank > 0 && usize::from(rank) <= units && frac <= 15).then(|| vector_words(rank.into()))
        },
        peephole: cell.peephole,
        peephole_format: cell.peephole_format,
        step,
        ..VariantSpec::BASE
    }
}

/// The cells' table.
pub const SPEC: CellSpec = CellSpec {
    tag: 10,
    name: "low-rank",
    variants: &[
        &VariantSpec {
            name: "lstm-projected",
            stages: LSTM_STAGES,
            recurrence: Recurrence::Projected,
            carried: CarriedState::Cell,
            out: OutRange::Calibrated,
            params: &["cells"],
            check: |_, units, [cells, ..]| {
                // p, then c and m of each cell, where the table has a word for each output.
                let more = usize::from(cells).checked_sub(units)?;
                let vectors = vector_words(units).wrapping_add(vector_words(cells.into()));
                (cells <= MAX_WIDTH).then(|| more.wrapping_add(vectors))
            },
            step: projected,
            ..VariantSpec::BASE
        },
        &low_rank("lstm-low-rank", lstm::SPEC.variants[0], LSTM_STAGES, &["rank", "p_frac"], |layer, memory, out| {
            let [rank, frac, ..] = layer.params;
            with_low_rank(&cell(layer, rank.into()), memory, out, lstm::step, [rank, frac]);
        }),
        &low_rank("gru-low-rank", gru::SPEC.variants[0], GRU_STAGES, &["rank", "p_frac"], |layer, memory, out| {
            let [rank, frac, ..] = layer.params;
            with_low_rank(&cell(layer, rank.into()), memory, out, gru::GRU.spec.step, [rank, frac]);
        }),
        &low_rank(
            "fast-grnn-low-rank",
            fast_grnn::SPEC.variants[0],
            FAST_GRNN_STAGES,
            &["rank", "p_frac", "zeta", "nu"],
            |layer, memory, out| {
                let [rank, frac, zeta, nu] = layer.params;
                let cell = LayerView { params: [zeta, nu, 0, 0], ..cell(layer, rank.into()) };
                with_low_rank(&cell, memory, out, fast_grnn::FAST_GRNN.spec.step, [rank, frac]);
            },
        ),
    ],
};

/// LSTM with a projected state.
pub const LSTM_PROJECTED: LayerOperation = SPEC.operation(0);
/// LSTM with a U of low rank.
pub const LSTM_LOW_RANK: LayerOperation = SPEC.operation(1);
/// GRU with a U of low rank.
pub const GRU_LOW_RANK: LayerOperation = SPEC.operation(2);
/// FastGRNN with a U of low rank.
pub const FAST_GRNN_LOW_RANK: LayerOperation = SPEC.operation(3);

/// The layer as a cell without a rank reads it, with p of `rank` elements in the place of h.
fn cell<'b>(layer: &LayerView<'b>, rank: usize) -> LayerView<'b> {
    let words = layer.input_words().wrapping_add(vector_words(rank));
    LayerView { vector_words: words as u32, ..*layer }
}

/// p of `h`, with the rows of the layer's second stage: `units` elements in this format, to where `memory` has them.
fn project(layer: &LayerView<'_>, h: &mut [u32], memory: &mut [u32], units: u16, out_frac: u8) {
    let [_, rows] = layer.stages;
    let map = LayerView { units, q: Q { carried_frac: 0, out_frac }, stages: [rows; 2], ..*layer };
    let p = memory.get_mut(layer.input_words()..).unwrap_or_default();
    linear(&map, h, drive::split_mut(p, map.out_words()).0);
}

/// A step of `cell`, then p.
#[inline(never)]
fn with_low_rank(cell: &LayerView<'_>, memory: &mut [u32], out: &mut [u32], step: StepFn, [rank, frac]: [u16; 2]) {
    // It leaves the first elements of h where p belongs.
    step(cell, memory, out);
    project(cell, out, memory, rank, frac as u8);
}

/// A step of an LSTM whose output is p. In its memory p is in front of c, and m after it.
fn projected(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let [cells, ..] = layer.params;
    let cell = LayerView { units: cells, q: Q { out_frac: 15, ..layer.q }, ..cell(layer, layer.units()) };
    let (front, m) = drive::split_mut(memory, cell.vector_words().wrapping_add(cells.into()));
    lstm::step(&cell, front, m);
    project(&cell, m, front, layer.units, layer.q.out_frac);
    copy(out, front.get(layer.input_words()..).unwrap_or_default());
}
