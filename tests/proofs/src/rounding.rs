//! Rounding, saturating and changes of format over all inputs.

use crate::domain::{Effort, Found, counted, on_all, words};
use crate::{Outcome, Proof};
use elman::arith::{reformat, round_shift, round_shift_31};
use elman::scaling::{Channel, MIN_MULTIPLIER};
use std::ops::Range;

/// The proofs of this module.
pub const PROOFS: &[Proof] = &[
    Proof {
        name: "round-shift",
        claim: "R(v, n) = min(v + 2^(n-1), 2^31 - 1) >> n for every v and every n from 1 to 31",
        // Both where both may be called.
        check: |effort| {
            rounds(effort, |v, n| {
                let r = round_shift_31(v, n);
                if n == 31 || round_shift(v, n) == r { r } else { i32::MIN }
            })
        },
        // Wraps at the upper end.
        control: |effort| rounds(effort, |v, n| v.wrapping_add(1 << (n - 1)) >> n),
    },
    Proof {
        name: "reformat",
        claim: "a number of 16 bits in any other format is the nearest one, half up, or the nearest end",
        check: |_| formats(reformat),
        // Rounds half down.
        control: |_| {
            formats(|v, from, to| {
                if from > to {
                    ((i32::from(v) + (1 << (from - to)) / 2 - 1) >> (from - to)) as i16
                } else {
                    reformat(v, from, to)
                }
            })
        },
    },
    Proof {
        name: "sensor-reading",
        claim: "every reading of 32 bits in channels of least and largest numbers is the equation, saturated once",
        check: |effort| readings(effort, |c, raw| c.quantize(raw)),
        // The difference wraps.
        control: |effort| readings(effort, |c, raw| Channel { offset: 0, ..*c }.quantize(raw.wrapping_sub(c.offset))),
    },
];

fn rounds(effort: Effort, f: impl Fn(i32, u32) -> i32 + Sync) -> Outcome {
    let pieces: Vec<(u32, Range<i64>)> =
        (1..=31).flat_map(|n| words(effort).into_iter().map(move |r| (n, r))).collect();
    let check = |(n, range): &(u32, Range<i64>)| {
        for v in range.clone() {
            let equation = (v + (1 << (n - 1))).min(i64::from(i32::MAX)) >> n;
            if i64::from(f(v as i32, *n)) != equation {
                return Err(format!("R({v}, {n}) = {}, equation {equation}", f(v as i32, *n)));
            }
        }
        Ok(Found { inputs: range.clone().count() as u64, ..Found::default() })
    };
    counted(on_all(&pieces, check))
}

fn formats(f: impl Fn(i16, u8, u8) -> i16 + Sync) -> Outcome {
    let pairs: Vec<(u8, u8)> = (0..=15).flat_map(|from| (0..=15).map(move |to| (from, to))).collect();
    let check = |&(from, to): &(u8, u8)| {
        for v in i16::MIN..=i16::MAX {
            // In units of 2^-30, so that nothing is lost.
            let wide = i64::from(v) << (30 - from);
            let step = 1i64 << (30 - to);
            let equation = (wide + step / 2).div_euclid(step).clamp(i16::MIN.into(), i16::MAX.into());
            if i64::from(f(v, from, to)) != equation {
                return Err(format!("{v} from {from} to {to} bits: {}, equation {equation}", f(v, from, to)));
            }
        }
        Ok(Found { inputs: 1 << 16, ..Found::default() })
    };
    counted(on_all(&pairs, check))
}

fn readings(effort: Effort, f: impl Fn(&Channel, i32) -> (i16, bool) + Sync) -> Outcome {
    let mut pieces = Vec::new();
    for offset in [i32::MIN, 101_325, i32::MAX] {
        for (multiplier, shift) in [(MIN_MULTIPLIER, 31), (i32::MAX, 0)] {
            let channel = Channel { raw_frac: 0, offset, multiplier, shift };
            pieces.extend(words(effort).into_iter().map(|range| (channel, range)));
        }
    }
    let check = |(channel, range): &(Channel, Range<i64>)| {
        for raw in range.clone() {
            let difference = i128::from(raw - i64::from(channel.offset)) << channel.shift;
            let y = (difference * i128::from(channel.multiplier) + (1 << 31)) >> 32;
            let saturated = y.clamp(i16::MIN.into(), i16::MAX.into());
            if f(channel, raw as i32) != (saturated as i16, saturated != y) {
                return Err(format!("{channel:?} {raw}: {:?}, equation {y}", f(channel, raw as i32)));
            }
        }
        Ok(Found { inputs: range.clone().count() as u64, ..Found::default() })
    };
    counted(on_all(&pieces, check))
}
