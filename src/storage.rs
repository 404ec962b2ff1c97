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

use crate::blob::{Blob, LoadError, Model};
use crate::net::{Graph, Seq2seq, Sequence, Stream, Tree};
use crate::{Error, Listener};

/// A place for a model and for `WORDS` words of its states: [`Blob::listener_words`] or [`Blob::memory_words`].
///
/// It is 0 before it is used, so that a static of it takes no flash, and what runs in it is loaded in place: nothing but the
/// model itself is ever on the stack. For an object that owns both and may be moved see
/// [`OwnedListener`](crate::OwnedListener).
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

    /// Loads a model in place of the one before.
    #[inline(always)]
    fn load(&mut self, blob: Blob<'b>) -> Result<(&Model<'b>, &mut [u32]), LoadError> {
        let Storage { model, memory } = self;
        model.clear();
        // There is a place for one.
        let _ = model.push(Model::load(blob)?);
        Ok((model.first().ok_or(LoadError::NoLayers)?, memory))
    }

    /// Loads a model that listens.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Listener::new`]: of memory where `WORDS` is less than the model requires.
    pub fn listener(&mut self, blob: Blob<'b>) -> Result<Listener<'_, 'b>, Error> {
        let (model, memory) = self.load(blob)?;
        Ok(Listener::new(model, memory)?)
    }

    /// Loads a model that takes a step per frame.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::stream`].
    pub fn stream(&mut self, blob: Blob<'b>) -> Result<Stream<'_, 'b>, Error> {
        let (model, memory) = self.load(blob)?;
        Ok(model.stream(memory)?)
    }

    /// Loads a model that runs whole sequences.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::sequence`].
    pub fn sequence(&mut self, blob: Blob<'b>) -> Result<Sequence<'_, 'b>, Error> {
        let (model, memory) = self.load(blob)?;
        Ok(model.sequence(memory)?)
    }

    /// Loads an encoder-decoder.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::seq2seq`].
    pub fn seq2seq(&mut self, blob: Blob<'b>) -> Result<Seq2seq<'_, 'b>, Error> {
        let (model, memory) = self.load(blob)?;
        Ok(model.seq2seq(memory)?)
    }

    /// Loads a model of trees.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::tree`].
    pub fn tree(&mut self, blob: Blob<'b>) -> Result<Tree<'_, 'b>, Error> {
        let (model, memory) = self.load(blob)?;
        Ok(model.tree(memory)?)
    }

    /// Loads a graph network.
    ///
    /// # Errors
    /// The errors of [`Model::load`] and [`Model::graph`].
    pub fn graph(&mut self, blob: Blob<'b>) -> Result<Graph<'_, 'b>, Error> {
        let (model, memory) = self.load(blob)?;
        Ok(model.graph(memory)?)
    }
}

impl<const WORDS: usize> Default for Storage<'_, WORDS> {
    fn default() -> Self {
        Storage::new()
    }
}
