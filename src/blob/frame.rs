//! The fixed frame in front of every blob.

use super::LoadError;
use crate::kernel::Layout;

/// "ELMN" in little-endian order.
pub const MAGIC: u32 = u32::from_le_bytes(*b"ELMN");
/// Version of the format that this crate writes and reads.
pub const FORMAT_VERSION: u16 = 6;
/// Words of the frame.
pub const FRAME_WORDS: usize = 11;

pub(super) const MEMORY_WORDS: usize = 3;
pub(super) const AUDIO_WORDS: usize = 4;
pub(super) const DETECT_WORDS: usize = 10;

/// The frame's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame {
    /// Order in which weights are packed.
    pub layout: Layout,
    /// Bytes of the whole blob, CRC included.
    pub total_bytes: u32,
    /// Words of memory for a stream.
    pub memory_words: u32,
    /// Words of memory for the audio front end, 0 without one.
    pub audio_words: u32,
    /// Bytes of the postcard descriptor, which follows the frame.
    pub descriptor_bytes: u32,
    /// Offset of the weights in bytes: the descriptor's end, padded with zeros to a word.
    pub weights_offset: u32,
    /// Bytes of parameters and weights; the CRC follows.
    pub weights_bytes: u32,
    /// Monotonic counter: an update that must not go back compares it.
    pub counter: u32,
    /// Hash of the tables and the descriptor's shape ([`super::schema_hash`]).
    pub schema: u32,
    /// Words of memory for the detector, 0 without one.
    pub detect_words: u32,
}

impl Frame {
    /// The frame as words.
    pub const fn to_words(&self) -> [u32; FRAME_WORDS] {
        [
            MAGIC,
            FORMAT_VERSION as u32 | (self.layout as u32) << 16,
            self.total_bytes,
            self.memory_words,
            self.audio_words,
            self.descriptor_bytes,
            self.weights_offset,
            self.weights_bytes,
            self.counter,
            self.schema,
            self.detect_words,
        ]
    }

    /// Validates the frame of a blob of these words: magic, version, layout, and that its parts fill it exactly.
    pub(super) fn read(words: &[u32], schema: u32) -> Result<Frame, LoadError> {
        let bytes = words.len().saturating_mul(4);
        let [magic, version, total, memory, audio, descriptor, offset, weights, counter, hash, detect, ..] = *words
        else {
            return Err(LoadError::TooShort { bytes });
        };
        if magic != MAGIC {
            return Err(LoadError::Magic { found: magic });
        }
        if version as u16 != FORMAT_VERSION {
            return Err(LoadError::Version { found: version as u16, supported: FORMAT_VERSION });
        }
        let number = (version >> 16) as u16;
        let layout = Layout::of(number).filter(|l| Layout::BUILT.is_none_or(|built| built == *l));
        let layout = layout.ok_or(LoadError::Layout { found: number, reads: Layout::BUILT })?;
        if total as usize != bytes {
            return Err(LoadError::Length { declared: total, actual: bytes });
        }
        if hash != schema {
            return Err(LoadError::Schema { found: hash, supported: schema });
        }
        let descriptor_end = (FRAME_WORDS as u32 * 4).checked_add(descriptor);
        let padded = descriptor_end.and_then(|e| e.checked_next_multiple_of(4));
        let end = offset.checked_add(weights).and_then(|e| e.checked_add(4));
        if padded != Some(offset) || end != Some(total) || weights % 4 != 0 {
            return Err(LoadError::SectionBounds { descriptor, offset, weights, total });
        }
        Ok(Frame {
            layout,
            total_bytes: total,
            memory_words: memory,
            audio_words: audio,
            descriptor_bytes: descriptor,
            weights_offset: offset,
            weights_bytes: weights,
            counter,
            schema: hash,
            detect_words: detect,
        })
    }
}
