//! Columns of numbers over time, between commas or tabs, with a line of names.

use super::parts::Part;
use super::{Answer, Format, Found, Input, RecordOptions, Rows, Task, lines};
use crate::{Error, Split};

/// Names of columns that number the rows.
const TIME: [&str; 8] = ["", "date", "time", "year", "month", "day", "index", "t"];

pub(super) fn read(name: &str, part: &Part, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    found.meaning = Some((options.task_of(Format::Series, &[Task::Series])?, None));
    let table = Table::read(part)?;
    let inputs = table.columns(&options.inputs)?;
    let outputs = table.columns(&options.outputs)?;
    let (inputs, outputs) = match outputs.is_empty() {
        true => table.guess(inputs)?,
        false => (inputs, outputs),
    };
    let names = |columns: &[usize]| -> Vec<String> { columns.iter().map(|&c| table.names[c].clone()).collect() };
    let columns = (names(&inputs), names(&outputs));
    if found.channels.as_ref().is_some_and(|known| (known, &found.outputs) != (&columns.0, &columns.1)) {
        let problem = "other columns than in the files before: choose one set with option `files`, or name the \
            columns with `inputs` and `outputs`";
        return Err(table.problem(1, problem.to_owned()));
    }
    found.channels = Some(columns.0);
    found.outputs = columns.1;

    let ranges = [(Split::Train, &options.train), (Split::Valid, &options.valid), (Split::Test, &options.test)];
    let apart = !options.test_outputs.is_empty();
    let mut wanted: Vec<(Split, Rows)> =
        ranges.iter().flat_map(|(split, ranges)| ranges.iter().map(move |&r| (*split, r))).collect();
    if options.train.is_empty() {
        let taken: Vec<Rows> = wanted.iter().filter(|(s, _)| !(apart && *s == Split::Test)).map(|w| w.1).collect();
        wanted.extend(rest(table.rows.len(), &taken).into_iter().map(|r| (part.split, r)));
    }
    if apart && options.test.is_empty() {
        wanted.push((Split::Test, [0, table.rows.len().saturating_sub(1)]));
    }
    let (test_inputs, test_outputs) = match apart {
        true => (table.columns(&options.test_inputs)?, table.columns(&options.test_outputs)?),
        false => (inputs.clone(), outputs.clone()),
    };
    for (split, rows) in wanted {
        let (inputs, outputs) = match split {
            Split::Test => (&test_inputs, &test_outputs),
            _ => (&inputs, &outputs),
        };
        let (input, answer) = (table.values(rows, inputs)?, table.values(rows, outputs)?);
        let name = format!("{name}:{}-{}", rows[0], rows[1]);
        found.push(split, name, Input::Values(input), Answer::Values(answer));
    }
    Ok(())
}

/// The ranges of `0..count` that are not taken.
fn rest(count: usize, taken: &[Rows]) -> Vec<Rows> {
    let mut taken = taken.to_vec();
    taken.sort_unstable();
    let (mut from, mut free) = (0, Vec::new());
    for [first, last] in taken {
        if first > from {
            free.push([from, first - 1]);
        }
        from = from.max(last.saturating_add(1));
    }
    if from < count {
        free.push([from, count - 1]);
    }
    free
}

/// A table of text; only the columns that are wanted need to be numbers.
struct Table<'a> {
    part: &'a Part,
    names: Vec<String>,
    /// Line in the file, and its fields.
    rows: Vec<(u64, csv::StringRecord)>,
}

impl<'a> Table<'a> {
    fn read(part: &'a Part) -> Result<Self, Error> {
        let tabs = part.path.to_string_lossy().trim_end_matches(".gz").ends_with(".tsv");
        // The reader counts lines wrongly where they end in CR LF.
        let text = lines::text(&part.path)?.replace("\r\n", "\n");
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(if tabs { b'\t' } else { b',' })
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let at = |line: u64, problem: String| Error::Line { file: part.path.clone(), line, problem };
        let names = reader.headers().map_err(|e| at(1, e.to_string()))?;
        let names: Vec<String> = names.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|e| {
                let line = e.position().map_or(0, csv::Position::line);
                match e.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        at(line, format!("{len} fields where the line of names has {expected_len}"))
                    }
                    _ => at(line, e.to_string()),
                }
            })?;
            let line = row.position().map_or(0, csv::Position::line);
            rows.push((line, row));
        }
        Ok(Table { part, names, rows })
    }

    fn problem(&self, line: u64, problem: String) -> Error {
        Error::Line { file: self.part.path.clone(), line, problem }
    }

    fn columns(&self, names: &[String]) -> Result<Vec<usize>, Error> {
        let find = |name: &String| {
            self.names.iter().position(|n| n == name).ok_or_else(|| {
                let have = self.names.join(", ");
                self.problem(1, format!("no column `{name}`; there are: {have}"))
            })
        };
        names.iter().map(find).collect()
    }

    /// Inputs and outputs where no outputs are given: the last filled column is the output; without given inputs, those
    /// before it that do not number the rows are inputs.
    fn guess(&self, inputs: Vec<usize>) -> Result<(Vec<usize>, Vec<usize>), Error> {
        let filled = |c: usize| self.rows.iter().all(|(_, row)| row.get(c).is_some_and(|v| !v.is_empty()));
        let is_time = |c: usize| c == 0 && TIME.contains(&self.names[0].to_ascii_lowercase().as_str());
        let mut columns: Vec<usize> =
            (0..self.names.len()).filter(|&c| filled(c) && !is_time(c) && !inputs.contains(&c)).collect();
        let Some(output) = columns.pop() else {
            return Err(self.problem(1, "no column is filled in every row".to_owned()));
        };
        Ok((if inputs.is_empty() { columns } else { inputs }, vec![output]))
    }

    /// `[rows * columns]`.
    fn values(&self, [first, last]: Rows, columns: &[usize]) -> Result<Vec<f64>, Error> {
        let Some(rows) = self.rows.get(first..=last) else {
            let problem = format!("rows {first} to {last} are asked for, but there are {}", self.rows.len());
            return Err(Error::File { file: self.part.path.clone(), problem });
        };
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        for (line, row) in rows {
            for &c in columns {
                let value = lines::number(row.get(c).unwrap_or_default());
                values.push(value.map_err(|p| self.problem(*line, format!("column `{}`: {p}", self.names[c])))?);
            }
        }
        Ok(values)
    }
}
