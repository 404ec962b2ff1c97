//! The background of a mix.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::noise::{Noise, shaped};

/// Background of no level in particular, which can be played as often as needed.
#[derive(Clone, Debug)]
pub(super) enum Bed<'a> {
    /// Stretches of recordings, each with a fade of so many samples where it meets the one before.
    Stretches { pieces: Vec<&'a [i16]>, fade: usize },
    /// White noise from here.
    White(Box<ChaCha8Rng>),
    /// Noise of another colour.
    Whole(Vec<f32>),
}

impl<'a> Bed<'a> {
    /// `n` samples of this kind; `rng` ends after all that is drawn for them.
    pub(super) fn new(kind: Noise, recordings: &[&'a [i16]], n: usize, rate: u32, rng: &mut ChaCha8Rng) -> Self {
        let recordings: Vec<&&[i16]> = recordings.iter().filter(|b| !b.is_empty()).collect();
        match kind {
            Noise::Background if !recordings.is_empty() => {}
            Noise::Background | Noise::White => {
                let start = Box::new(rng.clone());
                white(rng, n).for_each(drop);
                return Bed::White(start);
            }
            _ => return Bed::Whole(shaped(kind, n, rate, rng)),
        }
        let fade = (rate / 20) as usize;
        let (mut pieces, mut length) = (Vec::new(), 0);
        while length < n + fade {
            let recording = recordings[rng.random_range(0..recordings.len())];
            let piece = &recording[rng.random_range(0..recording.len())..];
            // Of hours no more than the bed needs.
            let piece = &piece[..piece.len().min(n + 2 * fade)];
            length += piece.len() - overlap(fade, length, piece.len());
            pieces.push(piece);
        }
        Bed::Stretches { pieces, fade }
    }

    /// Its first `n` samples, block by block.
    pub(super) fn each(&self, n: usize, mut block: impl FnMut(&[f32])) {
        let (pieces, fade) = match self {
            Bed::Whole(samples) => return samples[..n.min(samples.len())].chunks(BLOCK).for_each(block),
            Bed::White(start) => {
                let mut rng = start.clone();
                for from in (0..n).step_by(BLOCK) {
                    block(&white(&mut rng, BLOCK.min(n - from)).collect::<Vec<f32>>());
                }
                return;
            }
            Bed::Stretches { pieces, fade } => (pieces, *fade),
        };
        // What the next piece may still change stays: no more than a fade.
        let (mut end, mut given): (Vec<f32>, usize) = (Vec::new(), 0);
        for piece in pieces {
            let overlap = overlap(fade, given + end.len(), piece.len());
            let from = end.len() - overlap;
            for (k, x) in piece.iter().enumerate() {
                let x = f32::from(*x);
                if k < overlap {
                    let share = (k as f32 + 0.5) / overlap as f32;
                    // Powers add up to the same, as the pieces are not alike.
                    end[from + k] = end[from + k] * (1.0 - share).sqrt() + x * share.sqrt();
                } else {
                    end.push(x);
                }
            }
            let ready = end.len().saturating_sub(fade);
            block(&end[..ready.min(n - given.min(n))]);
            end.drain(..ready);
            given += ready;
        }
        block(&end[..end.len().min(n - given.min(n))]);
    }
}

/// Samples of white noise that are made at once.
const BLOCK: usize = 16_384;

fn white(rng: &mut ChaCha8Rng, n: usize) -> impl Iterator<Item = f32> {
    (0..n).map(|_| rng.random_range(-1.0..1.0f32))
}

/// Samples by which a piece overlaps `length` samples before it: each makes the bed longer, however short it is.
fn overlap(fade: usize, length: usize, piece: usize) -> usize {
    let overlap = fade.min(length).min(piece);
    if overlap == piece { overlap / 2 } else { overlap }
}
