//! Probabilities as numbers with a type.

/// A probability, threshold or score: Q1.15, from 0 to 1 in steps of 2^-15. 1 is `Probability::ONE`, bits 32768.
///
/// ```
/// use elman::arith::Probability;
///
/// let threshold = Probability::from_num(0.75);
/// assert_eq!((threshold.to_bits(), threshold.to_num::<f32>()), (24576, 0.75));
/// assert!(threshold < Probability::ONE);
/// assert_eq!(threshold.to_string(), "0.75");
/// ```
pub type Probability = fixed::types::U1F15;

/// Probabilities of these bits.
#[inline(always)]
pub(crate) fn of_bits(bits: &[u16]) -> &[Probability] {
    bytemuck::try_cast_slice(bits).unwrap_or_default()
}

/// The bits of probabilities.
#[cfg(any(feature = "defmt", test))]
pub(crate) fn bits(probabilities: &[Probability]) -> &[u16] {
    bytemuck::try_cast_slice(probabilities).unwrap_or_default()
}

/// The bits of probabilities, to write.
#[inline(always)]
pub(crate) fn bits_mut(probabilities: &mut [Probability]) -> &mut [u16] {
    bytemuck::try_cast_slice_mut(probabilities).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_keep_the_bits() {
        let mut p = [Probability::ZERO, Probability::ONE, Probability::DELTA];
        assert_eq!(bits_mut(&mut p), [0, 32768, 1]);
        bits_mut(&mut p)[0] = 16384;
        assert_eq!(p[0].to_num::<f32>(), 0.5);
        assert_eq!(of_bits(&[3, 32768]), [Probability::from_bits(3), Probability::ONE]);
        assert!(of_bits(&[]).is_empty());
        assert_eq!(bits(&[Probability::ONE, Probability::DELTA]), [32768, 1]);
    }
}
