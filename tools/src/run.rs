//! The run folder.

/// The blob.
pub const MODEL: &str = "model.elman";
