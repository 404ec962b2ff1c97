//! Parts of byte arrays, without an index that could be out of range.

/// `N` bytes from `at` on; zeros where there are not as many.
pub(crate) fn take<const N: usize>(from: &[u8], at: usize) -> [u8; N] {
    from.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// Copies `bytes` to `at`; what does not fit is left out.
pub(crate) fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    let place = to.get_mut(at..).unwrap_or_default();
    place.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
}
