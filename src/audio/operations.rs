//! Operations of the front end that only some models need.

use super::{Error, MAX_CHANNELS, Pcen, SpectralSubtraction, cepstrum};

/// Validates parameters.
pub(super) type Check<P> = fn(&P) -> Result<(), Error>;

/// Spectral subtraction of a band: its parameters, its energy, and the noise estimate that it updates; what is left.
type Subtract = fn(&SpectralSubtraction, u64, &mut [u32; 2]) -> u64;
/// What all bands of PCEN share.
type Offset = fn(&Pcen) -> i32;
/// PCEN of a band: its parameters, what all bands share, its energy, and the smoothed energy that it updates; the feature.
type Normalize = fn(&Pcen, i32, u64, &mut [u32; 2]) -> i16;

/// Which operations a front end has. One that is not named is not linked, and parameters that ask for it are an error.
#[derive(Clone, Copy, Debug)]
pub struct Operations {
    pub(super) spectral_subtraction: Option<(Check<SpectralSubtraction>, Subtract)>,
    pub(super) pcen: Option<(Check<Pcen>, Offset, Normalize)>,
    pub(super) cepstrum: Option<fn(&mut [i16; MAX_CHANNELS], usize, usize)>,
}

impl Operations {
    /// Log-mel alone.
    pub const NONE: Operations = Operations { spectral_subtraction: None, pcen: None, cepstrum: None };
    /// All operations.
    pub const ALL: Operations = Operations::NONE.with_spectral_subtraction().with_pcen().with_cepstrum();

    /// And subtraction of steady noise.
    pub const fn with_spectral_subtraction(self) -> Self {
        let operation = (SpectralSubtraction::check as Check<_>, SpectralSubtraction::left as Subtract);
        Operations { spectral_subtraction: Some(operation), ..self }
    }

    /// And per-channel energy normalisation.
    pub const fn with_pcen(self) -> Self {
        let operation = (Pcen::check as Check<_>, Pcen::offset as Offset, Pcen::feature as Normalize);
        Operations { pcen: Some(operation), ..self }
    }

    /// And the cosine transform.
    pub const fn with_cepstrum(self) -> Self {
        Operations { cepstrum: Some(cepstrum::transform), ..self }
    }
}
