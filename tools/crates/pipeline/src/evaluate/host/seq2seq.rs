//! Encoder and decoder.

use elman::RunError;
use elman::blob::Model;
use elman::net::{END, Output};

use crate::{Answer, Example};
use elman_nn::NO_CLASS;

/// As [`super::structure`]: the logits at each symbol of the target and at the end.
pub(super) fn run(
    model: &Model<'_>,
    memory: &mut [u32],
    example: &Example,
    mut each: impl FnMut(usize, Output<'_>),
) -> Result<(), RunError> {
    let wanted = if let Answer::Symbols(symbols) = &example.answer { &symbols[..] } else { &[] };
    let mut net = model.seq2seq(memory)?;
    net.encode(&example.frames)?;
    let symbol = |s: &u32| if *s == NO_CLASS { END } else { *s as u16 };
    for (t, before) in std::iter::once(END).chain(wanted.iter().map(symbol)).enumerate() {
        each(t, net.step(before));
    }
    Ok(())
}

/// The sequence that a model writes for a source, `[steps, inputs]`, and the weights of the source's steps at each symbol and the
/// end, Q0.15; empty without attention.
///
/// # Errors
/// As [`super::structure`].
pub fn write(model: &Model<'_>, memory: &mut [u32], frames: &[i16]) -> Result<(Vec<u32>, Vec<Vec<u32>>), RunError> {
    let mut net = model.seq2seq(memory)?;
    let symbols: Vec<u16> = net.run(frames)?.symbols().collect();
    net.encode(frames)?;
    let mut weights = Vec::with_capacity(symbols.len() + 1);
    for before in std::iter::once(&END).chain(&symbols) {
        net.step(*before);
        weights.push(net.attention_weights().iter().map(|a| a.to_bits()).collect());
    }
    Ok((symbols.into_iter().map(u32::from).collect(), weights))
}

/// The symbols of [`write()`] alone.
///
/// # Errors
/// As [`super::structure`].
pub fn symbols(model: &Model<'_>, memory: &mut [u32], frames: &[i16]) -> Result<Vec<u32>, RunError> {
    Ok(model.seq2seq(memory)?.run(frames)?.symbols().map(u32::from).collect())
}
