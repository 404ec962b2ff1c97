//! SysTick as a clock. Under `-icount shift=6` QEMU lets 64 ns pass with each instruction, so that ticks count
//! instructions; otherwise they mean nothing.

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use elman_board::Clock;

/// The running timer.
pub struct SysTickClock;

impl SysTickClock {
    /// Starts the timer on the core's clock, and waits until it counts.
    pub fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(Self::MODULUS - 1);
        timer.clear_current();
        timer.enable_counter();
        while SYST::get_current() == 0 {}
        SysTickClock
    }
}

impl Clock for SysTickClock {
    const MODULUS: u32 = 1 << 24;

    /// SysTick counts down.
    #[inline(always)]
    fn now(&self) -> u32 {
        SYST::get_current().wrapping_neg()
    }
}
