//! Row blocks to and from the words of a blob, in every weight format and layout.

use elman::kernel::{Packing, RowBlock};

/// A row over the padded `[x; h]`, 0 in columns that it does not have; or a row of a table, without a bias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) w: Vec<i8>,
    pub(super) bias: i32,
    pub(super) multiplier: i32,
}

impl Row {
    /// A row of zeros.
    fn zero(columns: usize) -> Self {
        Row { w: vec![0; columns], bias: 0, multiplier: 0 }
    }
}

/// Appends the parameters and weights of a row block; rows that it has beyond `rows` are 0.
pub(super) fn pack(packing: Packing, block: RowBlock, rows: &[Row], params: &mut Vec<u32>, weights: &mut Vec<u32>) {
    let of = |number: fn(&Row) -> i32| [0, 1, 2, 3].map(|k| rows.get(k).map_or(0, number));
    let weight = |row: usize, column: usize| rows.get(row).and_then(|r| r.w.get(column)).copied().unwrap_or(0);
    let (first, at) = (params.len(), weights.len());
    params.resize(first + packing.param_words(block), 0);
    packing.pack_params(block, of(|r| r.bias), of(|r| r.multiplier), &mut params[first..]);
    weights.resize(at + packing.weight_words(block), 0);
    packing.pack(block, weight, &mut weights[at..]);
}

/// The rows of a row block that [`pack`] packed.
pub(super) fn unpack(packing: Packing, block: RowBlock, params: &[u32], weights: &[u32]) -> Option<Vec<Row>> {
    let mut rows = vec![Row::zero(block.width()); block.rows()];
    packing.for_each(block, weights, |row, column, w| rows[row].w[column] = w);
    let multipliers = &params[params.len() - rows.len()..];
    rows.iter_mut().zip(multipliers).for_each(|(row, m)| row.multiplier = *m as i32);
    if !matches!(block, RowBlock::Table { .. }) {
        let biases = packing.biases(block, params)?;
        rows.iter_mut().zip(biases).for_each(|(row, bias)| row.bias = bias);
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Numbers;

    #[test]
    fn every_packing_gives_the_rows_back() {
        let mut numbers = Numbers(1);
        let blocks = [
            RowBlock::Rows { columns: 20 },
            RowBlock::Split { x: 8, h: 12 },
            RowBlock::Split { x: 4, h: 16 },
            RowBlock::Table { units: 9 },
        ];
        for (packing, block) in Packing::all().flat_map(|packing| blocks.map(|block| (packing, block))) {
            let max = i64::from(packing.format.max());
            let table = matches!(block, RowBlock::Table { .. });
            let rows: Vec<Row> = (0..block.rows())
                .map(|row| {
                    let mut w = vec![0; block.width()];
                    w[block.columns(row)].fill_with(|| numbers.between(-max, max) as i8);
                    let bias = if table { 0 } else { numbers.between(-(1 << 30), 1 << 30) as i32 };
                    Row { w, bias, multiplier: numbers.between(0, 1 << 30) as i32 }
                })
                .collect();
            let (mut params, mut weights) = (vec![7], vec![8, 9]);
            pack(packing, block, &rows, &mut params, &mut weights);
            let (params, weights) = (&params[1..], &weights[2..]);
            assert_eq!((params.len(), weights.len()), (packing.param_words(block), packing.weight_words(block)));
            assert_eq!(unpack(packing, block, params, weights).unwrap(), rows, "{packing:?} {block:?}");
        }
    }
}
