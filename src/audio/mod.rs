//! From samples to log-mel features, in fixed point.
//!
//! Frame, Hann window, real FFT, power, triangular mel bands, logarithm: as keyword spotters read them. Host and
//! device run this same code, so a network is trained on exactly the features it will meet. Nothing allocates,
//! nothing fails after [`FrontEnd::new`], and the same samples give the same bits however they are cut into blocks.
//!
//! ```
//! use elman::audio::{Config, FrontEnd};
//!
//! const CONFIG: Config = Config::HZ_16000;
//! let mut memory = [0u32; CONFIG.memory_words()];
//! let mut front_end = FrontEnd::new(CONFIG, &mut memory)?;
//! let mut frames = 0;
//! front_end.push(&[0i16; 16_000], |features| {
//!     assert_eq!(features.len(), CONFIG.channels as usize);
//!     frames += 1;
//! });
//! assert_eq!(frames, CONFIG.frames(16_000));
//! # Ok::<(), elman::audio::Error>(())
//! ```
//!
//! # Numbers
//! Each frame is scaled by its power so that its spectrum fills 32-bit words (block floating point), and powers are summed in
//! 64 bits: a quiet recording, and a quiet band next to a loud one, keep their precision. A feature is log2(E + 2^floor) in Q6.9, where E is the band's energy: the weighted sum
//! of |X|² with samples counted in units of one i16 step and an FFT without normalisation. With [`SpectralSubtraction`] steady noise is
//! subtracted from it first. With [`Pcen`] each channel's
//! energy is divided by its own mean instead of the logarithm; with `cepstrum` the features are the first coefficients
//! of their cosine transform.

mod cepstrum;
mod config;
mod error;
mod front_end;
mod mel;
mod operations;
mod pcen;
mod spectral_subtraction;

pub use config::Config;
pub use error::Error;
pub use front_end::FrontEnd;
pub(crate) use front_end::Position;
#[doc(hidden)]
pub use front_end::Stage;
pub use operations::Operations;
pub use pcen::Pcen;
pub use spectral_subtraction::SpectralSubtraction;

/// Fraction bits of a feature: i16 in Q6.9.
pub const FEATURE_FRAC: u32 = 9;

/// Most mel bands a [`Config`] may ask for.
pub const MAX_CHANNELS: usize = 40;
