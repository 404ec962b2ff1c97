//! Tensors of a file, as f32.

use crate::{ImportError, Result};

/// A tensor as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor {
    /// Sizes of its axes; empty for a number.
    pub shape: Vec<usize>,
    /// Its elements, row-major.
    pub values: Vec<f32>,
}

/// A matrix, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Its elements.
    pub values: Vec<f32>,
}

impl Tensor {
    /// A tensor, if its shape is that of its values.
    pub fn new(place: &str, shape: Vec<usize>, values: Vec<f32>) -> Result<Self> {
        let count = shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k));
        match count == Some(values.len()) {
            true => Ok(Tensor { shape, values }),
            false => Err(ImportError::damaged(place, format!("{} values for the shape {shape:?}", values.len()))),
        }
    }

    /// It as a matrix.
    pub fn matrix(&self, place: &str) -> Result<Matrix> {
        match self.shape[..] {
            [rows, columns] => Ok(Matrix { rows, columns, values: self.values.clone() }),
            _ => Err(ImportError::shape(place, format!("has the shape {:?} where a matrix belongs", self.shape))),
        }
    }

    /// It as a vector of `n` elements.
    pub fn vector(&self, place: &str, n: usize) -> Result<Vec<f32>> {
        match self.shape[..] {
            [found] if found == n => Ok(self.values.clone()),
            _ => Err(ImportError::shape(place, format!("has the shape {:?} where {n} values belong", self.shape))),
        }
    }
}

impl Matrix {
    /// A matrix of these values.
    pub fn new(rows: usize, columns: usize, values: Vec<f32>) -> Self {
        debug_assert_eq!(rows * columns, values.len());
        Matrix { rows, columns, values }
    }

    /// A square matrix with this diagonal.
    pub fn diagonal(of: &[f32]) -> Self {
        let n = of.len();
        let mut values = vec![0.0; n * n];
        of.iter().enumerate().for_each(|(k, v)| values[k * n + k] = *v);
        Matrix { rows: n, columns: n, values }
    }

    /// Its row `k`.
    pub fn row(&self, k: usize) -> &[f32] {
        &self.values[k * self.columns..][..self.columns]
    }

    /// Its transpose.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let values = (0..self.columns).flat_map(|c| (0..self.rows).map(move |r| (r, c)));
        let values = values.map(|(r, c)| self.values[r * self.columns + c]).collect();
        Matrix { rows: self.columns, columns: self.rows, values }
    }

    /// Its blocks of `units` rows in the order of `gates`: block `gates[k]` becomes block k.
    #[must_use]
    pub fn blocks(&self, units: usize, gates: &[usize]) -> Self {
        let n = units * self.columns;
        Matrix { rows: gates.len() * units, columns: self.columns, values: blocks(&self.values, n, gates) }
    }
}

/// Blocks of `n` values in the order of `gates`: block `gates[k]` becomes block k.
pub fn blocks(values: &[f32], n: usize, gates: &[usize]) -> Vec<f32> {
    gates.iter().flat_map(|k| &values[k * n..][..n]).copied().collect()
}

/// The sum of two vectors, element by element.
pub fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
