//! The audio front end on a board, every feature and the instructions of each part of the work.
//!
//! The input is the front end's parameters, a word each in the order of [`Config`]'s fields, with four each of a
//! spectral subtraction and of PCEN (all 0 for none) at the end, then samples. The output is
//! [`MAGIC`] and the ticks of a measurement of nothing, then a record a frame: the ticks of each [`Stage`] since the frame
//! before, and the features, padded to whole words.

use core::cell::Cell;
use elman::audio::{Config, FrontEnd, MAX_CHANNELS, Pcen, SpectralSubtraction, Stage};
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use embedded_io::{Read, Write};

use super::{Clock, Fault, read};

/// First word of a session: "ELA1".
pub const MAGIC: u32 = u32::from_le_bytes(*b"ELA1");

/// Words of a [`Config`].
const CONFIG_WORDS: usize = 19;
/// Parts of the work.
const PARTS: usize = 5;
/// Samples of a block at most; no longer than a hop, so that it ends one frame at most.
const BLOCK: usize = 320;

/// Parameters from words, not validated yet.
fn config(words: [u32; CONFIG_WORDS]) -> Config {
    let [sample_rate, window, hop, fft_log2, channels, low_hz, high_hz, pre_emphasis, remove_dc, floor_log2, more @ ..] =
        words;
    let [cepstrum, fall_log2, rise_log2, oversubtraction, floor, smoothing_log2, alpha, delta, r] = more;
    let subtraction = SpectralSubtraction {
        fall_log2: fall_log2 as u8,
        rise_log2: rise_log2 as u8,
        oversubtraction: oversubtraction as u16,
        floor: floor as u16,
    };
    let pcen = Pcen { smoothing_log2: smoothing_log2 as u8, alpha: alpha as u16, delta: delta as u16, r: r as u16 };
    Config {
        sample_rate,
        window: window as u16,
        hop: hop as u16,
        fft_log2: fft_log2 as u8,
        channels: channels as u8,
        low_hz: low_hz as u16,
        high_hz: high_hz as u16,
        pre_emphasis: pre_emphasis as u16,
        remove_dc: remove_dc != 0,
        floor_log2: floor_log2 as u8,
        cepstrum: cepstrum as u8,
        spectral_subtraction: (fall_log2 != 0).then_some(subtraction),
        pcen: (smoothing_log2 != 0).then_some(pcen),
    }
}

/// Why a session ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HearingFault<I, O> {
    /// Input or output failed.
    Session(Fault<I, O>),
    /// The parameters are refused, or `memory` is too small for them.
    FrontEnd(elman::audio::Error),
}

/// Runs the front end over the samples of `input`; the number of frames.
///
/// # Errors
/// [`HearingFault`].
pub fn hear<I: Read, O: Write>(
    memory: &mut [u32],
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, HearingFault<I::Error, O::Error>> {
    let mut halves = [0i16; 2 * CONFIG_WORDS];
    read::<I, O::Error>(&mut halves, input).map_err(HearingFault::Session)?;
    let word = |k: usize| {
        let half = |n: usize| halves.get(n).map_or(0, |h| *h as u16 as u32);
        half(2 * k) | half(2 * k + 1) << 16
    };
    let config = config(core::array::from_fn(word));
    let mut front_end = FrontEnd::new(config, memory).map_err(HearingFault::FrontEnd)?;
    let write = |output: &mut O, words: &[u32]| {
        output.write_all(word::bytes(words)).map_err(|e| HearingFault::Session(Fault::Output(e)))
    };
    let last = Cell::new(clock.now());
    let since = || {
        let ticks = clock.now().wrapping_sub(last.get());
        last.set(clock.now());
        ticks
    };
    // The first measurement pays for code that the second does not.
    since();
    write(output, &[MAGIC, since()])?;
    let mut block = [0i16; BLOCK];
    let mut ticks = [0u32; PARTS];
    let mut frames = 0u32;
    loop {
        let mut given = 0;
        for sample in block.iter_mut().take(config.hop.into()) {
            match read::<I, O::Error>(core::slice::from_mut(sample), input) {
                Ok(()) => given += 1,
                Err(Fault::Input(None)) => break,
                Err(e) => return Err(HearingFault::Session(e)),
            }
        }
        if given == 0 {
            return Ok(frames);
        }
        let mut record = [0u32; PARTS + vector_words(MAX_CHANNELS)];
        let mut heard = 0;
        last.set(clock.now());
        front_end.push_with_probe(
            block.get(..given).unwrap_or_default(),
            |features| {
                heard += 1;
                let words = record.get_mut(PARTS..).unwrap_or_default();
                for (to, from) in word::halves_mut(words).iter_mut().zip(features) {
                    *to = *from;
                }
                last.set(clock.now());
            },
            |part: Stage| {
                let spent = since();
                if let Some(ticks) = ticks.get_mut(part as usize) {
                    *ticks = ticks.wrapping_add(spent);
                }
            },
        );
        if heard > 0 {
            frames += heard;
            let words = PARTS + vector_words(config.features());
            for (to, from) in record.iter_mut().zip(&mut ticks) {
                *to = core::mem::take(from);
            }
            write(output, record.get(..words).unwrap_or_default())?;
        }
    }
}
