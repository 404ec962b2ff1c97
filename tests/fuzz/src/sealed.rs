//! Bytes as a blob that passes the loader's first looks.

use elman::Model;
use elman::blob::{Blob, FORMAT_VERSION, FRAME_WORDS, LoadError, MAGIC, MemoryPart, crc32c, schema_hash};

/// Whole words of `data`, with what every blob has: without it every change would end at a first check. That is magic, version, length,
/// schema and CRC, where descriptor and weights are, and the memory and the words of weights that the loader asks for.
pub fn words(data: &[u8]) -> Vec<u32> {
    let mut words: Vec<u32> = data.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
    if words.len() <= FRAME_WORDS {
        return words;
    }
    frame(&mut words);
    // A change has few consequences: a front end's memory, a detector's, a stream's, and the weights' length.
    for _ in 0..6 {
        seal(&mut words);
        let error = Model::load(Blob::new(&words)).err();
        let repaired = match error {
            Some(LoadError::MemoryWords { part, required, .. }) => memory(&mut words, part, required),
            Some(LoadError::WeightsLength { required, .. }) => weights(&mut words, required),
            _ => false,
        };
        if !repaired {
            break;
        }
    }
    words
}

/// `data` as it is, but for length and CRC.
pub fn lengths(data: &[u8]) -> Vec<u32> {
    let mut words: Vec<u32> = data.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
    if words.len() > FRAME_WORDS {
        seal(&mut words);
    }
    words
}

/// Length and CRC.
fn seal(words: &mut [u32]) {
    words[2] = words.len() as u32 * 4;
    if let Some((crc, body)) = words.split_last_mut() {
        *crc = crc32c(body);
    }
}

/// Magic, version and schema; a layout that there is; weights that begin where the descriptor ends.
fn frame(words: &mut [u32]) {
    let layout = words[1] >> 16;
    words[0] = MAGIC;
    words[1] = u32::from(FORMAT_VERSION) | if (1..=3).contains(&layout) { layout } else { 1 + layout % 3 } << 16;
    words[9] = schema_hash();
    let bytes = words.len() as u32 * 4;
    let most = bytes - 4 * FRAME_WORDS as u32 - 4;
    words[5] = words[5].min(most);
    words[6] = (4 * FRAME_WORDS as u32 + words[5]).next_multiple_of(4);
    words[7] = bytes - 4 - words[6];
}

/// Sets the words of memory that the frame declares.
fn memory(words: &mut [u32], part: MemoryPart, required: usize) -> bool {
    let Ok(required) = u32::try_from(required) else { return false };
    let declared = match part {
        MemoryPart::FrontEnd => &mut words[4],
        MemoryPart::Detector => &mut words[10],
        _ => &mut words[3],
    };
    std::mem::replace(declared, required) != required
}

/// Cuts the weights, or has them again from their beginning, where there are as many as a fuzzer has time for.
fn weights(words: &mut Vec<u32>, required: usize) -> bool {
    let from = words[6] as usize / 4;
    if required > 1 << 14 {
        return false;
    }
    words.pop();
    let there = words.len() - from;
    for k in there..required {
        words.push(if there == 0 { 0 } else { words[from + k % there] });
    }
    words.truncate(from + required);
    words[7] = 4 * required as u32;
    words.push(0);
    true
}
