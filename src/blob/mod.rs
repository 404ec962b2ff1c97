//! The file format: one blob is the whole model.
//!
//! A fixed little-endian frame, a postcard [`Descriptor`] with the layers, parameters and weights as the kernels read them,
//! and a CRC-32C over all of it. docs/format.md is the specification. [`Model::load`](crate::Model::load) validates every
//! byte, once.

mod backward;
mod crc;
mod decode;
mod error;
mod frame;
mod layer;
mod load;
mod memory;
mod model;
mod operations;
mod scaling;
mod schema;
mod structures;
mod symbols;
mod validate;

pub use crate::descriptor::{
    AttentionScore, Descriptor, Direction, LayerDescriptor, MAX_BEAMS, MAX_CHAINS, MAX_LAYERS, MAX_WIDTH, Readout,
    Structure,
};
pub use crate::kernel::Layout;
pub use crc::crc32c;
pub use error::{LoadError, MemoryPart};
pub use frame::{FORMAT_VERSION, FRAME_WORDS, Frame, MAGIC};
pub use memory::memory_words;
pub use model::Model;
pub use operations::Operations;
#[doc(hidden)]
pub use scaling::scaling_entry;
#[cfg(test)]
pub(crate) use schema::rules;
pub use schema::schema_hash;

/// A blob in flash: words, not validated yet. Made by [`include_blob!`](crate::include_blob) or from
/// any aligned memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob<'b> {
    words: &'b [u32],
}

impl<'b> Blob<'b> {
    /// Wraps words read in little-endian order.
    pub const fn new(words: &'b [u32]) -> Self {
        Blob { words }
    }
    /// The words.
    pub const fn words(&self) -> &'b [u32] {
        self.words
    }
    /// Words of memory that [`Model::stream`](crate::Model::stream) needs, as the frame declares; 0 where there is no
    /// frame. Loading rejects a frame that declares other words than the layers require.
    pub const fn memory_words(&self) -> usize {
        self.frame_word(frame::MEMORY_WORDS)
    }
    /// Words of memory that the audio front end needs; 0 where the model has none.
    pub const fn audio_words(&self) -> usize {
        self.frame_word(frame::AUDIO_WORDS)
    }
    /// Words of memory that the detector needs; 0 where the model has none.
    pub const fn detect_words(&self) -> usize {
        self.frame_word(frame::DETECT_WORDS)
    }
    /// Words of memory that a [`Listener`](crate::Listener) needs: front end, network and detector.
    pub const fn listener_words(&self) -> usize {
        self.memory_words() + self.audio_words() + self.detect_words()
    }
    const fn frame_word(&self, n: usize) -> usize {
        if self.words.len() < FRAME_WORDS || self.words[0] != MAGIC { 0 } else { self.words[n] as usize }
    }
}

/// Bytes as little-endian words, at compile time. Used by [`include_blob!`](crate::include_blob).
///
/// # Panics
/// At compile time, where `bytes` is not `4 * N` long.
pub const fn words_of_bytes<const N: usize>(bytes: &[u8]) -> [u32; N] {
    assert!(bytes.len() == 4 * N, "a blob's length is a multiple of four");
    let mut words = [0; N];
    let mut k = 0;
    while k < N {
        words[k] = u32::from_le_bytes([bytes[4 * k], bytes[4 * k + 1], bytes[4 * k + 2], bytes[4 * k + 3]]);
        k += 1;
    }
    words
}

/// Places a blob in flash, aligned, and gives the [`Blob`].
///
/// ```text
/// static BLOB: elman::Blob<'static> = elman::include_blob!("keywords.elman");
/// static MEMORY: StaticCell<[u32; BLOB.memory_words()]> = StaticCell::new();
/// ```
#[macro_export]
macro_rules! include_blob {
    ($path:expr) => {{
        const BYTES: &[u8] = include_bytes!($path);
        static WORDS: [u32; BYTES.len() / 4] = $crate::blob::words_of_bytes(BYTES);
        $crate::Blob::new(&WORDS)
    }};
}
