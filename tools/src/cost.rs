//! What a model costs on a device: bytes exactly, instructions by estimate.

use elman::blob::Model;
use elman::cell::{Columns, Pass, View};
use serde::Serialize;

/// A layer's share.
#[derive(Clone, Debug, Serialize)]
pub struct LayerCost {
    /// Variant.
    pub variant: &'static str,
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
    /// Multiplications with a weight per step.
    pub macs: u64,
    /// Estimated instructions per step, by core.
    pub instructions: Vec<(&'static str, u64)>,
}

/// Instructions of a kind of pass on a core: `fixed + block * (blocks of four columns)`, fitted to counts in the
/// emulator.
#[derive(Clone, Copy, Debug)]
struct PassCost {
    fixed: f64,
    block: f64,
}

/// A core's estimates. `unit` is what the equations of one unit cost beyond the pass.
#[derive(Clone, Copy, Debug)]
struct CoreCost {
    name: &'static str,
    rows: PassCost,
    split: PassCost,
    /// Per unit, by the number of gates of a row stage (1, 2, 4) and for a split stage.
    unit: [f64; 4],
}

/// Fitted to `cargo xtask bench mcu` and `elman verify`; labelled as estimates wherever they are shown.
const CORES: [CoreCost; 2] = [
    CoreCost {
        name: "M4",
        rows: PassCost { fixed: 33.0, block: 14.2 },
        split: PassCost { fixed: 45.0, block: 12.2 },
        unit: [16.0, 34.0, 75.0, 41.0],
    },
    CoreCost {
        name: "M3",
        rows: PassCost { fixed: 60.0, block: 63.5 },
        split: PassCost { fixed: 70.0, block: 72.5 },
        unit: [25.0, 50.0, 130.0, 95.0],
    },
];

/// A layer's call, and the copy of its hidden state.
const LAYER: f64 = 140.0;

fn layer_instructions(core: &CoreCost, view: &View<'_>) -> u64 {
    let blocks = view.vector_words() as f64 / 2.0;
    let units = view.units() as f64;
    let stages: f64 = view
        .spec()
        .stages
        .iter()
        .map(|stage| match stage.pass {
            Pass::Pointwise | Pass::Table => units * 9.0,
            Pass::Split => units * (core.split.fixed + core.split.block * blocks + core.unit[3]),
            Pass::Rows => {
                let gates = stage.gates.len();
                let unit = core.unit[match gates {
                    1 => 0,
                    2 => 1,
                    _ => 2,
                }];
                (units * gates as f64 / 4.0).ceil() * (core.rows.fixed + core.rows.block * blocks) + units * unit
            }
        })
        .sum();
    let pooled = if view.spec().stages.is_empty() { units * 25.0 } else { 0.0 };
    (stages + pooled + LAYER) as u64
}

fn macs(view: &View<'_>) -> u64 {
    let (n, h) = (view.inputs() as u64, view.units() as u64);
    (view.spec().gates())
        .map(|g| match g.columns {
            Columns::Both => h * (n + h),
            Columns::Input => h * n,
            Columns::Hidden => h * h,
        })
        .sum()
}

/// Reckons a model's cost.
pub fn of(model: &Model<'_>) -> Cost {
    let layers: Vec<LayerCost> = model
        .layers()
        .iter()
        .map(|view| LayerCost {
            variant: view.spec().name,
            inputs: view.inputs(),
            units: view.units(),
            fracs: [view.in_frac(), view.formats().out_frac, view.formats().long_frac],
            flash_bytes: (0..2).map(|n| 4 * (view.stage(n).params.len() + view.stage(n).weights.len())).sum(),
            ram_bytes: 4 * view.memory_words(),
            macs: macs(view),
            instructions: CORES.iter().map(|core| (core.name, layer_instructions(core, view))).collect(),
        })
        .collect();
    let total = |k: usize| layers.iter().map(|l| l.instructions[k].1).sum::<u64>();
    Cost {
        blob_bytes: model.frame().total_bytes as usize,
        ram_bytes: 4 * model.memory_words(),
        audio_ram_bytes: 4 * model.frame().audio_words as usize,
        macs: layers.iter().map(|l| l.macs).sum(),
        instructions: CORES.iter().enumerate().map(|(k, core)| (core.name, total(k))).collect(),
        layers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::synthetic::{self, Drive};
    use crate::quant::words_of;
    use elman::blob::Blob;

    /// Counts in the emulator (`cargo xtask bench mcu`): the estimate stays within 5 %.
    #[test]
    fn the_estimate_is_near_the_count() {
        for (variant, inputs, units, counted) in [
            ("lstm", 10, 32, 8_531.0),
            ("lstm", 40, 128, 90_319.0),
            ("lstm", 64, 256, 319_570.0),
            ("gru", 12, 32, 7_082.0),
            ("gru", 40, 64, 25_782.0),
            ("gru", 64, 256, 271_457.0),
            ("dense", 64, 64, 5_193.0),
            ("dense", 128, 256, 34_641.0),
        ] {
            let blob = synthetic::model(variant, inputs, units, 0, Drive::Ordinary, 1).to_blob().unwrap();
            let words = words_of(&blob).unwrap();
            let cost = of(&Model::load(Blob::new(&words)).unwrap());
            let estimate = cost.instructions[0].1 as f64;
            assert!((estimate / counted - 1.0).abs() < 0.05, "{variant} ({inputs}, {units}): {estimate}, {counted}");
            assert_eq!(cost.blob_bytes, blob.len());
        }
    }
}
