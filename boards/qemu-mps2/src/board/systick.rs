//! SysTick as a clock. Under `-icount shift=6` QEMU lets 64 ns pass with each instruction, so that ticks count
//! instructions; otherwise they mean nothing.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use cortex_m::peripheral::{SYST, syst::SystClkSource};
use elman_board::Clock;

/// Values of the counter.
const COUNTS: u32 = 1 << 24;

/// How often the counter ran out.
static TURNS: AtomicU32 = AtomicU32::new(0);

#[cortex_m_rt::exception]
fn SysTick() {
    TURNS.store(TURNS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The running timer.
pub struct SysTickClock;

impl SysTickClock {
    /// Starts the timer on the core's clock, and waits until it counts.
    pub fn start() -> Option<Self> {
        let mut timer = cortex_m::Peripherals::take()?.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(COUNTS - 1);
        timer.clear_current();
        timer.enable_counter();
        while SYST::get_current() == 0 {}
        timer.enable_interrupt();
        Some(SysTickClock)
    }
}

impl Clock for SysTickClock {
    const MODULUS: u32 = 0;

    /// SysTick counts down. Where a turn ends in between, at 0, it is read again.
    #[inline(always)]
    fn now(&self) -> u32 {
        loop {
            let turns = TURNS.load(Relaxed);
            let count = SYST::get_current();
            if count != 0 && TURNS.load(Relaxed) == turns {
                return turns.wrapping_mul(COUNTS).wrapping_sub(count);
            }
        }
    }
}
