//! The scaling of readings at a model's border: in the blob, in front of a network, and damaged.

use elman::blob::{Blob, FRAME_WORDS, Model, crc32c};
use elman::kernel::Layout;
use elman::scaling::{Channel, MIN_MULTIPLIER};
use elman::{LoadError, audio};
use elman_quant::repack::repacked;
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerModel, channels, words_of};

fn words(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// Where in the blob the weights begin: the channels of the input, then those of the output.
fn weights_at(words: &[u32]) -> usize {
    words[6] as usize / 4
}

/// What a blob with these changes does not load with.
fn refused(words: &[u32], change: impl FnOnce(&mut [u32])) -> LoadError {
    let mut changed = words.to_vec();
    change(&mut changed);
    let body = changed.len() - 1;
    changed[body] = crc32c(&changed[..body]);
    Model::load(Blob::new(&changed)).expect_err("a damaged blob")
}

#[test]
fn a_blob_has_its_channels_and_the_network_is_the_same() {
    let mut with = synthetic::sensors(5, 2, 7);
    let in_words = words(&with);
    let scaled = Model::load(Blob::new(&in_words)).unwrap();
    assert_eq!(scaled.input_scaling().unwrap().channels().collect::<Vec<_>>(), with.input);
    assert_eq!(scaled.output_scaling().unwrap().channels().collect::<Vec<_>>(), with.output);
    for layout in Layout::ALL {
        let other = repacked(&with.to_blob().unwrap(), layout).unwrap();
        assert_eq!(other, with.to_blob_in(layout).unwrap());
    }

    let (input, output) = (std::mem::take(&mut with.input), std::mem::take(&mut with.output));
    let plain_words = words(&with);
    let plain = Model::load(Blob::new(&plain_words)).unwrap();
    assert!(plain.input_scaling().is_none() && plain.output_scaling().is_none());
    assert_eq!(scaled.layers().len(), plain.layers().len());
    assert_eq!(scaled.memory_words(), plain.memory_words());
    // Two entries of the descriptor and three words a channel.
    assert!(in_words.len() - plain_words.len() <= 3 * (input.len() + output.len()) + 7);

    let (mut one, mut other) = (vec![0; scaled.memory_words()], vec![0; plain.memory_words()]);
    let (mut a, mut b) = (scaled.stream(&mut one).unwrap(), plain.stream(&mut other).unwrap());
    for t in 0..200 {
        let raw = [101_200 + t, t * 13 - 900, -8_005_000 + 40 * t, t & 1];
        let mut frame = [0; 4];
        let saturated = scaled.input_scaling().unwrap().quantize_i32(&raw, &mut frame);
        let expected: Vec<(i16, bool)> = input.iter().zip(raw).map(|(c, raw)| c.quantize(raw)).collect();
        assert_eq!(frame.to_vec(), expected.iter().map(|(x, _)| *x).collect::<Vec<_>>());
        assert_eq!(saturated, expected.iter().filter(|(_, s)| *s).count());
        let y = a.step(&frame);
        assert_eq!(y, b.step(&frame));
        let mut back = [0; 2];
        scaled.output_scaling().unwrap().restore_i32(y.logits, &mut back);
        assert_eq!(back.to_vec(), output.iter().zip(y.logits).map(|(c, y)| c.restore(*y)).collect::<Vec<_>>());
    }
}

#[test]
fn damaged_tables_are_refused() {
    let model = synthetic::sensors(5, 2, 7);
    let words = words(&model);
    let (at, last) = (weights_at(&words), 3 * model.input.len());
    let wrong = |output, channel| LoadError::Scaling { output, channel };
    for k in 0..model.input.len() {
        let place = at + 3 * k;
        for multiplier in [0, MIN_MULTIPLIER - 1, -1, i32::MIN] {
            let error = refused(&words, |w| w[place + 1] = multiplier as u32);
            assert_eq!(error, wrong(false, k as u16));
        }
        let error = refused(&words, |w| w[place + 2] = w[place + 2] & !0xff | 32);
        assert_eq!(error, wrong(false, k as u16));
        for raw_frac in [101, -101, -128] {
            let error = refused(&words, |w| w[place + 2] = w[place + 2] & 0xff | u32::from(raw_frac as i8 as u8) << 8);
            assert_eq!(error, wrong(false, k as u16));
        }
        for bit in 16..32 {
            assert_eq!(refused(&words, |w| w[place + 2] |= 1 << bit), wrong(false, k as u16));
        }
    }
    let error = refused(&words, |w| w[at + last + 1] = -5i32 as u32);
    assert_eq!(error, wrong(true, 0));
    let error = refused(&words, |w| w[at + last + 2] |= 1);
    assert_eq!(error, wrong(true, 0));
    assert!(wrong(true, 0).to_string().contains("the scaling of the outputs is wrong at channel 0"));
}

/// Every bit of the entries in the descriptor: an error, or the same channels.
#[test]
fn damaged_entries_are_refused() {
    let model = synthetic::sensors(5, 2, 7);
    let words = words(&model);
    for bit in 0..(weights_at(&words) - FRAME_WORDS) * 32 {
        let mut changed = words.clone();
        changed[FRAME_WORDS + bit / 32] ^= 1 << (bit % 32);
        let body = changed.len() - 1;
        changed[body] = crc32c(&changed[..body]);
        let Ok(loaded) = Model::load(Blob::new(&changed)) else { continue };
        assert_eq!(loaded.input_scaling().unwrap().channels().collect::<Vec<_>>(), model.input, "bit {bit}");
        assert_eq!(loaded.output_scaling().unwrap().channels().count(), 2, "bit {bit}");
    }
}

#[test]
fn a_scaling_fits_its_model_or_is_refused() {
    let good = synthetic::sensors(5, 2, 7);
    let error = |model: &IntegerModel| model.to_blob().unwrap_err().to_string();
    let one = Channel { multiplier: MIN_MULTIPLIER, ..Channel::default() };

    let fewer = IntegerModel { input: good.input[1..].to_vec(), ..good.clone() };
    let wanted = LoadError::ShapeMismatch { layer: 0, inputs: 4, given: 3, frac: 13, given_frac: 13 };
    assert!(error(&fewer).contains(&wanted.to_string()), "{}", error(&fewer));

    let more = IntegerModel { output: vec![Channel::default(); 3], ..good.clone() };
    let wanted = LoadError::Scaling { output: true, channel: 2 }.to_string();
    assert!(error(&more).contains(&wanted), "{}", error(&more));

    // Features of sound and symbols are no readings.
    let mut sound = synthetic::sound::listener(audio::Config::HZ_8000, 5, 3, 1);
    sound.input = vec![one; sound.layers[0].inputs];
    assert!(error(&sound).contains("scaling of the inputs"), "{}", error(&sound));
    let mut symbols = synthetic::language(9, 5, 1);
    symbols.input = vec![one];
    assert!(error(&symbols).contains("scaling of the inputs"), "{}", error(&symbols));

    // Either alone, a loop, and other structures are.
    for (input, output) in [(true, false), (false, true)] {
        let mut model = good.clone();
        if !input {
            model.input.clear();
        }
        if !output {
            model.output.clear();
        }
        let words = words(&model);
        let loaded = Model::load(Blob::new(&words)).unwrap();
        assert_eq!((loaded.input_scaling().is_some(), loaded.output_scaling().is_some()), (input, output));
    }
    let mut closed = synthetic::model("delay", 3, 0, 1, Drive::Ordinary, 7);
    (closed.feedback, closed.increments) = (1, true);
    closed.input = vec![one; 3];
    closed.output = vec![one; 1];
    assert!(closed.to_blob().is_ok());
    let mut graph = synthetic::graph::model(synthetic::graph::Shape::default(), 1);
    graph.input = vec![one; graph.layers[0].inputs];
    assert!(graph.to_blob().is_ok());
    let mut tree = synthetic::tree("lstm", "tree-lstm", 6, 1, [60, 60], 7);
    if tree.text.is_none() && tree.layers[0].variant != "embedding" {
        tree.input = vec![one; tree.layers[0].inputs];
        assert!(tree.to_blob().is_ok());
    }
}

/// The output of a loop is in units of the channel that it becomes: what is fed back needs no more than the formats.
#[test]
fn what_is_fed_back_is_the_channel_of_its_own() {
    let values: Vec<f64> = (0..500).map(|t| 101_325.0 + 40.0 * (f64::from(t) * 0.1).sin()).collect();
    let channel = channels::input(&values, channels::CLOSED_FRAC);
    let (offset, unit) = channels::affine(&channel, channels::CLOSED_FRAC);
    for out_frac in [11, 12] {
        let output = channels::output(offset, unit, out_frac);
        for y in [-3500i16, -2048, -1, 0, 1, 1024, 3000] {
            let x = elman::arith::reformat(y, out_frac, channels::CLOSED_FRAC);
            let value = channels::number(output.restore(y), output.raw_frac);
            let (measured, _) = channel.quantize(channels::reading(value, channel.raw_frac));
            // The value that the output stands for, read as a sensor's: the same element but for rounding twice.
            assert!((i32::from(measured) - i32::from(x)).abs() <= 1, "{out_frac} {y}: {measured} {x}");
        }
    }
}
