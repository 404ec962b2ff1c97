//! The layers and parts of the library that a model needs.

use anyhow::{Result, bail};
use elman::Model;
use elman::blob::{Direction, Structure};

/// Most layers in a list, as in the library: `ELMAN_MAX_LAYER_PARTS`.
const MOST_LAYERS: usize = 8;

/// Names of the functions `elman_part_NAME`: of each kind of layer once, in their order, then the others.
///
/// # Errors
/// Where the model is an encoder-decoder, a tree or a graph, which the library for C does not run, or has too many kinds.
pub fn of(model: &Model<'_>) -> Result<Vec<String>> {
    if model.structure() != Structure::Sequence {
        bail!(
            "the library for C runs streams and sequences; encoder-decoders, trees and graphs run from Rust: `elman export --to`"
        );
    }
    let mut parts: Vec<String> = Vec::new();
    for view in model.layers() {
        let (tag, variant) = view.kind();
        let spec = elman::layer::all().find(|spec| spec.tag == tag);
        let Some(variant) = spec.and_then(|spec| spec.variants.get(usize::from(variant))) else {
            bail!("the model has a layer that this version does not know: {tag}, {variant}");
        };
        let name = variant.name.replace('-', "_");
        if !parts.contains(&name) {
            parts.push(name);
        }
    }
    if parts.len() > MOST_LAYERS {
        bail!("the model has {} kinds of layers, the library for C takes {MOST_LAYERS}", parts.len());
    }
    let audio = model.audio();
    let more = [
        ("backward", model.layers().iter().any(|l| l.direction() == Direction::Backward)),
        ("cepstrum", audio.is_some_and(|a| a.cepstrum > 0)),
        ("feedback", model.feedback() > 0),
        ("pcen", audio.is_some_and(|a| a.pcen.is_some())),
        ("scaling", model.input_scaling().is_some() || model.output_scaling().is_some()),
        ("spectral_subtraction", audio.is_some_and(|a| a.spectral_subtraction.is_some())),
        ("text", model.text().is_some()),
    ];
    parts.extend(more.iter().filter(|(_, needed)| *needed).map(|(name, _)| (*name).to_owned()));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    /// Where there is a new layer or operation, bindings/c/src/parts.rs needs a function.
    #[test]
    fn every_layer_has_a_part() {
        let functions: Vec<&str> = crate::library::functions().collect();
        let layers = elman::layer::all().flat_map(|spec| spec.variants).map(|v| v.name.replace('-', "_"));
        let more = ["backward", "cepstrum", "feedback", "pcen", "scaling", "spectral_subtraction", "text", "all"];
        for name in layers.chain(more.map(str::to_owned)) {
            assert!(functions.contains(&format!("elman_part_{name}").as_str()), "elman_part_{name} is not in elman.h");
        }
    }
}
