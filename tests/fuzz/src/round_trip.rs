//! Any network in integers that the writer takes is loaded with the same numbers, and not with one bit changed.

use elman::Model;
use elman::blob::{Blob, Direction, Readout};
use elman::kernel::WeightFormat;
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerLayer, IntegerModel, words_of};

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let mut next = || bytes.next().unwrap_or(0) as usize;
    let variants: Vec<&str> = elman::layer::all().flat_map(|s| s.variants).map(|v| v.name).collect();
    let (mut layers, mut inputs, mut frac) = (Vec::new(), 1 + next() % 9, 15);
    for _ in 0..1 + next() % 3 {
        let variant = variants[next() % variants.len()];
        let units = 1 + next() % 9;
        let drive = if next() % 2 == 0 { Drive::Ordinary } else { Drive::Saturating };
        let layer = synthetic::layer(variant, inputs, units, frac, drive, next() as u64);
        if layer.inputs == 1 && layer.params[0] == synthetic::ROWS {
            // What takes symbols stands first or nowhere.
            layers.clear();
        }
        (inputs, frac) = (layer.units, layer.out_frac);
        layers.push(layer.clone());
        if next() % 4 == 3 {
            layers.push(IntegerLayer { direction: Direction::Backward, ..layer });
            inputs *= 2;
        }
    }
    let backward = layers.iter().any(|l| l.direction == Direction::Backward);
    let model = IntegerModel {
        name: "round trip".into(),
        labels: (0..if next() % 2 == 0 { inputs } else { 0 }).map(|k| format!("label {k}")).collect(),
        readout: if next() % 2 == 0 { Readout::Last } else { Readout::EveryStep },
        fingerprint: next() as u64,
        counter: next() as u32,
        max_steps: if backward { 1 + next() as u16 } else { 0 },
        feedback: if next() % 4 == 3 { inputs as u16 } else { 0 },
        layers,
        ..IntegerModel::default()
    };
    let format = WeightFormat::ALL[next() % WeightFormat::ALL.len()];
    let model = synthetic::in_format(model, format);
    let Ok(blob) = model.to_blob() else { return };
    let words = words_of(&blob).expect("whole words");
    let loaded = Model::load(Blob::new(&words)).expect("what the writer writes");
    assert_eq!(loaded.name(), model.name);
    assert_eq!(loaded.frame().counter, model.counter);
    assert_eq!(loaded.descriptor().fingerprint, model.fingerprint);
    assert!(model.labels.iter().enumerate().all(|(k, l)| loaded.label(k as u16) == Some(l.as_str())));
    for (view, layer) in loaded.layers().iter().zip(&model.layers) {
        assert_eq!(
            (view.spec().name, view.inputs(), view.units()),
            (layer.variant.as_str(), layer.inputs, layer.units)
        );
        assert_eq!((view.in_frac(), view.formats().out_frac), (layer.in_frac, layer.out_frac));
        assert_eq!((view.direction(), view.params()), (layer.direction, layer.params));
        assert_eq!(view.packing().format, format);
    }
    // Under fuzzing the loader does not compare the CRC, so ask the CRC itself.
    let mut changed = words.clone();
    let (crc, body) = changed.split_last_mut().expect("not empty");
    assert_eq!(elman::blob::crc32c(body), *crc);
    let (word, bit) = (next() * 256 + next(), next() % 32);
    let word = word % body.len();
    body[word] ^= 1 << bit;
    assert_ne!(elman::blob::crc32c(body), *crc);
}
