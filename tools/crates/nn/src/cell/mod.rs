//! Cells in float arithmetic: the equations of [`elman::cell`] mapped over a batch, and their backward passes.
//!
//! The forward pass runs [`Stage::unit`] itself. The backward pass is derived by hand for each stage,
//! [`Backward::unit_backward`], one file a cell, and checked against finite differences in `f64`. Adding a cell is
//! a file here and a line in `cells`.

mod fast_grnn;
mod gru;
mod li_gru;
mod low_rank;
mod lstm;
mod min_gru;
mod min_lstm;
mod residual;
mod srn;
mod step;
mod tree_lstm;

use elman::cell::{CELLS, CellSpec, Stage, Unit, VariantSpec};
use elman::layer;
pub use low_rank::base;

use super::float::{Float, Lanes, World};
pub(super) use srn::dense;
use step::Mapped;
pub use step::{BackwardStep, ForwardStep, Pointwise};

/// The backward pass of a stage, for one unit.
pub trait Backward<const G: usize>: Stage<G> + Copy + Send + Sync + 'static {
    /// Whether h_(t-1) enters the unit's equations, besides through the pre-activations.
    const READS_H: bool;
    /// Whether the equations read or write the long state.
    const HAS_LONG: bool;
    /// Whether the equations read the long state of a second predecessor.
    const HAS_SECOND: bool = false;
    /// Whether the equations read or write what is carried from stage to stage.
    const HAS_CARRY: bool;

    /// What the backward pass needs of the forward pass; it takes the place of the pre-activations.
    fn save<L: Lanes>(trace: Self::Trace<World<L>>, after: &Unit<World<L>>) -> [L::V; G];

    /// The chain rule through one unit.
    ///
    /// `before` and `after` are the unit around [`Stage::unit`]. `grad` holds ∂L/∂after on entry and
    /// ∂L/∂before on exit, without the part that goes through the pre-activations; its peepholes are 0 on entry
    /// and ∂L/∂V of this unit on exit. Returns ∂L/∂pre.
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        saved: [L::V; G],
        before: &Unit<World<L>>,
        after: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; G];
}

/// The stages of a variant, in order.
pub type Stages<F> = Vec<Box<dyn Pointwise<F>>>;

/// What the trainer knows of a cell in addition to its table.
#[derive(Debug)]
pub struct FloatCell<F> {
    /// The cell's table.
    pub spec: &'static CellSpec,
    /// The stages of the variant with this number.
    pub stages: fn(usize) -> Stages<F>,
    /// The bias with which a gate of a variant starts, by the variant's number and the gate's name.
    pub initial_bias: fn(usize, &str) -> f64,
    /// U starts as this times the identity; orthogonal where it is not said.
    pub initial_loop: Option<f64>,
    /// Numbers in (0, 1) that all units share, as sigmoid gives them of what is trained, which starts so; the device's layer has them
    /// as its own.
    pub scalars: &'static [f64],
}

/// All cells. What runs asks [`Float::cells`].
pub(super) fn cells<F: Float>() -> Vec<FloatCell<F>> {
    vec![
        srn::cell(),
        gru::cell(),
        lstm::cell(),
        residual::cell(),
        tree_lstm::cell(),
        min_gru::cell(),
        li_gru::cell(),
        fast_grnn::cell(),
        min_lstm::cell(),
        low_rank::cell(),
    ]
}

/// A cell's float side, its variant's number and table, by the variant's name.
pub fn find<F: Float>(variant: &str) -> Option<(FloatCell<F>, usize, &'static VariantSpec)> {
    F::cells().into_iter().find_map(|cell| {
        let number = cell.spec.variants.iter().position(|v| v.name == variant)?;
        let spec = cell.spec.variants[number];
        Some((cell, number, spec))
    })
}

/// The stages of a variant of any layer that has gates: a cell's, or the one of a dense layer.
pub fn stages<F: Float>(variant: &str) -> Option<Stages<F>> {
    if let Some((cell, number, _)) = find::<F>(variant) {
        return Some((cell.stages)(number));
    }
    let number = layer::dense::SPEC.variants.iter().position(|v| v.name == variant)?;
    Some(vec![F::dense(layer::dense::ACTIVATIONS[number])])
}

/// The names of all variants of all cells.
pub fn variant_names() -> impl Iterator<Item = &'static str> {
    CELLS.iter().flat_map(|cell| cell.variants).map(|variant| variant.name)
}

/// h_t = z ⊙ h_(t-1) + (1 - z) ⊙ n: from dh to (dz, dn); what goes straight to h_(t-1) stays in `grad.long`.
#[inline(always)]
fn lerp_backward<L: Lanes>(l: L, z: L::V, n: L::V, h: L::V, grad: &mut Unit<World<L>>) -> (L::V, L::V) {
    let dh = l.add(grad.h, grad.carried);
    grad.carried = l.mul(dh, z);
    grad.h = l.splat(L::Elem::ZERO);
    (l.mul(dh, l.sub(h, n)), l.mul(dh, l.complement(z)))
}

/// A stage over `G` gates as an object.
fn stage<F: Float, S: Backward<G>, const G: usize>(stage: S) -> Box<dyn Pointwise<F>> {
    Box::new(Mapped(stage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_of_the_core_has_its_stages() {
        for name in variant_names() {
            let (cell, number, spec) = find::<f64>(name).unwrap_or_else(|| panic!("{name} has no float side"));
            assert_eq!((cell.stages)(number).len(), spec.stages.len(), "{name}");
        }
    }
}
