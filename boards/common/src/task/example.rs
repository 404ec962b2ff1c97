//! Whole examples: sequences, trees and graphs, which come in parts and are then run.

use elman::kernel::word;
use elman::net::Node;
use elman::{Model, RunError};
use elman_messages::{Example, Failure, LEAF, Outcome, Part, Request, numbers};

use super::nets::{Input, Net, Record};
use super::{failure, split, words_of};
use crate::Clock;
use crate::link::Runner;

/// Parts of an example.
const PARTS: usize = 5;

/// Examples for a model that runs them whole.
pub(crate) struct Examples<'m, N, C> {
    net: N,
    words: &'m mut [u32],
    nodes: &'m mut [Node],
    /// Numbers of each part of the example, in the order of [`Part`].
    required: [usize; PARTS],
    /// Numbers that have come.
    provided: [usize; PARTS],
    /// Numbers of the answer.
    answer: usize,
    clock: &'m C,
}

/// The buffer of words, cut into the parts of an example and the rest.
struct Areas<'w> {
    frames: &'w mut [i16],
    features: &'w mut [i16],
    offsets: &'w mut [u32],
    neighbours: &'w mut [u16],
    rest: &'w mut [u32],
}

/// Where the answer begins, in words.
fn example_words(required: &[usize; PARTS]) -> usize {
    let [frames, _, features, degrees, neighbours] = *required;
    let offsets = if degrees > 0 { degrees.saturating_add(1) } else { 0 };
    [words_of(frames), words_of(features), offsets, words_of(neighbours)]
        .iter()
        .fold(0, |sum, n| sum.saturating_add(*n))
}

fn areas<'w>(words: &'w mut [u32], required: &[usize; PARTS]) -> Option<Areas<'w>> {
    let [frames, _, features, degrees, neighbours] = *required;
    let (own, words) = words.split_at_mut_checked(words_of(frames))?;
    let frames = word::halves_mut(own).get_mut(..frames)?;
    let (own, words) = words.split_at_mut_checked(words_of(features))?;
    let features = word::halves_mut(own).get_mut(..features)?;
    let (offsets, words) = words.split_at_mut_checked(if degrees > 0 { degrees.saturating_add(1) } else { 0 })?;
    let (own, rest) = words.split_at_mut_checked(words_of(neighbours))?;
    let neighbours = word::unsigned_halves_mut(own).get_mut(..neighbours)?;
    Some(Areas { frames, features, offsets, neighbours, rest })
}

impl<'m, N: Net, C: Clock> Examples<'m, N, C> {
    /// `open`: how a model becomes a net, in memory of `Model::memory_words`.
    pub(crate) fn new<'b>(
        model: &'m Model<'b>,
        words: &'m mut [u32],
        nodes: &'m mut [Node],
        clock: &'m C,
        open: impl FnOnce(&'m Model<'b>, &'m mut [u32]) -> Result<N, RunError>,
    ) -> Result<Self, Failure> {
        let (memory, words) = split(words, model.memory_words())?;
        let net = open(model, memory).map_err(failure)?;
        Ok(Examples { net, words, nodes, required: [0; PARTS], provided: [0; PARTS], answer: 0, clock })
    }

    fn begin(&mut self, example: Example) -> Result<(), Failure> {
        let [frames, nodes, edges] = [example.frames, example.nodes, example.edges].map(|n| n as usize);
        let features = edges.saturating_mul(self.net.edge_features());
        let degrees = if N::GRAPH { frames } else { 0 };
        let required = [frames.saturating_mul(self.net.inputs()), nodes.saturating_mul(2), features, degrees, edges];
        (self.required, self.provided, self.answer) = ([0; PARTS], [0; PARTS], 0);
        if nodes > self.nodes.len() {
            return Err(Failure::Nodes { required: example.nodes, provided: self.nodes.len() as u32 });
        }
        let (words, provided) = (example_words(&required), self.words.len());
        let areas = areas(self.words, &required);
        let areas = areas.ok_or(Failure::Memory { required: words as u32, provided: provided as u32 })?;
        if let Some(first) = areas.offsets.first_mut() {
            *first = 0;
        }
        self.required = required;
        Ok(())
    }

    fn append(&mut self, part: Part, bytes: &[u8]) -> Result<(), Failure> {
        let k = part as usize;
        let (Some(required), Some(provided)) = (self.required.get(k), self.provided.get_mut(k)) else {
            return Err(Failure::WrongTask);
        };
        let from = *provided;
        let to = from.saturating_add(bytes.len() / 2);
        // A node is two numbers, which come together.
        if to > *required || (part == Part::Nodes && !to.is_multiple_of(2)) {
            return Err(Failure::Length { required: *required as u32, provided: to as u32 });
        }
        *provided = to;
        let Some(areas) = areas(self.words, &self.required) else { return Err(Failure::WrongTask) };
        match part {
            Part::Frames => copy(areas.frames, from, bytes),
            Part::Features => copy(areas.features, from, bytes),
            Part::Neighbours => {
                let own = areas.neighbours.get_mut(from..).unwrap_or_default();
                own.iter_mut().zip(numbers(bytes)).for_each(|(to, x)| *to = x as u16);
            }
            Part::Degrees => {
                let own = areas.offsets.get_mut(from..).unwrap_or_default();
                if let Some((end, own)) = own.split_first_mut() {
                    let mut end = *end;
                    for (to, degree) in own.iter_mut().zip(numbers(bytes)) {
                        end = end.wrapping_add(degree as u16 as u32);
                        *to = end;
                    }
                }
            }
            Part::Nodes => {
                let own = self.nodes.get_mut(from / 2..).unwrap_or_default();
                let mut pairs = numbers(bytes).map(|x| x as u16);
                for node in own {
                    let (Some(left), Some(right)) = (pairs.next(), pairs.next()) else { break };
                    *node = if right == LEAF { Node::Leaf(left) } else { Node::Inner { left, right } };
                }
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<Outcome, Failure> {
        if let Some((required, provided)) = self.required.iter().zip(&self.provided).find(|(r, p)| r != p) {
            return Err(Failure::Length { required: *required as u32, provided: *provided as u32 });
        }
        let own = example_words(&self.required);
        let provided = self.words.len();
        let Some(areas) = areas(self.words, &self.required) else { return Err(Failure::WrongTask) };
        let [_, nodes, ..] = self.required;
        let input = Input {
            frames: areas.frames,
            nodes: self.nodes.get(..nodes / 2).unwrap_or_default(),
            features: areas.features,
            offsets: areas.offsets,
            neighbours: areas.neighbours,
        };
        let mut record = Record::new(word::halves_mut(areas.rest));
        let outcome = self.net.run(input, &mut record, self.clock).map_err(failure)?;
        self.answer = record.numbers().map_err(|numbers| Failure::Memory {
            required: own.saturating_add(words_of(numbers)) as u32,
            provided: provided as u32,
        })?;
        Ok(outcome)
    }
}

fn copy(to: &mut [i16], from: usize, bytes: &[u8]) {
    let own = to.get_mut(from..).unwrap_or_default();
    own.iter_mut().zip(numbers(bytes)).for_each(|(to, x)| *to = x);
}

impl<N: Net, C: Clock> Runner for Examples<'_, N, C> {
    fn answer(&mut self, request: Request<'_>) -> Result<Outcome, Failure> {
        match request {
            // Every example begins with states of zero.
            Request::Reset => Ok(Outcome::Done),
            Request::Example(example) => self.begin(example).map(|()| Outcome::Done),
            Request::Append { part, numbers } => self.append(part, numbers).map(|()| Outcome::Done),
            Request::Run => self.run(),
            _ => Err(Failure::WrongTask),
        }
    }

    fn bytes(&self) -> &[u8] {
        let rest = self.words.get(example_words(&self.required)..).unwrap_or_default();
        word::bytes(rest).get(..self.answer.saturating_mul(2)).unwrap_or_default()
    }
}
