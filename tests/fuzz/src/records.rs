//! Any bytes as files of each data format: an error that names a file, or examples. The first byte is the format; `0xff` ends a file, and
//! the next one begins.

use elman_data::{Format, RecordOptions, Records, Task, Unit};
use std::fs;
use std::path::{Path, PathBuf};

/// A format, and the files that it reads.
const FORMATS: [(Format, &[&str]); 20] = [
    (Format::Ts, &["a_train.ts", "a_test.ts"]),
    (Format::Ucr, &["a_TRAIN.tsv", "a_TEST.tsv"]),
    (Format::Rows, &["a.tra", "a.tes"]),
    (Format::Channels, &["train/y_train.txt", "train/x_train.txt", "test/y_test.txt", "test/x_test.txt"]),
    (Format::Gestures, &["wing/a.txt", "ring/a.txt"]),
    (Format::Classes, &["a.txt", "b.txt"]),
    (Format::Columns, &["train.conll", "test.conll"]),
    (Format::Conllu, &["a-train.conllu", "a-test.conllu"]),
    (Format::Pairs, &["train/seq.in", "train/seq.out", "train/label"]),
    (Format::Ptb, &["train.txt", "dev.txt"]),
    (Format::Brackets, &["train.tsv", "test.tsv"]),
    (Format::Text, &["train.txt", "test.txt"]),
    (Format::Poems, &["a.json"]),
    (Format::Series, &["a.csv"]),
    (Format::Commands, &["tasks_train.txt", "tasks_test.txt"]),
    (Format::Inflection, &["a-train", "a-test"]),
    (Format::Translation, &["a.txt"]),
    (Format::Graphs, &["A.txt", "folds.txt"]),
    (Format::Molecules, &["train.jsonl", "test.jsonl"]),
    (Format::Frames, &["train.npy", "train.csv"]),
];

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let (format, names) = FORMATS[usize::from(*first) % FORMATS.len()];
    let folder = Folder::empty();
    for (name, bytes) in names.iter().zip(rest.split(|b| *b == 0xff)) {
        folder.write(name, bytes);
    }
    let options = RecordOptions { format: Some(format), ..RecordOptions::default() };
    let mut tasks = vec![options.clone()];
    tasks
        .extend([Task::Class, Task::Tag, Task::Next].map(|task| RecordOptions { task: Some(task), ..options.clone() }));
    tasks.push(RecordOptions { unit: Some(Unit::Words), ..options });
    for options in tasks {
        match Records::open(&folder.0, &options) {
            Ok(records) => assert!(!records.train.is_empty() || !records.test.is_empty() || !records.valid.is_empty()),
            Err(e) => assert!(!e.to_string().is_empty()),
        }
    }
}

/// A folder that is there until it is dropped.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty one of this thread.
    pub fn empty() -> Self {
        let memory = Path::new("/dev/shm");
        let of = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = of.join(format!("elman-fuzz-{}-{:?}", std::process::id(), std::thread::current().id()));
        // One of a process that was killed may be there.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.0)).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is a temporary one.
        let _ = fs::remove_dir_all(&self.0);
    }
}
