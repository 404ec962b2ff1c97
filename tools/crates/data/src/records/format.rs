//! The formats and their readers: adding one is its file and its arms here.

use super::parts::DataFile;
use super::{
    Found, RecordOptions, brackets, channels, classes, columns, commands, conllu, dgcnn, frames, gestures, inflection,
    molecules, pairs, poems, ptb, rows, series, text, translation, ts, ucr,
};
use crate::{Error, lines};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// How examples are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `.ts` of the UEA archive.
    Ts,
    /// A case a line, its label first: the UCR archive's `.tsv`.
    Ucr,
    /// A row of numbers per example, the label last: `.tra`, `.tes`, `.data`.
    Rows,
    /// A file per channel, a window a line, labels in `y_*.txt`.
    Channels,
    /// Logs of an accelerometer, a folder per gesture.
    Gestures,
    /// A text file per class, an example a line.
    Classes,
    /// A token a line, its tag in the last column, examples apart by empty lines.
    Columns,
    /// CoNLL-U of Universal Dependencies: `.conllu`.
    Conllu,
    /// `seq.in`, `seq.out` and `label` per split.
    Pairs,
    /// Penn Treebank brackets with a label on every node, a tree a line.
    Ptb,
    /// A label and binary brackets between tabs, an example a line.
    Brackets,
    /// Plain text, a file one example.
    Text,
    /// JSON lists of poems with `paragraphs`.
    Poems,
    /// Columns of numbers over time: `.csv`, `.tsv`.
    Series,
    /// `IN: words OUT: symbols`, a pair a line.
    Commands,
    /// `lemma TAB form TAB features`, a word a line.
    Inflection,
    /// `sentence TAB translation`, a pair a line.
    Translation,
    /// Graphs in the text format of DGCNN.
    Graphs,
    /// Molecules as JSON lines: atoms and bonds.
    Molecules,
    /// Frames as arrays: `.npy`, or a csv whose rows are the steps of an example.
    Frames,
    /// Made, not read.
    Generated,
}

impl Format {
    /// What a file of this name is, without looking into it; `None` for text and for what is not known.
    pub(super) fn of_name(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        match extension {
            "ts" => Some(Format::Ts),
            "conllu" => Some(Format::Conllu),
            "tra" | "tes" | "data" => Some(Format::Rows),
            "json" => Some(Format::Poems),
            "jsonl" => Some(Format::Molecules),
            "npy" => Some(Format::Frames),
            "csv" | "tsv" => Some(Format::Series),
            _ if name.contains("conll") || matches!(extension, "bio" | "iob") => Some(Format::Columns),
            _ => None,
        }
    }

    /// What a file is whose name does not tell, by its first line; `None` where that does not tell either.
    pub(super) fn of_first_line(path: &Path) -> Result<Option<Format>, Error> {
        let Some(line) = lines::first_lines(path, 1)?.pop() else { return Ok(None) };
        let [before, between] = commands::MARKS;
        Ok(match () {
            () if line.starts_with(before) && line.contains(between) => Some(Format::Commands),
            () if inflection::is_word(&line) => Some(Format::Inflection),
            () => None,
        })
    }

    /// Reads a part: a file, or the folder of a split.
    pub(super) fn read(
        self,
        dir: &Path,
        part: &DataFile,
        options: &RecordOptions,
        found: &mut Found,
    ) -> Result<(), Error> {
        let name = part.path.strip_prefix(dir).unwrap_or(&part.path).to_string_lossy().into_owned();
        match self {
            Format::Ts => ts::read(&name, part, options, found),
            Format::Ucr => ucr::read(&name, part, options, found),
            Format::Rows => rows::read(&name, part, options, found),
            Format::Channels => channels::read(&name, part, options, found),
            Format::Gestures => gestures::read(&name, part, options, found),
            Format::Classes => classes::read(&name, part, options, found),
            Format::Columns => columns::read(&name, part, options, found),
            Format::Conllu => conllu::read(&name, part, options, found),
            Format::Pairs => pairs::read(&name, part, options, found),
            Format::Ptb => ptb::read(&name, part, options, found),
            Format::Brackets => brackets::read(&name, part, options, found),
            Format::Text => text::read(&name, part, options, found),
            Format::Poems => poems::read(&name, part, options, found),
            Format::Series => series::read(&name, part, options, found),
            Format::Commands => commands::read(&name, part, options, found),
            Format::Inflection => inflection::read(&name, part, options, found),
            Format::Translation => translation::read(&name, part, options, found),
            Format::Graphs => dgcnn::read(&name, part, options, found),
            Format::Molecules => molecules::read(&name, part, options, found),
            Format::Frames => frames::read(&name, part, options, found),
            Format::Generated => {
                let problem =
                    "format = \"generated\" needs `generate`: adding, copy, pendulum, lorenz, reverse, sort or sensors"
                        .to_owned();
                Err(Error::Option { problem })
            }
        }
    }

    /// Whether a part is the folder of a split instead of a file.
    pub(super) fn wants_folders(self) -> bool {
        matches!(self, Format::Channels | Format::Gestures | Format::Classes | Format::Pairs)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Ts => "UEA .ts",
            Format::Ucr => "UCR, the label first",
            Format::Rows => "rows of numbers with a label",
            Format::Channels => "a file per channel",
            Format::Gestures => "logs of gestures",
            Format::Classes => "a text file per class",
            Format::Columns => "CoNLL columns",
            Format::Conllu => "CoNLL-U",
            Format::Pairs => "seq.in, seq.out, label",
            Format::Ptb => "Penn Treebank brackets",
            Format::Brackets => "a label and brackets",
            Format::Text => "plain text",
            Format::Poems => "JSON poems",
            Format::Series => "columns over time",
            Format::Commands => "commands and actions",
            Format::Inflection => "lemma, form, features",
            Format::Translation => "sentences and translations",
            Format::Graphs => "DGCNN graphs",
            Format::Molecules => "molecules",
            Format::Frames => "arrays of frames",
            Format::Generated => "generated",
        })
    }
}
