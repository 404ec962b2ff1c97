//! What a build can do without: the crate's features that a loader asks for by name.

/// A feature of the crate without which some models are refused. Cells and layers have features as well; a build without one
/// does not know the layer ([`Error::UnknownLayer`](crate::blob::Error::UnknownLayer)).
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
    Gain,
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
            Feature::Gain => "gain",
            Feature::Symbols => "symbols",
        }
    }

    /// Whether this build has it. What it has not is code that is not linked.
    pub const fn built(self) -> bool {
        match self {
            Feature::Backward => cfg!(feature = "backward"),
            Feature::Cepstrum => cfg!(feature = "cepstrum"),
            Feature::Feedback => cfg!(feature = "feedback"),
            Feature::Gain => cfg!(feature = "gain"),
            Feature::Symbols => cfg!(feature = "symbols"),
        }
    }
}
