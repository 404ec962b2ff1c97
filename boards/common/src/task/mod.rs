//! The tasks that a PC can start, a file each.

mod example;
mod front_end;
mod listen;
mod nets;
mod stream;
mod text;

pub(crate) use example::Examples;
pub(crate) use front_end::FrontEnds;
pub(crate) use listen::Listening;
pub(crate) use stream::Streams;
pub(crate) use text::Texts;

use elman::{MemoryError, RunError};
use elman_messages::{Failure, Outcome, Request};

use crate::link::Runner;

/// Before a task is started, or after one could not be.
pub(crate) struct NotStarted;

impl Runner for NotStarted {
    fn answer(&mut self, _: Request<'_>) -> Result<Outcome, Failure> {
        Err(Failure::NotStarted)
    }

    fn bytes(&self) -> &[u8] {
        &[]
    }
}

/// As a message; the PC, which runs the same, has the numbers.
fn failure(error: RunError) -> Failure {
    match error {
        RunError::Memory(MemoryError { required, provided }) => {
            Failure::Memory { required: required as u32, provided: provided as u32 }
        }
        RunError::WrongRunner { .. } | RunError::NotAListener { .. } | RunError::SequenceOnly { .. } => {
            Failure::WrongModel
        }
        _ => Failure::Rejected,
    }
}

/// The first `count` words, and the rest.
fn split(words: &mut [u32], count: usize) -> Result<(&mut [u32], &mut [u32]), Failure> {
    let provided = words.len() as u32;
    words.split_at_mut_checked(count).ok_or(Failure::Memory { required: count as u32, provided })
}

/// Words of so many numbers of 16 bits.
fn words_of(numbers: usize) -> usize {
    numbers.div_ceil(2)
}
