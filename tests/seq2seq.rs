//! Encoder-decoders in integers, against the same chains run one by one as models of their own.

use elman::arith::softmax_wide;
use elman::blob::{AttentionScore, Blob, Direction, Model, Structure};
use elman::net::END;
use elman::{LoadError, MemoryError, RunError};
use elman_quant::synthetic::{self, ROWS};
use elman_quant::{IntegerLayer, IntegerModel, words_of};

const UNITS: usize = 6;

fn blob(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// Some layers as a model over sequences.
fn alone(layers: &[IntegerLayer]) -> Vec<u32> {
    let backward = layers.iter().any(|l| l.direction == Direction::Backward);
    let max_steps = if backward { 100 } else { 0 };
    blob(&IntegerModel { layers: layers.to_vec(), max_steps, ..IntegerModel::default() })
}

/// Some layers over a sequence of vectors; the vectors themselves where there are none.
fn map(layers: &[IntegerLayer], vectors: &[Vec<i16>]) -> Vec<Vec<i16>> {
    if layers.is_empty() {
        return vectors.to_vec();
    }
    let words = alone(layers);
    let model = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; model.sequence_words(vectors.len().max(model.max_steps()))];
    let mut net = model.sequence(&mut memory).unwrap();
    net.run(&vectors.concat()).unwrap().iter().map(|y| y.logits.to_vec()).collect()
}

/// The equations, chain by chain.
struct Definition {
    chains: Vec<Vec<IntegerLayer>>,
    score: AttentionScore,
}

impl Definition {
    fn new(model: &IntegerModel) -> Self {
        let Structure::Seq2seq { score, .. } = model.structure else { panic!("an encoder-decoder") };
        let mut rest = &model.layers[..];
        let mut chains = Vec::new();
        for count in &model.chains {
            let (chain, others) = rest.split_at(usize::from(*count));
            chains.push(chain.to_vec());
            rest = others;
        }
        Definition { chains, score }
    }

    /// The outputs s of the decoder from the state h_0 over these symbols.
    fn decoder(&self, h_0: &[i16], symbols: &[i16]) -> Vec<Vec<i16>> {
        let words = alone(&self.chains[2]);
        let model = Model::load(Blob::new(&words)).unwrap();
        let mut memory = vec![0; model.memory_words()];
        let mut net = model.stream(&mut memory).unwrap();
        let mut snapshot = vec![0; net.snapshot_words()];
        net.snapshot(&mut snapshot).unwrap();
        // Behind the mark: the symbol in two words, x in four, then h in four and its long form.
        for (k, h) in h_0.iter().enumerate() {
            snapshot[1 + 2 + 4 + k / 2] |= u32::from(*h as u16) << (16 * (k % 2));
            if model.layers()[1].spec().name.starts_with("gru") {
                snapshot[1 + 2 + 4 + 4 + k] = (i32::from(*h) << 15) as u32;
            }
        }
        net.restore(&snapshot).unwrap();
        symbols.iter().map(|s| net.step(&[*s]).logits.to_vec()).collect()
    }

    /// Scores of the next symbol behind each of `symbols`.
    fn outputs(&self, source: &[i16], symbols: &[i16]) -> Vec<Vec<i16>> {
        let frames: Vec<Vec<i16>> = source.iter().map(|s| vec![*s]).collect();
        let h = map(&self.chains[0], &frames);
        let forward = if self.chains[0].len() == 3 { UNITS } else { h[0].len() };
        let summary = [&h[h.len() - 1][..forward], &h[0][forward..]].concat();
        let s = self.decoder(&map(&self.chains[1], &[summary])[0], symbols);
        let joined: Vec<Vec<i16>> = match self.score {
            AttentionScore::None => s,
            _ => {
                let (q, k) = (map(&self.chains[3], &s), map(&self.chains[4], &h));
                s.iter().zip(&q).map(|(s, q)| [&s[..], &self.context(q, &k, &h)].concat()).collect()
            }
        };
        map(&self.chains[6], &joined)
    }

    fn context(&self, q: &[i16], k: &[Vec<i16>], h: &[Vec<i16>]) -> Vec<i16> {
        let frac = self.chains[3].last().map_or(15, |l| l.out_frac);
        let score = |k: &Vec<i16>| -> i32 {
            let pairs = || q.iter().zip(k).map(|(q, k)| (i64::from(*q), i64::from(*k)));
            if self.score == AttentionScore::Additive {
                let unit = 2f64.powi(-i32::from(frac));
                // The device's table is exact to one unit of Q0.15, so that the table itself is used here.
                let sums = pairs().map(|(q, k)| {
                    let z = elman::arith::Pre::from_num((q + k) as f64 * unit);
                    elman::arith::round_shift(elman::arith::tanh(z).to_bits(), 16).min(32767) as i16
                });
                let y = map(&self.chains[5], &[sums.collect()]);
                return i32::from(y[0][0]) << (16 - self.chains[5][0].out_frac);
            }
            let sum: i64 = pairs().map(|(q, k)| q * k).sum();
            let factor = match self.score {
                AttentionScore::Scaled => i64::from((u32::MAX / UNITS as u32).isqrt()),
                _ => 1 << 16,
            };
            let shift = 2 * u32::from(frac);
            ((sum * factor + (1 << shift >> 1)) >> shift).clamp(i32::MIN.into(), i32::MAX.into()) as i32
        };
        let mut a: Vec<u32> = k.iter().map(|k| score(k) as u32).collect();
        softmax_wide(&mut a);
        let weighted = |j: usize| a.iter().zip(h).map(|(a, h)| i64::from(*a) * i64::from(h[j])).sum::<i64>();
        (0..h[0].len()).map(|j| ((weighted(j) + (1 << 14)) >> 15) as i16).collect()
    }
}

fn argmax(y: &[i16]) -> u16 {
    (0..y.len()).fold(0, |best, k| if y[k] > y[best] { k } else { best }) as u16
}

/// Every model here, with attention and without, both ways and one way.
fn models(beams: u8) -> Vec<IntegerModel> {
    let mut models = Vec::new();
    for (k, score) in [AttentionScore::None, AttentionScore::Dot, AttentionScore::Scaled, AttentionScore::Additive]
        .into_iter()
        .enumerate()
    {
        for (cells, both) in [(["gru", "gru"], true), (["lstm", "lstm"], true), (["srn", "gru-before"], false)] {
            models.push(synthetic::seq2seq(cells, score, UNITS, both, [12, 9], beams, 3 + k as u64));
        }
    }
    models
}

#[test]
fn every_step_is_as_its_chains_say() {
    for integer in models(1) {
        let words = blob(&integer);
        let model = Model::load(Blob::new(&words)).unwrap();
        assert_eq!(Blob::new(&words).memory_words(), model.memory_words());
        let mut memory = vec![0xA5A5_A5A5; model.memory_words()];
        let mut net = model.seq2seq(&mut memory).unwrap();
        let definition = Definition::new(&integer);
        // Several sources in the same memory: nothing is left of the one before.
        for (steps, seed) in [(12, 1), (1, 2), (7, 3)] {
            let source = synthetic::source(steps, seed);
            let symbols = synthetic::source(9, seed + 10);
            net.encode(&source).unwrap();
            for (t, y) in definition.outputs(&source, &symbols).iter().enumerate() {
                assert_eq!(net.step(symbols[t] as u16).logits, y, "{} {:?} step {t}", integer.name, integer.structure);
                let weights = net.attention_weights();
                let sum: u32 = weights.iter().map(|a| a.to_bits()).sum();
                let attended = if definition.score == AttentionScore::None { 0 } else { steps };
                assert_eq!(weights.len(), attended);
                assert!(attended == 0 || sum.abs_diff(32768) as usize <= steps / 2 + 1, "{sum}");
            }
        }
    }
}

#[test]
fn greedy_writes_the_most_likely_symbols() {
    let mut lengths = std::collections::BTreeSet::new();
    for integer in models(1) {
        let words = blob(&integer);
        let model = Model::load(Blob::new(&words)).unwrap();
        let mut memory = vec![0; model.memory_words()];
        let definition = Definition::new(&integer);
        for seed in 0..4 {
            let source = synthetic::source(5, seed);
            let mut read = vec![END as i16];
            let mut wanted = Vec::new();
            let mut ended = false;
            while wanted.len() < 9 && !ended {
                let symbol = argmax(&definition.outputs(&source, &read)[wanted.len()]);
                ended = symbol == END;
                read.push(symbol as i16);
                wanted.extend((!ended).then_some(symbol));
            }
            let mut net = model.seq2seq(&mut memory).unwrap();
            let written = net.run(&source).unwrap();
            assert_eq!(written.symbols().collect::<Vec<_>>(), wanted, "{} {:?}", integer.name, integer.structure);
            assert_eq!((written.ended, written.len(), written.is_empty()), (ended, wanted.len(), wanted.is_empty()));
            lengths.insert(wanted.len());
        }
    }
    assert!(lengths.len() > 2, "some end and some do not: {lengths:?}");
}

/// log2 of the probability of each next symbol, in f64.
fn log2_p(y: &[i16], frac: u8) -> Vec<f64> {
    let e: Vec<f64> = y.iter().map(|s| f64::from(*s) * 2f64.powi(-i32::from(frac))).collect();
    let sum: f64 = e.iter().map(|e| e.exp()).sum();
    e.iter().map(|e| (e - sum.ln()) / std::f64::consts::LN_2).collect()
}

/// A beam search in f64 over the definition: the best that it finds, with its log2 p.
fn beam(definition: &Definition, source: &[i16], frac: u8, beams: usize) -> (Vec<u16>, f64) {
    let mut live = vec![(Vec::<u16>::new(), 0.0)];
    let mut ended: Option<(Vec<u16>, f64)> = None;
    for t in 0..9 {
        let mut next = Vec::new();
        for (symbols, p) in &live {
            let read: Vec<i16> = [END].iter().chain(symbols).map(|s| *s as i16).collect();
            for (k, q) in log2_p(&definition.outputs(source, &read)[t], frac).into_iter().enumerate() {
                next.push(([&symbols[..], &[k as u16]].concat(), p + q));
            }
        }
        next.sort_by(|a, b| b.1.total_cmp(&a.1));
        next.truncate(beams);
        live.clear();
        for (mut symbols, p) in next {
            if *symbols.last().unwrap() != END {
                live.push((symbols, p));
            } else if ended.as_ref().is_none_or(|best| p > best.1) {
                symbols.pop();
                ended = Some((symbols, p));
            }
        }
        if live.first().is_none_or(|h| ended.as_ref().is_some_and(|best| best.1 >= h.1)) {
            break;
        }
    }
    ended.unwrap_or_else(|| live.remove(0))
}

#[test]
fn a_beam_search_finds_what_one_in_floats_finds() {
    let mut differ = 0;
    for beams in [2, 5, 8] {
        for integer in models(beams).into_iter().step_by(2) {
            let words = blob(&integer);
            let model = Model::load(Blob::new(&words)).unwrap();
            let mut memory = vec![0; model.memory_words()];
            let definition = Definition::new(&integer);
            let source = synthetic::source(6, beams.into());
            let (wanted, p) = beam(&definition, &source, model.out_frac(), beams.into());
            let mut net = model.seq2seq(&mut memory).unwrap();
            let written = net.run(&source).unwrap();
            let found: Vec<u16> = written.symbols().collect();
            assert_eq!(found, wanted, "{beams} {} {:?}", integer.name, integer.structure);
            // A unit of Q.10 or two for each symbol.
            let error = (f64::from(written.log2_p) / 1024.0 - p).abs();
            assert!(error < 0.03, "{beams} {}: {} {p}", integer.name, written.log2_p);
            let greedy = beam(&definition, &source, model.out_frac(), 1);
            assert!(p >= greedy.1 - 1e-9 || wanted.len() != greedy.0.len());
            differ += usize::from(greedy.0 != wanted);
        }
    }
    assert!(differ > 2, "the search found nothing that greed does not: {differ}");
}

#[test]
fn wrong_use_gets_an_error_with_its_numbers() {
    let integer = synthetic::seq2seq(["gru", "gru"], AttentionScore::Dot, UNITS, true, [4, 5], 3, 1);
    let words = blob(&integer);
    let model = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; model.memory_words()];
    let need = memory.len();
    assert_eq!(
        model.seq2seq(&mut memory[1..]).unwrap_err(),
        RunError::Memory(MemoryError { required: need, provided: need - 1 })
    );
    assert!(matches!(model.stream(&mut memory).unwrap_err(), RunError::WrongRunner { .. }));
    assert!(matches!(model.sequence(&mut memory).unwrap_err(), RunError::WrongRunner { .. }));
    let mut net = model.seq2seq(&mut memory).unwrap();
    assert_eq!(net.run(&[1; 5]).unwrap_err(), RunError::TooLong { steps: 5, most: 4 });
    assert_eq!(net.max_outputs(), 5);
    // A symbol that no table has is read as the unknown one; an empty source as zeros.
    net.encode(&[9999, -1]).unwrap();
    let far: Vec<i16> = net.step(60_000).logits.to_vec();
    net.encode(&[0, 0]).unwrap();
    assert_eq!(net.step(0).logits, far);
    assert!(net.run(&[]).unwrap().len() <= 5);
    let other = synthetic::model("gru", 2, 3, 2, synthetic::Drive::Ordinary, 1);
    let words = blob(&other);
    let other = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; 1000];
    assert_eq!(other.seq2seq(&mut memory).unwrap_err(), RunError::WrongRunner { structure: Structure::Sequence });
}

/// Chains that do not fit are refused by their number.
#[test]
fn chains_that_do_not_fit_are_refused() {
    let sound = synthetic::seq2seq(["gru", "gru"], AttentionScore::Additive, UNITS, true, [4, 5], 1, 1);
    // The writer asks the loader.
    let refuse = |change: &dyn Fn(&mut IntegerModel)| {
        let mut wrong = sound.clone();
        change(&mut wrong);
        wrong.to_blob().unwrap_err().to_string()
    };
    let structure = |score, max_outputs, beams| Structure::Seq2seq { score, max_outputs, beams };
    let said = |error: LoadError| format!("a device could not load this model: {error}");
    for beams in [0, 9] {
        let error = refuse(&|m| m.structure = structure(AttentionScore::Additive, 5, beams));
        assert_eq!(error, said(LoadError::ChainShape { chain: 0 }));
    }
    let error = refuse(&|m| m.structure = structure(AttentionScore::Additive, 0, 1));
    assert_eq!(error, said(LoadError::ChainShape { chain: 0 }));
    let error = refuse(&|m| m.structure = structure(AttentionScore::Dot, 5, 1));
    assert_eq!(error, said(LoadError::ChainShape { chain: 5 }));
    let layers = sound.layers.len();
    let error = refuse(&|m| m.chains[0] = 2);
    assert_eq!(error, said(LoadError::ChainCount { chains: 7, layers: layers - 1 }));
    let error = refuse(&|m| m.max_steps = 0);
    assert_eq!(error, said(LoadError::MaxSteps { max_steps: 0, backward: true }));
    // A decoder without a state to begin with.
    let error = refuse(&|m| {
        m.layers.remove(5);
        m.chains[2] = 1;
    });
    assert_eq!(error, said(LoadError::ShapeMismatch { layer: 5, inputs: 6, given: 6, frac: 15, given_frac: 11 }));
    assert_eq!(sound.labels.len(), usize::from(ROWS));
}
