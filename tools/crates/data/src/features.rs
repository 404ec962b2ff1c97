//! Features of a clip: the device's own front end, run here.

use elman::audio::{Config, Error, FrontEnd};

/// Log-mel features of a clip: frames × channels, row by row, in Q6.9 as [`elman::audio`] says.
///
/// A clip shorter than one window is padded with zeros, so that there is at least one frame.
///
/// # Errors
/// What [`Config::check`] finds.
pub fn features(samples: &[i16], config: &Config) -> Result<Vec<i16>, Error> {
    let mut memory = vec![0; config.memory_words()];
    let mut front_end = FrontEnd::new(*config, &mut memory)?;
    let mut all = Vec::with_capacity(config.frames(samples.len()).max(1) * config.features());
    front_end.push(samples, |frame| all.extend_from_slice(frame));
    if all.is_empty() {
        let padding = vec![0; (config.window as usize).saturating_sub(samples.len())];
        front_end.push(&padding, |frame| all.extend_from_slice(frame));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_clips_have_one_frame() {
        let config = Config::HZ_8000;
        for length in [0, 1, 255, 256] {
            assert_eq!(features(&vec![100; length], &config).unwrap().len(), 32, "{length} samples");
        }
        assert_eq!(features(&[100; 256 + 160], &config).unwrap().len(), 64);
        assert!(features(&[], &Config { hop: 0, ..config }).is_err());
    }
}
