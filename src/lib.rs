//! Recurrent networks in fixed point for microcontrollers: no heap, no panics, no float on the step path, and the
//! same bits on the chip as on the PC.
//!
//! A model is one file, a *blob*: layers, int8 weights, labels and the audio front end's parameters. It stays in
//! flash and is read in place. Loading validates every byte of it once; afterwards a step cannot fail.
//!
//! ```
//! use elman::{Blob, Model};
//!
//! # let words: &[u32] = &[0; 8];
//! // On a device: `static BLOB: Blob<'static> = elman::include_blob!("keywords.elman");` and memory of
//! // `[u32; BLOB.memory_words()]`, known at compile time.
//! let blob = Blob::new(words);
//! # fn run(blob: Blob<'_>, memory: &mut [u32], frames: &[[i16; 32]]) -> Result<(), elman::Error> {
//! let model = Model::load(blob)?;
//! let mut net = model.stream(memory)?; // hidden and cell states, zeroed
//! for frame in frames {
//!     let class = net.step(frame).argmax();
//!     println!("{:?}", model.label(class));
//! }
//! net.reset();
//! # Ok(()) }
//! # assert!(run(blob, &mut [], &[]).is_err());
//! ```
//!
//! # Modules, from the top
//! * [`listener`]: blocks of samples in, events out: front end, network and detector over one memory.
//! * [`operations`]: the layers and parts that a firmware links.
//! * [`net`]: ways to run a model. [`Stream`] takes a step per frame; its states are in the caller's memory and
//!   change only when the caller says so. [`Sequence`] takes whole sequences, for layers that read backward.
//! * [`blob`]: the file format, and [`Model::load`], the one place where bytes become a model.
//! * [`wiring`]: which chain of layers reads which, in encoder-decoders, trees and graphs.
//! * [`cell`]: recurrent cells, a file each: equations, table, tests. [`layer`]: dense, pooling, scaling.
//! * [`detect`]: from a network's logits to events: smoothing, thresholds, refractory time, reset in silence.
//! * [`audio`]: frames, spectrum, log-mel in fixed point, for models whose input is sound.
//! * [`text`]: symbols of a text, for models that read and write one.
//! * [`arith`]: the arithmetic that equations are written in, and its integer form.
//! * [`kernel`]: dot products, in plain Rust and in assembly for each kind of core. The only unsafe code.
//!
//! Modules use those below them only; tests/floors.rs checks it.
//!
//! # Numbers
//! Vectors are i16, weights i8 with a scale per row, accumulators i32, gates Q0.31 inside a step. Which fraction
//! bits a layer has is data of the model. See docs/numerics.md.
//!
//! # Cargo features
//! All are off by default.
//! * `defmt`: `defmt::Format` for errors, events and parameters.
//! * `serde`: `Serialize` and `Deserialize` for parameters and descriptors, as tools need them.
//! * `postcard`: the descriptor is decoded by the postcard crate instead of the reader of this crate.
//!
//! # What a core must allow
//! The copies of vectors on cores with the DSP extension (Cortex-M4, M7, M33) read words from addresses that may be aligned
//! to two bytes only. They are allowed after reset; where a system sets `CCR.UNALIGN_TRP`, frames must be aligned to four
//! bytes.
//!
//! # When not to use it
//! Convolutional networks, training on the device, and models whose weights do not fit int8 per row are not what
//! this crate is for.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]

pub mod arith;
pub mod audio;
pub mod blob;
pub mod cell;
mod descriptor;
pub mod detect;
mod error;
#[cfg(test)]
mod format_docs;
pub mod kernel;
pub mod layer;
pub mod listener;
mod memory;
pub mod net;
mod operation;
pub mod operations;
mod plan;
mod record;
mod silence;
pub mod text;
pub mod wiring;

pub use blob::{Blob, LoadError, Model, Operations};
pub use error::Error;
pub use listener::Listener;
pub use memory::MemoryError;
pub use net::{RunError, Seq2seq, Sequence, Stream};
pub use operation::Operation;
