//! The same model with its weights in the order of another core.

use anyhow::{Context, Result};
use elman::blob::{Blob, FORMAT_VERSION, FRAME_WORDS, Model, crc32c};
use elman::cell::StageKind;
use elman::kernel::Layout;

use super::pass;
use super::words_of;

/// The layout that a core's kernels read.
///
/// # Errors
/// Where there is no such core; the message lists those there are.
pub fn layout_of(core: &str) -> Result<Layout> {
    Layout::of_core(core).with_context(|| {
        let all: Vec<&str> = Layout::ALL.iter().flat_map(|l| l.cores()).copied().collect();
        format!("there is no core `{core}`: those there are: {}", all.join(", "))
    })
}

/// The blob with its weights as `core` reads them; all else, and every number, stays.
///
/// # Errors
/// Where the blob does not load, or there is no such core.
pub fn for_core(blob: &[u8], core: &str) -> Result<Vec<u8>> {
    relaid(blob, layout_of(core)?)
}

/// The blob with its weights in `layout`.
///
/// # Errors
/// Where the blob does not load.
pub fn relaid(blob: &[u8], layout: Layout) -> Result<Vec<u8>> {
    let words = words_of(blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
    let from = model.frame().layout;
    if from == layout {
        return Ok(blob.to_vec());
    }
    let mut weights = Vec::new();
    for view in model.layers() {
        let (x, all) = (view.input_words() * 2, view.vector_words() * 2);
        for (n, stage) in view.spec().stages.iter().enumerate() {
            let stage_view = view.stage(n);
            let (split, per_pass, words) = match stage.kind {
                StageKind::Pointwise | StageKind::Table => {
                    weights.extend_from_slice(stage_view.params);
                    weights.extend_from_slice(stage_view.weights);
                    continue;
                }
                StageKind::Rows => (None, from.rows_params(), all),
                StageKind::Split => (Some(x), from.split_params(), all / 4 * 3),
            };
            let (mut params, mut products) = (Vec::new(), Vec::new());
            let passes = stage_view.params.chunks(per_pass).zip(stage_view.weights.chunks(words.max(1)));
            for (p, w) in passes {
                let rows =
                    pass::unpack(from, split, all, p, w).context("a row block of a valid model does not unpack")?;
                pass::pack(layout, split, &rows, &mut params, &mut products);
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

    /// Every variant, ordinary and saturating, in every layout: packed at once and repacked are the same blob, there and
    /// back is the first, and a stream has the same states.
    #[test]
    fn a_model_is_the_same_in_every_layout() {
        for name in elman::layer::all().flat_map(|s| s.variants).map(|v| v.name) {
            for drive in [Drive::Ordinary, Drive::Saturating] {
                let integer = synthetic::model(name, 6, 7, 3, drive, 5);
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
                    let other = relaid(&blob, layout).unwrap();
                    assert_eq!(other, integer.to_blob_in(layout).unwrap(), "{name} {layout:?}");
                    assert_eq!(relaid(&other, Layout::Pairs).unwrap(), blob);
                    assert_eq!(states(&other), wanted, "{name} {layout:?}");
                }
            }
        }
    }

    #[test]
    fn cores_are_known_by_name() {
        assert_eq!(layout_of("m55").unwrap(), Layout::Rows);
        assert!(layout_of("m5").unwrap_err().to_string().contains("m4, m7, m33, m55, m0, m3, rv32"));
    }
}
