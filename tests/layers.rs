//! Delay lines, symbols and sums, against what they are by definition; and what the loader refuses of them.

use elman::LoadError;
use elman::arith::reformat;
use elman::blob::{Blob, Model};
use elman::layer::one_hot::ONE;
use elman::text::TextUnit;
use elman_quant::synthetic::{self, Drive, Numbers};
use elman_quant::{IntegerGate, IntegerLayer, IntegerModel, words_of};

fn model(layers: Vec<IntegerLayer>) -> IntegerModel {
    IntegerModel { name: "layers".into(), layers, ..IntegerModel::default() }
}

/// Outputs of all steps.
fn run(model: &IntegerModel, frames: &[i16], elements: usize) -> Vec<Vec<i16>> {
    let words = words_of(&model.to_blob().unwrap()).unwrap();
    let loaded = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0xAAAA; loaded.memory_words()];
    let mut net = loaded.stream(&mut memory).unwrap();
    frames.chunks(elements).map(|x| net.step(x).logits.to_vec()).collect()
}

fn refusal(model: &IntegerModel) -> String {
    model.to_blob().unwrap_err().to_string()
}

fn delay(inputs: usize, in_frac: u8, params: [u16; 4]) -> IntegerLayer {
    let [taps, _, tail, tail_taps] = params.map(usize::from);
    let units = (inputs - tail) * (taps + 1) + tail * (tail_taps + 1);
    let variant = "delay".to_owned();
    IntegerLayer { variant, inputs, units, in_frac, out_frac: in_frac, params, ..IntegerLayer::default() }
}

/// A dense layer behind a delay line is y_t = Σ_k W_k x_(t-k s) + b: a causal convolution with dilation s.
#[test]
fn a_delay_line_and_a_dense_layer_are_a_causal_convolution() {
    for (inputs, taps, stride) in [(1, 3, 1), (4, 2, 3), (5, 1, 7)] {
        let units = 6;
        let line = delay(inputs, 15, [taps as u16, stride as u16, 0, 0]);
        let dense = synthetic::layer("dense", line.units, units, 15, Drive::Ordinary, 9);
        let frames = synthetic::frames(inputs, 320, 4);
        let got = run(&model(vec![line, dense.clone()]), &frames, inputs);
        let gate = &dense.gates[0];
        for (t, y) in got.iter().enumerate() {
            for (j, y) in y.iter().enumerate() {
                let mut sum = gate.bias[j] as i64;
                for k in (0..=taps).filter(|k| k * stride <= t) {
                    let x = &frames[(t - k * stride) * inputs..][..inputs];
                    let w = &gate.w[(j * (taps + 1) + k) * inputs..][..inputs];
                    sum += w.iter().zip(x).map(|(w, x)| *w as i64 * *x as i64).sum::<i64>();
                }
                let pre = (sum * gate.multiplier[j] as i64 + (1 << 31)) >> 32;
                let shift = 16 - dense.out_frac as i64;
                let want = ((pre + (1 << (shift - 1))) >> shift).clamp(i16::MIN as i64, i16::MAX as i64);
                assert_eq!(*y as i64, want, "{inputs} inputs, {taps} taps, stride {stride}: step {t}, unit {j}");
            }
        }
    }
}

/// Past inputs and past outputs side by side, each with taps of its own.
#[test]
fn the_tail_has_its_own_taps() {
    let frames: Vec<i16> = (0..60).collect();
    let got = run(&model(vec![delay(3, 15, [1, 2, 1, 3])]), &frames, 3);
    let at = |t: usize, back: usize, k: usize| if t >= back { frames[(t - back) * 3 + k] } else { 0 };
    for (t, y) in got.iter().enumerate() {
        let heads = [0, 2].map(|back| [at(t, back, 0), at(t, back, 1)]).concat();
        let tails = [0, 2, 4, 6].map(|back| at(t, back, 2));
        assert_eq!(*y, [heads, tails.to_vec()].concat(), "step {t}");
    }
}

/// The same table as an embedding and as the weights of a dense layer behind one-hot vectors, at scales that are
/// powers of two, where neither rounds: both give the product of table and one-hot vector, bit for bit.
#[test]
fn one_hot_and_a_matrix_product_equal_the_embedding() {
    let (rows, units, frac) = (11, 7, 9u8);
    let mut numbers = Numbers(3);
    let table: Vec<i8> = (0..rows * units).map(|_| numbers.between(-127, 127) as i8).collect();
    // An element is e·2^3 in units of the output's last place.
    let embedding = IntegerLayer {
        variant: "embedding".into(),
        inputs: 1,
        units,
        out_frac: frac,
        params: [rows as u16, 0, 0, 0],
        table: table.clone(),
        row_multiplier: vec![1 << 19; rows],
        ..IntegerLayer::default()
    };
    let one_hot =
        IntegerLayer { variant: "one-hot".into(), inputs: 1, units: rows, out_frac: 14, ..IntegerLayer::default() };
    // e·ONE·m / 2^32 is e·2^3 in Q15.16 brought from Q.9: m = 2^(3 + 16 - 9 + 32 - 14).
    let dense = IntegerLayer {
        variant: "dense".into(),
        inputs: rows,
        units,
        in_frac: 14,
        out_frac: frac,
        gates: vec![IntegerGate {
            w: (0..rows * units).map(|k| table[(k % rows) * units + k / rows]).collect(),
            u: vec![],
            bias: vec![0; units],
            multiplier: vec![1 << (3 + 16 - frac as i32 + 32 - 14); units],
        }],
        ..IntegerLayer::default()
    };
    // Every symbol, and some that are not in the table: those read row 0.
    let symbols: Vec<i16> = (0..rows as i16).chain([11, 300, i16::MAX, -1, i16::MIN]).collect();
    let embedded = run(&model(vec![embedding]), &symbols, 1);
    let multiplied = run(&model(vec![one_hot.clone(), dense]), &symbols, 1);
    assert_eq!(embedded, multiplied);
    let vectors = run(&model(vec![one_hot]), &symbols, 1);
    for (t, (y, x)) in embedded.iter().zip(&vectors).enumerate() {
        let row = if t < rows { t } else { 0 };
        assert_eq!(x.iter().position(|x| *x == ONE), Some(row));
        let product = |j: usize| (0..rows).map(|k| table[k * units + j] as i64 * x[k] as i64).sum::<i64>();
        let want: Vec<i16> = (0..units).map(|j| (product(j) * 8 / ONE as i64) as i16).collect();
        assert_eq!(*y, want, "symbol {t}");
    }
}

#[test]
fn sums_run_over_time_and_saturate() {
    let mut layer = synthetic::layer("sum", 2, 2, 13, Drive::Ordinary, 1);
    layer.out_frac = 8;
    let frames: Vec<i16> = (0..2000).flat_map(|t| [t as i16 * 3 - 1000, i16::MAX]).collect();
    let mut sums = [0i64; 2];
    for (t, y) in run(&model(vec![layer]), &frames, 2).iter().enumerate() {
        for k in 0..2 {
            sums[k] += frames[2 * t + k] as i64;
            let want = ((sums[k] + 16) >> 5).clamp(i16::MIN as i64, i16::MAX as i64);
            assert_eq!(y[k] as i64, want, "step {t}");
        }
    }
}

#[test]
fn a_max_keeps_the_largest_of_each_element() {
    let layer = synthetic::layer("max", 3, 3, 9, Drive::Ordinary, 1);
    assert_eq!(layer.out_frac, 9);
    let frames = [[i16::MIN, -5, 7], [i16::MIN, -9, 3], [-32_767, -3, 7], [i16::MAX, i16::MIN, 8], [0, 0, 0]];
    let want = [[i16::MIN, -5, 7], [i16::MIN, -5, 7], [-32_767, -3, 7], [i16::MAX, -3, 8], [i16::MAX, 0, 8]];
    let got = run(&model(vec![layer]), frames.as_flattened(), 3);
    assert_eq!(got, want.map(|y| y.to_vec()));
}

/// With its own output fed back the model gives what it gives when an outsider hands it the same numbers.
#[test]
fn closed_loop_equals_feeding_by_hand() {
    let line = delay(3, 9, [2, 1, 2, 3]);
    let hidden = synthetic::layer("dense-tanh", line.units, 8, 9, Drive::Ordinary, 5);
    let last = synthetic::layer("dense", 8, 2, 15, Drive::Ordinary, 6);
    let mut model = model(vec![line, hidden, last]);
    model.feedback = 2;
    let words = words_of(&model.to_blob().unwrap()).unwrap();
    let loaded = Model::load(Blob::new(&words)).unwrap();
    let (mut a, mut b) = (vec![0; loaded.memory_words()], vec![0; loaded.memory_words()]);
    let (mut closed, mut taught) = (loaded.stream(&mut a).unwrap(), loaded.stream(&mut b).unwrap());
    assert_eq!((loaded.inputs(), loaded.external_inputs(), loaded.in_frac(), loaded.out_frac()), (3, 1, 9, 11));
    assert_eq!(closed.try_step(&[1]).unwrap_err(), elman::RunError::FrameLength { required: 3, provided: 1 });
    let mut previous = vec![0; 2];
    let mut moved = 0;
    for x in synthetic::frames(1, 400, 8) {
        let fed: Vec<i16> = previous.iter().map(|y| reformat(*y, 11, 9)).collect();
        let y = taught.step(&[x, fed[0], fed[1]]).logits.to_vec();
        // Advancing alone must close the loop as well.
        closed.advance_closed(&[x]);
        assert_eq!(closed.output().logits, y);
        moved += (y != previous) as usize;
        previous = y;
    }
    assert!(moved > 200, "{moved}");
    model.feedback = 1;
    assert!(refusal(&model).contains(&LoadError::Feedback { feedback: 1, inputs: 3, outputs: 2 }.to_string()));
}

#[test]
fn impossible_numbers_are_refused() {
    for params in [[2, 0, 0, 0], [2, 1, 4, 0], [2, 1, 0, 1], [2, 1, 3, 1]] {
        let mut layer = delay(3, 15, [2, 1, 0, 0]);
        layer.params = params;
        let error = LoadError::Parameters { layer: 0, params, inputs: 3, units: 9 };
        assert!(refusal(&model(vec![layer])).contains(&error.to_string()), "{params:?}");
    }
    let long = refusal(&model(vec![delay(100, 15, [1, 2000, 0, 0])]));
    let error = LoadError::DelayLine { layer: 0, required: 100_002, most: elman::cell::MAX_LINE_WORDS };
    assert!(long.contains(&error.to_string()), "{long}");
    let mut dense = synthetic::layer("dense", 2, 2, 15, Drive::Ordinary, 1);
    dense.params[3] = 1;
    let error = LoadError::Parameters { layer: 0, params: [0, 0, 0, 1], inputs: 2, units: 2 };
    assert!(refusal(&model(vec![dense])).contains(&error.to_string()));
    // Symbols come from the input alone, without fraction bits.
    let embedding = synthetic::layer("embedding", 1, 4, 0, Drive::Ordinary, 1);
    let dense = synthetic::layer("dense", 2, 1, 0, Drive::Ordinary, 1);
    assert!(refusal(&model(vec![dense, embedding.clone()])).contains("layer 1 reads 1 elements with 0 fraction bits"));
    for damage in [
        |l: &mut IntegerLayer| l.in_frac = 3,
        |l: &mut IntegerLayer| l.table[5] = -128,
        |l: &mut IntegerLayer| l.row_multiplier[1] = 1 << 24,
        |l: &mut IntegerLayer| l.row_multiplier[1] = -1,
    ] {
        let mut bad = embedding.clone();
        damage(&mut bad);
        assert!(model(vec![bad]).to_blob().is_err());
    }
}

#[test]
fn symbols_must_be_ascending_and_as_many_as_rows() {
    let text = |unit, symbols: &[&str]| {
        let mut layer = synthetic::layer("embedding", 1, 4, 0, Drive::Ordinary, 1);
        layer.params[0] = 4;
        layer.table.truncate(16);
        layer.row_multiplier.truncate(4);
        let mut model = model(vec![layer]);
        model.text = Some((unit, symbols.iter().map(|s| s.to_string()).collect()));
        model
    };
    assert!(text(TextUnit::Characters, &["a", "é", "中"]).to_blob().is_ok());
    assert!(text(TextUnit::Words, &["a", "b c".split(' ').next().unwrap(), "ab"]).to_blob().is_err());
    assert!(text(TextUnit::Words, &["a", "ab", "b"]).to_blob().is_ok());
    assert!(
        refusal(&text(TextUnit::Characters, &["b", "a", "c"]))
            .contains(&LoadError::TextOrder { symbol: 2 }.to_string())
    );
    assert!(
        refusal(&text(TextUnit::Words, &["a", "b", "b"])).contains(&LoadError::TextOrder { symbol: 3 }.to_string())
    );
    assert!(
        refusal(&text(TextUnit::Words, &["a", "b"]))
            .contains(&LoadError::TextSymbols { symbols: 3, layer: 4 }.to_string())
    );
    assert!(refusal(&text(TextUnit::Characters, &["a", "bc", "d"])).contains("symbol 2"));
    let mut plain = synthetic::model("srn", 3, 3, 0, Drive::Ordinary, 1);
    plain.text = Some((TextUnit::Characters, vec![]));
    assert!(refusal(&plain).contains(&LoadError::TextSymbols { symbols: 1, layer: 0 }.to_string()));
}
