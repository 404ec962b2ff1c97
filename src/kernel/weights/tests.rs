//! Every format in every layout: packing there and back, what the loader proves, and kernels against plain sums.

use super::*;
use crate::kernel::word::mul_high;
use std::vec::Vec;

/// Seeded numbers, extreme ones often among them.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn weight(&mut self, max: i8) -> i8 {
        match self.next() % 8 {
            0 => max,
            1 => -max,
            _ => ((self.next() % (2 * max as u32 + 1)) as i32 - max as i32) as i8,
        }
    }

    fn element(&mut self) -> i16 {
        match self.next() % 8 {
            0 => i16::MIN,
            1 => i16::MAX,
            _ => self.next() as i16,
        }
    }
}

/// A row block of random numbers, and the same packed.
struct Case {
    packing: Packing,
    block: RowBlock,
    rows: Vec<Vec<i8>>,
    biases: [i32; 4],
    multipliers: [i32; 4],
    params: Vec<u32>,
    weights: Vec<u32>,
}

impl Case {
    fn new(random: &mut Random, packing: Packing, block: RowBlock) -> Self {
        let mut rows = vec![vec![0i8; block.width()]; block.rows()];
        for (k, row) in rows.iter_mut().enumerate() {
            row[block.columns(k)].fill_with(|| random.weight(packing.format.max()));
        }
        let biases = [0; 4].map(|_| random.next() as i32 >> 6);
        let multipliers = [0; 4].map(|_| (random.next() >> 1) as i32);
        let mut params = vec![0; packing.param_words(block)];
        packing.pack_params(block, biases, multipliers, &mut params);
        let weights = pack(packing, block, &rows);
        Case { packing, block, rows, biases, multipliers, params, weights }
    }

    /// b + u Σ w·x of a row over the vector, requantized.
    fn pre(&self, row: usize, x: &[i16]) -> i32 {
        let products = self.rows[row].iter().zip(x).map(|(w, x)| i64::from(*w) * i64::from(*x));
        let sum = i64::from(self.biases[row]) + products.sum::<i64>() * i64::from(self.packing.format.unit());
        mul_high(i32::try_from(sum).unwrap(), self.multipliers[row])
    }
}

fn pack(packing: Packing, block: RowBlock, rows: &[Vec<i8>]) -> Vec<u32> {
    let mut words = vec![0; packing.weight_words(block)];
    packing.pack(block, |row, column| rows[row][column], &mut words);
    words
}

/// The rows in `words`, 0 in columns that a row does not have.
fn unpack(packing: Packing, block: RowBlock, words: &[u32]) -> Vec<Vec<i8>> {
    let mut rows = vec![vec![0; block.width()]; block.rows()];
    packing.for_each(block, words, |row, column, w| rows[row][column] = w);
    rows
}

/// Row blocks of four rows over vectors of several widths, and rows of tables.
fn blocks() -> impl Iterator<Item = RowBlock> {
    let rows = [4, 8, 20, 36, 100, 164].map(|columns| RowBlock::Rows { columns });
    let split =
        [(4, 4), (4, 12), (8, 4), (20, 16), (12, 64), (40, 100), (68, 36)].map(|(x, h)| RowBlock::Split { x, h });
    let tables = [1, 4, 7, 33].map(|units| RowBlock::Table { units });
    rows.into_iter().chain(split).chain(tables)
}

fn cases(seed: u64) -> impl Iterator<Item = Case> {
    let mut random = Random(seed);
    let all = Packing::all().flat_map(|packing| blocks().map(move |block| (packing, block)));
    all.map(move |(packing, block)| Case::new(&mut random, packing, block))
}

#[test]
fn formats_have_numbers_and_names_of_their_own() {
    for (k, format) in WeightFormat::ALL.iter().enumerate() {
        assert_eq!(WeightFormat::of(*format as u8), Some(*format));
        assert_eq!(WeightFormat::named(format.name()), Some(*format));
        assert_eq!(WeightFormat::ALL.iter().position(|f| f.name() == format.name()), Some(k));
        assert_eq!(WeightFormat::ALL.iter().position(|f| *f as u8 == *format as u8), Some(k));
        assert!(format.max() > 0 && (format.max() as u32) < 1 << (format.bits() - 1));
        assert!(format.max().checked_mul(format.unit()).is_some() && (format.unit() as u32).is_power_of_two());
        for spec in crate::layer::all() {
            assert_eq!(WeightFormat::of_tag(format.tag(spec.tag)), Some((*format, spec.tag)));
        }
    }
    assert_eq!(WeightFormat::default() as u8, 0);
    assert_eq!(WeightFormat::of_tag(u8::MAX).is_some(), WeightFormat::of(3).is_some());
}

#[test]
fn every_weight_is_visited_once_and_comes_back() {
    for case in cases(1) {
        let Case { packing, block, .. } = case;
        let mut visits = vec![vec![0; block.width()]; block.rows()];
        packing.for_each(block, &case.weights, |row, column, _| visits[row][column] += 1);
        for (row, visits) in visits.iter().enumerate() {
            let columns = block.columns(row);
            let once = |(column, n): (usize, &i32)| *n == i32::from(columns.contains(&column));
            assert!(visits.iter().enumerate().all(once), "{packing:?} {block:?}");
        }
        assert!(packing.is_packed(block, &case.weights));
        assert_eq!(unpack(packing, block, &case.weights), case.rows, "{packing:?} {block:?}");
        let magnitudes = packing.magnitudes(block, &case.weights);
        for (row, magnitude) in case.rows.iter().zip(magnitudes) {
            let unit = packing.format.unit() as u32;
            assert_eq!(magnitude, row.iter().map(|w| unit * u32::from(w.unsigned_abs())).sum::<u32>());
        }
    }
}

#[test]
fn words_that_are_not_packed_are_rejected() {
    let mut random = Random(2);
    for case in cases(3) {
        let Case { packing, block, weights, .. } = case;
        let max = packing.format.max().unsigned_abs();
        for _ in 0..2000 {
            let mut words = weights.clone();
            let k = random.next() as usize % words.len();
            words[k] = match random.next() % 4 {
                0 => random.next(),
                1 => words[k] ^ 1 << (random.next() % 32),
                2 => words[k] & !(0xff << (random.next() % 25)),
                _ => words[k] & !(0xff << (random.next() % 4 * 8)) | 0x80 << (random.next() % 4 * 8),
            };
            let rows = unpack(packing, block, &words);
            let valid = rows.iter().flatten().all(|w| w.unsigned_abs() <= max) && pack(packing, block, &rows) == words;
            assert_eq!(packing.is_packed(block, &words), valid, "{packing:?} {block:?} {:08x}", words[k]);
        }
    }
}

#[test]
fn parameters_come_back() {
    for case in cases(4) {
        let Case { packing, block, biases, multipliers, mut params, .. } = case;
        if let RowBlock::Table { .. } = block {
            assert_eq!(params, [multipliers[0] as u32]);
            continue;
        }
        assert_eq!(packing.biases(block, &params), Some(biases), "{packing:?} {block:?}");
        assert!(params.iter().rev().zip(multipliers.iter().rev()).all(|(p, m)| *p == *m as u32));
        assert_eq!(packing.biases(block, &params[..3]), None);
        let extreme = [i32::MIN, i32::MAX, -1, i32::MIN];
        packing.pack_params(block, extreme, multipliers, &mut params);
        assert_eq!(packing.biases(block, &params), Some(extreme));
    }
}

/// The reference against sums of 64 bits over the plain rows, and the kernels of this build against the reference.
#[test]
fn kernels_are_sums_over_rows() {
    let mut random = Random(5);
    for case in cases(6) {
        let Case { packing, block, params, weights, .. } = &case;
        let (packing, block) = (*packing, *block);
        let x: Vec<i16> = (0..block.width()).map(|_| random.element()).collect();
        let words: Vec<u32> = x.as_chunks::<2>().0.iter().map(|[a, b]| crate::kernel::word::pair(*a, *b)).collect();
        let (mut kernel, mut reference_) = ([0; 4], [0; 4]);
        let (params, weights) = (&params[..], &weights[..]);
        match block {
            RowBlock::Rows { .. } => {
                rows(packing, weights, params, &words, [()].into_iter(), |(), pre| kernel = pre);
                reference::rows(packing, weights, params, &words, [()].into_iter(), |(), pre| reference_ = pre);
            }
            RowBlock::Split { x, .. } => {
                split(packing, weights, params, &words, x / 2, [()].into_iter(), |(), pre| kernel = pre);
                reference::split(packing, weights, params, &words, x / 2, [()].into_iter(), |(), pre| reference_ = pre);
            }
            RowBlock::Table { units } => {
                let mut row = vec![0; units];
                packing.table_row(weights, row.iter_mut(), |to, w| *to = w);
                let wanted: Vec<i8> = case.rows[0][..units].iter().map(|w| w * packing.format.unit()).collect();
                assert_eq!(row, wanted, "{packing:?}");
                continue;
            }
        }
        assert_eq!(reference_, [0, 1, 2, 3].map(|row| case.pre(row, &x)), "{packing:?} {block:?}");
        assert_eq!(kernel, reference_, "{packing:?} {block:?}");
    }
}

/// Many row blocks are taken one after the other, and none where there is nothing to take them over.
#[test]
fn row_blocks_follow_each_other() {
    let mut random = Random(7);
    for packing in Packing::all() {
        for block in [RowBlock::Rows { columns: 8 }, RowBlock::Split { x: 4, h: 8 }] {
            let cases: Vec<Case> = (0..5).map(|_| Case::new(&mut random, packing, block)).collect();
            let params: Vec<u32> = cases.iter().flat_map(|c| c.params.clone()).collect();
            let weights: Vec<u32> = cases.iter().flat_map(|c| c.weights.clone()).collect();
            let x: Vec<i16> = (0..block.width()).map(|_| random.element()).collect();
            let words: Vec<u32> = x.as_chunks::<2>().0.iter().map(|[a, b]| crate::kernel::word::pair(*a, *b)).collect();
            let run = |x: &[u32], units: usize| {
                let mut all = Vec::new();
                match block {
                    RowBlock::Split { x: columns, .. } => {
                        split(packing, &weights, &params, x, columns / 2, 0..units, |k, pre| all.push((k, pre)))
                    }
                    _ => rows(packing, &weights, &params, x, 0..units, |k, pre| all.push((k, pre))),
                }
                all
            };
            let wanted: Vec<_> = cases.iter().map(|c| [0, 1, 2, 3].map(|row| c.pre(row, &x))).enumerate().collect();
            assert_eq!(run(&words, 9), wanted, "{packing:?}");
            assert_eq!(run(&words, 3), wanted[..3]);
            assert_eq!(run(&[], 9), []);
        }
    }
}

#[test]
fn the_bound_of_the_accumulator_is_exact() {
    assert!(!accumulator_overflows(65_535, 32_767));
    assert!(accumulator_overflows(65_535, 32_768) && accumulator_overflows(65_535, -32_768));
    assert!(
        accumulator_overflows(65_536, 0) && accumulator_overflows(0, i32::MIN) && !accumulator_overflows(0, i32::MAX)
    );
}
