//! Layer normalisation (Ba et al. 2016): y_k = g_k (x_k - μ) / √(σ² + ε) + b_k, with μ and σ² the mean and the variance of
//! the values of one step.

use std::ops::Range;

use anyhow::{Result, ensure};
use elman::cell::OutRange;
use elman::layer::norm::normal_frac;
use elman_integer::IntegerLayer;
use elman_integer::ptq::{frac_for, out_frac};
use get_size2::GetSize;
use serde::{Deserialize, Serialize};

use super::dense::in_physical_units;
use super::{Backward, Built, Forward, LayerKind, Output, Place, Reads, Rounding, Run, Site, fit};
use crate::Float;
use crate::parameters::{Start, TensorSpec};

/// Brings the values of every step to mean 0 and variance 1, then to a learnt gain and bias of each; after a recurrent
/// layer for instance, whose state the next layer then reads in one range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Norm {
    /// ε, added to the variance.
    pub epsilon: f64,
}

impl Default for Norm {
    fn default() -> Self {
        Norm { epsilon: 1e-5 }
    }
}

impl LayerKind for Norm {
    fn reads(&self) -> Reads {
        Reads::Step
    }

    fn check(&self, _: Place) -> Result<(), String> {
        match self.epsilon {
            1e-12..=1.0 => Ok(()),
            other => Err(format!("epsilon is {other}; it must be at least 1e-12 and at most 1")),
        }
    }

    fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
        vec![TensorSpec::new("g", vec![inputs], Start::Values(vec![1.0])), TensorSpec::zeros("b", inputs)]
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        Built::one(Normalise { epsilon: self.epsilon, g: site.tensor("g"), b: site.tensor("b") })
    }

    fn device(&self) -> Vec<&str> {
        vec!["norm"]
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let (g, b) = in_physical_units(layer.tensor("g"), layer.tensor("b"), layer.target);
        ensure!(g.iter().chain(&b).all(|v| v.is_finite()), "a gain or bias is not a number; the training run diverged");
        let out_frac = out_frac(OutRange::Calibrated, false, layer.in_frac, layer.ranges);
        // As exact as can be, with a shift of at least 3 to the output; gains that this leaves no room saturate the output.
        let largest = g.iter().fold(0f64, |most, g| most.max(f64::from(g.abs())));
        let least = (16 + i32::from(out_frac) - normal_frac(layer.inputs) as i32).max(0);
        let gain_frac = i32::from(frac_for(largest, 16, 0, 15)).max(least);
        let round = |v: f32, frac: i32| (f64::from(v) * 2f64.powi(frac)).round().clamp(-32_768.0, 32_767.0) as i16;
        let word = |(g, b): (&f32, &f32)| (round(*g, gain_frac), round(*b, out_frac.into()));
        Ok(vec![IntegerLayer {
            out_frac,
            carried_frac: gain_frac as u8,
            scale: g.iter().zip(&b).map(word).collect(),
            params: device_epsilon(self.epsilon, layer.inputs, layer.in_frac),
            ..layer.plain("norm")
        }])
    }

    fn samples() -> Vec<Self> {
        vec![Norm::default()]
    }
}

/// n²ε in units of the input's last place, as the device has it: `epsilon` · 2^(`exponent` - 32).
fn device_epsilon(epsilon: f64, inputs: usize, in_frac: u8) -> [u16; 4] {
    let scaled = epsilon * (inputs * inputs) as f64 * 4f64.powi(in_frac.into());
    let exponent = (scaled.log2().floor() as i32 + 17).clamp(0, 72);
    [(scaled * 2f64.powi(32 - exponent)).round().min(65_535.0) as u16, exponent as u16, 0, 0]
}

/// The layer.
struct Normalise {
    epsilon: f64,
    g: Range<usize>,
    b: Range<usize>,
}

/// What the layer keeps.
#[derive(Clone, Debug, Default, GetSize)]
pub struct NormTape<F> {
    /// `[steps, size, width]`: x̂ = (x - μ) / √(σ² + ε)
    normal: Vec<F>,
    /// `[steps, size]`: 1 / √(σ² + ε)
    scale: Vec<f64>,
}

impl<F: Float> Run<F> for Normalise {
    type Tape = NormTape<F>;

    fn forward(&self, Forward { parameters, input, .. }: Forward<'_, F>, out: &mut Output<F>, tape: &mut NormTape<F>) {
        let (size, n) = (input.size, input.width);
        out.shape(input.rows, size, n, 0);
        fit(&mut tape.normal, input.steps() * size * n);
        tape.scale.resize(input.steps() * size, 0.0);
        let (g, b) = (&parameters[self.g.clone()], &parameters[self.b.clone()]);
        for t in 0..input.steps() {
            for row in 0..input.rows[t] {
                let (x, at) = (input.row(t, row), t * size + row);
                let mean = x.iter().map(|x| x.f64()).sum::<f64>() / n as f64;
                let variance = x.iter().map(|x| (x.f64() - mean).powi(2)).sum::<f64>() / n as f64;
                let scale = 1.0 / (variance + self.epsilon).sqrt();
                tape.scale[at] = scale;
                let to = tape.normal[at * n..].iter_mut().zip(&mut out.values[at * n..]);
                for (((normal, y), x), (g, b)) in to.zip(x).zip(g.iter().zip(b)) {
                    let exact = (x.f64() - mean) * scale;
                    *normal = F::of(exact);
                    *y = F::of(g.f64() * exact + b.f64());
                }
            }
        }
    }

    /// With d = g ⊙ ∂L/∂y, ∂L/∂x = (d - mean(d) - x̂ mean(d ⊙ x̂)) / √(σ² + ε).
    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut NormTape<F>) {
        let Backward { parameters, input, gradient, mut below, .. } = pass;
        let (size, n) = (out.size, out.width);
        let g = &parameters[self.g.clone()];
        for t in (0..input.steps()).filter(|&t| out.touched[t]) {
            for row in 0..input.rows[t] {
                let at = t * size + row;
                let (dy, normal) = (&out.gradient[at * n..][..n], &tape.normal[at * n..][..n]);
                for ((dg, dy), normal) in gradient[self.g.clone()].iter_mut().zip(dy).zip(normal) {
                    *dg += F::of(dy.f64() * normal.f64());
                }
                gradient[self.b.clone()].iter_mut().zip(dy).for_each(|(db, dy)| *db += *dy);
            }
            let Some(below) = &mut below else { continue };
            let dx = below.step(t);
            for row in 0..input.rows[t] {
                let at = t * size + row;
                let (dy, normal) = (&out.gradient[at * n..][..n], &tape.normal[at * n..][..n]);
                let d = || g.iter().zip(dy).map(|(g, dy)| g.f64() * dy.f64()).zip(normal);
                let mean = d().map(|(d, _)| d).sum::<f64>() / n as f64;
                let along = d().map(|(d, normal)| d * normal.f64()).sum::<f64>() / n as f64;
                for (dx, (d, normal)) in dx[row * n..][..n].iter_mut().zip(d()) {
                    *dx = F::of((d - mean - normal.f64() * along) * tape.scale[at]);
                }
            }
        }
    }
}
