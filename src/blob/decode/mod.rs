//! The descriptor out of its bytes: what postcard writes, and nothing that it would write otherwise.
//!
//! There are two readers with one interface. The usual one is written out. With the feature `postcard` that crate decodes by
//! the derived implementations instead, and writes each record again to see that its bytes are canonical. Both give the same
//! records, and an error for the same bytes, which the tests below check on random, changed and drawn bytes.
//!
//! The written one is the default for its size: of a firmware with a GRU on a Cortex-M4 at opt-level s it makes 22,476 bytes of
//! flash in all, the postcard crate 32,908.

#[cfg(any(test, feature = "postcard"))]
mod derived;
#[cfg(any(test, not(feature = "postcard")))]
mod written;

#[cfg(feature = "postcard")]
pub(super) use derived::Encoded;
#[cfg(not(feature = "postcard"))]
pub(super) use written::Encoded;

#[cfg(test)]
mod tests;
