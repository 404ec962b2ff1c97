//! Words spoken by synthetic voices, words that sound like them, and rooms to place them in.
//!
//! [`Voices`] speaks by a neural network ([`kokoro`]), by espeak-ng or by flite. [`close`] finds words that sound like another.
//! [`corpus`] writes clips of both as `elman train` reads them. What is fetched for this, and where it is kept, is in [`store`].
#![forbid(unsafe_code)]

pub mod close;
pub mod corpus;
pub mod dictionary;
pub mod engine;
pub mod gate;
pub mod kokoro;
pub mod manner;
pub mod phonemes;
pub mod room;
pub mod setup;
pub mod store;

pub use engine::{Engine, Voices};
pub use gate::Fault;
pub use manner::Manner;
pub use store::Store;
