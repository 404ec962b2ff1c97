//! Any blob of an encoder-decoder that loads, over any frames: it writes no more than its limit, the same again, and of
//! symbols that it has; a step reads any symbol.

use crate::sealed;
use elman::Model;
use elman::blob::{Blob, Structure};

/// Bytes of frames at the end of the data.
pub const FRAMES: usize = 32;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Some(start) = data.len().checked_sub(FRAMES) else { return };
    let (blob, frames) = data.split_at(start);
    let frames: Vec<i16> = frames.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    let words = sealed::words(blob);
    let Ok(model) = Model::load(Blob::new(&words)) else { return };
    let Structure::Seq2seq { max_outputs, .. } = model.structure() else {
        assert!(model.seq2seq(&mut vec![0; 64]).is_err());
        return;
    };
    // Enough to go through every part, and no more work than a fuzzer has time for.
    if model.memory_words() > 1 << 16 || max_outputs > 64 {
        return;
    }
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.seq2seq(&mut memory).expect("memory of the size it asks for");
    let steps = (frames.len() / model.inputs()).min(model.max_steps());
    let source = &frames[..steps * model.inputs()];
    let mut run = || {
        let written = net.run(source).expect("whole frames");
        (written.symbols().collect::<Vec<_>>(), written.ended, written.log2_p)
    };
    let first = run();
    assert_eq!(run(), first);
    let (symbols, ended, log2_p) = first;
    assert!(symbols.len() <= usize::from(max_outputs) && log2_p <= 0);
    assert!(ended || symbols.len() == usize::from(max_outputs));
    assert!(symbols.iter().all(|s| *s > 0 && usize::from(*s) < model.outputs()));
    net.encode(source).expect("the same frames");
    for symbol in &frames {
        assert_eq!(net.step(*symbol as u16).logits.len(), model.outputs());
        let weights = net.attention_weights();
        // 1 within half an LSB of each, and one of the reciprocal.
        let sum = weights.iter().map(|a| a.to_bits()).sum::<u32>();
        assert!(weights.is_empty() || sum.abs_diff(1 << 15) <= weights.len() as u32 / 2 + 1, "{sum}");
    }
}
