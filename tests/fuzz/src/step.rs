//! Any blob that loads: steps on any frames are total, and a restored state gives the same bits again; so does a
//! sequence that is run again, draws from the same seed, and text that is read.

use crate::sealed;
use elman::Model;
use elman::blob::{Blob, Structure};
use elman::net::{Sampler, Temperature};

/// Bytes of frames at the end of the data.
pub const FRAMES: usize = 64;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Some(start) = data.len().checked_sub(FRAMES) else { return };
    let (blob, frames) = data.split_at(start);
    let words = sealed::words(blob);
    let Ok(model) = Model::load(Blob::new(&words)) else { return };
    if model.structure() != Structure::Sequence {
        return;
    }
    let frames: Vec<i16> = frames.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    sequence(&model, &frames);
    if model.max_steps() > 0 {
        return;
    }
    let mut memory = vec![0; model.memory_words()];
    let mut stream = model.stream(&mut memory).expect("memory of the size it asks for");
    let mut snapshot = vec![0; stream.snapshot_words()];
    stream.snapshot(&mut snapshot).expect("a buffer of the size it asks for");
    let run = |stream: &mut elman::Stream<'_, '_>| -> Vec<Vec<i16>> {
        frames.chunks_exact(model.inputs()).map(|frame| stream.step(frame).logits.to_vec()).collect()
    };
    let first = run(&mut stream);
    stream.restore(&snapshot).expect("its own snapshot");
    assert_eq!(run(&mut stream), first);
    let mut p = vec![elman::net::Probability::ZERO; model.outputs()];
    let output = stream.output();
    output.softmax(&mut p);
    assert!(output.argmax().is_some_and(|k| usize::from(k) < model.outputs()));
    let mut sampler = Sampler::new(frames[0] as u64, Temperature::from_bits(frames[1] as u16), frames[2] as u16 % 9);
    let mut again = sampler;
    assert_eq!(sampler.draw(&output), again.draw(&output));
    assert!(sampler.draw(&output).is_some_and(|k| usize::from(k) < model.outputs()));
    if let Some(text) = model.text() {
        let bytes: Vec<u8> = frames.iter().flat_map(|x| x.to_le_bytes()).collect();
        let known = |k: u16| (k as usize) < text.len() && (k == 0 || text.symbol(k).is_some());
        if let Ok(symbols) = text.read(&bytes) {
            assert!(symbols.into_iter().all(known));
        }
        assert!((1..text.len()).all(|k| text.symbol(k as u16).is_some_and(|s| text.index(s) as usize == k)));
    }
}

/// Runs whole sequences, as far as the memory is of a size to fuzz with.
fn sequence(model: &Model<'_>, frames: &[i16]) {
    let most = if model.max_steps() > 0 { model.max_steps() } else { 4 };
    let steps = (frames.len() / model.inputs()).min(most);
    let words = if model.max_steps() > 0 { model.memory_words() } else { model.sequence_words(steps.max(1)) };
    if words > 1 << 20 {
        return;
    }
    let mut memory = vec![0; words];
    let mut net = model.sequence(&mut memory).expect("memory of the size it asks for");
    let frames = &frames[..steps * model.inputs()];
    let mut run = || net.run(frames).expect("whole frames").iter().map(|y| y.logits.to_vec()).collect::<Vec<_>>();
    let first = run();
    assert_eq!(first.len(), steps);
    assert_eq!(run(), first);
}
