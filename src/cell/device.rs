//! What a loader and a step need of a variant: its table without names, so that they are not linked.

use super::{CarriedState, CheckNumbers, OutRange, Recurrence, RunFn, StageKind, StepFn, VariantSpec, WidthRule};

/// A stage without the names of its gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceStage {
    pub kind: StageKind,
    /// Gates of a unit.
    pub gates: u8,
}

/// A variant without names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceSpec {
    pub step: StepFn,
    pub run: Option<RunFn>,
    pub check: CheckNumbers,
    stages: [DeviceStage; 2],
    stage_count: u8,
    pub recurrence: Recurrence,
    pub carried: CarriedState,
    pub out: OutRange,
    pub widths: WidthRule,
    /// How many numbers of its own it has.
    pub params: u8,
    /// How many gates have peepholes.
    pub peephole: u8,
    /// Whether it has a gate.
    pub affine: bool,
    /// Whether its own last output is next to its input.
    pub recurrent: bool,
}

impl DeviceSpec {
    pub(super) const fn of(v: &VariantSpec) -> Self {
        let mut stages = [DeviceStage { kind: StageKind::Pointwise, gates: 0 }; 2];
        let mut k = 0;
        while k < v.stages.len() {
            stages[k] = DeviceStage { kind: v.stages[k].kind, gates: v.stages[k].gates.len() as u8 };
            k += 1;
        }
        DeviceSpec {
            step: v.step,
            run: v.run,
            check: v.check,
            stages,
            stage_count: v.stages.len() as u8,
            recurrence: v.recurrence,
            carried: v.carried,
            out: v.out,
            widths: v.widths,
            params: v.params.len() as u8,
            peephole: v.peephole.len() as u8,
            affine: v.first_gate().is_some(),
            recurrent: v.recurrent() && matches!(v.recurrence, Recurrence::State),
        }
    }

    /// Its stages, in order.
    pub(crate) fn stages(&self) -> &[DeviceStage] {
        self.stages.get(..self.stage_count as usize).unwrap_or_default()
    }

    /// Whether it has no products: a word of parameters for each unit.
    pub(crate) fn pointwise(&self) -> bool {
        self.stage_count > 0 && self.stages[0].kind == StageKind::Pointwise
    }

    /// Whether a step depends on earlier ones.
    pub(crate) fn stateful(&self) -> bool {
        self.recurrent || self.carried != CarriedState::None
    }

    /// Whether it pools vectors over time: mean, sum or maximum.
    pub(crate) fn pools(&self) -> bool {
        matches!(self.carried, CarriedState::Mean | CarriedState::Sum | CarriedState::Max)
    }

    /// Words that a first stage hands to the second.
    pub(crate) fn stage_gate_words(&self, units: usize) -> usize {
        if self.stages[1].kind == StageKind::Rows { units } else { 0 }
    }
}
