//! That there is something to learn and something to evaluate: a mean over nothing is 0, which looks perfect.

use anyhow::{Result, ensure};

use crate::{Answer, Encoding, Example};
use elman::blob::AttentionScore;
use elman_data::Split;
use elman_data::records::Task;
use elman_nn::LayerSpec;
use elman_recipe::{Recipe, Usage};

/// Most memory of attention weights.
const ATTENTION_BYTES: usize = 4 << 30;

/// Most steps of an example of `examples` that have an answer each; 0 where they have one for the whole.
fn longest(encoding: &Encoding, examples: &[Example]) -> usize {
    let inputs = encoding.inputs();
    examples.iter().filter(|e| e.is_sequence() && !e.answer.single()).map(|e| e.steps(inputs)).max().unwrap_or(0)
}

impl Encoding {
    /// Checks that a network does not read what it is to predict.
    ///
    /// # Errors
    /// Where the target is the next symbol, and a layer reads from the end.
    pub fn predicts(&self, recipe: &Recipe) -> Result<()> {
        let both = |layer: &LayerSpec| matches!(layer, LayerSpec::Cell(cell) if cell.bidirectional);
        ensure!(
            self.task != Task::Next || !recipe.network.layers.iter().any(both),
            Usage(
                "a layer with `bidirectional = true` has read the next symbol, which the network is to predict; set it to \
                 false"
                    .to_owned()
            )
        );
        Ok(())
    }

    /// Checks that some step of the training examples has a target.
    ///
    /// # Errors
    /// With the numbers where the recipe leaves out all.
    pub fn teaches(&self, recipe: &Recipe, train: &[Example]) -> Result<()> {
        let longest = longest(self, train);
        let how = &recipe.sequences;
        let (what, steps) = match how.window {
            0 => ("the longest example has", longest),
            window => ("windows have", window.min(longest)),
        };
        // Without a window, the washout is for the start alone.
        let blind = if how.window > 0 || how.washout_at_start { how.washout } else { 0 };
        ensure!(
            longest == 0 || blind < steps,
            Usage(format!(
                "sequences.washout is {blind}, and {what} {steps} steps: no step would have a target; make it smaller"
            ))
        );
        Ok(())
    }

    /// Checks that attention over the longest examples fits in memory: it has a weight for each pair of steps.
    ///
    /// # Errors
    /// With the numbers where it does not.
    pub fn attends(&self, recipe: &Recipe, train: &[Example]) -> Result<()> {
        let attends = recipe.network.seq2seq.as_ref().is_some_and(|s| s.attention.score != AttentionScore::None);
        let pairs = |e: &Example| match &e.answer {
            Answer::Symbols(symbols) => e.steps(self.inputs()).saturating_mul(symbols.len() + 1),
            _ => 0,
        };
        let most = train.iter().map(pairs).max().unwrap_or(0);
        // A weight and its gradient, of all shards of a batch.
        let bytes = most.saturating_mul(2 * size_of::<f32>()).saturating_mul(recipe.train.batch.min(train.len()));
        ensure!(
            !attends || bytes <= ATTENTION_BYTES,
            Usage(format!(
                "attention over the longest example has {most} pairs of steps, which takes {} GB for train.batch = {}; shorten the \
                 examples (data.steps, where they are made) or make the batch smaller",
                bytes >> 30,
                recipe.train.batch
            ))
        );
        Ok(())
    }

    /// Checks that some step of examples is evaluated.
    ///
    /// # Errors
    /// With the numbers where the recipe leaves out all.
    pub fn evaluates(&self, recipe: &Recipe, examples: &[Example], split: Split) -> Result<()> {
        let (skip, steps) = (recipe.sequences.skip, longest(self, examples));
        ensure!(
            self.task != Task::Series || steps == 0 || skip < steps,
            Usage(format!(
                "sequences.skip is {skip}, and the longest {split} example has {steps} steps: none would be evaluated; make it \
                 smaller"
            ))
        );
        Ok(())
    }
}
