//! Domains that are enumerated, by all processors.

use crate::Outcome;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// How much of a domain is enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// All of it.
    All,
    /// What the tests have time for: around 0 and at both ends.
    Short,
}

/// The numbers of 32 bits with a sign, in pieces; in a short run from -18 to 18 in Q15.16, and both ends.
pub fn words(effort: Effort) -> Vec<Range<i64>> {
    let (least, end) = (i64::from(i32::MIN), i64::from(i32::MAX) + 1);
    match effort {
        Effort::All => pieces(least..end, 1 << 24),
        Effort::Short => {
            let mut list = pieces(-(18 << 16)..18 << 16, 1 << 18);
            list.extend([least..least + (1 << 16), end - (1 << 16)..end]);
            list
        }
    }
}

/// A range in pieces of `size`.
pub fn pieces(range: Range<i64>, size: i64) -> Vec<Range<i64>> {
    let mut list = Vec::new();
    let mut start = range.start;
    while start < range.end {
        list.push(start..range.end.min(start + size));
        start += size;
    }
    list
}

/// Numbers that a check adds up over its pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Inputs.
    pub inputs: u64,
    /// The largest errors, where the check has some.
    pub worst: [f64; 2],
}

impl Found {
    fn join(&mut self, other: Found) {
        self.inputs += other.inputs;
        for (worst, other) in self.worst.iter_mut().zip(other.worst) {
            *worst = worst.max(other);
        }
    }
}

/// Runs `check` on every piece on all processors; the first failure ends it.
///
/// # Errors
/// That failure.
pub fn on_all<T: Sync>(pieces: &[T], check: impl Fn(&T) -> Result<Found, String> + Sync) -> Result<Found, String> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let result = Mutex::new(Ok(Found::default()));
    let work = || {
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let found = check(piece);
            let mut result = result.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match (&mut *result, found) {
                (Ok(all), Ok(found)) => all.join(found),
                (Ok(_), Err(e)) => {
                    *result = Err(e);
                    stop.store(true, Ordering::Relaxed);
                }
                _ => {}
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The outcome of a check without figures.
///
/// # Errors
/// Its failure.
pub fn counted(found: Result<Found, String>) -> Outcome {
    found.map(|found| format!("{} inputs", grouped(found.inputs)))
}

/// A number with its thousands set off.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_range_once() {
        assert_eq!(pieces(-3..4, 3), [-3..0, 0..3, 3..4]);
        let all: i64 = words(Effort::All).iter().map(|r| r.end - r.start).sum();
        assert_eq!(all, 1 << 32);
        assert_eq!([grouped(7), grouped(1234), grouped(4_294_967_296)], ["7", "1,234", "4,294,967,296"]);
    }

    #[test]
    fn a_failure_is_kept() {
        let check = |n: &u64| if *n == 70 { Err("70".to_owned()) } else { Ok(Found { inputs: 1, worst: [0.0; 2] }) };
        assert_eq!(on_all(&(0..100).collect::<Vec<_>>(), check).unwrap_err(), "70");
        assert_eq!(on_all(&(0..50).collect::<Vec<_>>(), check).unwrap().inputs, 50);
    }
}
