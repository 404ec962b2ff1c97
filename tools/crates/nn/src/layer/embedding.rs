//! Symbols as vectors, a learnt row each: y_t = E\[x_t\].

use std::ops::Range;

use anyhow::Result;
use elman_integer::IntegerLayer;
use elman_integer::ptq::quantize_embedding;
use serde::{Deserialize, Serialize};

use super::symbols::{self, row};
use super::{Backward, Built, Forward, LayerKind, Output, Place, Reads, Rounding, Run, Site};
use crate::Float;
use crate::parameters::{Start, TensorSpec};

/// A learnt vector for every symbol: y_t = E\[x_t\], row x_t of E. Frames hold one symbol's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// Symbols; 0 in a recipe stands for the number of the vocabulary. Row 0 is the unknown symbol's, and an index
    /// beyond the last row reads it.
    #[serde(default)]
    pub rows: usize,
    /// Width of a row.
    pub units: usize,
}

impl LayerKind for Embedding {
    fn reads(&self) -> Reads {
        Reads::Symbol
    }

    fn width(&self, _: usize) -> usize {
        self.units
    }

    fn check(&self, place: Place) -> Result<(), String> {
        symbols::check(self.rows, place)
    }

    fn tensors(&self, _: usize) -> Vec<TensorSpec> {
        vec![TensorSpec::new("e", vec![self.rows, self.units], Start::UnitRows)]
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        Built::one(Table { rows: self.rows, units: self.units, e: site.tensor("e") })
    }

    fn device(&self) -> Vec<&str> {
        vec!["embedding"]
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let (e, frac) = (layer.tensor("e"), layer.ranges.out_frac);
        Ok(vec![quantize_embedding(e, self.rows, self.units, frac, layer.weights)?])
    }

    fn samples() -> Vec<Self> {
        vec![Embedding { rows: 11, units: 6 }]
    }

    fn set_symbols(&mut self, symbols: usize) {
        if self.rows == 0 {
            self.rows = symbols;
        }
    }
}

/// A table of rows.
struct Table {
    rows: usize,
    units: usize,
    /// Where E lies.
    e: Range<usize>,
}

impl<F: Float> Run<F> for Table {
    type Tape = ();

    fn forward(&self, Forward { parameters, input, .. }: Forward<'_, F>, out: &mut Output<F>, _: &mut ()) {
        out.shape(input.rows, input.size, self.units, 0);
        let table = &parameters[self.e.clone()];
        for t in 0..input.steps() {
            let out = out.values[t * input.size * self.units..].chunks_exact_mut(self.units);
            for (out, symbol) in out.zip(input.step(t)) {
                out.copy_from_slice(&table[row(*symbol, self.rows) * self.units..][..self.units]);
            }
        }
    }

    /// Adds to the rows in use only.
    fn backward(&self, Backward { input, gradient, .. }: Backward<'_, F>, out: &mut Output<F>, _: &mut ()) {
        let table = &mut gradient[self.e.clone()];
        for t in (0..input.steps()).filter(|&t| out.touched[t]) {
            let dout = out.gradient[t * input.size * self.units..].chunks_exact(self.units);
            for (d, symbol) in dout.zip(input.step(t)) {
                let to = &mut table[row(*symbol, self.rows) * self.units..][..self.units];
                to.iter_mut().zip(d).for_each(|(to, d)| *to += *d);
            }
        }
    }
}
