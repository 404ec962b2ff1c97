//! The steps of a stream, on a device and on the host.

use anyhow::{Result, anyhow};
use elman::{Model, Stream};
use elman_messages::{Hello, Outcome, Request, Task};
use serde::Serialize;
use std::fmt;

use super::{Inputs, VerifyReport};
use crate::cost::example;
use crate::device::{Device, bytes_of, done, start, unexpected};

/// Which number of a step differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A hidden state (the output, of a layer that is not recurrent).
    Hidden,
    /// A carried state: c of an LSTM, the 32-bit h of a GRU, the sum of a mean.
    Carried,
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
            Part::Carried => "carried state",
            Part::Output => "output",
            Part::Memory => "memory",
        };
        write!(f, "sequence {sequence}, step {step}, layer {layer}, {part} of unit {unit}: host {host}, board {board}")
    }
}

/// Steps and their ticks, as they are counted up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub steps: u64,
    pub mismatches: u64,
    pub first: Option<Mismatch>,
    ticks: u64,
    /// Counts of ticks.
    counts: u64,
    /// Fewest and most ticks of a count.
    range: Option<[u32; 2]>,
    /// Ticks of examples and the instructions that they may have, by [`example::most`].
    costs: Vec<(u32, f64)>,
}

impl Tally {
    /// One count of ticks.
    pub(crate) fn count(&mut self, ticks: u32) {
        let [least, most] = self.range.unwrap_or([ticks; 2]);
        self.range = Some([least.min(ticks), most.max(ticks)]);
        self.ticks += u64::from(ticks);
        self.counts += 1;
    }

    /// Notes what an example of this size took.
    pub(crate) fn compare_cost(&mut self, model: &Model<'_>, size: example::Extent, core: &str, ticks: u32) {
        self.costs.extend(example::most_on(model, core, size).map(|most| (ticks, most)));
    }

    /// The report; ticks less those of measuring nothing.
    pub(crate) fn report(self, device: &dyn Device, hello: &Hello) -> VerifyReport {
        let empty = hello.empty_ticks;
        let ticks = self.ticks.saturating_sub(self.counts * u64::from(empty));
        let instructions = |ticks: u32| device.instructions(f64::from(ticks.saturating_sub(empty)));
        VerifyReport {
            core: device.name().to_owned(),
            board: device.is_board(),
            steps: self.steps,
            mismatches: self.mismatches,
            first: self.first,
            instructions: device.instructions(ticks as f64 / self.steps.max(1) as f64),
            range: self.range.unwrap_or_default().map(instructions),
            load_instructions: instructions(hello.load_ticks),
            share_of_bound: self.costs.iter().map(|(ticks, most)| instructions(*ticks) / most).reduce(f64::max),
        }
    }
}

/// Runs `inputs` on the device and on the host, and compares every word of every step's states.
pub(crate) fn streams(device: &mut dyn Device, model: &Model<'_>, inputs: &Inputs<'_>) -> Result<VerifyReport> {
    let (mut memory, mut other) = (vec![0; model.memory_words()], vec![0; model.memory_words()]);
    let mut host = model.stream(&mut memory).map_err(|e| anyhow!("{e}"))?;
    let mut board = model.stream(&mut other).map_err(|e| anyhow!("{e}"))?;
    let (mut snapshot, mut theirs) = (vec![0; host.snapshot_words()], vec![0; host.snapshot_words()]);
    let mut tally = Tally::default();
    let hello = device.talk(model.crc(), &mut |channel| {
        start(channel, Task::Stream)?;
        for (number, sequence) in inputs.sequences.iter().enumerate() {
            done(channel, Request::Reset)?;
            host.reset();
            for (step, frame) in sequence.chunks(model.inputs()).enumerate() {
                let frame = inputs.given(model, step, frame);
                let bytes = bytes_of(frame.iter().copied());
                let Some(answer) = channel.ask(Request::Step(&bytes), snapshot.len() * 4)? else { continue };
                let Outcome::Step { ticks } = answer.outcome else { return Err(unexpected(&answer)) };
                tally.steps += 1;
                tally.count(ticks);
                match frame.len() < model.inputs() {
                    true => host.step_closed(frame),
                    false => host.step(frame),
                };
                host.snapshot(&mut snapshot).map_err(|e| anyhow!("{e}"))?;
                let words = answer.bytes.as_chunks().0;
                theirs.iter_mut().zip(words).for_each(|(to, bytes)| *to = u32::from_le_bytes(*bytes));
                if words.len() != snapshot.len() || theirs != snapshot {
                    tally.mismatches += 1;
                    if tally.first.is_none() {
                        board.restore(&theirs).map_err(|e| anyhow!("{e}"))?;
                        let found = locate(&mut host, &mut board, &snapshot, &theirs);
                        tally.first = Some(Mismatch { sequence: number, step, ..found });
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(tally.report(device, &hello))
}

/// The first hidden state, carried state, output or else word in which two streams differ.
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
            return at(Part::Carried, layer, unit, *h, *b);
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
        // Behind the mark: x of 2 words, h of 4 (8 elements), c of 6; then the dense layer's input and output.
        for (word, part, layer, unit) in [
            (1 + 2 + 1, Part::Hidden, 0, 2),
            (1 + 2 + 4 + 3, Part::Carried, 0, 3),
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
