//! A damaged blob is refused: every single-bit flip, every truncation, extensions; and what a valid CRC cannot
//! hide.

use std::path::Path;

use elman::blob::{Blob, FRAME_WORDS, MemoryPart, Model, crc32c};
use elman::kernel::{Layout, Packing, RowBlock, WeightFormat};
use elman::{Error, LoadError, MemoryError, RunError};
use elman_quant::synthetic::{self, Drive, Exercise, exercise};
use elman_quant::{IntegerModel, words_of};

/// Fresh ones, and every blob that the repository ships.
fn blobs() -> Vec<Vec<u32>> {
    let variants = elman::layer::all().flat_map(|s| s.variants).map(|v| v.name);
    let mut blobs: Vec<Vec<u32>> = variants
        .flat_map(|v| WeightFormat::ALL.iter().map(move |format| (v, *format)))
        .map(|(v, format)| synthetic::in_format(synthetic::model(v, 3, 5, 4, Drive::Ordinary, 3), format))
        .map(|model| words_of(&model.to_blob().unwrap()).unwrap())
        .collect();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden");
    let listed = std::fs::read_to_string(golden.join("digests.txt")).unwrap().lines().count();
    let shipped: Vec<_> = std::fs::read_dir(golden)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "elman"))
        .collect();
    assert_eq!(shipped.len(), listed, "digests.txt lists every blob of tests/golden");
    blobs.extend(shipped.iter().map(|p| words_of(&std::fs::read(p).unwrap()).unwrap()));
    blobs
}

fn load(words: &[u32]) -> Result<(), LoadError> {
    Model::load(Blob::new(words)).map(|_| ())
}

fn with_crc(mut words: Vec<u32>) -> Vec<u32> {
    let n = words.len() - 1;
    words[n] = crc32c(&words[..n]);
    words
}

#[test]
fn single_bit_flips() {
    for blob in blobs() {
        assert_eq!(load(&blob), Ok(()));
        for bit in 0..blob.len() * 32 {
            let mut bad = blob.clone();
            bad[bit / 32] ^= 1 << (bit % 32);
            assert!(load(&bad).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn truncations_and_extensions() {
    for blob in blobs() {
        for n in 0..blob.len() {
            assert!(load(&blob[..n]).is_err(), "{n} words");
        }
        for extra in 1..=16 {
            for fill in [0, u32::MAX, blob[0]] {
                let mut bad = blob.clone();
                bad.resize(blob.len() + extra, fill);
                assert!(load(&bad).is_err(), "{extra} words more");
            }
        }
        let bytes: Vec<u8> = blob.iter().flat_map(|w| w.to_le_bytes()).collect();
        for n in (1..=64).filter(|n| n % 4 != 0) {
            let mut longer = bytes.clone();
            longer.resize(bytes.len() + n, 0);
            assert!(words_of(&longer).is_err(), "{n} bytes more");
            assert!(words_of(&bytes[..bytes.len() - n]).is_err(), "{n} bytes fewer");
        }
    }
}

/// Flips with the CRC set right: whatever loads must still be safe to run.
#[test]
fn forged_blobs_load_or_are_refused_but_never_panic() {
    let (mut refused, mut ran) = (0, 0);
    for blob in blobs() {
        for bit in 0..(blob.len() - 1) * 32 {
            let mut forged = blob.clone();
            forged[bit / 32] ^= 1 << (bit % 32);
            let forged = with_crc(forged);
            match Model::load(Blob::new(&forged)) {
                Err(_) => refused += 1,
                Ok(model) => {
                    ran += 1;
                    let mut memory = vec![0; model.memory_words()];
                    let how = Exercise { steps: 3, structures: 1, seed: bit as u64 };
                    // A structure may be beyond what the forged blob states; its memory may not.
                    let done = exercise(&model, &mut memory, how, |_| ());
                    assert!(
                        !matches!(done, Err(Error::Run(RunError::Memory(_) | RunError::WrongRunner { .. }))),
                        "bit {bit}: {done:?}"
                    );
                }
            }
        }
    }
    assert!(refused > 1000 && ran > 1000, "{refused} refused, {ran} ran");
}

#[test]
fn an_accumulator_that_could_overflow_is_refused() {
    let mut model = synthetic::model("srn", 600, 4, 0, Drive::Ordinary, 1);
    for w in &mut model.layers[0].gates[0].w {
        *w = 127;
    }
    let message = model.to_blob().unwrap_err().to_string();
    assert!(message.contains("could overflow its accumulator"), "{message}");
    model.layers[0].gates[0].w[5..].fill(1);
    model.layers[0].gates[0].bias[3] = i32::MIN;
    let message = model.to_blob().unwrap_err().to_string();
    assert!(message.contains("could overflow its accumulator") && message.contains("-2147483648"), "{message}");
}

/// Ranks, cells and formats of p that a layer cannot have, with as many weights as they ask for.
#[test]
fn a_forged_rank_is_refused() {
    let message = |variant: &str, inputs: usize, units: usize, params: [u16; 4]| {
        let mut layer = synthetic::layer(variant, inputs, units, 15, Drive::Ordinary, 1);
        let (_, _, spec) = elman::layer::named(variant).unwrap();
        layer.params = params;
        for (gate, (_, shape)) in layer.gates.iter_mut().zip(spec.shapes(inputs, units, params)) {
            gate.w.resize(shape.rows * shape.inputs, 0);
            gate.u.resize(shape.rows * shape.hidden, 0);
            gate.bias.resize(shape.rows, 0);
            gate.multiplier.resize(shape.rows, 1);
        }
        let model = IntegerModel { layers: vec![layer], ..IntegerModel::default() };
        model.to_blob().map_or_else(|error| error.to_string(), |_| String::new())
    };
    let zeta_nu = [40_000, 1_000];
    for (variant, good, forged) in [
        ("lstm-low-rank", [3, 15, 0, 0], [[0, 12, 0, 0], [6, 12, 0, 0], [3, 16, 0, 0], [3, 12, 1, 0]]),
        ("gru-low-rank", [5, 0, 0, 0], [[0, 0, 0, 0], [6, 0, 0, 0], [5, 300, 0, 0], [5, 0, 0, 9]]),
        ("lstm-projected", [5, 0, 0, 0], [[4, 0, 0, 0], [0, 0, 0, 0], [8193, 0, 0, 0], [7, 1, 0, 0]]),
        (
            "fast-grnn-low-rank",
            [1, 12, zeta_nu[0], zeta_nu[1]],
            [[0, 12, 1, 1], [6, 12, 1, 1], [2, 16, 1, 1], [u16::MAX, 12, 1, 1]],
        ),
    ] {
        assert_eq!(message(variant, 3, 5, good), "", "{variant}");
        for params in forged {
            let said = message(variant, 3, 5, params);
            assert!(said.contains("could not load") && said.contains(&format!("{params:?}")), "{variant}: {said}");
        }
    }
}

#[test]
fn the_frame_tells_the_memory_and_lies_are_refused() {
    for blob in blobs() {
        let model = Model::load(Blob::new(&blob)).unwrap();
        assert_eq!(Blob::new(&blob).memory_words(), model.memory_words());
        for lie in [0, model.memory_words() as u32 - 1, model.memory_words() as u32 + 1, u32::MAX] {
            let mut bad = blob.clone();
            bad[3] = lie;
            assert_eq!(
                load(&with_crc(bad)),
                Err(LoadError::MemoryWords { part: MemoryPart::Layers, declared: lie, required: model.memory_words() })
            );
        }
        let mut memory = vec![0; model.memory_words() - 1];
        let have = memory.len();
        let refused = exercise(&model, &mut memory, Exercise { steps: 1, structures: 1, seed: 1 }, |_| ());
        assert_eq!(refused, Err(Error::Run(RunError::Memory(MemoryError { required: have + 1, provided: have }))));
    }
    assert_eq!(Blob::new(&[1; FRAME_WORDS]).memory_words(), 0);
}

#[test]
fn the_descriptor_must_be_canonical() {
    let blob = &blobs()[0];
    // The first byte of the descriptor is the name's length: the same number as an over-long varint does not
    // fit in place, so claim another name length and a non-UTF-8 name.
    for (at, value) in [(FRAME_WORDS, 0xFFFF_FFFFu32), (FRAME_WORDS, 0x0000_0080), (FRAME_WORDS + 1, 0xFFFF_FFFF)] {
        let mut bad = blob.clone();
        bad[at] = value;
        assert!(matches!(load(&with_crc(bad)), Err(LoadError::Descriptor { .. })));
    }
}

/// A PC reads every layout; one that it does not know, and one that the numbers are not in, it refuses.
#[test]
fn a_layout_is_named() {
    let model = synthetic::model("lstm", 3, 5, 4, Drive::Ordinary, 3);
    let params = |layout| Packing { format: WeightFormat::Int8, layout }.param_words(RowBlock::Rows { columns: 4 });
    for layout in Layout::ALL {
        let words = words_of(&model.to_blob_in(layout).unwrap()).unwrap();
        assert_eq!(load(&words), Ok(()));
        for number in 0..20u16 {
            let mut other = words.clone();
            other[1] = other[1] & 0xffff | u32::from(number) << 16;
            match load(&with_crc(other)) {
                Ok(()) => assert_eq!(Layout::of(number).map(params), Some(params(layout))),
                Err(LoadError::Layout { found, reads }) => {
                    assert_eq!((found, reads, Layout::of(number)), (number, None, None))
                }
                Err(_) => assert!(Layout::of(number).is_some_and(|n| n != layout)),
            }
        }
    }
    let text = LoadError::Layout { found: 2, reads: Some(Layout::Pairs) }.to_string();
    assert_eq!(
        text,
        "the weights are packed as `rows`, the layout of cores with Helium; these kernels read `pairs`, the layout of cores \
         with the DSP extension: export the model for this core"
    );
}

/// The format of a layer's weights is the upper two bits of its tag; one that does not exist is an unknown layer.
#[test]
fn a_weight_format_is_named() {
    let model = synthetic::model("lstm", 3, 5, 0, Drive::Ordinary, 3);
    for format in WeightFormat::ALL {
        let words = words_of(&synthetic::in_format(model.clone(), *format).to_blob().unwrap()).unwrap();
        let loaded = Model::load(Blob::new(&words)).unwrap();
        assert_eq!(loaded.layers()[0].packing().format, *format);
        // The one layer ends the descriptor: tag, variant, two widths, three formats, direction, four numbers.
        let at = FRAME_WORDS * 4 + loaded.frame().descriptor_bytes as usize - 12;
        let tag = words[at / 4] >> (at % 4 * 8) & 0xff;
        assert_eq!(tag, u32::from(format.tag(3)));
        for number in 0..4u8 {
            let mut other = words.clone();
            other[at / 4] ^= (tag ^ u32::from(number) << 6 ^ 3) << (at % 4 * 8);
            match (load(&with_crc(other)), WeightFormat::of(number)) {
                (result, Some(known)) if known == *format => assert_eq!(result, Ok(())),
                (result, Some(_)) => assert!(result.is_err(), "{} as {number}", format.name()),
                (result, None) => {
                    assert_eq!(result, Err(LoadError::UnknownLayer { layer: 0, tag: number << 6 | 3, variant: 0 }))
                }
            }
        }
    }
}
