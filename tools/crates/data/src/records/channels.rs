//! UCI windows: a folder per split with a file per channel, a window a line, and the labels in `y_*.txt`.

use super::parts::{DataFile, without_split};
use super::{Answer, Format, Found, Input, RecordOptions, Task};
use crate::Error;
use crate::lines::{Lines, number};
use crate::source::{list, name_of};
use std::path::{Path, PathBuf};

/// The folder that holds the channels in the distribution of Human Activity Recognition.
const SIGNALS: &str = "Inertial Signals";

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    found.meaning = Some((options.task_of(Format::Channels, &[Task::Class])?, None));
    let Some((labels, channels)) = files(&part.path)? else {
        let problem = "no y_*.txt with labels next to the files of channels".to_owned();
        return Err(Error::File { file: part.path.clone(), problem });
    };
    let names = || channels.iter().map(|p| without_split(stem(&name_of(p)))).collect();
    found.agree(&channels[0], 1, names, channels.len())?;

    let mut labels = Lines::open(&labels)?;
    let mut open = channels.iter().map(|p| Lines::open(p)).collect::<Result<Vec<_>, _>>()?;
    while let Some((line, label)) = labels.next()? {
        let label = crate::lines::trim(label).to_owned();
        let mut window: Vec<Vec<f64>> = Vec::with_capacity(open.len());
        for file in &mut open {
            let values = match file.next()? {
                Some((_, text)) => text.split_whitespace().map(number).collect::<Result<Vec<f64>, String>>(),
                None => Err("ends here, but the labels continue".to_owned()),
            };
            let values = values.map_err(|p| file.problem(p))?;
            if values.is_empty() {
                return Err(file.problem("an empty window"));
            }
            if let Some(first) = window.first().filter(|f| f.len() != values.len()) {
                let problem = format!("{} values where the first channel has {}", values.len(), first.len());
                return Err(file.problem(problem));
            }
            window.push(values);
        }
        if label.is_empty() {
            return Err(labels.problem("no label; delete the line here and in the channels"));
        }
        let values = (0..window[0].len()).flat_map(|t| window.iter().map(move |c| c[t])).collect();
        found.push(part.split, format!("{name}:{line}"), Input::Values(values), Answer::Label(label));
    }
    for file in &mut open {
        if file.next()?.is_some() {
            return Err(file.problem("continues where the labels have ended"));
        }
    }
    Ok(())
}

/// The file of labels and the channels by name; `None` if the folder is not of this format.
pub(super) fn files(dir: &Path) -> Result<Option<(PathBuf, Vec<PathBuf>)>, Error> {
    let is_text = |p: &PathBuf| name_of(p).ends_with(".txt") || name_of(p).ends_with(".txt.gz");
    let all: Vec<PathBuf> = list(dir)?.into_iter().filter(is_text).collect();
    let Some(labels) = all.iter().find(|p| name_of(p).starts_with("y_")).cloned() else {
        return Ok(None);
    };
    let signals = dir.join(SIGNALS);
    let channels = match signals.is_dir() {
        true => list(&signals)?.into_iter().filter(is_text).collect(),
        false => all.into_iter().filter(|p| *p != labels && !name_of(p).starts_with("subject")).collect::<Vec<_>>(),
    };
    Ok((!channels.is_empty()).then_some((labels, channels)))
}

fn stem(name: &str) -> &str {
    name.split_once('.').map_or(name, |(stem, _)| stem)
}
