//! Recurrent cells. One file a cell: its equations, its table, its tests.
//!
//! A cell is one or two *stages*. A stage is an affine map of the cell's vectors for all gates of one unit,
//! followed by that unit's pointwise equations. The loop over units, time and batch belongs to the numeric
//! q: the device computes all gates of a unit in one row block over `[x; h]` and finishes the unit at once; the
//! trainer computes the same affine map for a whole batch as a matrix product and maps the same equations
//! over it.
//!
//! Adding a cell is a file here, a line in [`CELLS`] and one beside it.

mod drive;
pub mod gru;
pub mod lstm;
pub mod residual;
pub mod srn;
mod taps;
pub mod tree_lstm;
mod view;

pub(crate) use drive::{plain, split_mut};
#[doc(hidden)]
pub use taps::{DelayTaps, MAX_LINE_WORDS};
#[doc(hidden)]
pub use view::{LayerView, StageView, StepFn};

use crate::arith::Arith;
use crate::kernel::layout::vector_words;

/// Which columns of `[x; h]` a row of weights has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operands {
    /// W x + U h
    InputAndHidden,
    /// W x
    Input,
    /// U h
    Hidden,
}

/// One affine row per unit: a gate, or half of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GateSpec {
    /// The lecture's letter, and what part of the gate it is where it is split.
    pub name: &'static str,
    /// The columns it reads.
    pub operands: Operands,
}

/// How the rows of a stage share a row block of the kernel; fixes the order of the weights in the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StageKind {
    /// Four full rows a block: 4, 2 or 1 gates of 1, 2 or 4 units.
    Rows,
    /// Gates 0 and 1 full, gate 2 on x only, gate 3 on h only: one unit a block.
    Split,
    /// No products: a word of parameters for each unit, read by the layer itself.
    Pointwise,
    /// No products: a multiplier for each row of a table, then the rows, one of which is read by its index.
    Table,
}

/// A stage: its gates, and how the kernel groups their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StageSpec {
    /// Order of rows.
    pub kind: StageKind,
    /// The rows of one unit, in the order in which [`Stage::unit`] takes them.
    pub gates: &'static [GateSpec],
}

/// The carried state of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CarriedState {
    /// None: the hidden state is all there is.
    None,
    /// The hidden state at 32 bits, Q1.30: small updates are not lost to rounding.
    Hidden,
    /// The unbounded hidden state, i32 in a calibrated power-of-two format, saturating.
    Wide,
    /// The cell state c, i32 in a calibrated power-of-two format.
    Cell,
    /// The cell states of two predecessors, c_left and then c_right, as [`CarriedState::Cell`]; c takes the place of c_left.
    Pair,
    /// A running sum for each unit and one count of steps.
    Mean,
    /// A running sum for each unit.
    Sum,
    /// The largest value so far for each unit.
    Max,
    /// The last inputs.
    Line,
}

/// Range of the hidden state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutRange {
    /// Within (-1, 1): Q0.15.
    Q15,
    /// Unbounded: i16 in a calibrated power-of-two format, saturating.
    Calibrated,
    /// The format of the input.
    Input,
    /// 0 or 1: Q1.14.
    OneHot,
}

/// Which widths of input and output a layer can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WidthRule {
    /// Any.
    Free,
    /// As many outputs as inputs.
    Same,
    /// One input, a symbol's index as u16 with no fraction bits; only as the first layer of a model.
    Symbol,
    /// Present and past inputs side by side, as the layer's parameters say.
    DelayTaps,
}

/// One variant of a cell or layer: all that reader, writer, quantizer, initialiser and documentation need.
#[derive(Clone, Copy, Debug)]
pub struct VariantSpec {
    /// Name in recipes and reports.
    pub name: &'static str,
    /// Stages, in order. Stage 2 reads `[x; gated h]`, as stage 1 left it.
    pub stages: &'static [StageSpec],
    /// What it carries besides h.
    pub carried: CarriedState,
    /// Range of h.
    pub out: OutRange,
    /// Widths that it can have.
    pub widths: WidthRule,
    /// Names of its numbers in [`crate::blob::LayerDescriptor::params`], at most four.
    pub params: &'static [&'static str],
    /// Names of the gates that see the cell state of their unit, `V ⊙ c`; at most three.
    pub peephole: &'static [&'static str],
    /// One step in integer arithmetic.
    pub step: StepFn,
}

impl VariantSpec {
    /// What most tables provided: widths as they come, no numbers of their own, no peepholes, no state.
    pub(crate) const BASE: VariantSpec = VariantSpec {
        name: "",
        stages: &[],
        carried: CarriedState::None,
        out: OutRange::Q15,
        widths: WidthRule::Free,
        params: &[],
        peephole: &[],
        step: |_, _, _| {},
    };

    /// All gates, over the stages.
    pub fn gates(&self) -> impl Iterator<Item = &'static GateSpec> + use<> {
        self.stages.iter().flat_map(|s| s.gates)
    }

    /// The first gate, if there is one.
    pub(crate) fn first_gate(&self) -> Option<&'static GateSpec> {
        self.stages.first()?.gates.first()
    }

    /// Whether it reads its own last output: where one gate does, the first does.
    pub fn recurrent(&self) -> bool {
        self.first_gate().is_some_and(|g| g.operands != Operands::Input)
    }

    /// Words of `[x | h]`, the vector that a row block reads.
    pub fn vector_words(&self, inputs: usize, units: usize) -> usize {
        vector_words(inputs) + if self.recurrent() { vector_words(units) } else { 0 }
    }

    /// Words of carried state; `params` are the layer's numbers.
    pub fn carried_words(&self, inputs: usize, units: usize, params: [u16; 4]) -> usize {
        match self.carried {
            CarriedState::None => 0,
            CarriedState::Hidden | CarriedState::Wide | CarriedState::Cell | CarriedState::Sum | CarriedState::Max => {
                units
            }
            CarriedState::Pair => 2 * units,
            CarriedState::Mean => units + 1,
            CarriedState::Line if DELAY => DelayTaps::of(params).line_words(inputs),
            CarriedState::Line => 0,
        }
    }

    /// Words that a first stage hands to the second.
    pub(crate) fn stage_gate_words(&self, units: usize) -> usize {
        if self.stages.len() > 1 { units } else { 0 }
    }

    /// Words of a layer's memory: `[x | h | long | carry]`.
    pub fn memory_words(&self, inputs: usize, units: usize, params: [u16; 4]) -> usize {
        self.vector_words(inputs, units) + self.carried_words(inputs, units, params) + self.stage_gate_words(units)
    }

    /// Whether a step depends on earlier ones.
    pub fn stateful(&self) -> bool {
        self.recurrent() || self.carried != CarriedState::None
    }
}

/// A cell or layer: its tag in the blob and its variants, by number.
#[derive(Clone, Copy, Debug)]
pub struct CellSpec {
    /// Tag in the blob; never reused.
    pub tag: u8,
    /// Name in recipes and reports.
    pub name: &'static str,
    /// Variants; the index is the number in the blob.
    pub variants: &'static [VariantSpec],
}

/// All cells of this version, on which the schema of a blob depends; what is linked is in [`CELLS`].
pub(crate) const ALL_CELLS: &[CellSpec] = &[srn::SPEC, gru::SPEC, lstm::SPEC, residual::SPEC, tree_lstm::SPEC];

/// All cells that this build has.
pub const CELLS: &[CellSpec] = &[
    #[cfg(feature = "srn")]
    srn::SPEC,
    #[cfg(feature = "gru")]
    gru::SPEC,
    #[cfg(feature = "lstm")]
    lstm::SPEC,
    #[cfg(feature = "residual")]
    residual::SPEC,
    #[cfg(feature = "tree-lstm")]
    tree_lstm::SPEC,
];

/// Whether this build has delay lines. Without, their geometry is code that it does not have.
pub(crate) const DELAY: bool = cfg!(feature = "delay");

/// What one unit holds while its equations run.
#[derive(Clone, Copy, Debug)]
pub struct Unit<A: Arith> {
    /// On entry h_(t-1), on exit h_t (or r ⊙ h_(t-1), where a first stage makes the second's input).
    pub h: A::Out,
    /// Carried state, t-1 on entry and t on exit.
    pub carried: A::Carried,
    /// Carried state of a second predecessor; 0 but in cells that join two.
    pub second: A::Carried,
    /// What a first stage hands to the second.
    pub stage_gate: A::Gate,
    /// V_i, V_f, V_o of the unit, which see its cell state; read by cells with peepholes alone.
    pub peephole: [A::Weight; 3],
}

/// The pointwise equations of one unit, over `G` pre-activations.
pub trait Stage<const G: usize> {
    /// What the backward pass needs of the forward pass. Integer arithmetic drops it.
    type Trace<A: Arith>;

    /// Advances one unit by one step.
    fn unit<A: Arith>(&self, a: &A, pre: [A::Pre; G], unit: &mut Unit<A>) -> Self::Trace<A>;
}
