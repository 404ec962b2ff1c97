//! Any bytes as the manifest of a corpus of sound, or as an archive of recordings: an error, or clips.

use crate::records::Folder;
use elman_data::{Corpus, Options, wav_bytes};

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let folder = Folder::empty();
    if first % 2 == 0 {
        // What the manifests may name.
        let samples: Vec<i16> = (0..400).map(|k| (k * 37) as i16).collect();
        for name in ["a/1.wav", "a/2.wav", "b/1.wav", "b/2.wav"] {
            folder.write(name, &wav_bytes(&samples, 8000));
        }
        for (name, bytes) in ["train.csv", "test.csv", "valid.csv"].iter().zip(rest.split(|b| *b == 0xff)) {
            folder.write(name, bytes);
        }
    } else {
        folder.write(if first % 4 == 1 { "clips.tar" } else { "clips.tar.gz" }, rest);
    }
    match Corpus::open(&folder.0, &Options::default()) {
        Ok(corpus) => assert!(!corpus.labels.is_empty()),
        Err(e) => assert!(!e.to_string().is_empty()),
    }
}
