//! Models that write a sequence for each that they read.

use elman::Model;
use elman::kernel::word;
use embedded_io::{Read, Write};

use crate::{Buffers, Clock, Fault, count, greet, read, record};

/// Words of a record beyond the symbols: how many there are, and log2 of their probability.
const EXTRA: usize = 2;

/// As [`crate::serve`]; the number of sequences.
pub(crate) fn serve<I: Read, O: Write>(
    model: &Model<'_>,
    buffers: Buffers<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let mut net = model.seq2seq(buffers.memory).map_err(Fault::Model)?;
    let record = record(buffers.record, net.max_outputs().saturating_add(EXTRA))?;
    greet(model, buffers.load_ticks, record.len(), output, clock)?;
    let mut sequences = 0u32;
    while let Some(count) = count(input)? {
        let elements = (count as usize).saturating_mul(model.inputs());
        let Some(frames) = buffers.frames.get_mut(..elements) else { return Err(Fault::Frames(elements)) };
        read(frames, input)?;
        record.fill(0);
        let mut written = None;
        let ticks = clock.measure(|| written = Some(net.run(frames)));
        if let (Some(written), [first, length, log2_p, symbols @ ..]) = (written, &mut *record) {
            let written = written.map_err(Fault::Model)?;
            (*first, *length, *log2_p) = (ticks, written.len() as u32, written.log2_p as u32);
            for (to, symbol) in symbols.iter_mut().zip(written.symbols()) {
                *to = symbol.into();
            }
        }
        output.write_all(word::bytes(record)).map_err(Fault::Output)?;
        sequences = sequences.wrapping_add(1);
    }
    Ok(sequences)
}
