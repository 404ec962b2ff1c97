//! Layers that read a sequence from its end.

use super::LoadError;
use super::operations::Backward;
use crate::cell::{DeviceSpec, LayerView};
use crate::descriptor::{LayerDescriptor, MAX_WIDTH, VectorFormat};
use crate::plan::SequencePlan;

pub(super) const OPERATION: Backward = Backward { pair, words };

/// What a backward layer and the forward one before it give side by side.
fn pair(
    forward: Option<&LayerView<'_>>,
    layer: u8,
    l: &LayerDescriptor,
    spec: &DeviceSpec,
) -> Result<VectorFormat, LoadError> {
    let &LayerDescriptor { inputs, units, in_frac, out_frac, .. } = l;
    let fits =
        |f: &&LayerView<'_>| spec.stateful() && (f.inputs, f.in_frac, f.q.out_frac) == (inputs, in_frac, out_frac);
    let forward = forward.filter(fits).ok_or(LoadError::Direction { layer })?;
    let width = forward.units.saturating_add(units);
    if width > MAX_WIDTH {
        return Err(LoadError::Width { layer, inputs, units: width });
    }
    Ok(VectorFormat { width, frac: out_frac })
}

fn words(layers: &[LayerView<'_>], steps: usize) -> usize {
    SequencePlan::of(layers).words(steps)
}
