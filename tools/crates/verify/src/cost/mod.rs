//! What a model costs on a device: bytes exactly, instructions by estimate.

pub mod example;
pub mod shapes;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use elman::blob::Model;
use elman::cell::{LayerView, WidthRule};
use elman::kernel::{RowBlock, WeightFormat};
use serde::{Deserialize, Serialize};

/// A layer's share.
#[derive(Clone, Debug, Serialize)]
pub struct LayerCost {
    /// Variant.
    pub variant: &'static str,
    /// Format of its weights; empty where it has none.
    pub weights: &'static str,
    /// Elements of the input vector.
    pub inputs: usize,
    /// Elements of the output vector.
    pub units: usize,
    /// Fraction bits of input, output and long state.
    pub fracs: [u8; 3],
    /// Bytes of parameters and weights in flash.
    pub flash_bytes: usize,
    /// Bytes of memory.
    pub ram_bytes: usize,
    /// Multiplications with a weight per step.
    pub macs: u64,
    /// Estimated instructions per step, by core.
    pub instructions: Vec<(&'static str, u64)>,
}

/// A model's cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Layers, from the input.
    pub layers: Vec<LayerCost>,
    /// Bytes of the blob.
    pub blob_bytes: usize,
    /// Bytes of a stream's memory.
    pub ram_bytes: usize,
    /// Bytes of the audio front end's memory.
    pub audio_ram_bytes: usize,
    /// Multiplications with a weight per step, on average where layers do not take every step.
    pub macs: u64,
    /// Estimates per step, on average, by core; of a model that is no stream, of every layer once.
    pub estimates: Vec<Estimate>,
    /// The largest example, where the model is no stream.
    pub example: Option<example::ExampleCost>,
}

/// The estimated cost of a step on a core.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Estimate {
    /// As machines.toml calls it.
    pub core: &'static str,
    /// Name of the core.
    pub name: &'static str,
    /// Instructions.
    pub instructions: u64,
    /// Instructions that no step exceeds.
    pub most: u64,
    /// Cycles with memory that never waits.
    pub cycles: Option<u64>,
}

/// A core's estimates, as costs.toml has them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct CoreCost {
    /// As machines.toml calls the core.
    #[serde(skip)]
    pub key: String,
    /// Instructions around the layers of a step.
    pub step: f64,
    /// Instructions to copy an element of a frame.
    #[serde(default)]
    pub copy: f64,
    /// Columns that a kernel takes at a time: 8 with Helium.
    pub columns: usize,
    /// For each variant what [`features`] are multiplied by.
    pub variants: BTreeMap<String, [f64; 3]>,
}

/// A core that has estimates.
#[derive(Clone, Copy, Debug)]
pub struct Core {
    /// As machines.toml calls it.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Cycles per instruction with memory that never waits: the mix of the loop over the weights, by the cycles that the
    /// core's manual gives. `None` where cores of that kind differ too much.
    pub cycles: Option<f64>,
}

/// All cores, from the smallest.
pub const CORES: [Core; 7] = [
    Core { key: "m0", name: "Cortex-M0", cycles: Some(1.35) },
    Core { key: "m3", name: "Cortex-M3", cycles: Some(1.8) },
    Core { key: "m4", name: "Cortex-M4", cycles: Some(1.45) },
    Core { key: "m7", name: "Cortex-M7", cycles: Some(0.8) },
    Core { key: "m33", name: "Cortex-M33", cycles: Some(1.35) },
    Core { key: "m55", name: "Cortex-M55", cycles: Some(1.9) },
    Core { key: "rv32", name: "RV32IMAC", cycles: None },
];

/// No step takes more than this times the instructions of the one that takes the fewest: `cargo xtask bench worst` counts
/// both over 1e5 random and edge inputs.
pub const WORST: f64 = 1.02;

/// Estimates are within this share of what is counted: a test compares models of the recipes' shapes on every core.
pub const WITHIN: f64 = 0.05;

/// What estimates are multiplied by so that no step exceeds them.
pub const BOUND: f64 = WORST / (1.0 - WITHIN);

/// Instructions around a step whose output becomes a part of the next frame, on every core: 109 to 185 were counted.
const FEEDBACK: f64 = 130.0;

/// Written by `cargo xtask bench costs --write`, which counts in the emulator and fits.
static COSTS: LazyLock<BTreeMap<String, CoreCost>> = LazyLock::new(|| {
    let mut costs: BTreeMap<String, CoreCost> = toml::from_str(include_str!("costs.toml")).unwrap_or_default();
    costs.iter_mut().for_each(|(key, cost)| cost.key.clone_from(key));
    costs
});

/// What the instructions of a layer are linear in: 1; row blocks of the kernel (units, where there are none); and blocks of
/// `columns` columns in all row blocks, the last of them perhaps in part (taps, of a delay line).
pub fn features(view: &LayerView<'_>, columns: usize) -> [f64; 3] {
    let units = view.units() as f64;
    if view.spec().widths == WidthRule::DelayTaps {
        let [taps, _, _, tail_taps] = view.params().map(f64::from);
        return [1.0, units, taps + tail_taps];
    }
    let row_blocks = (0..view.spec().stages.len()).filter_map(|n| view.row_blocks(n));
    let (mut all, mut of_columns) = (0, 0);
    for (count, block) in row_blocks {
        let blocks = |n: usize| n.div_ceil(columns.max(1));
        let blocks = match block {
            RowBlock::Rows { columns } => blocks(columns),
            RowBlock::Split { x, h } => blocks(x) + blocks(h),
            RowBlock::Table { .. } => continue,
        };
        (all, of_columns) = (all + count, of_columns + count * blocks);
    }
    if all == 0 { [1.0, units, 0.0] } else { [1.0, all as f64, of_columns as f64] }
}

fn layer_instructions(core: &CoreCost, view: &LayerView<'_>) -> f64 {
    let Some(costs) = core.variants.get(view.spec().name) else { return 0.0 };
    let int8: f64 = costs.iter().zip(features(view, core.columns)).map(|(c, x)| c * x).sum();
    int8 * few_bits(&core.key, view.packing().format)
}

/// The most that a layer takes in a format of weights, by what it takes in int8: `cargo xtask bench mcu --all` compares them.
fn few_bits(core: &str, format: WeightFormat) -> f64 {
    match (format, core) {
        (WeightFormat::Int8, _) => 1.0,
        (WeightFormat::Int4, "m0" | "m3" | "m55") => 1.04,
        (WeightFormat::Int4, _) => 1.125,
        (WeightFormat::Int2, "m0" | "m3" | "m55") => 1.05,
        (WeightFormat::Int2, "rv32") => 1.48,
        (WeightFormat::Int2, _) => 1.29,
    }
}

fn macs(view: &LayerView<'_>) -> u64 {
    let shapes = view.spec().shapes(view.inputs(), view.units(), view.params());
    shapes.map(|(_, shape)| (shape.rows * (shape.inputs + shape.hidden)) as u64).sum()
}

/// A model's cost.
pub fn of(model: &Model<'_>) -> Cost {
    let none = CoreCost::default();
    let cores = CORES.map(|core| (core, COSTS.get(core.key).unwrap_or(&none)));
    let layers: Vec<LayerCost> = model
        .layers()
        .iter()
        .map(|view| LayerCost {
            variant: view.spec().name,
            weights: if (0..2).any(|n| view.row_blocks(n).is_some()) { view.packing().format.name() } else { "" },
            inputs: view.inputs(),
            units: view.units(),
            fracs: [view.in_frac(), view.formats().out_frac, view.formats().carried_frac],
            flash_bytes: (0..2).map(|n| 4 * (view.stage(n).params.len() + view.stage(n).weights.len())).sum::<usize>()
                + 4 * view.diagonal().len(),
            ram_bytes: 4 * view.memory_words(),
            macs: macs(view),
            instructions: cores.map(|(core, cost)| (core.key, layer_instructions(cost, view) as u64)).into(),
        })
        .collect();
    // Steps from one step of a layer to its next.
    let clocks: Vec<usize> = model
        .layers()
        .iter()
        .scan(1usize, |every, view| Some(std::mem::replace(every, every.saturating_mul(view.stride()))))
        .collect();
    let estimate = |core: Core, cost: &CoreCost| {
        let layers = |clock: &dyn Fn(usize) -> f64| -> f64 {
            let each = model.layers().iter().zip(&clocks);
            each.map(|(view, every)| layer_instructions(cost, view) / clock(*every)).sum()
        };
        // Each layer was counted alone, in a step of its own; the frame is copied once.
        let (inputs, others) = (model.inputs() as f64, model.layers().len().saturating_sub(1) as f64);
        let feedback = model.feedback() as f64;
        let fed_back = if feedback > 0.0 { FEEDBACK + (4.0 + cost.copy) * feedback } else { 0.0 };
        let around = cost.copy * inputs - cost.step * others + fed_back;
        let instructions = layers(&|every| every as f64) + around;
        // In a step that all layers take.
        let most = layers(&|_| 1.0) + around;
        Estimate {
            core: core.key,
            name: core.name,
            instructions: instructions as u64,
            most: (most * BOUND).ceil() as u64,
            cycles: core.cycles.map(|c| (instructions * c) as u64),
        }
    };
    Cost {
        blob_bytes: model.frame().total_bytes as usize,
        ram_bytes: 4 * model.memory_words(),
        audio_ram_bytes: 4 * model.frame().audio_words as usize,
        macs: layers.iter().zip(&clocks).map(|(l, every)| l.macs as f64 / *every as f64).sum::<f64>().round() as u64,
        estimates: cores.map(|(core, cost)| estimate(core, cost)).into(),
        example: example::largest(model),
        layers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman::blob::Blob;
    use elman_quant::words_of;

    #[test]
    fn every_variant_has_an_estimate_on_every_core() {
        for core in CORES {
            let costs = &COSTS[core.key];
            for name in elman::layer::all().flat_map(|s| s.variants).map(|v| v.name) {
                assert!(costs.variants.contains_key(name), "{name} on {}", core.key);
            }
        }
    }

    /// Counts in the emulator, which costs.toml was not fitted to: models of the recipes' shapes.
    #[test]
    fn the_estimate_is_near_the_count_for_every_recipe() {
        let counted: BTreeMap<String, BTreeMap<String, f64>> = toml::from_str(include_str!("counted.toml")).unwrap();
        let mut compared = 0;
        for recipe in shapes::recipes() {
            let blob = recipe.model.to_blob().unwrap();
            let words = words_of(&blob).unwrap();
            let cost = of(&Model::load(Blob::new(&words)).unwrap());
            for estimate in &cost.estimates {
                // What a core has no room for has no count.
                let Some(count) = counted.get(estimate.core).and_then(|c| c.get(recipe.name)) else { continue };
                let ratio = estimate.instructions as f64 / count;
                assert!(estimate.most as f64 >= count * WORST, "{} on {}", recipe.name, estimate.core);
                assert!((ratio - 1.0).abs() < WITHIN, "{} on {}: {ratio:.3} of {count}", recipe.name, estimate.core);
                compared += 1;
            }
        }
        assert!(compared >= 100, "{compared}");
    }
}
