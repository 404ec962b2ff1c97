//! Any blob that loads: steps on any frames are total, and a restored state gives the same bits again.
#![no_main]

use elman::Model;
use elman::blob::Blob;
use libfuzzer_sys::fuzz_target;

#[path = "../sealed.rs"]
mod sealed;

/// Bytes of frames at the end of the data.
const FRAMES: usize = 64;

fuzz_target!(|data: &[u8]| {
    let (blob, frames) = data.split_at(data.len().saturating_sub(FRAMES));
    let words = sealed::words(blob);
    let Ok(model) = Model::load(Blob::new(&words)) else { return };
    let mut memory = vec![0; model.memory_words()];
    let mut stream = model.stream(&mut memory).expect("memory of the size it asks for");
    let frames: Vec<i16> = frames.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    let mut snapshot = vec![0; stream.snapshot_words()];
    stream.snapshot(&mut snapshot).expect("a buffer of the size it asks for");
    let mut run = |stream: &mut elman::Stream<'_, '_>| -> Vec<Vec<i16>> {
        frames.chunks(model.inputs()).map(|frame| stream.step(frame).scores.to_vec()).collect()
    };
    let first = run(&mut stream);
    stream.restore(&snapshot).expect("its own snapshot");
    assert_eq!(run(&mut stream), first);
    let mut p = vec![0; model.outputs()];
    let output = stream.output();
    output.softmax(&mut p);
    assert!(output.argmax() < model.outputs());
});
