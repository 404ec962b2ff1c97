//! Layers. One file a kind: what a recipe says of it, its checks and parameters, forward and backward over a batch of
//! sequences, what it keeps between the two, and what it becomes on the device.
//!
//! Adding one is a file that implements [`LayerKind`] and [`Run`], and a line in the table below.

mod affine;
mod bidirectional;
mod cell;
mod conv;
mod delay;
mod dense;
mod depthwise;
mod dropout;
mod embedding;
mod given;
mod kind;
mod narx;
mod norm;
mod one_hot;
mod pool;
mod projected;
mod recurrent;
mod run;
mod span;
mod stride;
mod symbols;
mod tape;

use anyhow::Result;
use elman_integer::IntegerLayer;
use serde::{Deserialize, Serialize};

pub use cell::DropoutKind;
pub use dense::DenseActivation;
pub use given::{Given, IntegerStates};
pub use kind::{Built, LayerKind, Place, Reads, Rounding, Site};
pub use pool::Over;
pub use recurrent::RecurrentTape;
pub use run::{Backward, Forward, Layer, Mode, Run};
pub(crate) use tape::fit;
pub use tape::{Below, Output, Tape};

use crate::Float;
use crate::parameters::TensorSpec;

/// Makes [`LayerSpec`] of the kinds of layers and the names that recipes give them.
macro_rules! layers {
    ($($name:literal => $module:ident::$kind:ident,)*) => {
        /// The kinds of layers, each as a recipe writes it.
        pub mod kinds {
            $(pub use super::$module::$kind;)*
        }

        /// One layer of a network. In a recipe: `{ layer = "cell", variant = "gru", units = 64, dropout = 0.2 }`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "layer")]
        pub enum LayerSpec {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                $kind(kinds::$kind),
            )*
        }

        $(impl From<kinds::$kind> for LayerSpec {
            fn from(layer: kinds::$kind) -> Self {
                LayerSpec::$kind(layer)
            }
        })*

        impl LayerSpec {
            /// Its name in recipes.
            pub fn name(&self) -> &'static str {
                match self { $(LayerSpec::$kind(_) => $name),* }
            }

            /// What it reads of a sequence.
            pub fn reads(&self) -> Reads {
                match self { $(LayerSpec::$kind(layer) => layer.reads()),* }
            }

            /// Width of its output over frames of this width.
            pub fn width(&self, inputs: usize) -> usize {
                match self { $(LayerSpec::$kind(layer) => layer.width(inputs)),* }
            }

            /// As [`LayerKind::check`].
            pub(crate) fn check(&self, place: Place) -> Result<(), String> {
                match self { $(LayerSpec::$kind(layer) => layer.check(place)),* }
            }

            /// As [`LayerKind::tensors`].
            pub(crate) fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
                match self { $(LayerSpec::$kind(layer) => layer.tensors(inputs)),* }
            }

            /// As [`LayerKind::build`].
            pub(crate) fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
                match self { $(LayerSpec::$kind(layer) => layer.build(site)),* }
            }

            /// The device's layers that it becomes, by the names of their variants in the tables of `elman`.
            pub fn device(&self) -> Vec<&str> {
                match self { $(LayerSpec::$kind(layer) => layer.device()),* }
            }

            /// Those layers, rounded.
            ///
            /// # Errors
            /// Where a parameter is no number.
            pub fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
                match self { $(LayerSpec::$kind(kind) => kind.quantize(layer)),* }
            }

            /// Of how many steps it reads it gives one.
            pub fn stride(&self) -> usize {
                match self { $(LayerSpec::$kind(layer) => layer.stride()),* }
            }

            /// Whether training drops something in it.
            pub fn drops(&self) -> bool {
                match self { $(LayerSpec::$kind(layer) => layer.drops()),* }
            }

            /// Takes the number of symbols, where it reads symbols and their number is left to the data.
            pub fn set_symbols(&mut self, symbols: usize) {
                match self { $(LayerSpec::$kind(layer) => layer.set_symbols(symbols)),* }
            }

            /// Layers of every kind, over any width but that of symbols, which is 1: for tests that leave none out.
            pub fn samples() -> Vec<LayerSpec> {
                let mut all = Vec::new();
                $(all.extend(kinds::$kind::samples().into_iter().map(LayerSpec::from));)*
                all
            }
        }
    };
}

layers! {
    "embedding" => embedding::Embedding,
    "one-hot" => one_hot::OneHot,
    "cell" => cell::Cell,
    "dropout" => dropout::Dropout,
    "delay" => delay::Delay,
    "pool" => pool::Pool,
    "dense" => dense::Dense,
    "narx" => narx::Narx,
    "norm" => norm::Norm,
    "stride" => stride::Stride,
    "conv" => conv::Conv,
}
