//! Frames as arrays: `.npy` of `[steps, values]` or `[examples, steps, values]`, its labels in a second file; or a csv whose rows
//! are the steps of one example, alone or in the folder of its label.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task};
use crate::lines::{self, Lines, is_blank, is_comment, number};
use crate::source::name_of;
use crate::{Error, files};
use std::path::{Path, PathBuf};

/// Name of a column that holds labels.
const LABELS: [&str; 3] = ["label", "class", "target"];

/// Whether a file holds labels of another.
pub(super) fn is_labels(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".npy");
    stem.is_some_and(|stem| {
        stem == "y" || stem.starts_with("y_") || stem.ends_with("labels") || stem.starts_with("labels")
    })
}

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    match name.to_ascii_lowercase().ends_with(".npy") {
        true => arrays(name, part, options, found),
        false => table(name, part, options, found),
    }
}

/// The file with the labels of `x_train.npy`: `y_train.npy` or `x_train_labels.npy`.
fn labels_of(path: &Path) -> Option<PathBuf> {
    let name = name_of(path);
    let stem = name.strip_suffix(".npy").unwrap_or(&name);
    let mut names = vec![format!("{stem}_labels.npy")];
    if let Some(rest) = stem.strip_prefix(['x', 'X']) {
        names.extend([format!("y{rest}.npy"), format!("Y{rest}.npy")]);
    }
    names.into_iter().map(|name| path.with_file_name(name)).find(|path| path.is_file())
}

fn arrays(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let problem = |problem: String| Error::File { file: part.path.clone(), problem };
    let x = Array::read(&part.path)?;
    let labels = labels_of(&part.path).map(|path| Array::read(&path)).transpose()?;
    let alone = labels.as_ref().is_none_or(|y| y.shape != x.shape[..1]);
    let (examples, steps, width) = match (&x.shape[..], alone) {
        ([steps, width], true) => (1, *steps, *width),
        // A value a step, as the labels are one for each row.
        ([examples, steps], false) => (*examples, *steps, 1),
        ([examples, steps, width], _) => (*examples, *steps, *width),
        (shape, _) => {
            return Err(problem(format!(
                "has the shape {shape:?}; frames are [steps, values] or [examples, steps, values]"
            )));
        }
    };
    if examples * steps * width == 0 {
        return Err(problem(format!("has the shape {:?}: no frame is in it", x.shape)));
    }
    if let Some(at) = x.values.iter().position(|v| !v.is_finite()) {
        return Err(problem(format!("value {at} is {}; fill it in, or delete the example", x.values[at])));
    }
    let (answers, task) = match &labels {
        Some(y) => answers(&part.path, y, examples, steps)?,
        None => (vec![Answer::None; examples], Task::Class),
    };
    found.meaning = Some((options.task_of(Format::Frames, &[task])?, None));
    if task == Task::Series && found.outputs.is_empty() {
        let width = labels.as_ref().and_then(|y| y.shape.last()).copied().unwrap_or(1);
        found.outputs = (1..=width).map(|k| k.to_string()).collect();
    }
    found.agree(&part.path, 0, || (1..=width).map(|k| k.to_string()).collect(), width)?;
    for (k, (values, answer)) in x.values.chunks_exact(steps * width).zip(answers).enumerate() {
        found.push(part.split, format!("{name}:{k}"), Input::Values(values.to_vec()), answer);
    }
    Ok(())
}

/// One answer for each example: a label, a label a step, or values.
fn answers(x: &Path, y: &Array, examples: usize, steps: usize) -> Result<(Vec<Answer>, Task), Error> {
    let label = |v: &f64| format!("{v}");
    let whole = y.whole && y.values.iter().all(|v| v.fract() == 0.0);
    let one_hot = |row: &[f64]| row.iter().all(|v| *v == 0.0 || *v == 1.0) && row.iter().sum::<f64>() == 1.0;
    let rows = |n: usize| y.values.chunks_exact(n.max(1));
    let wrong = || {
        let problem = format!(
            "labels of the shape {:?} for {examples} examples of {steps} steps; labels are [examples] or [examples, steps] of whole \
             numbers, [examples, classes] of zeros and a one, or values",
            y.shape
        );
        Error::File { file: x.into(), problem }
    };
    Ok(match y.shape[..] {
        [n] if n == examples && whole => (y.values.iter().map(|v| Answer::Label(label(v))).collect(), Task::Class),
        [n] if n == examples => (rows(1).map(|v| Answer::Values(v.to_vec())).collect(), Task::Series),
        [n] if n == steps && examples == 1 && whole => {
            (vec![Answer::Tags(y.values.iter().map(label).collect())], Task::Tag)
        }
        [n, m] if n == examples && m > 1 && rows(m).all(one_hot) => {
            let of = |row: &[f64]| Answer::Label(row.iter().position(|v| *v == 1.0).unwrap_or(0).to_string());
            (rows(m).map(of).collect(), Task::Class)
        }
        [n, m] if n == examples && m == steps && whole => {
            (rows(m).map(|row| Answer::Tags(row.iter().map(label).collect())).collect(), Task::Tag)
        }
        [n, m] if n == examples => (rows(m).map(|row| Answer::Values(row.to_vec())).collect(), Task::Series),
        [n, t, m] if n == examples && t == steps => {
            (rows(t * m).map(|row| Answer::Values(row.to_vec())).collect(), Task::Series)
        }
        _ => return Err(wrong()),
    })
}

/// An array of numbers, row-major.
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
    /// Whether they are whole numbers by their type.
    whole: bool,
}

/// Bytes of a file at most.
const MOST_BYTES: u64 = 1 << 30;

impl Array {
    fn read(path: &Path) -> Result<Self, Error> {
        let problem = |problem: &str| Error::File { file: path.into(), problem: problem.to_owned() };
        let size = std::fs::metadata(path).map_err(Error::io(path))?.len();
        if size > MOST_BYTES {
            return Err(problem("more than 1 GiB; give a part of it, which is enough to calibrate"));
        }
        Self::parse(&files::read(path)?).map_err(|e| problem(&e))
    }

    /// The format of NumPy: a mark, a version, the length of the header, the header, the numbers.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "no .npy file, or one that is cut off; save it again with numpy.save".to_owned();
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(cut)?;
        let (length, rest) = match rest {
            [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
            [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
            _ => return Err(cut()),
        };
        let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
        let header = std::str::from_utf8(header).map_err(|_| cut())?;
        let after = |key: &str| header.split_once(key).map(|(_, after)| after.trim_start_matches([':', ' ']));
        let kind = after("'descr'").and_then(|d| d.strip_prefix('\'')?.split_once('\'')).map(|(kind, _)| kind);
        let fortran = after("'fortran_order'").is_none_or(|f| !f.starts_with("False"));
        let shape = after("'shape'").and_then(|s| s.strip_prefix('(')?.split_once(')')).map(|(shape, _)| shape);
        let (Some(kind), Some(shape)) = (kind, shape) else { return Err(cut()) };
        if fortran {
            return Err("columns stand before rows (fortran_order); save numpy.ascontiguousarray of it".to_owned());
        }
        let sizes = shape.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::parse::<usize>);
        let shape = sizes.collect::<Result<Vec<_>, _>>().map_err(|_| cut())?;
        let count = shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k)).ok_or_else(cut)?;
        let of = |n: usize, value: fn(&[u8]) -> f64| -> Result<Vec<f64>, String> {
            match count.checked_mul(n) == Some(data.len()) {
                true => Ok(data.chunks_exact(n).map(value).collect()),
                false => Err(format!("{} bytes for {count} numbers of {n}; save it again", data.len())),
            }
        };
        let values = match kind {
            "<f4" => of(4, |b| f64::from(f32::from_bits(bits(b) as u32))),
            "<f8" => of(8, |b| f64::from_bits(bits(b))),
            "|b1" | "|u1" => of(1, |b| bits(b) as f64),
            "|i1" => of(1, |b| f64::from(bits(b) as i8)),
            "<u2" => of(2, |b| bits(b) as f64),
            "<i2" => of(2, |b| f64::from(bits(b) as i16)),
            "<u4" => of(4, |b| bits(b) as f64),
            "<i4" => of(4, |b| f64::from(bits(b) as i32)),
            "<u8" => of(8, |b| bits(b) as f64),
            "<i8" => of(8, |b| bits(b) as i64 as f64),
            other => Err(format!("numbers of the type {other}; save it as float32")),
        }?;
        Ok(Array { shape, values, whole: !kind.contains('f') })
    }
}

/// Little-endian bytes as a word.
fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, b| all << 8 | u64::from(*b))
}

/// A csv whose rows are the steps of one example.
fn table(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let mut lines = Lines::open(&part.path)?;
    let (mut names, mut labelled): (Option<Vec<String>>, Option<usize>) = (None, None);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    while let Some((_, text)) = lines.next()? {
        if is_blank(text) || is_comment(text) {
            continue;
        }
        let fields: Vec<&str> = text.split([',', ';', '\t']).map(lines::trim).collect();
        if names.is_none() {
            let header = fields.iter().any(|f| number(f).is_err());
            let of = |k: usize| if header { fields[k].trim_matches('"').to_owned() } else { (k + 1).to_string() };
            let all: Vec<String> = (0..fields.len()).map(of).collect();
            labelled = all.iter().position(|n| LABELS.contains(&n.to_lowercase().as_str()));
            names = Some(all);
            if header {
                continue;
            }
        }
        let (row, label) = row(&fields, names.as_ref().map_or(0, Vec::len), labelled).map_err(|p| lines.problem(p))?;
        values.extend(row);
        labels.extend(label);
    }
    let mut names = names.unwrap_or_default();
    if let Some(at) = labelled {
        names.remove(at);
    }
    if values.is_empty() {
        return Ok(());
    }
    if let Some(label) = &part.label {
        labels = vec![label.clone()];
    }
    let same = labels.windows(2).all(|w| w[0] == w[1]);
    let (answer, task) = match labels.first() {
        None => (Answer::None, Task::Class),
        Some(first) if same => (Answer::Label(first.clone()), Task::Class),
        Some(_) => (Answer::Tags(labels), Task::Tag),
    };
    let task = options.task_of(Format::Frames, &[task])?;
    found.meaning = Some((task, None));
    let width = names.len();
    found.agree(&part.path, 1, || names, width)?;
    found.push(part.split, name.to_owned(), Input::Values(values), answer);
    Ok(())
}

/// The values of a row, and its label.
fn row(fields: &[&str], width: usize, labelled: Option<usize>) -> Result<(Vec<f64>, Option<String>), String> {
    if fields.len() != width {
        return Err(format!("{} values where the lines before have {width}", fields.len()));
    }
    let numbers = fields.iter().enumerate().filter(|(k, _)| labelled != Some(*k)).map(|(_, field)| number(field));
    Ok((numbers.collect::<Result<_, _>>()?, labelled.map(|k| fields[k].to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn arrays_are_read_and_damaged_ones_are_not() {
        let data: Vec<u8> = [1.5f32, -2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let whole = npy("<f4", "2, 2", &data);
        let array = Array::parse(&whole).unwrap();
        assert_eq!((array.shape, array.values), (vec![2, 2], vec![1.5, -2.0, 3.0, 4.0]));
        for n in 0..whole.len() {
            assert!(Array::parse(&whole[..n]).is_err(), "{n}");
        }
        let huge = npy("<f4", "4294967295, 4294967295, 4294967295", &data);
        assert!(Array::parse(&huge).is_err());
        assert!(Array::parse(&npy("<c8", "2", &data)).err().unwrap().contains("<c8"));
        assert_eq!(Array::parse(&npy("<i8", "1,", &(-7i64).to_le_bytes())).unwrap().values, [-7.0]);
    }

    #[test]
    fn labels_are_one_a_row_or_one_a_step() {
        let array =
            |shape: &[usize], values: &[f64]| Array { shape: shape.to_vec(), values: values.to_vec(), whole: true };
        let of = |y: &Array, n, t| answers(Path::new("x.npy"), y, n, t).map(|(a, task)| (a[0].clone(), task));
        assert_eq!(of(&array(&[2], &[3.0, 1.0]), 2, 5).unwrap(), (Answer::Label("3".to_owned()), Task::Class));
        let hot = array(&[2, 3], &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(of(&hot, 2, 5).unwrap(), (Answer::Label("2".to_owned()), Task::Class));
        let tags = array(&[1, 2], &[4.0, 5.0]);
        assert_eq!(of(&tags, 1, 2).unwrap().1, Task::Tag);
        assert!(of(&array(&[3], &[1.0; 3]), 2, 5).is_err());
    }
}
