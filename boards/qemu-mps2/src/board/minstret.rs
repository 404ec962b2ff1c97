//! The counter of retired instructions as a clock.

use elman_board::Clock;

/// The counter, which always runs.
pub struct MinstretClock;

impl MinstretClock {
    /// The clock.
    pub fn start() -> Option<Self> {
        Some(MinstretClock)
    }
}

impl Clock for MinstretClock {
    const MODULUS: u32 = 0;

    #[inline(always)]
    fn now(&self) -> u32 {
        riscv::register::minstret::read() as u32
    }
}
