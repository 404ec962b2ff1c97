//! Examples as the device reads them, with their targets.

use serde::{Deserialize, Serialize};

use elman_data::ExampleStructure;

/// The target of an example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Index of the sequence's label.
    Class(u32),
    /// Index of each step's label.
    Steps(Vec<u32>),
    /// Index of each symbol of the target's, without start and end; [`NO_CLASS`](elman_nn::NO_CLASS) for one that is
    /// not among them.
    Symbols(Vec<u32>),
    /// `[steps, outputs]` in physical units.
    Values(Vec<f32>),
    /// `[outputs]` in physical units, after the last step.
    Last(Vec<f32>),
    /// Each step's next symbol: the frames one step on.
    Next,
}

/// An example: raw frames and target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Where it came from.
    pub name: String,
    /// `[steps, inputs]`: features, values or symbols, as the device reads them.
    pub frames: Vec<i16>,
    /// Structure of the frames: sequence, tree or graph.
    pub joints: ExampleStructure,
    /// The target.
    pub answer: Answer,
}

impl Answer {
    /// Whether there is one target, after the last step.
    pub fn single(&self) -> bool {
        matches!(self, Answer::Class(_) | Answer::Last(_))
    }

    /// The target in physical values, if it has some.
    pub fn values(&self) -> &[f32] {
        match self {
            Answer::Values(v) | Answer::Last(v) => v,
            Answer::Class(_) | Answer::Steps(_) | Answer::Symbols(_) | Answer::Next => &[],
        }
    }
}

impl Example {
    /// Frames that go into the network: all but the last where the next symbol is the target.
    pub fn steps(&self, inputs: usize) -> usize {
        self.frames.len() / inputs.max(1) - usize::from(self.answer == Answer::Next)
    }

    /// The example, or where it is a sequence its first `longest` steps; `None` where it has none.
    fn cut(&self, inputs: usize, longest: usize) -> Option<Example> {
        let steps = self.steps(inputs);
        if steps == 0 {
            return None;
        }
        let mut cut = self.clone();
        if self.is_sequence() && steps > longest {
            cut.frames.truncate((longest + usize::from(self.answer == Answer::Next)) * inputs);
            match &mut cut.answer {
                Answer::Steps(classes) => classes.truncate(longest),
                Answer::Values(values) => values.truncate(values.len() / steps * longest),
                Answer::Class(_) | Answer::Symbols(_) | Answer::Last(_) | Answer::Next => {}
            }
        }
        Some(cut)
    }

    /// Whether its frames follow one another, so that it can be cut.
    pub fn is_sequence(&self) -> bool {
        self.joints == ExampleStructure::None && !matches!(self.answer, Answer::Symbols(_))
    }

    /// The target symbol of each step, where it is the next one.
    pub fn next_symbols(&self) -> impl Iterator<Item = u32> + '_ {
        self.frames.iter().skip(1).map(|s| u32::from(*s as u16))
    }
}

/// Some of `examples`, evenly spread; sequences are cut at `longest` steps of `inputs` values.
pub fn spread(examples: &[Example], n: usize, inputs: usize, longest: usize) -> Vec<Example> {
    let n = n.clamp(1, examples.len().max(1));
    (0..n).filter_map(|k| examples.get(k * examples.len() / n)).filter_map(|e| e.cut(inputs, longest)).collect()
}

/// Frames of some of `examples`, as [`spread`] chooses them.
pub fn spread_frames(examples: &[Example], n: usize, inputs: usize, longest: usize) -> Vec<Vec<i16>> {
    let frames = |e: Example| e.frames[..e.steps(inputs) * inputs].to_vec();
    spread(examples, n, inputs, longest).into_iter().map(frames).collect()
}
