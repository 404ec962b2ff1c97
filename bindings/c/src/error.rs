//! Status codes, and the sentences of errors.

use core::ffi::c_char;

use elman::{Error, LoadError, RunError};

use crate::place::{Opaque, Writer};

/// What a function says. Errors are negative, and nothing was changed then.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum elman_status_t {
    /// There is an event: elman_listener_push() has written it.
    ELMAN_EVENT = 1,
    /// Done.
    ELMAN_OK = 0,
    /// A pointer is NULL or not aligned as its type must be.
    ELMAN_ERROR_POINTER = -1,
    /// The object was not made: elman_load() or its init function was not called or failed.
    ELMAN_ERROR_NOT_READY = -2,
    /// The blob is damaged, of another version or packed for another core: export the model again.
    ELMAN_ERROR_BLOB = -3,
    /// The model needs a layer or part that is not in the list of parts: use the list that `elman export` wrote.
    ELMAN_ERROR_PART = -4,
    /// The list of parts has more layers than ELMAN_MAX_LAYER_PARTS.
    ELMAN_ERROR_PARTS = -5,
    /// The memory has too few words.
    ELMAN_ERROR_MEMORY = -6,
    /// The model runs in another way: one that reads backward as a sequence, one without front end or detector as a stream.
    ELMAN_ERROR_RUNNER = -7,
    /// The input has another number of elements than the model reads.
    ELMAN_ERROR_LENGTH = -8,
    /// The snapshot is of another model.
    ELMAN_ERROR_SNAPSHOT = -9,
    /// There is no such class, layer, step or channel.
    ELMAN_ERROR_RANGE = -10,
    /// Another error: elman_error_text() says which.
    ELMAN_ERROR_OTHER = -11,
}

pub(crate) use elman_status_t::*;

/// Words (size_t) of an elman_error_t.
pub const ELMAN_ERROR_WORDS: usize = 8;

/// An error with its numbers, which elman_error_text() puts into a sentence. Its field is private.
#[repr(C)]
pub struct elman_error_t {
    /// Not to be read or written.
    pub opaque: [usize; ELMAN_ERROR_WORDS],
}

// SAFETY: an array of words.
unsafe impl Opaque for elman_error_t {
    type Value = Error;
    const MARK: usize = 0x454C_0001;
}

impl From<LoadError> for elman_status_t {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::UnknownLayer { .. }
            | LoadError::OperationMissing { .. }
            | LoadError::Audio(elman::audio::Error::OperationMissing { .. }) => ELMAN_ERROR_PART,
            _ => ELMAN_ERROR_BLOB,
        }
    }
}

/// The status of an error of making something that runs. Each caller has those errors alone that it can get, which are fewer bytes.
impl From<RunError> for elman_status_t {
    #[inline(always)]
    fn from(error: RunError) -> Self {
        match error {
            RunError::Memory(_) => ELMAN_ERROR_MEMORY,
            RunError::Audio(_) | RunError::Detect(_) => ELMAN_ERROR_OTHER,
            _ => ELMAN_ERROR_RUNNER,
        }
    }
}

/// The status of an error, which is kept where the caller wants it.
#[inline(always)]
pub(crate) fn keep<E>(error: E, to: Option<&mut elman_error_t>) -> elman_status_t
where
    E: Copy + Into<elman_status_t> + Into<Error>,
{
    keep_as(error.into(), error, to)
}

/// [`keep`] with a status of the caller's.
#[inline(always)]
pub(crate) fn keep_as(
    status: elman_status_t,
    error: impl Into<Error>,
    to: Option<&mut elman_error_t>,
) -> elman_status_t {
    if let Some(to) = to {
        to.put(error.into());
    }
    status
}

/// A status in a few words, in plain ASCII. The text stays.
///
/// @param status Any status; for a number that is none the text says so.
/// @return A string that ends with NUL, in flash.
#[unsafe(no_mangle)]
pub extern "C" fn elman_status_text(status: i32) -> *const c_char {
    let known = STATUSES.iter().position(|s| *s as i32 == status).unwrap_or(STATUSES.len());
    // One text after the other, each with its NUL.
    let mut at = 0usize;
    for _ in 0..known {
        let rest = TEXTS.get(at..).unwrap_or_default();
        at = at.wrapping_add(rest.iter().position(|byte| *byte == 0).unwrap_or_default()).wrapping_add(1);
    }
    TEXTS.get(at..).unwrap_or_default().as_ptr().cast()
}

/// Statuses in the order of [`TEXTS`].
const STATUSES: [elman_status_t; 13] = [
    ELMAN_EVENT,
    ELMAN_OK,
    ELMAN_ERROR_POINTER,
    ELMAN_ERROR_NOT_READY,
    ELMAN_ERROR_BLOB,
    ELMAN_ERROR_PART,
    ELMAN_ERROR_PARTS,
    ELMAN_ERROR_MEMORY,
    ELMAN_ERROR_RUNNER,
    ELMAN_ERROR_LENGTH,
    ELMAN_ERROR_SNAPSHOT,
    ELMAN_ERROR_RANGE,
    ELMAN_ERROR_OTHER,
];

/// A static, so that it has a section of its own, which a linker drops where nothing refers to it.
static TEXTS: [u8; 628] = *b"there is an event\0\
done\0\
a pointer is NULL or not aligned\0\
the object was not made: call elman_load or its init function first\0\
the blob is damaged, of another version or for another core: export the model again\0\
a layer or part of the model is not in the list of parts: use the one that was exported\0\
the list of parts has too many layers\0\
the memory has too few words\0\
the model runs in another way: as a sequence, or as a stream\0\
the input has another number of elements than the model reads\0\
the snapshot is of another model\0\
there is no such class, layer, step or channel\0\
another error: elman_error_text says which\0\
no status of elman\0";

/// An error as a sentence in UTF-8, with its numbers and the way out. Links the sentences of all errors, some KB of
/// flash: for logs of a build for development. elman_status_text() is small.
///
/// @param error  What a function wrote, or NULL.
/// @param buffer Memory for the text, which ends with NUL and is cut where it does not fit; NULL where size is 0.
/// @param size   Bytes of the buffer.
/// @return Bytes of the whole text without the NUL; 0 where there is no error.
///
/// # Safety
/// The buffer has as many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_error_text(error: Option<&elman_error_t>, buffer: *mut c_char, size: usize) -> usize {
    // SAFETY: as the header says.
    #[allow(unused_mut)]
    let mut writer = unsafe { Writer::new(buffer, size) };
    #[cfg(not(feature = "sentences"))]
    let _ = error;
    #[cfg(feature = "sentences")]
    if let Some(error) = error.and_then(Opaque::get) {
        use core::fmt::Write;
        // It takes all that is written to it.
        let _ = write!(writer, "{error}");
    }
    writer.end("")
}
