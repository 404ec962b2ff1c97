//! PyTorch: a `state_dict` as safetensors, or as `torch.save` writes it.

mod modules;
mod pickle;
mod recipe;
mod state;

use elman_nn::LayerSpec;

use crate::{Format, Imported, Result};
pub use modules::batch;
pub use state::{Kind, StateDict};

/// What a state_dict does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// The layers, where a recipe names them; a linear dense layer may follow them.
    pub layers: Option<Vec<LayerSpec>>,
    /// Whether there is an answer for every step; by default one after the last.
    pub per_step: bool,
}

/// A network of a state_dict.
///
/// # Errors
/// Where its tensors make no network of elman.
pub fn network(format: Format, state: &StateDict, asked: &Asked) -> Result<Imported> {
    let mut notes = state.notes.clone();
    let modules = modules::of(state, &mut notes)?;
    let ops = match &asked.layers {
        Some(layers) => recipe::chain(modules, layers)?,
        None => modules::chain(modules, asked.per_step, &mut notes)?,
    };
    Imported::new(format, ops, notes)
}
