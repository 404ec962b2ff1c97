//! Runs any loaded model on synthetic input, in the way that its structure asks for.

use elman::Error;
use elman::blob::Structure;
use elman::net::CsrRows;
use elman::{Listener, Model};

use super::{frames, graph, nodes, sound, source};

/// How much to run, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Exercise {
    /// Frames of a stream, or of all sequences of a model that takes those.
    pub steps: usize,
    /// Sources, trees or graphs.
    pub structures: u64,
    /// Seed of frames; structures count theirs from 0.
    pub seed: u64,
}

/// Runs a model over memory of the size that it asks for, and hands each number of its outputs, and of a stream's
/// states, to `each`, in order. A model that listens does so too.
///
/// # Errors
/// Errors of the model: memory that is too small, or a structure beyond what its blob states.
pub fn exercise(model: &Model<'_>, memory: &mut [u32], how: Exercise, mut each: impl FnMut(i64)) -> Result<(), Error> {
    match model.structure() {
        Structure::Seq2seq { .. } => {
            let mut net = model.seq2seq(memory)?;
            for seed in 0..how.structures {
                let source = source(model.max_steps(), seed);
                let written = net.run(&source)?;
                each(written.log2_p.into());
                written.symbols().for_each(|s| each(s.into()));
                net.encode(&source)?;
                for symbol in super::source(10, seed) {
                    net.step(symbol as u16).logits.iter().for_each(|s| each((*s).into()));
                }
            }
        }
        Structure::Tree { max_nodes, .. } => {
            let mut tree = model.tree(memory)?;
            for seed in 0..how.structures {
                let nodes = nodes(max_nodes.into(), 9, seed);
                tree.run_each(&[3, 1, 4, 1, 5, 9, 2, 6, 5], &nodes, |k, y| {
                    each(k as i64);
                    y.logits.iter().for_each(|s| each((*s).into()));
                })?;
            }
        }
        Structure::Graph { .. } => {
            let mut net = model.graph(memory)?;
            for seed in 0..how.structures {
                let graph = graph::graph(20, 8, model.inputs(), net.edge_features(), seed);
                let rows = CsrRows::new(&graph.offsets, &graph.neighbours)?;
                let outputs = net.run(&graph.frames, rows, &graph.edges)?;
                outputs.iter().for_each(|y| y.logits.iter().for_each(|s| each((*s).into())));
            }
        }
        Structure::Sequence if model.max_steps() > 0 => {
            let mut net = model.sequence(memory)?;
            let frames = frames(model.inputs(), how.steps, how.seed);
            for frames in frames.chunks(model.max_steps() * model.inputs()) {
                net.run(frames)?.iter().for_each(|y| y.logits.iter().for_each(|s| each((*s).into())));
            }
        }
        Structure::Sequence => {
            let mut net = model.stream(memory)?;
            for frame in frames(model.inputs(), how.steps, how.seed).chunks(model.inputs()) {
                net.step(frame).logits.iter().for_each(|s| each((*s).into()));
                for k in 0..model.layers().len() {
                    net.hidden_state(k).iter().for_each(|h| each((*h).into()));
                    // The bits, as digests have them.
                    net.carried_state(k).iter().for_each(|w| each((*w as u32).into()));
                }
            }
            if let (Some(audio), Some(detect)) = (model.audio(), model.detect()) {
                let mut all = vec![0; audio.memory_words() + model.memory_words() + detect.memory_words()];
                Listener::new(model, &mut all)?.push_each(&sound::samples(how.steps * 300, how.seed), |result| {
                    result.features.iter().chain(result.logits).for_each(|x| each((*x).into()));
                    (0..model.outputs()).for_each(|k| each(result.detector.smoothed(k as u16).to_bits().into()));
                    result.event.iter().for_each(|e| each(i64::from(e.class) + i64::from(e.score.to_bits())));
                });
            }
        }
    }
    Ok(())
}
