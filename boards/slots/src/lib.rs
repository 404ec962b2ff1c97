//! Two slots in NOR flash, from which a device runs its model, and into which a new one is received.
//!
//! | part of a slot | bytes | written |
//! |---|---|---|
//! | [`Header`] and its seal | 0 to 159 | last, once the blob is whole |
//! | marks: tried, confirmed | 160 to 223, 32 each | each once |
//! | blob | from 256 on | block after block |
//!
//! The seal is an Ed25519 signature over the header ([`Signed`]), or without keys its SHA-512 ([`Unsigned`]). The header has the
//! SHA-512 of the blob, so that the seal covers every bit. The blob is run from where it is stored.
//!
//! [`Slots::start`] chooses: of the whole and sealed models the one with the highest counter. A new model is on trial: it is marked
//! as tried before it runs for the first time, and where the application does not [confirm](Slots::confirm) it, the next start runs
//! the old one. The slot of the running model is never erased, so that a cut of the supply at any moment leaves a whole model.
//! docs/updates.md says what this protects from.
//!
//! Nothing here allocates. The code of this crate has no panic; ed25519-compact, which checks signatures and hashes, checks bounds
//! that no input reaches.
#![no_std]
#![forbid(unsafe_code)]

mod bytes;
mod digest;
mod error;
mod header;
mod info;
mod slots;
mod status;
mod transfer;
mod trust;

pub use digest::sha512;
pub use error::{Error, Rejection};
pub use header::{
    BLOB_AT, FORMAT, HEADER_BYTES, Header, KeyId, MAGIC, MARK_BYTES, Mark, SEAL_BYTES, SEALED_BYTES, SealKind,
};
pub use info::{INFO_BYTES, INFO_MAGIC, Info, Keys, MOST_KEYS};
pub use slots::{Active, Region, Rollback, Slot, Slots};
pub use status::{Kept, Status};
pub use trust::{Either, PublicKey, Signed, Trust, Unsigned};
