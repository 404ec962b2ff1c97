//! Decoding: a step at a time, each from the states that the one before left.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{DECODER, HEAD, Item, Joined, Memory, inputs, one_step};
use crate::layer::{Mode, Output, RecurrentTape};
use crate::loss::{END, argmax};
use crate::{Float, Network};

/// Random numbers that choose what the decoder reads; dropout has others.
const FREE: u64 = 1 << 48;

impl<F: Float> Joined<'_, F> {
    /// Runs the decoder a step at a time, every row after its source, at most `limit` steps: `choose` is given step, row
    /// and scores, and says what the row reads next; `None` where it has come to its end.
    fn unroll(&self, memory: &mut Memory<F>, limit: usize, mut choose: impl FnMut(usize, usize, &[F]) -> Option<u32>) {
        let rows = memory.source.order().len();
        let order: Vec<usize> = (0..rows).collect();
        self.encode(memory, &order, Mode::Evaluate);
        let mut symbols = vec![F::of(f64::from(END)); rows];
        let all = [rows];
        for t in 0..limit {
            self.decode(memory, one_step(&symbols, &all, 1), (0..rows).map(|_| 1), Mode::Evaluate);
            let Some(y) = memory.tapes[HEAD].last().map(|top| top.output.frames()) else { break };
            let mut going = false;
            for (row, symbol) in symbols.iter_mut().enumerate() {
                let chosen = choose(t, row, y.row(0, row));
                going |= chosen.is_some();
                *symbol = F::of(f64::from(chosen.unwrap_or(END)));
            }
            if !going {
                break;
            }
            self.carry(memory, &order);
        }
    }

    /// After a step, puts the decoder before the next: row r goes on from the states of row `parents[r]`.
    fn carry(&self, memory: &mut Memory<F>, parents: &[usize]) {
        for (k, units) in &self.cells {
            let (out, states): (&mut Output<F>, &mut RecurrentTape<F>) = memory.tapes[DECODER][*k].parts();
            let h = out.frames();
            states.h_0.clear();
            parents.iter().for_each(|row| states.h_0.extend_from_slice(h.row(0, *row)));
            let mut c_0 = std::mem::take(&mut states.c_0);
            c_0.clear();
            let rows = parents.iter().map(|row| row * units..(row + 1) * units);
            rows.for_each(|row| c_0.extend_from_slice(states.cells().get(row).unwrap_or_default()));
            states.c_0 = c_0;
        }
    }

    /// The most likely sequence that a search with `beams` hypotheses finds after the source, of which memory holds as
    /// many copies: as the device searches.
    fn search(&self, memory: &mut Memory<F>, limit: usize, beams: usize) -> Vec<u32> {
        let order: Vec<usize> = (0..beams).collect();
        self.encode(memory, &order, Mode::Evaluate);
        let mut live = vec![(Vec::new(), 0.0)];
        let mut ended: Option<(Vec<u32>, f64)> = None;
        let mut symbols = vec![F::of(f64::from(END)); beams];
        for _ in 0..limit {
            self.decode(memory, one_step(&symbols, &[beams], 1), order.iter().map(|_| 1), Mode::Evaluate);
            let Some(y) = memory.tapes[HEAD].last().map(|top| top.output.frames()) else { break };
            let mut next: Vec<(f64, usize, u32)> = Vec::new();
            for (k, (_, p)) in live.iter().enumerate() {
                let y = y.row(0, k);
                let most = y.iter().fold(f64::NEG_INFINITY, |m, y| m.max(y.f64()));
                let sum = y.iter().map(|y| (y.f64() - most).exp()).sum::<f64>().ln() + most;
                next.extend((0u32..).zip(y).map(|(symbol, y)| (p + y.f64() - sum, k, symbol)));
            }
            next.sort_by(|a, b| b.0.total_cmp(&a.0));
            next.truncate(beams);
            let mut parents = Vec::new();
            let mut kept = Vec::new();
            for (p, k, symbol) in next {
                let written: &Vec<u32> = &live[k].0;
                if symbol != END {
                    symbols[kept.len()] = F::of(f64::from(symbol));
                    kept.push(([&written[..], &[symbol]].concat(), p));
                    parents.push(k);
                } else if ended.as_ref().is_none_or(|best| p > best.1) {
                    ended = Some((written.clone(), p));
                }
            }
            live = kept;
            let done = live.first().is_none_or(|h| ended.as_ref().is_some_and(|best| best.1 >= h.1));
            if done {
                break;
            }
            parents.resize(beams, 0);
            self.carry(memory, &parents);
        }
        ended.or(live.into_iter().next()).map_or(Vec::new(), |(written, _)| written)
    }

    /// The symbols that the network says after its source, each the most likely after those before; at most `limit`.
    fn greedy(&self, memory: &mut Memory<F>, limit: usize) -> Vec<Vec<u32>> {
        let mut said = vec![Vec::new(); memory.source.order().len()];
        self.unroll(memory, limit, |t, row, y| {
            let symbol = argmax(y) as u32;
            // A row that has ended is shorter than the step says.
            let going = symbol != END && said[row].len() == t;
            going.then(|| said[row].push(symbol))?;
            Some(symbol)
        });
        said
    }

    /// Replaces what the decoder reads: the wanted symbol with this probability, else what the network says itself after
    /// what it has read so far (Bengio et al. 2015). No gradient goes through the choice.
    pub(super) fn free(&self, memory: &mut Memory<F>, items: &[Item<'_>], teacher_forcing: f64, seed: u64) {
        let mut reads: Vec<Vec<f32>> = items.iter().map(|i| inputs(i.target)).collect();
        let longest = reads.iter().map(Vec::len).max().unwrap_or(0);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(FREE);
        let below = (teacher_forcing * 2f64.powi(32)) as u64;
        self.unroll(memory, longest, |t, row, y| {
            let next = reads[row].get_mut(t + 1)?;
            if u64::from(random.next_u32()) >= below {
                *next = argmax(y) as f32;
            }
            Some(*next as u32)
        });
        memory.target.fill(&reads.iter().map(Vec::as_slice).collect::<Vec<_>>(), 1);
    }
}

/// The symbols that a network writes after each source, `[steps, inputs]`, greedily, without the end; at most `limit`.
///
/// # Panics
/// Where a source is empty or no whole number of frames, or the network is no encoder-decoder.
pub fn decode<F: Float>(network: &Network<F>, sources: &[&[f32]], limit: usize) -> Vec<Vec<u32>> {
    F::decode(network, sources, limit)
}

pub(crate) fn decode_here<F: Float>(network: &Network<F>, sources: &[&[f32]], limit: usize) -> Vec<Vec<u32>> {
    let mut memory = Memory::default();
    memory.source.fill(sources, network.spec().inputs);
    Joined::new(network).greedy(&mut memory, limit)
}

/// The most likely symbols after one source that a search with `beams` hypotheses finds; with one, greedily.
///
/// # Panics
/// As [`decode`].
pub fn search<F: Float>(network: &Network<F>, source: &[f32], limit: usize, beams: usize) -> Vec<u32> {
    F::search(network, source, limit, beams)
}

pub(crate) fn search_here<F: Float>(network: &Network<F>, source: &[f32], limit: usize, beams: usize) -> Vec<u32> {
    let mut memory = Memory::default();
    memory.source.fill(&vec![source; beams.max(1)], network.spec().inputs);
    Joined::new(network).search(&mut memory, limit, beams.max(1))
}
