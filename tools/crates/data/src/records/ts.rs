//! The UEA archive's `.ts`: a header of `@` lines, then a case a line, its dimensions between colons, its label last. Short
//! cases may end in `?` or NaN up to the length of the longest.

use super::parts::DataFile;
use super::ucr::{filled, values};
use super::{Answer, Format, Found, Input, RecordOptions, Task};
use crate::lines::{Lines, is_blank, is_comment};
use crate::note::{names, said};
use crate::{Error, Split};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    found.meaning = Some((options.task_of(Format::Ts, &[Task::Class])?, None));
    let mut lines = Lines::open(&part.path)?;
    let mut header = Header::default();
    let before = found.records.len();
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) || is_comment(text) {
            continue;
        }
        let text = text.trim();
        if !header.data {
            let problem = header.line(text);
            problem.map_err(|p| lines.problem(p))?;
            continue;
        }
        let case = case(text, &header);
        let (values, channels, label) = case.map_err(|p| lines.problem(p))?;
        let numbered = || (1..=channels).map(|c| c.to_string()).collect();
        found.agree(&part.path, line, numbered, channels)?;
        found.push(part.split, format!("{name}:{line}"), Input::Values(values), Answer::Label(label));
    }
    let has = |label: &String| found.records[before..].iter().any(|(_, r)| r.answer == Answer::Label(label.clone()));
    let absent: Vec<&str> = header.labels.iter().filter(|l| !has(l)).map(String::as_str).collect();
    if part.split == Split::Train && !absent.is_empty() {
        let listed = names(absent.iter().copied());
        found.notes.push(said(format!("{name}: {} label(s) of its header have no example: {listed}", absent.len())));
    }
    Ok(())
}

/// What the `@` lines say.
#[derive(Default)]
struct Header {
    dimensions: Option<usize>,
    labels: Vec<String>,
    data: bool,
}

impl Header {
    fn line(&mut self, text: &str) -> Result<(), String> {
        let mut words = text.split_whitespace();
        let key = words.next().unwrap_or_default().to_ascii_lowercase();
        let value = words.next().unwrap_or_default();
        let yes = value.eq_ignore_ascii_case("true");
        match key.as_str() {
            "@timestamps" if yes => return Err("series with time stamps are not read; resample them evenly".into()),
            "@dimensions" => {
                let count = value.parse().map_err(|_| format!("`{value}` is not a number of dimensions"))?;
                self.dimensions = Some(count);
            }
            "@univariate" if yes => self.dimensions = Some(1),
            "@targetlabel" if yes => {
                return Err(
                    "series with a value to tell (`@targetLabel`) have no classes; write them as a table, a row a \
                    step, and train on the column"
                        .into(),
                );
            }
            "@classlabel" if yes => self.labels = words.map(str::to_owned).collect(),
            "@data" if self.labels.is_empty() => {
                return Err("no `@classLabel true` with labels before `@data`: nothing to tell apart".into());
            }
            "@data" => self.data = true,
            _ if key.starts_with('@') => {}
            _ => return Err(format!("`{key}` before `@data`: expected a line that starts with @ or #")),
        }
        Ok(())
    }
}

/// Values `[steps * channels]`, the number of channels, and the label of a case.
fn case(text: &str, header: &Header) -> Result<(Vec<f64>, usize, String), String> {
    let (dimensions, label) = text.rsplit_once(':').ok_or("no `:` before the label")?;
    let label = label.trim();
    if !header.labels.iter().any(|l| l == label) {
        return Err(format!("label `{label}` is not among those of the header: {}", header.labels.join(" ")));
    }
    let fields: Vec<Vec<&str>> = dimensions.split(':').map(|d| d.split(',').collect()).collect();
    // What is missing in every dimension at the end pads the series.
    let end = fields
        .iter()
        .map(|f| filled(f))
        .max()
        .filter(|&end| end > 0)
        .ok_or("a series without a value; delete the line")?;
    let series = fields.iter().map(|f| values(&f[..f.len().min(end)])).collect::<Result<Vec<_>, _>>()?;
    if let Some(wanted) = header.dimensions.filter(|&d| d != series.len()) {
        return Err(format!("{} dimensions where the header says {wanted}", series.len()));
    }
    let steps = series[0].len();
    if let Some((d, other)) = series.iter().enumerate().find(|(_, s)| s.len() != steps) {
        return Err(format!("dimension {} has {} values where the first has {steps}", d + 1, other.len()));
    }
    let values = (0..steps).flat_map(|t| series.iter().map(move |s| s[t])).collect();
    Ok((values, series.len(), label.to_owned()))
}
