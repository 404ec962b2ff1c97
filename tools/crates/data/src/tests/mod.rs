//! Corpora of tiny generated files: every layout, every error.

mod folders;
mod recordings;

use super::sound::tests::wav;
use super::{Corpus, Error, Layout, NoteKind, Options, Split};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// 50 ms of a tone at 16 kHz that depends on `seed`.
fn tone(seed: usize) -> Vec<u8> {
    let samples: Vec<f64> = (0..800).map(|i| 0.3 * (i as f64 * (0.05 + seed as f64 * 0.001)).sin()).collect();
    wav(16_000, 1, 16, &samples)
}

fn put(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn tar(dir: &Path, name: &str, members: &[(String, Vec<u8>)]) {
    let mut tar = tar::Builder::new(fs::File::create(dir.join(name)).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    tar.finish().unwrap();
}

/// Folders yes and no, ten clips each.
fn words() -> TempDir {
    let dir = TempDir::new().unwrap();
    for i in 0..10 {
        put(dir.path(), &format!("yes/{i:08x}_nohash_0.wav"), tone(i));
        put(dir.path(), &format!("no/{i:08x}_nohash_0.wav"), tone(100 + i));
    }
    dir
}

/// train.csv over train.tar: labels a and b, `n` clips each.
fn manifest(n: usize) -> TempDir {
    let dir = TempDir::new().unwrap();
    let mut csv = String::from("file,label,speaker\n");
    let mut members = Vec::new();
    for i in 0..n {
        for label in ["a", "b"] {
            let name = format!("clips/{label}{i}.wav");
            csv += &format!("{name},{label},s{i}\n");
            members.push((name, tone(i + 200 * (label == "b") as usize)));
        }
    }
    put(dir.path(), "train.csv", csv);
    tar(dir.path(), "train.tar", &members);
    dir
}

fn open(dir: &TempDir) -> Result<Corpus, Error> {
    Corpus::open(dir.path(), &Options::default())
}

fn message(dir: &TempDir) -> String {
    open(dir).unwrap_err().to_string()
}

#[test]
fn words_with_lists() {
    let dir = words();
    put(dir.path(), "validation_list.txt", "yes/00000001_nohash_0.wav\nno/00000001_nohash_0.wav\n");
    put(dir.path(), "testing_list.txt", "yes/00000002_nohash_0.wav\n");
    put(dir.path(), "_background_noise_/hum.wav", tone(5));
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.layout, corpus.sample_rate), (Layout::Words, 16_000));
    assert_eq!(corpus.labels, ["no", "yes"]);
    assert_eq!((corpus.train.len(), corpus.valid.len(), corpus.test.len(), corpus.noise.len()), (17, 2, 1, 1));
    assert_eq!((corpus.test[0].label, corpus.test[0].speaker.as_deref()), (1, Some("00000002")));
    let said: Vec<String> = corpus.notes.iter().map(|n| n.to_string()).collect();
    assert_eq!((said, corpus.valid_is_carved), (vec!["test has no example of 1 label(s): `no`".to_owned()], false));
    assert_eq!(corpus.train[0].samples.len(), 800);
}

#[test]
fn words_by_hash_keep_speakers_together() {
    let corpus = open(&words()).unwrap();
    let split_of = |speaker: &str| {
        [Split::Train, Split::Valid, Split::Test]
            .into_iter()
            .filter(|&s| corpus.split(s).iter().any(|c| c.speaker.as_deref() == Some(speaker)))
            .count()
    };
    assert!((0..10).all(|i| split_of(&format!("{i:08x}")) == 1));
    assert_eq!(corpus.train.len() + corpus.valid.len() + corpus.test.len(), 20);
    assert!(!corpus.valid.is_empty());
}

#[test]
fn words_that_do_not_fit() {
    let dir = words();
    put(dir.path(), "testing_list.txt", "yes/00000001_nohash_0.wav\n");
    put(dir.path(), "validation_list.txt", "yes/00000001_nohash_0.wav\n");
    assert!(matches!(open(&dir), Err(Error::Duplicate { .. })));

    let dir = words();
    fs::create_dir(dir.path().join("maybe")).unwrap();
    assert!(
        message(&dir).contains("maybe: a folder without recordings that can be read; fill it or delete it"),
        "{}",
        message(&dir)
    );

    let dir = words();
    put(dir.path(), "yes/text.wav", "this is no sound");
    assert!(message(&dir).starts_with("yes/text.wav: not a recording that can be read (a text"), "{}", message(&dir));

    let dir = TempDir::new().unwrap();
    assert!(message(&dir).contains("no corpus found here"));
    let gone = Corpus::open(dir.path().join("gone"), &Options::default()).unwrap_err().to_string();
    assert!(gone.contains("gone: "), "{gone}");
}

#[test]
fn digits_in_a_folder_or_a_tar() {
    let members: Vec<(String, Vec<u8>)> =
        (0..40).map(|i| (format!("{}_{}_{}.wav", i % 2, ["ann", "bob"][i / 2 % 2], i / 4), tone(i))).collect();
    let folder = TempDir::new().unwrap();
    members.iter().for_each(|(name, bytes)| put(folder.path(), &format!("recordings/{name}"), bytes));
    let tarred = TempDir::new().unwrap();
    tar(tarred.path(), "digits.tar", &members);
    for dir in [folder, tarred] {
        let corpus = open(&dir).unwrap();
        assert_eq!((corpus.layout, corpus.labels.len()), (Layout::Digits, 2));
        // Indices 0 to 4 are test; one in ten of the rest of each label is carved.
        assert_eq!((corpus.train.len(), corpus.valid.len(), corpus.test.len()), (18, 2, 20));
        assert!(corpus.valid_is_carved);
        let all = Corpus::open(dir.path(), &Options { valid_share: 0.0, ..Options::default() }).unwrap();
        assert_eq!((all.train.len(), all.valid.len()), (20, 0));
    }
}

#[test]
fn manifests_carve_speakers() {
    let dir = manifest(20);
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.layout, corpus.train.len(), corpus.valid.len()), (Layout::Manifest, 36, 4));
    assert!(corpus.valid.iter().all(|v| corpus.train.iter().all(|t| t.speaker != v.speaker)));
    let again = open(&dir).unwrap();
    assert_eq!((again.valid, again.train), (corpus.valid, corpus.train));

    // Too few speakers: the same share of each label.
    let few = open(&manifest(9)).unwrap();
    assert_eq!(few.valid.iter().map(|c| c.label).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn manifests_that_do_not_fit() {
    let add = |line: &str| {
        let dir = manifest(4);
        let csv = fs::read_to_string(dir.path().join("train.csv")).unwrap() + line;
        put(dir.path(), "train.csv", csv);
        message(&dir)
    };
    assert!(add("clips/a0.wav,,s0\n").contains("train.csv, line 10: `clips/a0.wav` has no label"));
    assert!(add("clips/x.wav,a,s0\n").contains("line 10: `clips/x.wav` is not in"));
    assert!(add("clips/x.wav,a\n").contains("line 10: "));
    let one = add("clips/a0.wav,c,s0\n");
    assert!(one.contains("label `c` has 1 clip(s) to train on, needed are at least 2"), "{one}");

    let dir = manifest(4);
    put(dir.path(), "valid.csv", "file,label\nclips/a0.wav,a\n");
    tar(dir.path(), "valid.tar", &[("clips/a0.wav".into(), tone(1))]);
    assert_eq!(
        message(&dir),
        "clips/a0.wav is in train and in valid: what is trained on cannot be tested on; take it out of one"
    );
    put(dir.path(), "valid.csv", "file,label\nv.wav,c\n");
    tar(dir.path(), "valid.tar", &[("v.wav".into(), tone(1))]);
    assert!(message(&dir).contains("label `c` of v.wav (valid) has no example in train"));
    put(dir.path(), "valid.csv", "name,label\nv.wav,c\n");
    assert!(message(&dir).contains("valid.csv, line 1: no column `file` in `name,label`"), "{}", message(&dir));
    put(dir.path(), "valid.csv", "file,label\nv.wav,a\n");
    tar(dir.path(), "valid.tar", &[("v.wav".into(), tone(1))]);
    assert!(matches!(open(&dir).unwrap().notes[0].kind, NoteKind::SameSamples));
}

#[test]
fn conversions_are_said_or_refused() {
    let dir = words();
    let stereo: Vec<f64> = (0..9600).map(|i| 0.2 * (i as f64 * 0.01).sin()).collect();
    put(dir.path(), "yes/00000001_nohash_0.wav", wav(48_000, 2, 24, &stereo));
    let corpus = open(&dir).unwrap();
    let said: Vec<String> = corpus.notes.iter().map(|n| n.to_string()).collect();
    assert_eq!(
        said,
        [
            "1 clip(s) of 2 channels mixed down to one (first: yes/00000001_nohash_0.wav)",
            "1 clip(s) of 24 bits reduced to 16 (first: yes/00000001_nohash_0.wav)",
            "1 clip(s) resampled from 48000 to 16000 Hz (first: yes/00000001_nohash_0.wav)",
            "valid was carved out of train by speaker: 1 of 10 speakers",
        ]
    );
    let all = [&corpus.train[..], &corpus.valid, &corpus.test].concat();
    let clip = all.iter().find(|c| c.name == "yes/00000001_nohash_0.wav").unwrap();
    assert_eq!(clip.samples.len(), 1600);

    // On the disk instead of in memory they are the same.
    let on_disk = Corpus::open(dir.path(), &Options { in_memory: 5000, ..Options::default() }).unwrap();
    assert_eq!([&on_disk.train[..], &on_disk.valid, &on_disk.test].concat(), all);
    assert_eq!(on_disk.notes, corpus.notes);

    let strict = Corpus::open(dir.path(), &Options { strict: true, ..Options::default() }).unwrap_err().to_string();
    assert!(strict.contains("yes/00000001_nohash_0.wav: sampled at 48000 Hz where 16000 Hz is wanted"), "{strict}");
}

#[test]
fn chosen_words_leave_the_rest_unknown() {
    let dir = words();
    for i in 0..3 {
        put(dir.path(), &format!("bird/{i:08x}_nohash_0.wav"), tone(300 + i));
    }
    let options = |word: &str| Options { words: vec![word.into()], ..Options::default() };
    assert_eq!(Corpus::open(dir.path(), &options("yes")).unwrap().labels, ["unknown", "yes"]);
    let message = Corpus::open(dir.path(), &options("yse")).unwrap_err().to_string();
    assert_eq!(message, "the corpus has no word `yse`; it has: bird, no, yes");
}

/// The recordings that come with the tools: complete, whole seconds, voices in one split only.
#[test]
fn bundled_recordings() {
    let corpus = Corpus::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data"), &Options::default()).unwrap();
    assert_eq!(corpus.labels, ["down", "go", "left", "no", "off", "on", "right", "stop", "unknown", "up", "yes"]);
    assert_eq!((corpus.train.len(), corpus.valid.len(), corpus.test.len()), (690, 164, 180));
    assert!(corpus.notes.is_empty() && !corpus.valid_is_carved && corpus.sample_rate == 16_000);
    let all = [&corpus.train[..], &corpus.valid, &corpus.test].concat();
    assert!(all.iter().all(|c| c.samples.len() == 16_000));
    for split in [Split::Valid, Split::Test] {
        assert!(corpus.split(split).iter().all(|c| corpus.train.iter().all(|t| t.speaker != c.speaker)));
    }
}

#[test]
fn manifest_over_a_folder() {
    let dir = TempDir::new().unwrap();
    let mut csv = String::from("\u{feff}label,file\r\n");
    for i in 0..4 {
        for (label, seed) in [("a", 0), ("b", 200)] {
            put(dir.path(), &format!("sub/{label}{i}.WAV"), tone(seed + i));
            csv += &format!("{label},sub/{label}{i}.WAV\r\n");
        }
    }
    put(dir.path(), "train.csv", &csv);
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.labels.len(), corpus.train.len(), corpus.valid.len()), (2, 6, 2));
    put(dir.path(), "train.csv", csv + "a,sub/gone.wav\n");
    assert!(message(&dir).contains("train.csv, line 10: `sub/gone.wav` is not in"), "{}", message(&dir));
}

/// A flac file that is cut off anywhere is an error, whatever is left of it.
#[test]
fn cut_flac() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/clips.tar");
    let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
    let mut whole = Vec::new();
    std::io::Read::read_to_end(&mut archive.entries().unwrap().next().unwrap().unwrap(), &mut whole).unwrap();
    // The bundled files do not say their length, as an encoder writing to a pipe leaves it; most others do.
    whole[22..26].copy_from_slice(&16_000u32.to_be_bytes());
    assert_eq!(super::read_sound("a.flac", whole.clone()).unwrap().samples.len(), 16_000);
    for keep in (0..whole.len() - 1).step_by(97) {
        let text = super::read_sound("a.flac", whole[..keep].to_vec()).unwrap_err().to_string();
        assert!(text.starts_with("a.flac: "), "{keep}: {text}");
    }
}
