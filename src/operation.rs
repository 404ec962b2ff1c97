//! Operations other than layers that a loader can do without.

/// An operation that only some models need, besides their layers. A firmware that does not name it in
/// [`Operations`](crate::Operations) does not link it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Operation {
    /// Layers that read a sequence from its end.
    Backward,
    /// The cosine transform of the audio front end.
    Cepstrum,
    /// Models that read their own output.
    Feedback,
    /// Per-channel energy normalisation in the audio front end.
    Pcen,
    /// The scaling of sensors' readings to frames, and of outputs to readings.
    Scaling,
    /// Subtraction of steady noise in the audio front end.
    SpectralSubtraction,
    /// Encoder-decoders, trees and graphs.
    Structures,
    /// The symbols of a text.
    Text,
}

impl Operation {
    /// Its name: that of the function of [`Operations`](crate::Operations) which names it, without `with_`.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::Backward => "backward",
            Operation::Cepstrum => "cepstrum",
            Operation::Feedback => "feedback",
            Operation::Pcen => "pcen",
            Operation::Scaling => "scaling",
            Operation::SpectralSubtraction => "spectral_subtraction",
            Operation::Structures => "structures",
            Operation::Text => "text",
        }
    }
}
