//! Numbers that all units share, as the cell's equations read them: a copy for each unit, next to V.

use super::Tensors;
use crate::Float;

/// V, then each number σ(s) for all units; empty where there are no such numbers.
#[derive(Clone, Debug, Default)]
pub struct Shared<F> {
    vectors: Vec<F>,
}

impl<F: Float> Shared<F> {
    /// Takes the numbers of a layer of `units` from the parameters.
    pub(super) fn spread(&mut self, parameters: &[F], tensors: &Tensors, units: usize) {
        self.vectors.clear();
        if tensors.s.is_empty() {
            return;
        }
        self.vectors.extend_from_slice(&parameters[tensors.v.clone()]);
        for s in &parameters[tensors.s.clone()] {
            self.vectors.resize(self.vectors.len() + units, F::of(sigmoid(s.f64())));
        }
    }

    /// The vectors that units read: V alone where there is nothing shared.
    pub(super) fn vectors<'a>(&'a self, parameters: &'a [F], tensors: &Tensors) -> &'a [F] {
        if self.vectors.is_empty() { &parameters[tensors.v.clone()] } else { &self.vectors }
    }

    /// Makes room for the gradient of the vectors; none where it goes to that of V itself.
    pub(super) fn clear(&self, gradient: &mut Vec<F>) {
        gradient.clear();
        gradient.resize(self.vectors.len(), F::ZERO);
    }

    /// Adds the gradient of the vectors, `of`, to that of the parameters.
    pub(super) fn gather(&self, of: &[F], tensors: &Tensors, units: usize, gradient: &mut [F]) {
        if of.is_empty() {
            return;
        }
        let (of_v, of_shared) = of.split_at(tensors.v.len());
        gradient[tensors.v.clone()].iter_mut().zip(of_v).for_each(|(to, d)| *to += *d);
        let places = gradient[tensors.s.clone()].iter_mut();
        let numbers = self.vectors[tensors.v.len()..].chunks(units);
        for ((to, d), number) in places.zip(of_shared.chunks(units)).zip(numbers) {
            let (sum, y) = (d.iter().map(|d| d.f64()).sum::<f64>(), number[0].f64());
            *to += F::of(sum * y * (1.0 - y));
        }
    }
}

/// σ(x)
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
