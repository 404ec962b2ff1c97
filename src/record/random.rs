//! Random records.

/// A generator of numbers that are small, large and in between.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub(crate) fn wide(&mut self) -> u64 {
        let bits = self.below(64);
        let high = self.below(1 << 31) << 33 | self.below(1 << 31);
        [0, 127, 128, u64::MAX, high >> bits, high][self.below(6) as usize]
    }

    pub(crate) fn word(&mut self) -> u32 {
        self.wide() as u32
    }

    pub(crate) fn short(&mut self) -> u16 {
        self.wide() as u16
    }

    pub(crate) fn probability(&mut self) -> crate::arith::Probability {
        crate::arith::Probability::from_bits(self.short())
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.wide() as u8
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    pub(crate) fn text(&mut self) -> &'static str {
        let texts = ["", "a", "yes\nno", "\u{e9}\u{4e2d}\u{1d11e}", "a name that is longer than others"];
        texts[self.below(5) as usize]
    }
}
