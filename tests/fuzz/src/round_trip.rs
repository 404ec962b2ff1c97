//! Any network in integers that the writer takes is loaded with the same numbers, and not with one bit changed.

use crate::models;
use crate::taken::Taken;
use elman::Model;
use elman::blob::Blob;
use elman::kernel::WeightFormat;
use elman_quant::synthetic;
use elman_quant::words_of;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let mut taken = Taken(data);
    let model = models::chain(&mut taken);
    let mut next = || usize::from(taken.byte());
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
