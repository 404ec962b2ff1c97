//! Recurrent networks in fixed point for microcontrollers: no heap, no panics, no float on the step path, and the
//! same bits on the chip as on the PC.
//!
//! A model is one file, a *blob*: layers, int8 weights, labels and the audio front end's parameters. It stays in
//! flash and is read in place. Loading validates every byte of it once; afterwards a step cannot fail.
//!
//! Sound in, events out:
//!
//! ```
//! use elman::{Blob, Error, SampleSource, Storage};
//! use static_cell::ConstStaticCell;
//!
//! static BLOB: Blob<'static> = elman::include_blob!("../boards/listens.elman"); // in flash
//! static STORAGE: ConstStaticCell<Storage<'static, { BLOB.listener_words() }>> = ConstStaticCell::new(Storage::new());
//!
//! async fn listen(mut microphone: impl SampleSource) -> Result<(), Error> {
//!     let mut listener = STORAGE.take().listener(BLOB)?; // loads, once
//!     while let Ok(Some(event)) = listener.next_event(&mut microphone).await {
//!         println!("{}, score {}", listener.label(&event).unwrap_or("?"), event.score);
//!     }
//!     Ok(())
//! }
//! # let mut run = core::pin::pin!(listen(&[0i16; 16_000][..]));
//! # let mut context = core::task::Context::from_waker(core::task::Waker::noop());
//! # assert_eq!(run.as_mut().poll(&mut context), core::task::Poll::Ready(Ok(())));
//! ```
//!
//! Frames in, classes out, without async and over memory of the caller:
//!
//! ```
//! use elman::{Blob, Model};
//!
//! # let words: &[u32] = &[0; 8];
//! let blob = Blob::new(words); // or `include_blob!`
//! # fn run(blob: Blob<'_>, memory: &mut [u32], frames: &[[i16; 32]]) -> Result<(), elman::Error> {
//! let model = Model::load(blob)?;
//! let mut net = model.stream(memory)?; // `blob.memory_words()` words: hidden and cell states, zeroed
//! for frame in frames {
//!     let class = net.step(frame).argmax();
//!     println!("{:?}", class.and_then(|k| model.label(k)));
//! }
//! net.reset();
//! # Ok(()) }
//! # assert!(run(blob, &mut [], &[]).is_err());
//! ```
//!
//! # Where to begin
//! * [`Listener`]: blocks of samples in, events out: front end, network and detector over one memory. [`SampleSource`] is where
//!   samples come from.
//! * [`Stream`]: a step per frame; its states change only when the caller says so. [`Sequence`] takes whole sequences, for
//!   layers that read backward, [`Seq2seq`] writes one for another, [`net::Tree`] and [`net::Graph`] run over structures.
//! * [`Storage`] is one static for a model and its states. [`OwnedListener`] and [`OwnedStream`] own them by value, for a
//!   field of a struct.
//! * [`Model`] and [`Blob`]: a loaded model, and its bytes. `Model::load` is the one place where bytes become trusted.
//! * [`audio`], [`detect`], [`text`], [`scaling`]: the parts before and after the network, by themselves.
#![cfg_attr(feature = "float", doc = "* [`float`]: f32 at the border: quantize, dequantize, probabilities, levels.")]
#![cfg_attr(
    not(feature = "float"),
    doc = "* `float` (a feature): f32 at the border: quantize, dequantize, probabilities, levels."
)]
//!
//! # Modules, from the top
//! * [`operations`]: the layers and parts that a firmware links.
//! * [`listener`], [`detect`], [`audio`], [`text`], [`scaling`]: what surrounds a network.
//! * [`net`]: ways to run a model.
//! * [`blob`]: the file format.
//! * [`wiring`]: which chain of layers reads which, in encoder-decoders, trees and graphs.
//! * [`cell`]: recurrent cells, a file each: equations, table, tests. [`layer`]: dense, pooling, scaling.
//! * [`arith`]: the arithmetic that equations are written in, and its integer form.
//! * `kernel`: dot products, in plain Rust and in assembly for each kind of core. The only unsafe code.
//!
//! Modules use those below them only; tests/floors.rs checks it.
//!
//! # Numbers
//! Vectors are i16, weights have 8, 4 or 2 bits and a scale per row, accumulators i32, gates Q0.31 inside a step. Which fraction
//! bits a layer has is data of the model. See docs/numerics.md.
//!
//! # Cargo features
//! All are off by default.
//! * `int4`, `int2`: weights of 4 bits, and ternary ones of 2, besides int8. A firmware that does not load such models is smaller
//!   without.
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
//! Convolutional networks, training on the device, and models whose weights do not fit 8 bits per row are not what
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
#[cfg(feature = "float")]
pub mod float;
#[cfg(test)]
mod format_docs;
#[doc(hidden)]
pub mod kernel;
pub mod layer;
pub mod listener;
mod memory;
pub mod net;
mod operation;
pub mod operations;
mod owned;
mod plan;
mod record;
pub mod scaling;
mod silence;
mod source;
mod storage;
#[cfg(test)]
mod table_docs;
pub mod text;
pub mod wiring;

pub use blob::{Blob, LoadError, Model, Operations};
pub use error::Error;
pub use listener::Listener;
pub use memory::MemoryError;
pub use net::{RunError, Seq2seq, Sequence, Stream};
pub use owned::{OwnedListener, OwnedStream};
#[cfg(feature = "embedded-io-async")]
pub use source::PcmReader;
pub use source::{MAX_BLOCK, SampleSource};
pub use storage::Storage;

/// What runs may be handed to another task, thread or core.
const _: () = {
    const fn sent_and_shared<T: Send + Sync>() {}
    sent_and_shared::<Model<'static>>();
    sent_and_shared::<Stream<'static, 'static>>();
    sent_and_shared::<Sequence<'static, 'static>>();
    sent_and_shared::<Seq2seq<'static, 'static>>();
    sent_and_shared::<net::Tree<'static, 'static>>();
    sent_and_shared::<net::Graph<'static, 'static>>();
    sent_and_shared::<audio::FrontEnd<'static>>();
    sent_and_shared::<detect::Detector<'static>>();
    sent_and_shared::<Listener<'static, 'static>>();
    sent_and_shared::<OwnedStream<'static, 1>>();
    sent_and_shared::<OwnedListener<'static, 1>>();
    sent_and_shared::<Storage<'static, 1>>();
    sent_and_shared::<net::Sampler>();
    sent_and_shared::<Error>();
};

/// The code of README and docs compiles.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/listening.md")]
    mod listening {}
    #[doc = include_str!("../docs/seq2seq.md")]
    mod seq2seq {}
    #[doc = include_str!("../docs/streaming.md")]
    mod streaming {}
    #[doc = include_str!("../docs/trees-and-graphs.md")]
    mod trees_and_graphs {}
}
pub use operation::Operation;
