//! Row blocks of a matrix of int8 weights over an int16 vector, requantized; the only place with unsafe code.
//!
//! # Layout
//! The blob stores weights in the order in which a block reads them, which is not the same on every core ([`Layout`]). There
//! are two kinds of row block: [`rows`] has four rows over one vector, [`split`] rows 0 and 1 over x and h, row 2 over x only and
//! row 3 over h only, the GRU with reset after.
//!
//! * *Pairs*, for Armv7E-M: two rows share a 16-bit lane, 256·hi + lo, exact because |w| <= 127; a word holds the lanes of two
//!   adjacent columns. One multiply-accumulate of the word gives 256·hi·x + lo·x in 64 bits, one of the sign-extended low
//!   bytes gives lo·x in 32; their difference, shifted, is hi·x: 14 instructions for 16 products. Four words for each four
//!   columns: (rows 0 1, columns c0 c1), (rows 2 3, c0 c1), (rows 0 1, c2 c3), (rows 2 3, c2 c3); of a split row block three:
//!   (rows 0 1, c0 c1), (rows 0 1, c2 c3), then row 2 or 3 as the bytes c0, c2, c1, c3.
//! * *Rows*, for Helium: row after row, a byte a weight.
//! * *Columns*, for cores that take one weight at a time: for each column a byte of each of its rows, w + 128.
//!
//! Before the weights of each block stand its parameters, in a table of their own: biases, then multipliers; in pairs a bias is for
//! a pair of rows with biases b0, b1 the words (256·b1 + b0, low and high) and b0 (see [`layout`]).
//!
//! Vectors are `&[u32]`: two i16 a word, the even element low, padded with zeros to four elements.
//!
//! # Arithmetic
//! accumulator = b + Σ w·x in i32, which the loader proves cannot overflow;
//! pre-activation = (accumulator·m + 2^31) >> 32, Q15.16.
#![allow(unsafe_code)]

pub mod activation;
pub mod butterfly;
#[cfg(elman_columns)]
mod columns;
mod copy;
#[cfg(elman_dsp)]
mod dsp;
#[cfg(elman_layout = "rows")]
mod helium;
pub mod layout;
mod logarithm;
mod scalar;
pub mod word;

pub use copy::{copy, copy_elements, put};
pub use layout::Layout;
pub use logarithm::{logarithm, logarithm_reference};

/// The reference kernels: every fast kernel must equal them bit for bit.
pub mod reference {
    pub use super::scalar::{rows, split};
}

#[cfg(elman_columns)]
pub use columns::{rows, split};
#[cfg(elman_dsp)]
pub use dsp::{rows, split};
#[cfg(elman_layout = "rows")]
pub use helium::{rows, split};
#[cfg(not(any(elman_columns, elman_dsp, elman_layout = "rows")))]
pub use scalar::{rows, split};
