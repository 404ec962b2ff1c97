//! A model on the host, run as the device runs it.

mod graph;
pub mod seq2seq;
mod tree;

pub use graph::features as edge_features;

use elman::blob::{Model, Structure};
use elman::net::Output;
use elman::{RunError, Stream};

use crate::Example;
use elman_quant::channels;

/// Runs a model that is no sequence over one example, and calls `each` with the number and output of every step or node that
/// has an answer; of an encoder-decoder, which gets its target (teacher forcing), at every symbol.
///
/// # Errors
/// Where `memory` is too small, or the example is larger than the model's memory allows.
pub fn structure(
    model: &Model<'_>,
    memory: &mut [u32],
    example: &Example,
    each: impl FnMut(usize, Output<'_>),
) -> Result<(), RunError> {
    match model.structure() {
        Structure::Sequence => Err(RunError::WrongRunner { structure: Structure::Sequence }),
        Structure::Seq2seq { .. } => seq2seq::run(model, memory, example, each),
        Structure::Tree { .. } => tree::run(model, memory, example, each),
        Structure::Graph { .. } => graph::run(model, memory, example, each),
    }
}

/// The outputs as numbers: logits, or values in the unit that the model was trained on.
pub fn values(model: &Model<'_>, output: &Output<'_>, values: &mut [f32]) {
    let outputs = values.iter_mut().zip(output.logits);
    match model.output_scaling() {
        Some(scaling) => outputs.zip(scaling.channels()).for_each(|((value, y), channel)| {
            *value = channels::number(channel.restore(*y), channel.raw_frac) as f32;
        }),
        None => {
            let unit = 2f32.powi(-i32::from(output.frac));
            outputs.for_each(|(value, y)| *value = f32::from(*y) * unit);
        }
    }
}

/// A step of a stream, whose loop is closed where the frame ends before the elements that the model feeds back to itself.
pub fn advance(net: &mut Stream<'_, '_>, frame: &[i16]) {
    match frame.len() < net.model().inputs() {
        true => net.advance_closed(frame),
        false => net.advance(frame),
    }
}

/// Runs a model over one sequence of frames, from zeroed states, and calls `each` with the number and output of
/// every `wanted` step. A frame may end before the elements that the model feeds back to itself.
///
/// # Errors
/// Where `memory` is too small, or the sequence is longer than the model's longest sequence.
pub fn run<'f>(
    model: &Model<'_>,
    memory: &mut [u32],
    frames: impl Iterator<Item = &'f [i16]>,
    wanted: impl Fn(usize) -> bool,
    mut each: impl FnMut(usize, Output<'_>),
) -> Result<(), RunError> {
    if model.max_steps() > 0 {
        let frames: Vec<i16> = frames.flatten().copied().collect();
        let mut net = model.sequence(memory)?;
        let outputs = net.run(&frames)?;
        outputs.iter().enumerate().filter(|(t, _)| wanted(*t)).for_each(|(t, output)| each(t, output));
        return Ok(());
    }
    let mut net = model.stream(memory)?;
    for (t, frame) in frames.enumerate() {
        advance(&mut net, frame);
        // An output that is fed back is needed by the next step.
        if wanted(t) || model.feedback() > 0 {
            let output = net.output();
            if wanted(t) {
                each(t, output);
            }
        }
    }
    Ok(())
}
