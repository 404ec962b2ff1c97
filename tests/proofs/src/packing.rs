//! What the loader accepts as packed weights: exactly the words that a writer writes.

use crate::domain::{Effort, Found, counted, on_all, pieces};
use crate::{Outcome, Proof};
use elman::kernel::{Layout, Packing, RowBlock};
use std::ops::Range;

/// The proofs of this module.
pub const PROOFS: &[Proof] = &[Proof {
    name: "packed-weights",
    claim: "of the values of each half of a word of weights the loader accepts exactly those that stand for weights in range, each for other ones, in every format, layout and kind of row block; and of the 2^32 values of the first word of four rows, in pairs, those whose halves it accepts",
    check: |effort| packed(effort, |packing, block, words| packing.is_packed(block, words)),
    // A half whose fields are all 0, the weight below the least, is accepted.
    control: |effort| {
        packed(effort, |packing, block, words| {
            let zero = words.iter().any(|w| w & 0xffff == 0 || w >> 16 == 0);
            packing.is_packed(block, words) || zero
        })
    },
}];

/// A word of a row block.
#[derive(Clone, Copy, Debug)]
struct Place {
    packing: Packing,
    block: RowBlock,
    word: usize,
}

impl Place {
    /// All places in small row blocks of each kind.
    fn all() -> Vec<Place> {
        let mut places = Vec::new();
        for packing in Packing::all() {
            for block in [RowBlock::Rows { columns: 8 }, RowBlock::Split { x: 4, h: 8 }, RowBlock::Table { units: 8 }] {
                places.extend((0..packing.weight_words(block)).map(|word| Place { packing, block, word }));
            }
        }
        places
    }

    /// The words of weights that `weight` gives.
    fn pack(&self, weight: impl FnMut(usize, usize) -> i8) -> Vec<u32> {
        let mut words = vec![0; self.packing.weight_words(self.block)];
        self.packing.pack(self.block, weight, &mut words);
        words
    }

    /// Whether it has four rows over one vector.
    fn is_rows(&self) -> bool {
        matches!(self.block, RowBlock::Rows { .. })
    }

    /// How many weights each half of the word has.
    fn weights(&self) -> [u32; 2] {
        let zero = self.pack(|_, _| 0);
        let mut count = [0; 2];
        for row in 0..self.block.rows() {
            for column in self.block.columns(row) {
                let one = self.pack(|r, c| i8::from((r, c) == (row, column)));
                let changed = one[self.word] ^ zero[self.word];
                count[0] += u32::from(changed & 0xffff != 0);
                count[1] += u32::from(changed >> 16 != 0);
            }
        }
        count
    }
}

type IsPacked<'a> = &'a (dyn Fn(Packing, RowBlock, &[u32]) -> bool + Sync);

fn packed(effort: Effort, is_packed: impl Fn(Packing, RowBlock, &[u32]) -> bool + Sync) -> Outcome {
    let mut places = Place::all();
    if effort == Effort::Short {
        places.retain(|place| place.word == 0);
    }
    counted(on_all(&places, |place| one(effort, place, &is_packed)))
}

/// Halves one by one with each accepted value written again; then both together.
fn one(effort: Effort, place: &Place, is_packed: IsPacked<'_>) -> Result<Found, String> {
    let zero = place.pack(|_, _| 0);
    let max = place.packing.format.max();
    let wrong = |what: &str, word: u32| Err(format!("{place:?}: {what} {word:#010x}"));
    let mut accepted = [vec![false; 1 << 16], vec![false; 1 << 16]];
    for (half, weights) in place.weights().into_iter().enumerate() {
        let mut count = 0;
        for value in 0..1u32 << 16 {
            let mut words = zero.clone();
            words[place.word] = words[place.word] & !(0xffff << (16 * half)) | value << (16 * half);
            if !is_packed(place.packing, place.block, &words) {
                continue;
            }
            let mut of = [[0i8; 16]; 4];
            place.packing.for_each(place.block, &words, |row, column, w| of[row][column] = w);
            let in_range = of.iter().flatten().all(|w| (-max..=max).contains(w));
            if !in_range || place.pack(|row, column| of[row][column]) != words {
                return wrong("accepted, but never written:", words[place.word]);
            }
            accepted[half][value as usize] = true;
            count += 1;
        }
        if count != (2 * u32::from(max.unsigned_abs()) + 1).pow(weights) {
            return Err(format!("{place:?}: {count} values of half {half} are accepted, which has {weights} weights"));
        }
    }
    // The first word in full, where there is time.
    let halves: Vec<Range<i64>> = match effort {
        Effort::All if place.word == 0 && place.packing.layout == Layout::Pairs && place.is_rows() => {
            pieces(0..1 << 16, 1 << 16)
        }
        _ => vec![0..2, (1 << 15) - 1..(1 << 15) + 1, (1 << 16) - 2..1 << 16],
    };
    let mut words = zero;
    let mut inputs = 1 << 17;
    for high in halves.into_iter().flatten() {
        for low in 0..1u32 << 16 {
            words[place.word] = (high as u32) << 16 | low;
            let both = accepted[0][low as usize] && accepted[1][high as usize];
            if is_packed(place.packing, place.block, &words) != both {
                return wrong("the loader does not take the halves one by one:", words[place.word]);
            }
            inputs += 1;
        }
    }
    Ok(Found { inputs, ..Found::default() })
}
