//! What a device answers.

use elman_slots::{Rejection, Status};
use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::BufferSizes;

/// What a device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Reply<'a> {
    /// Who is there. The first message of every version.
    Hello(Hello),
    /// A frame came damaged: send it again. Its sequence number is 0, as that of the damaged frame is not known.
    Again,
    /// The request was not done.
    Failure(Failure),
    /// The request was done.
    #[serde(borrow)]
    Answer(Answer<'a>),
    /// More of the answer's bytes; none beyond its end.
    Bytes(#[serde(with = "serde_bytes", borrow)] &'a [u8]),
}

/// Which device, and how much it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Hello {
    /// [`VERSION`](crate::VERSION). Stands first in every version.
    pub version: u16,
    /// [`SCHEMA`](crate::SCHEMA). Stands second in every version.
    pub schema: u64,
    /// CRC of the model that runs.
    pub crc: u32,
    /// Words of 32 bits of a stream's snapshot; 0 where the model does not run as a stream.
    pub snapshot_words: u32,
    /// Ticks of the device's clock that a measurement of nothing takes: they are in every count of ticks.
    pub empty_ticks: u32,
    /// Ticks that loading the model took.
    pub load_ticks: u32,
    /// The device's buffers.
    pub sizes: BufferSizes,
}

impl Hello {
    /// Version and schema from the content of a frame whose message this version cannot read, if it is a hello.
    pub fn peek(content: &[u8]) -> Option<(u16, u64)> {
        /// The part of [`Reply`] that stands in every version.
        #[derive(Deserialize)]
        enum Any {
            Hello { version: u16, schema: u64 },
        }
        let ((_, Any::Hello { version, schema }), _) = postcard::take_from_bytes::<(u32, Any)>(content).ok()?;
        Some((version, schema))
    }
}

/// What a request gave, and the bytes that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Answer<'a> {
    /// What it gave.
    pub outcome: Outcome,
    /// Bytes that belong to it: those that do not fit here are asked for by [`Request::Read`](crate::Request::Read).
    pub length: u32,
    /// The first of them.
    #[serde(with = "serde_bytes", borrow)]
    pub bytes: &'a [u8],
}

/// What a request gave. Ticks are of the device's clock; numbers are 16 bits each, words 32, all little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Outcome {
    /// Nothing but that it was done.
    Done,
    /// A step. Bytes: the stream's snapshot in words, which holds every hidden and carried state and the output.
    Step {
        /// Ticks of the step.
        ticks: u32,
    },
    /// An example of a model that answers steps or nodes. Bytes: the outputs of each that answers, in numbers.
    Outputs {
        /// Ticks of the whole example.
        ticks: u32,
    },
    /// An example of a model that writes a sequence. Bytes: its symbols in numbers, then 0 up to the most that it writes.
    Written {
        /// Ticks of the whole example.
        ticks: u32,
        /// Symbols that it wrote.
        symbols: u32,
        /// log2 of their probability, as the decoder has it.
        log2_p: i32,
    },
    /// A symbol that was drawn.
    Symbol {
        /// Ticks of step and draw.
        ticks: u32,
        /// The symbol.
        symbol: u16,
    },
    /// A frame of sound that was listened to. Bytes: features, logits and mean probabilities, in numbers.
    Frame {
        /// Ticks of the listener.
        ticks: u32,
        /// Ticks of front end, network and detector by themselves, run a second time; 0 where there is no memory for that.
        parts: [u32; 3],
        /// CRC-32C of all samples since the start or the last reset, those of this block included.
        checksum: u32,
        /// What was detected; [`NO_EVENT`] for nothing.
        event: Event,
    },
    /// A frame of the front end. Bytes: its features in numbers.
    Features {
        /// Ticks of each stage of the work since the frame before.
        stages: [u32; 5],
    },
    /// A request to the slots was done: how they are now.
    Slots(Status),
}

/// What a detector reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Event {
    /// The class.
    pub class: u16,
    /// Index of the step.
    pub step: u32,
    /// The class' mean probability, Q0.15.
    pub score: u16,
}

/// No event.
pub const NO_EVENT: Event = Event { class: u16::MAX, step: 0, score: 0 };

/// Why a request was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, thiserror::Error)]
pub enum Failure {
    /// The frame arrived whole, and its message is none of this version.
    #[error(
        "the device cannot read the message: its firmware is of another version; build it from this version's boards/"
    )]
    Unreadable,
    /// No task has been started since the device started.
    #[error("no task has been started: the device was restarted, perhaps by its watchdog or its supply")]
    NotStarted,
    /// The firmware was built without the task.
    #[error("the firmware on the device was built without this task")]
    NotLinked,
    /// The request belongs to another task.
    #[error("the request belongs to another task than the one that was started")]
    WrongTask,
    /// The model does not do the task.
    #[error("the model on the device does not do this: its structure, its text or its detector is another")]
    WrongModel,
    /// The device's buffer of words is too small.
    #[error("the device has {provided} words for states, example and answer, and {required} are required")]
    Memory {
        /// Words.
        required: u32,
        /// Words.
        provided: u32,
    },
    /// The device's buffer of nodes is too small.
    #[error("the device has room for {provided} nodes of a tree, and {required} are required")]
    Nodes {
        /// Nodes.
        required: u32,
        /// Nodes.
        provided: u32,
    },
    /// A frame, a block or a part of an example has a wrong length.
    #[error("{provided} numbers came, and {required} are required")]
    Length {
        /// Numbers, or the most of them.
        required: u32,
        /// Numbers.
        provided: u32,
    },
    /// The model rejects the example.
    #[error("the model rejects the example: it is longer than the model takes, or its nodes do not hang together")]
    Rejected,
    /// The device has slots and no model in them.
    #[error("the device has no model yet: `elman send` one")]
    NoModel,
    /// The slots did not take a model, or a part of it.
    #[error("{0}")]
    Slots(Rejection),
    /// The device's flash failed.
    #[error("the device's flash failed: it could not be erased or written")]
    Flash,
}
