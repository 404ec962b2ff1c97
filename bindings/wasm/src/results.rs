//! What a push gave, a row a frame.

use elman::detect::MAX_OUTPUTS;
use elman::listener::FrameResult;

/// Most frames of a push.
pub(crate) const FRAMES: usize = 64;
/// Most features of a frame.
const FEATURES: usize = 64;

/// Rows of the last push, without gaps.
pub(crate) struct Results {
    frames: usize,
    pub(crate) features: [i16; FRAMES * FEATURES],
    pub(crate) logits: [i16; FRAMES * MAX_OUTPUTS],
    pub(crate) probabilities: [u16; FRAMES * MAX_OUTPUTS],
    pub(crate) means: [u16; FRAMES * MAX_OUTPUTS],
    pub(crate) events: [u32; FRAMES * 3],
}

/// Row `k` of a table, as far as there is a place for it.
fn put<T>(table: &mut [T], k: usize, row: impl ExactSizeIterator<Item = T>) {
    let from = k.saturating_mul(row.len());
    for (to, value) in table.get_mut(from..).unwrap_or_default().iter_mut().zip(row) {
        *to = value;
    }
}

impl Results {
    pub(crate) const fn new() -> Self {
        Results {
            frames: 0,
            features: [0; FRAMES * FEATURES],
            logits: [0; FRAMES * MAX_OUTPUTS],
            probabilities: [0; FRAMES * MAX_OUTPUTS],
            means: [0; FRAMES * MAX_OUTPUTS],
            events: [0; FRAMES * 3],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.frames = 0;
    }

    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// Adds a frame; there are no more than places, or [`super::elman_push`] takes too many samples.
    /// An event counts where the model's own detector `reports` it.
    pub(crate) fn add(&mut self, frame: &FrameResult<'_>, reports: bool) {
        let k = self.frames;
        if k >= FRAMES {
            return;
        }
        put(&mut self.features, k, frame.features.iter().copied());
        put(&mut self.logits, k, frame.logits.iter().copied());
        put(&mut self.probabilities, k, frame.detector.probabilities().iter().map(|p| p.to_bits()));
        let outputs = frame.logits.len() as u16;
        put(&mut self.means, k, (0..outputs).map(|k| frame.detector.smoothed(k).to_bits()));
        let step = frame.detector.steps().wrapping_sub(1);
        let event = frame
            .event
            .filter(|_| reports)
            .map_or([0, 0, step], |e| [u32::from(e.class) + 1, e.score.to_bits().into(), e.step]);
        put(&mut self.events, k, event.into_iter());
        self.frames = k + 1;
    }
}
