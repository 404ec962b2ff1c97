//! Where the time of training goes, part by part: for benches. Off, it costs a look at a flag a call.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A part of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Matrix products.
    Products,
    /// The cells' equations, forward and backward.
    Pointwise,
    /// Bringing weights into the order in which products read them.
    Packing,
    /// Summing the gradients of shards, clipping, and the optimizer's update.
    Optimizer,
    /// Loss, and its gradient.
    Loss,
    /// Making a batch of sequences.
    Data,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 6] =
        [Part::Products, Part::Pointwise, Part::Packing, Part::Optimizer, Part::Loss, Part::Data];
}

static ON: AtomicBool = AtomicBool::new(false);
static NANOSECONDS: [AtomicU64; Part::ALL.len()] = [const { AtomicU64::new(0) }; Part::ALL.len()];

/// Starts to measure from zero, or stops.
pub fn measure(on: bool) {
    if on {
        NANOSECONDS.iter().for_each(|part| part.store(0, Relaxed));
    }
    ON.store(on, Relaxed);
}

/// What a part has taken on all threads together since the measurement started.
pub fn spent(part: Part) -> Duration {
    Duration::from_nanos(NANOSECONDS[part as usize].load(Relaxed))
}

/// Runs something as a part.
#[inline]
pub fn timed<R>(part: Part, run: impl FnOnce() -> R) -> R {
    if !ON.load(Relaxed) {
        return run();
    }
    let begin = Instant::now();
    let result = run();
    NANOSECONDS[part as usize].fetch_add(begin.elapsed().as_nanos() as u64, Relaxed);
    result
}
