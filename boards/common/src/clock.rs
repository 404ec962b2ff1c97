//! A clock for single steps.

/// A clock for single steps.
pub trait Clock {
    /// Ticks since some moment, modulo [`Clock::MODULUS`].
    fn now(&self) -> u32;
    /// A power of two; 0 for the whole of u32.
    const MODULUS: u32;

    /// Ticks that `work` takes.
    #[inline(always)]
    fn measure(&self, work: impl FnOnce()) -> u32 {
        let start = self.now();
        work();
        self.now().wrapping_sub(start) & Self::MODULUS.wrapping_sub(1)
    }
}
