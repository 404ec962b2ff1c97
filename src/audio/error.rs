//! What can be wrong with a configuration.

use core::fmt;

use crate::memory::MemoryError;
use crate::operation::Operation;

/// Why a [`Config`](super::Config) cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The sample rate is outside 1000..=48000 Hz.
    SampleRate {
        /// Sample rate requested, in Hz.
        hz: u32,
    },
    /// The FFT is not one of 2^7 ..= 2^10 points.
    Fft {
        /// log2 of the size requested.
        log2: u8,
    },
    /// The window is shorter than 16 samples or longer than the FFT.
    Window {
        /// Window requested, in samples.
        samples: u16,
        /// Size of the FFT.
        fft: u16,
    },
    /// The hop is 0 or longer than the window, which would skip samples.
    Hop {
        /// Hop requested, in samples.
        samples: u16,
        /// Window, in samples.
        window: u16,
    },
    /// The number of mel bands is 0 or more than [`MAX_CHANNELS`](super::MAX_CHANNELS).
    Channels {
        /// Mel bands requested.
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
        /// Index of the band.
        channel: u8,
    },
    /// Pre-emphasis of 1 or more.
    PreEmphasis {
        /// Coefficient requested, in Q0.15.
        bits: u16,
    },
    /// The floor is above 2^40.
    Floor {
        /// log2 of the floor requested.
        log2: u8,
    },
    /// More cepstral coefficients than mel bands.
    Cepstrum {
        /// Coefficients requested.
        coefficients: u8,
        /// Mel bands.
        channels: u8,
    },
    /// PCEN whose time constant is not 2^1 to 2^12 frames, whose α or r is above 1, or whose r or δ is 0.
    Pcen {
        /// log2 of the time constant in frames.
        smoothing_log2: u8,
        /// α in Q0.15.
        alpha: u16,
        /// δ in Q4.12.
        delta: u16,
        /// r in Q0.15.
        r: u16,
    },
    /// Spectral subtraction whose noise estimate does not fall and rise within 2^1 to 2^12 frames, whose factor is 0, or
    /// whose floor is above 1.
    SpectralSubtraction {
        /// log2 of the frames in which the estimate falls.
        fall_log2: u8,
        /// log2 of the part of itself by which the estimate rises.
        rise_log2: u8,
        /// β in Q4.12.
        oversubtraction: u16,
        /// s in Q0.15.
        floor: u16,
    },
    /// The parameters ask for an operation that is not among the front end's [`Operations`](super::Operations).
    OperationMissing {
        /// The operation.
        operation: Operation,
    },
    /// The memory for [`FrontEnd::new`](super::FrontEnd::new) is shorter than
    /// [`Config::memory_words`](super::Config::memory_words).
    Memory(MemoryError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::SampleRate { hz } => write!(f, "a sample rate of {hz} Hz: 1000 to 48000 Hz are possible"),
            Error::Fft { log2 } => write!(f, "an FFT of 2^{log2} points: 2^7 to 2^10 are possible"),
            Error::Window { samples, fft } => {
                write!(f, "a window of {samples} samples: 16 to {fft}, the FFT's size, are possible")
            }
            Error::Hop { samples, window } => {
                write!(f, "a hop of {samples} samples: 1 to {window}, the window, are possible")
            }
            Error::Channels { channels } => {
                write!(f, "{channels} mel bands: 1 to {} are possible", super::MAX_CHANNELS)
            }
            Error::Range { low_hz, high_hz, limit_hz } => {
                write!(f, "bands from {low_hz} to {high_hz} Hz: they must rise and end at {limit_hz} Hz or below")
            }
            Error::EmptyChannel { channel } => {
                write!(f, "mel band {channel} holds no bin of the FFT: use fewer bands, a wider range or a longer FFT")
            }
            Error::PreEmphasis { bits } => write!(f, "pre-emphasis of {bits}/32768: it must be below 1"),
            Error::Floor { log2 } => write!(f, "a floor of 2^{log2}: at most 2^40 is possible"),
            Error::Cepstrum { coefficients, channels } => {
                write!(
                    f,
                    "{coefficients} cepstral coefficients of {channels} mel bands: at most one a band is possible"
                )
            }
            Error::OperationMissing { operation } => {
                write!(
                    f,
                    "the front end needs the operation `{0}`: name it by `Operations::with_{0}`",
                    operation.name()
                )
            }
            Error::Pcen { smoothing_log2, alpha, delta, r } => write!(
                f,
                "PCEN with smoothing 2^{smoothing_log2} frames, α = {alpha}/32768, δ = {delta}/4096, r = {r}/32768: smoothing \
                 must be 2^1 to 2^12 frames, α and r at most 1, δ and r above 0"
            ),
            Error::SpectralSubtraction { fall_log2, rise_log2, oversubtraction, floor } => write!(
                f,
                "spectral subtraction with fall {fall_log2}, rise {rise_log2}, oversubtraction {oversubtraction}/4096, floor \
                 {floor}/32768: fall and rise must be 1 to 12, oversubtraction above 0, the floor at most 1"
            ),
            Error::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Error::Memory(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MemoryError> for Error {
    fn from(error: MemoryError) -> Self {
        Error::Memory(error)
    }
}
