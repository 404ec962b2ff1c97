//! A network's parameters: one vector, cut into named tensors.

use std::ops::Range;

use elman::cell::Operands;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::cell;
use super::layer::Place;
use super::spec::{LayerSpec, NetworkSpec};

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

/// All tensors of a network, and for every layer where its own lie; the second place is that of the reverse direction.
///
/// A cell's W has the rows of all gates that read x, its U of all that read h, its b of all; gate after gate in
/// the order of the cell's table; its V, where gates see the cell state, has V_i, V_f, V_o. A dense layer has W `[outputs, inputs]` and b, an embedding E `[rows, units]`.
pub fn tensors(spec: &NetworkSpec) -> (Vec<Tensor>, Vec<[Place; 2]>) {
    let (mut tensors, mut end) = (Vec::new(), 0);
    let mut places = Vec::new();
    for (layer, (kind, (inputs, units))) in spec.layers.iter().zip(spec.widths()).enumerate() {
        let mut tensor = |name: &str, shape: Vec<usize>| {
            let range = end..end + shape.iter().product::<usize>();
            end = range.end;
            tensors.push(Tensor { name: format!("layers.{layer}.{name}"), shape, range: range.clone(), layer });
            range
        };
        let none = Place::default;
        places.push(match kind {
            LayerSpec::Cell { variant, units, bidirectional, .. } => {
                let forward = cell_place(variant, inputs, *units, "", &mut tensor);
                let reverse = bidirectional.then(|| cell_place(variant, inputs, *units, "reverse.", &mut tensor));
                [forward, reverse.unwrap_or_default()]
            }
            LayerSpec::Dense { .. } => {
                [Place { w: tensor("w", vec![units, inputs]), b: tensor("b", vec![units]), ..none() }, none()]
            }
            LayerSpec::Embedding { rows, .. } => [Place { w: tensor("e", vec![*rows, units]), ..none() }, none()],
            LayerSpec::Narx { hidden, outputs, input_taps, output_taps, .. } => {
                let columns = (inputs - outputs) * (input_taps + 1) + outputs * output_taps;
                let rows = if *hidden == 0 { *outputs } else { *hidden };
                let first = Place { w: tensor("w", vec![rows, columns]), b: tensor("b", vec![rows]), ..none() };
                let mut second = || Place { w: tensor("v", vec![units, rows]), b: tensor("c", vec![units]), ..none() };
                [first, if *hidden == 0 { none() } else { second() }]
            }
            LayerSpec::OneHot { .. } | LayerSpec::Dropout { .. } | LayerSpec::Delay { .. } | LayerSpec::Pool { .. } => {
                [none(), none()]
            }
        });
    }
    (tensors, places)
}

/// The tensors of one direction of a recurrent layer.
fn cell_place(
    variant: &str,
    inputs: usize,
    units: usize,
    prefix: &str,
    tensor: &mut impl FnMut(&str, Vec<usize>) -> Range<usize>,
) -> Place {
    let count = |without: Option<Operands>| {
        super::spec::variant(variant).map_or(0, |v| v.gates().filter(|g| Some(g.operands) != without).count())
    };
    let (w, u, b) = (count(Some(Operands::Hidden)), count(Some(Operands::Input)), count(None));
    let peephole = super::spec::variant(variant).map_or(0, |v| v.peephole.len());
    let w = tensor(&format!("{prefix}w"), vec![w * units, inputs]);
    let mut unless_empty = |name, shape: Vec<usize>, end| {
        if shape[0] == 0 { end..end } else { tensor(&format!("{prefix}{name}"), shape) }
    };
    let u = unless_empty("u", vec![u * units, units], w.end);
    let b = unless_empty("b", vec![b * units], u.end);
    let v = unless_empty("v", vec![peephole * units], b.end);
    Place { w, u, b, v }
}

/// Where training starts: W uniform (Glorot and Bengio 2010), U orthogonal gate by gate (Saxe et al. 2014), b 0
/// but where the cell says otherwise; the rows of an embedding normal, about 1 long.
pub fn initial(spec: &NetworkSpec, seed: u64) -> Vec<f64> {
    let (tensors, places) = tensors(spec);
    let mut values = vec![0.0; tensors.last().map_or(0, |t| t.range.end)];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for (kind, places) in spec.layers.iter().zip(&places) {
        for tensor in tensors.iter().filter(|t| places.iter().any(|p| p.w == t.range && !t.range.is_empty())) {
            let [rows, columns] = tensor.shape[..] else { continue };
            // Of one gate: a cell's W is a matrix for each.
            let units = if let LayerSpec::Cell { units, .. } = kind { *units } else { rows };
            let mut bound = (6.0 / (columns + units) as f64).sqrt();
            if matches!(kind, LayerSpec::Narx { residual: true, .. }) && tensor.name.ends_with(".v") {
                // Near no change at first, so that the loop neither grows nor shrinks.
                bound *= 0.1;
            }
            for w in &mut values[tensor.range.clone()] {
                *w = match kind {
                    LayerSpec::Embedding { .. } => normal(&mut random) / (columns as f64).sqrt(),
                    _ => bound * (2.0 * unit(&mut random) - 1.0),
                };
            }
        }
        let LayerSpec::Cell { variant, units, .. } = kind else { continue };
        let Some((cell, number, table)) = cell::find::<f32>(variant) else { continue };
        for place in places {
            for u in values[place.u.clone()].chunks_exact_mut(units * units) {
                match cell.initial_loop {
                    Some(value) => u.iter_mut().step_by(units + 1).for_each(|u| *u = value),
                    None => orthogonal(u, *units, &mut random),
                }
            }
            for (gate, b) in table.gates().zip(values[place.b.clone()].chunks_exact_mut(*units)) {
                b.fill((cell.initial_bias)(number, gate.name));
            }
        }
    }
    values
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
    use crate::Over;

    #[test]
    fn names_and_shapes_follow_the_tables() {
        let layers = vec![LayerSpec::cell("gru", 4), LayerSpec::Pool { over: Over::Last }, LayerSpec::dense(2)];
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
