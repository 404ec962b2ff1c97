//! What a model costs on a device: bytes exactly, instructions by estimate.

use elman::blob::Model;
use elman::cell::{Columns, Pass, Shape, View};
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

/// A core's estimates.
#[derive(Clone, Copy, Debug)]
struct CoreCost {
    name: &'static str,
    rows: PassCost,
    split: PassCost,
}

/// Fitted to `cargo xtask bench mcu` and `elman verify`; labelled as estimates wherever they are shown.
const CORES: [CoreCost; 2] = [
    CoreCost { name: "M4", rows: PassCost { fixed: 33.0, block: 14.2 }, split: PassCost { fixed: 45.0, block: 12.2 } },
    CoreCost { name: "M3", rows: PassCost { fixed: 60.0, block: 63.5 }, split: PassCost { fixed: 70.0, block: 72.5 } },
];

/// What a unit costs beyond the passes, on each of [`CORES`]: the equations, storing, copying.
const UNITS: &[(&str, [f64; 2])] = &[
    ("srn", [28.0, 37.5]),
    ("srn-sigmoid", [25.0, 50.0]),
    ("srn-relu", [20.0, 16.0]),
    ("gru", [38.0, 95.0]),
    ("gru-before", [124.0, 159.0]),
    ("lstm", [75.0, 130.0]),
    ("lstm-no-forget", [111.0, 150.0]),
    ("lstm-coupled", [115.0, 161.0]),
    ("lstm-peephole", [90.0, 133.0]),
    ("tree-lstm", [157.0, 230.0]),
    ("residual-1", [41.0, 64.0]),
    ("residual-2", [44.3, 77.0]),
    ("dense", [14.0, 16.0]),
    ("dense-tanh", [25.0, 43.0]),
    ("dense-sigmoid", [22.0, 36.0]),
    ("dense-relu", [17.0, 19.0]),
    ("mean", [20.4, 24.4]),
    ("sum", [12.3, 16.3]),
    ("max", [12.6, 12.3]),
    ("scale", [13.9, 16.9]),
    ("embedding", [6.9, 6.9]),
    ("one-hot", [0.75, 0.75]),
    ("delay", [5.8, 5.8]),
];

/// A layer's call, and the copy of its hidden state.
const LAYER: f64 = 200.0;
/// A delay line beyond a layer, and each of its taps.
const LINE: [f64; 2] = [140.0, 118.0];

fn layer_instructions(number: usize, core: &CoreCost, view: &View<'_>) -> u64 {
    let spec = view.spec();
    let blocks = view.vector_words() as f64 / 2.0;
    let units = view.units() as f64;
    let passes: f64 = spec
        .stages
        .iter()
        .map(|stage| match stage.pass {
            Pass::Pointwise | Pass::Table => 0.0,
            Pass::Split => units * (core.split.fixed + core.split.block * blocks),
            Pass::Rows => {
                (units * stage.gates.len() as f64 / 4.0).ceil() * (core.rows.fixed + core.rows.block * blocks)
            }
        })
        .sum();
    let line = match spec.shape {
        Shape::Taps => {
            let [taps, _, _, tail_taps] = view.params().map(f64::from);
            LINE[0] + LINE[1] * (taps + tail_taps)
        }
        _ => 0.0,
    };
    let unit = UNITS.iter().find(|(name, _)| *name == spec.name).map_or(30.0, |(_, unit)| unit[number]);
    (passes + units * unit + line + LAYER) as u64
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
            flash_bytes: (0..2).map(|n| 4 * (view.stage(n).params.len() + view.stage(n).weights.len())).sum::<usize>()
                + 4 * view.diagonal().len(),
            ram_bytes: 4 * view.memory_words(),
            macs: macs(view),
            instructions: (CORES.iter().enumerate())
                .map(|(k, core)| (core.name, layer_instructions(k, core, view)))
                .collect(),
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

    #[test]
    fn every_variant_has_an_estimate() {
        for name in elman::layer::all().flat_map(|s| s.variants).map(|v| v.name) {
            assert_eq!(UNITS.iter().filter(|(unit, _)| *unit == name).count(), 1, "{name}");
        }
    }

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
            ("dense-tanh", 64, 64, 5_958.0),
            ("dense-sigmoid", 64, 64, 5_782.0),
            ("dense-relu", 64, 64, 5_424.0),
            ("srn", 10, 32, 2_607.0),
            ("srn", 64, 256, 82_126.0),
            ("srn-sigmoid", 40, 64, 8_244.0),
            ("srn-relu", 40, 64, 7_920.0),
            ("gru-before", 10, 32, 8_743.0),
            ("gru-before", 64, 256, 256_226.0),
            ("lstm-no-forget", 10, 32, 8_278.0),
            ("lstm-no-forget", 64, 256, 253_941.0),
            ("lstm-coupled", 10, 32, 8_406.0),
            ("lstm-coupled", 64, 256, 254_965.0),
            ("lstm-peephole", 10, 32, 9_110.0),
            ("lstm-peephole", 64, 256, 323_957.0),
            ("residual-1", 10, 32, 2_136.0),
            ("residual-1", 40, 128, 10_855.0),
            ("residual-2", 10, 32, 3_142.0),
            ("residual-2", 64, 256, 86_077.0),
            ("mean", 32, 32, 872.0),
            ("mean", 256, 256, 5_380.0),
            ("sum", 32, 32, 601.0),
            ("sum", 256, 256, 3_317.0),
            ("scale", 32, 32, 634.0),
            ("scale", 256, 256, 3_797.0),
            ("embedding", 1, 32, 418.0),
            ("embedding", 1, 256, 1_986.0),
            ("one-hot", 1, 32, 221.0),
            ("one-hot", 1, 1000, 947.0),
            // 3 taps, and 2 of a tail of one element.
            ("delay", 4, 0, 976.0),
            ("delay", 40, 0, 1_925.0),
            ("delay", 200, 0, 5_525.0),
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
