//! The UCR archive: a case a line, its label first, its values after it, apart by tabs, commas or blanks. Short cases end in
//! NaN up to the length of the longest.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task};
use crate::Error;
use crate::lines::{self, Lines, is_blank, is_comment, is_missing, number};
use std::path::Path;

/// Fewest values of a case, by which a file without names is known.
const VALUES: usize = 3;
/// Lines that are looked at for that.
const LOOKED_AT: usize = 20;

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    found.meaning = Some((options.task_of(Format::Ucr, &[Task::Class])?, None));
    let mut lines = Lines::open(&part.path)?;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) || is_comment(text) {
            continue;
        }
        let fields = fields(text);
        let case = label(fields[0]).and_then(|label| Ok((label, until_padding(&fields[1..])?)));
        let (label, values) = case.map_err(|p| lines.problem(p))?;
        found.agree(&part.path, line, || vec!["1".to_owned()], 1)?;
        found.push(part.split, format!("{name}:{line}"), Input::Values(values), Answer::Label(label));
    }
    Ok(())
}

/// Whether a file without names begins with cases: a label that is a whole number, then values.
pub(super) fn begins(path: &Path) -> Result<bool, Error> {
    let case = |line: &String| {
        let fields = fields(line);
        // The last may be cut off.
        let values = &fields[1..fields.len().max(2) - 1];
        fields.len() > VALUES && label(fields[0]).is_ok() && values.iter().all(|v| is_missing(v) || number(v).is_ok())
    };
    let lines = lines::first_lines(path, LOOKED_AT)?;
    let (last, others) = match &lines[..] {
        [] => return Ok(false),
        [only] => return Ok(case(only)),
        [others @ .., last] => (last, others),
    };
    Ok(others.iter().all(case) && label(fields(last)[0]).is_ok())
}

fn fields(text: &str) -> Vec<&str> {
    match text.contains(',') {
        true => text.split(',').map(lines::trim).collect(),
        false => lines::fields(lines::trim(text)),
    }
}

/// A class: a whole number, maybe written as a real one.
fn label(text: &str) -> Result<String, String> {
    match text.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < 1e9 => Ok(format!("{value:.0}")),
        _ => Err(format!("`{}` is no label: a line begins with the number of its class", lines::shortened(text))),
    }
}

/// Values up to the missing ones at the end, which pad a short series; one before that is an error.
fn until_padding(fields: &[&str]) -> Result<Vec<f64>, String> {
    match filled(fields) {
        0 => Err("a series without a value; delete the line".to_owned()),
        end => values(&fields[..end]),
    }
}

/// How many fields there are without the missing ones at the end.
pub(super) fn filled(fields: &[&str]) -> usize {
    fields.iter().rposition(|f| !is_missing(f)).map_or(0, |last| last + 1)
}

/// The values of a series, none of which may be missing.
pub(super) fn values(fields: &[&str]) -> Result<Vec<f64>, String> {
    let value = |(field, k): (&&str, usize)| match is_missing(field) {
        true => Err(format!(
            "a missing value (`{field}`) within the series, its value {k}; fill it in, for example from its neighbours, \
             or delete the example (missing values at the end of a series are cut off)"
        )),
        false => number(field),
    };
    fields.iter().zip(1..).map(value).collect()
}
