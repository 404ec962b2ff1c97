//! A table of numbers for a model that takes some of them at a time: read as a series to train on is read.

use crate::lines::is_missing;
use crate::table::{Column, Kind, Table};
use crate::{Error, note::names as quoted};
use std::collections::BTreeSet;
use std::path::Path;

/// Columns of a table, as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Line in the file, and a value per column.
    pub rows: Vec<(u64, Vec<f64>)>,
    /// What was left out or is doubtful, in sentences.
    pub notes: Vec<String>,
}

impl Numbers {
    /// Reads the columns called `named`, where the table has them all. Else all columns where they are as many as one of
    /// `widths` says; else those that are no clocks and no words, without the last `outputs` where these are too many.
    ///
    /// # Errors
    /// What is wrong with the table, and its columns where they are not as many as wanted.
    pub fn read(path: &Path, named: &[String], widths: &[usize], outputs: usize) -> Result<Numbers, Error> {
        let table = Table::of_numbers(path)?;
        let all: Vec<(usize, Column<'_>)> = (0..table.names.len()).map(|c| (c, table.column(c))).collect();
        let columns: Vec<&(usize, Column<'_>)> = all.iter().filter(|(_, c)| c.kind != Kind::Empty).collect();
        let by_name =
            || named.iter().map(|n| columns.iter().copied().find(|(_, c)| c.name == n)).collect::<Option<_>>();
        let chosen: Vec<&(usize, Column<'_>)> = match by_name() {
            Some(by_name) if !named.is_empty() => by_name,
            _ => choose(&columns, widths, outputs).ok_or_else(|| {
                let have = quoted(columns.iter().map(|(_, c)| c.name));
                let wanted: BTreeSet<String> = widths.iter().map(ToString::to_string).collect();
                let wanted = wanted.into_iter().collect::<Vec<_>>().join(" or ");
                table.problem(table.line, format!("{} columns ({have}), where the model takes {wanted}", columns.len()))
            })?,
        };
        let left = columns.iter().filter(|(c, _)| !chosen.iter().any(|(taken, _)| taken == c));
        let left: Vec<&str> = left.map(|(_, c)| c.name).collect();
        // A frame a line needs no names.
        let named_all = |note: &&String| !note.starts_with("no line of names");
        let mut notes: Vec<String> = table.notes.iter().filter(named_all).cloned().collect();
        if !left.is_empty() {
            notes.push(format!("columns that are not read: {}", quoted(left)));
        }
        let row = |(line, row): &(u64, csv::StringRecord)| {
            let value = |(c, column): &&(usize, Column<'_>)| {
                let cell = row.get(*c).unwrap_or_default();
                let way = if is_missing(cell) { "; a model takes no gaps" } else { "" };
                column.value(cell).map_err(|p| table.problem(*line, format!("column `{}`: {p}{way}", column.name)))
            };
            Ok((*line, chosen.iter().map(value).collect::<Result<Vec<f64>, Error>>()?))
        };
        let rows = table.rows.iter().map(row).collect::<Result<_, _>>()?;
        let names = chosen.iter().map(|(_, c)| c.name.to_owned()).collect();
        Ok(Numbers { names, rows, notes })
    }
}

/// The columns that are as many as wanted.
fn choose<'a, 'b>(
    columns: &[&'a (usize, Column<'b>)],
    widths: &[usize],
    outputs: usize,
) -> Option<Vec<&'a (usize, Column<'b>)>> {
    let fits = |n: usize| widths.contains(&n) && n > 0;
    if fits(columns.len()) {
        return Some(columns.to_vec());
    }
    let numbers = |c: &&&(usize, Column<'b>)| matches!(c.1.kind, Kind::Numbers | Kind::Unit(_));
    let usable: Vec<&'a (usize, Column<'b>)> = columns.iter().filter(numbers).copied().collect();
    let inputs = usable.len().saturating_sub(outputs);
    match () {
        () if fits(usable.len()) => Some(usable),
        () if fits(inputs) => Some(usable[..inputs].to_vec()),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, named: &[&str], widths: &[usize]) -> Result<Numbers, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        let named: Vec<String> = named.iter().map(|n| (*n).to_owned()).collect();
        Numbers::read(&path, &named, widths, 1).map_err(|e| e.to_string())
    }

    #[test]
    fn what_was_trained_on_is_what_a_model_takes() {
        let rows: String = (0..12).map(|t| format!("{};0,{t};{}\n", 100 * t, t % 3)).collect();
        let log = format!("millis;temp;power\n{rows}");
        for (named, widths, names) in [
            (&["temp"][..], &[1][..], &["temp"][..]),
            (&[], &[1], &["temp"]),
            (&[], &[2], &["temp", "power"]),
            (&[], &[3], &["millis", "temp", "power"]),
            (&["other"], &[2, 1], &["temp", "power"]),
        ] {
            let numbers = read(&log, named, widths).unwrap();
            assert_eq!(numbers.names, names);
            assert_eq!((numbers.rows[3].0, numbers.rows.len()), (5, 12));
            assert!(names.len() == 3 || numbers.notes.iter().any(|n| n.contains("not read: `millis`")));
        }
        let text = read(&log, &[], &[7]).unwrap_err();
        assert!(text.contains("3 columns (`millis`, `temp`, `power`), where the model takes 7"), "{text}");
        // A frame a line, without names.
        let frames = read("# x\n1,2\n3,4.5\n", &[], &[2]).unwrap();
        assert_eq!((frames.rows, frames.notes.len()), (vec![(2, vec![1.0, 2.0]), (3, vec![3.0, 4.5])], 0));
        assert!(read("1,2\n3,\n", &[], &[2]).unwrap_err().contains("line 2: column `2`: a missing value (``)"));
    }
}
