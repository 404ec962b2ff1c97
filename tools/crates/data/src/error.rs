//! What can be wrong with data: each message names the file, the place, and the way out.

use super::Split;
use std::path::PathBuf;

/// Why data could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system returned an error for a file.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// The bytes are not a recording in a known format.
    #[error("{name}: not a recording that can be read ({found}); {way}")]
    NotAudio {
        /// The file.
        name: String,
        /// What was found instead.
        found: String,
        /// What to do.
        way: String,
    },
    /// The recording ends before its header says so.
    #[error("{name}: cut off after {found} of {expected} samples; copy or record it again, or take it out")]
    Truncated {
        /// The file.
        name: String,
        /// Samples per channel that could be read.
        found: u64,
        /// Samples per channel that the header promises.
        expected: u64,
    },
    /// The recording is damaged inside.
    #[error("{name}: damaged recording: {reason}; copy or record it again, or take it out")]
    Damaged {
        /// The file.
        name: String,
        /// What the decoder found.
        reason: String,
    },
    /// A recording without samples.
    #[error("{name}: contains no samples; record it again or take it out of the corpus")]
    Empty {
        /// The file.
        name: String,
    },
    /// Another sample rate than the one wanted, where conversion is not allowed.
    #[error(
        "{name}: sampled at {rate} Hz where {wanted} Hz is wanted; resample it (sox INPUT -r {wanted} OUTPUT), \
        or allow conversion by leaving out `strict`"
    )]
    SampleRate {
        /// The file.
        name: String,
        /// Its rate, in Hz.
        rate: u32,
        /// The rate wanted, in Hz.
        wanted: u32,
    },
    /// Several files that cannot be used, each with why.
    #[error("{} of {of} files cannot be used:\n{}\nmend them or take them out; --skip-bad goes on without them", errors.len(), list(errors))]
    Bad {
        /// What is wrong with each, in the order of their names.
        errors: Vec<Error>,
        /// How many files there are.
        of: usize,
    },
    /// The folder contains nothing that looks like a corpus.
    #[error(
        "{}: no corpus found here{found}; understood are: train.csv (file,label[,speaker]) next to a folder or tar of \
        recordings, a folder per word (or train/WORD, test/WORD), files named DIGIT_SPEAKER_INDEX.wav, and what Edge \
        Impulse (info.labels) and Hugging Face (metadata.csv) export",
        dir.display()
    )]
    NoCorpus {
        /// The folder.
        dir: PathBuf,
        /// What was found instead; empty where that is nothing.
        found: String,
    },
    /// A folder of a word without a recording.
    #[error("{}: a folder without recordings that can be read{found}; fill it or delete it", dir.display())]
    EmptyFolder {
        /// The folder.
        dir: PathBuf,
        /// What it holds instead; empty where that is nothing.
        found: String,
    },
    /// Folders that are parts of a corpus, with nothing that says what is in their recordings.
    #[error(
        "{}: the folders {names} are parts of a corpus, no labels; put the recordings into a folder per label in each \
        ({first}/LABEL/x.wav), or name the label of each in train.csv (file,label)",
        dir.display()
    )]
    NoLabels {
        /// The folder.
        dir: PathBuf,
        /// The folders in it.
        names: String,
        /// The first of them.
        first: String,
    },
    /// A label that no model can carry.
    #[error("{name}: the label {label:?} {problem}; rename it")]
    Label {
        /// A clip or an example with it.
        name: String,
        /// The label.
        label: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A line of a manifest that cannot be used.
    #[error("{}, line {line}: {problem}", file.display())]
    Manifest {
        /// The manifest.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A line of a file of examples that cannot be used.
    #[error("{}, line {line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A file or folder of examples that cannot be used as a whole.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file or folder.
        file: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The folder contains nothing that looks like examples.
    #[error(
        "{}: no examples found here: {hint}; understood are: .ts, .conllu, CoNLL columns (conll in the name), \
        seq.in/seq.out/label, .tra/.tes rows, UCR's .tsv, folders train/ and test/ of text files per class or of a file per \
        channel with y_*.txt, plain .txt, .json poems, .csv and .tsv series, each maybe gzipped",
        dir.display()
    )]
    NoRecords {
        /// The folder.
        dir: PathBuf,
        /// What was found instead.
        hint: String,
    },
    /// An invalid option of `[data]`.
    #[error("[data] {problem}")]
    Option {
        /// What is wrong and what to do.
        problem: String,
    },
    /// A list or a manifest names a recording that is not there.
    #[error("{}, line {line}: `{name}` is not in {}; correct the name or add the recording", list.display(), place.display())]
    Missing {
        /// The list or manifest.
        list: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The recording named.
        name: String,
        /// Where it was sought: a folder or a tar.
        place: PathBuf,
    },
    /// One recording in two splits.
    #[error("{name} is in {first} and in {second}: what is trained on cannot be tested on; take it out of one")]
    Duplicate {
        /// The recording.
        name: String,
        /// A split.
        first: Split,
        /// Another.
        second: Split,
    },
    /// A label that training never sees.
    #[error("label `{label}` of {name} ({split}) has no example in train; add some or take the label out")]
    UnknownLabel {
        /// The label.
        label: String,
        /// A clip with it.
        name: String,
        /// The split of that clip.
        split: Split,
    },
    /// Too few clips of a label to train and to validate on.
    #[error(
        "label `{label}` has {have} clip(s) to train on, needed are at least {needed}, and 20 or more to learn it well"
    )]
    FewClips {
        /// The label.
        label: String,
        /// How many there are.
        have: usize,
        /// The least number.
        needed: usize,
    },
    /// Nothing to tell apart.
    #[error("{}: all examples have the label `{label}`: a classifier needs at least two", dir.display())]
    OneLabel {
        /// The corpus.
        dir: PathBuf,
        /// The label.
        label: String,
    },
    /// A requested word that the corpus does not have.
    #[error("the corpus has no word `{word}`; it has: {known}")]
    NoSuchWord {
        /// The word.
        word: String,
        /// The words there are.
        known: String,
    },
}

/// Most errors that are listed at once.
const LISTED: usize = 20;

/// Errors, one a line.
fn list(errors: &[Error]) -> String {
    let mut lines: Vec<String> = errors.iter().take(LISTED).map(|e| format!("  {e}")).collect();
    if errors.len() > LISTED {
        lines.push(format!("  and {} more", errors.len() - LISTED));
    }
    lines.join("\n")
}

impl Error {
    /// The file that it is about; empty where it is about more.
    pub(crate) fn file(&self) -> String {
        match self {
            Error::NotAudio { name, .. }
            | Error::Truncated { name, .. }
            | Error::Damaged { name, .. }
            | Error::Empty { name }
            | Error::Missing { name, .. } => name.clone(),
            Error::Io { path: file, .. } | Error::File { file, .. } | Error::Line { file, .. } => {
                file.display().to_string()
            }
            _ => String::new(),
        }
    }

    /// An [`Error::Io`] of `path`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |reason| Error::Io { path, reason }
    }
}
