//! The messages between a PC and a device that runs an elman model, over a serial line or files.
//!
//! The PC asks by a [`Request`], and the device answers each with one [`Reply`]. A message travels in a frame: its
//! sequence number and itself in postcard, a CRC-32C, all of it in COBS between two zero bytes ([`frame`]). docs/protocol.md
//! has the table of messages, the rule for retries and an example in bytes.
//!
//! Nothing here allocates or panics: [`encode`] writes to a buffer, [`Receiver`] decodes in place, and messages borrow from
//! its buffer.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "messages")]
pub mod frame;
#[cfg(feature = "messages")]
mod numbers;
#[cfg(feature = "messages")]
mod receiver;
#[cfg(feature = "messages")]
mod reply;
#[cfg(feature = "messages")]
mod request;
mod sizes;

/// What the slots say.
#[cfg(feature = "messages")]
pub use elman_slots::{Kept, Rejection, Slot, Status};
pub use sizes::BufferSizes;
#[cfg(feature = "messages")]
pub use {
    frame::{Checksum, TooLong, Unreadable, encode, parse},
    numbers::{fill, numbers},
    receiver::{Receiver, Scan},
    reply::{Answer, Event, Failure, Hello, NO_EVENT, Outcome, Reply},
    request::{Example, LEAF, Part, Request, Task, Transfer},
};

/// Version of the protocol: of the frame, and of what the messages mean. [`SCHEMA`] follows their fields by itself.
#[cfg(feature = "messages")]
pub const VERSION: u16 = 1;

/// Hash of every message's fields, in their order and with their types: two programs understand each other where it is
/// the same.
#[cfg(feature = "messages")]
pub const SCHEMA: u64 = u64::from_le_bytes(
    postcard_schema::key::Key::for_path::<(u32, Request<'static>, Reply<'static>)>("elman").to_bytes(),
);
