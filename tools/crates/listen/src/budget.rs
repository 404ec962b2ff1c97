//! What a listener takes of a core.

use elman::audio;

/// Instructions that a frame takes on one core, as tools count them in an emulator or estimate them; `elman export`
/// writes them with the model. They are no cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Front end, the storing of a hop's samples included.
    pub front_end: u32,
    /// Network.
    pub network: u32,
    /// Detector.
    pub detector: u32,
}

/// What a listener takes of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Instructions a second, the mean over many blocks, rounded up.
    pub per_second: u64,
    /// Most frames that one block can complete.
    pub frames_per_block: u32,
    /// Instructions of such a block.
    pub per_block: u64,
}

impl Cost {
    /// The budget of a listener with the front end `config`, in blocks of `block` samples.
    pub fn budget(self, config: &audio::Config, block: usize) -> Budget {
        let hop = u64::from(config.hop).max(1);
        let frame = u64::from(self.front_end) + u64::from(self.network) + u64::from(self.detector);
        let frames_per_block = (block as u64).div_ceil(hop).min(u64::from(u32::MAX)) as u32;
        Budget {
            per_second: frame.saturating_mul(u64::from(config.sample_rate)).div_ceil(hop),
            frames_per_block,
            per_block: frame.saturating_mul(u64::from(frames_per_block)),
        }
    }
}

impl Budget {
    /// Share of a core that executes `hz` instructions a second, in tenths of a percent, rounded up. A core that needs
    /// more than a cycle an instruction, or waits for flash, has fewer instructions than its clock has cycles.
    pub fn per_mille(&self, hz: u32) -> u64 {
        self.per_second.saturating_mul(1000).div_ceil(u64::from(hz).max(1))
    }
}
