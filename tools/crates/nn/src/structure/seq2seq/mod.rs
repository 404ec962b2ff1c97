//! An encoder that reads a sequence and a decoder that writes another one.
//!
//! ```text
//! h_t = f1(h_(t-1), x_t)        t = 1..T, the encoder; h_t are the states attended to
//! s_0 = bridge([h_T forward; h_1 backward])
//! s_t = f2(s_(t-1), y_(t-1))    t = 1..M, the decoder; y_0 is the end symbol
//! c_t = Σ_i a_ti h_i            a_t = softmax(e(query(s_t), key(h_i)))
//! y_t = head([s_t; c_t])
//! ```
//! Teacher teacher_forcing, y_(t-1) is the symbol wanted, so that every chain runs over all steps at once; running free it is the
//! one that the network said.

mod attention;
mod backward;
mod decode;

pub use decode::{decode, search};
pub(crate) use decode::{decode_here, search_here};

use super::{Item, Reach};
use crate::batch::{Batch, Frames};
use crate::joined::StructureSpec;
use crate::layer::{Mode, Reads, RecurrentTape, Tape};
use crate::loss::{END, NO_CLASS, Target, argmax};
use crate::network::Chain;
use crate::trace::Trace;
use crate::{Cell, Float, LayerSpec, Network, NetworkSpec, Pass, Score, Workspace};
use attention::{Attention, Side};
use elman::blob::AttentionScore;
use elman::wiring::seq2seq::{BRIDGE, DECODER, ENCODER, ENERGY, HEAD, KEY, QUERY};
use get_size2::GetSize;

/// The memory in which an encoder-decoder runs; reused from batch to batch.
#[derive(Debug, Default, GetSize)]
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
    /// Whether a backward pass keeps the norms of ∂L/∂h.
    probe: bool,
}

/// Frames of one step.
fn one_step<'a, F>(data: &'a [F], rows: &'a [usize; 1], width: usize) -> Frames<'a, F> {
    Frames { data, rows, size: rows[0], width }
}

/// The symbols that a decoder reads, teacher teacher_forcing: the end symbol, then those wanted but the last.
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
            LayerSpec::Cell(Cell { bidirectional: true, .. }) => {
                return Some(
                    "a decoder cannot read from the end of what it has not written yet: take `bidirectional = true` out of its cells"
                        .to_owned(),
                );
            }
            LayerSpec::Cell(cell) => units += cell.units,
            _ => {}
        }
    }
    let cell = |layer: &LayerSpec| matches!(layer, LayerSpec::Cell(_));
    if spec.layers[spec.chain(ENCODER)].iter().any(|layer| layer.reads() == Reads::Sequence) {
        return Some("an encoder gives a state at each step of the source; take its pool out".to_owned());
    }
    if decoder.iter().any(|layer| !cell(layer) && !matches!(layer.reads(), Reads::Step | Reads::Symbol)) {
        return Some("a decoder has cells and layers that read one step; take delay, pool and narx out".to_owned());
    }
    for (chain, name) in [(BRIDGE, "bridge"), (HEAD, "head")] {
        if spec.layers[spec.chain(chain)].iter().any(|layer| layer.reads() != Reads::Step) {
            return Some(format!("the {name} reads one vector; it has no cells, delay, pool, embedding or one-hot"));
        }
    }
    if decoder.first().is_none_or(|first| first.reads() != Reads::Symbol) || units == 0 {
        return Some("a decoder needs an `embedding` or `one-hot` layer, and a recurrent one".to_owned());
    }
    let widths = spec.chain_widths();
    let bridge = widths[BRIDGE].1;
    let is_both = |l: &LayerSpec| matches!(l, LayerSpec::Cell(Cell { bidirectional: true, .. }));
    let both = spec.layers[spec.chain(ENCODER)].iter().any(is_both);
    if bridge != units {
        return Some(format!(
            "the bridge gives {bridge} values, the decoder's cells start from {units}; give encoder and decoder the same `units`, or end \
             the bridge in a dense layer of {units} outputs{}",
            if both { "; an encoder with `bidirectional = true` gives twice its `units`" } else { "" }
        ));
    }
    let (query, key) = (widths[QUERY].1, widths[KEY].1);
    (*score != AttentionScore::None && query != key)
        .then(|| format!("the attention's query is {query} wide, its key {key}; both must be the same: set `units` of the attention, or give encoder and decoder the same `units`"))
}

impl<'n, F: Float> Joined<'n, F> {
    fn new(network: &'n Network<F>) -> Self {
        let spec = network.spec();
        let score = match &spec.structure {
            StructureSpec::Seq2seq { score, .. } => *score,
            _ => AttentionScore::None,
        };
        let states = spec.chain_widths()[ENCODER].1;
        let top = spec.layers[spec.chain(ENCODER)].iter().rev().find(|l| !matches!(l, LayerSpec::Dropout(_)));
        let both = matches!(top, Some(LayerSpec::Cell(Cell { bidirectional: true, .. })));
        let decoder = network.chain(DECODER);
        let cells = decoder.layers().iter().enumerate().filter_map(|(k, l)| Some((k, l.state_units()?))).collect();
        Joined { network, score, states, forward: if both { states / 2 } else { states }, cells, probe: false }
    }

    fn chain(&self, k: usize) -> Chain<'n, F> {
        let chain = self.network.chain(k);
        if self.probe { chain.probing() } else { chain }
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
            let states: &mut RecurrentTape<F> = decoder[*k].parts().1;
            states.h_0.clear();
            (0..order.len()).for_each(|row| states.h_0.extend_from_slice(&start.row(0, row)[at..at + units]));
            states.c_0.clear();
            at += units;
        }
    }

    /// Runs the decoder from its initial states over the symbols of `input`, and what comes after it; `lengths` are the
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
        let h = encoder.last().map_or(source.frames(), |top| top.output.frames());
        let k = key.last().map_or(h, |top| top.output.frames());
        let q = self.chain(QUERY).forward(s, query, mode);
        attention.gather(Side::Steps, q, |row| row);
        attention.gather(Side::Keys, k, |row| encoder_rows[row]);
        attention.gather(Side::States, h, |row| encoder_rows[row]);
        if self.score == AttentionScore::Additive {
            let pairs = [attention.pairs()];
            let sums = one_step(attention.sums(), &pairs, q.width);
            self.chain(ENERGY).forward(sums, score, mode);
            attention.set_scores(score.last().map_or(&[], |e| e.output.frames().data));
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

    /// Lays out items, their decoder teacher teacher_forcing.
    fn fill(memory: &mut Memory<F>, spec: &NetworkSpec, items: &[Item<'_>]) {
        let sources: Vec<&[f32]> = items.iter().map(|i| i.frames).collect();
        memory.source.fill(&sources, spec.inputs);
        let targets: Vec<Vec<f32>> = items.iter().map(|i| inputs(i.target)).collect();
        memory.target.fill(&targets.iter().map(Vec::as_slice).collect::<Vec<_>>(), 1);
    }

    /// Encoder and decoder over what [`Joined::fill`] stored; the output is that of the last tape of the head.
    fn forward(&self, memory: &mut Memory<F>, mode: Mode) {
        let target = std::mem::take(&mut memory.target);
        self.encode(memory, target.order(), mode);
        self.decode(memory, target.frames(), target.lengths().iter().copied(), mode);
        memory.target = target;
    }
}

/// As [`super::learn`]. `correct` and `outputs` of the score count whole sequences: with every symbol right after the
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
    if let (Mode::Train(seed), true) = (mode, pass.teacher_forcing < 1.0) {
        joined.free(&mut memory, items, pass.teacher_forcing, seed);
    }
    joined.forward(&mut memory, mode);
    let targets: Vec<&Target> = memory.target.order().iter().map(|&i| items[i].target).collect();
    let head = &mut memory.tapes[HEAD];
    let right = head.last().map_or(0, |top| exact(top.output.frames(), &targets));
    let mut score = match gradient {
        None => {
            let y = head.last().map_or(memory.target.frames(), |top| top.output.frames());
            pass.loss.score(y, &targets, pass.classes, pass.scale, None)
        }
        Some(gradient) => {
            head.iter_mut().for_each(|tape| tape.output.clear_gradient());
            let score = head.last_mut().map_or(Score::default(), |top| top.output.score(&targets, pass));
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
    memory.tapes[HEAD].last().map_or(Vec::new(), |top| top.output.frames().data.to_vec())
}

/// As [`super::probe`]: of the last symbol that is wanted, over the symbols before it and over the source from its end.
pub(super) fn probe<F: Float>(network: &Network<F>, item: Item<'_>, pass: Pass<'_>) -> Vec<Reach> {
    let mut memory = Memory::default();
    Joined::fill(&mut memory, network.spec(), &[item]);
    let joined = Joined { probe: true, ..Joined::new(network) };
    joined.forward(&mut memory, Mode::Evaluate);
    let head = &mut memory.tapes[HEAD];
    head.iter_mut().for_each(|tape| tape.output.clear_gradient());
    let Some(top) = head.last_mut() else { return Vec::new() };
    top.output.score(&[item.target], pass);
    let last = top.output.touched.iter().rposition(|touched| *touched).unwrap_or(0);
    top.output.touched[..last].fill(false);
    joined.backward(&mut memory, &mut vec![F::ZERO; network.values().len()]);
    let mut all = Vec::new();
    for (k, name) in [(DECODER, "decoder"), (ENCODER, "encoder")] {
        let layers = network.chain(k).layers().iter().zip(&mut memory.tapes[k]);
        let norms = layers.flat_map(|(layer, tape)| layer.norms(tape));
        let names = super::cells(&network.spec().layers[network.spec().chain(k)]);
        all.extend(names.into_iter().zip(norms).map(|(cell, mut norms)| {
            norms.truncate(if k == DECODER { last + 1 } else { norms.len() });
            norms.reverse();
            Reach { name: format!("{name} {cell}"), norms }
        }));
    }
    all
}

/// As [`super::trace`].
pub(super) fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    let mut memory = Memory::default();
    Joined::fill(&mut memory, network.spec(), &[item]);
    let joined = Joined::new(network);
    joined.forward(&mut memory, Mode::Trace);
    let output = |tapes: &[Tape<F>]| tapes.last().map_or(Vec::new(), |top| top.output.frames().data.to_vec());
    let (h, s) = (output(&memory.tapes[ENCODER]), output(&memory.tapes[DECODER]));
    let sums = memory.attention.computed_sums().to_vec();
    let top = if joined.attends() { memory.joined } else { s.clone() };
    let read = [Vec::new(), memory.summary, Vec::new(), s, h, sums, top];
    let tapes = memory.tapes.iter_mut().enumerate();
    let mut traces = network.of_recipe(tapes.flat_map(|(k, tapes)| network.chain(k).trace(tapes)).collect());
    for (k, read) in read.into_iter().enumerate() {
        if let Some(first) = traces.get_mut(network.spec().chain(k).start)
            && !network.spec().chain(k).is_empty()
        {
            first.input = read;
        }
    }
    traces
}
