//! Examples that are made instead of read: the tasks that show how far back a network remembers, and systems to learn.
//!
//! Everything follows from the seed: each split has a stream of random numbers of its own, so that a longer train leaves
//! valid and test as they are.

mod adding;
mod copy;
mod digits;
mod lorenz;
mod motion;
mod pendulum;
mod sensors;

use super::{Answer, Error, Format, Input, Record, RecordOptions, Records, Split, Task, Unit};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generate {
    /// The sum of two marked numbers among many.
    Adding,
    /// Ten symbols to be said again after a long silence.
    Copy,
    /// A driven, damped pendulum: from the torque to the angle.
    Pendulum,
    /// Lorenz's equations: three values that go on by themselves.
    Lorenz,
    /// Digits to be said again from the last to the first.
    Reverse,
    /// Digits to be said again from the smallest to the largest.
    Sort,
    /// Networks of sensors, one of which may be faulty.
    Sensors,
}

impl fmt::Display for Generate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Generate::Adding => "adding",
            Generate::Copy => "copy",
            Generate::Pendulum => "pendulum",
            Generate::Lorenz => "lorenz",
            Generate::Reverse => "reverse",
            Generate::Sort => "sort",
            Generate::Sensors => "sensors",
        })
    }
}

/// Most steps of all examples to train on.
const MOST: usize = 1 << 30;

/// Makes `options.count` examples to train on, and `valid_share` as many again for each of valid and test.
pub(super) fn records(dir: &Path, what: Generate, options: &RecordOptions) -> Result<Records, Error> {
    let steps = match (options.steps, what) {
        (0, Generate::Adding | Generate::Copy) => 100,
        (0, Generate::Pendulum | Generate::Lorenz) => 600,
        (0, Generate::Reverse | Generate::Sort) => 8,
        (0, Generate::Sensors) => 12,
        (given, _) => given,
    };
    let least = if what == Generate::Adding { 2 } else { 1 };
    if steps < least || options.count == 0 {
        let problem = format!("generate = \"{what}\" needs steps of {least} or more and a count of 1 or more");
        return Err(Error::Option { problem });
    }
    if steps.checked_mul(options.count).is_none_or(|values| values > MOST) {
        let problem = format!("{} examples of {steps} steps are more than fit in memory", options.count);
        return Err(Error::Option { problem });
    }
    let known: &[&str] = match what {
        Generate::Adding => &["sum"],
        Generate::Copy | Generate::Reverse | Generate::Sort | Generate::Sensors => &[],
        Generate::Pendulum => &pendulum::OUTPUTS,
        Generate::Lorenz => &lorenz::OUTPUTS,
    };
    let outputs: Vec<String> = match (&options.outputs[..], what) {
        ([], Generate::Pendulum) => vec!["angle".to_owned()],
        ([], _) => known.iter().map(|&name| name.to_owned()).collect(),
        (given, _) => given.to_vec(),
    };
    let find = |name: &String| {
        known.iter().position(|k| k == name).ok_or_else(|| {
            let problem = format!("generate = \"{what}\" has no output `{name}`; it has: {}", known.join(", "));
            Error::Option { problem }
        })
    };
    let columns = outputs.iter().map(find).collect::<Result<Vec<usize>, Error>>()?;

    let aside = match options.valid_share > 0.0 {
        true => ((options.count as f64 * options.valid_share).round() as usize).max(1),
        false => 0,
    };
    let make = |split: Split, count: usize| -> Vec<Record> {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(split as u64);
        let one = |k: usize| {
            let (input, answer) = match what {
                Generate::Sensors => {
                    let (input, joints, answer) = sensors::example(&mut rng, steps);
                    return Record { name: format!("{what} {split}#{k}"), input, joints, answer };
                }
                Generate::Adding => adding::example(&mut rng, steps),
                Generate::Copy => copy::example(&mut rng, steps),
                Generate::Pendulum => pendulum::example(&mut rng, steps, &columns),
                Generate::Lorenz => lorenz::example(&mut rng, steps, &columns),
                Generate::Reverse | Generate::Sort => digits::example(&mut rng, steps, what),
            };
            Record { name: format!("{what} {split}#{k}"), input, joints: crate::ExampleStructure::None, answer }
        };
        (0..count).map(one).collect()
    };
    let task = match what {
        Generate::Copy | Generate::Sensors => Task::Tag,
        Generate::Reverse | Generate::Sort => Task::Seq2seq,
        Generate::Adding | Generate::Pendulum | Generate::Lorenz => Task::Series,
    };
    let readings: Vec<String> = (0..sensors::READINGS).map(|t| format!("reading {t}")).collect();
    let channels: &[&str] = match what {
        Generate::Adding => &adding::CHANNELS,
        Generate::Pendulum => &["torque"],
        Generate::Copy | Generate::Lorenz | Generate::Reverse | Generate::Sort | Generate::Sensors => &[],
    };
    Ok(Records {
        dir: dir.into(),
        format: Format::Generated,
        task,
        unit: (task != Task::Series && what != Generate::Sensors).then_some(Unit::Characters),
        channels: match what {
            Generate::Sensors => readings,
            _ => channels.iter().map(|&name| name.to_owned()).collect(),
        },
        outputs,
        edges: Vec::new(),
        train: make(Split::Train, options.count),
        valid: make(Split::Valid, aside),
        test: make(Split::Test, aside),
        valid_is_carved: false,
        notes: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
