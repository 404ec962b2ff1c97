//! Numbers out of bytes, one after the other; 0 where there are no more.

/// What is left of some bytes.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'d>(pub &'d [u8]);

impl Taken<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// The next byte, below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    /// The next two bytes: small, large, or any.
    pub fn half(&mut self) -> u16 {
        let (kind, value) = (self.byte(), self.byte());
        match kind % 4 {
            0 => value.into(),
            1 => u16::MAX - u16::from(value),
            2 => 1 << (value % 16),
            _ => u16::from_le_bytes([kind, value]),
        }
    }

    /// The next four bytes.
    pub fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// One of some.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}
