//! Sensors: readings to frames, outputs to readings.

use crate::error::*;
use crate::model::{elman_model_t, loaded};
use crate::place::{slice, slice_mut};
use crate::stream::status;

/// Readings of sensors as a frame. A reading of channel k stands for reading / 2^bits, of which the exported header has the bits.
///
/// @param model    A model that was trained on readings; its list of parts has elman_part_scaling.
/// @param readings A reading for each element of the frame.
/// @param frame    Where the frame goes.
/// @param count    Elements of both: elman_inputs(), or elman_external_inputs() in closed loop.
/// @param saturated Where the number of readings goes that are beyond the frame's range, or NULL.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _LENGTH, or _RUNNER for a model without scaling of inputs.
///
/// # Safety
/// Both have as many elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_quantize_i32(
    model: Option<&elman_model_t>,
    readings: *const i32,
    frame: *mut i16,
    count: usize,
    saturated: Option<&mut usize>,
) -> elman_status_t {
    status(loaded(model).and_then(|model| {
        let scaling = model.input_scaling().ok_or(ELMAN_ERROR_RUNNER)?;
        if count != model.inputs() && count != model.external_inputs() {
            return Err(ELMAN_ERROR_LENGTH);
        }
        // SAFETY: as the header says.
        let (readings, frame) = unsafe { (slice(readings, count), slice_mut(frame, count)) };
        let (readings, frame) = readings.zip(frame).ok_or(ELMAN_ERROR_POINTER)?;
        let beyond = scaling.quantize_i32(readings, frame);
        if let Some(saturated) = saturated {
            *saturated = beyond;
        }
        Ok(ELMAN_OK)
    }))
}

/// Outputs as readings: elman_quantize_i32() reversed.
///
/// @param model    A model whose outputs are values; its list of parts has elman_part_scaling.
/// @param outputs  The logits of an output.
/// @param readings Where the readings go.
/// @param count    Elements of both: elman_outputs().
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _LENGTH, or _RUNNER for a model without scaling of outputs.
///
/// # Safety
/// Both have as many elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_restore_i32(
    model: Option<&elman_model_t>,
    outputs: *const i16,
    readings: *mut i32,
    count: usize,
) -> elman_status_t {
    status(loaded(model).and_then(|model| {
        let scaling = model.output_scaling().ok_or(ELMAN_ERROR_RUNNER)?;
        if count != model.outputs() {
            return Err(ELMAN_ERROR_LENGTH);
        }
        // SAFETY: as the header says.
        let (outputs, readings) = unsafe { (slice(outputs, count), slice_mut(readings, count)) };
        let (outputs, readings) = outputs.zip(readings).ok_or(ELMAN_ERROR_POINTER)?;
        scaling.restore_i32(outputs, readings);
        Ok(ELMAN_OK)
    }))
}
