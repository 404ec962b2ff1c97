//! What the numbers of `[train]` may be: the one table of them, for recipes and for configurations made in code.

use std::fmt;

/// What values a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// A number above the first and up to the second.
    Above(f64, f64),
    /// A number from the first and below the second.
    Below(f64, f64),
    /// Two numbers from the first to the second, the lower one first.
    Interval(f64, f64),
    /// Numbers from the first to the second.
    Numbers(f64, f64),
}

use Values::{Above, Below, Interval, Number, Numbers, Whole};

/// A key, what it takes, and in which unit; after a semicolon of the unit stands what a value means.
pub type Limit = (&'static str, Values, &'static str);

/// More of anything does not end in a lifetime.
pub const MANY: u64 = 1_000_000_000;

/// Every number of [`TrainConfig`](crate::TrainConfig) but the seed, which is any.
pub const LIMITS: &[Limit] = &[
    ("epochs", Whole(0, MANY), "epochs; 0 where quantize.qat_epochs is all"),
    ("teacher_weight", Number(0.0, 1.0), ""),
    ("temperature", Number(0.1, 100.0), ""),
    ("batch", Whole(1, MANY), "sequences"),
    ("shard", Whole(1, MANY), "sequences"),
    ("threads", Whole(0, 4096), "threads; 0 for all cores"),
    ("class_weights", Numbers(0.0, 1e9), ""),
    ("label_smoothing", Below(0.0, 1.0), ""),
    ("rate", Above(0.0, 1e3), ""),
    ("teacher_forcing", Numbers(0.0, 1.0), ""),
    ("warmup", Number(0.0, 1e9), "epochs"),
    ("step_every", Whole(1, MANY), "epochs"),
    ("step_factor", Above(0.0, 1e3), ""),
    ("beta1", Below(0.0, 1.0), ""),
    ("beta2", Below(0.0, 1.0), ""),
    ("epsilon", Number(1e-30, 1.0), ""),
    ("momentum", Below(0.0, 1.0), ""),
    ("weight_decay", Number(0.0, 1e3), ""),
    ("clip", Number(0.0, 1e9), "; 0 never clips"),
    ("patience", Whole(0, MANY), "epochs; 0 never stops early"),
];

impl Values {
    /// Whether `n` is one of them.
    pub fn takes(self, n: f64) -> bool {
        match self {
            Whole(least, most) => n.fract() == 0.0 && n >= least as f64 && n <= most as f64,
            Number(least, most) | Interval(least, most) | Numbers(least, most) => n >= least && n <= most,
            Above(least, most) => n > least && n <= most,
            Below(least, most) => n >= least && n < most,
        }
    }

    /// What they are, in words, with their unit.
    pub fn wanted(self, unit: &str) -> String {
        let (unit, note) =
            unit.split_once(';').map_or((unit, String::new()), |(unit, note)| (unit, format!(";{note}")));
        let space = if unit.is_empty() { "" } else { " " };
        let order = if matches!(self, Interval(..)) { ", the lower one first" } else { "" };
        format!("{self}{space}{unit}{order}{note}")
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whole(least, most) => write!(f, "a whole number from {least} to {most}"),
            Number(least, most) => write!(f, "from {least} to {most}"),
            Above(least, most) => write!(f, "above {least} and at most {most}"),
            Below(least, most) => write!(f, "at least {least} and below {most}"),
            Interval(least, most) => write!(f, "two numbers from {least} to {most}"),
            Numbers(least, most) => write!(f, "numbers from {least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainConfig;

    /// A number without a line in the table would be any, and a line without a number nothing.
    #[test]
    fn every_number_has_its_limits_and_its_default_keeps_them() {
        let all = serde_json::to_value(TrainConfig::default()).unwrap();
        let mut numbers: Vec<&str> = all
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, v)| !v.is_string() && !v.is_boolean())
            .map(|(k, _)| k.as_str())
            .collect();
        let mut known: Vec<&str> = LIMITS.iter().map(|(key, ..)| *key).chain(["seed"]).collect();
        numbers.sort_unstable();
        known.sort_unstable();
        assert_eq!(numbers, known);
        assert_eq!(TrainConfig::default().check(), Ok(()));
    }

    #[test]
    fn limits_are_sentences() {
        assert_eq!(
            Whole(0, 9).wanted("threads; 0 for all cores"),
            "a whole number from 0 to 9 threads; 0 for all cores"
        );
        assert_eq!(Number(0.0, 2.5).wanted("; 0 never clips"), "from 0 to 2.5; 0 never clips");
        assert_eq!(Interval(-1.0, 1.0).wanted("dB"), "two numbers from -1 to 1 dB, the lower one first");
    }
}
