//! Recurrent cells. One file a cell: its equations, its table, its tests.
//!
//! A cell is one or two *stages*. A stage is an affine map of the cell's vectors for all gates of one unit, followed by that
//! unit's pointwise equations. The loop over units, time and batch belongs to the arithmetic: the device computes all gates
//! of a unit in one row block over `[x; h]` and finishes the unit at once; the trainer computes the same affine map for a
//! whole batch as a matrix product and maps the same equations over it.
//!
//! Adding a cell is a file here and a line in [`CELLS`].

pub(crate) mod chain;
mod delay_taps;
mod device;
mod drive;
pub mod fast_grnn;
pub mod gru;
pub mod li_gru;
pub mod low_rank;
pub mod lstm;
pub mod min_gru;
pub mod min_lstm;
pub mod residual;
pub mod srn;
pub mod tree_lstm;
mod view;

#[doc(hidden)]
pub use delay_taps::{DelayTaps, MAX_LINE_WORDS};
pub(crate) use device::{DeviceSpec, DeviceStage};
pub(crate) use drive::{plain, split_mut};
#[doc(hidden)]
pub(crate) use view::Geometry;
#[doc(hidden)]
pub use view::{LayerView, RunFn, StageView, StepFn};

use crate::arith::Arith;

/// Which parts of `[x; h]` a gate reads.
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
    /// The letter of the gate in the equations; of a gate in two parts one letter each.
    pub name: &'static str,
    /// The operands that it reads.
    pub operands: Operands,
    /// The format of its pre-activation.
    pub pre: PreFormat,
}

impl GateSpec {
    /// A gate whose pre-activation is Q15.16.
    pub const fn new(name: &'static str, operands: Operands) -> Self {
        GateSpec { name, operands, pre: PreFormat::Plain }
    }
}

/// Fraction bits of a gate's pre-activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreFormat {
    /// 16: Q15.16.
    Plain,
    /// 17, as it meets a gate of Q0.31 in a product whose high half has then 16: the row's multiplier is twice as large.
    Doubled,
    /// 12, for a state without bound: where h has few fraction bits, rows of U reach 16 times as far.
    Coarse,
}

impl PreFormat {
    /// Fraction bits.
    pub const fn frac(self) -> u8 {
        match self {
            PreFormat::Plain => 16,
            PreFormat::Doubled => 17,
            PreFormat::Coarse => 12,
        }
    }
}

/// How the rows of a stage are grouped into row blocks of the kernel; fixes the order of the weights in the blob.
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
    /// Four rows a block over h alone, as many rows as p has elements.
    Projection,
}

/// A stage: its gates, and how the kernel groups their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StageSpec {
    /// Order of rows.
    pub kind: StageKind,
    /// The rows of one unit, in the order in which [`Stage::unit`] takes them.
    pub gates: &'static [GateSpec],
}

/// What the recurrent products of a cell read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recurrence {
    /// h, the output.
    State,
    /// p = U₂ h of as many elements as the first of the layer's numbers says; h is the output.
    LowRank,
    /// p = P m, the output; m is what as many cells give as the first of the layer's numbers says.
    Projected,
}

/// How many rows a gate has, and how many columns each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateShape {
    /// Rows.
    pub rows: usize,
    /// Columns of W: elements of x; 0 where the gate does not read x.
    pub inputs: usize,
    /// Columns of U: elements of h or p; 0 where the gate reads neither.
    pub hidden: usize,
}

/// The state that a layer carries from step to step besides h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CarriedState {
    /// None: the hidden state is all there is.
    None,
    /// The hidden state at 32 bits, with 15 fraction bits more than the output: small updates are not lost to rounding.
    Hidden,
    /// The unbounded hidden state, i32 in a calibrated power-of-two format, saturating.
    Wide,
    /// The cell state c, i32 in a calibrated power-of-two format.
    Cell,
    /// The cell states of two predecessors, c_left and then c_right, as [`CarriedState::Cell`]; c replaces c_left.
    Pair,
    /// For each unit the quotient and the remainder of its sum by the count of steps, and the count.
    Mean,
    /// A running sum for each unit.
    Sum,
    /// The largest value so far for each unit.
    Max,
    /// The last inputs.
    Line,
}

impl CarriedState {
    /// Whether it is an i32 in a calibrated format, which ends at that format's bounds.
    pub const fn saturates(self) -> bool {
        matches!(self, CarriedState::Cell | CarriedState::Pair | CarriedState::Wide)
    }

    /// Words for a layer of `units`; `own` are those that its numbers add, as [`VariantSpec::check`] gives them.
    pub fn words(self, units: usize, own: usize) -> usize {
        let all = match self {
            CarriedState::None | CarriedState::Line => 0,
            CarriedState::Hidden | CarriedState::Wide | CarriedState::Cell | CarriedState::Sum | CarriedState::Max => {
                units
            }
            CarriedState::Pair => 2 * units,
            CarriedState::Mean => 2 * units + 1,
        };
        all.wrapping_add(own)
    }
}

/// Range of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutRange {
    /// Within (-1, 1): Q0.15, or fewer fraction bits, where what it is read with needs them.
    Bounded,
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

/// What the numbers of [`VariantSpec::peephole`] are to a pre-activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeepholeFormat {
    /// V·2^(48 - carried_frac): its product with the cell state is added.
    CellState,
    /// v·2^17: added itself.
    Bias,
}

/// Validates a layer's own numbers: the words that they add to its carried state, `None` where it cannot have them.
pub type CheckNumbers = fn(inputs: usize, units: usize, params: [u16; 4]) -> Option<usize>;

/// One variant of a cell or layer: all that reader, writer, quantizer, initialiser and documentation need.
#[derive(Clone, Copy, Debug)]
pub struct VariantSpec {
    /// Name in recipes and reports.
    pub name: &'static str,
    /// Stages, in order. Stage 2 reads `[x; gated h]`, as stage 1 left it.
    pub stages: &'static [StageSpec],
    /// What its recurrent products read.
    pub recurrence: Recurrence,
    /// State that it carries besides h.
    pub carried: CarriedState,
    /// Range of h.
    pub out: OutRange,
    /// Whether an unbounded state can grow beyond what its candidates are: then it gets room for that.
    pub grows: bool,
    /// Widths that it can have.
    pub widths: WidthRule,
    /// Names of its numbers in [`crate::blob::LayerDescriptor::params`], at most four.
    pub params: &'static [&'static str],
    /// Validates its numbers.
    pub check: CheckNumbers,
    /// Names of the gates with a vector of their own, a number a unit: of those that see the cell state, `V ⊙ c`, or that have
    /// a second bias; at most three.
    pub peephole: &'static [&'static str],
    /// What those numbers are.
    pub peephole_format: PeepholeFormat,
    /// One step in integer arithmetic.
    pub step: StepFn,
    /// How the layers of a model run that has this one; `None` where each of them takes every step.
    pub run: Option<RunFn>,
}

impl VariantSpec {
    /// What most tables have: any widths, no numbers of their own, no peepholes, no state.
    pub(crate) const BASE: VariantSpec = VariantSpec {
        name: "",
        stages: &[],
        recurrence: Recurrence::State,
        carried: CarriedState::None,
        out: OutRange::Bounded,
        grows: true,
        widths: WidthRule::Free,
        params: &[],
        check: |_, _, _| Some(0),
        peephole: &[],
        peephole_format: PeepholeFormat::CellState,
        step: |_, _, _| {},
        run: None,
    };

    /// All gates, over the stages.
    pub fn gates(&self) -> impl Iterator<Item = &'static GateSpec> + use<> {
        self.stages.iter().flat_map(|s| s.gates)
    }

    /// Units of the gates of a layer with `units` outputs and these numbers.
    pub fn cells(&self, units: usize, [first, ..]: [u16; 4]) -> usize {
        if self.recurrence == Recurrence::Projected { first.into() } else { units }
    }

    /// Elements of what the recurrent products of such a layer read.
    pub fn recurrent_width(&self, units: usize, [first, ..]: [u16; 4]) -> usize {
        if self.recurrence == Recurrence::LowRank { first.into() } else { units }
    }

    /// All gates of such a layer over `inputs` elements, each with its shape.
    pub fn shapes(
        &self,
        inputs: usize,
        units: usize,
        params: [u16; 4],
    ) -> impl Iterator<Item = (&'static GateSpec, GateShape)> + use<> {
        let (cells, width) = (self.cells(units, params), self.recurrent_width(units, params));
        self.stages.iter().flat_map(move |stage| {
            stage.gates.iter().map(move |gate| {
                let shape = match (stage.kind, gate.operands) {
                    (StageKind::Projection, _) => GateShape { rows: width, inputs: 0, hidden: cells },
                    (_, Operands::InputAndHidden) => GateShape { rows: cells, inputs, hidden: width },
                    (_, Operands::Input) => GateShape { rows: cells, inputs, hidden: 0 },
                    (_, Operands::Hidden) => GateShape { rows: cells, inputs: 0, hidden: width },
                };
                (gate, shape)
            })
        })
    }

    /// The first gate, if there is one.
    pub(crate) const fn first_gate(&self) -> Option<&'static GateSpec> {
        match self.stages {
            [StageSpec { gates: [first, ..], .. }, ..] => Some(first),
            _ => None,
        }
    }

    /// Whether it reads its own last output: where one gate does, the first does.
    pub const fn recurrent(&self) -> bool {
        matches!(self.first_gate(), Some(GateSpec { operands: Operands::InputAndHidden | Operands::Hidden, .. }))
    }

    /// Whether gates see the carried state.
    pub fn sees_carried(&self) -> bool {
        !self.peephole.is_empty() && self.peephole_format == PeepholeFormat::CellState
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
    pub variants: &'static [&'static VariantSpec],
}

impl CellSpec {
    /// Variant number `variant`, for the list that a loader takes.
    pub(crate) const fn operation(&self, variant: usize) -> LayerOperation {
        LayerOperation { tag: self.tag, variant: variant as u8, spec: DeviceSpec::of(self.variants[variant]) }
    }
}

/// A variant of a cell or layer that a loader knows and a firmware links.
#[derive(Clone, Copy, Debug)]
pub struct LayerOperation {
    pub(crate) tag: u8,
    pub(crate) variant: u8,
    pub(crate) spec: DeviceSpec,
}

impl LayerOperation {
    /// The same with another step, for a host that records what layers compute.
    #[doc(hidden)]
    pub const fn with_step(mut self, step: StepFn) -> Self {
        self.spec.step = step;
        self
    }
}

/// All cells.
pub const CELLS: &[CellSpec] = &[
    srn::SPEC,
    gru::SPEC,
    lstm::SPEC,
    residual::SPEC,
    tree_lstm::SPEC,
    min_gru::SPEC,
    li_gru::SPEC,
    fast_grnn::SPEC,
    min_lstm::SPEC,
    low_rank::SPEC,
];

/// What one unit holds while its equations run.
#[derive(Clone, Copy, Debug)]
pub struct Unit<A: Arith> {
    /// On entry h_(t-1), on exit h_t (or r ⊙ h_(t-1), where a first stage makes the second's input).
    pub h: A::Out,
    /// Carried state, t-1 on entry and t on exit.
    pub carried: A::Carried,
    /// Carried state of a second predecessor; 0 except in cells that read two.
    pub second: A::Carried,
    /// What a first stage hands to the second.
    pub stage_gate: A::Gate,
    /// V_i, V_f, V_o of the unit, which see its cell state; v, ζ, ν of a FastGRNN. Read by these cells alone.
    pub peephole: [A::Weight; 3],
}

/// The pointwise equations of one unit, over `G` pre-activations.
pub trait Stage<const G: usize> {
    /// What the backward pass needs of the forward pass. Integer arithmetic drops it.
    type Trace<A: Arith>;

    /// Advances one unit by one step.
    fn unit<A: Arith>(&self, a: &A, pre: [A::Pre; G], unit: &mut Unit<A>) -> Self::Trace<A>;
}
