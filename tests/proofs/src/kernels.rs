//! The plain kernels: every weight times every element at every place of a row block, next to extreme ones.

use crate::domain::{Effort, Found, counted, on_all};
use crate::{Outcome, Proof};
use elman::kernel::word::pair;
use elman::kernel::{Packing, RowBlock, reference};

/// The proofs of this module.
pub const PROOFS: &[Proof] = &[Proof {
    name: "kernels",
    claim: "each weight times each element at each place of a row block is in its row's sum, of no other row's, with all other weights and elements 0 or extreme; the fast kernels of this machine give the same",
    check: |effort| rows(effort, |x| x),
    // The least element is taken for the one above it.
    control: |effort| rows(effort, |x| x.max(-i16::MAX)),
}];

/// Columns of a row block.
const COLUMNS: usize = 8;
/// Words of a vector of x.
const X_WORDS: usize = 2;

/// All other weights, and all other elements.
const OTHERS: [[i32; 2]; 3] = [[0, 0], [1, -32_768], [-1, 32_767]];

/// A run: the place that is enumerated, and what is around it.
#[derive(Clone, Copy, Debug)]
struct Case {
    packing: Packing,
    block: RowBlock,
    column: usize,
    /// Other weights as parts of the largest, other elements.
    others: [i32; 2],
}

fn rows(effort: Effort, element: impl Fn(i16) -> i16 + Sync) -> Outcome {
    let mut cases = Vec::new();
    for packing in Packing::all() {
        for block in [RowBlock::Rows { columns: COLUMNS }, RowBlock::Split { x: 4, h: 4 }] {
            for column in 0..COLUMNS {
                cases.extend(OTHERS.map(|others| Case { packing, block, column, others }));
            }
        }
    }
    counted(on_all(&cases, |case| case.check(effort, &element)))
}

impl Case {
    /// The weight of row block `k` at a place: all weights of the format in turn at the column, in another order in each row.
    fn weight(&self, k: usize, row: usize, column: usize) -> i8 {
        let max = i32::from(self.packing.format.max());
        let w = if column == self.column {
            (k as i32 + 3 * row as i32) % (2 * max + 1) - max
        } else {
            max * self.others[0]
        };
        w as i8
    }

    fn check(&self, effort: Effort, element: &(dyn Fn(i16) -> i16 + Sync)) -> Result<Found, String> {
        let Case { packing, block, .. } = *self;
        let count = 2 * usize::from(packing.format.max().unsigned_abs()) + 1;
        let (words, per_block) = (packing.weight_words(block), packing.param_words(block));
        let (mut weights, mut params) = (vec![0; count * words], vec![0; count * per_block]);
        // The last bit of a sum is lost in its product: every second row block has a bias of one more.
        let bias = |k: usize, row: usize| 1000 * row as i32 + (k % 2) as i32;
        let blocks = weights.chunks_exact_mut(words).zip(params.chunks_exact_mut(per_block)).enumerate();
        for (k, (weights, params)) in blocks {
            packing.pack(block, |row, column| self.weight(k, row, column), weights);
            packing.pack_params(block, [0, 1, 2, 3].map(|row| bias(k, row)), [i32::MAX; 4], params);
        }
        // What a sum is without the place.
        let columns = |row: usize| block.columns(row).filter(|c| *c != self.column).count() as i64;
        let unit = i64::from(packing.format.unit());
        let other = i64::from(packing.format.max()) * i64::from(self.others[0]) * i64::from(self.others[1]);
        let elements: Box<dyn Iterator<Item = i16>> = match effort {
            Effort::All => Box::new(i16::MIN..=i16::MAX),
            Effort::Short => Box::new((i16::MIN..=i16::MAX).step_by(4369).chain([i16::MAX, -1, 0, 1])),
        };
        let (mut fast, mut plain) = (vec![[0; 4]; count], vec![[0; 4]; count]);
        let mut inputs = 0;
        for x in elements {
            let at = |c: usize| if c == self.column { element(x) } else { self.others[1] as i16 };
            let vector: Vec<u32> = (0..COLUMNS / 2).map(|k| pair(at(2 * k), at(2 * k + 1))).collect();
            self.run(&weights, &params, &vector, &mut fast, &mut plain);
            for (k, (fast, plain)) in fast.iter().zip(&plain).enumerate() {
                for row in 0..4 {
                    let there = block.columns(row).contains(&self.column);
                    let product = if there { i64::from(self.weight(k, row, self.column)) * i64::from(x) } else { 0 };
                    let sum = i64::from(bias(k, row)) + unit * (product + columns(row) * other);
                    let pre = (sum * i64::from(i32::MAX) + (1 << 31)) >> 32;
                    if [plain[row], fast[row]].map(i64::from) != [pre; 2] {
                        return Err(format!(
                            "{self:?}, x = {x}, row {row}: {} and {}, equation {pre}",
                            plain[row], fast[row]
                        ));
                    }
                }
                inputs += 4;
            }
        }
        Ok(Found { inputs, ..Found::default() })
    }

    /// The kernels of this machine, and the plain ones.
    fn run(&self, weights: &[u32], params: &[u32], x: &[u32], fast: &mut [[i32; 4]], plain: &mut [[i32; 4]]) {
        let Case { packing, block, .. } = *self;
        let keep = |to: &mut [i32; 4], pre| *to = pre;
        if let RowBlock::Split { .. } = block {
            elman::kernel::split(packing, weights, params, x, X_WORDS, fast.iter_mut(), keep);
            reference::split(packing, weights, params, x, X_WORDS, plain.iter_mut(), keep);
        } else {
            elman::kernel::rows(packing, weights, params, x, fast.iter_mut(), keep);
            reference::rows(packing, weights, params, x, plain.iter_mut(), keep);
        }
    }
}
