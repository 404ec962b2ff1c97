//! Any bytes as a recording: an error, or samples.

use elman_data::read_sound;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    match read_sound("recording", data.to_vec()) {
        // Of compressed silence an hour has few bytes; a fuzzer's inputs are short.
        Ok(sound) => assert!(!sound.samples.is_empty() && sound.rate > 0),
        Err(e) => assert!(!e.to_string().is_empty()),
    }
}
