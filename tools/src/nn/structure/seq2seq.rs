//! An encoder that reads a sequence and a decoder that writes another one.
//!
//! ```text
//! h_t = f1(h_(t-1), x_t)        t = 1..T, the encoder; h_t are the states attended to
//! s_0 = bridge([h_T forward; h_1 backward])
//! s_t = f2(s_(t-1), y_(t-1))    t = 1..M, the decoder; y_0 is the end symbol
//! c_t = Σ_i a_ti h_i            a_t = softmax(e(query(s_t), key(h_i)))
//! y_t = head([s_t; c_t])
//! ```
//! Teacher forced, y_(t-1) is the symbol wanted, so that every chain runs over all steps at once; running free it is the
//! one that the network said.

use elman::blob::Score as AttentionScore;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::Item;
use super::attention::{Attention, Side};
use crate::nn::batch::{Batch, Frames};
use crate::nn::joined::StructureSpec;
use crate::nn::layer::{Below, Layer, Mode, Tape};
use crate::nn::loss::{END, NO_CLASS, Target, argmax};
use crate::nn::network::Chain;
use crate::nn::trace::{Trace, trace as of_tape};
use crate::nn::{Float, LayerSpec, Network, NetworkSpec, Pass, Score, Workspace};

const ENCODER: usize = 0;
const BRIDGE: usize = 1;
const DECODER: usize = 2;
const QUERY: usize = 3;
const KEY: usize = 4;
const SCORE: usize = 5;
const HEAD: usize = 6;

/// Random numbers that choose what the decoder reads; dropout has others.
const FREE: u64 = 1 << 48;

/// The memory in which an encoder-decoder runs; reused from batch to batch.
#[derive(Clone, Debug, Default)]
pub struct Memory<F> {
    source: Batch<F>,
    /// The symbol that the decoder reads at each step.
    target: Batch<F>,
    tapes: [Vec<Tape<F>>; 7],
    attention: Attention<F>,
    /// For every row of the decoder, that of the encoder.
    encoder_rows: Vec<usize>,
    /// `[1, rows of the decoder, ..]`
    summary: Vec<F>,
    /// `[steps, rows, ..]`: [s_t; c_t].
    joined: Vec<F>,
}

/// A network, and what its description says of its joints.
struct Joined<'n, F> {
    network: &'n Network<F>,
    score: AttentionScore,
    /// Elements of the encoder's output, and those of them that read forward.
    states: usize,
    forward: usize,
    /// Which layers of the decoder are recurrent, and their units.
    cells: Vec<(usize, usize)>,
}

/// Frames of one step.
fn one_step<'a, F>(data: &'a [F], rows: &'a [usize; 1], width: usize) -> Frames<'a, F> {
    Frames { data, rows, size: rows[0], width }
}

/// The symbols that a decoder reads, teacher forced: the end symbol, then those wanted but the last.
fn inputs(target: &Target) -> Vec<f32> {
    let symbol = |s: &u32| if *s == NO_CLASS { END as f32 } else { *s as f32 };
    match target {
        Target::Steps(wanted) => [END as f32].into_iter().chain(wanted.iter().map(symbol)).take(wanted.len()).collect(),
        Target::Class(_) | Target::Values(_) => vec![END as f32],
    }
}

/// What is wrong with how the chains of an encoder-decoder are joined.
pub fn misfit(spec: &NetworkSpec) -> Option<String> {
    let StructureSpec::Seq2seq { score, .. } = &spec.structure else { return None };
    let decoder = &spec.layers[spec.chain(DECODER)];
    let mut units = 0;
    for layer in decoder {
        match layer {
            LayerSpec::Cell { bidirectional: true, .. } => {
                return Some("a decoder cannot read from the end of what it has not written yet".to_owned());
            }
            LayerSpec::Cell { units: n, .. } => units += n,
            _ => {}
        }
    }
    if !matches!(decoder.first(), Some(LayerSpec::Embedding { .. } | LayerSpec::OneHot { .. })) || units == 0 {
        return Some("a decoder needs an `embedding` or `one-hot` layer, and a recurrent one".to_owned());
    }
    let widths = spec.chain_widths();
    let bridge = widths[BRIDGE].1;
    if bridge != units {
        return Some(format!(
            "the bridge gives {bridge} values, the decoder's cells start from {units}; end the bridge in a dense layer of {units}"
        ));
    }
    let (query, key) = (widths[QUERY].1, widths[KEY].1);
    (*score != AttentionScore::None && query != key)
        .then(|| format!("the attention's query is {query} wide, its key {key}; both must be the same"))
}

impl<'n, F: Float> Joined<'n, F> {
    fn new(network: &'n Network<F>) -> Self {
        let spec = network.spec();
        let score = match &spec.structure {
            StructureSpec::Seq2seq { score, .. } => *score,
            _ => AttentionScore::None,
        };
        let states = spec.chain_widths()[ENCODER].1;
        let top = spec.layers[spec.chain(ENCODER)].iter().rev().find(|l| !matches!(l, LayerSpec::Dropout { .. }));
        let both = matches!(top, Some(LayerSpec::Cell { bidirectional: true, .. }));
        let units = |layer: &Layer<F>| if let Layer::Recurrent(cell) = layer { Some(cell.units()) } else { None };
        let decoder = network.chain(DECODER);
        let cells = decoder.layers().iter().enumerate().filter_map(|(k, l)| Some((k, units(l)?))).collect();
        Joined { network, score, states, forward: if both { states / 2 } else { states }, cells }
    }

    fn chain(&self, k: usize) -> Chain<'n, F> {
        self.network.chain(k)
    }

    fn attends(&self) -> bool {
        self.score != AttentionScore::None
    }

    /// Factor of q·k.
    fn scale(&self, width: usize) -> f64 {
        if self.score == AttentionScore::Scaled { 1.0 / (width as f64).sqrt() } else { 1.0 }
    }

    /// Runs encoder and keys over the sources, and the bridge for the decoder's rows, which are those of `order`.
    fn encode(&self, memory: &mut Memory<F>, order: &[usize], mode: Mode) {
        let Memory { source, tapes, encoder_rows, summary, .. } = memory;
        let [encoder, bridge, decoder, _, keys, ..] = tapes;
        let mut row_of = vec![0; order.len()];
        source.order().iter().enumerate().for_each(|(row, item)| row_of[*item] = row);
        encoder_rows.clear();
        encoder_rows.extend(order.iter().map(|item| row_of[*item]));

        let h = self.chain(ENCODER).forward(source.frames(), encoder, mode);
        if self.attends() {
            self.chain(KEY).forward(h, keys, mode);
        }
        summary.clear();
        for row in encoder_rows.iter() {
            summary.extend_from_slice(&h.row(source.lengths()[*row] - 1, *row)[..self.forward]);
            summary.extend_from_slice(&h.row(0, *row)[self.forward..]);
        }
        let rows = [order.len()];
        let start = self.chain(BRIDGE).forward(one_step(summary, &rows, self.states), bridge, mode);
        let layers = self.chain(DECODER).layers().len();
        decoder.resize_with(layers, Tape::default);
        let mut at = 0;
        for (k, units) in &self.cells {
            let h_0 = &mut decoder[*k].initial[0];
            h_0.clear();
            (0..order.len()).for_each(|row| h_0.extend_from_slice(&start.row(0, row)[at..at + units]));
            decoder[*k].initial[1].clear();
            at += units;
        }
    }

    /// Runs the decoder from its initial states over the symbols of `input`, and what comes behind it; `lengths` are the
    /// steps of every row.
    fn decode(&self, memory: &mut Memory<F>, input: Frames<'_, F>, lengths: impl Iterator<Item = usize>, mode: Mode) {
        let Memory { source, tapes, attention, encoder_rows, joined, .. } = memory;
        let [encoder, _, decoder, query, key, score, head] = tapes;
        let s = self.chain(DECODER).forward(input, decoder, mode);
        if !self.attends() {
            self.chain(HEAD).forward(s, head, mode);
            return;
        }
        let states = |row: usize| source.lengths()[encoder_rows[row]];
        attention.shape(lengths.enumerate().map(|(row, steps)| (steps, states(row))));
        let h = encoder.last().map_or(source.frames(), Tape::output);
        let k = key.last().map_or(h, Tape::output);
        let q = self.chain(QUERY).forward(s, query, mode);
        attention.gather(Side::Steps, q, |row| row);
        attention.gather(Side::Keys, k, |row| encoder_rows[row]);
        attention.gather(Side::States, h, |row| encoder_rows[row]);
        if self.score == AttentionScore::Additive {
            let pairs = [attention.pairs()];
            let sums = one_step(attention.sums(), &pairs, q.width);
            self.chain(SCORE).forward(sums, score, mode);
            attention.set_scores(score.last().map_or(&[], |e| e.output().data));
        } else {
            attention.dot(self.scale(q.width));
        }
        attention.attend();

        let (size, width) = (s.size, s.width + self.states);
        joined.resize(s.steps() * size * width, F::ZERO);
        for t in 0..s.steps() {
            for row in 0..s.rows[t] {
                joined[(t * size + row) * width..][..s.width].copy_from_slice(s.row(t, row));
            }
        }
        attention.contexts(|row, t, c| joined[(t * size + row) * width + s.width..][..c.len()].copy_from_slice(c));
        self.chain(HEAD).forward(Frames { data: joined, rows: s.rows, size, width }, head, mode);
    }

    /// Lays out items, their decoder teacher forced.
    fn fill(memory: &mut Memory<F>, spec: &NetworkSpec, items: &[Item<'_>]) {
        let sources: Vec<&[f32]> = items.iter().map(|i| i.frames).collect();
        memory.source.fill(&sources, spec.inputs);
        let targets: Vec<Vec<f32>> = items.iter().map(|i| inputs(i.target)).collect();
        memory.target.fill(&targets.iter().map(Vec::as_slice).collect::<Vec<_>>(), 1);
    }

    /// Encoder and decoder over what [`Joined::fill`] laid out; the output is that of the last tape of the head.
    fn forward(&self, memory: &mut Memory<F>, mode: Mode) {
        let target = std::mem::take(&mut memory.target);
        self.encode(memory, target.order(), mode);
        self.decode(memory, target.frames(), target.lengths().iter().copied(), mode);
        memory.target = target;
    }

    /// Runs all chains backward from ∂L/∂y, which is in the head's last tape.
    fn backward(&self, memory: &mut Memory<F>, gradient: &mut [F]) {
        let Memory { source, target, tapes, attention, encoder_rows, summary, joined } = memory;
        let [encoder, bridge, decoder, query, key, score, head] = tapes;
        let (h, s_width) = (encoder.last().map_or(source.frames(), Tape::output), self.cells_width(decoder));
        let (size, steps) = (target.order().len(), target.frames().steps());
        let rows = target.frames().rows;
        let width = s_width + if self.attends() { self.states } else { 0 };
        let s = decoder.last().map_or(target.frames(), Tape::output);
        let data = if self.attends() { &joined[..] } else { s.data };
        let top = Frames { data, rows, size, width };
        let mut djoined = vec![F::ZERO; steps * size * width];
        below(&self.chain(HEAD), top, head, gradient, &mut djoined);

        // ∂L/∂s and ∂L/∂h, what attention sends to them first.
        let mut ds = vec![F::ZERO; steps * size * s_width];
        let mut dh = vec![F::ZERO; h.steps() * h.size * h.width];
        if self.attends() {
            for (t, rows) in rows.iter().enumerate() {
                for row in 0..*rows {
                    let d = &djoined[(t * size + row) * width + s_width..][..self.states];
                    attention.set_context_gradient(row, t, d);
                }
            }
            let de = attention.backward().to_vec();
            let u = attention.width();
            if self.score == AttentionScore::Additive {
                let pairs = [attention.pairs()];
                let mut dsums = vec![F::ZERO; pairs[0] * u];
                start_at(score, |_, top| top.copy_from_slice(&de));
                let sums = attention.computed_sums().to_vec();
                below(&self.chain(SCORE), one_step(&sums, &pairs, u), score, gradient, &mut dsums);
                attention.backward_sums(&dsums);
            } else {
                attention.backward_dot(self.scale(u));
            }
            let row_of = |row: usize| encoder_rows[row];
            let mut dq = vec![F::ZERO; steps * size * u];
            attention.gradients(Side::Steps, |row, t, d| dq[(t * size + row) * u..][..u].copy_from_slice(d));
            start_at(query, |_, top| top.copy_from_slice(&dq));
            let chain = self.chain(QUERY);
            if chain.layers().is_empty() {
                ds = dq
            } else {
                below(&chain, s, query, gradient, &mut ds)
            }

            let mut dk = vec![F::ZERO; h.steps() * h.size * u];
            attention.gradients(Side::Keys, |row, t, d| dk[(t * h.size + row_of(row)) * u..][..u].copy_from_slice(d));
            start_at(key, |_, top| top.copy_from_slice(&dk));
            let chain = self.chain(KEY);
            if chain.layers().is_empty() {
                dh = dk
            } else {
                below(&chain, h, key, gradient, &mut dh)
            }
            attention.gradients(Side::States, |row, t, d| {
                let to = &mut dh[(t * h.size + row_of(row)) * h.width..][..h.width];
                to.iter_mut().zip(d).for_each(|(to, d)| *to += *d);
            });
        }
        for (ds, d) in ds.chunks_exact_mut(s_width).zip(djoined.chunks_exact(width)) {
            ds.iter_mut().zip(d).for_each(|(to, d)| *to += *d);
        }
        start_at(decoder, |_, top| top.copy_from_slice(&ds));
        self.chain(DECODER).backward(target.frames(), decoder, gradient, None);

        let units: usize = self.cells.iter().map(|(_, units)| units).sum();
        let mut dstart = vec![F::ZERO; size * units];
        let mut at = 0;
        for (k, n) in &self.cells {
            for (to, d) in dstart.chunks_exact_mut(units).zip(decoder[*k].running[0].chunks_exact(*n)) {
                to[at..at + n].copy_from_slice(d);
            }
            at += n;
        }
        let mut dsummary = vec![F::ZERO; size * self.states];
        start_at(bridge, |_, top| top.copy_from_slice(&dstart));
        let (chain, rows) = (self.chain(BRIDGE), [size]);
        if chain.layers().is_empty() {
            dsummary = dstart;
        } else {
            below(&chain, one_step(summary, &rows, self.states), bridge, gradient, &mut dsummary);
        }
        let (h_size, h_width) = (h.size, h.width);
        for (d, row) in dsummary.chunks_exact(self.states).zip(encoder_rows.iter()) {
            let mut add = |t: usize, part: std::ops::Range<usize>| {
                let to = &mut dh[(t * h_size + row) * h_width..][part.clone()];
                to.iter_mut().zip(&d[part]).for_each(|(to, d)| *to += *d);
            };
            add(source.lengths()[*row] - 1, 0..self.forward);
            add(0, self.forward..self.states);
        }
        start_at(encoder, |_, top| top.copy_from_slice(&dh));
        self.chain(ENCODER).backward(source.frames(), encoder, gradient, None);
    }

    /// Width of s_t.
    fn cells_width(&self, decoder: &[Tape<F>]) -> usize {
        decoder.last().map_or(0, |tape| tape.width)
    }

    /// Runs the decoder a step at a time, every row behind its source, at most `limit` steps: `choose` is given step, row
    /// and scores, and says what the row reads next; `None` where it has come to its end.
    fn unroll(&self, memory: &mut Memory<F>, limit: usize, mut choose: impl FnMut(usize, usize, &[F]) -> Option<u32>) {
        let rows = memory.source.order().len();
        let order: Vec<usize> = (0..rows).collect();
        self.encode(memory, &order, Mode::Evaluate);
        let mut symbols = vec![F::of(f64::from(END)); rows];
        let all = [rows];
        for t in 0..limit {
            self.decode(memory, one_step(&symbols, &all, 1), (0..rows).map(|_| 1), Mode::Evaluate);
            let Some(y) = memory.tapes[HEAD].last().map(Tape::output) else { break };
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
            let Tape { initial: [h_0, c_0], out, long, .. } = &mut memory.tapes[DECODER][*k];
            let after = parents.len() * units;
            let rows = || parents.iter().map(|row| after + row * units..after + (row + 1) * units);
            h_0.clear();
            rows().for_each(|row| h_0.extend_from_slice(&out[row]));
            c_0.clear();
            rows().for_each(|row| c_0.extend_from_slice(long.get(row).unwrap_or_default()));
        }
    }

    /// The most likely sequence that a search with `beams` hypotheses finds behind the source, of which memory holds as
    /// many copies: as the device searches.
    fn search(&self, memory: &mut Memory<F>, limit: usize, beams: usize) -> Vec<u32> {
        let order: Vec<usize> = (0..beams).collect();
        self.encode(memory, &order, Mode::Evaluate);
        let mut live = vec![(Vec::new(), 0.0)];
        let mut ended: Option<(Vec<u32>, f64)> = None;
        let mut symbols = vec![F::of(f64::from(END)); beams];
        for _ in 0..limit {
            self.decode(memory, one_step(&symbols, &[beams], 1), order.iter().map(|_| 1), Mode::Evaluate);
            let Some(y) = memory.tapes[HEAD].last().map(Tape::output) else { break };
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

    /// The symbols that the network says behind its source, each the most likely behind those before; at most `limit`.
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

    /// Replaces what the decoder reads: the wanted symbol with this probability, else what the network says itself behind
    /// what it has read so far (Bengio et al. 2015). No gradient goes through the choice.
    fn free(&self, memory: &mut Memory<F>, items: &[Item<'_>], forced: f64, seed: u64) {
        let mut reads: Vec<Vec<f32>> = items.iter().map(|i| inputs(i.target)).collect();
        let longest = reads.iter().map(Vec::len).max().unwrap_or(0);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(FREE);
        let below = (forced * 2f64.powi(32)) as u64;
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

/// Prepares a chain's tapes for the backward pass and lets `write` fill ∂L/∂y of the last, if there is one.
fn start_at<F: Float>(tapes: &mut [Tape<F>], write: impl FnOnce(&[usize], &mut [F])) {
    tapes.iter_mut().for_each(Tape::clear_gradient);
    if let Some(Tape { rows, dout, touched, .. }) = tapes.last_mut() {
        touched.fill(true);
        write(rows, dout);
    }
}

/// Runs a chain backward; ∂L/∂input goes to `dinput`.
fn below<F: Float>(
    chain: &Chain<'_, F>,
    input: Frames<'_, F>,
    tapes: &mut [Tape<F>],
    gradient: &mut [F],
    dinput: &mut [F],
) {
    let mut touched = vec![false; input.steps()];
    let below = Below { dout: dinput, touched: &mut touched, size: input.size, width: input.width };
    chain.backward(input, tapes, gradient, Some(below));
}

/// As [`super::learn`]. `correct` and `outputs` of the score count whole sequences: with every symbol right behind the
/// right ones, the network writes the sequence by itself.
pub(super) fn learn<F: Float>(
    network: &Network<F>,
    items: &[Item<'_>],
    pass: Pass<'_>,
    workspace: &mut Workspace<F>,
    gradient: Option<&mut [F]>,
) -> Score {
    let joined = Joined::new(network);
    let mut memory = std::mem::take(&mut workspace.seq2seq);
    Joined::fill(&mut memory, network.spec(), items);
    let mode = if gradient.is_some() { pass.mode } else { Mode::Evaluate };
    if let (Mode::Train(seed), true) = (mode, pass.forced < 1.0) {
        joined.free(&mut memory, items, pass.forced, seed);
    }
    joined.forward(&mut memory, mode);
    let targets: Vec<&Target> = memory.target.order().iter().map(|&i| items[i].target).collect();
    let head = &mut memory.tapes[HEAD];
    let right = head.last().map_or(0, |top| exact(top.output(), &targets));
    let mut score = match gradient {
        None => {
            let y = head.last().map_or(memory.target.frames(), Tape::output);
            pass.loss.score(y, &targets, pass.classes, pass.scale, None)
        }
        Some(gradient) => {
            head.iter_mut().for_each(Tape::clear_gradient);
            let score = head.last_mut().map_or(Score::default(), |top| top.score(&targets, pass));
            joined.backward(&mut memory, gradient);
            score
        }
    };
    (score.correct, score.outputs) = (right, items.len() as u64);
    workspace.seq2seq = memory;
    score
}

/// How many sequences are right from their first to their last symbol.
fn exact<F: Float>(y: Frames<'_, F>, targets: &[&Target]) -> u64 {
    let right = |(row, target): (usize, &&Target)| match target {
        Target::Steps(wanted) => wanted.iter().enumerate().all(|(t, w)| argmax(y.row(t, row)) as u32 == *w),
        Target::Class(_) | Target::Values(_) => false,
    };
    targets.iter().enumerate().filter(|pair| right(*pair)).count() as u64
}

/// As [`super::run`].
pub(super) fn run<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    let mut memory = Memory::default();
    Joined::fill(&mut memory, network.spec(), &[item]);
    Joined::new(network).forward(&mut memory, mode);
    memory.tapes[HEAD].last().map_or(Vec::new(), |top| top.output().data.to_vec())
}

/// As [`super::trace`].
pub(super) fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    let mut memory = Memory::default();
    for (k, tapes) in memory.tapes.iter_mut().enumerate() {
        network.chain(k).prepare(tapes, true);
    }
    Joined::fill(&mut memory, network.spec(), &[item]);
    let joined = Joined::new(network);
    joined.forward(&mut memory, Mode::Evaluate);
    let output = |tapes: &[Tape<F>]| tapes.last().map_or(Vec::new(), |tape| tape.output().data.to_vec());
    let (h, s) = (output(&memory.tapes[ENCODER]), output(&memory.tapes[DECODER]));
    let sums = memory.attention.computed_sums().to_vec();
    let top = if joined.attends() { memory.joined } else { s.clone() };
    let read = [Vec::new(), memory.summary, Vec::new(), s, h, sums, top];
    let mut tapes: Vec<Tape<F>> = memory.tapes.into_iter().flatten().collect();
    let mut traces: Vec<Trace<F>> = network.outputs.iter().map(|&i| of_tape(&mut tapes[i])).collect();
    for (k, read) in read.into_iter().enumerate() {
        if let Some(first) = traces.get_mut(network.spec().chain(k).start)
            && !network.spec().chain(k).is_empty()
        {
            first.input = read;
        }
    }
    traces
}

/// The symbols that a network writes after each source, `[steps, inputs]`, greedily, without the end; at most `limit`.
///
/// # Panics
/// Where a source is empty or no whole number of frames, or the network is no encoder-decoder.
pub fn decode<F: Float>(network: &Network<F>, sources: &[&[f32]], limit: usize) -> Vec<Vec<u32>> {
    let mut memory = Memory::default();
    memory.source.fill(sources, network.spec().inputs);
    Joined::new(network).greedy(&mut memory, limit)
}

/// The most likely symbols behind one source that a search with `beams` hypotheses finds; with one, greedily.
///
/// # Panics
/// As [`decode`].
pub fn search<F: Float>(network: &Network<F>, source: &[f32], limit: usize, beams: usize) -> Vec<u32> {
    let mut memory = Memory::default();
    memory.source.fill(&vec![source; beams.max(1)], network.spec().inputs);
    Joined::new(network).search(&mut memory, limit, beams.max(1))
}
