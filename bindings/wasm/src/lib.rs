//! A listener for a browser: samples in; features, logits, probabilities and events out, by the device's own code.
//!
//! Plain exports over static memory, without imports: an AudioWorklet can run it. The page asks for a pointer, writes bytes or
//! samples there through a view of the memory, and calls. All numbers are 32-bit integers. Nothing is allocated; the memory does
//! not grow.
//!
//! 1. [`elman_blob`] gives the place of a blob, [`elman_load`] makes a listener of what was written there.
//! 2. [`elman_samples`] is where a block of samples is written, [`elman_push`] takes it and says how many frames it completed.
//! 3. [`elman_features`], [`elman_logits`], [`elman_probabilities`], [`elman_means`] and [`elman_events`] have a row for each of them.
//!
//! A model without a detector runs with one that reports nothing.
#![no_std]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

mod place;
mod results;
mod text;

use elman::arith::Probability;
use elman::detect::{self, MAX_OUTPUTS};
use elman::{Blob, Error, Listener, Model};

use place::Place;
use results::{FRAMES, Results};
use text::Text;

/// Words of the largest blob: 1 MiB.
const BLOB_WORDS: usize = 1 << 18;
/// Words of a listener's memory: 512 KiB.
const MEMORY_WORDS: usize = 1 << 17;
/// Samples that a push takes, where the hop allows it.
const SAMPLES: usize = 4096;

static BLOB: Place<[u32; BLOB_WORDS]> = Place::new([0; BLOB_WORDS]);
static MEMORY: Place<[u32; MEMORY_WORDS]> = Place::new([0; MEMORY_WORDS]);
static SAMPLE_BLOCK: Place<[i16; SAMPLES]> = Place::new([0; SAMPLES]);
static MODEL: Place<Option<Model<'static>>> = Place::new(None);
static DETECTOR: Place<Option<detect::Config>> = Place::new(None);
static LISTENER: Place<Option<Listener<'static, 'static>>> = Place::new(None);
static RESULTS: Place<Results> = Place::new(Results::new());
static TEXT: Place<Text> = Place::new(Text::new());

/// Nothing that the listener does panics; where something did after all, the instance ends with a trap that the page sees.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// The listener, where a model is loaded.
fn listener() -> Option<&'static mut Listener<'static, 'static>> {
    // SAFETY: each export that calls this calls it once, and gives nothing of it to the page.
    unsafe { LISTENER.get() }.as_mut()
}

/// The model, where one is loaded.
fn model() -> Option<&'static Model<'static>> {
    // SAFETY: it is shared with the listener, which does not change it either; `forget` alone changes it, and no reference is
    // used across that.
    unsafe { (*MODEL.address()).as_ref() }
}

/// Forgets the listener, its detector and its model, in this order: each refers to the next.
fn forget() {
    // SAFETY: no reference of an earlier export is used any more. After these lines nothing refers to BLOB and MEMORY.
    unsafe {
        *LISTENER.get() = None;
        *DETECTOR.get() = None;
        *MODEL.get() = None;
        RESULTS.get().clear();
    }
}

/// The place for a blob of so many bytes; 0 where it is too large. The model before it is forgotten.
#[unsafe(no_mangle)]
pub extern "C" fn elman_blob(bytes: usize) -> *mut u8 {
    forget();
    if bytes > 4 * BLOB_WORDS { core::ptr::null_mut() } else { BLOB.address().cast() }
}

/// Makes a listener of the bytes that were written to [`elman_blob`]: 0, or -1 where that is none; [`elman_text`] says why.
#[unsafe(no_mangle)]
pub extern "C" fn elman_load(bytes: usize) -> i32 {
    forget();
    // SAFETY: no reference of an earlier export is used any more.
    let text = unsafe { TEXT.get() };
    text.clear();
    match load(bytes) {
        Ok(()) => 0,
        Err(error) => {
            forget();
            text.write(&error);
            -1
        }
    }
}

fn load(bytes: usize) -> Result<(), Error> {
    // SAFETY: `forget` has ended all references; from here on the blob is read alone, until the next `forget`.
    let words: &'static [u32] = unsafe { &*BLOB.address() };
    let blob = Blob::new(words.get(..bytes.div_ceil(4)).unwrap_or(words));
    // SAFETY: as above, each is used once; the listener's references to model, detector and memory stay until `forget`.
    let (model, detector, memory) = unsafe { (MODEL.get(), DETECTOR.get(), MEMORY.get()) };
    let model: &'static Model<'static> = model.insert(Model::load(blob)?);
    let silent = [Probability::ONE; MAX_OUTPUTS];
    let config = match model.detect() {
        Some(config) => config,
        None => detector.insert(
            detect::Config::new(silent.get(..model.outputs()).unwrap_or(&silent)).map_err(elman::RunError::Detect)?,
        ),
    };
    let made = Listener::with_detector(model, config, memory)?;
    // SAFETY: as above.
    unsafe { *LISTENER.get() = Some(made) };
    Ok(())
}

/// Why the last [`elman_load`] failed, in UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn elman_text() -> *const u8 {
    TEXT.address().cast()
}

/// Bytes of [`elman_text`].
#[unsafe(no_mangle)]
pub extern "C" fn elman_text_bytes() -> usize {
    // SAFETY: no reference of an earlier export is used any more.
    unsafe { TEXT.get() }.length()
}

/// The model's name, in UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn elman_name() -> *const u8 {
    model().map_or(core::ptr::null(), |m| m.name().as_ptr())
}

/// Bytes of [`elman_name`].
#[unsafe(no_mangle)]
pub extern "C" fn elman_name_bytes() -> usize {
    model().map_or(0, |m| m.name().len())
}

/// The model's labels, a line each, in UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn elman_labels() -> *const u8 {
    model().map_or(core::ptr::null(), |m| m.descriptor().labels.as_ptr())
}

/// Bytes of [`elman_labels`].
#[unsafe(no_mangle)]
pub extern "C" fn elman_labels_bytes() -> usize {
    model().map_or(0, |m| m.descriptor().labels.len())
}

/// Samples a second.
#[unsafe(no_mangle)]
pub extern "C" fn elman_sample_rate() -> u32 {
    model().and_then(Model::audio).map_or(0, |a| a.sample_rate)
}

/// Samples from the start of a window to the start of the next.
#[unsafe(no_mangle)]
pub extern "C" fn elman_hop() -> u32 {
    model().and_then(Model::audio).map_or(0, |a| a.hop.into())
}

/// Samples of a window.
#[unsafe(no_mangle)]
pub extern "C" fn elman_window() -> u32 {
    model().and_then(Model::audio).map_or(0, |a| a.window.into())
}

/// Features of a frame.
#[unsafe(no_mangle)]
pub extern "C" fn elman_feature_count() -> usize {
    model().and_then(Model::audio).map_or(0, |a| a.features())
}

/// Outputs of the network.
#[unsafe(no_mangle)]
pub extern "C" fn elman_outputs() -> usize {
    model().map_or(0, Model::outputs)
}

/// Fraction bits of the logits.
#[unsafe(no_mangle)]
pub extern "C" fn elman_out_frac() -> u32 {
    model().map_or(0, |m| m.out_frac().into())
}

/// 1 where the model has a detector: an operating point.
#[unsafe(no_mangle)]
pub extern "C" fn elman_has_detector() -> u32 {
    model().map_or(0, |m| m.detect().is_some().into())
}

/// The place for a block of samples of 16 bits.
#[unsafe(no_mangle)]
pub extern "C" fn elman_samples() -> *mut i16 {
    SAMPLE_BLOCK.address().cast()
}

/// Samples that a push takes at most: as many as complete no more frames than there are rows for.
#[unsafe(no_mangle)]
pub extern "C" fn elman_samples_capacity() -> usize {
    let hop = model().and_then(Model::audio).map_or(0, |a| usize::from(a.hop));
    SAMPLES.min(hop.saturating_mul(FRAMES))
}

/// Takes the first samples of [`elman_samples`]: how many frames they completed, or -1 where nothing is loaded or they are too
/// many.
#[unsafe(no_mangle)]
pub extern "C" fn elman_push(count: usize) -> i32 {
    if count > elman_samples_capacity() {
        return -1;
    }
    let Some(listener) = listener() else { return -1 };
    // SAFETY: the page writes samples between exports only, and no other reference to the results is used any more.
    let (samples, results) = unsafe { (SAMPLE_BLOCK.get(), RESULTS.get()) };
    results.clear();
    let reports = elman_has_detector() == 1;
    listener.push_each(samples.get(..count).unwrap_or_default(), |frame| results.add(&frame, reports));
    results.frames() as i32
}

/// Features of the frames of the last push, in Q6.9, a row a frame.
#[unsafe(no_mangle)]
pub extern "C" fn elman_features() -> *const i16 {
    // SAFETY: no reference of an earlier export is used any more.
    unsafe { RESULTS.get() }.features.as_ptr()
}

/// Logits of the frames of the last push, with [`elman_out_frac`] fraction bits.
#[unsafe(no_mangle)]
pub extern "C" fn elman_logits() -> *const i16 {
    // SAFETY: as in `elman_features`.
    unsafe { RESULTS.get() }.logits.as_ptr()
}

/// Probabilities of the outputs, 32768 for 1.
#[unsafe(no_mangle)]
pub extern "C" fn elman_probabilities() -> *const u16 {
    // SAFETY: as in `elman_features`.
    unsafe { RESULTS.get() }.probabilities.as_ptr()
}

/// Their means over the detector's smoothing.
#[unsafe(no_mangle)]
pub extern "C" fn elman_means() -> *const u16 {
    // SAFETY: as in `elman_features`.
    unsafe { RESULTS.get() }.means.as_ptr()
}

/// Three words a frame: the class of its event and 1, or 0 where it has none; the score, 32768 for 1; the step.
#[unsafe(no_mangle)]
pub extern "C" fn elman_events() -> *const u32 {
    // SAFETY: as in `elman_features`.
    unsafe { RESULTS.get() }.events.as_ptr()
}

/// Frames since the start.
#[unsafe(no_mangle)]
pub extern "C" fn elman_steps() -> u32 {
    listener().map_or(0, |l| l.detector().steps())
}

/// To the start of a stream of samples: 0, or -1 where nothing is loaded.
#[unsafe(no_mangle)]
pub extern "C" fn elman_reset() -> i32 {
    listener().map_or(-1, |listener| {
        listener.reset();
        0
    })
}
