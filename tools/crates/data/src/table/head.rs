//! What stands above the rows of a table: preamble, names, units; and what stands between fields.

use super::number;
use crate::lines::{is_blank, is_comment, is_missing, shortened};
use crate::note::names as quoted;
use crate::{Error, table::column::is_date};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Lines at the start among which the names are looked for, and lines at the end that tell what rows are like.
const LOOKED_AT: [usize; 2] = [400, 200];
/// Between fields, in the order in which they are tried: a comma may be a decimal sign where another is.
const DELIMITERS: [u8; 4] = [b';', b'\t', b'|', b','];
/// A delimiter that no text has, where a line is one field.
const NONE: u8 = 0x1F;

/// What was found out about a table.
#[derive(Debug)]
pub(super) struct Head {
    /// Line of the names, or of the first row.
    pub(super) line: u64,
    pub(super) names: Vec<String>,
    /// Lines above the rows.
    pub(super) skipped: u64,
    pub(super) delimiter: u8,
    pub(super) decimal_comma: bool,
    pub(super) notes: Vec<String>,
}

/// A line that is neither blank nor a comment, and its number.
type Line<'a> = (u64, &'a str);

/// What a line of a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// It has a number or a date.
    Numbers,
    /// Nothing in it has a value.
    Missing,
    Words,
}

impl Head {
    /// Of a table of numbers.
    pub(super) fn of_numbers(file: &Path, text: &str) -> Result<Head, Error> {
        let problem = |line: u64, problem: String| Error::Line { file: file.into(), line, problem };
        let (said, lines) = content(text);
        let Some(last) = lines.len().checked_sub(1) else { return Err(problem(1, "an empty table".to_owned())) };
        let sample = &lines[lines.len() - lines.len().min(LOOKED_AT[1])..];
        if said.is_none() && apart_by_blanks(sample) {
            let way = "columns are apart by blanks; write commas between them: tr -s ' ' ',' < INPUT > OUTPUT";
            return Err(problem(lines[last].0, way.to_owned()));
        }
        let delimiter = said.unwrap_or_else(|| delimiter(file, sample));
        let (delimiter, decimal_comma) = decimal(delimiter, &lines, sample);
        let split: Vec<(u64, Vec<String>)> =
            lines.iter().take(LOOKED_AT[0]).map(|(n, l)| (*n, fields(l, delimiter))).collect();
        let width = usual(sample.iter().map(|(_, l)| fields(l, delimiter).len()));
        let kind = |row: &[String]| kind(row, decimal_comma);
        let first = split.iter().position(|(_, row)| row.len() == width && kind(row) == Row::Numbers);
        let Some(first) = first else {
            let start = shortened(lines[last].1);
            return Err(problem(lines[last].0, format!("no row of numbers; `{start}` has none")));
        };
        let mut head = Head { line: 0, names: Vec::new(), skipped: 0, delimiter, decimal_comma, notes: Vec::new() };
        let ends_empty =
            split[first..].iter().all(|(_, row)| row.len() != width || row.last().is_some_and(String::is_empty));
        match names_above(&split[..first], width, ends_empty, kind) {
            Some(at) => head.take_names(&split, at, first, kind),
            None => head.without_names(text, &split, first).map_err(|p| problem(split[first].0, p))?,
        }
        head.name_all();
        Ok(head)
    }

    /// Of a table whose first line has the names.
    pub(super) fn of_names(file: &Path, text: &str) -> Result<Head, Error> {
        let (said, lines) = content(text);
        let Some((line, names)) = lines.first() else {
            return Err(Error::Line { file: file.into(), line: 1, problem: "an empty table".to_owned() });
        };
        // The one that makes most columns of the names.
        let delimiter = said.unwrap_or_else(|| {
            let parts = |d: &u8| (fields(names, *d).len(), *d == b',');
            DELIMITERS.into_iter().max_by_key(parts).unwrap_or(b',')
        });
        let names = fields(names, delimiter);
        Ok(Head { line: *line, names, skipped: *line, delimiter, decimal_comma: false, notes: Vec::new() })
    }

    /// Takes the names at a line, and says what else stands above the rows.
    fn take_names(&mut self, split: &[(u64, Vec<String>)], at: usize, first: usize, kind: impl Fn(&[String]) -> Row) {
        (self.line, self.names) = split[at].clone();
        self.names.truncate(split[first].1.len());
        self.skipped = self.line;
        let units = at + 1 < first && kind(&split[at + 1].1) == Row::Words;
        if units {
            self.skipped = split[at + 1].0;
            let shown = split[at + 1].1.iter().map(String::as_str).filter(|u| !u.is_empty());
            self.notes.push(format!("line {} is taken for units ({}) and not read", self.skipped, quoted(shown)));
        }
        if at > 0 {
            self.notes.push(format!("{at} line(s) above the names in line {} are not read", self.line));
        }
    }

    /// Names from a comment, or numbers for names.
    fn without_names(&mut self, text: &str, split: &[(u64, Vec<String>)], first: usize) -> Result<(), String> {
        let (line, row) = &split[first];
        let width = row.len();
        if let Some((_, above)) = first.checked_sub(1).map(|k| &split[k]).filter(|(_, above)| above.len() > 1) {
            let twice = if width == 2 * above.len() && self.delimiter == b',' {
                "; decimal commas cannot be distinguished from commas between fields: export with semicolons, or with decimal \
                    points"
            } else {
                ""
            };
            return Err(format!("{width} fields where the line of names has {}{twice}", above.len()));
        }
        self.line = *line;
        self.skipped = line - 1;
        let comments = text.lines().take(*line as usize - 1).filter(|l| is_comment(l));
        let from_comment = comments
            .map(|l| fields(l.trim_start_matches([' ', '\t', '#']), self.delimiter))
            .filter(|names| names.len() == width && kind(names, self.decimal_comma) == Row::Words)
            .last();
        match from_comment {
            Some(names) if width > 1 => self.names = names,
            _ => {
                self.names = (1..=width).map(|c| c.to_string()).collect();
                self.notes.push(format!(
                    "no line of names: line {line} holds numbers already; the columns are called 1 to {width}"
                ));
            }
        }
        Ok(())
    }

    /// Numbers names that stand twice.
    fn name_all(&mut self) {
        let mut times: HashMap<String, usize> = HashMap::new();
        let mut double = Vec::new();
        for name in self.names.iter_mut().filter(|name| !name.is_empty()) {
            let count = times.entry(name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                double.push(name.clone());
                *name = format!("{name}.{count}");
            }
        }
        if !double.is_empty() {
            let names = quoted(double.iter().map(String::as_str));
            self.notes.push(format!("names that stand twice in line {}: {names}; the later are numbered", self.line));
        }
    }
}

/// The delimiter that a first line `sep=` says, and the lines that are neither blank nor comments.
fn content(text: &str) -> (Option<u8>, Vec<Line<'_>>) {
    let mut said = None;
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let sep = line.get(..4).filter(|_| lines.is_empty()).is_some_and(|s| s.eq_ignore_ascii_case("sep="));
        match line.trim().as_bytes() {
            _ if is_blank(line) || is_comment(line) => {}
            [.., b'=', delimiter] if sep => said = Some(*delimiter),
            [.., b'='] if sep => said = Some(b'\t'),
            _ => lines.push((number, line)),
        }
    }
    (said, lines)
}

/// Whether rows are several numbers with nothing but blanks between them.
fn apart_by_blanks(sample: &[Line<'_>]) -> bool {
    let several = |l: &str| {
        let mut all = l.split_ascii_whitespace();
        !l.contains(['\t', ',', ';']) && l.split_ascii_whitespace().count() > 1 && all.all(|n| number(n, false).is_ok())
    };
    sample.len() > 1 && sample.iter().skip(1).all(|(_, l)| several(l))
}

/// What stands between fields: what nearly all lines have as often, and between what are numbers.
fn delimiter(file: &Path, sample: &[Line<'_>]) -> u8 {
    let name = file.to_string_lossy().to_ascii_lowercase();
    let tabs = name.trim_end_matches(".gz").ends_with(".tsv");
    let count = |d: u8| sample.iter().map(|(_, l)| fields(l, d).len()).collect::<Vec<_>>();
    let steady = |d: u8| {
        let counts = count(d);
        let usual = usual(counts.iter().copied());
        let same = counts.iter().filter(|&&n| n == usual).count();
        let numbers = |l: &str| fields(l, d).iter().filter(|f| number(f, d != b',').is_ok()).count();
        usual > 1 && same * 10 >= counts.len() * 9 && sample.iter().any(|(_, l)| numbers(l) > 0)
    };
    let most = |d: &u8| count(*d).iter().sum::<usize>();
    match DELIMITERS.into_iter().find(|d| steady(*d)) {
        Some(steady) => steady,
        None if tabs => b'\t',
        // Of equals the last, the comma.
        None => DELIMITERS.into_iter().max_by_key(most).unwrap_or(b','),
    }
}

/// Whether numbers have decimal commas; and the delimiter of a single column of such.
fn decimal(delimiter: u8, lines: &[Line<'_>], sample: &[Line<'_>]) -> (u8, bool) {
    if delimiter == b',' {
        let rows = &sample[usize::from(sample.len() == lines.len())..];
        let pair = |l: &str| {
            let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
            l.trim().split_once(',').is_some_and(|(a, b)| digits(a.trim_start_matches(['-', '+'])) && digits(b))
        };
        let one = !lines[0].1.contains(',') && !rows.is_empty() && rows.iter().all(|(_, l)| pair(l));
        return if one { (NONE, true) } else { (b',', false) };
    }
    let mut signs = [0usize; 2];
    for field in sample.iter().flat_map(|(_, l)| fields(l, delimiter)) {
        let comma = field.contains(',');
        let is_number = number(&field, true).is_ok();
        signs[0] += usize::from(is_number && comma);
        signs[1] += usize::from(is_number && !comma && field.contains('.'));
    }
    (delimiter, signs[0] > signs[1])
}

/// Where the names stand: the last line of words of the right width above the rows, or the one above that where it
/// holds units.
fn names_above(
    above: &[(u64, Vec<String>)],
    width: usize,
    ends_empty: bool,
    kind: impl Fn(&[String]) -> Row,
) -> Option<usize> {
    // A comma may end the names and no row, or all rows and not the names.
    let fits = |row: &[String]| match row.len() {
        len if len == width + 1 => row.last().is_some_and(String::is_empty),
        len if len + 1 == width => ends_empty,
        len => len == width,
    };
    let last = above.iter().rposition(|(_, row)| kind(row) != Row::Missing)?;
    let is_names = |k: usize| fits(&above[k].1) && kind(&above[k].1) == Row::Words;
    match last.checked_sub(1) {
        _ if !is_names(last) => None,
        Some(before) if is_names(before) && width > 1 && above[last].1.iter().all(|f| is_unit(f)) => Some(before),
        _ => Some(last),
    }
}

/// Whether a field names a unit rather than a value.
fn is_unit(field: &str) -> bool {
    const UNITS: [&str; 48] = [
        "", "-", "c", "f", "k", "%", "v", "mv", "a", "ma", "w", "kw", "wh", "kwh", "s", "ms", "us", "ns", "min", "h",
        "hz", "khz", "rpm", "g", "mg", "kg", "m", "cm", "mm", "km", "m/s", "m/s2", "m/s^2", "km/h", "deg", "degc",
        "rad", "rad/s", "dps", "pa", "hpa", "kpa", "bar", "mbar", "lux", "lx", "ppm", "db",
    ];
    let plain = field.to_lowercase().replace(['[', ']', '(', ')', '°', '²', '³', 'µ', 'μ', ' '], "");
    UNITS.contains(&plain.as_str()) || (field.starts_with(['[', '(']) && field.ends_with([']', ')']))
}

fn kind(row: &[String], decimal_comma: bool) -> Row {
    let value = |f: &String| number(f, decimal_comma).is_ok() || is_date(f);
    match () {
        () if row.iter().any(value) => Row::Numbers,
        () if row.iter().all(|f| is_missing(f)) => Row::Missing,
        // A name is no word for what is missing.
        () if row.iter().any(|f| !f.is_empty() && f != "-" && is_missing(f)) => Row::Numbers,
        () => Row::Words,
    }
}

/// The most frequent of numbers, of equals the smaller.
fn usual(all: impl Iterator<Item = usize>) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    all.for_each(|n| *counts.entry(n).or_default() += 1);
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map_or(0, |(n, _)| n)
}

/// The fields of a line, without quotes and blanks around them.
fn fields(line: &str, delimiter: u8) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if !quoted && c == char::from(delimiter) => fields.push(String::new()),
            c => fields.last_mut().expect("one at least").push(c),
        }
    }
    fields.into_iter().map(|f| f.trim().to_owned()).collect()
}
