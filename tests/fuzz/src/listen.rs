//! Any blob that listens and any samples: events are the same however the samples are cut, and after a reset.

use crate::sealed;
use elman::blob::Blob;
use elman::{Listener, Model};

/// Bytes of samples at the end of the data.
pub const SAMPLES: usize = 4000;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Some(start) = data.len().checked_sub(SAMPLES) else { return };
    let (blob, samples) = data.split_at(start);
    let words = sealed::words(blob);
    let blob = Blob::new(&words);
    let Ok(model) = Model::load(blob) else { return };
    if model.detect().is_none() || model.audio().is_none() || blob.listener_words() > 1 << 20 {
        return;
    }
    let samples: Vec<i16> = samples.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    let mut memory = vec![0xDEAD_BEEF; blob.listener_words()];
    let mut listener = Listener::new(&model, &mut memory).expect("memory of the size it asks for");
    let mut events = Vec::new();
    listener.push_each(&samples, |result| {
        assert!((0..model.outputs() as u16).all(|k| result.detector.smoothed(k) <= elman::detect::Probability::ONE));
        events.extend(result.event);
    });
    assert!(events.iter().all(|e| usize::from(e.class) < model.outputs()));
    listener.reset();
    let mut again = Vec::new();
    for block in samples.chunks(1 + usize::from(samples[0] as u16 % 700)) {
        listener.push_each(block, |result| again.extend(result.event));
    }
    assert_eq!(events, again);
}
