//! Whole sequences, for models with layers that read them from the end.

use elman::Sequence;
use elman::net::Outputs;

use crate::error::*;
use crate::model::{elman_model_t, kept};
use crate::place::{Opaque, slice, slice_mut, stays_mut};
use crate::stream::{elman_output_t, status};

/// Words (size_t) of an elman_sequence_t.
pub const ELMAN_SEQUENCE_WORDS: usize = 5;
/// Words (size_t) of an elman_outputs_t.
pub const ELMAN_OUTPUTS_WORDS: usize = 7;

/// A model that runs whole sequences. Its field is private.
#[repr(C)]
pub struct elman_sequence_t {
    /// Not to be read or written.
    pub opaque: [usize; ELMAN_SEQUENCE_WORDS],
}

/// The outputs of a sequence, one a step, in the memory of the elman_sequence_t: they stay until its next call. Its field is
/// private.
#[repr(C)]
pub struct elman_outputs_t {
    /// Not to be read or written.
    pub opaque: [usize; ELMAN_OUTPUTS_WORDS],
}

// SAFETY: an array of words.
unsafe impl Opaque for elman_sequence_t {
    type Value = Sequence<'static, 'static>;
    const MARK: usize = 0x454C_0005;
}

// SAFETY: an array of words.
unsafe impl Opaque for elman_outputs_t {
    type Value = Outputs<'static>;
    const MARK: usize = 0x454C_0006;
}

/// Makes a model ready to run sequences.
///
/// @param sequence What becomes the sequence; whatever it holds.
/// @param model    A loaded model, which stays unmoved as long as the sequence is used.
/// @param memory   Memory, whatever it holds.
/// @param words    Words of it: elman_memory_words() where elman_max_steps() is not 0, else elman_sequence_words() of the longest
///                 sequence.
/// @param error    Where the error goes for elman_error_text(), or NULL.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _RUNNER.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_sequence_init(
    sequence: Option<&mut elman_sequence_t>,
    model: Option<&elman_model_t>,
    memory: *mut u32,
    words: usize,
    error: Option<&mut elman_error_t>,
) -> elman_status_t {
    // SAFETY: as the header says.
    let (Some(sequence), Some(memory)) = (sequence, unsafe { slice_mut(memory, words) }) else {
        return ELMAN_ERROR_POINTER;
    };
    sequence.clear();
    // SAFETY: the model stays unmoved, as the header says.
    match unsafe { kept(model) }.map(|m| m.sequence(memory)) {
        Ok(Ok(it)) => {
            sequence.put(it);
            ELMAN_OK
        }
        Ok(Err(e)) => keep(e, error),
        Err(status) => status,
    }
}

/// Runs a sequence. States begin at 0.
///
/// @param sequence The sequence.
/// @param frames   Frame after frame.
/// @param elements Elements of all frames: steps times elman_inputs().
/// @param outputs  Where the outputs go.
/// @param error    Where the error goes for elman_error_text(), or NULL.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _LENGTH.
///
/// # Safety
/// There are as many elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_sequence_run(
    sequence: Option<&mut elman_sequence_t>,
    frames: *const i16,
    elements: usize,
    outputs: Option<&mut elman_outputs_t>,
    error: Option<&mut elman_error_t>,
) -> elman_status_t {
    // SAFETY: as the header says.
    let (Some(sequence), Some(frames), Some(outputs)) = (sequence, unsafe { slice(frames, elements) }, outputs) else {
        return ELMAN_ERROR_POINTER;
    };
    outputs.clear();
    let Some(net) = sequence.get_mut() else { return ELMAN_ERROR_NOT_READY };
    // SAFETY: it stays; the header says until when the outputs do.
    match unsafe { stays_mut(net) }.run(frames) {
        Ok(all) => {
            outputs.put(all);
            ELMAN_OK
        }
        Err(e) => keep_as(ELMAN_ERROR_LENGTH, e, error),
    }
}

/// Steps of the sequence that was run; 0 where none was.
#[unsafe(no_mangle)]
pub extern "C" fn elman_outputs_steps(outputs: Option<&elman_outputs_t>) -> usize {
    outputs.and_then(Opaque::get).map_or(0, Outputs::len)
}

/// The output of a step; of the last it is the answer of a model from sequence to class.
///
/// @param outputs What elman_sequence_run() wrote.
/// @param step    Number of the step, from 0.
/// @param output  Where the output goes.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _RANGE.
#[unsafe(no_mangle)]
pub extern "C" fn elman_outputs_at(
    outputs: Option<&elman_outputs_t>,
    step: usize,
    output: Option<&mut elman_output_t>,
) -> elman_status_t {
    let at = || {
        let (outputs, output) = outputs.zip(output).ok_or(ELMAN_ERROR_POINTER)?;
        let all = outputs.get().ok_or(ELMAN_ERROR_NOT_READY)?;
        *output = elman_output_t::of(all.get(step).ok_or(ELMAN_ERROR_RANGE)?);
        Ok(ELMAN_OK)
    };
    status(at())
}
