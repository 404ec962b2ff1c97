//! The same model with its weights in the order of another core.

use anyhow::{Context, Result};
use elman::blob::{Blob, FORMAT_VERSION, FRAME_WORDS, Model, crc32c};
use elman::kernel::{Layout, Packing};

use super::cores::layout_of;
use super::{row_block, words_of};

/// The blob with its weights as `core` reads them; all else, and every number, stays.
///
/// # Errors
/// Where the blob does not load, or there is no such core.
pub fn for_core(blob: &[u8], core: &str) -> Result<Vec<u8>> {
    repacked(blob, layout_of(core)?)
}

/// The blob with its weights in `layout`.
///
/// # Errors
/// Where the blob does not load.
pub fn repacked(blob: &[u8], layout: Layout) -> Result<Vec<u8>> {
    let words = words_of(blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
    let from = model.frame().layout;
    if from == layout {
        return Ok(blob.to_vec());
    }
    let mut weights: Vec<u32> = model.scaling_entries().flat_map(|(_, words)| words).copied().collect();
    for view in model.layers() {
        let packing = Packing { layout, ..view.packing() };
        for n in 0..view.spec().stages.len() {
            let stage = view.stage(n);
            let Some((_, block)) = view.row_blocks(n) else {
                weights.extend_from_slice(stage.params);
                weights.extend_from_slice(stage.weights);
                continue;
            };
            let (mut params, mut products) = (Vec::new(), Vec::new());
            let blocks = (stage.params.chunks(view.packing().param_words(block)))
                .zip(stage.weights.chunks(view.packing().weight_words(block)));
            for (p, w) in blocks {
                let rows = row_block::unpack(view.packing(), block, p, w)
                    .context("a row block of a valid model does not unpack")?;
                row_block::pack(packing, block, &rows, &mut params, &mut products);
            }
            weights.extend(params);
            weights.extend(products);
        }
        weights.extend_from_slice(view.diagonal());
    }
    let frame = model.frame();
    let head = &words[FRAME_WORDS..frame.weights_offset as usize / 4];
    let bytes = |words: usize| u32::try_from(words * 4).context("the blob is larger than 4 GB");
    let mut frame = *frame;
    frame.layout = layout;
    frame.weights_bytes = bytes(weights.len())?;
    frame.total_bytes = bytes(FRAME_WORDS + head.len() + weights.len() + 1)?;
    let mut out = frame.to_words().to_vec();
    debug_assert_eq!(out[1] as u16, FORMAT_VERSION);
    out.extend_from_slice(head);
    out.extend(weights);
    out.push(crc32c(&out));
    Model::load(Blob::new(&out)).map_err(|e| anyhow::anyhow!("the repacked blob does not load: {e}"))?;
    Ok(out.iter().flat_map(|w| w.to_le_bytes()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{self, Drive};
    use elman::kernel::WeightFormat;

    /// Every variant, ordinary and saturating, in every weight format and layout: packed at once and repacked are the same blob, there and
    /// back is the first, and a stream has the same states.
    #[test]
    fn a_model_is_the_same_in_every_layout() {
        let names = elman::layer::all().flat_map(|s| s.variants).map(|v| v.name);
        for (name, format) in names.flat_map(|name| WeightFormat::ALL.iter().map(move |format| (name, *format))) {
            for drive in [Drive::Ordinary, Drive::Saturating] {
                let integer = synthetic::in_format(synthetic::model(name, 6, 7, 3, drive, 5), format);
                let blob = integer.to_blob().unwrap();
                let states = |blob: &[u8]| {
                    let words = words_of(blob).unwrap();
                    let model = Model::load(Blob::new(&words)).unwrap();
                    let mut memory = vec![0; model.memory_words()];
                    let mut stream = model.stream(&mut memory).unwrap();
                    let frames = synthetic::frames(model.inputs(), 30, 3);
                    let scores = frames.chunks(model.inputs()).flat_map(|frame| stream.step(frame).logits.to_vec());
                    let scores: Vec<i16> = scores.collect();
                    (scores, memory)
                };
                let wanted = states(&blob);
                for layout in Layout::ALL {
                    let other = repacked(&blob, layout).unwrap();
                    assert_eq!(other, integer.to_blob_in(layout).unwrap(), "{name} {layout:?}");
                    assert_eq!(repacked(&other, Layout::Pairs).unwrap(), blob);
                    assert_eq!(states(&other), wanted, "{name} {layout:?}");
                }
            }
        }
    }
}
