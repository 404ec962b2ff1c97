//! A stride over time: every s-th frame.

use anyhow::Result;
use elman_integer::IntegerLayer;
use serde::{Deserialize, Serialize};

use super::{Backward, Built, Forward, LayerKind, Output, Place, Reads, Rounding, Run, Site};
use crate::Float;

/// y_j = x_(s j): every s-th frame, from the first on. The layers after it take a step for each of these, so that a stack
/// has a slower clock from here on. A network with one makes one vector of the sequence: it has a pool after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stride {
    /// s
    pub by: usize,
}

impl LayerKind for Stride {
    fn reads(&self) -> Reads {
        Reads::Steps
    }

    fn check(&self, _: Place) -> Result<(), String> {
        match self.by {
            1..=65_535 => Ok(()),
            by => Err(format!("by is {by}; a stride passes on every frame (1) to every 65535th")),
        }
    }

    fn stride(&self) -> usize {
        self.by
    }

    fn build<F: Float>(&self, _: &Site<'_>) -> Built<F> {
        Built::one(*self)
    }

    fn device(&self) -> Vec<&str> {
        vec!["stride"]
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        Ok(vec![self.rounded(layer.plain("stride"))])
    }

    /// With an output for every step, which a stride alone does not have.
    fn samples() -> Vec<Self> {
        vec![Stride { by: 1 }]
    }
}

impl Stride {
    /// The device's layer, of one without numbers of its own.
    pub fn rounded(self, plain: IntegerLayer) -> IntegerLayer {
        IntegerLayer { params: [self.by.min(usize::from(u16::MAX)) as u16, 0, 0, 0], ..plain }
    }
}

impl<F: Float> Run<F> for Stride {
    /// Rows in use at every step of the output.
    type Tape = Vec<usize>;

    fn forward(&self, Forward { input, .. }: Forward<'_, F>, out: &mut Output<F>, rows: &mut Vec<usize>) {
        rows.clear();
        rows.extend(input.rows.iter().step_by(self.by));
        out.shape(rows, input.size, input.width, 0);
        let n = input.size * input.width;
        for (to, t) in out.values.chunks_exact_mut(n).zip((0..input.steps()).step_by(self.by)) {
            let from = input.step(t);
            to[..from.len()].copy_from_slice(from);
        }
    }

    fn backward(&self, Backward { below, .. }: Backward<'_, F>, out: &mut Output<F>, _: &mut Vec<usize>) {
        let Some(mut below) = below else { return };
        let n = out.size * out.width;
        for (j, d) in out.gradient.chunks_exact(n).enumerate().filter(|(j, _)| out.touched[*j]) {
            below.step(j * self.by).copy_from_slice(d);
        }
    }
}
