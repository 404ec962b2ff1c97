//! Listeners: samples in, events out.

use elman::Listener;
use elman::arith::Probability;
use elman::detect::Event;

use crate::error::*;
use crate::model::{elman_model_t, kept};
use crate::place::{Opaque, slice, slice_mut};
use crate::stream::status;

/// Words (size_t) of an elman_listener_t.
pub const ELMAN_LISTENER_WORDS: usize = 36;

/// Front end, network and detector of a model. Its field is private.
#[repr(C)]
pub struct elman_listener_t {
    /// Not to be read or written.
    pub opaque: [usize; ELMAN_LISTENER_WORDS],
}

// SAFETY: an array of words.
unsafe impl Opaque for elman_listener_t {
    type Value = Listener<'static, 'static>;
    const MARK: usize = 0x454C_0004;
}

/// A detected word.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct elman_event_t {
    /// Number of the step (frame), from 0, modulo 2^32.
    pub step: u32,
    /// The class: number of the output and of its label.
    pub class_index: u16,
    /// Mean probability of the class: 32768 is 1.
    pub score: u16,
}

impl elman_event_t {
    fn event(&self) -> Event {
        Event { class: self.class_index, step: self.step, score: Probability::from_bits(self.score) }
    }
}

#[inline(always)]
fn ready(listener: Option<&mut elman_listener_t>) -> Result<&mut Listener<'static, 'static>, elman_status_t> {
    listener.ok_or(ELMAN_ERROR_POINTER)?.get_mut().ok_or(ELMAN_ERROR_NOT_READY)
}

/// A listener at the start of a stream of samples.
///
/// @param listener What becomes the listener; whatever it holds.
/// @param model    A loaded model with front end and detector, which stays unmoved as long as the listener is used.
/// @param memory   The states, whatever they hold.
/// @param words    Words of the memory, at least elman_listener_words().
/// @param error    Where the error goes for elman_error_text(), or NULL.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _RUNNER.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_listener_init(
    listener: Option<&mut elman_listener_t>,
    model: Option<&elman_model_t>,
    memory: *mut u32,
    words: usize,
    error: Option<&mut elman_error_t>,
) -> elman_status_t {
    // SAFETY: as the header says.
    let (Some(listener), Some(memory)) = (listener, unsafe { slice_mut(memory, words) }) else {
        return ELMAN_ERROR_POINTER;
    };
    listener.clear();
    // SAFETY: the model stays unmoved, as the header says.
    match unsafe { kept(model) }.map(|m| Listener::new(m, memory)) {
        Ok(Ok(it)) => {
            listener.put(it);
            ELMAN_OK
        }
        Ok(Err(e)) => keep(e, error),
        Err(status) => status,
    }
}

/// Takes a block of samples of any length, at elman_sample_rate() a second. The same samples give the same events however they
/// are cut.
///
/// @param listener The listener.
/// @param samples  Samples of 16 bits.
/// @param count    How many.
/// @param event    Where the last event of the block goes, or NULL; for blocks shorter than the refractory time it is the only one.
/// @return ELMAN_EVENT where there is one, ELMAN_OK where there is none, or ELMAN_ERROR_POINTER or _NOT_READY.
///
/// # Safety
/// There are as many samples.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_listener_push(
    listener: Option<&mut elman_listener_t>,
    samples: *const i16,
    count: usize,
    event: Option<&mut elman_event_t>,
) -> elman_status_t {
    status(ready(listener).and_then(|listener| {
        // SAFETY: as the header says.
        let samples = unsafe { slice(samples, count) }.ok_or(ELMAN_ERROR_POINTER)?;
        let Some(Event { class, step, score }) = listener.push(samples) else { return Ok(ELMAN_OK) };
        if let Some(event) = event {
            *event = elman_event_t { step, class_index: class, score: score.to_bits() };
        }
        Ok(ELMAN_EVENT)
    }))
}

/// When an event was detected.
///
/// @return Milliseconds from the start of the stream to the end of the event's frame; 0 where a pointer is NULL or the listener
/// was not made.
#[unsafe(no_mangle)]
pub extern "C" fn elman_event_milliseconds(listener: Option<&elman_listener_t>, event: Option<&elman_event_t>) -> u64 {
    let listener = listener.and_then(Opaque::get);
    listener.zip(event).map_or(0, |(listener, event)| listener.milliseconds(&event.event()))
}

/// Everything as at the start of a stream of samples.
///
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER or _NOT_READY.
#[unsafe(no_mangle)]
pub extern "C" fn elman_listener_reset(listener: Option<&mut elman_listener_t>) -> elman_status_t {
    status(ready(listener).map(|listener| {
        listener.reset();
        ELMAN_OK
    }))
}
