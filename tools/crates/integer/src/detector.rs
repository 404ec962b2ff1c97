//! A detector into a blob that has none, or another one.

use anyhow::{Context, Result, ensure};
use elman::blob::{Blob, FRAME_WORDS, Frame, LayerDescriptor, Model, crc32c};
use elman::cell::LayerView;
use elman::detect;

use super::words_of;

/// The blob with this detector, or without one. Everything else stays as it is, weights bit for bit.
///
/// # Errors
/// Where the blob does not load, or would not load with the detector.
pub fn with_detector(blob: &[u8], config: Option<detect::Config>) -> Result<Vec<u8>> {
    let words = words_of(blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
    let old = *model.frame();
    let mut descriptor = model.descriptor().clone();
    let detect_words = config.as_ref().map_or(0, detect::Config::memory_words) as u32;
    if let Some(config) = &config {
        config.check(model.outputs()).context("the detector does not fit the model")?;
    }
    descriptor.detect = config;
    let entries = model.scaling_entries().map(|(entry, _)| entry);
    let layers: Vec<LayerDescriptor> = entries.chain(model.layers().iter().map(LayerView::descriptor)).collect();
    let mut text = postcard::to_stdvec(&(&descriptor, &layers))?;
    let descriptor_bytes = text.len() as u32;
    text.resize(text.len().next_multiple_of(4), 0);
    let weights_offset = FRAME_WORDS as u32 * 4 + text.len() as u32;
    let frame = Frame {
        total_bytes: weights_offset + old.weights_bytes + 4,
        descriptor_bytes,
        weights_offset,
        detect_words,
        ..old
    };
    let mut out = frame.to_words().to_vec();
    out.extend(words_of(&text)?);
    let from = old.weights_offset as usize / 4;
    let weights = words.get(from..from + old.weights_bytes as usize / 4);
    ensure!(weights.is_some(), "the blob's weights are not where its frame says");
    out.extend(weights.unwrap_or_default());
    out.push(crc32c(&out));
    Model::load(Blob::new(&out)).map_err(|e| anyhow::anyhow!("a device could not load this model: {e}"))?;
    Ok(out.iter().flat_map(|w| w.to_le_bytes()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::sound;
    use elman::audio::Config;

    #[test]
    fn a_detector_comes_and_goes_and_changes_nothing_else() {
        let mut model = sound::listener(Config::HZ_16000, 5, 3, 1);
        let with = model.to_blob().unwrap();
        let config = model.detect.take();
        let without = model.to_blob().unwrap();
        assert_eq!(with_detector(&without, config.clone()).unwrap(), with);
        assert_eq!(with_detector(&with, None).unwrap(), without);
        let wrong = detect::Config::new(&[1, 2].map(detect::Probability::from_bits)).unwrap();
        let error = format!("{:#}", with_detector(&with, Some(wrong)).unwrap_err());
        assert!(error.contains("2 thresholds for 3 outputs"), "{error}");
    }
}
