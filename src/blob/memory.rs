//! The words of memory that a writer declares.

use super::Operations;
use crate::cell::LayerView;
use crate::descriptor::{Descriptor, LayerDescriptor, MAX_LAYERS, Structure};
use crate::kernel::{Layout, Packing, WeightFormat};
use crate::plan::{Chains, SequencePlan, chain_words, structure_words};

/// Words of memory of a model of this description: of a stream, of sequences of up to its `max_steps` where that is not
/// 0, or of what its structure runs. Layers of unknown kinds have none.
pub fn memory_words(descriptor: &Descriptor<'_>, layers: &[LayerDescriptor]) -> usize {
    let view = |l: &LayerDescriptor| {
        let (format, tag) = WeightFormat::of_tag(l.tag)?;
        let spec = Operations::EVERY_LAYER.layer(tag, l.variant)?;
        let own = (spec.check)(l.inputs.into(), l.units.into(), l.params).unwrap_or(0);
        let carried = spec.carried.words(l.units.into(), own);
        // How weights are packed decides nothing here.
        Some(LayerView::new(spec, l, carried, Packing { format, layout: Layout::Rows }))
    };
    let layers: heapless::Vec<LayerView<'_>, MAX_LAYERS> = layers.iter().filter_map(view).take(MAX_LAYERS).collect();
    let max_steps = descriptor.max_steps.into();
    let chains = Chains { layers: &layers, counts: &descriptor.chains };
    match descriptor.structure {
        Structure::Sequence if max_steps == 0 => chain_words(&layers),
        Structure::Sequence => SequencePlan::of(&layers).words(max_steps),
        structure => structure_words(structure, chains, max_steps),
    }
}
