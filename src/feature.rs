//! Features of the crate that a loader asks for by name.

/// A feature of the crate that some models need. Cells and layers have features as well; a build without one
/// does not know the layer ([`LoadError::UnknownLayer`](crate::LoadError::UnknownLayer)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Feature {
    /// `backward`: layers that read a sequence from its end.
    Backward,
    /// `cepstrum`: the cosine transform of the audio front end.
    Cepstrum,
    /// `feedback`: models that read their own output.
    Feedback,
    /// `gain`: per-channel energy normalisation in the audio front end.
    Pcen,
    /// `suppression`: subtraction of steady noise in the audio front end.
    SpectralSubtraction,
    /// `structures`: encoder-decoders, trees and graphs.
    Structures,
    /// `symbols`: models that read text.
    Symbols,
}

impl Feature {
    /// Its name in Cargo.toml.
    pub const fn name(self) -> &'static str {
        match self {
            Feature::Backward => "backward",
            Feature::Cepstrum => "cepstrum",
            Feature::Feedback => "feedback",
            Feature::Pcen => "gain",
            Feature::SpectralSubtraction => "suppression",
            Feature::Structures => "structures",
            Feature::Symbols => "symbols",
        }
    }

    /// Whether this build has it. What it has not is code that is not linked.
    pub const fn built(self) -> bool {
        match self {
            Feature::Backward => cfg!(feature = "backward"),
            Feature::Cepstrum => cfg!(feature = "cepstrum"),
            Feature::Feedback => cfg!(feature = "feedback"),
            Feature::Pcen => cfg!(feature = "gain"),
            Feature::SpectralSubtraction => cfg!(feature = "suppression"),
            Feature::Structures => cfg!(feature = "structures"),
            Feature::Symbols => cfg!(feature = "symbols"),
        }
    }
}
