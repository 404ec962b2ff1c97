//! Memory of the caller that is too small.

/// A slice that is too short for what should run in it. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MemoryError {
    /// Words (u32) that are required.
    pub required: usize,
    /// Words (u32) that were provided.
    pub provided: usize,
}

impl core::fmt::Display for MemoryError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let MemoryError { required, provided } = self;
        write!(f, "memory of {provided} words (u32) was provided, {required} are required: provide a longer slice")
    }
}

impl core::error::Error for MemoryError {}

/// The first `required` words of `memory`.
#[inline(always)]
pub(crate) fn first_words(memory: &mut [u32], required: usize) -> Result<&mut [u32], MemoryError> {
    let provided = memory.len();
    memory.get_mut(..required).ok_or(MemoryError { required, provided })
}
