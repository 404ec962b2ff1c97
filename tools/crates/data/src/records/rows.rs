//! UCI tables: an example a row of fixed length, values between commas or blanks, the label last.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task};
use crate::Error;
use crate::lines::{Lines, is_blank, is_comment, number};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    found.meaning = Some((options.task_of(Format::Rows, &[Task::Class])?, None));
    let channels = match options.channels {
        0 if name.contains("pendigits") => 2,
        0 => 1,
        given => given,
    };
    let names = || match channels {
        2 => vec!["x".to_owned(), "y".to_owned()],
        n => (1..=n).map(|c| c.to_string()).collect(),
    };
    let mut lines = Lines::open(&part.path)?;
    let mut length = None;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) || is_comment(text) {
            continue;
        }
        let row = row(text, channels);
        let (values, label) = row.map_err(|p| lines.problem(p))?;
        let length = *length.get_or_insert(values.len());
        if values.len() != length {
            let problem = format!("{} values where the rows before have {length}", values.len());
            return Err(lines.problem(problem));
        }
        found.agree(&part.path, line, names, channels)?;
        found.push(part.split, format!("{name}:{line}"), Input::Values(values), Answer::Label(label));
    }
    Ok(())
}

fn row(text: &str, channels: usize) -> Result<(Vec<f64>, String), String> {
    let fields: Vec<&str> = match text.contains(',') {
        true => text.split(',').map(str::trim).collect(),
        false => text.split_whitespace().collect(),
    };
    let (label, values) = fields.split_last().filter(|(_, v)| !v.is_empty()).ok_or("a label without values")?;
    let values = values.iter().map(|v| number(v)).collect::<Result<Vec<f64>, String>>()?;
    if label.is_empty() {
        return Err("no label at the end of the row".to_owned());
    }
    if values.len() % channels != 0 {
        return Err(format!("{} values are no whole number of steps of {channels} channels", values.len()));
    }
    Ok((values, (*label).to_owned()))
}
