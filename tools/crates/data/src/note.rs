//! What was converted or looks doubtful, one note per kind.

use std::fmt;

/// A conversion or a doubt that the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What was done or noticed.
    pub kind: NoteKind,
    /// How many clips, examples or files it concerns.
    pub clips: usize,
    /// The first of them.
    pub first: String,
}

/// Kinds of [`Note`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoteKind {
    /// Several channels were mixed down to their mean.
    MixedDown {
        /// Channels of the recording.
        channels: u16,
    },
    /// Samples of more than 16 bits were rounded to 16.
    Reduced {
        /// Bits per sample of the recording.
        bits: u32,
    },
    /// The sample rate was converted.
    Resampled {
        /// The recording's, in Hz.
        from: u32,
        /// The corpus's, in Hz.
        to: u32,
    },
    /// Samples that are no numbers were read: not-a-number as 0, infinity as full scale.
    NoNumber {
        /// How many.
        samples: u64,
    },
    /// Samples of floats beyond full scale were clipped.
    BeyondScale {
        /// How many.
        samples: u64,
    },
    /// Clips of train are, bit for bit, in valid or test under another name.
    SameSamples,
    /// Clips that are digital silence throughout.
    Silent,
    /// Files that were not read because others belong together.
    SetAside,
    /// Trees of more leaves than wanted were left out.
    TooLarge,
    /// Examples without a step were left out.
    Empty,
    /// The position in its word, a number after each character, was dropped.
    PositionsDropped,
    /// Examples of valid or test whose input is in train as well.
    SameRecord,
    /// Examples of valid or test with a tag that train does not have.
    UnknownTag,
    /// A sentence of its own, which is the note.
    Said,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note { kind, clips, first } = self;
        match kind {
            NoteKind::MixedDown { channels } => write!(f, "{clips} clip(s) of {channels} channels mixed down to one")?,
            NoteKind::Reduced { bits } => write!(f, "{clips} clip(s) of {bits} bits reduced to 16")?,
            NoteKind::Resampled { from, to } => write!(f, "{clips} clip(s) resampled from {from} to {to} Hz")?,
            NoteKind::NoNumber { samples } => {
                write!(f, "{clips} clip(s) with {samples} sample(s) that are no numbers, read as 0 or full scale")?
            }
            NoteKind::BeyondScale { samples } => {
                write!(f, "{clips} clip(s) with {samples} sample(s) beyond full scale (±1), clipped")?
            }
            NoteKind::SameSamples => {
                write!(f, "{clips} clip(s) of valid or test have the same samples as one of train")?
            }
            NoteKind::Silent => write!(f, "{clips} clip(s) contain digital silence only")?,
            NoteKind::SetAside => write!(f, "{clips} file(s) not read, as others belong together")?,
            NoteKind::TooLarge => write!(f, "{clips} tree(s) of more leaves than max_leaves left out")?,
            NoteKind::Empty => write!(f, "{clips} example(s) without a step left out")?,
            NoteKind::PositionsDropped => write!(f, "{clips} file(s): the number after each character dropped")?,
            NoteKind::SameRecord => write!(f, "{clips} example(s) of valid or test have the input of one of train")?,
            NoteKind::UnknownTag => {
                write!(f, "{clips} example(s) of valid or test have a tag that train does not have")?
            }
            NoteKind::Said => return f.write_str(first),
        }
        write!(f, " (first: {first})")
    }
}

impl NoteKind {
    /// Takes another of the same kind; false where it is none.
    fn joins(&mut self, other: &NoteKind) -> bool {
        match (self, other) {
            (NoteKind::NoNumber { samples }, NoteKind::NoNumber { samples: more })
            | (NoteKind::BeyondScale { samples }, NoteKind::BeyondScale { samples: more }) => {
                *samples += more;
                true
            }
            (NoteKind::Said, NoteKind::Said) => false,
            (one, other) => one == other,
        }
    }
}

/// A note that is a sentence.
pub(super) fn said(sentence: impl Into<String>) -> (NoteKind, String) {
    (NoteKind::Said, sentence.into())
}

/// Names for a sentence, in quotes; of many the first.
pub(super) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 8;
    let all: Vec<&str> = all.into_iter().collect();
    let mut shown: Vec<String> = all.iter().take(MOST).map(|n| format!("`{n}`")).collect();
    if all.len() > MOST {
        shown.push(format!("{} more", all.len() - MOST));
    }
    shown.join(", ")
}

/// Gathers notes by kind: `found` gives the kind and the clip's name, in the order of the clips.
pub(super) fn gather(found: impl IntoIterator<Item = (NoteKind, String)>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for (kind, name) in found {
        match notes.iter_mut().find_map(|n| n.kind.joins(&kind).then_some(n)) {
            Some(note) => note.clips += 1,
            None => notes.push(Note { kind, clips: 1, first: name }),
        }
    }
    notes
}
