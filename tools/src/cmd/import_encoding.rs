//! Labels, symbols and scales between an imported network and its data.

use anyhow::{Result, bail, ensure};
use elman_data::Vocabulary;
use elman_data::records::{Answer, Input, Records, Task};
use elman_import::{AffineOp, Imported};
use elman_pipeline::{Encoding, Frames, RunInfo, Source};
use elman_quant::channels;
use elman_quant::scaling::SCALED_FRAC;
use elman_recipe::{Recipe, Usage};

/// Names of the row that an embedding has for what it does not know.
const UNKNOWN: [&str; 7] = ["<unk>", "<UNK>", "[UNK]", "[unk]", "UNK", "unk", "<oov>"];

/// The labels in the order of the outputs: those given, else those of the data.
pub(super) fn labels(
    imported: &Imported,
    source: &Source,
    given: Option<Vec<String>>,
    notes: &mut Vec<String>,
) -> Result<Vec<String>> {
    let (task, mut found) = match source {
        Source::Sound(corpus) => (Task::Class, corpus.labels.clone()),
        Source::Records(records) => (records.task, labels_of(records)),
    };
    if task == Task::Next {
        return Ok(Vec::new());
    }
    if task == Task::Series {
        let Source::Records(records) = source else { return Ok(found) };
        let n = imported.width()?;
        ensure!(
            records.outputs.len() == n,
            "the network gives {n} values, the data have {}: {}",
            records.outputs.len(),
            records.outputs.join(", ")
        );
        return Ok(given.filter(|g| g.len() == n).unwrap_or_else(|| records.outputs.clone()));
    }
    let n = imported.classes()?;
    if let Some(given) = given {
        ensure!(given.len() == n, Usage(format!("--labels names {}, the network has {n} outputs", given.len())));
        return Ok(given);
    }
    if found.is_empty() {
        return Ok((0..n).map(|k| k.to_string()).collect());
    }
    let numbers: Option<Vec<usize>> = found.iter().map(|l| l.parse().ok()).collect();
    if let Some(mut numbers) = numbers {
        numbers.sort_unstable();
        let first = usize::from(numbers.first() != Some(&0) && numbers.last() == Some(&n));
        if numbers.last().is_some_and(|last| *last < n + first) {
            return Ok((first..n + first).map(|k| k.to_string()).collect());
        }
    }
    if found.len() != n {
        bail!(Usage(format!(
            "the network has {n} outputs, the data {} labels ({}); name the labels in the order of the outputs by --labels",
            found.len(),
            found.join(", ")
        )));
    }
    found.sort_unstable();
    notes.push(format!("labels in the order of their names: {}; --labels says otherwise", found.join(", ")));
    Ok(found)
}

/// The labels of records, in any order, each once.
fn labels_of(records: &Records) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    for record in records.train.iter().chain(&records.valid).chain(&records.test) {
        match &record.answer {
            Answer::Label(label) => drop(found.insert(label.clone())),
            Answer::Tags(tags) => found.extend(tags.iter().cloned()),
            _ => {}
        }
    }
    found.into_iter().collect()
}

/// The encoding of the data for the network, and the network with the rows of its embedding in the vocabulary's order.
pub(super) fn encoding(
    imported: Imported,
    source: &Source,
    recipe: &Recipe,
    labels: Vec<String>,
    symbols: Option<Vec<String>>,
) -> Result<(Encoding, Imported)> {
    let mut encoding = Encoding::of(source, recipe)?;
    let task = encoding.task;
    let per_step = imported.per_step();
    match (task, per_step) {
        (Task::Class, true) => bail!(
            "the network has an answer for every step, the data one label for each example; give a label for each step, or a \
             recipe whose [network] ends in a pool"
        ),
        (Task::Tag | Task::Segment | Task::Next, false) => {
            bail!(
                "the network has one answer for a sequence, the data a label for every step; give one label for each example"
            )
        }
        _ => {}
    }
    encoding.labels = labels;
    let reads_symbols = imported.symbols().is_some();
    let Source::Records(records) = source else { return Ok((encoding, imported)) };
    match &mut encoding.frames {
        Frames::Symbols(vocabulary) => {
            let Some(rows) = imported.symbols() else {
                bail!(
                    "the data are symbols, and the network has no embedding: it reads {} values a step",
                    imported.inputs()?
                )
            };
            let (own, order) = known(records, rows, vocabulary, symbols)?;
            *vocabulary = own;
            return Ok((encoding, imported.with_rows(&order)));
        }
        Frames::Values { channels: names, scaling, frac, .. } => {
            ensure!(
                !reads_symbols,
                "the network has an embedding and reads symbols, the data are values: give text, with --vocabulary and a recipe \
                 whose [data] says how it is read"
            );
            let inputs = imported.inputs()?;
            ensure!(
                names.len() == inputs,
                "{} has {} values a step, the network reads {inputs}",
                records.dir.display(),
                names.len()
            );
            // What does not move in the few examples that calibrate may move later.
            for (k, channel) in scaling.iter_mut().enumerate().filter(|(_, c)| c.multiplier == 0) {
                let value = |r: &elman_data::records::Record| match &r.input {
                    Input::Values(v) => v.get(k).copied(),
                    Input::Symbols(_) => None,
                };
                let values: Vec<f64> = records.train.iter().filter_map(value).collect();
                *channel = channels::input(&values, *frac);
            }
        }
        Frames::Audio(_) => {}
    }
    Ok((encoding, imported))
}

/// The vocabulary of an embedding, and which of its rows each index is.
fn known(
    records: &Records,
    rows: usize,
    of_data: &Vocabulary,
    symbols: Option<Vec<String>>,
) -> Result<(Vocabulary, Vec<usize>)> {
    let symbols = match symbols {
        Some(symbols) => symbols,
        None => {
            let numbers = of_data.symbols().iter().all(|s| s.parse::<usize>().is_ok_and(|n| n < rows));
            ensure!(
                numbers,
                Usage(format!(
                    "the network's embedding has {rows} rows, and {} is text: name the symbol of each row by --vocabulary FILE, one \
                     a line",
                    records.dir.display()
                ))
            );
            (0..rows).map(|k| k.to_string()).collect()
        }
    };
    ensure!(
        symbols.len() <= rows,
        Usage(format!("--vocabulary has {} lines, the network's embedding {rows} rows", symbols.len()))
    );
    let vocabulary = Vocabulary::of_symbols(of_data.unit(), symbols.iter().cloned());
    let unknown = symbols.iter().position(|s| UNKNOWN.contains(&s.as_str())).unwrap_or(0);
    let row = |symbol: &String| symbols.iter().position(|s| s == symbol).unwrap_or(unknown);
    let order = std::iter::once(unknown).chain(vocabulary.symbols().iter().map(row)).collect();
    Ok((vocabulary, order))
}

/// What the frames of the file are in those of elman: x = s ⊙ e + o; none where they are symbols.
pub(super) fn input_scale(about: &RunInfo) -> Option<AffineOp> {
    let pairs: Vec<(f64, f64)> = match &about.encoding.frames {
        Frames::Symbols(_) => return None,
        Frames::Values { frac, scaling, .. } if !scaling.is_empty() => {
            scaling.iter().map(|c| channels::affine(c, *frac)).collect()
        }
        frames => {
            let frac = if let Frames::Values { frac, .. } = frames { *frac } else { elman::audio::FEATURE_FRAC as u8 };
            let unit = 2f64.powi(frac.into());
            let shift = 2f64.powi((about.scale_shift + SCALED_FRAC).into());
            let of = |(offset, m): &(i16, i16)| (f64::from(*offset) / unit, shift / (f64::from(*m) * unit));
            about.scale.iter().map(of).collect()
        }
    };
    let (offset, scale) = pairs.into_iter().unzip();
    Some(AffineOp { scale, offset })
}

/// What elman's outputs are of those of the file, where they are values: y = s ⊙ v + o.
pub(super) fn output_scale(about: &RunInfo) -> Option<AffineOp> {
    if about.encoding.task != Task::Series || about.target.is_empty() {
        return None;
    }
    let (scale, offset) = about.target.iter().map(|(offset, unit)| (1.0 / unit, -offset / unit)).unzip();
    Some(AffineOp { scale, offset })
}
