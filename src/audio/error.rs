//! What can be wrong with a configuration.

use core::fmt;

use crate::Feature;

/// Why a [`Config`](super::Config) cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The sample rate is outside 1000..=48000 Hz.
    SampleRate {
        /// What was asked for, in Hz.
        hz: u32,
    },
    /// The FFT is not one of 2^7 ..= 2^10 points.
    Fft {
        /// log2 of the size asked for.
        log2: u8,
    },
    /// The window is shorter than 16 samples or longer than the FFT.
    Window {
        /// What was asked for, in samples.
        samples: u16,
        /// The FFT's size.
        fft: u16,
    },
    /// The hop is 0 or longer than the window, which would skip samples.
    Hop {
        /// What was asked for, in samples.
        samples: u16,
        /// The window, in samples.
        window: u16,
    },
    /// The number of mel bands is 0 or more than [`MAX_CHANNELS`](super::MAX_CHANNELS).
    Channels {
        /// What was asked for.
        channels: u8,
    },
    /// The lowest frequency is not below the highest, or the highest is above half the sample rate.
    Range {
        /// Lower edge of the first band, in Hz.
        low_hz: u16,
        /// Upper edge of the last band, in Hz.
        high_hz: u16,
        /// Half the sample rate, in Hz.
        limit_hz: u32,
    },
    /// A mel band is so narrow that no bin of the FFT falls into it.
    EmptyChannel {
        /// Its index.
        channel: u8,
    },
    /// Pre-emphasis of 1 or more.
    PreEmphasis {
        /// What was asked for, in Q0.15.
        bits: u16,
    },
    /// The floor is above 2^40.
    Floor {
        /// log2 of what was asked for.
        log2: u8,
    },
    /// More cepstral coefficients than mel bands.
    Cepstrum {
        /// What was asked for.
        coefficients: u8,
        /// Mel bands.
        channels: u8,
    },
    /// A gain whose time constant is not 2^1 to 2^12 frames, whose strength or root is above 1, or whose root or bias is 0.
    Gain {
        /// log2 of the time constant in frames.
        smooth_log2: u8,
        /// α in Q0.15.
        strength: u16,
        /// δ in Q4.12.
        bias: u16,
        /// r in Q0.15.
        root: u16,
    },
    /// What a feature of the crate does that this build lacks.
    Lacks(Feature),
    /// The memory handed to [`FrontEnd::new`](super::FrontEnd::new) is too small.
    Memory {
        /// Words needed: [`Config::memory_words`](super::Config::memory_words).
        needed: usize,
        /// Words given.
        given: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::SampleRate { hz } => write!(f, "sample rate {hz} Hz is outside 1000..=48000 Hz"),
            Error::Fft { log2 } => write!(f, "an FFT of 2^{log2} points: 2^7 to 2^10 are possible"),
            Error::Window { samples, fft } => {
                write!(f, "a window of {samples} samples does not lie in 16..={fft}, the FFT's size")
            }
            Error::Hop { samples, window } => {
                write!(f, "a hop of {samples} samples does not lie in 1..={window}, the window")
            }
            Error::Channels { channels } => {
                write!(f, "{channels} mel bands: 1 to {} are possible", super::MAX_CHANNELS)
            }
            Error::Range { low_hz, high_hz, limit_hz } => {
                write!(f, "bands from {low_hz} to {high_hz} Hz: they must rise and end at {limit_hz} Hz or below")
            }
            Error::EmptyChannel { channel } => write!(
                f,
                "mel band {channel} holds no bin of the FFT: ask for fewer bands, a wider range or a longer FFT"
            ),
            Error::PreEmphasis { bits } => write!(f, "pre-emphasis {bits}/32768 is not below 1"),
            Error::Floor { log2 } => write!(f, "a floor of 2^{log2} is above 2^40"),
            Error::Cepstrum { coefficients, channels } => {
                write!(f, "{coefficients} cepstral coefficients of {channels} mel bands: there are at most as many")
            }
            Error::Lacks(feature) => write!(f, "this build lacks the feature `{}` of elman", feature.name()),
            Error::Gain { smooth_log2, strength, bias, root } => write!(
                f,
                "a gain with k = {smooth_log2}, α = {strength}/32768, δ = {bias}/4096, r = {root}/32768: k is 1 to 12, α and \
                 r at most 1, δ and r above 0"
            ),
            Error::Memory { needed, given } => write!(f, "the front end needs {needed} words of memory, got {given}"),
        }
    }
}

impl core::error::Error for Error {}
