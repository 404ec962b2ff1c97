//! A validated layer: sizes, formats and where its numbers are in flash.

use super::{CarriedState, DeviceSpec, DeviceStage, Recurrence, StageKind};
use crate::arith::Q;
use crate::descriptor::{Direction, LayerDescriptor};
use crate::kernel::layout::{padded, vector_words};
use crate::kernel::{Layout, Packing, RowBlock};

/// One step of a layer: reads and updates the layer's `memory`, writes its output vector to `out`.
pub type StepFn = for<'b> fn(&LayerView<'b>, memory: &mut [u32], out: &mut [u32]);

/// One step of layers whose memories are one after the other, the input of the first in it, the output of the last after them.
pub type RunFn = for<'b> fn(layers: &[LayerView<'b>], memory: &mut [u32]);

/// Parameters and weights of one stage, as the kernels read them.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageView<'b> {
    /// Biases and multipliers, a fixed number of words a row block.
    pub params: &'b [u32],
    /// Weights, block after block.
    pub weights: &'b [u32],
}

/// The row blocks of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// How many there are.
    pub count: usize,
    /// Their rows.
    pub block: RowBlock,
    /// Words of parameters and of weights of each.
    pub params: usize,
    pub weights: usize,
}

/// A layer of a loaded model. Made by the loader alone, after it has validated every number.
///
/// # Memory
/// `[x | h | carried | stage gate]`: input and hidden state as one vector (padded to four elements each), then the carried
/// state, a word a unit, then the gate that a first stage hands to the second, a word a unit. Where recurrent products
/// read p, it stands in the place of h, and counts as carried state.
#[derive(Clone, Copy, Debug)]
pub struct LayerView<'b> {
    pub(crate) spec: &'static DeviceSpec,
    pub(crate) tag: u8,
    pub(crate) variant: u8,
    pub(crate) inputs: u16,
    pub(crate) units: u16,
    pub(crate) in_frac: u8,
    pub(crate) q: Q,
    pub(crate) stages: [StageView<'b>; 2],
    /// Words of `[x | h]` and of all memory: they follow from the table, but a step would work them out again.
    pub(crate) vector_words: u32,
    pub(crate) memory_words: u32,
    pub(crate) direction: Direction,
    pub(crate) params: [u16; 4],
    pub(crate) packing: Packing,
    /// Peephole weights, a word for each gate of the table's list, unit after unit.
    pub(crate) diagonal: &'b [u32],
}

impl<'b> LayerView<'b> {
    /// A layer without its weights; `carried_words` are the words of its carried state.
    #[inline(always)]
    pub(crate) fn new(spec: &'static DeviceSpec, l: &LayerDescriptor, carried_words: usize, packing: Packing) -> Self {
        let &LayerDescriptor { tag, variant, inputs, units, in_frac, out_frac, carried_frac, direction, params } = l;
        let of_h = if spec.recurrent { vector_words(units as usize) } else { 0 };
        let words = vector_words(inputs as usize).wrapping_add(of_h);
        let beside = carried_words.wrapping_add(spec.stage_gate_words(units as usize));
        LayerView {
            spec,
            tag,
            variant,
            inputs,
            units,
            in_frac,
            q: Q { carried_frac, out_frac },
            stages: Default::default(),
            vector_words: words as u32,
            memory_words: words.wrapping_add(beside) as u32,
            direction,
            params,
            packing,
            diagonal: &[],
        }
    }

    /// Its tag and variant in the tables: [`layer::find`](crate::layer::find) has the table itself.
    pub fn kind(&self) -> (u8, u8) {
        (self.tag, self.variant)
    }
    /// The layer as the blob describes it.
    pub fn descriptor(&self) -> LayerDescriptor {
        let &LayerView { tag, variant, inputs, units, in_frac, q, direction, params, .. } = self;
        let Q { carried_frac, out_frac } = q;
        LayerDescriptor { tag, variant, inputs, units, in_frac, out_frac, carried_frac, direction, params }
    }
    /// State that it carries besides h.
    pub fn carried(&self) -> CarriedState {
        self.spec.carried
    }
    /// Whether it reads its own last output.
    pub fn recurrent(&self) -> bool {
        self.spec.recurrent
    }
    /// Elements of the input vector.
    pub fn inputs(&self) -> usize {
        self.inputs as usize
    }
    /// Elements of the output vector.
    pub fn units(&self) -> usize {
        self.units as usize
    }
    /// Fraction bits of the input vector.
    pub fn in_frac(&self) -> u8 {
        self.in_frac
    }
    /// Formats of output and carried state.
    pub fn formats(&self) -> Q {
        self.q
    }
    /// In which order it takes the steps of a sequence.
    pub fn direction(&self) -> Direction {
        self.direction
    }
    /// Its own numbers, as [`VariantSpec::params`](super::VariantSpec::params) names them.
    pub fn params(&self) -> [u16; 4] {
        self.params
    }
    /// Of how many steps that it takes it passes one on to the layers after it: 1 of a layer that is no stride.
    pub fn stride(&self) -> usize {
        let [by, ..] = self.params;
        if self.spec.run.is_some() { by.max(1).into() } else { 1 }
    }
    /// How its weights are packed.
    #[inline(always)]
    pub fn packing(&self) -> Packing {
        let Packing { format, layout } = self.packing;
        Packing { format, layout: Layout::BUILT.unwrap_or(layout) }
    }
    /// The row blocks of stage `n`: how many, and their rows; `None` where it has no weights.
    pub fn row_blocks(&self, n: usize) -> Option<(usize, RowBlock)> {
        self.blocks_of(*self.spec.stages().get(n)?)
    }
    /// [`LayerView::row_blocks`] of a stage of its table.
    #[inline(always)]
    pub(crate) fn blocks_of(&self, stage: DeviceStage) -> Option<(usize, RowBlock)> {
        let (x, vector) = (self.input_words().wrapping_mul(2), self.vector_words().wrapping_mul(2));
        let (units, [first, ..]) = (self.units(), self.params);
        // Cells with p have as many units, or as many elements of p, as the layer's first number says. Of other layers it is 0, but
        // of a table and where h is read.
        let projection = stage.kind == StageKind::Projection;
        let own = (self.spec.recurrence == Recurrence::Projected) == projection;
        let (units, other) = if own { (units, first.into()) } else { (first.into(), units) };
        let more = if self.spec.recurrent { 0 } else { padded(other) };
        let columns = if projection { more } else { vector.wrapping_add(more) };
        match stage.kind {
            StageKind::Rows | StageKind::Projection => {
                Some((units.wrapping_mul(stage.gates as usize).div_ceil(4), RowBlock::Rows { columns }))
            }
            StageKind::Split => Some((units, RowBlock::Split { x, h: columns.wrapping_sub(x) })),
            StageKind::Table => Some((other, RowBlock::Table { units })),
            StageKind::Pointwise => None,
        }
    }
    /// The row blocks of a stage of its table, and their words. Not inlined: the loader asks at two places.
    #[inline(never)]
    pub(crate) fn geometry(&self, stage: DeviceStage) -> Option<Geometry> {
        let (count, block) = self.blocks_of(stage)?;
        let packing = self.packing();
        Some(Geometry { count, block, params: packing.param_words(block), weights: packing.weight_words(block) })
    }
    /// Peephole weights V, V·2^(48 - carried_frac): a word for each gate of [`VariantSpec::peephole`](super::VariantSpec::peephole), unit after
    /// unit.
    pub fn diagonal(&self) -> &'b [u32] {
        self.diagonal
    }
    /// Numbers of stage `n`; empty where there is none.
    pub fn stage(&self, n: usize) -> StageView<'b> {
        self.stages.get(n).copied().unwrap_or_default()
    }
    /// Words of `[x | h]`, all that a row block reads.
    pub fn vector_words(&self) -> usize {
        self.vector_words as usize
    }
    /// Words of x.
    pub fn input_words(&self) -> usize {
        vector_words(self.inputs())
    }
    /// Words of the output vector.
    pub fn out_words(&self) -> usize {
        vector_words(self.units())
    }
    /// Words of p, where it is in front of the carried state.
    #[doc(hidden)]
    pub fn p_words(&self) -> usize {
        let [rank, ..] = self.params;
        match self.spec.recurrence {
            Recurrence::State => 0,
            Recurrence::LowRank => vector_words(rank.into()),
            Recurrence::Projected => self.out_words(),
        }
    }
    /// Words of carried state.
    pub fn carried_words(&self) -> usize {
        let others = self.vector_words().wrapping_add(self.spec.stage_gate_words(self.units()));
        self.memory_words().wrapping_sub(others)
    }
    /// Words of memory, in the order above.
    pub fn memory_words(&self) -> usize {
        self.memory_words as usize
    }
    /// One step: x is in `memory` already; h and carried state advance in place; h goes to `out` as well.
    pub(crate) fn step(&self, memory: &mut [u32], out: &mut [u32]) {
        (self.spec.step)(self, memory, out);
    }
}
