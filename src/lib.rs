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
//!     let heard = net.step(frame).argmax();
//!     println!("{:?}", model.label(heard));
//! }
//! net.reset();
//! # Ok(()) }
//! # assert!(run(blob, &mut [], &[]).is_err());
//! ```
//!
//! # Layers, from the top
//! * [`listener`]: blocks of samples in, events out: front end, network and detector over one memory.
//! * [`net`]: ways to run a model. [`Stream`] takes a step per frame; its states live in the caller's memory and
//!   change only when the caller says so. [`Sequence`] takes whole sequences, for layers that read backward.
//! * [`blob`]: the file format, and [`Model::load`], the one place where bytes become trusted.
//! * [`cell`]: recurrent cells, a file each: equations, table, tests. [`layer`]: dense, pooling, scaling.
//! * [`arith`]: the arithmetic that equations are written in, and its integer world.
//! * [`kernel`]: dot products, in plain Rust and in assembly for cores with the DSP extension. The only unsafe code.
//! * [`text`]: symbols of a text, for models that read and write one.
//! * [`detect`]: from a network's scores to events: smoothing, thresholds, refractory time; when to start anew.
//! * [`audio`]: frames, spectrum, log-mel in fixed point, for models whose input is sound.
//!
//! Modules look down only.
//!
//! # Numbers
//! Vectors are i16, weights i8 with a scale per row, accumulators i32, gates Q0.31 inside a step. Which fraction
//! bits a layer has is data of the model. See docs/numerics.md.
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
pub mod detect;
mod error;
mod feature;
#[cfg(feature = "float")]
pub mod float;
pub mod kernel;
pub mod layer;
pub mod listener;
mod memory;
pub mod net;
mod owned;
mod silence;
mod source;
mod storage;
pub mod text;

pub use blob::LoadError;
pub use blob::{Blob, Model};
pub use error::Error;
pub use feature::Feature;
pub use listener::Listener;
pub use memory::MemoryError;
pub use net::{RunError, Seq2seq, Sequence, Stream};
pub use owned::{OwnedListener, OwnedStream};
#[cfg(feature = "embedded-io-async")]
pub use source::PcmReader;
pub use source::{MAX_BLOCK, SampleSource};
pub use storage::Storage;
