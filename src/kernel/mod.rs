//! Row blocks of a matrix of weights over an int16 vector, requantized; the only place with unsafe code.
//!
//! # Row blocks
//! A kernel takes four rows at once. There are two kinds of row block ([`RowBlock`]): [`rows`] has four rows over one vector,
//! [`split`] rows 0 and 1 over x and h, row 2 over x only and row 3 over h only, the GRU with reset after.
//!
//! # Weights
//! How a weight is stored is its [`WeightFormat`]: a module of [`weights`] with the packing, the largest magnitude and the
//! kernels. The blob stores weights in the order in which a row block reads them, which is not the same on every core
//! ([`Layout`]); each format says how it packs them in each. Before the weights of a stage stand the parameters of all its row
//! blocks: biases, then multipliers.
//!
//! Vectors are `&[u32]`: two i16 a word, the even element low, padded with zeros to four elements.
//!
//! # Arithmetic
//! accumulator = b + u Σ w·x in i32, which the loader proves cannot overflow; u is the unit of the weight format, 1 in int8;
//! pre-activation = (accumulator·m + 2^31) >> 32, Q15.16.
#![allow(unsafe_code)]

/// Tells the assembler that the core has the extension: what it knows of Armv8-M Mainline alone is without.
#[cfg(elman_dsp = "cortex-m33")]
macro_rules! cpu {
    () => {
        ".cpu cortex-m33"
    };
}
#[cfg(elman_dsp = "cortex-m55")]
macro_rules! cpu {
    () => {
        ".cpu cortex-m55"
    };
}
#[cfg(all(elman_dsp, not(any(elman_dsp = "cortex-m33", elman_dsp = "cortex-m55"))))]
macro_rules! cpu {
    () => {
        ""
    };
}

pub mod activation;
mod copy;
pub mod fft;
#[cfg(elman_layout = "rows")]
pub mod gates;
pub mod layout;
mod row_block;
pub mod weights;
pub mod word;

pub use copy::{copy, copy_elements, put, slide};
pub use layout::Layout;
pub use row_block::RowBlock;
pub use weights::{Packing, WeightFormat, reference, rows, split};
#[cfg(elman_layout = "rows")]
pub use weights::{gated_rows, gated_split};
