//! Streams: a step per frame.

use elman::Stream;
use elman::arith::softmax;
use elman::net::Output;

use crate::error::*;
use crate::model::{elman_model_t, kept};
use crate::place::{Opaque, slice, slice_mut};

/// Words (size_t) of an elman_stream_t.
pub const ELMAN_STREAM_WORDS: usize = 4;

/// A model that runs step by step. Its field is private.
#[repr(C)]
pub struct elman_stream_t {
    /// Not to be read or written.
    pub opaque: [usize; ELMAN_STREAM_WORDS],
}

// SAFETY: an array of words.
unsafe impl Opaque for elman_stream_t {
    type Value = Stream<'static, 'static>;
    const MARK: usize = 0x454C_0003;
}

/// The output of a step.
#[repr(C)]
pub struct elman_output_t {
    /// The last layer's outputs, in the memory of the stream: they stay until its next call.
    pub logits: *const i16,
    /// How many there are.
    pub count: u16,
    /// Their fraction bits.
    pub frac: u8,
}

impl elman_output_t {
    #[inline(always)]
    pub(crate) fn of(output: Output<'_>) -> Self {
        elman_output_t { logits: output.logits.as_ptr(), count: output.logits.len() as u16, frac: output.frac }
    }
}

/// The stream that was made.
#[inline(always)]
fn ready(stream: Option<&mut elman_stream_t>) -> Result<&mut Stream<'static, 'static>, elman_status_t> {
    stream.ok_or(ELMAN_ERROR_POINTER)?.get_mut().ok_or(ELMAN_ERROR_NOT_READY)
}

/// A status, whichever way it comes.
#[inline(always)]
pub(crate) fn status(result: Result<elman_status_t, elman_status_t>) -> elman_status_t {
    match result {
        Ok(status) | Err(status) => status,
    }
}

/// A stream at its start: all states are 0.
///
/// @param stream What becomes the stream; whatever it holds.
/// @param model  A loaded model, which stays unmoved as long as the stream is used.
/// @param memory The states, whatever they hold.
/// @param words  Words of the memory, at least elman_memory_words().
/// @param error  Where the error goes for elman_error_text(), or NULL.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _RUNNER.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_stream_init(
    stream: Option<&mut elman_stream_t>,
    model: Option<&elman_model_t>,
    memory: *mut u32,
    words: usize,
    error: Option<&mut elman_error_t>,
) -> elman_status_t {
    // SAFETY: as the header says.
    let (Some(stream), Some(memory)) = (stream, unsafe { slice_mut(memory, words) }) else {
        return ELMAN_ERROR_POINTER;
    };
    stream.clear();
    // SAFETY: the model stays unmoved, as the header says.
    match unsafe { kept(model) }.map(|m| m.stream(memory)) {
        Ok(Ok(it)) => {
            stream.put(it);
            ELMAN_OK
        }
        Ok(Err(e)) => keep(e, error),
        Err(status) => status,
    }
}

/// One time step: takes a frame, advances all states, gives the output. It takes the same path for every input.
///
/// A model with feedback (elman_external_inputs() less than elman_inputs()) is teacher forced: the last elements of the frame are
/// the outputs of the previous step as the caller knows them.
///
/// @param stream   The stream.
/// @param frame    The frame.
/// @param elements Its elements: elman_inputs().
/// @param output   Where the output goes, or NULL: the layers after the last that carries state are not run then.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _LENGTH.
///
/// # Safety
/// The frame has as many elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_step(
    stream: Option<&mut elman_stream_t>,
    frame: *const i16,
    elements: usize,
    output: Option<&mut elman_output_t>,
) -> elman_status_t {
    status(ready(stream).and_then(|net| {
        if elements != net.model().inputs() {
            return Err(ELMAN_ERROR_LENGTH);
        }
        // SAFETY: as the header says.
        net.advance(unsafe { slice(frame, elements) }.ok_or(ELMAN_ERROR_POINTER)?);
        if let Some(output) = output {
            *output = elman_output_t::of(net.output());
        }
        Ok(ELMAN_OK)
    }))
}

/// One time step in closed loop: the elements fed back are the model's own previous output, 0 at first.
///
/// @param stream   The stream.
/// @param frame    The frame.
/// @param elements Its elements: elman_external_inputs().
/// @param output   Where the output goes, or NULL.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _LENGTH.
///
/// # Safety
/// The frame has as many elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_step_closed(
    stream: Option<&mut elman_stream_t>,
    frame: *const i16,
    elements: usize,
    output: Option<&mut elman_output_t>,
) -> elman_status_t {
    status(ready(stream).and_then(|net| {
        if elements != net.model().external_inputs() {
            return Err(ELMAN_ERROR_LENGTH);
        }
        // SAFETY: as the header says.
        net.advance_closed(unsafe { slice(frame, elements) }.ok_or(ELMAN_ERROR_POINTER)?);
        if let Some(output) = output {
            *output = elman_output_t::of(net.output());
        }
        Ok(ELMAN_OK)
    }))
}

/// The output for the states as they are.
///
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER or _NOT_READY.
#[unsafe(no_mangle)]
pub extern "C" fn elman_output(
    stream: Option<&mut elman_stream_t>,
    output: Option<&mut elman_output_t>,
) -> elman_status_t {
    status(ready(stream).and_then(|net| {
        *output.ok_or(ELMAN_ERROR_POINTER)? = elman_output_t::of(net.output());
        Ok(ELMAN_OK)
    }))
}

/// States as at the start: 0.
///
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER or _NOT_READY.
#[unsafe(no_mangle)]
pub extern "C" fn elman_reset(stream: Option<&mut elman_stream_t>) -> elman_status_t {
    status(ready(stream).map(|net| {
        net.reset();
        ELMAN_OK
    }))
}

/// Copies the states, to go on from them later: elman_restore().
///
/// @param stream The stream.
/// @param buffer Where they go.
/// @param words  Words of the buffer, at least elman_snapshot_words().
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _MEMORY.
///
/// # Safety
/// The buffer has as many words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_snapshot(
    stream: Option<&mut elman_stream_t>,
    buffer: *mut u32,
    words: usize,
) -> elman_status_t {
    status(ready(stream).and_then(|net| {
        // SAFETY: as the header says.
        let buffer = unsafe { slice_mut(buffer, words) }.ok_or(ELMAN_ERROR_POINTER)?;
        net.snapshot(buffer).map(|()| ELMAN_OK).map_err(|_| ELMAN_ERROR_MEMORY)
    }))
}

/// Takes the states of a snapshot of the same model.
///
/// @param stream The stream; it stays as it was where the snapshot is of another model or too short.
/// @param buffer What elman_snapshot() wrote.
/// @param words  Words of the buffer.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _SNAPSHOT.
///
/// # Safety
/// The buffer has as many words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_restore(
    stream: Option<&mut elman_stream_t>,
    buffer: *const u32,
    words: usize,
) -> elman_status_t {
    status(ready(stream).and_then(|net| {
        // SAFETY: as the header says.
        let buffer = unsafe { slice(buffer, words) }.ok_or(ELMAN_ERROR_POINTER)?;
        net.restore(buffer).map(|()| ELMAN_OK).map_err(|e| match e {
            elman::RunError::Snapshot { .. } => ELMAN_ERROR_SNAPSHOT,
            _ => ELMAN_ERROR_MEMORY,
        })
    }))
}

/// The hidden state of a layer (its output, where it is not recurrent), in the layer's format.
///
/// @param stream The stream.
/// @param layer  Number of the layer, from 0.
/// @param state  Where the pointer goes: it stays until the stream's next call.
/// @param count  Where the number of elements goes.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _RANGE.
#[unsafe(no_mangle)]
pub extern "C" fn elman_hidden_state(
    stream: Option<&mut elman_stream_t>,
    layer: usize,
    state: Option<&mut *const i16>,
    count: Option<&mut usize>,
) -> elman_status_t {
    status(ready(stream).and_then(|net| {
        let (state, count) = state.zip(count).ok_or(ELMAN_ERROR_POINTER)?;
        let hidden = net.hidden_state(layer);
        (*state, *count) = (hidden.as_ptr(), hidden.len());
        if hidden.is_empty() { Err(ELMAN_ERROR_RANGE) } else { Ok(ELMAN_OK) }
    }))
}

/// The class: number of the greatest logit, the first of equals.
///
/// @return The number; -1 where there are no logits or the pointer is NULL.
///
/// # Safety
/// The output is one that a function of this library wrote, and its stream was not called since.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_argmax(output: Option<&elman_output_t>) -> i32 {
    output
        .and_then(|o| {
            // SAFETY: as the header says.
            let logits = unsafe { slice(o.logits, o.count.into()) }?;
            Output { logits, frac: o.frac }.argmax()
        })
        .map_or(-1, i32::from)
}

/// Probabilities of the classes: p_k = exp(y_k) / sum of exp(y_j) of the logits y, in integers.
///
/// @param output An output.
/// @param probabilities Where they go: 32768 is 1.
/// @param count  Elements there is memory for; no more than as many are written as the output has.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER.
///
/// # Safety
/// The output is one that a function of this library wrote, and its stream was not called since; the memory has as many
/// elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_softmax(
    output: Option<&elman_output_t>,
    probabilities: *mut u16,
    count: usize,
) -> elman_status_t {
    let Some(output) = output else { return ELMAN_ERROR_POINTER };
    // SAFETY: as the header says.
    let (logits, p) = unsafe { (slice(output.logits, output.count.into()), slice_mut(probabilities, count)) };
    let (Some(logits), Some(p)) = (logits, p) else { return ELMAN_ERROR_POINTER };
    softmax(logits, output.frac, p);
    ELMAN_OK
}
