//! Tables of text as programs export them: commas, semicolons or tabs between fields, decimal commas, a preamble, units.

mod column;
mod head;

pub(crate) use column::{Column, DATES, Kind, RISES};

use crate::{Error, lines, note::names as quoted};
use head::Head;
use std::path::{Path, PathBuf};

/// A table: names, and below them rows of as many fields.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) file: PathBuf,
    /// Line of the names; of the first row where there are none.
    pub(crate) line: u64,
    pub(crate) names: Vec<String>,
    /// Line in the file, and its fields.
    pub(crate) rows: Vec<(u64, csv::StringRecord)>,
    /// Whether `,` stands before the fraction of a number.
    pub(crate) decimal_comma: bool,
    /// What was skipped or is doubtful, in sentences.
    pub(crate) notes: Vec<String>,
}

impl Table {
    /// A table of numbers over time, whose line of names may stand below a preamble or be missing.
    pub(crate) fn of_numbers(file: &Path) -> Result<Table, Error> {
        let text = lines::text(file)?;
        let head = Head::of_numbers(file, &text)?;
        let mut table = Table::read(file, &text, head)?;
        table.name_columns();
        Ok(table)
    }

    /// Names what has values and no name; the first column without one numbers the rows, as tables are exported.
    fn name_columns(&mut self) {
        let filled = |c: &usize| self.rows.iter().any(|(_, row)| Table::field(row, *c).is_some());
        let unnamed: Vec<usize> = (1..self.names.len()).filter(|&c| self.names[c].is_empty()).filter(filled).collect();
        for &c in &unnamed {
            self.names[c] = format!("column {}", c + 1);
        }
        if !unnamed.is_empty() {
            let names = quoted(unnamed.iter().map(|&c| self.names[c].as_str()));
            self.notes.push(format!("columns without a name in line {} are called {names}", self.line));
        }
    }

    /// A table whose first line that is no comment has the names.
    pub(crate) fn of_names(file: &Path) -> Result<Table, Error> {
        let text = lines::text(file)?;
        let head = Head::of_names(file, &text)?;
        Table::read(file, &text, head)
    }

    fn read(file: &Path, text: &str, head: Head) -> Result<Table, Error> {
        let Head { line, names, skipped, delimiter, decimal_comma, notes } = head;
        // Lines that are no rows stay as empty ones, so that numbers of lines stay right.
        let is_row = |l: &str| !lines::is_blank(l) && !lines::is_comment(l);
        let body: Vec<&str> = text.lines().skip(skipped as usize).map(|l| if is_row(l) { l } else { "" }).collect();
        let full: Vec<u64> = body.iter().zip(1..).filter(|(l, _)| !l.is_empty()).map(|(_, n)| n).collect();
        let body = body.join("\n");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(delimiter)
            .from_reader(body.as_bytes());
        let mut table = Table { file: file.into(), line, names, rows: Vec::new(), decimal_comma, notes };
        for row in reader.records() {
            // The reader says where it was before it skipped what is empty.
            let at = |p: Option<&csv::Position>| {
                let from = p.map_or(1, csv::Position::line);
                skipped + full.get(full.partition_point(|&n| n < from)).copied().unwrap_or(from)
            };
            let mut row = row.map_err(|e| table.problem(at(e.position()), e.to_string()))?;
            let line = at(row.position());
            let width = table.names.len();
            // Nothing after a last comma.
            while row.len() > width && row.get(row.len() - 1) == Some("") {
                row.truncate(row.len() - 1);
            }
            if row.len() != width {
                let mut problem = format!("{} fields where the line of names has {width}", row.len());
                if delimiter == b',' && row.len() == 2 * width {
                    problem += "; decimal commas cannot be distinguished from commas between fields: export with semicolons, \
                        or with decimal points";
                }
                return Err(table.problem(line, problem));
            }
            table.rows.push((line, row));
        }
        Ok(table)
    }

    pub(crate) fn problem(&self, line: u64, problem: impl Into<String>) -> Error {
        Error::Line { file: self.file.clone(), line, problem: problem.into() }
    }

    /// The column of a name, whatever its case.
    pub(crate) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.names.iter().position(|n| n.eq_ignore_ascii_case(name)))
    }

    /// A field of a row; nothing where it is empty.
    pub(crate) fn field(row: &csv::StringRecord, column: usize) -> Option<&str> {
        row.get(column).filter(|v| !v.is_empty())
    }

    /// What a column holds.
    pub(crate) fn column(&self, at: usize) -> Column<'_> {
        Column::of(self, at)
    }
}

/// A number as a table writes it.
pub(crate) fn number(text: &str, decimal_comma: bool) -> Result<f64, String> {
    match decimal_comma && text.contains(',') && !text.contains('.') && text.matches(',').count() == 1 {
        true => lines::number(&text.replace(',', ".")),
        false => lines::number(text).map_err(|problem| match thousands(text) {
            true => format!("{problem}; take out the signs between its thousands"),
            false => problem,
        }),
    }
}

/// Whether a text is a number but for signs between its thousands.
fn thousands(text: &str) -> bool {
    let digits = text.chars().filter(|c| !matches!(c, ',' | '\'' | ' ' | '.' | '\u{a0}' | '\u{202f}'));
    text.len() > 4 && text.starts_with(|c: char| c.is_ascii_digit()) && digits.clone().all(|c| c.is_ascii_digit())
}
