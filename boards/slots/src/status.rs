//! What a PC is shown.

use crate::header::KeyId;
use crate::slots::Slot;

/// A model in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, postcard_schema::Schema))]
pub struct Kept {
    /// Where it is.
    pub slot: Slot,
    /// Its counter.
    pub counter: u32,
    /// Bytes of its blob.
    pub length: u32,
    /// Which key signed it.
    pub key: KeyId,
    /// Whether the application confirmed it.
    pub confirmed: bool,
}

/// The slots, and a transfer in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, postcard_schema::Schema))]
pub struct Status {
    /// Whether models must be signed.
    pub signed: bool,
    /// The model that runs.
    pub running: Option<Kept>,
    /// Bytes of the largest blob that a slot takes.
    pub room: u32,
    /// The highest counter in the region: the next must be higher. 0 where there is none.
    pub highest: u32,
    /// Bytes received of a transfer, and how many it has.
    pub receiving: Option<(u32, u32)>,
}
