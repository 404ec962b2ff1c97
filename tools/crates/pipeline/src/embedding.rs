//! The rows of an embedding as the device has them, their neighbours, and a map of them.

use anyhow::{Context, Result, bail};
use elman::blob::Model;
use elman::cell::StageKind;
use elman::kernel::RowBlock;
use serde::Serialize;

use elman_data::Vocabulary;

/// The vectors of a vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Symbols; 0 is the unknown one.
    symbols: Vec<String>,
    /// `[symbols, units]`, in units of the layer's output.
    rows: Vec<f64>,
    units: usize,
}

/// A symbol near another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Neighbour {
    /// The symbol.
    pub symbol: String,
    /// Cosine of the angle between the two vectors.
    pub cosine: f64,
}

impl Embedding {
    /// The embedding of a model that reads text.
    ///
    /// # Errors
    /// Where it has none.
    pub fn of(model: &Model<'_>) -> Result<Self> {
        let Some(text) = model.descriptor().text else { bail!("the model reads no text, so it has no symbols") };
        let layer = model.layers().first().context("the model has no layers")?;
        if !layer.spec().stages.iter().any(|s| s.kind == StageKind::Table) {
            bail!("the model's first layer is no embedding but `{}`", layer.spec().name);
        }
        let (stage, units) = (layer.stage(0), layer.units());
        let (packing, block) = (layer.packing(), RowBlock::Table { units });
        let mut rows = vec![0.0; units * stage.params.len()];
        let packed = stage.weights.chunks_exact(packing.weight_words(block).max(1));
        for ((row, words), m) in rows.chunks_exact_mut(units).zip(packed).zip(stage.params) {
            packing.table_row(words, row.iter_mut(), |to, e| *to = f64::from(e) * f64::from(*m));
        }
        let known = Vocabulary::of_text(&text);
        let symbols = std::iter::once("(unknown)".to_owned()).chain(known.symbols().iter().cloned()).collect();
        Ok(Embedding { symbols, rows, units })
    }

    /// Number of a symbol.
    pub fn find(&self, symbol: &str) -> Option<usize> {
        self.symbols.iter().skip(1).position(|s| s == symbol).map(|k| k + 1)
    }

    /// The symbols.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    fn row(&self, k: usize) -> &[f64] {
        &self.rows[k * self.units..][..self.units]
    }

    /// The symbols with the greatest cosine to symbol `k`, the nearest first; of equals the one that comes first.
    pub fn neighbours(&self, k: usize, count: usize) -> Vec<Neighbour> {
        let mut all: Vec<(usize, f64)> = (1..self.symbols.len().min(self.rows.len() / self.units))
            .filter(|n| *n != k)
            .map(|n| (n, cosine(self.row(k), self.row(n))))
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(count);
        all.into_iter().map(|(n, cosine)| Neighbour { symbol: self.symbols[n].clone(), cosine }).collect()
    }

    /// The vectors of some symbols on the two principal components of these vectors (PCA).
    pub fn map(&self, which: &[usize]) -> Vec<(f64, f64)> {
        let n = which.len().max(1) as f64;
        let mean: Vec<f64> = (0..self.units).map(|c| which.iter().map(|k| self.row(*k)[c]).sum::<f64>() / n).collect();
        let centred: Vec<Vec<f64>> =
            which.iter().map(|k| self.row(*k).iter().zip(&mean).map(|(v, m)| v - m).collect()).collect();
        let first = component(&centred, &[]);
        let second = component(&centred, std::slice::from_ref(&first));
        centred.iter().map(|row| (dot(row, &first), dot(row, &second))).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    if norm > 0.0 { dot(a, b) / norm } else { 0.0 }
}

/// The direction of most variance that is orthogonal to `found`: power iteration on the covariance.
fn component(rows: &[Vec<f64>], found: &[Vec<f64>]) -> Vec<f64> {
    let width = rows.first().map_or(0, Vec::len);
    // Any start works that is not orthogonal to the answer.
    let mut v: Vec<f64> = (0..width).map(|k| 1.0 / (k as f64 + 1.5)).collect();
    for _ in 0..200 {
        let mut next = vec![0.0; width];
        for row in rows {
            let along = dot(row, &v);
            next.iter_mut().zip(row).for_each(|(n, r)| *n += along * r);
        }
        for other in found {
            let along = dot(&next, other);
            next.iter_mut().zip(other).for_each(|(n, o)| *n -= along * o);
        }
        let norm = dot(&next, &next).sqrt();
        if norm == 0.0 {
            break;
        }
        v = next.into_iter().map(|n| n / norm).collect();
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(rows: &[[f64; 3]]) -> Embedding {
        let symbols = (0..rows.len()).map(|k| format!("s{k}")).collect();
        Embedding { symbols, rows: rows.concat(), units: 3 }
    }

    #[test]
    fn the_nearest_point_in_the_same_direction() {
        let e = embedding(&[[9.0, 9.0, 9.0], [1.0, 0.0, 0.0], [5.0, 1.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]);
        let found = e.neighbours(e.find("s1").unwrap(), 2);
        assert_eq!(found.iter().map(|n| n.symbol.as_str()).collect::<Vec<_>>(), ["s2", "s3"]);
        assert!((found[0].cosine - 5.0 / 26f64.sqrt()).abs() < 1e-12 && found[1].cosine == 0.0);
        assert_eq!(e.find("s0"), None);
    }

    #[test]
    fn the_map_keeps_the_two_widest_directions() {
        let e = embedding(&[[0.0, 10.0, 0.1], [0.0, -10.0, 0.0], [3.0, 0.0, 0.1], [-3.0, 0.0, 0.0]]);
        let map = e.map(&[0, 1, 2, 3]);
        assert!((map[0].0.abs() - 10.0).abs() < 1e-3 && (map[2].1.abs() - 3.0).abs() < 1e-3, "{map:?}");
        assert!(map[0].0 * map[1].0 < 0.0 && map[2].0.abs() < 1e-2);
    }
}
