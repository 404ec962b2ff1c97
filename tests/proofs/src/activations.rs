//! Tanh and sigmoid over all pre-activations and all cell states: the published equation of docs/numerics.md with the published numbers of
//! docs/tables.md, computed here in 64 bits; error, monotony, oddness.

use crate::domain::{Effort, Found, grouped, on_all, words};
use crate::{Outcome, Proof};
use elman::arith::{Activation, Arith, Pre, Q};
use std::ops::Range;
use std::sync::LazyLock;

/// The proofs of this module.
pub const PROOFS: &[Proof] = &[
    Proof {
        name: "tanh",
        claim: "tanh of every pre-activation is the published equation, at most 0.20 LSB of Q0.15 off, monotone and odd; every index is in the table",
        check: |effort| tanh(effort, core_tanh),
        // One cell's slope is one too steep.
        control: |effort| tanh(effort, |z| core_tanh(z) + i32::from(z >> 12 == 3 && z & 0xfff > 0xff0) * 4096),
    },
    Proof {
        name: "sigmoid",
        claim: "sigma of every pre-activation is the published equation, at most 0.10 LSB of Q0.15 off, monotone, from 0 to below 1; every index is in the table",
        check: |effort| sigmoid(effort, core_sigmoid),
        // The index is masked where it should saturate.
        control: |effort| sigmoid(effort, |z| half(cell(&TABLE, ((z >> 13) + 128) as u8 as i64, z << 3))),
    },
    Proof {
        name: "tanh-of-state",
        claim: "tanh of a cell state is that of its magnitude rounded down to Q15.16, with its sign: of 17 fraction bits every state, of 18 to 27 the ends of every magnitude",
        check: |effort| {
            tanh_of_states(effort, |c, frac| Q { carried_frac: frac, out_frac: 15 }.tanh_carried(c).to_bits())
        },
        // The magnitude of -2^31 is taken as a number with a sign.
        control: |effort| {
            tanh_of_states(effort, |c, frac| {
                let u = c.wrapping_abs() >> (frac - 16);
                core_tanh(if c < 0 { u.wrapping_neg() } else { u })
            })
        },
    },
];

type Table = [[i64; 2]; 256];

/// 40 in Q15.16. Beyond it the exact functions are 1 and 0 to the last bit of an f64; every 65,536th number is compared with them.
const NEAR: u32 = 40 << 16;

/// (a, w) of each piece, from the page that publishes them.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let page = include_str!("../../../docs/tables.md");
    let lines = page.split("<!-- activation -->").nth(1).unwrap_or_default().lines().skip(1);
    let lines = lines.skip_while(|l| l.starts_with("```")).take_while(|l| !l.starts_with("```"));
    let numbers = |l: &str| -> Option<[i64; 2]> {
        let (a, w) = l.split_once(": ")?.1.split_once(' ')?;
        Some([a.parse().ok()?, w.parse().ok()?])
    };
    let cells: Vec<[i64; 2]> = lines.filter_map(numbers).collect();
    cells.try_into().expect("256 pieces")
});

fn core_tanh(z: i32) -> i32 {
    elman::arith::tanh(Pre::from_bits(z)).to_bits()
}

fn core_sigmoid(z: i32) -> i32 {
    elman::arith::sigmoid(Pre::from_bits(z)).to_bits()
}

/// P(k, t) of docs/numerics.md, t from the low 16 bits of `position`.
#[inline(always)]
fn cell(table: &Table, k: i64, position: i32) -> i64 {
    let [a, w] = table[k as usize];
    let t = i64::from(position & 0xffff) - 32_768;
    a + ((((w + t * i64::from(w as i16)) * t) >> 16) >> 3)
}

/// 2^30 + (p >> 1)
fn half(p: i64) -> i32 {
    ((1 << 30) + (p >> 1)) as i32
}

/// The equation of tanh for a magnitude.
#[inline(always)]
fn of_magnitude(table: &Table, u: u32) -> i64 {
    cell(table, i64::from(u >> 12).min(127) + 128, (u << 4) as i32)
}

/// |y - exact| in LSB of Q0.15; 1 stands for what is beyond 20.
fn off(y: i32, exact: f64) -> f64 {
    (f64::from(y) / 65_536.0 - exact * 32_768.0).abs()
}

fn tanh(effort: Effort, f: impl Fn(i32) -> i32 + Sync) -> Outcome {
    let q = Q { carried_frac: 0, out_frac: 15 };
    let table = &*TABLE;
    let check = |range: &Range<i64>| {
        let mut last = i32::MIN;
        let mut worst = [0f64; 2];
        for z in range.clone() {
            let z = z as i32;
            let y = f(z);
            let of = if z == i32::MIN { z + 1 } else { z };
            let equation = of_magnitude(table, of.unsigned_abs()) as i32 * if of < 0 { -1 } else { 1 };
            if y != equation || y < last || y != -f(-of) {
                return Err(format!("z = {z}: {y}, equation {equation}, the one before {last}"));
            }
            last = y;
            // Beyond, the number before and after is the same, and so is the error.
            if of.unsigned_abs() > NEAR && z.unsigned_abs() & 0xffff != 0 {
                continue;
            }
            let x = f64::from(of) / 65_536.0;
            let exact = if x.abs() > 20.0 { x.signum() } else { x.tanh() };
            worst[0] = worst[0].max(off(y, exact));
            let rounded = q.activate(Activation::Tanh, Pre::from_bits(of));
            worst[1] = worst[1].max((f64::from(rounded) - exact * 32_768.0).abs());
        }
        Ok(Found { inputs: range.clone().count() as u64, worst })
    };
    errors(on_all(&overlapping(effort), check), [0.20, 1.0])
}

fn sigmoid(effort: Effort, f: impl Fn(i32) -> i32 + Sync) -> Outcome {
    let q = Q { carried_frac: 0, out_frac: 15 };
    let table = &*TABLE;
    let check = |range: &Range<i64>| {
        let mut last = 0;
        let mut worst = [0f64; 2];
        for z in range.clone() {
            let z = z as i32;
            let y = f(z);
            let equation = half(cell(table, (i64::from(z >> 13) + 128).clamp(0, 255), z << 3));
            if y != equation || y < last {
                return Err(format!("z = {z}: {y}, equation {equation}, the one before {last}"));
            }
            last = y;
            if z.unsigned_abs() > NEAR && z.unsigned_abs() & 0xffff != 0 {
                continue;
            }
            let x = f64::from(z) / 65_536.0;
            let exact = if x.abs() > 40.0 { f64::from(x > 0.0) } else { 1.0 / (1.0 + (-x).exp()) };
            worst[0] = worst[0].max(off(y, exact));
            let rounded = q.activate(Activation::Sigmoid, Pre::from_bits(z));
            worst[1] = worst[1].max((f64::from(rounded) - exact * 32_768.0).abs());
        }
        Ok(Found { inputs: range.clone().count() as u64, worst })
    };
    errors(on_all(&overlapping(effort), check), [0.10, 1.0])
}

/// Pieces that each begin with the last number of the one before, so that monotony holds across them.
fn overlapping(effort: Effort) -> Vec<Range<i64>> {
    let least = i64::from(i32::MIN);
    words(effort).into_iter().map(|r| least.max(r.start - 1)..r.end).collect()
}

fn errors(found: Result<Found, String>, most: [f64; 2]) -> Outcome {
    let Found { inputs, worst } = found?;
    if worst[0] > most[0] || worst[1] > most[1] {
        return Err(format!("errors {worst:?} LSB of Q0.15, more than {most:?}"));
    }
    Ok(format!(
        "{} inputs; worst error {:.4} LSB of Q0.15, {:.4} once rounded to it",
        grouped(inputs),
        worst[0],
        worst[1]
    ))
}

/// Each state in the formats of 17 to 27 fraction bits.
fn tanh_of_states(effort: Effort, f: impl Fn(i32, u8) -> i32 + Sync) -> Outcome {
    let formats = 17..=27u8;
    let pieces: Vec<(u8, Range<i64>)> =
        formats.flat_map(|frac| words(effort).into_iter().map(move |r| (frac, r))).collect();
    let table = &*TABLE;
    let one = |c: i32, frac: u8| {
        let y = of_magnitude(table, c.unsigned_abs() >> (frac - 16)) as i32;
        let equation = if c < 0 { -y } else { y };
        match f(c, frac) {
            y if y == equation => Ok(()),
            y => Err(format!("c = {c} of {frac} fraction bits: {y}, equation {equation}")),
        }
    };
    let check = |(frac, range): &(u8, Range<i64>)| {
        let (mut inputs, step) = (0, 1i64 << (frac - 16));
        if *frac == 17 {
            range.clone().try_for_each(|c| one(c as i32, *frac))?;
            inputs += (range.end - range.start) as u64;
        } else {
            for first in (range.start..range.end).step_by(step as usize) {
                one(first as i32, *frac)?;
                one((first + 1).min(range.end - 1) as i32, *frac)?;
                one((first + step - 1).min(range.end - 1) as i32, *frac)?;
                inputs += 3;
            }
        }
        Ok(Found { inputs, ..Found::default() })
    };
    crate::domain::counted(on_all(&pieces, check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table_is_read_whole() {
        assert_eq!(TABLE.len(), 256);
        assert_eq!(TABLE[0], [-2_147_483_065, 0]);
    }
}
