//! State is explicit: chunks, reset, snapshot and restore.

use elman::blob::{Blob, Model};
use elman::{MemoryError, RunError};
use elman_quant::synthetic::{self, Drive};
use elman_quant::words_of;

fn blob(variant: &str, seed: u64) -> Vec<u32> {
    words_of(&synthetic::model(variant, 5, 9, 3, Drive::Ordinary, seed).to_blob().unwrap()).unwrap()
}

#[test]
fn reset_and_restore_give_the_same_bits() {
    for variant in elman::layer::all().flat_map(|s| s.variants).map(|v| v.name) {
        let words = blob(variant, 11);
        let model = Model::load(Blob::new(&words)).unwrap();
        let mut memory = vec![0; model.memory_words()];
        let inputs = model.inputs();
        let frames = synthetic::frames(inputs, 120, 4);
        let mut net = model.stream(&mut memory).unwrap();
        let whole: Vec<Vec<i16>> = frames.chunks(inputs).map(|x| net.step(x).logits.to_vec()).collect();

        net.reset();
        let mut snapshot = vec![0; net.snapshot_words()];
        for (t, x) in frames.chunks(inputs).enumerate() {
            if t == 60 {
                net.snapshot(&mut snapshot).unwrap();
            }
            assert_eq!(net.step(x).logits, whole[t], "{variant} {t}");
        }
        // Another stream, on other memory, goes on from the snapshot.
        let mut other = vec![0xDEAD; model.memory_words()];
        let mut net = model.stream(&mut other).unwrap();
        net.restore(&snapshot).unwrap();
        for (t, x) in frames.chunks(inputs).enumerate().skip(60) {
            net.advance(x);
            assert_eq!(net.output().logits, whole[t], "{variant} {t} after restore");
            assert_eq!(net.output().logits, whole[t], "asking twice changes nothing");
        }
    }
}

#[test]
fn a_foreign_or_short_snapshot_is_refused_and_changes_nothing() {
    let (a, b) = (blob("gru", 1), blob("gru", 2));
    let (a, b) = (Model::load(Blob::new(&a)).unwrap(), Model::load(Blob::new(&b)).unwrap());
    let (mut ma, mut mb) = (vec![0; a.memory_words()], vec![0; b.memory_words()]);
    let (mut na, mut nb) = (a.stream(&mut ma).unwrap(), b.stream(&mut mb).unwrap());
    na.step(&[9; 5]);
    nb.step(&[9; 5]);
    let mut snapshot = vec![0; na.snapshot_words()];
    na.snapshot(&mut snapshot).unwrap();
    let before = nb.hidden_state(0).to_vec();
    assert_eq!(nb.restore(&snapshot), Err(RunError::Snapshot { model: b.crc(), found: a.crc() }));
    let n = snapshot.len();
    assert_eq!(na.restore(&snapshot[..n - 1]), Err(RunError::Memory(MemoryError { required: n, provided: n - 1 })));
    assert_eq!(
        na.snapshot(&mut snapshot[..n - 1]),
        Err(RunError::Memory(MemoryError { required: n, provided: n - 1 }))
    );
    assert_eq!(nb.hidden_state(0), before);
}

/// An error that changes nothing, or a debug assertion; without those a frame is padded with zeros or cut.
#[test]
fn frames_of_a_wrong_length_are_an_error() {
    let words = blob("lstm", 3);
    let model = Model::load(Blob::new(&words)).unwrap();
    let (mut m1, mut m2) = (vec![0; model.memory_words()], vec![0; model.memory_words()]);
    let (mut n1, mut n2) = (model.stream(&mut m1).unwrap(), model.stream(&mut m2).unwrap());
    assert_eq!(n1.try_step(&[5; 5]).unwrap().logits, n2.step(&[5; 5]).logits);
    for provided in [0, 2, 4, 6, 50] {
        let error = n1.try_step(&vec![7; provided]).unwrap_err();
        assert_eq!(error, RunError::FrameLength { required: 5, provided });
        assert_eq!(
            error.to_string(),
            format!("a frame of {provided} elements, 5 are required: provide one frame a step")
        );
    }
    assert_eq!(n1.try_step(&[7; 5]).unwrap().logits, n2.step(&[7; 5]).logits);
    let stepped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| n1.step(&[9, 9]).logits.to_vec()));
    match stepped {
        Ok(y) => assert_eq!(y, n2.step(&[9, 9, 0, 0, 0]).logits),
        Err(message) => {
            let message = message.downcast_ref::<String>().unwrap();
            assert_eq!(message, "a frame of 2 elements: the step reads 5");
        }
    }
}

#[test]
fn mean_pools_over_time() {
    let mut model = synthetic::model("srn", 2, 6, 0, Drive::Ordinary, 5);
    model.layers.push(synthetic::layer("mean", 6, 6, 15, Drive::Ordinary, 0));
    let words = words_of(&model.to_blob().unwrap()).unwrap();
    let loaded = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; loaded.memory_words()];
    let mut net = loaded.stream(&mut memory).unwrap();
    let mut sums = [0i64; 6];
    for (t, x) in synthetic::frames(2, 16_384, 3).chunks(2).enumerate() {
        net.advance(x);
        let n = t as i64 + 1;
        for (s, h) in sums.iter_mut().zip(net.hidden_state(0)) {
            *s += *h as i64;
        }
        let want: Vec<i16> = sums.iter().map(|s| (2 * s + n).div_euclid(2 * n) as i16).collect();
        assert_eq!(net.output().logits, want, "step {t}");
    }
    // Beyond, older steps weigh less: the mean follows a change of the input that an exact one would bury.
    let frame = [i16::MIN, i16::MAX];
    let (mut low, mut high) = ([i16::MAX; 6], [i16::MIN; 6]);
    for _ in 0..200_000 {
        net.advance(&frame);
        for (k, h) in net.hidden_state(0).iter().enumerate() {
            (low[k], high[k]) = (low[k].min(*h), high[k].max(*h));
        }
    }
    for (k, y) in net.output().logits.iter().enumerate() {
        assert!((low[k]..=high[k]).contains(y), "{y} {} {}", low[k], high[k]);
    }
}
