//! The sizes of a device's buffers.

use serde::{Deserialize, Serialize};

/// The buffers of a device: stated in boards/qemu-mps2/machines.toml for an emulated one, and announced by every device in
/// its hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "messages", derive(postcard_schema::Schema))]
pub struct BufferSizes {
    /// Bytes of the longest frame, in either direction.
    pub frame: u32,
    /// Words of 32 bits for a model's states, an example and its answer, and for a blob that is read at run time into RAM.
    pub words: u32,
    /// Nodes of a tree.
    pub nodes: u32,
}

impl BufferSizes {
    /// Of a device with 4 MB of RAM.
    pub const LARGE: BufferSizes = BufferSizes { frame: 16 * 1024, words: 900_000, nodes: 16 * 1024 };
    /// Bytes of a frame that are not the message's own bytes, at most: zeros, CRC, sequence number, the other fields of the
    /// largest message. COBS adds a byte to every 254 besides.
    pub const HEAD: usize = 64;

    /// Bytes that a message can carry besides its own fields.
    pub const fn payload(&self) -> usize {
        let frame = self.frame as usize;
        // A multiple of four, so that no word and no node is cut in two.
        frame.saturating_sub(Self::HEAD + frame / 254 + 1) & !3
    }
}

impl Default for BufferSizes {
    fn default() -> Self {
        Self::LARGE
    }
}
