//! Softmax over all differences of logits: of two classes in all formats, of three in one.

use crate::domain::{Effort, Found, counted, on_all};
use crate::{Outcome, Proof};
use elman::arith::{softmax, softmax_wide};

/// The proofs of this module.
pub const PROOFS: &[Proof] = &[
    Proof {
        name: "softmax-of-two",
        claim: "two classes, every difference of their logits in each of 16 formats: probabilities sum to 1 within a step, are at most 2 steps off, and fall with the difference",
        check: |_| of_two(softmax),
        // The probabilities are rounded down.
        control: |_| {
            of_two(|logits, frac, p| {
                softmax(logits, frac, p);
                p[1] = p[1].saturating_sub(2 * u16::from(p[0] > 20_000));
            })
        },
    },
    Proof {
        name: "softmax-of-three",
        claim: "three classes, every pair of differences of their logits, 12 fraction bits: probabilities sum to 1 within a step and keep the order",
        check: |effort| of_three(effort, softmax),
        // The sum leaves the third out.
        control: |effort| {
            of_three(effort, |logits, frac, p| {
                softmax(&logits[..2], frac, p);
                p[2] = 0;
            })
        },
    },
    Proof {
        name: "softmax-of-attention",
        claim: "two scores of 32 bits, every difference that is not 0 in the result: probabilities sum to 1 within a step, are at most 1.25 steps off, and fall with the difference",
        check: |effort| of_scores(effort, softmax_wide),
        // Scores are subtracted without a bound, so that a large difference wraps to a small one.
        control: |effort| {
            of_scores(effort, |s| {
                s[1] = s[0].wrapping_sub(s[0].wrapping_sub(s[1]) & 0xf_ffff);
                softmax_wide(s);
            })
        },
    },
];

const ONE: i64 = 1 << 15;

fn of_two(f: impl Fn(&[i16], u8, &mut [u16]) + Sync) -> Outcome {
    let check = |frac: &u8| {
        let mut last = u16::MAX;
        for d in 0..=u16::MAX {
            let (mut p, low) = ([0; 2], (i32::from(i16::MAX) - i32::from(d)) as i16);
            f(&[i16::MAX, low], *frac, &mut p);
            let exact = ONE as f64 / (1.0 + (f64::from(d) / f64::from(1u32 << frac)).exp());
            let sum = i64::from(p[0]) + i64::from(p[1]);
            if (sum - ONE).abs() > 1 || p[1] > last || p[1] > p[0] || (f64::from(p[1]) - exact).abs() > 2.0 {
                return Err(format!("a difference of {d} of {frac} fraction bits: {p:?}, exactly {exact}"));
            }
            last = p[1];
        }
        Ok(Found { inputs: 1 << 16, ..Found::default() })
    };
    counted(on_all(&(0..=15).collect::<Vec<u8>>(), check))
}

fn of_three(effort: Effort, f: impl Fn(&[i16], u8, &mut [u16]) + Sync) -> Outcome {
    let step = if effort == Effort::All { 1 } else { 601 };
    let low = |d: u16| (i32::from(i16::MAX) - i32::from(d)) as i16;
    let check = |a: &u16| {
        let mut inputs = 0;
        for b in (0..=u16::MAX).step_by(step) {
            let mut p = [0; 3];
            f(&[i16::MAX, low(*a), low(b)], 12, &mut p);
            let sum: i64 = p.iter().map(|p| i64::from(*p)).sum();
            let ordered = p[0] >= p[1].max(p[2]) && (p[1] == p[2] || (p[1] > p[2]) == (*a < b));
            if (sum - ONE).abs() > 1 || !ordered {
                return Err(format!("differences {a} and {b}: {p:?}"));
            }
            inputs += 1;
        }
        Ok(Found { inputs, ..Found::default() })
    };
    counted(on_all(&(0..=u16::MAX).step_by(step).collect::<Vec<u16>>(), check))
}

fn of_scores(effort: Effort, f: impl Fn(&mut [u32]) + Sync) -> Outcome {
    let (chunk, step) = (1u32 << 14, if effort == Effort::All { 1 } else { 7 });
    // Beyond 31 nothing is left; some more.
    let chunks: Vec<u32> = (0..(40 << 16) / chunk).map(|k| k * chunk).collect();
    let check = |from: &u32| {
        let (mut last, mut inputs) = (u32::MAX, 0);
        for d in (*from..from + chunk).step_by(step) {
            let mut s = [(1i32 << 29) as u32, ((1i32 << 29) - d as i32) as u32];
            f(&mut s);
            let exact = ONE as f64 / (1.0 + (f64::from(d) / 65_536.0).exp());
            let sum = i64::from(s[0]) + i64::from(s[1]);
            if (sum - ONE).abs() > 1 || s[1] > last || (f64::from(s[1]) - exact).abs() > 1.25 {
                return Err(format!("a difference of {d}: {s:?}, exactly {exact}"));
            }
            last = s[1];
            inputs += 1;
        }
        Ok(Found { inputs, ..Found::default() })
    };
    counted(on_all(&chunks, check))
}
