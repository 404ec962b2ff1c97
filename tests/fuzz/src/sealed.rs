//! Bytes as a blob that passes the loader's first looks.

use elman::blob::{FRAME_WORDS, crc32c};

/// Whole words of `data`, with the total length and the CRC that it should have: without them every change
/// would end at the first check.
pub fn words(data: &[u8]) -> Vec<u32> {
    let mut words: Vec<u32> = data.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
    let bytes = words.len() as u32 * 4;
    if words.len() > FRAME_WORDS {
        words[2] = bytes;
        if let Some((crc, body)) = words.split_last_mut() {
            *crc = crc32c(body);
        }
    }
    words
}
