//! Blobs and models: loading, sizes, names.

use core::ffi::c_char;

#[cfg(not(elman_parts))]
use elman::operations::Operations;
use elman::{Blob, LoadError, Model};

use crate::error::*;
use crate::parts::elman_part_t;
#[cfg(not(elman_parts))]
use crate::parts::elman_parts_t;
use crate::place::{Opaque, Writer, slice, stays};

/// Version of the format of blobs that the library reads.
pub const ELMAN_FORMAT_VERSION: u16 = 6;
/// Double words (uint64_t) of an elman_model_t.
#[cfg(target_pointer_width = "32")]
pub const ELMAN_MODEL_DOUBLE_WORDS: usize = 223;
/// Double words (uint64_t) of an elman_model_t.
#[cfg(target_pointer_width = "64")]
pub const ELMAN_MODEL_DOUBLE_WORDS: usize = 353;

const _: () = assert!(ELMAN_FORMAT_VERSION == elman::blob::FORMAT_VERSION);

/// A loaded model: where its layers are in the blob. Its field is private.
///
/// It must not be moved or copied after elman_load().
#[repr(C)]
pub struct elman_model_t {
    /// Not to be read or written.
    pub opaque: [u64; ELMAN_MODEL_DOUBLE_WORDS],
}

/// A model and what it refers to. The parts are made before the model is.
pub(crate) struct Loaded {
    #[cfg(not(elman_parts))]
    parts: elman_parts_t,
    /// With the error in its place: so it is made where it stays, and never on the stack.
    model: Result<Model<'static>, LoadError>,
}

// SAFETY: an array of words.
unsafe impl Opaque for elman_model_t {
    type Value = Loaded;
    const MARK: usize = 0x454C_0002;
}

/// The model that was loaded.
#[inline(always)]
pub(crate) fn loaded(model: Option<&elman_model_t>) -> Result<&Model<'static>, elman_status_t> {
    let model = model.ok_or(ELMAN_ERROR_POINTER)?;
    model.get().and_then(|m| m.model.as_ref().ok()).ok_or(ELMAN_ERROR_NOT_READY)
}

/// The model for as long as something runs on it.
///
/// # Safety
/// C keeps it unmoved.
#[inline(always)]
pub(crate) unsafe fn kept(model: Option<&elman_model_t>) -> Result<&'static Model<'static>, elman_status_t> {
    // SAFETY: as the caller says.
    loaded(model).map(|m| unsafe { stays(m) })
}

/// Words (uint32_t) of memory for a stream or sequence of a blob, before it is loaded; 0 where it is no blob.
///
/// @param blob  The blob, aligned to 4 bytes.
/// @param words Words of the blob.
///
/// # Safety
/// The blob has as many words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_blob_memory_words(blob: *const u32, words: usize) -> usize {
    // SAFETY: as the header says.
    unsafe { slice(blob, words) }.map_or(0, |words| Blob::new(words).memory_words())
}

/// Words (uint32_t) of memory for a listener of a blob, before it is loaded; 0 where it is no blob.
///
/// @param blob  The blob, aligned to 4 bytes.
/// @param words Words of the blob.
///
/// # Safety
/// The blob has as many words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_blob_listener_words(blob: *const u32, words: usize) -> usize {
    // SAFETY: as the header says.
    unsafe { slice(blob, words) }.map_or(0, |words| Blob::new(words).listener_words())
}

/// What a list of parts names; none where it is too long.
///
/// # Safety
/// The list ends with a NULL, and what is gathered stays unmoved.
#[cfg(not(elman_parts))]
#[inline(always)]
unsafe fn operations(parts: *const elman_part_t, known: &mut elman_parts_t) -> Option<&'static Operations> {
    let mut next = parts;
    // SAFETY: the list goes on to a NULL, as the caller says.
    while let Some(part) = unsafe { *next } {
        part(known);
        next = next.wrapping_add(1);
    }
    if known.full {
        return None;
    }
    // All of them know their layers already.
    if !known.layers.is_empty() {
        // SAFETY: they are in the caller's model, which stays unmoved as long as it is used.
        let layers: &'static [elman::operations::LayerOperation] = unsafe { stays(&known.layers) };
        known.operations = known.operations.with_layers(layers);
    }
    // SAFETY: as the layers.
    Some(unsafe { stays(&known.operations) })
}

/// Not inlined: what it returns is written in its place.
#[inline(never)]
fn load(operations: &'static elman::Operations, words: &'static [u32]) -> Result<Model<'static>, LoadError> {
    Model::load_with(operations, Blob::new(words))
}

/// Loads a model: validates every byte of the blob, once. A hostile blob gets an error; it causes no read outside.
///
/// Takes about twice the bytes of an elman_model_t of stack.
///
/// @param model What becomes the model; whatever it holds. Nothing may run on it.
/// @param blob  The blob, aligned to 4 bytes, e.g. in flash. It stays as long as the model.
/// @param words Words of the blob.
/// @param parts Layers and parts that the model may use: a list that ends with NULL.
/// @param error Where the error goes for elman_error_text(), or NULL.
/// @return ELMAN_OK, or ELMAN_ERROR_POINTER, _BLOB, _PART or _PARTS; the model is not loaded then.
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_load(
    model: Option<&mut elman_model_t>,
    blob: *const u32,
    words: usize,
    parts: *const elman_part_t,
    error: Option<&mut elman_error_t>,
) -> elman_status_t {
    // SAFETY: as the header says.
    let (Some(model), Some(words)) = (model, unsafe { slice(blob, words) }) else { return ELMAN_ERROR_POINTER };
    model.clear();
    if parts.is_null() {
        return ELMAN_ERROR_POINTER;
    }
    // SAFETY: all fields are written.
    let loaded = unsafe {
        model.fill(|to| {
            (&raw mut (*to).model).write(Err(LoadError::NoLayers));
            #[cfg(not(elman_parts))]
            {
                (&raw mut (*to).parts.layers).write(heapless::Vec::new());
                (&raw mut (*to).parts.operations).write(Operations::of(&[]));
                (&raw mut (*to).parts.full).write(false);
            }
        })
    };
    // SAFETY: the list goes on to a NULL, as the header says.
    #[cfg(not(elman_parts))]
    let Some(operations) = (unsafe { operations(parts, &mut loaded.parts) }) else { return ELMAN_ERROR_PARTS };
    #[cfg(elman_parts)]
    let operations = &crate::parts::own::OPERATIONS;
    // SAFETY: it is in its place; what was there has nothing to be dropped.
    unsafe { (&raw mut loaded.model).write(load(operations, words)) };
    #[cfg(feature = "planted")]
    let _ = core::hint::black_box(words[core::hint::black_box(7)]);
    match loaded.model {
        Ok(_) => ELMAN_OK,
        Err(e) => keep(e, error),
    }
}

/// A size of a model; 0 where it is not loaded.
macro_rules! size {
    ($model:expr, $size:expr) => {
        loaded($model).map_or(0, $size)
    };
}

/// Elements (int16_t) of an input frame, one a time step; 0 where the model is not loaded.
#[unsafe(no_mangle)]
pub extern "C" fn elman_inputs(model: Option<&elman_model_t>) -> usize {
    size!(model, Model::inputs)
}

/// Elements of an input frame that the caller provides in closed loop: all but those fed back. See elman_step_closed().
#[unsafe(no_mangle)]
pub extern "C" fn elman_external_inputs(model: Option<&elman_model_t>) -> usize {
    size!(model, Model::external_inputs)
}

/// Elements (int16_t) of the output: the number of classes of a classifier.
#[unsafe(no_mangle)]
pub extern "C" fn elman_outputs(model: Option<&elman_model_t>) -> usize {
    size!(model, Model::outputs)
}

/// Fraction bits of an input frame: an element x stands for x / 2^bits.
#[unsafe(no_mangle)]
pub extern "C" fn elman_in_frac(model: Option<&elman_model_t>) -> u8 {
    size!(model, Model::in_frac)
}

/// Fraction bits of the output.
#[unsafe(no_mangle)]
pub extern "C" fn elman_out_frac(model: Option<&elman_model_t>) -> u8 {
    size!(model, Model::out_frac)
}

/// Words (uint32_t) of memory of a stream, or of a sequence where elman_max_steps() is not 0.
#[unsafe(no_mangle)]
pub extern "C" fn elman_memory_words(model: Option<&elman_model_t>) -> usize {
    size!(model, Model::memory_words)
}

/// Words (uint32_t) of memory of a listener.
#[unsafe(no_mangle)]
pub extern "C" fn elman_listener_words(model: Option<&elman_model_t>) -> usize {
    size!(model, |m| {
        let frame = m.frame();
        [frame.memory_words, frame.audio_words, frame.detect_words].iter().fold(0u32, |n, w| n.wrapping_add(*w))
            as usize
    })
}

/// Words (uint32_t) that elman_snapshot() writes.
#[unsafe(no_mangle)]
pub extern "C" fn elman_snapshot_words(model: Option<&elman_model_t>) -> usize {
    size!(model, |m| m.memory_words().wrapping_add(elman::net::SNAPSHOT_EXTRA_WORDS))
}

/// Words (uint32_t) of memory for sequences of up to so many steps.
#[unsafe(no_mangle)]
pub extern "C" fn elman_sequence_words(model: Option<&elman_model_t>, steps: usize) -> usize {
    size!(model, |m| m.sequence_words(steps))
}

/// Steps of the longest sequence of a model that reads backward; 0 for a model that runs as a stream.
#[unsafe(no_mangle)]
pub extern "C" fn elman_max_steps(model: Option<&elman_model_t>) -> usize {
    size!(model, Model::max_steps)
}

/// Samples a second that the model's audio front end reads, in Hz; 0 where the input is no sound.
#[unsafe(no_mangle)]
pub extern "C" fn elman_sample_rate(model: Option<&elman_model_t>) -> u32 {
    size!(model, |m| m.audio().map_or(0, |a| a.sample_rate))
}

/// CRC-32C of the blob, which marks the model's snapshots.
#[unsafe(no_mangle)]
pub extern "C" fn elman_crc(model: Option<&elman_model_t>) -> u32 {
    size!(model, Model::crc)
}

/// The label of a class, in UTF-8.
///
/// @param model  The model.
/// @param class_index Number of the class, from 0.
/// @param buffer Memory for the text, which ends with NUL and is cut where it does not fit; NULL where size is 0.
/// @param size   Bytes of the buffer.
/// @return Bytes of the whole label without the NUL; 0 where there is none.
///
/// # Safety
/// The buffer has as many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_label(
    model: Option<&elman_model_t>,
    class_index: u16,
    buffer: *mut c_char,
    size: usize,
) -> usize {
    let label = loaded(model).ok().and_then(|m| m.label(class_index)).unwrap_or_default();
    // SAFETY: as the header says.
    unsafe { Writer::new(buffer, size) }.end(label)
}

/// The name of a model, in UTF-8; see elman_label().
///
/// # Safety
/// The buffer has as many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn elman_name(model: Option<&elman_model_t>, buffer: *mut c_char, size: usize) -> usize {
    // SAFETY: as the header says.
    unsafe { Writer::new(buffer, size) }.end(loaded(model).map_or("", Model::name))
}
