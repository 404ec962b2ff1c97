//! Generation: a prompt in, symbols out.
//!
//! # Protocol
//! Words are little-endian. The host sends the seed (two words, low first), the temperature's bits (U4F12), the k of
//! the k best, the number of symbols to draw, and the number of symbols of the prompt, then the prompt, a word a
//! symbol. The board sends [`MAGIC`], the model's CRC and the ticks that a measurement of nothing takes, then for each
//! symbol drawn the ticks of step and draw, and the symbol.

use elman::RunError;
use elman::kernel::word;
use elman::net::{Sampler, Temperature};
use elman::{Model, Stream};
use embedded_io::{Read, Write};

use crate::{Clock, Fault, failed};

/// First word of a generation: "ELG1".
pub const MAGIC: u32 = u32::from_le_bytes(*b"ELG1");

/// One step and draw, and the ticks.
#[inline(never)]
fn counted_draw(stream: &mut Stream<'_, '_>, symbol: u16, sampler: &mut Sampler, clock: &impl Clock) -> (u32, u16) {
    let mut next = 0;
    let ticks = clock.measure(|| next = stream.next_symbol(symbol, sampler));
    (ticks, next)
}

fn read_word<I: Read, O>(input: &mut I) -> Result<u32, Fault<I::Error, O>> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes).map_err(failed)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Generates once; the number of symbols drawn.
///
/// # Errors
/// [`Fault`]: input or output failed, the prompt is empty, or `memory` is too small.
pub fn generate<I: Read, O: Write>(
    model: &Model<'_>,
    memory: &mut [u32],
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let mut stream = model.stream(memory).map_err(Fault::Model)?;
    let [low, high] = [read_word(input)?, read_word(input)?];
    let [temperature, top_k, count, prompt] =
        [read_word(input)?, read_word(input)?, read_word(input)?, read_word(input)?];
    let seed = (high as u64) << 32 | low as u64;
    let mut sampler = Sampler::new(seed, Temperature::from_bits(temperature as u16), top_k as u16);
    clock.measure(|| ());
    let greeting = [MAGIC, model.crc(), clock.measure(|| ())];
    output.write_all(word::bytes(&greeting)).map_err(Fault::Output)?;
    if prompt == 0 {
        return Err(Fault::Model(RunError::Frames { elements: 0, inputs: 1 }));
    }
    // All but the last symbol of the prompt only advance the states.
    for _ in 1..prompt {
        stream.advance(&[read_word(input)? as i16]);
    }
    let mut symbol = read_word(input)? as u16;
    for _ in 0..count {
        let (ticks, next) = counted_draw(&mut stream, symbol, &mut sampler, clock);
        output.write_all(word::bytes(&[ticks, next as u32])).map_err(Fault::Output)?;
        symbol = next;
    }
    Ok(count)
}
