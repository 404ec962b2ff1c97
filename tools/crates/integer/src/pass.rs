//! The rows of a pass of a kernel, to and from the words of a blob, in every layout.

use elman::kernel::Layout;
use elman::kernel::layout::{OFFSET, pack_bias, pack_pair, unpack_bias, unpack_pair};

/// A row over the padded `[x; h]`, 0 in columns that it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) w: Vec<i8>,
    pub(super) bias: i32,
    pub(super) multiplier: i32,
}

impl Row {
    /// A row of zeros.
    pub(super) fn zero(columns: usize) -> Self {
        Row { w: vec![0; columns], bias: 0, multiplier: 0 }
    }
}

/// Appends the parameters and weights of four rows; `split` is the number of columns of x where row 2 has those alone and
/// row 3 the others.
pub(super) fn pack(layout: Layout, split: Option<usize>, r: &[Row], params: &mut Vec<u32>, weights: &mut Vec<u32>) {
    let columns = r[0].w.len();
    let biases = [0, 1, 2, 3].map(|k| r[k].bias);
    match (layout, split) {
        (Layout::Pairs, None) => {
            params.extend(pack_bias(biases[0], biases[1]));
            params.extend(pack_bias(biases[2], biases[3]));
        }
        (Layout::Pairs, Some(_)) => {
            params.extend(pack_bias(biases[0], biases[1]));
            params.extend([biases[2] as u32, biases[3] as u32]);
        }
        (Layout::Rows | Layout::Columns, _) => params.extend(biases.map(|b| b as u32)),
    }
    params.extend(r.iter().map(|r| r.multiplier as u32));
    let mut bytes = |list: Vec<u8>| {
        weights.extend(list.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)));
    };
    match (layout, split) {
        (Layout::Pairs, None) => {
            for c in (0..columns).step_by(4) {
                for (pair, c) in [(0, c), (2, c), (0, c + 2), (2, c + 2)] {
                    weights.push(lanes(&r[pair], &r[pair + 1], c));
                }
            }
        }
        (Layout::Pairs, Some(x)) => {
            for c in (0..columns).step_by(4) {
                weights.push(lanes(&r[0], &r[1], c));
                weights.push(lanes(&r[0], &r[1], c + 2));
                let w = if c < x { &r[2].w } else { &r[3].w };
                weights.push(u32::from_le_bytes([w[c], w[c + 2], w[c + 1], w[c + 3]].map(|w| w as u8)));
            }
        }
        (Layout::Rows, split) => {
            let ranges = ranges(columns, split);
            bytes(r.iter().zip(ranges).flat_map(|(r, range)| &r.w[range]).map(|w| *w as u8).collect());
        }
        (Layout::Columns, split) => {
            let offset = |w: i8| (i32::from(w) + OFFSET) as u8;
            let column = |c: usize| {
                let rows = [0, 1, 2, 3].into_iter().filter(move |k| has(split, *k, c));
                rows.map(move |k| offset(r[k].w[c]))
            };
            bytes((0..columns).flat_map(column).collect());
        }
    }
}

/// What [`pack`] packed: parameters and weights of one pass over `columns` columns.
pub(super) fn unpack(
    layout: Layout,
    split: Option<usize>,
    columns: usize,
    params: &[u32],
    weights: &[u32],
) -> Option<[Row; 4]> {
    let mut rows: [Row; 4] = std::array::from_fn(|_| Row::zero(columns));
    let biases = match (layout, split) {
        (Layout::Pairs, None) => {
            let pair = |k: usize| unpack_bias([params[k], params[k + 1], params[k + 2]]);
            let ((a, b), (c, d)) = (pair(0)?, pair(3)?);
            [a, b, c, d]
        }
        (Layout::Pairs, Some(_)) => {
            let (a, b) = unpack_bias([params[0], params[1], params[2]])?;
            [a, b, params[3] as i32, params[4] as i32]
        }
        (Layout::Rows | Layout::Columns, _) => [0, 1, 2, 3].map(|k| params[k] as i32),
    };
    let multipliers = &params[params.len() - 4..];
    for (row, (bias, m)) in rows.iter_mut().zip(biases.into_iter().zip(multipliers)) {
        (row.bias, row.multiplier) = (bias, *m as i32);
    }
    let mut bytes = weights.iter().flat_map(|w| w.to_le_bytes());
    match (layout, split) {
        (Layout::Pairs, None) => {
            for (block, w) in weights.as_chunks::<4>().0.iter().enumerate() {
                let c = 4 * block;
                for (word, (pair, c)) in w.iter().zip([(0, c), (2, c), (0, c + 2), (2, c + 2)]) {
                    part(&mut rows, *word, pair, c)?;
                }
            }
        }
        (Layout::Pairs, Some(x)) => {
            for (block, [a, b, last]) in weights.as_chunks::<3>().0.iter().enumerate() {
                let c = 4 * block;
                part(&mut rows, *a, 0, c)?;
                part(&mut rows, *b, 0, c + 2)?;
                let row = if c < x { 2 } else { 3 };
                for (w, c) in last.to_le_bytes().into_iter().zip([c, c + 2, c + 1, c + 3]) {
                    rows[row].w[c] = w as i8;
                }
            }
        }
        (Layout::Rows, split) => {
            for (row, range) in rows.iter_mut().zip(ranges(columns, split)) {
                for w in &mut row.w[range] {
                    *w = bytes.next()? as i8;
                }
            }
        }
        (Layout::Columns, split) => {
            for c in 0..columns {
                for k in (0..4).filter(|k| has(split, *k, c)) {
                    rows[k].w[c] = (i32::from(bytes.next()?) - OFFSET) as i8;
                }
            }
        }
    }
    Some(rows)
}

/// Whether row `k` has column `c`.
fn has(split: Option<usize>, k: usize, c: usize) -> bool {
    match (split, k) {
        (Some(x), 2) => c < x,
        (Some(x), 3) => c >= x,
        _ => true,
    }
}

/// Columns of each row.
fn ranges(columns: usize, split: Option<usize>) -> [std::ops::Range<usize>; 4] {
    match split {
        None => [0, 1, 2, 3].map(|_| 0..columns),
        Some(x) => [0..columns, 0..columns, 0..x, x..columns],
    }
}

/// Columns c and c + 1 of two rows.
fn lanes(lo: &Row, hi: &Row, c: usize) -> u32 {
    u32::from(pack_pair(lo.w[c], hi.w[c])) | u32::from(pack_pair(lo.w[c + 1], hi.w[c + 1])) << 16
}

/// The weights of a word of lanes.
fn part(rows: &mut [Row; 4], word: u32, pair: usize, c: usize) -> Option<()> {
    for (lane, c) in [(word as u16, c), ((word >> 16) as u16, c + 1)] {
        (rows[pair].w[c], rows[pair + 1].w[c]) = unpack_pair(lane)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Numbers;

    #[test]
    fn every_layout_gives_the_rows_back() {
        let mut numbers = Numbers(1);
        for split in [None, Some(8), Some(4)] {
            let columns = 20;
            let rows: [Row; 4] = std::array::from_fn(|k| Row {
                w: (0..columns).map(|c| if has(split, k, c) { numbers.between(-127, 127) as i8 } else { 0 }).collect(),
                bias: numbers.between(-(1 << 30), 1 << 30) as i32,
                multiplier: numbers.between(0, 1 << 30) as i32,
            });
            for layout in Layout::ALL {
                let (mut params, mut weights) = (Vec::new(), Vec::new());
                pack(layout, split, &rows, &mut params, &mut weights);
                let per_pass = if split.is_some() { layout.split_params() } else { layout.rows_params() };
                assert_eq!(params.len(), per_pass);
                assert_eq!(weights.len(), if split.is_some() { columns / 4 * 3 } else { columns });
                assert_eq!(unpack(layout, split, columns, &params, &weights).unwrap(), rows, "{layout:?}");
            }
        }
    }
}
