//! Float networks: forward passes and full back-propagation through time.
//!
//! A [`NetworkSpec`] says what a network is made of, a [`Network`] holds its parameters and runs it. The cells'
//! equations are the device's own, [`elman::cell`], evaluated in float arithmetic ([`float`]).
//!
//! ```
//! use elman_nn::{Batch, Classes, LayerSpec, Loss, Mode, Network, NetworkSpec, Over, Pass, Pool, Target, Workspace};
//!
//! let layers = vec![LayerSpec::cell("gru", 8), Pool { over: Over::Last }.into(), LayerSpec::dense(3)];
//! let network = Network::<f32>::new(&NetworkSpec::sequence(2, layers), 1)?;
//!
//! // One sequence of four frames.
//! let logits = network.run(&[0.1f32, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
//! assert_eq!(logits.len(), 3);
//!
//! // The gradient of the loss of two sequences.
//! let mut batch = Batch::default();
//! batch.fill::<f32>(&[&[0.1, 0.2], &[0.3, 0.4, 0.5, 0.6]], 2);
//! let mut gradient = vec![0.0; network.values().len()];
//! let targets = [&Target::Class(0), &Target::Class(2)];
//! let pass = Pass { loss: Loss::CrossEntropy, scale: 0.5, mode: Mode::Evaluate, classes: Classes::default(), teacher_forcing: 1.0 };
//! let score = network.gradient(&batch, &targets, pass, &mut Workspace::default(), &mut gradient);
//! assert_eq!(score.sequences, 2);
//! # Ok::<(), elman_nn::SpecError>(())
//! ```
#![forbid(unsafe_code)]

mod batch;
pub mod budget;
pub mod cell;
mod check;
mod compiled;
pub mod float;
mod joined;
mod layer;
mod loss;
mod low_rank;
mod network;
mod parameters;
mod spec;
pub mod structure;
mod trace;
mod weights;

pub use batch::{Batch, Frames};
pub use check::{MAX_CELLS, SpecError};
pub use compiled::Compiled;
pub use float::Float;
pub use joined::StructureSpec;
pub use layer::kinds::*;
pub use layer::{DenseActivation, DropoutKind, IntegerStates, LayerSpec, Mode, Over, Reads, Rounding};
pub use loss::{Classes, END, Loss, NO_CLASS, Score, SoftLabels, Target, argmax};
pub use low_rank::low_rank;
pub use network::{Network, Pass, Workspace};
pub use parameters::{Tensor, initial};
pub use spec::{NetworkSpec, variant};
pub use structure::{Item, Prepared};
pub use trace::Trace;
pub use weights::WeightsError;
