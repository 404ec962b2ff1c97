//! Symbols as unit vectors: y_t is 1 at element x_t and 0 elsewhere.

use anyhow::Result;
use elman_integer::IntegerLayer;
use serde::{Deserialize, Serialize};

use super::symbols::{self, row};
use super::{Backward, Built, Forward, LayerKind, Output, Place, Reads, Rounding, Run, Site};
use crate::Float;

/// y_t = 1 at element x_t and 0 elsewhere. Frames hold one symbol's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    /// Symbols; 0 in a recipe stands for the number of the vocabulary. An index beyond the last sets element 0.
    #[serde(default)]
    pub rows: usize,
}

impl LayerKind for OneHot {
    fn reads(&self) -> Reads {
        Reads::Symbol
    }

    fn width(&self, _: usize) -> usize {
        self.rows
    }

    fn check(&self, place: Place) -> Result<(), String> {
        symbols::check(self.rows, place)
    }

    fn build<F: Float>(&self, _: &Site<'_>) -> Built<F> {
        Built::one(*self)
    }

    fn device(&self) -> Vec<&str> {
        vec!["one-hot"]
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        Ok(vec![IntegerLayer { in_frac: 0, out_frac: 14, ..layer.plain("one-hot") }])
    }

    fn samples() -> Vec<Self> {
        vec![OneHot { rows: 11 }]
    }

    fn set_symbols(&mut self, symbols: usize) {
        if self.rows == 0 {
            self.rows = symbols;
        }
    }
}

impl<F: Float> Run<F> for OneHot {
    type Tape = ();

    fn forward(&self, Forward { input, .. }: Forward<'_, F>, out: &mut Output<F>, _: &mut ()) {
        out.shape(input.rows, input.size, self.rows, 0);
        for t in 0..input.steps() {
            let out = out.values[t * input.size * self.rows..].chunks_exact_mut(self.rows);
            for (out, symbol) in out.zip(input.step(t)) {
                out.fill(F::ZERO);
                out[row(*symbol, self.rows)] = F::of(1.0);
            }
        }
    }

    /// Symbols have no gradient.
    fn backward(&self, _: Backward<'_, F>, _: &mut Output<F>, _: &mut ()) {}
}
