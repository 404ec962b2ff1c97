//! A layer's own widths, formats and numbers.

use super::LoadError;
use crate::arith::Q;
use crate::cell::{CarriedState, DeviceSpec, MAX_LINE_WORDS, OutRange, WidthRule};
use crate::descriptor::{LayerDescriptor, MAX_WIDTH};

/// Checks the widths of a layer.
pub(super) fn check_widths(layer: u8, l: &LayerDescriptor, spec: &DeviceSpec) -> Result<(), LoadError> {
    let &LayerDescriptor { inputs, units, .. } = l;
    let same = spec.widths != WidthRule::Same || units == inputs;
    if inputs == 0 || units == 0 || inputs > MAX_WIDTH || units > MAX_WIDTH || !same {
        return Err(LoadError::Width { layer, inputs, units });
    }
    Ok(())
}

/// Checks a layer's numbers and formats; gives the words of its carried state.
pub(super) fn check(layer: u8, l: &LayerDescriptor, spec: &DeviceSpec) -> Result<usize, LoadError> {
    let &LayerDescriptor { inputs, units, in_frac, out_frac, carried_frac, params, .. } = l;
    let unused = params.iter().skip(spec.params as usize).all(|p| *p == 0);
    let own = (spec.check)(inputs as usize, units as usize, params).filter(|_| unused);
    let own = own.ok_or(LoadError::Parameters { layer, params, inputs, units })?;
    let required = spec.carried.words(units as usize, own);
    if required > MAX_LINE_WORDS {
        return Err(LoadError::DelayLine { layer, required, most: MAX_LINE_WORDS });
    }
    let out_fits = match spec.out {
        OutRange::OneHot => out_frac == 14,
        OutRange::Input => out_frac == in_frac,
        OutRange::Bounded | OutRange::Calibrated => {
            out_frac <= 15 && (spec.carried != CarriedState::Sum || out_frac <= in_frac)
        }
    };
    let carried_fits = match spec.carried {
        CarriedState::Cell | CarriedState::Pair | CarriedState::Wide => (17..=27).contains(&carried_frac),
        CarriedState::Hidden => carried_frac.wrapping_sub(out_frac) == Q::HIDDEN_MORE,
        CarriedState::Mean | CarriedState::Sum | CarriedState::Max | CarriedState::Line => carried_frac == 0,
        CarriedState::None if spec.pointwise() => carried_frac <= 30,
        CarriedState::None if spec.out == OutRange::Calibrated && spec.affine => {
            out_frac as u32 + carried_frac as u32 <= 15
        }
        CarriedState::None => carried_frac == 0,
    };
    if !out_fits || !carried_fits {
        return Err(LoadError::Format { layer, out_frac, carried_frac });
    }
    Ok(required)
}
