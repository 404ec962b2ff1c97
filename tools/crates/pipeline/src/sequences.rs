//! Examples as the trainer's sequences: cut into windows, symbols dropped, noise added.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Example, Frames};
use crate::RunInfo;
use elman_nn::{NO_CLASS, Target};
use elman_recipe::SequenceRecipe;
use elman_train::{Dataset, Sequence};

/// Examples, cut into windows as the recipe says.
#[derive(Debug)]
pub struct Sequences<'a> {
    examples: &'a [Example],
    about: &'a RunInfo,
    how: &'a SequenceRecipe,
    /// Example and first step of each window.
    windows: Vec<(usize, usize)>,
    /// Whether windows, symbols and values are varied.
    vary: bool,
    /// Indices of symbols that are interchangeable.
    interchangeable: Vec<u16>,
}

impl<'a> Sequences<'a> {
    /// `vary`: for training, where windows move from epoch to epoch, symbols are dropped and noise is added.
    pub fn new(examples: &'a [Example], about: &'a RunInfo, how: &'a SequenceRecipe, vary: bool) -> Self {
        let inputs = about.encoding.inputs();
        let mut windows = Vec::new();
        for (k, example) in examples.iter().enumerate() {
            let steps = example.steps(inputs);
            match how.window {
                _ if !example.is_sequence() => windows.extend((steps > 0).then_some((k, 0))),
                0 => windows.extend((steps > 0).then_some((k, 0))),
                n => windows.extend((0..steps.div_ceil(how.hop())).map(|w| w * how.hop()).filter_map(|start| {
                    // A window that the previous one contains adds nothing.
                    (start == 0 && steps > 0 || start + n - how.hop() < steps).then_some((k, start))
                })),
            }
        }
        let interchangeable = match &about.encoding.frames {
            Frames::Symbols(vocabulary) => how.interchangeable.iter().map(|s| vocabulary.index(s)).collect(),
            _ => Vec::new(),
        };
        Sequences { examples, about, how, windows, vary, interchangeable }
    }
}

impl Dataset for Sequences<'_> {
    fn len(&self) -> usize {
        self.windows.len()
    }

    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence {
        let (k, mut start) = self.windows[index];
        let example = &self.examples[k];
        let inputs = self.about.encoding.inputs();
        let steps = example.steps(inputs);
        let mut random = epoch_seed.filter(|_| self.vary).map(|seed| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(index as u64);
            random
        });
        let mut end = steps;
        if self.how.window > 0 && example.is_sequence() {
            if let Some(random) = &mut random {
                start += (random.next_u32() as usize) % self.how.hop();
            }
            start = start.min(steps.saturating_sub(self.how.window));
            end = (start + self.how.window).min(steps);
        }
        let mut frames = self.about.network_frames(&example.frames[start * inputs..end * inputs]);
        if let Some(random) = &mut random {
            self.disturb(&mut frames, random);
        }
        // A window from the middle has not read what came before: its first steps have no target.
        let blind = if start > 0 || self.how.washout_at_start { self.how.washout } else { 0 };
        let target = self.about.target(example, start, end);
        let target = match target {
            Target::Steps(mut classes) => {
                classes.iter_mut().take(blind).for_each(|c| *c = NO_CLASS);
                Target::Steps(classes)
            }
            Target::Values(mut values) if !example.answer.single() => {
                let outputs = self.about.encoding.outputs();
                values.iter_mut().take(blind * outputs).for_each(|v| *v = f32::NAN);
                Target::Values(values)
            }
            single => single,
        };
        Sequence { frames, joints: example.joints.clone(), target }
    }
}

impl Sequences<'_> {
    fn disturb(&self, frames: &mut [f32], random: &mut ChaCha8Rng) {
        let symbols = self.about.encoding.symbols() > 0;
        if symbols && self.interchangeable.len() > 1 {
            let mut order = self.interchangeable.clone();
            // Fisher and Yates.
            for k in (1..order.len()).rev() {
                order.swap(k, random.next_u32() as usize % (k + 1));
            }
            frames.iter_mut().for_each(|f| {
                if let Some(k) = self.interchangeable.iter().position(|s| f32::from(*s) == *f) {
                    *f = f32::from(order[k]);
                }
            });
        }
        if symbols && self.how.symbol_dropout > 0.0 {
            let below = (f64::from(self.how.symbol_dropout) * 2f64.powi(32)) as u32;
            frames.iter_mut().for_each(|f| {
                if random.next_u32() < below {
                    *f = 0.0;
                }
            });
        }
        if !symbols && self.how.noise > 0.0 {
            for f in frames {
                // The sum of twelve uniform numbers is nearly normal with variance 1.
                let n: f32 = (0..12).map(|_| random.next_u32() as f32 / 2f32.powi(32)).sum::<f32>() - 6.0;
                *f += self.how.noise * n;
            }
        }
    }
}
