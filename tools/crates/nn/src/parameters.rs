//! A network's parameters: one vector, cut into named tensors.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::spec::NetworkSpec;

/// A tensor among the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// `layers.N.w`, `.u`, `.b` or another letter of the equation, N counting all layers of the recipe from 0;
    /// `layers.N.reverse.w` and so on of the reverse direction.
    pub name: String,
    /// Rows and columns of a matrix, elements of a vector.
    pub shape: Vec<usize>,
    /// Its elements, row-major, in the vector of all parameters.
    pub range: Range<usize>,
    /// Of which layer.
    pub layer: usize,
}

/// A tensor that a layer has.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// Its name within the layer.
    pub name: String,
    /// Rows and columns of a matrix, elements of a vector.
    pub shape: Vec<usize>,
    /// Where training starts.
    pub start: Start,
}

/// Where training starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// As many equal parts as there are values, each filled with its own; 0 where there are none.
    Values(Vec<f64>),
    /// Uniform within ± this.
    Uniform(f64),
    /// Normal, rows about 1 long.
    UnitRows,
    /// Square matrices one after the other, each orthogonal (Saxe et al. 2014).
    Orthogonal,
    /// Square matrices one after the other, each this times the identity.
    Identity(f64),
}

impl TensorSpec {
    /// A tensor.
    pub fn new(name: impl Into<String>, shape: Vec<usize>, start: Start) -> Self {
        TensorSpec { name: name.into(), shape, start }
    }

    /// A vector of zeros.
    pub fn zeros(name: impl Into<String>, n: usize) -> Self {
        Self::new(name, vec![n], Start::Values(Vec::new()))
    }

    /// A matrix over `columns` values for `units` outputs, uniform as Glorot and Bengio (2010) have it; of a cell `rows`
    /// are those of all its gates.
    pub fn glorot(name: impl Into<String>, [rows, columns]: [usize; 2], units: usize) -> Self {
        Self::new(name, vec![rows, columns], Start::Uniform((6.0 / (columns + units) as f64).sqrt()))
    }

    /// How many parameters it has.
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// All tensors of a network, and where training starts with each.
pub fn tensors(spec: &NetworkSpec) -> (Vec<Tensor>, Vec<Start>) {
    let (mut tensors, mut starts, mut end) = (Vec::new(), Vec::new(), 0);
    for (layer, (kind, (inputs, _))) in spec.layers.iter().zip(spec.widths()).enumerate() {
        for tensor in kind.tensors(inputs) {
            let range = end..end + tensor.len();
            end = range.end;
            let name = format!("layers.{layer}.{}", tensor.name);
            tensors.push(Tensor { name, shape: tensor.shape, range, layer });
            starts.push(tensor.start);
        }
    }
    (tensors, starts)
}

/// The parameters with which training starts, drawn from `seed`: layer by layer what reads the layer's input, then what
/// reads its state.
pub fn initial(spec: &NetworkSpec, seed: u64) -> Vec<f64> {
    let (tensors, starts) = tensors(spec);
    let mut values = vec![0.0; tensors.last().map_or(0, |t| t.range.end)];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let all: Vec<(&Tensor, &Start)> = tensors.iter().zip(&starts).collect();
    for layer in all.chunk_by(|a, b| a.0.layer == b.0.layer) {
        let on_state = |start: &Start| matches!(start, Start::Orthogonal | Start::Identity(_));
        for state in [false, true] {
            for (tensor, start) in layer.iter().filter(|(_, start)| on_state(start) == state) {
                fill(&mut values[tensor.range.clone()], &tensor.shape, start, &mut random);
            }
        }
    }
    values
}

fn fill(values: &mut [f64], shape: &[usize], start: &Start, random: &mut ChaCha8Rng) {
    let columns = shape[shape.len() - 1];
    match start {
        Start::Values(parts) => {
            let n = values.len().div_ceil(parts.len().max(1)).max(1);
            values.chunks_mut(n).zip(parts).for_each(|(part, value)| part.fill(*value));
        }
        Start::Uniform(bound) => values.iter_mut().for_each(|w| *w = bound * (2.0 * unit(random) - 1.0)),
        Start::UnitRows => values.iter_mut().for_each(|w| *w = normal(random) / (columns as f64).sqrt()),
        Start::Orthogonal => values.chunks_exact_mut(columns * columns).for_each(|u| orthogonal(u, columns, random)),
        Start::Identity(value) => {
            let matrices = values.chunks_exact_mut(columns * columns);
            matrices.for_each(|u| u.iter_mut().step_by(columns + 1).for_each(|u| *u = *value));
        }
    }
}

/// Uniform in [0, 1).
fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Normal with mean 0 and variance 1 (Box and Muller).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (u, v) = (1.0 - unit(random), unit(random));
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Fills an `n x n` matrix with a random orthogonal one: Gram and Schmidt, twice, over normal rows.
fn orthogonal(u: &mut [f64], n: usize, random: &mut ChaCha8Rng) {
    for i in 0..n {
        let (done, rest) = u.split_at_mut(i * n);
        let row = &mut rest[..n];
        row.iter_mut().for_each(|x| *x = normal(random));
        for _ in 0..2 {
            for other in done.chunks_exact(n) {
                let dot: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
            }
        }
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|x| *x /= norm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LayerSpec, Over, Pool};

    #[test]
    fn names_and_shapes_follow_the_tables() {
        let layers = vec![LayerSpec::cell("gru", 4), Pool { over: Over::Last }.into(), LayerSpec::dense(2)];
        let (tensors, _) = tensors(&NetworkSpec::sequence(3, layers));
        let shapes: Vec<_> = tensors.iter().map(|t| (t.name.as_str(), t.shape.as_slice())).collect();
        assert_eq!(
            shapes,
            [
                ("layers.0.w", &[12, 3][..]),
                ("layers.0.u", &[12, 4]),
                ("layers.0.b", &[16]),
                ("layers.2.w", &[2, 4]),
                ("layers.2.b", &[2])
            ]
        );
        assert_eq!(tensors.last().unwrap().range, 100 + 8..110);
    }

    #[test]
    fn starts_orthogonal_and_with_an_open_forget_gate() {
        let spec = NetworkSpec::sequence(2, vec![LayerSpec::cell("lstm", 5)]);
        let values = initial(&spec, 1);
        let (tensors, _) = tensors(&spec);
        let u = &values[tensors[1].range.clone()][..25];
        for i in 0..5 {
            for j in 0..5 {
                let dot: f64 = (0..5).map(|k| u[i * 5 + k] * u[j * 5 + k]).sum();
                assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        let b: Vec<f64> = [0.0, 1.0, 0.0, 0.0].iter().flat_map(|&b| [b; 5]).collect();
        assert_eq!(values[tensors[2].range.clone()], b);
        assert_eq!(values, initial(&spec, 1));
        assert_ne!(values, initial(&spec, 2));
    }
}
