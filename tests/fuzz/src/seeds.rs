//! The seeds of the targets, from models with random weights and from files of a few lines: `cargo xtask fuzz --seeds`.

mod readers;

use anyhow::{Context, Result};
use elman::audio::Config;
use elman::blob::AttentionScore;
use elman::kernel::WeightFormat;
use elman_quant::synthetic::{self, Drive};
use std::path::Path;

/// Writes all of them: a small blob of every variant and one with a front end for `load`; with frames after it for `step`.
///
/// # Errors
/// Where they cannot be written.
///
/// # Panics
/// Where a model of the tables is not made.
pub fn write() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let [load, step, round_trip] = ["load", "step", "round_trip"].map(|name| folder.join("seeds").join(name));
    for path in [&load, &step, &round_trip] {
        std::fs::create_dir_all(path).with_context(|| path.display().to_string())?;
    }
    let variants = elman::layer::all().flat_map(|s| s.variants).map(|v| v.name);
    for (k, variant) in variants.enumerate() {
        let mut model = synthetic::model(variant, 3, 5, 2, Drive::Ordinary, 1);
        model.labels = vec!["yes".into(), "no".into()];
        let mut blob = model.to_blob().with_context(|| variant.to_owned())?;
        std::fs::write(load.join(format!("{variant}.elman")), &blob)?;
        blob.extend(synthetic::frames(4, 8, 1).iter().flat_map(|x| x.to_le_bytes()));
        std::fs::write(step.join(variant), &blob)?;
        std::fs::write(round_trip.join(variant), [k as u8, 2, 5, 1, 7, 0, k as u8 * 9, 3, 4, 1, 3, 200])?;
    }
    for format in WeightFormat::ALL.iter().filter(|format| **format != WeightFormat::Int8) {
        for variant in ["gru", "lstm", "dense", "embedding", "gru-low-rank"] {
            let model = synthetic::in_format(synthetic::model(variant, 3, 5, 2, Drive::Ordinary, 1), *format);
            let (name, mut blob) = (format!("{variant}-{}", format.name()), model.to_blob()?);
            std::fs::write(load.join(format!("{name}.elman")), &blob)?;
            blob.extend(synthetic::frames(4, 8, 1).iter().flat_map(|x| x.to_le_bytes()));
            std::fs::write(step.join(name), &blob)?;
        }
    }
    let both_ways = synthetic::bidirectional(&["gru", "lstm-coupled"], 3, 2, 2, 9, 1);
    let mut closed = synthetic::model("delay", 2, 0, 1, Drive::Ordinary, 1);
    closed.feedback = 1;
    let sensors = synthetic::sensors(3, 2, 1);
    let text = synthetic::language(9, 3, 1);
    // A convolution over time with a stride, and a cell with a slower clock.
    let mut conv = synthetic::model("delay", 2, 0, 0, Drive::Ordinary, 1);
    for (variant, units) in [("stride", 0), ("dense-relu", 4), ("gru", 3), ("dense", 2)] {
        let last = conv.layers.last().context("a first layer")?;
        conv.layers.push(synthetic::layer(variant, last.units, units, last.out_frac, Drive::Ordinary, 1));
    }
    for (name, model) in
        [("both-ways", both_ways), ("closed", closed), ("text", text), ("sensors", sensors), ("conv", conv)]
    {
        let mut blob = model.to_blob().context(name)?;
        std::fs::write(load.join(format!("{name}.elman")), &blob)?;
        blob.extend(synthetic::frames(4, 8, 1).iter().flat_map(|x| x.to_le_bytes()));
        std::fs::write(step.join(name), &blob)?;
    }
    let mut sound = synthetic::sound::listener(Config::HZ_16000, 2, 3, 1);
    let mut blob = sound.to_blob()?;
    std::fs::write(load.join("listens.elman"), &blob)?;
    blob.extend(synthetic::sound::samples(2000, 1).iter().flat_map(|x| x.to_le_bytes()));
    let listen = folder.join("seeds/listen");
    std::fs::create_dir_all(&listen).with_context(|| listen.display().to_string())?;
    std::fs::write(listen.join("listens"), &blob)?;
    sound.detect = None;
    std::fs::write(load.join("sound.elman"), sound.to_blob()?)?;
    let tree = folder.join("seeds/tree");
    std::fs::create_dir_all(&tree).with_context(|| tree.display().to_string())?;
    for (name, leaf, compose, roots) in [
        ("tree-lstm", "lstm", "tree-lstm", 1),
        ("dense-tanh", "", "dense-tanh", 1),
        ("two-roots", "dense-tanh", "tree-lstm", 2),
    ] {
        let mut blob = synthetic::tree(leaf, compose, 5, roots, [40, 9], 1).to_blob().context(name)?;
        std::fs::write(load.join(format!("over-trees-{name}.elman")), &blob)?;
        // Three leaves, a node of the first two, one of that and the third, one that has both as children; the end.
        let nodes = [[0, 255], [1, 255], [7, 255], [0, 1], [3, 2], [3, 4], [255, 255]];
        blob.extend(nodes.into_iter().chain([[255; 2]; 57]).flatten());
        blob.extend((0..16i16).flat_map(|x| (x % 11).to_le_bytes()));
        std::fs::write(tree.join(name), &blob)?;
    }
    let graph = folder.join("seeds/graph");
    std::fs::create_dir_all(&graph).with_context(|| graph.display().to_string())?;
    let base = synthetic::graph::Shape::default();
    for (name, shape) in [
        ("nodes", base),
        ("all", synthetic::graph::Shape { cell: "lstm", aggregate: "mean", readout: Some("max"), features: 2, ..base }),
        ("edges", synthetic::graph::Shape { cell: "srn", aggregate: "max", features: 1, edge_layer: true, ..base }),
    ] {
        let mut blob = synthetic::graph::model(shape, 1).to_blob().context(name)?;
        std::fs::write(load.join(format!("over-graphs-{name}.elman")), &blob)?;
        // 0 - 1 - 2, and a node by itself.
        blob.extend([0, 1, 3, 4, 4].into_iter().chain([255; 11]));
        blob.extend([1, 0, 2, 1].into_iter().chain([255; 44]));
        blob.extend((0..64i16).flat_map(|x| (x * 321).to_le_bytes()));
        std::fs::write(graph.join(name), &blob)?;
    }
    let pairs = folder.join("seeds/seq2seq");
    std::fs::create_dir_all(&pairs).with_context(|| pairs.display().to_string())?;
    for (name, cell, score, both, beams) in [
        ("plain", "lstm", AttentionScore::None, true, 1),
        ("dot", "srn", AttentionScore::Dot, false, 1),
        ("scaled", "gru", AttentionScore::Scaled, true, 3),
        ("additive", "residual-2", AttentionScore::Additive, true, 2),
    ] {
        let mut blob = synthetic::seq2seq([cell, cell], score, 3, both, [5, 4], beams, 1).to_blob().context(name)?;
        std::fs::write(load.join(format!("writes-{name}.elman")), &blob)?;
        blob.extend((0..16i16).flat_map(|x| (x % 12).to_le_bytes()));
        std::fs::write(pairs.join(name), &blob)?;
    }
    readers::write(&folder.join("seeds"))?;
    println!("seeds written to {}", folder.join("seeds").display());
    Ok(())
}
