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
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note { kind, clips, first } = self;
        match kind {
            NoteKind::MixedDown { channels } => write!(f, "{clips} clip(s) of {channels} channels mixed down to one")?,
            NoteKind::Reduced { bits } => write!(f, "{clips} clip(s) of {bits} bits reduced to 16")?,
            NoteKind::Resampled { from, to } => write!(f, "{clips} clip(s) resampled from {from} to {to} Hz")?,
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
        }
        write!(f, " (first: {first})")
    }
}

/// Gathers notes by kind: `found` gives the kind and the clip's name, in the order of the clips.
pub(super) fn gather(found: impl IntoIterator<Item = (NoteKind, String)>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for (kind, name) in found {
        match notes.iter_mut().find(|n| n.kind == kind) {
            Some(note) => note.clips += 1,
            None => notes.push(Note { kind, clips: 1, first: name }),
        }
    }
    notes
}
