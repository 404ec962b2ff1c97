//! Columns of numbers over time, between commas or tabs, with a line of names.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Rows, Task};
use crate::note::said;
use crate::table::{Column, DATES, Kind, RISES, Table};
use crate::{Error, Split};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    found.meaning = Some((options.task_of(Format::Series, &[Task::Series])?, None));
    let table = Table::of_numbers(&part.path)?;
    found.notes.extend(table.notes.iter().map(|n| said(format!("{name}: {n}"))));
    let inputs = columns(&table, &options.inputs)?;
    let outputs = columns(&table, &options.outputs)?;
    let (inputs, outputs) = match (&found.channels, outputs.is_empty()) {
        // What the first file was found to hold, the others hold.
        (Some(known), true) if found.names == table.names => {
            (columns(&table, known)?, columns(&table, &found.outputs)?)
        }
        (_, true) => guess(name, &table, inputs, found)?,
        (_, false) => (inputs, outputs),
    };
    let names = |columns: &[usize]| -> Vec<String> { columns.iter().map(|&c| table.names[c].clone()).collect() };
    let named = (names(&inputs), names(&outputs));
    if found.channels.as_ref().is_some_and(|known| (known, &found.outputs) != (&named.0, &named.1)) {
        let problem = "other columns than in the files before: choose one set with option `files`, or name the \
            columns with `inputs` and `outputs`";
        return Err(table.problem(table.line, problem));
    }
    found.names.clone_from(&table.names);
    found.channels = Some(named.0);
    found.outputs = named.1;

    // Of a file named after valid or test nothing else is taken.
    let own = part.split == Split::Train;
    let ranges = [(Split::Train, &options.train), (Split::Valid, &options.valid), (Split::Test, &options.test)]
        .into_iter()
        .filter(|(split, _)| own || *split == part.split);
    let apart = !options.test_outputs.is_empty();
    let mut wanted: Vec<(Split, Rows)> =
        ranges.flat_map(|(split, ranges)| ranges.iter().map(move |&r| (split, r))).collect();
    if if own { options.train.is_empty() } else { wanted.is_empty() } {
        let taken: Vec<Rows> = wanted.iter().filter(|(s, _)| !(apart && *s == Split::Test)).map(|w| w.1).collect();
        wanted.extend(rest(table.rows.len(), &taken).into_iter().map(|r| (part.split, r)));
    }
    if apart && options.test.is_empty() {
        wanted.push((Split::Test, [0, table.rows.len().saturating_sub(1)]));
    }
    let (test_inputs, test_outputs) = match apart {
        true => (columns(&table, &options.test_inputs)?, columns(&table, &options.test_outputs)?),
        false => (inputs.clone(), outputs.clone()),
    };
    for (split, rows) in wanted {
        let (inputs, outputs) = match split {
            Split::Test => (&test_inputs, &test_outputs),
            _ => (&inputs, &outputs),
        };
        let (input, answer) = (values(&table, rows, inputs)?, values(&table, rows, outputs)?);
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

/// The columns of names.
fn columns(table: &Table, names: &[String]) -> Result<Vec<usize>, Error> {
    let find = |name: &String| {
        table.names.iter().position(|n| n == name).ok_or_else(|| {
            let have = table.names.iter().filter(|n| !n.is_empty()).cloned().collect::<Vec<_>>().join(", ");
            table.problem(table.line, format!("no column `{name}`; there are: {have}"))
        })
    };
    names.iter().map(find).collect()
}

/// Inputs and outputs where no outputs are given: the last column is the output; without given inputs, those before it are
/// inputs. What numbers the rows or holds no numbers is left out, and said; a gap is an error, never another choice.
fn guess(name: &str, table: &Table, inputs: Vec<usize>, found: &mut Found) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let all: Vec<Column<'_>> = (0..table.names.len()).map(|c| table.column(c)).collect();
    // A clock may stand last; a value that rises is still a value there.
    let is_value = |c: &usize| all[*c].kind != Kind::Empty && !matches!(all[*c].kind, Kind::Clock(why) if why != RISES);
    let Some(output) = (0..all.len()).rfind(|c| is_value(c) && !inputs.contains(c)) else {
        return Err(table.problem(table.line, "no column has values that are no clock; name one with `outputs`"));
    };
    if all[output].kind == Kind::Words {
        return Err(words(table, &all[output], output));
    }
    let used = |c: &usize| matches!(all[*c].kind, Kind::Numbers | Kind::Unit(_));
    let chosen: Vec<usize> = match inputs.is_empty() {
        true => (0..output).filter(used).collect(),
        false => inputs,
    };
    let taken = || chosen.iter().chain([&output]).map(|&c| (c, &all[c]));
    for (c, column) in taken() {
        if let Some((line, cell)) = &column.gap {
            let problem = format!(
                "column `{}`: a missing value (`{cell}`); fill it in, delete the row, or name the columns to take with \
                 `inputs` and `outputs`",
                title(column, c)
            );
            return Err(table.problem(*line, problem));
        }
    }
    let mut note = |column: &Column<'_>, c: usize, what: String| {
        found.notes.push(said(format!("{name}: column `{}` {what}", title(column, c))));
    };
    for (c, column) in all.iter().enumerate().filter(|(c, _)| *c != output && !chosen.contains(c)) {
        match &column.kind {
            Kind::Clock(DATES) => note(column, c, format!("is left out, as {DATES}")),
            Kind::Clock(why) => note(column, c, format!("is left out, as {why}; name it in `inputs` to take it")),
            Kind::Words => {
                let cell = table.rows.iter().find_map(|(_, row)| Table::field(row, c)).unwrap_or_default();
                let why = column.value(cell).err().unwrap_or_default();
                note(column, c, format!("is left out, as it holds words: {why}"));
            }
            Kind::Empty if !column.name.is_empty() => note(column, c, "is left out, as it is empty".to_owned()),
            _ => {}
        }
    }
    if all[output].kind == Kind::Clock(RISES) {
        note(&all[output], output, "is the output and rises in every row; is it a clock?".to_owned());
    }
    for (c, column) in taken() {
        if let Kind::Unit(unit) = &column.kind {
            note(column, c, format!("has the unit `{unit}` in its cells, which is not read"));
        }
    }
    Ok((chosen, vec![output]))
}

/// The error of a last column that holds no numbers.
fn words(table: &Table, column: &Column<'_>, at: usize) -> Error {
    let (line, row) = table.rows.first().map_or((table.line, None), |(line, row)| (*line, Some(row)));
    let cell = row.and_then(|row| row.get(at)).unwrap_or_default();
    let title = title(column, at);
    let problem = match column.value(cell) {
        // Numbers that are written in a way that is not read.
        Err(problem) if cell.starts_with(|c: char| c.is_ascii_digit()) => format!("column `{title}`: {problem}"),
        _ => format!(
            "the last column `{title}` would be the output, but holds words (`{cell}`); name a column of numbers with \
             `outputs`"
        ),
    };
    table.problem(line, problem)
}

/// A column's name, or its number where it has none.
fn title(column: &Column<'_>, at: usize) -> String {
    if column.name.is_empty() { format!("column {}", at + 1) } else { column.name.to_owned() }
}

/// `[rows * columns]`.
fn values(table: &Table, [first, last]: Rows, columns: &[usize]) -> Result<Vec<f64>, Error> {
    let Some(rows) = table.rows.get(first..=last) else {
        let problem = format!("rows {first} to {last} are asked for, but there are {}", table.rows.len());
        return Err(Error::File { file: table.file.clone(), problem });
    };
    let kinds: Vec<Column<'_>> = columns.iter().map(|&c| table.column(c)).collect();
    let mut values = Vec::with_capacity(rows.len() * columns.len());
    for (line, row) in rows {
        for (&c, column) in columns.iter().zip(&kinds) {
            let value = column.value(row.get(c).unwrap_or_default());
            values.push(value.map_err(|p| table.problem(*line, format!("column `{}`: {p}", column.name)))?);
        }
    }
    Ok(values)
}
