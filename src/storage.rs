//! One static for a model and its states.
//!
//! ```
//! use elman::{Blob, Error, Listener, Storage};
//! use static_cell::ConstStaticCell;
//!
//! static BLOB: Blob<'static> = elman::include_blob!("../boards/listens.elman"); // in flash
//! static STORAGE: ConstStaticCell<Storage<'static, { BLOB.listener_words() }>> = ConstStaticCell::new(Storage::new());
//!
//! struct Toy {
//!     listener: Listener<'static, 'static>, // it points into the static, so that it may be moved
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let mut toy = Toy { listener: STORAGE.take().listener(BLOB)? };
//! if let Some(event) = toy.listener.push(&[0; 320]) {
//!     println!("{:?}, score {}", toy.listener.label(&event), event.score);
//! }
//! # assert_eq!(toy.listener.detector().steps(), 1);
//! # Ok(()) }
//! ```

use crate::blob::{LoadError, Model};
use crate::net::{Graph, Seq2seq, Sequence, Stream, Tree};
use crate::{Error, Listener};

/// A place for a model and for `WORDS` words of its states: [`Blob::listener_words`](crate::Blob::listener_words) or
/// [`Blob::memory_words`](crate::Blob::memory_words).
///
/// It is 0 before it is used, so that a static of it takes no flash, and states are made in place: nothing but the model
/// is ever on the stack. Its methods take a blob, or a model from [`Model::load_with`] with the operations that are named. For an object that owns both and may be moved see [`OwnedListener`](crate::OwnedListener).
#[derive(Debug)]
pub struct Storage<'b, const WORDS: usize> {
    /// One, once there is one. An `Option` without a model would not be 0.
    model: heapless::Vec<Model<'b>, 1>,
    memory: [u32; WORDS],
}

impl<'b, const WORDS: usize> Storage<'b, WORDS> {
    /// An empty place.
    pub const fn new() -> Self {
        Storage { model: heapless::Vec::new(), memory: [0; WORDS] }
    }

    /// Puts a model in the place of the one before.
    #[inline(always)]
    fn put<M: TryInto<Model<'b>>>(&mut self, model: M) -> Result<(&Model<'b>, &mut [u32]), Error>
    where
        Error: From<M::Error>,
    {
        let Storage { model: place, memory } = self;
        place.clear();
        // There is a place for one.
        let _ = place.push(model.try_into()?);
        Ok((place.first().ok_or(LoadError::NoLayers)?, memory))
    }

    /// A listener at the start of a stream.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Listener::new`]: [`RunError::Memory`](crate::RunError::Memory) where `WORDS` is less than the model requires.
    pub fn listener<M: TryInto<Model<'b>>>(&mut self, model: M) -> Result<Listener<'_, 'b>, Error>
    where
        Error: From<M::Error>,
    {
        let (model, memory) = self.put(model)?;
        Ok(Listener::new(model, memory)?)
    }

    /// A stream at its start: a step per frame.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::stream`].
    pub fn stream<M: TryInto<Model<'b>>>(&mut self, model: M) -> Result<Stream<'_, 'b>, Error>
    where
        Error: From<M::Error>,
    {
        let (model, memory) = self.put(model)?;
        Ok(model.stream(memory)?)
    }

    /// A model that runs whole sequences.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::sequence`].
    pub fn sequence<M: TryInto<Model<'b>>>(&mut self, model: M) -> Result<Sequence<'_, 'b>, Error>
    where
        Error: From<M::Error>,
    {
        let (model, memory) = self.put(model)?;
        Ok(model.sequence(memory)?)
    }

    /// An encoder-decoder.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::seq2seq`].
    pub fn seq2seq<M: TryInto<Model<'b>>>(&mut self, model: M) -> Result<Seq2seq<'_, 'b>, Error>
    where
        Error: From<M::Error>,
    {
        let (model, memory) = self.put(model)?;
        Ok(model.seq2seq(memory)?)
    }

    /// A model of trees.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::tree`].
    pub fn tree<M: TryInto<Model<'b>>>(&mut self, model: M) -> Result<Tree<'_, 'b>, Error>
    where
        Error: From<M::Error>,
    {
        let (model, memory) = self.put(model)?;
        Ok(model.tree(memory)?)
    }

    /// A graph network.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::graph`].
    pub fn graph<M: TryInto<Model<'b>>>(&mut self, model: M) -> Result<Graph<'_, 'b>, Error>
    where
        Error: From<M::Error>,
    {
        let (model, memory) = self.put(model)?;
        Ok(model.graph(memory)?)
    }
}

impl<const WORDS: usize> Default for Storage<'_, WORDS> {
    fn default() -> Self {
        Storage::new()
    }
}
