//! The board's records compared with the host's own run.

use anyhow::{Context, Result, ensure};
use elman::blob::Structure;
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use elman::{Model, Stream};
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};

use super::{Inputs, VerifyReport};
use elman_emulator::{Machine, Session};

/// "ELV2": the first word of a session.
const MAGIC: u32 = u32::from_le_bytes(*b"ELV2");
/// Words of a record before the snapshot.
const RECORD_EXTRA_WORDS: usize = 1;

/// Which number of a step differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A hidden state (the output, of a layer that is not recurrent).
    Hidden,
    /// A long state: c of an LSTM, the 32-bit h of a GRU, the sum of a mean.
    Long,
    /// An output of the model.
    Output,
    /// Another word of the stream's memory.
    Memory,
}

/// The first number that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// Number of the sequence.
    pub sequence: usize,
    /// Number of the step in it.
    pub step: usize,
    /// What it is.
    pub part: Part,
    /// Layer, from 0; the last for an output.
    pub layer: usize,
    /// Unit (word, for [`Part::Memory`]).
    pub unit: usize,
    /// The host's number.
    pub host: i32,
    /// The board's.
    pub board: i32,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { sequence, step, layer, unit, host, board, .. } = self;
        let part = match self.part {
            Part::Hidden => "hidden state",
            Part::Long => "long state",
            Part::Output => "output",
            Part::Memory => "memory",
        };
        write!(f, "sequence {sequence}, step {step}, layer {layer}, {part} of unit {unit}: host {host}, board {board}")
    }
}

/// Reads words; `None` at the end of the file.
fn words(file: &mut impl Read, buffer: &mut [u32]) -> Result<Option<()>> {
    for (k, word) in buffer.iter_mut().enumerate() {
        let mut bytes = [0; 4];
        match file.read_exact(&mut bytes) {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof && k == 0 => return Ok(None),
            read => read.context("the firmware's records break off")?,
        }
        *word = u32::from_le_bytes(bytes);
    }
    Ok(Some(()))
}

/// The firmware's records of a session.
pub(super) struct Records {
    file: BufReader<File>,
    record: Vec<u32>,
    empty_ticks: u32,
    load_ticks: u32,
    steps: u64,
    ticks: u64,
    /// Fewest and most of a record.
    range: [u32; 2],
}

impl Records {
    /// Opens a session of records with `payload` words after the ticks.
    pub(super) fn open(model: &Model<'_>, payload: usize, session: &Session) -> Result<Self> {
        let path = session.output();
        let mut file = BufReader::new(File::open(&path).with_context(|| path.display().to_string())?);
        let mut header = [0; 5];
        words(&mut file, &mut header)?.context("the firmware wrote nothing")?;
        let [magic, crc, record_words, empty_ticks, load_ticks] = header;
        let record = vec![0; payload + RECORD_EXTRA_WORDS];
        ensure!(magic == MAGIC, "the firmware speaks another protocol: rebuild it from this version's boards/");
        ensure!(crc == model.crc(), "the firmware runs another model: CRC {crc:08x} instead of {:08x}", model.crc());
        ensure!(record_words as usize == record.len(), "records of {record_words} words instead of {}", record.len());
        let load_ticks = load_ticks.wrapping_sub(empty_ticks);
        Ok(Records { file, record, empty_ticks, load_ticks, steps: 0, ticks: 0, range: [u32::MAX, 0] })
    }

    /// The next record, without its ticks, which are added up.
    pub(super) fn next(&mut self) -> Result<&[u32]> {
        let steps = self.steps;
        words(&mut self.file, &mut self.record)?
            .with_context(|| format!("the firmware stopped after {steps} steps"))?;
        self.steps += 1;
        if self.record[0] > 0 {
            let ticks = self.record[0].wrapping_sub(self.empty_ticks);
            self.ticks += u64::from(ticks);
            self.range = [self.range[0].min(ticks), self.range[1].max(ticks)];
        }
        Ok(&self.record[RECORD_EXTRA_WORDS..])
    }

    /// The report, once all records were read.
    pub(super) fn finish(
        mut self,
        core: &str,
        machine: &Machine,
        mismatches: u64,
        first: Option<Mismatch>,
    ) -> Result<VerifyReport> {
        let steps = self.steps;
        ensure!(words(&mut self.file, &mut self.record)?.is_none(), "the firmware wrote more than {steps} steps");
        let instructions = machine.instructions(self.ticks as f64 / steps.max(1) as f64);
        let range = self.range.map(|ticks| machine.instructions(f64::from(ticks)));
        let load_instructions = machine.instructions(f64::from(self.load_ticks));
        Ok(VerifyReport { core: core.to_owned(), steps, mismatches, first, instructions, range, load_instructions })
    }
}

/// Runs `inputs` on the host and compares each step with the session's record of it.
pub(super) fn compare(
    model: &Model<'_>,
    core: &str,
    machine: &Machine,
    inputs: &Inputs<'_>,
    session: Session,
) -> Result<VerifyReport> {
    if let Structure::Seq2seq { .. } = model.structure() {
        return written(model, core, machine, inputs, &session);
    }
    if model.max_steps() > 0 {
        return sequences(model, core, machine, inputs, &session);
    }
    let (mut memory, mut other) = (vec![0; model.memory_words()], vec![0; model.memory_words()]);
    let mut host = model.stream(&mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut board = model.stream(&mut other).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut snapshot = vec![0; host.snapshot_words()];
    let mut records = Records::open(model, snapshot.len(), &session)?;
    let (mut mismatches, mut first) = (0u64, None);
    for (number, sequence) in inputs.sequences.iter().enumerate() {
        host.reset();
        for (step, frame) in sequence.chunks(model.inputs()).enumerate() {
            let record = records.next()?;
            match inputs.given(model, step, frame) {
                given if given.len() < model.inputs() => host.step_closed(given),
                given => host.step(given),
            };
            host.snapshot(&mut snapshot).map_err(|e| anyhow::anyhow!("{e}"))?;
            if record != snapshot {
                mismatches += 1;
                if first.is_none() {
                    board.restore(record).map_err(|e| anyhow::anyhow!("{e}"))?;
                    let found = locate(&mut host, &mut board, &snapshot, record);
                    first = Some(Mismatch { sequence: number, step, ..found });
                }
            }
        }
    }
    records.finish(core, machine, mismatches, first)
}

/// [`compare`] for a model that runs whole sequences.
fn sequences(
    model: &Model<'_>,
    core: &str,
    machine: &Machine,
    inputs: &Inputs<'_>,
    session: &Session,
) -> Result<VerifyReport> {
    let mut memory = vec![0; model.memory_words()];
    let mut host = model.sequence(&mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut records = Records::open(model, vector_words(model.outputs()), session)?;
    let (mut mismatches, mut first) = (0u64, None);
    for (number, sequence) in inputs.sequences.iter().enumerate() {
        let outputs = host.run(sequence).map_err(|e| anyhow::anyhow!("sequence {number}: {e}"))?;
        for (step, ours) in outputs.iter().enumerate() {
            let theirs = word::halves(records.next()?);
            let differs = ours.logits.iter().zip(theirs).position(|(h, b)| h != b);
            if let Some(unit) = differs {
                mismatches += 1;
                first.get_or_insert(Mismatch {
                    sequence: number,
                    step,
                    part: Part::Output,
                    layer: model.layers().len().saturating_sub(1),
                    unit,
                    host: ours.logits[unit] as i32,
                    board: theirs[unit] as i32,
                });
            }
        }
    }
    records.finish(core, machine, mismatches, first)
}

/// [`compare`] for a model that writes sequences: a step is a symbol or the end, and what differs there.
fn written(
    model: &Model<'_>,
    core: &str,
    machine: &Machine,
    inputs: &Inputs<'_>,
    session: &Session,
) -> Result<VerifyReport> {
    let mut memory = vec![0; model.memory_words()];
    let mut host = model.seq2seq(&mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let most = host.max_outputs();
    // Their number and likelihood stand before the symbols.
    let mut records = Records::open(model, 2 + most, session)?;
    let (mut steps, mut mismatches, mut first) = (0u64, 0u64, None);
    for (number, sequence) in inputs.sequences.iter().enumerate() {
        let ours = host.run(sequence).map_err(|e| anyhow::anyhow!("sequence {number}: {e}"))?;
        let mut wanted: Vec<u32> = [ours.len() as u32, ours.log2_p as u32].into();
        wanted.extend(ours.symbols().map(u32::from));
        wanted.resize(2 + most, 0);
        let theirs = records.next()?;
        let differs = |k: &usize| wanted[*k] != theirs[*k];
        mismatches += (0..wanted.len()).filter(differs).count() as u64;
        // The symbols say more than their number and likelihood.
        if let Some(k) = (2..wanted.len()).chain(0..2).find(differs) {
            first.get_or_insert(Mismatch {
                sequence: number,
                step: k.saturating_sub(2),
                part: Part::Output,
                layer: model.layers().len().saturating_sub(1),
                unit: 0,
                host: wanted[k] as i32,
                board: theirs[k] as i32,
            });
        }
        steps += ours.len() as u64 + 1;
    }
    let report = records.finish(core, machine, mismatches, first)?;
    let instructions = report.instructions * report.steps as f64 / steps.max(1) as f64;
    Ok(VerifyReport { steps, instructions, ..report })
}

/// The first hidden state, long state, output or else word in which two streams differ.
pub(super) fn locate(host: &mut Stream<'_, '_>, board: &mut Stream<'_, '_>, ours: &[u32], theirs: &[u32]) -> Mismatch {
    let at = |part, layer, unit, host, board| Mismatch { sequence: 0, step: 0, part, layer, unit, host, board };
    let layers = host.model().layers().len();
    for layer in 0..layers {
        let pairs = host.hidden_state(layer).iter().zip(board.hidden_state(layer));
        if let Some((unit, (h, b))) = pairs.enumerate().find(|(_, (h, b))| h != b) {
            // The last layer's vector is the model's output.
            let part = if layer + 1 == layers { Part::Output } else { Part::Hidden };
            return at(part, layer, unit, *h as i32, *b as i32);
        }
        let pairs = host.carried_state(layer).iter().zip(board.carried_state(layer));
        if let Some((unit, (h, b))) = pairs.enumerate().find(|(_, (h, b))| h != b) {
            return at(Part::Long, layer, unit, *h as i32, *b as i32);
        }
    }
    let unit = ours.iter().zip(theirs).position(|(h, b)| h != b).unwrap_or(0);
    at(Part::Memory, layers.saturating_sub(1), unit, ours[unit] as i32, theirs[unit] as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman::blob::Blob;
    use elman_quant::synthetic::{self, Drive};
    use elman_quant::words_of;

    /// One changed bit in the board's snapshot is found by layer and unit.
    #[test]
    fn a_difference_is_located() {
        let words = words_of(&synthetic::model("lstm", 4, 6, 3, Drive::Ordinary, 1).to_blob().unwrap()).unwrap();
        let model = Model::load(Blob::new(&words)).unwrap();
        let (mut a, mut b) = (vec![0; model.memory_words()], vec![0; model.memory_words()]);
        let (mut host, mut board) = (model.stream(&mut a).unwrap(), model.stream(&mut b).unwrap());
        for frame in synthetic::frames(4, 5, 2).chunks(4) {
            host.step(frame);
        }
        let mut ours = vec![0; host.snapshot_words()];
        host.snapshot(&mut ours).unwrap();
        // After the mark: x of 2 words, h of 4 (8 elements), c of 6; then the dense layer's input and output.
        for (word, part, layer, unit) in [
            (1 + 2 + 1, Part::Hidden, 0, 2),
            (1 + 2 + 4 + 3, Part::Long, 0, 3),
            (1 + 2 + 4 + 6 + 4, Part::Output, 1, 0),
        ] {
            let mut theirs = ours.clone();
            theirs[word] ^= 1;
            board.restore(&theirs).unwrap();
            let found = locate(&mut host, &mut board, &ours, &theirs);
            assert_eq!((found.part, found.layer, found.unit), (part, layer, unit), "{found}");
            assert_eq!(found.host ^ found.board, 1);
        }
    }
}
