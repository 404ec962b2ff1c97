//! What the layers that read symbols share.

use super::Place;
use crate::Float;

/// The row of a symbol: index 0, the unknown symbol, where it is out of range.
pub fn row<F: Float>(symbol: F, rows: usize) -> usize {
    // The cast saturates; NaN becomes 0.
    let index = symbol.f64() as usize;
    if index < rows { index } else { 0 }
}

/// What is wrong with a layer of so many symbols at its place.
pub fn check(rows: usize, place: Place) -> Result<(), String> {
    match rows {
        _ if !place.first || place.inputs != 1 => {
            Err("it reads symbols, so it must be the first, and its inputs 1: a frame is one index".to_owned())
        }
        0 => Err("it has no rows; say how many symbols there are, or train on data that has a vocabulary".to_owned()),
        65_536.. => Err(format!("it has {rows} rows; at most 65535 fit a symbol's index")),
        _ => Ok(()),
    }
}
