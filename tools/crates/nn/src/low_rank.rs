//! A network with matrices of low rank that begins as a trained one without them.
//!
//! Of all matrices of rank r, the first r terms of the singular value decomposition M = Σ σ_k u_k v_kᵀ are the nearest to M (Eckart and
//! Young 1936). Both factors take a share of √σ_k.

use crate::{Cell, Dense, DenseActivation, LayerSpec, Network, NetworkSpec, StructureSpec, cell};

/// Factors of M, row-major: `[rows, rank]` and `[rank, columns]`.
struct Factors {
    left: Vec<f32>,
    right: Vec<f32>,
}

/// The nearest product of this rank to a matrix of `columns` columns.
fn nearest(m: &[f32], columns: usize, rank: usize) -> Factors {
    let rows: Vec<&[f32]> = m.chunks_exact(columns).collect();
    let dot = |a: &[f64], row: &[f32]| a.iter().zip(row).map(|(a, b)| a * f64::from(*b)).sum::<f64>();
    let mut square = vec![0.0; columns * columns];
    for (i, to) in square.chunks_exact_mut(columns).enumerate() {
        for row in &rows {
            to.iter_mut().zip(*row).for_each(|(to, w)| *to += f64::from(row[i]) * f64::from(*w));
        }
    }
    let (mut left, mut right) = (vec![0.0; rows.len() * rank], vec![0.0; rank * columns]);
    for (k, v) in largest_eigenvectors(square, columns).iter().take(rank).enumerate() {
        let image: Vec<f64> = rows.iter().map(|row| dot(v, row)).collect();
        let root = image.iter().map(|x| x * x).sum::<f64>().sqrt().sqrt();
        left.iter_mut().skip(k).step_by(rank).zip(image).for_each(|(to, x)| *to = (x / root.max(1e-12)) as f32);
        right[k * columns..].iter_mut().zip(v).for_each(|(to, v)| *to = (v * root) as f32);
    }
    Factors { left, right }
}

/// The eigenvectors of a symmetric matrix of `n` rows, those of the largest eigenvalues first, by Jacobi's rotations.
fn largest_eigenvectors(mut a: Vec<f64>, n: usize) -> Vec<Vec<f64>> {
    // Row k is eigenvector k in the end.
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|k| (0..n).map(|i| f64::from(u8::from(i == k))).collect()).collect();
    let total: f64 = a.iter().map(|x| x * x).sum();
    for _ in 0..50 {
        let mut rest = 0.0;
        for p in 0..n {
            for q in p + 1..n {
                let off = a[p * n + q];
                rest += off * off;
                if off * off <= 1e-30 * total {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * off);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                let turn = |x: &mut f64, y: &mut f64| (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                for i in 0..n {
                    let (mut x, mut y) = (a[i * n + p], a[i * n + q]);
                    turn(&mut x, &mut y);
                    (a[i * n + p], a[i * n + q]) = (x, y);
                }
                let (above, below) = a.split_at_mut(q * n);
                above[p * n..][..n].iter_mut().zip(&mut below[..n]).for_each(|(x, y)| turn(x, y));
                let (above, below) = vectors.split_at_mut(q);
                above[p].iter_mut().zip(&mut below[0]).for_each(|(x, y)| turn(x, y));
            }
        }
        if rest <= 1e-24 * total {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[j * n + j].total_cmp(&a[i * n + i]));
    order.into_iter().map(|k| std::mem::take(&mut vectors[k])).collect()
}

/// What a layer's tensors begin with, by name.
type Named = (String, Vec<f32>);

/// The tensors of layer `at` of `whole` for `wanted`: the same layer, or the cell with a U of low rank.
fn of_layer(whole: &Network<f32>, at: usize, wanted: &LayerSpec) -> Option<Vec<Named>> {
    let found = whole.spec().layers.get(at)?;
    let prefix = format!("layers.{at}.");
    let own = whole.tensors().iter().filter(|t| t.layer == at);
    let named = own.map(|t| (t.name[prefix.len()..].to_owned(), whole.values()[t.range.clone()].to_vec()));
    if found == wanted {
        return Some(named.collect());
    }
    let (LayerSpec::Cell(found), LayerSpec::Cell(cell)) = (found, wanted) else { return None };
    let same = Cell { variant: found.variant.clone(), rank: found.rank, ..cell.clone() } == *found;
    if !same || found.factored() || !cell.low_rank() || cell::base(&cell.variant) != found.variant {
        return None;
    }
    let mut all = Vec::new();
    for (name, values) in named {
        if let Some(direction) = name.strip_suffix('u') {
            let Factors { left, right } = nearest(&values, cell.units, cell.recurrent_width());
            all.push((format!("{direction}p"), right));
            all.push((name, left));
        } else {
            all.push((name, values));
        }
    }
    Some(all)
}

/// The network of `spec` that is nearest to `whole`, which has whole matrices where `spec` has those of low rank: a linear dense layer
/// before a cell or another dense layer, and cells with a U of low rank. `None` where the two differ in something else.
pub fn low_rank(whole: &Network<f32>, spec: &NetworkSpec) -> Option<Network<f32>> {
    let chain = |spec: &NetworkSpec| spec.structure == StructureSpec::Sequence;
    if !chain(spec) || !chain(whole.spec()) || spec.inputs != whole.spec().inputs {
        return None;
    }
    let (mut all, mut at, mut narrow): (Vec<Vec<Named>>, usize, Option<usize>) = (Vec::new(), 0, None);
    for layer in &spec.layers {
        let Some(mut tensors) = of_layer(whole, at, layer) else {
            // A map to fewer elements, which the layer after it reads.
            let LayerSpec::Dense(Dense { outputs, activation: DenseActivation::Linear }) = layer else { return None };
            if narrow.replace(*outputs).is_some() {
                return None;
            }
            all.push(Vec::new());
            continue;
        };
        if let Some(rank) = narrow.take() {
            let inputs = whole.spec().widths().get(at)?.0;
            let mut of_w = tensors.iter_mut().filter(|(name, _)| name == "w");
            let (_, w) = of_w.next().filter(|_| rank <= inputs && layer.device().len() == 1)?;
            let Factors { left, right } = nearest(w, inputs, rank);
            *w = left;
            *all.last_mut()? = vec![("w".to_owned(), right), ("b".to_owned(), vec![0.0; rank])];
        }
        all.push(tensors);
        at += 1;
    }
    if narrow.is_some() || at != whole.spec().layers.len() {
        return None;
    }
    let mut network = Network::new(spec, 0).ok()?;
    let mut values = network.values().to_vec();
    for (layer, (name, from)) in all.iter().enumerate().flat_map(|(k, all)| all.iter().map(move |t| (k, t))) {
        let range = network.tensor(&format!("layers.{layer}.{name}"))?.0.range.clone();
        let to = values.get_mut(range).filter(|to| to.len() == from.len())?;
        to.copy_from_slice(from);
    }
    network.update(|to| to.copy_from_slice(&values));
    Some(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Over, Pool};

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0) as f32
        };
        (0..n).map(|_| next()).collect()
    }

    fn product(Factors { left, right }: &Factors, rank: usize, columns: usize) -> Vec<f32> {
        let of_row = |row: &[f32]| -> Vec<f32> {
            (0..columns).map(|c| row.iter().enumerate().map(|(k, a)| a * right[k * columns + c]).sum()).collect()
        };
        left.chunks(rank).flat_map(of_row).collect()
    }

    #[test]
    fn factors_are_exact_where_the_rank_is_enough_and_nearest_where_it_is_not() {
        let low = Factors { left: random(9 * 3, 1), right: random(3 * 6, 2) };
        let m = product(&low, 3, 6);
        let error = |m: &[f32], rank: usize| -> f64 {
            let back = product(&nearest(m, 6, rank), rank, 6);
            m.iter().zip(&back).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        assert!(error(&m, 3) < 1e-10 && error(&m, 6) < 1e-10, "{} {}", error(&m, 3), error(&m, 6));
        let m = random(9 * 6, 3);
        let errors: Vec<f64> = (1..=6).map(|rank| error(&m, rank)).collect();
        assert!(errors.windows(2).all(|e| e[1] < e[0]) && errors[5] < 1e-10, "{errors:?}");
        // Of a diagonal matrix the largest elements stay.
        let diagonal = [3.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0];
        let back = product(&nearest(&diagonal, 3, 2), 2, 3);
        let wanted = [3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0];
        assert!(back.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{back:?}");
    }

    #[test]
    fn a_network_begins_as_the_one_with_whole_matrices() {
        let pool = || LayerSpec::from(Pool { over: Over::Mean });
        let whole = vec![LayerSpec::cell("gru", 6), LayerSpec::bidirectional("lstm", 5), pool(), LayerSpec::dense(3)];
        let whole = Network::<f32>::new(&NetworkSpec::sequence(4, whole), 5).unwrap();
        let spec = |first: usize, ranks: [usize; 2]| {
            let layers = vec![
                LayerSpec::dense(first),
                LayerSpec::cell("gru-low-rank", 6).with_rank(ranks[0]),
                LayerSpec::bidirectional("lstm-low-rank", 5).with_rank(ranks[1]),
                pool(),
                LayerSpec::dense(3),
            ];
            NetworkSpec::sequence(4, layers)
        };
        let frames = random(4 * 7, 8);
        let wanted = whole.run(&frames);
        let off = |spec: &NetworkSpec| {
            let found = low_rank(&whole, spec).unwrap().run(&frames);
            found.iter().zip(&wanted).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
        };
        let (all, fewer) = (off(&spec(4, [6, 5])), off(&spec(3, [4, 4])));
        assert!(all < 1e-5 && fewer < 0.3 && fewer > all, "{all} {fewer}");
        assert_eq!(low_rank(&whole, whole.spec()).unwrap().values(), whole.values());

        let other = |layers: Vec<LayerSpec>| low_rank(&whole, &NetworkSpec::sequence(4, layers)).is_none();
        assert!(other(vec![LayerSpec::cell("gru", 6), pool(), LayerSpec::dense(3)]));
        assert!(other(vec![LayerSpec::cell("gru-low-rank", 7), LayerSpec::bidirectional("lstm", 5), pool()]));
        assert!(other(vec![LayerSpec::cell("lstm-low-rank", 6), LayerSpec::bidirectional("lstm", 5), pool()]));
        assert!(low_rank(&whole, &spec(5, [6, 5])).is_none());
    }
}
