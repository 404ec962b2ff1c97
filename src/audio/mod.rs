//! Frames, spectrum, log-mel in fixed point.
use serde::{Deserialize, Serialize};
/// Fraction bits of a feature.
pub const FEATURE_FRAC: u8 = 9;
/// Parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Mel channels.
    pub channels: u8,
}
/// Refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {}
impl Config {
    /// Check.
    pub fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
/// Words.
pub const fn memory_words(_: &Config) -> usize {
    0
}
