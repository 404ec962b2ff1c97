use super::{derived, written};
use crate::blob::LoadError;
use crate::descriptor::{Descriptor, LayerDescriptor, MAX_LAYERS};
use crate::record::Read;
use crate::record::random::Random;
use std::vec::Vec;

type Layers = heapless::Vec<LayerDescriptor, MAX_LAYERS>;

/// What a blob says of its model.
type Records<'b> = (Descriptor<'b>, Layers);

fn random(random: &mut Random) -> Records<'static> {
    (Descriptor::random(random), Layers::random(random))
}

/// What postcard writes: the definition.
fn bytes_of(records: &Records<'_>) -> Vec<u8> {
    postcard::to_slice(records, &mut [0; 1024]).unwrap().to_vec()
}

fn words_of(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(|b| b.iter().rev().fold(0, |w, b| w << 8 | u32::from(*b))).collect()
}

/// Reads all records by one of the readers, as the loader does.
macro_rules! read {
    ($reader:ident, $words:expr, $length:expr) => {{
        let mut encoded = $reader::Encoded::new($words, $length);
        let descriptor = encoded.descriptor();
        let mut read = || {
            encoded.check()?;
            let count = encoded.layers();
            encoded.check()?;
            let mut layers = Layers::new();
            for _ in 0..count {
                let layer = encoded.layer();
                encoded.check()?;
                layers.push(layer).unwrap();
            }
            encoded.end().map(|()| layers)
        };
        read().map(|layers| (descriptor, layers))
    }};
}

/// Reads by both readers, which must give the same; an error of either must be at a byte that there is.
fn read(words: &[u32], length: usize) -> Result<Records<'_>, LoadError> {
    let (ours, theirs) = (read!(written, words, length), read!(derived, words, length));
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Err(LoadError::Descriptor { offset: a }), Err(LoadError::Descriptor { offset: b })) => {
            // postcard's offset is that of the record.
            assert!(b <= a && *a <= length, "{a} {b} of {length}");
        }
        _ => panic!("{ours:?} {theirs:?} {words:x?}"),
    }
    ours
}

/// Whether bytes are those that are written again.
fn canonical(bytes: &[u8]) -> bool {
    postcard::take_from_bytes::<Records<'_>>(bytes).is_ok_and(|(records, rest)| {
        let labels = records.0.labels;
        let plain = !labels.contains('\r') && !labels.ends_with('\n');
        rest.is_empty() && plain && bytes_of(&records) == bytes
    })
}

#[test]
fn reads_what_is_written() {
    let mut generator = Random(1);
    for _ in 0..2000 {
        let records = random(&mut generator);
        let bytes = bytes_of(&records);
        assert_eq!(read(&words_of(&bytes), bytes.len()), Ok(records));
    }
}

/// Bytes that are changed, lost, added and drawn by chance: read exactly where they are canonical.
#[test]
fn rejects_what_would_be_written_otherwise() {
    let mut generator = Random(2);
    let (mut accepted, mut rejected) = (0, 0);
    for round in 0..100_000 {
        let mut bytes = bytes_of(&random(&mut generator));
        for _ in 0..=generator.below(2) {
            mutate(&mut bytes, round % 5, &mut generator);
        }
        let words = words_of(&bytes);
        let found = read(&words, bytes.len());
        assert_eq!(found.is_ok(), canonical(&bytes), "{found:?} {bytes:x?}");
        if let Ok(records) = found {
            assert_eq!(bytes_of(&records), bytes);
            accepted += 1;
        } else {
            rejected += 1;
        }
    }
    assert!(accepted > 10_000 && rejected > 10_000, "{accepted} accepted, {rejected} rejected");
}

fn mutate(bytes: &mut Vec<u8>, kind: usize, random: &mut Random) {
    let at = random.below(bytes.len() as u64) as usize;
    match kind {
        0 => bytes[at] = [0, 1, 2, 3, 4, 0x80, 0xff][random.below(7) as usize],
        1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes.insert(at, [0, 0x80, 0x81, random.below(256) as u8][random.below(4) as usize]),
        3 => bytes.truncate(at.max(1)),
        // A number in a longer form, where it is one.
        _ => {
            bytes[at] |= 0x80;
            bytes.insert(at + 1, random.below(2) as u8);
        }
    }
}

/// The descriptors of all seeds of the fuzz targets, and their mutations.
#[test]
fn seeds_of_the_fuzz_targets_read_the_same() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    let (mut generator, mut seeds, mut accepted) = (Random(4), 0, 0);
    for target in std::fs::read_dir(folder).unwrap() {
        for seed in std::fs::read_dir(target.unwrap().path()).unwrap() {
            let seed = std::fs::read(seed.unwrap().path()).unwrap();
            // As a whole, and where it may be a blob or have one, the descriptor alone.
            for start in [0, 4 * crate::blob::FRAME_WORDS].into_iter().filter(|start| *start < seed.len()) {
                let bytes = &seed[start..];
                let words = words_of(bytes);
                for length in 0..bytes.len().min(600) {
                    let mut words = words.clone();
                    words.truncate(length.div_ceil(4));
                    if let (Some(last), 1..) = (words.last_mut(), length % 4) {
                        *last &= (1 << (8 * (length % 4))) - 1;
                    }
                    accepted += usize::from(read(&words, length).is_ok());
                }
                let mut bytes = bytes[..bytes.len().min(600)].to_vec();
                for kind in 0..200 {
                    mutate(&mut bytes, kind % 5, &mut generator);
                    let _ = read(&words_of(&bytes), bytes.len());
                }
            }
            seeds += 1;
        }
    }
    assert!(seeds > 20 && accepted > 20, "{seeds} seeds, {accepted} descriptors");
}

#[test]
fn nothing_may_follow() {
    let records = random(&mut Random(3));
    let mut bytes = bytes_of(&records);
    let declared = bytes.len();
    bytes.resize(bytes.len().next_multiple_of(4) + 4, 0);
    let length = bytes.len();
    let mut words = words_of(&bytes);
    assert_eq!(read(&words, declared), Ok(records));
    assert_eq!(read(&words, declared + 1), Err(LoadError::Descriptor { offset: declared }));
    assert_eq!(read(&words, length + 1), Err(LoadError::Descriptor { offset: length + 1 }));
    *words.last_mut().unwrap() = 1 << 31;
    assert_eq!(read(&words, declared), Err(LoadError::Descriptor { offset: declared }));
    assert_eq!(read(&[u32::MAX; 9], 36), Err(LoadError::Descriptor { offset: 5 }));
}

#[test]
fn the_offset_is_where_decoding_stopped() {
    let (descriptor, layers) = random(&mut Random(3));
    let records = (Descriptor { name: "abc", ..descriptor }, layers);
    let bytes = bytes_of(&records);
    // In the name, which then is no UTF-8, or whose length is beyond the end.
    for (at, value, offset) in [(1, 0xff, 1), (0, 0xff, 2)] {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        assert_eq!(read(&words_of(&bytes), bytes.len()), Err(LoadError::Descriptor { offset }), "{at} {value}");
    }
}
