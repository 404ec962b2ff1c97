//! What a column of a table holds: numbers, numbers with a unit, a clock, words, nothing.

use super::{Table, number};
use crate::lines::is_missing;

/// Why a column is a clock that nothing else shows to be one.
pub(crate) const RISES: &str = "it rises in every row";
/// Why a column is a clock that no network can take.
pub(crate) const DATES: &str = "it holds dates or times";
/// Rows from which a column that rises in each is taken for a clock.
const ROWS_OF_A_CLOCK: usize = 10;

/// Names of what numbers the rows.
const CLOCKS: [&str; 34] = [
    "date",
    "time",
    "datetime",
    "timestamp",
    "millis",
    "micros",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "seconds",
    "elapsed",
    "elapsedtime",
    "timeelapsed",
    "secondselapsed",
    "epoch",
    "unix",
    "unixtime",
    "utc",
    "utctime",
    "gpstime",
    "systime",
    "localtime",
    "clock",
    "uptime",
    "ticks",
    "ms",
    "us",
    "ns",
    "index",
    "idx",
    "rowid",
    "sampleindex",
    "sampleno",
    "datum",
];
/// Names that do so in the first column only; elsewhere they can be values.
const FIRST: [&str; 12] = ["", "year", "month", "day", "hour", "minute", "second", "t", "ts", "sec", "row", "sample"];

/// A column of a table.
#[derive(Debug)]
pub(crate) struct Column<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    /// Line and text of its first missing value.
    pub(crate) gap: Option<(u64, &'a str)>,
    decimal_comma: bool,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers.
    Numbers,
    /// Numbers, each with this unit after it.
    Unit(String),
    /// What numbers the rows, and why it is taken for that.
    Clock(&'static str),
    /// No number at all.
    Words,
    /// Nothing at all.
    Empty,
}

impl<'a> Column<'a> {
    pub(super) fn of(table: &'a Table, at: usize) -> Self {
        let cells = || table.rows.iter().map(|(line, row)| (*line, row.get(at).unwrap_or_default()));
        let gap = cells().find(|(_, cell)| is_missing(cell));
        let filled: Vec<&str> = cells().map(|(_, cell)| cell).filter(|cell| !is_missing(cell)).collect();
        let name = table.names[at].as_str();
        let values: Vec<f64> = filled.iter().map_while(|cell| value(cell, table.decimal_comma)).collect();
        let kind = match () {
            () if filled.is_empty() => Kind::Empty,
            () if filled.iter().all(|cell| is_date(cell)) => Kind::Clock(DATES),
            () if is_clock(name, at == 0) => Kind::Clock("its name is that of a clock"),
            () if values.len() == filled.len() => match rises(&values) {
                true => Kind::Clock(RISES),
                false => Kind::Numbers,
            },
            () => match unit(&filled, table.decimal_comma) {
                Some(unit) => Kind::Unit(unit),
                None if filled.iter().any(|cell| value(cell, table.decimal_comma).is_some()) => Kind::Numbers,
                None => Kind::Words,
            },
        };
        Column { name, kind, gap, decimal_comma: table.decimal_comma }
    }

    /// The value of a cell of this column.
    pub(crate) fn value(&self, cell: &str) -> Result<f64, String> {
        let plain = match &self.kind {
            Kind::Unit(unit) => cell.trim().strip_suffix(unit.as_str()).unwrap_or(cell).trim_end(),
            _ => cell,
        };
        let way = |problem: String| match (is_date(cell), split_unit(cell)) {
            (true, _) => format!("{problem} but a date or a time; leave the column out, or write numbers"),
            (_, Some((_, unit))) => {
                format!("{problem}; the unit `{unit}` belongs in the name of the column, or in each cell")
            }
            _ => problem,
        };
        number(plain, self.decimal_comma).map_err(way)
    }
}

fn value(cell: &str, decimal_comma: bool) -> Option<f64> {
    // In 64 bits: a clock of milliseconds rises by less than 32 bits can show.
    match decimal_comma {
        true => cell.replace(',', ".").parse().ok(),
        false => cell.parse().ok(),
    }
    .filter(|v: &f64| v.is_finite())
}

fn rises(values: &[f64]) -> bool {
    values.len() >= ROWS_OF_A_CLOCK && values.windows(2).all(|w| w[0] < w[1])
}

/// Whether a name says that a column numbers the rows: `Time [s]`, `seconds_elapsed`, `millis`.
fn is_clock(name: &str, first: bool) -> bool {
    let name = name.to_lowercase();
    let bare = name.split(['[', '(', '/']).next().unwrap_or_default();
    let joined: String = bare.chars().filter(|c| c.is_alphanumeric()).collect();
    let parts: Vec<&str> = bare.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()).collect();
    // A unit at the end: time_ms.
    let (last, rest) = parts.split_last().unwrap_or((&"", &[]));
    let timed = matches!(*last, "s" | "ms" | "us" | "ns" | "sec" | "seconds" | "utc" | "local" | "stamp");
    let without = if timed && !rest.is_empty() { rest.concat() } else { joined.clone() };
    let known = |n: &str| CLOCKS.contains(&n) || first && (FIRST.contains(&n) || n.starts_with("unnamed"));
    known(&joined) || known(&without)
}

/// The unit that every cell has after its number.
fn unit(filled: &[&str], decimal_comma: bool) -> Option<String> {
    let (_, unit) = split_unit(filled.first()?)?;
    let same = |cell: &&str| split_unit(cell).is_some_and(|(n, u)| u == unit && value(n, decimal_comma).is_some());
    filled.iter().all(same).then(|| unit.to_owned())
}

/// A cell as a number and what follows it.
fn split_unit(cell: &str) -> Option<(&str, &str)> {
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '+' | '-' | 'e' | 'E');
    let cell = cell.trim();
    let mut end = cell.find(|c: char| !number(c)).unwrap_or(cell.len());
    // An exponent has digits: 5eV is 5 and eV.
    end = cell[..end].trim_end_matches(['e', 'E', '+', '-']).len();
    let (number, unit) = cell.split_at(end);
    let unit = unit.trim();
    let word =
        !unit.is_empty() && unit.chars().count() <= 8 && !unit.starts_with(|c: char| c.is_ascii_digit() || c == ':');
    (number.contains(|c: char| c.is_ascii_digit()) && word && !is_date(cell)).then_some((number.trim_end(), unit))
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Whether a cell is a date or a time of day, in one of the many ways to write them.
pub(crate) fn is_date(cell: &str) -> bool {
    let text = cell.trim().to_ascii_lowercase();
    if text.len() < 4 || text.len() > 40 || text.parse::<f64>().is_ok() {
        return false;
    }
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty());
    let known = |w: &str| {
        let month = w.len() >= 3 && MONTHS.contains(&&w[..3]);
        month || matches!(w, "t" | "z" | "am" | "pm" | "utc" | "gmt" | "cet" | "cest")
    };
    let named = text.contains(|c: char| c.is_ascii_alphabetic());
    let signs = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | ':' | '.' | ',' | ' ' | '+'));
    if !signs || !words.all(known) {
        return false;
    }
    let bytes = text.as_bytes();
    let between = |k: usize, sign: u8| {
        bytes[k] == sign && k > 0 && bytes[k - 1].is_ascii_digit() && bytes.get(k + 1).is_some_and(u8::is_ascii_digit)
    };
    let count = |sign: u8| (0..bytes.len()).filter(|&k| between(k, sign)).count();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let month = MONTHS.iter().any(|m| text.contains(m));
    digits >= 3 && (count(b'-') > 0 || count(b'/') > 0 || count(b':') > 0 || count(b'.') > 1 || named && month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_many_ways_and_what_is_none() {
        for date in [
            "2017-11-28 20:30:00",
            "20:00",
            "28.11.2017",
            "11/28/2017 8:30 PM",
            "2017-11-28T20:30:00.123Z",
            "1949-01",
            "28-Nov-2017",
            "Nov 28, 2017",
            "2017-11-28T20:30:00+01:00",
            "00:00:01,5",
        ] {
            assert!(is_date(date), "{date}");
        }
        for other in ["-0.5", "1e-3", "21.5 C", "walking", "x-1", "", "1.5.x", "12", "-5", "3 - 4", "192.168.0.1/x"] {
            assert!(!is_date(other), "{other}");
        }
    }

    #[test]
    fn clocks_by_name() {
        for name in
            ["time[s]", "Time (s)", "timestamp", "seconds_elapsed", "millis", "Date", "time_ms", "Time", "unix time"]
        {
            assert!(is_clock(name, false), "{name}");
        }
        for name in ["temp", "timer_load", "downtime", "power", "updates", "hour", "day", "ts", "rtime"] {
            assert!(!is_clock(name, false), "{name}");
        }
        assert!(is_clock("", true) && is_clock("hour", true) && is_clock("Unnamed: 0", true));
    }

    #[test]
    fn units_are_what_follows_a_number() {
        assert_eq!(split_unit("21.5 °C"), Some(("21.5", "°C")));
        assert_eq!(split_unit("3.3V"), Some(("3.3", "V")));
        assert_eq!(split_unit("5e3 eV"), Some(("5e3", "eV")));
        assert_eq!(split_unit("50%"), Some(("50", "%")));
        for none in ["21.5", "V", "20:00", "", "word 5"] {
            assert_eq!(split_unit(none), None, "{none}");
        }
        assert_eq!(unit(&["1 V", "2V"], false).as_deref(), Some("V"));
        assert_eq!(unit(&["1 V", "2 mV"], false), None);
    }
}
