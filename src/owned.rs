//! A model and its states in one object, by value: for a field of a struct, or one static.
//!
//! ```
//! use elman::{Blob, Error, OwnedListener};
//!
//! static BLOB: Blob<'static> = elman::include_blob!("../boards/listens.elman");
//!
//! struct Toy {
//!     ear: OwnedListener<'static, { BLOB.listener_words() }>, // exact, known at compile time
//!     words: u32,
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let mut toy = Toy { ear: OwnedListener::load(BLOB)?, words: 0 };
//! if let Some(event) = toy.ear.push(&[0; 320]) {
//!     println!("{:?}, score {}", toy.ear.label(&event), event.score);
//!     toy.words += 1;
//! }
//! # assert_eq!(toy.words, 0);
//! # Ok(()) }
//! ```
//!
//! Nothing in it points to itself, so it may be moved at any time. Loading needs it two or three times on the stack (11 to
//! 18 kB for a keyword spotter of 3.4 kB); [`Storage`](crate::Storage) is loaded in place, and is for a static.

use crate::blob::{Blob, Model};
use crate::detect::{self, Event};
use crate::listener::{self, FrameResult, Listener, Progress};
use crate::memory::MemoryError;
use crate::net::{Output, RunError, Stream, stream};
use crate::{Error, audio};

/// A [`Stream`] that owns its model and its states: `WORDS` is [`Blob::memory_words`], or more.
#[derive(Clone, Debug)]
pub struct OwnedStream<'b, const WORDS: usize> {
    model: Model<'b>,
    memory: [u32; WORDS],
}

impl<'b, const WORDS: usize> OwnedStream<'b, WORDS> {
    /// Loads a blob and puts its stream to the start.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and of [`OwnedStream::new`].
    #[inline]
    pub fn load(blob: Blob<'b>) -> Result<Self, Error> {
        Ok(OwnedStream::new(Model::load(blob)?)?)
    }

    /// A stream at the start: all states are 0.
    ///
    /// # Errors
    /// As [`Model::stream`]: [`RunError::Memory`] where `WORDS` is less than the model requires.
    #[inline]
    pub fn new(model: Model<'b>) -> Result<Self, RunError> {
        model.check_streams()?;
        check_words(WORDS, model.memory_words())?;
        Ok(OwnedStream { model, memory: [0; WORDS] })
    }

    /// The model.
    pub fn model(&self) -> &Model<'b> {
        &self.model
    }

    /// The states.
    fn states(&self) -> &[u32] {
        self.memory.get(..self.model.memory_words()).unwrap_or_default()
    }

    /// The stream in its borrowing form, for all that it does: snapshots, symbols, closed loops.
    #[inline(always)]
    pub fn stream(&mut self) -> Stream<'_, 'b> {
        let states = self.memory.get_mut(..self.model.memory_words()).unwrap_or_default();
        Stream::resume(&self.model, states)
    }

    /// [`Stream::step`].
    pub fn step(&mut self, frame: &[i16]) -> Output<'_> {
        self.stream().advance(frame);
        self.output()
    }

    /// [`Stream::try_step`].
    ///
    /// # Errors
    /// [`RunError::FrameLength`] where the frame's length is not [`Model::inputs`].
    pub fn try_step(&mut self, frame: &[i16]) -> Result<Output<'_>, RunError> {
        stream::check_frame(frame, self.model.inputs())?;
        Ok(self.step(frame))
    }

    /// [`Stream::step_closed`].
    pub fn step_closed(&mut self, frame: &[i16]) -> Output<'_> {
        self.stream().advance_closed(frame);
        self.output()
    }

    /// [`Stream::output`].
    pub fn output(&mut self) -> Output<'_> {
        stream::output(&self.model, self.memory.get_mut(..self.model.memory_words()).unwrap_or_default())
    }

    /// [`Stream::hidden_state`].
    pub fn hidden_state(&self, k: usize) -> &[i16] {
        stream::hidden_state(&self.model, self.states(), k)
    }

    /// [`Stream::carried_state`].
    pub fn carried_state(&self, k: usize) -> &[i32] {
        stream::carried_state(&self.model, self.states(), k)
    }

    /// [`Stream::reset`].
    pub fn reset(&mut self) {
        self.memory.fill(0);
    }
}

/// A [`Listener`] that owns its model and its states: `WORDS` is [`Blob::listener_words`], or more.
///
/// The parts' places in the memory are found again for each block: 185 to 300 instructions on a Cortex-M4, where a frame
/// takes tens of thousands. An [`OwnedStream`] takes 10 to 16 a step.
#[derive(Clone, Debug)]
pub struct OwnedListener<'b, const WORDS: usize> {
    model: Model<'b>,
    memory: [u32; WORDS],
    progress: Progress,
}

impl<'b, const WORDS: usize> OwnedListener<'b, WORDS> {
    /// Loads a blob and puts its listener to the start of a stream.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and of [`OwnedListener::new`].
    #[inline]
    pub fn load(blob: Blob<'b>) -> Result<Self, Error> {
        Ok(OwnedListener::new(Model::load(blob)?)?)
    }

    /// A listener at the start of a stream.
    ///
    /// # Errors
    /// As [`Listener::new`]: [`RunError::Memory`] where `WORDS` is less than the model requires.
    #[inline]
    pub fn new(model: Model<'b>) -> Result<Self, RunError> {
        let mut this = OwnedListener { model, memory: [0; WORDS], progress: Progress::default() };
        this.progress = Listener::new(&this.model, &mut this.memory)?.progress();
        Ok(this)
    }

    /// A listener with other parameters of the detector than the model's own, which become the model's.
    ///
    /// # Errors
    /// As [`OwnedListener::new`], and [`RunError::Detect`] where the parameters do not fit the model.
    pub fn with_detector(mut model: Model<'b>, detect: detect::Config) -> Result<Self, RunError> {
        model.set_detect(detect);
        OwnedListener::new(model)
    }

    /// The model.
    pub fn model(&self) -> &Model<'b> {
        &self.model
    }

    /// The parameters of the front end.
    pub fn audio(&self) -> &audio::Config {
        self.model.audio().unwrap_or(&audio::Config::HZ_16000)
    }

    /// What `work` does with the listener in its borrowing form.
    #[inline(always)]
    fn with<R>(&mut self, work: impl FnOnce(&mut Listener<'_, 'b>) -> R) -> Option<R> {
        let mut listener = Listener::resume(&self.model, &mut self.memory, self.progress)?;
        let result = work(&mut listener);
        self.progress = listener.progress();
        Some(result)
    }

    /// [`Listener::reset`].
    pub fn reset(&mut self) {
        self.with(|listener| listener.reset());
    }

    /// [`Listener::push`].
    pub fn push(&mut self, samples: &[i16]) -> Option<Event> {
        self.with(|listener| listener.push(samples)).flatten()
    }

    /// [`Listener::push_each`].
    pub fn push_each(&mut self, samples: &[i16], each: impl FnMut(FrameResult<'_>)) {
        self.with(|listener| listener.push_each(samples, each));
    }

    /// [`Listener::label`].
    pub fn label(&self, event: &Event) -> Option<&'b str> {
        self.model.label(event.class)
    }

    /// [`Listener::milliseconds`].
    pub fn milliseconds(&self, event: &Event) -> u64 {
        listener::milliseconds(self.audio(), event)
    }
}

/// Whether `provided` words are enough.
#[inline]
fn check_words(provided: usize, required: usize) -> Result<(), MemoryError> {
    if provided < required { Err(MemoryError { required, provided }) } else { Ok(()) }
}
