//! Why something was not done.

use crate::header::KeyId;

/// Why a model is not taken, or a request to the slots not done. The running model goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, postcard_schema::Schema))]
pub enum Rejection {
    /// The region does not fit the flash.
    #[error(
        "two slots of {slot_bytes} bytes from {start} on do not fit the flash: it has {capacity} bytes, erased by {erase}, written by {write}"
    )]
    Region {
        /// First byte of the region.
        start: u32,
        /// Bytes of a slot.
        slot_bytes: u32,
        /// Bytes of the flash.
        capacity: u32,
        /// Bytes that are erased at once.
        erase: u32,
        /// Bytes that are written at once.
        write: u32,
    },
    /// The bytes are no header of this version.
    #[error("this is no header of a model that firmware of this version reads: seal the model again by `elman sign`")]
    Header,
    /// The device takes signed models alone, or unsigned ones alone.
    #[error("the device takes {} models alone", if *.signed { "signed" } else { "unsigned" })]
    Seal {
        /// Whether it takes signed ones.
        signed: bool,
    },
    /// The device does not have the key.
    #[error("the device does not know the key {0:02x?} that signed the model")]
    Key(KeyId),
    /// The signature, or the checksum of an unsigned header, is wrong.
    #[error("the signature over the header is wrong: the header was changed, or another key signed it")]
    Signature,
    /// The blob does not fit.
    #[error("the model has {length} bytes, and a slot takes {room} and whole words")]
    Length {
        /// Bytes of the blob.
        length: u32,
        /// The most that fit.
        room: u32,
    },
    /// The counter is not higher than all before.
    #[error("the model's counter is {offered}, and the device has had {highest}: sign it with a higher one")]
    Counter {
        /// The model's.
        offered: u32,
        /// The highest in the region.
        highest: u32,
    },
    /// The running model is on trial: the other slot has the one to return to.
    #[error("the running model is on trial: it must be confirmed or rejected before another is received")]
    OnTrial,
    /// The running model is not on trial.
    #[error("the running model is confirmed: it is replaced by a newer one, not by the one before it")]
    NotOnTrial,
    /// No model runs, or there is none to return to.
    #[error("there is no model for this")]
    NoModel,
    /// No transfer was begun.
    #[error("no transfer was begun: the device was restarted, perhaps")]
    NoTransfer,
    /// A block is not the next one.
    #[error("a block begins at byte {offset}, and {received} bytes were received: go on there")]
    Offset {
        /// Where the block begins.
        offset: u32,
        /// Bytes received.
        received: u32,
    },
    /// More came than the header says.
    #[error("the model has {length} bytes by its header, and more came")]
    TooLong {
        /// Bytes by the header.
        length: u32,
    },
    /// Less came than the header says.
    #[error("the model has {length} bytes by its header, and {received} were received")]
    TooShort {
        /// Bytes by the header.
        length: u32,
        /// Bytes received.
        received: u32,
    },
    /// What was received has another SHA-512 than the header says.
    #[error("the model that was received is not the one that was sealed: its SHA-512 differs")]
    Digest,
}

/// A [`Rejection`], or an error of the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error<E> {
    /// Not taken, not done.
    #[error("{0}")]
    Rejected(Rejection),
    /// The flash failed.
    #[error("the flash failed: {0:?}")]
    Flash(E),
}

impl<E> From<Rejection> for Error<E> {
    fn from(rejection: Rejection) -> Self {
        Error::Rejected(rejection)
    }
}
