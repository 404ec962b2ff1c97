//! Logs of an accelerometer, a folder per gesture, or a folder per split and in it a folder per gesture: `-,-,-` begins one, then `x,y,z` a reading; all else in a log is what the
//! terminal wrote, and is passed over. Readings become thousandths of g, also where a log has them in g.

use super::parts::{DataFile, split_of};
use super::{Answer, Format, Found, Input, RecordOptions, Task};
use crate::source::{list, name_of};
use crate::{Error, files};

/// A recording longer than this is none of a gesture, and is cut into stretches of half of it.
const LONGEST: usize = 256;
/// Values above this are thousandths of g: no sensor for hands measures 20 g.
const MOST_G: f64 = 20.0;

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    found.meaning = Some((options.task_of(Format::Gestures, &[Task::Class])?, None));
    let entries = list(&part.path)?;
    // The folder of a split holds a folder per gesture.
    if split_of(&name_of(&part.path)).is_some() && entries.iter().any(|p| p.is_dir()) {
        return entries.into_iter().filter(|p| p.is_dir()).try_for_each(|path| {
            let name = format!("{name}/{}", name_of(&path));
            logs(&name, &DataFile { path, split: part.split, label: None }, found)
        });
    }
    logs(name, part, found)
}

/// The logs of a gesture, each for the split in its name, or for that of its folder.
fn logs(name: &str, part: &DataFile, found: &mut Found) -> Result<(), Error> {
    let label = name_of(&part.path);
    for path in list(&part.path)?.into_iter().filter(|p| name_of(p).ends_with(".txt")) {
        let split = split_of(&name_of(&path)).unwrap_or(part.split);
        found.agree(&path, 1, || ["x", "y", "z"].map(str::to_owned).to_vec(), 3)?;
        // What a terminal wrote need not be UTF-8.
        let gestures = gestures(&String::from_utf8_lossy(&files::read(&path)?));
        if gestures.is_empty() {
            let problem = "no line `-,-,-` with readings `x,y,z` after it".to_owned();
            return Err(Error::File { file: path, problem });
        }
        let whole = gestures.into_iter().flat_map(|(line, values)| {
            let length = if values.len() > 3 * LONGEST { 3 * LONGEST / 2 } else { values.len().max(1) };
            values.chunks(length).map(|c| c.to_vec()).map(|c| (line, c)).collect::<Vec<_>>()
        });
        for (n, (line, values)) in whole.enumerate() {
            let place = format!("{name}/{}:{line}:{n}", name_of(&path));
            found.push(split, place, Input::Values(values), Answer::Label(label.clone()));
        }
    }
    Ok(())
}

/// Line and readings of each gesture in a log.
fn gestures(text: &str) -> Vec<(usize, Vec<f64>)> {
    let mut all: Vec<(usize, Vec<f64>)> = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let text = text.trim();
        if text.ends_with("-,-,-") {
            all.push((line + 1, Vec::new()));
        } else if let Some((_, values)) = all.last_mut() {
            let numbers: Option<Vec<f64>> = text.split(',').map(|v| v.trim().parse().ok()).collect();
            values.extend(
                numbers.filter(|n| n.len() == 3 && n.iter().all(|v: &f64| v.is_finite())).into_iter().flatten(),
            );
        }
    }
    all.retain(|(_, values)| !values.is_empty());
    let largest = all.iter().flat_map(|(_, v)| v).fold(0f64, |m, v| m.max(v.abs()));
    if largest < MOST_G {
        all.iter_mut().flat_map(|(_, v)| v).for_each(|v| *v *= 1000.0);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_read_through_what_a_terminal_adds() {
        let log =
            "Script started\n\x1b[?1034h -,-,-\r\n-1.5,0.25,1\r\n0.5,0,\r\n0,0,1\r\ngarbage\n -,-,- \n2,2,2\n-,-,-\n";
        assert_eq!(
            gestures(log),
            [(2, vec![-1500.0, 250.0, 1000.0, 0.0, 0.0, 1000.0]), (7, vec![2000.0, 2000.0, 2000.0])]
        );
        assert_eq!(gestures("-,-,-\n-515.0,412.0,716.0\n"), [(1, vec![-515.0, 412.0, 716.0])]);
        assert!(gestures("1,2,3\n").is_empty());
    }
}
