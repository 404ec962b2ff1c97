//! Numbers of 16 bits in messages.

/// The numbers in `bytes`; an odd byte at the end is left out.
pub fn numbers(bytes: &[u8]) -> impl ExactSizeIterator<Item = i16> + '_ {
    bytes.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b))
}

/// Copies the numbers in `bytes` to `to`; whether there are as many.
pub fn fill(to: &mut [i16], bytes: &[u8]) -> bool {
    for (to, x) in to.iter_mut().zip(numbers(bytes)) {
        *to = x;
    }
    bytes.len() == to.len().saturating_mul(2)
}
