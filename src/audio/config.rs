//! The parameters of the front end: integers only, so that they travel in a blob.

use super::{Error, MAX_CHANNELS, Operations, Pcen, SpectralSubtraction, mel};
use crate::operation::Operation;
use crate::record::record;

record! {
    /// Parameters of the front end. They are data of the network trained on them and part of its blob.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub struct Config {
        /// Samples per second, in Hz.
        sample_rate: u32,
        /// Length of a frame, in samples; at most the FFT's size, zero-padded to it.
        window: u16,
        /// From the start of a frame to the start of the next, in samples.
        hop: u16,
        /// log2 of the FFT's size: 7..=10.
        fft_log2: u8,
        /// Mel bands: the features of a frame.
        channels: u8,
        /// Lower edge of the first band, in Hz.
        low_hz: u16,
        /// Upper edge of the last band, in Hz.
        high_hz: u16,
        /// a of `x[n] - a·x[n-1]`, in Q0.15; 0 leaves the samples as they are.
        pre_emphasis: u16,
        /// Whether each frame's mean is subtracted from it.
        remove_dc: bool,
        /// log2 of the energy added to each band before the logarithm: bands much weaker than that are silence.
        floor_log2: u8,
        /// Subtraction of the steady noise in each band.
        spectral_subtraction: Option<SpectralSubtraction> ["suppression(" SpectralSubtraction ") "],
        /// Per-channel energy normalisation, instead of the logarithm.
        pcen: Option<Pcen> ["gain(" Pcen ") "],
        /// Coefficients of the cosine transform that are the features (MFCC); 0 leaves the bands as they are.
        cepstrum: u8 ["cepstrum"],
    }
}

impl Config {
    /// 16 kHz: 32 ms window, 20 ms hop, 32 bands from 20 Hz to 7.6 kHz.
    pub const HZ_16000: Config = Config {
        sample_rate: 16_000,
        window: 512,
        hop: 320,
        fft_log2: 9,
        channels: 32,
        low_hz: 20,
        high_hz: 7600,
        pre_emphasis: 0,
        remove_dc: true,
        floor_log2: 10,
        spectral_subtraction: None,
        pcen: None,
        cepstrum: 0,
    };

    /// 8 kHz: 32 ms window, 20 ms hop, 32 bands from 20 Hz to 3.8 kHz.
    pub const HZ_8000: Config =
        Config { sample_rate: 8000, window: 256, hop: 160, fft_log2: 8, high_hz: 3800, ..Config::HZ_16000 };

    /// The FFT's size in samples.
    pub const fn fft(&self) -> usize {
        1 << if self.fft_log2 > 10 { 10 } else { self.fft_log2 }
    }

    /// Words of memory that a front end with these parameters needs, exactly.
    pub const fn memory_words(&self) -> usize {
        let estimates = self.spectral_subtraction.is_some() as usize + self.pcen.is_some() as usize;
        let channels = self.channels as usize;
        (self.window as usize).div_ceil(2) + self.fft() + channels + 2 + 2 * channels * estimates
    }

    /// Features of a frame.
    pub const fn features(&self) -> usize {
        if self.cepstrum > 0 { self.cepstrum as usize } else { self.channels as usize }
    }

    /// Frames that `samples` samples give.
    pub const fn frames(&self, samples: usize) -> usize {
        let (window, hop) = (self.window as usize, self.hop as usize);
        if samples < window || hop == 0 { 0 } else { (samples - window) / hop + 1 }
    }

    /// Validates every parameter, for a front end with all operations.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self) -> Result<(), Error> {
        self.check_with(&Operations::ALL)
    }

    /// Validates every parameter, for a front end with these operations.
    ///
    /// # Errors
    /// The first mistake; [`Error::OperationMissing`] where the parameters ask for one that is not named.
    pub fn check_with(&self, operations: &Operations) -> Result<(), Error> {
        if !(1000..=48_000).contains(&self.sample_rate) {
            return Err(Error::SampleRate { hz: self.sample_rate });
        }
        if !(7..=10).contains(&self.fft_log2) {
            return Err(Error::Fft { log2: self.fft_log2 });
        }
        let fft = self.fft() as u16;
        if !(16..=fft).contains(&self.window) {
            return Err(Error::Window { samples: self.window, fft });
        }
        if !(1..=self.window).contains(&self.hop) {
            return Err(Error::Hop { samples: self.hop, window: self.window });
        }
        if !(1..=MAX_CHANNELS).contains(&(self.channels as usize)) {
            return Err(Error::Channels { channels: self.channels });
        }
        let limit_hz = self.sample_rate / 2;
        if self.low_hz >= self.high_hz || self.high_hz as u32 > limit_hz {
            return Err(Error::Range { low_hz: self.low_hz, high_hz: self.high_hz, limit_hz });
        }
        if self.pre_emphasis > i16::MAX as u16 {
            return Err(Error::PreEmphasis { bits: self.pre_emphasis });
        }
        if self.floor_log2 > 40 {
            return Err(Error::Floor { log2: self.floor_log2 });
        }
        let missing = |operation| Error::OperationMissing { operation };
        if let Some(subtraction) = &self.spectral_subtraction {
            let (check, _) = operations.spectral_subtraction.ok_or(missing(Operation::SpectralSubtraction))?;
            check(subtraction)?;
        }
        if let Some(pcen) = &self.pcen {
            let (check, ..) = operations.pcen.ok_or(missing(Operation::Pcen))?;
            check(pcen)?;
        }
        if self.cepstrum > 0 && operations.cepstrum.is_none() {
            return Err(missing(Operation::Cepstrum));
        }
        if self.cepstrum > self.channels {
            return Err(Error::Cepstrum { coefficients: self.cepstrum, channels: self.channels });
        }
        for channel in 0..self.channels {
            if !mel::holds_a_bin(self, channel) {
                return Err(Error::EmptyChannel { channel });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Config = Config::HZ_16000;

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(Config::HZ_16000.check(), Ok(()));
        assert_eq!(Config::HZ_8000.check(), Ok(()));
        assert_eq!(Config::HZ_16000.memory_words(), 256 + 512 + 34);
        let pcen = Config { pcen: Some(Pcen::SPEECH), ..Config::HZ_16000 };
        assert_eq!((pcen.memory_words(), pcen.check()), (256 + 512 + 34 + 64, Ok(())));
        let both = Config { spectral_subtraction: Some(SpectralSubtraction::SPEECH), ..pcen };
        assert_eq!((both.memory_words(), both.check()), (256 + 512 + 34 + 128, Ok(())));
        assert_eq!((Config { cepstrum: 13, ..pcen }.features(), pcen.features()), (13, 32));
        assert_eq!(Config::HZ_16000.frames(16_000), 49);
        assert_eq!(Config::HZ_16000.frames(511), 0);
    }

    #[test]
    fn each_error_carries_its_numbers() {
        for (config, error) in [
            (Config { sample_rate: 999, ..OK }, Error::SampleRate { hz: 999 }),
            (Config { fft_log2: 11, ..OK }, Error::Fft { log2: 11 }),
            (Config { window: 513, ..OK }, Error::Window { samples: 513, fft: 512 }),
            (Config { window: 15, ..OK }, Error::Window { samples: 15, fft: 512 }),
            (Config { hop: 0, ..OK }, Error::Hop { samples: 0, window: 512 }),
            (Config { hop: 600, ..OK }, Error::Hop { samples: 600, window: 512 }),
            (Config { channels: 0, ..OK }, Error::Channels { channels: 0 }),
            (Config { channels: 41, ..OK }, Error::Channels { channels: 41 }),
            (Config { low_hz: 7600, ..OK }, Error::Range { low_hz: 7600, high_hz: 7600, limit_hz: 8000 }),
            (Config { high_hz: 8001, ..OK }, Error::Range { low_hz: 20, high_hz: 8001, limit_hz: 8000 }),
            (Config { pre_emphasis: 32_768, ..OK }, Error::PreEmphasis { bits: 32_768 }),
            (Config { floor_log2: 41, ..OK }, Error::Floor { log2: 41 }),
            (Config { cepstrum: 33, ..OK }, Error::Cepstrum { coefficients: 33, channels: 32 }),
            (
                Config { pcen: Some(Pcen { r: 0, ..Pcen::SPEECH }), ..OK },
                Error::Pcen { smoothing_log2: 5, alpha: 32_113, delta: 8192, r: 0 },
            ),
            (
                Config {
                    spectral_subtraction: Some(SpectralSubtraction { floor: 40_000, ..SpectralSubtraction::SPEECH }),
                    ..OK
                },
                Error::SpectralSubtraction { fall_log2: 3, rise_log2: 6, oversubtraction: 6144, floor: 40_000 },
            ),
            (Config { fft_log2: 7, window: 128, hop: 80, channels: 40, ..OK }, Error::EmptyChannel { channel: 0 }),
        ] {
            assert_eq!(config.check(), Err(error), "{config:?}");
        }
    }

    #[test]
    fn a_missing_operation_is_named() {
        let none = Operations::NONE;
        for (operation, config, named) in [
            (Operation::Pcen, Config { pcen: Some(Pcen::SPEECH), ..OK }, none.with_pcen()),
            (Operation::Cepstrum, Config { cepstrum: 13, ..OK }, none.with_cepstrum()),
            (
                Operation::SpectralSubtraction,
                Config { spectral_subtraction: Some(SpectralSubtraction::SPEECH), ..OK },
                none.with_spectral_subtraction(),
            ),
        ] {
            assert_eq!(config.check_with(&none), Err(Error::OperationMissing { operation }));
            assert_eq!((config.check_with(&named), config.check()), (Ok(()), Ok(())));
        }
    }
}
