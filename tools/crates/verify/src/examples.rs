//! Whole examples on a device and on the host: sequences read in both directions, encoder-decoders, trees, graphs.

use anyhow::{Result, anyhow, ensure};
use elman::Model;
use elman::blob::Structure;
use elman::net::Node;
use elman_data::ExampleStructure;
use elman_messages::{Answer, Example as Extent, LEAF, Outcome, Part, Request, Task, numbers};
use elman_pipeline::Example;
use elman_pipeline::evaluate::{host, is_too_large, larger_memory};

use super::{Inputs, Mismatch, VerifyReport};
use crate::compare::{Part as Where, Tally};
use crate::cost::example::Extent as Size;
use crate::device::{Channel, Device, append, bytes_of, done, start, unexpected};

/// An example as its messages have it.
#[derive(Debug, Default)]
struct Parts {
    extent: Extent,
    /// What its cost follows from.
    size: Size,
    /// Numbers of each part as bytes.
    parts: Vec<(Part, Vec<u8>)>,
}

impl Parts {
    fn frames(model: &Model<'_>, frames: &[i16]) -> Self {
        let extent = Extent { frames: (frames.len() / model.inputs().max(1)) as u32, ..Extent::default() };
        let size = Size { frames: extent.frames as usize, ..Size::default() };
        Parts { extent, size, parts: vec![(Part::Frames, bytes_of(frames.iter().copied()))] }
    }

    /// A tree or a graph; `frac`: fraction bits of the features of edges.
    fn of(model: &Model<'_>, example: &Example, frac: u8) -> Self {
        let mut this = Parts { size: Size::of(model, example), ..Parts::frames(model, &example.frames) };
        match &example.joints {
            ExampleStructure::None => {}
            ExampleStructure::Tree(nodes) => {
                let pair = |node: &Node| match *node {
                    Node::Leaf(frame) => [frame, LEAF],
                    Node::Inner { left, right } => [left, right],
                };
                this.extent.nodes = nodes.len() as u32;
                this.parts.push((Part::Nodes, bytes_of(nodes.iter().flat_map(pair).map(|x| x as i16))));
            }
            ExampleStructure::Graph(rows) => {
                this.extent.edges = rows.neighbours.len() as u32;
                let degrees = rows.offsets.windows(2).map(|w| (w[1] - w[0]) as i16);
                this.parts.push((Part::Features, bytes_of(host::edge_features(rows, frac))));
                this.parts.push((Part::Degrees, bytes_of(degrees)));
                this.parts.push((Part::Neighbours, bytes_of(rows.neighbours.iter().map(|x| *x as i16))));
            }
        }
        this
    }

    /// Sends it and runs it.
    fn run<'c>(&self, channel: &'c mut dyn Channel, expected: usize) -> Result<Option<Answer<'c>>> {
        done(channel, Request::Example(self.extent))?;
        self.parts.iter().try_for_each(|(part, numbers)| append(channel, *part, numbers))?;
        channel.ask(Request::Run, expected)
    }
}

/// The host's answers to an example: the number of the step or node, and its outputs.
type Answers = Vec<(usize, Vec<i16>)>;

/// Runs sequences on the device and on the host, of a model that runs them whole, and compares the outputs of every step.
pub(crate) fn sequences(device: &mut dyn Device, model: &Model<'_>, inputs: &Inputs<'_>) -> Result<VerifyReport> {
    let mut memory = vec![0; model.memory_words()];
    let mut host = model.sequence(&mut memory).map_err(|e| anyhow!("{e}"))?;
    let run = |frames: &Vec<i16>| -> Result<(Parts, Answers)> {
        let outputs = host.run(frames).map_err(|e| anyhow!("{e}"))?;
        let answers = outputs.iter().map(|y| y.logits.to_vec()).enumerate().collect();
        Ok((Parts::frames(model, frames), answers))
    };
    answers(device, model, inputs.sequences.iter().map(run).collect::<Result<Vec<_>>>()?)
}

/// Runs trees or graphs on the device and on the host, and compares every answer. Those that do not fit into the model's memory are
/// left out: they have no answer on either.
pub(crate) fn structures(device: &mut dyn Device, model: &Model<'_>, examples: &[Example]) -> Result<VerifyReport> {
    let mut memory = vec![0; model.memory_words()];
    let frac = match model.structure() {
        Structure::Graph { .. } => model.graph(&mut memory).map_err(|e| anyhow!("{e}"))?.edge_frac(),
        _ => 0,
    };
    let mut run = |example: &Example| -> Result<Option<(Parts, Answers)>> {
        let mut answers = Vec::new();
        match host::structure(model, &mut memory, example, |k, output| answers.push((k, output.logits.to_vec()))) {
            Ok(()) => Ok(Some((Parts::of(model, example, frac), answers))),
            Err(e) if is_too_large(&e) => Ok(None),
            Err(e) => Err(anyhow!("{}: {e}", example.name)),
        }
    };
    let compared = examples.iter().filter_map(|e| run(e).transpose()).collect::<Result<Vec<_>>>()?;
    ensure!(!compared.is_empty(), "no example fits into the model's memory; {}", larger_memory(model.structure()));
    answers(device, model, compared)
}

/// Compares the answers of a device to examples with the host's.
fn answers(device: &mut dyn Device, model: &Model<'_>, examples: Vec<(Parts, Answers)>) -> Result<VerifyReport> {
    let (outputs, layer) = (model.outputs(), model.layers().len().saturating_sub(1));
    let mut tally = Tally::default();
    let device_name = device.name().to_owned();
    let hello = device.talk(model.crc(), &mut |channel| {
        start(channel, Task::Examples)?;
        for (sequence, (parts, ours)) in examples.iter().enumerate() {
            let expected = ours.len() * outputs * 2;
            let Some(answer) = parts.run(channel, expected)? else { continue };
            let Outcome::Outputs { ticks } = answer.outcome else { return Err(unexpected(&answer)) };
            anyhow::ensure!(
                answer.bytes.len() == expected,
                "example {sequence}: the device has {} answers, the host {}",
                answer.bytes.len() / (outputs * 2).max(1),
                ours.len()
            );
            tally.count(ticks);
            tally.compare_cost(model, parts.size, device_name.as_str(), ticks);
            for ((step, host), board) in ours.iter().zip(answer.bytes.chunks((outputs * 2).max(2))) {
                tally.steps += 1;
                if let Some((unit, (host, board))) =
                    host.iter().zip(numbers(board)).enumerate().find(|(_, (h, b))| *h != b)
                {
                    tally.mismatches += 1;
                    let (host, board) = ((*host).into(), board.into());
                    tally.first.get_or_insert(Mismatch {
                        sequence,
                        step: *step,
                        part: Where::Output,
                        layer,
                        unit,
                        host,
                        board,
                    });
                }
            }
        }
        Ok(())
    })?;
    Ok(tally.report(device, &hello))
}

/// Runs an encoder-decoder on the device and on the host: a step is a symbol or the end, and what differs there.
pub(crate) fn written(device: &mut dyn Device, model: &Model<'_>, inputs: &Inputs<'_>) -> Result<VerifyReport> {
    let mut memory = vec![0; model.memory_words()];
    let mut host = model.seq2seq(&mut memory).map_err(|e| anyhow!("{e}"))?;
    let (most, layer) = (host.max_outputs(), model.layers().len().saturating_sub(1));
    let Structure::Seq2seq { beams, .. } = model.structure() else { anyhow::bail!("the model writes no sequence") };
    let device_name = device.name().to_owned();
    let examples: Vec<Parts> = inputs.sequences.iter().map(|frames| Parts::frames(model, frames)).collect();
    let mut tally = Tally::default();
    let hello = device.talk(model.crc(), &mut |channel| {
        start(channel, Task::Examples)?;
        for (sequence, (parts, frames)) in examples.iter().zip(inputs.sequences).enumerate() {
            let Some(answer) = parts.run(channel, most * 2)? else { continue };
            let Outcome::Written { ticks, symbols, log2_p } = answer.outcome else { return Err(unexpected(&answer)) };
            let ours = host.run(frames).map_err(|e| anyhow!("sequence {sequence}: {e}"))?;
            // The symbols say more than their number and likelihood: they are compared first.
            let mut wanted: Vec<i32> = ours.symbols().map(i32::from).collect();
            wanted.resize(most, 0);
            wanted.extend([ours.len() as i32, ours.log2_p]);
            let mut theirs: Vec<i32> = numbers(answer.bytes).map(|x| i32::from(x as u16)).collect();
            theirs.resize(most, 0);
            theirs.extend([symbols as i32, log2_p]);
            let differing: Vec<usize> = (0..wanted.len()).filter(|k| wanted[*k] != theirs[*k]).collect();
            tally.mismatches += differing.len() as u64;
            if let Some(k) = differing.first() {
                let (host, board, step) = (wanted[*k], theirs[*k], if *k < most { *k } else { 0 });
                tally.first.get_or_insert(Mismatch {
                    sequence,
                    step,
                    part: Where::Output,
                    layer,
                    unit: 0,
                    host,
                    board,
                });
            }
            tally.count(ticks);
            // The search may go on after the best has ended.
            let outputs = if beams > 1 { most } else { (ours.len() + 1).min(most) };
            tally.compare_cost(model, Size { outputs, ..parts.size }, device_name.as_str(), ticks);
            tally.steps += ours.len() as u64 + 1;
        }
        Ok(())
    })?;
    Ok(tally.report(device, &hello))
}
