//! `tests/vectors/`: small models and all that they compute, a file for each layer kind, structure and stage of the front end.
//! docs/trace.md says what is in them. Here each is computed again, and compared in every number.
//!
//! `UPDATE_VECTORS=1 cargo test -p elman-quant --test quant vectors` writes them again; do that only where bits change on purpose.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use elman::audio::{Config, Pcen, SpectralSubtraction};
use elman::blob::{AttentionScore, Blob, Model, Readout, Structure};
use elman::kernel::Layout;
use elman::net::Node;
use elman::text::TextUnit;
use elman_quant::synthetic::{self, Drive, Numbers, graph::Shape};
use elman_quant::trace::{self, Draw, Input};
use elman_quant::{IntegerModel, words_of};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors")
}

/// A vector before it is computed: its name, its blob, and what the model reads.
struct Vector {
    name: String,
    blob: Vec<u8>,
    inputs: Vec<Input>,
}

impl Vector {
    fn new(name: &str, model: &IntegerModel, inputs: Vec<Input>) -> Self {
        Vector { name: name.to_owned(), blob: model.to_blob().unwrap(), inputs }
    }
}

/// Frames of ordinary, extreme and small numbers.
fn frames(inputs: usize, steps: usize, seed: u64) -> Vec<Vec<i16>> {
    let mut numbers = Numbers(seed);
    let element = |t: usize, numbers: &mut Numbers| match t % 8 {
        4 => i16::MIN,
        5 => i16::MAX,
        6 => 0,
        7 => numbers.between(-300, 300) as i16,
        _ => numbers.between(-16_384, 16_384) as i16,
    };
    (0..steps).map(|t| (0..inputs).map(|_| element(t, &mut numbers)).collect()).collect()
}

fn sequence(frames: Vec<Vec<i16>>) -> Vec<Input> {
    vec![Input { frames, ..Input::default() }]
}

/// Symbols, of which one is beyond the table.
fn symbols(steps: usize, seed: u64) -> Vec<Input> {
    let mut numbers = Numbers(seed);
    let last = i64::from(synthetic::ROWS);
    let mut frames: Vec<Vec<i16>> = (0..steps).map(|_| vec![numbers.between(0, last - 1) as i16]).collect();
    frames[steps - 1] = vec![last as i16 + 3];
    sequence(frames)
}

/// Every variant of the tables: ordinary, and with gates and states that saturate.
fn layers() -> Vec<Vector> {
    let names = elman::layer::all().flat_map(|s| s.variants).map(|v| v.name);
    let vector = |name: &str| {
        let mut model = synthetic::model(name, 3, 5, 0, Drive::Ordinary, 11);
        if name == "norm" {
            model.layers[0].params = [40_000, 41, 0, 0];
        }
        model.layers.push(synthetic::layer(
            "dense",
            model.layers[0].units,
            3,
            model.layers[0].out_frac,
            Drive::Ordinary,
            5,
        ));
        let inputs = match model.layers[0].inputs {
            1 => symbols(8, 3),
            n => sequence(frames(n, 12, 3)),
        };
        Vector::new(name, &model, inputs)
    };
    let saturating = |name: &str| {
        let model = synthetic::model(name, 3, 3, 0, Drive::Saturating, 12);
        Vector::new(&format!("{name}-saturating"), &model, sequence(frames(3, 10, 4)))
    };
    let cells = [
        "srn-relu",
        "gru",
        "gru-before",
        "lstm",
        "lstm-peephole",
        "residual-2",
        "tree-lstm",
        "li-gru",
        "fast-grnn",
        "min-lstm",
        "lstm-projected",
        "gru-low-rank",
        "fast-grnn-low-rank",
        "dense",
    ];
    names.map(vector).chain(cells.map(saturating)).collect()
}

/// The other layouts, stacks, both directions, loops and text.
fn sequences() -> Vec<Vector> {
    let in_layout = |name: &str, layout: Layout| {
        let model = synthetic::model(name, 5, 6, 2, Drive::Ordinary, 13);
        let blob = model.to_blob_in(layout).unwrap();
        Vector { name: format!("{name}-{}", layout.name()), blob, inputs: sequence(frames(5, 4, 5)) }
    };
    let layouts =
        [Layout::Rows, Layout::Columns].into_iter().flat_map(|layout| ["gru", "lstm"].map(|n| in_layout(n, layout)));
    let both_ways = synthetic::bidirectional(&["gru", "lstm-coupled"], 3, 3, 2, 7, 14);
    let mut closed = synthetic::model("delay", 3, 0, 1, Drive::Ordinary, 15);
    (closed.feedback, closed.increments) = (1, true);
    let open_then_closed = frames(3, 8, 6).into_iter().enumerate().map(|(t, mut f)| {
        f.truncate(if t < 3 { 3 } else { 2 });
        f
    });
    let mut language = synthetic::language(9, 4, 16);
    language.text = Some((TextUnit::Characters, "abdehnrt".chars().map(String::from).collect()));
    let text = |line: &str| {
        let known = ["a", "b", "d", "e", "h", "n", "r", "t"];
        let index = |c: char| known.iter().position(|s| s.starts_with(c)).map_or(0, |k| k as i16 + 1);
        Input {
            text: Some(line.to_owned()),
            frames: line.chars().map(|c| vec![index(c)]).collect(),
            ..Input::default()
        }
    };
    let drawing = |input: Input, temperature: u16, top_k: u16| {
        let draw = Draw { seed: 23, temperature, top_k, count: 8 };
        Input { draw: Some(draw), ..input }
    };
    let mut numbers = Numbers(25);
    let mut reading = |middle: i64, spread: i64| numbers.between(middle - spread, middle + spread) as i32;
    let mut readings: Vec<Vec<i32>> = (0..6)
        .map(|_| vec![reading(101_300, 200), reading(0, 1 << 30), reading(-8_000_000, 5000), reading(0, 1)])
        .collect();
    readings.extend([vec![i32::MIN; 4], vec![i32::MAX; 4], vec![0; 4]]);
    let sensed = vec![Input { readings, ..Input::default() }];
    let gestures = synthetic::gestures(4, 3, 17);
    let moves = frames(3, 40, 7).into_iter().map(|f| f.iter().map(|x| x / 16).collect()).collect();
    layouts
        .chain([
            Vector::new("both-ways", &both_ways, sequence(frames(3, 6, 8))),
            Vector::new("closed-loop", &closed, sequence(open_then_closed.collect())),
            Vector::new(
                "text",
                &language,
                vec![text("hand er"), drawing(text("bread"), 3277, 4), drawing(text("x"), 0, 0)],
            ),
            Vector::new("gestures", &gestures, sequence(moves)),
            Vector::new("sensors", &synthetic::sensors(3, 2, 25), sensed),
        ])
        .collect()
}

/// Each second symbol of the last layer with the row of the one before, so that hypotheses are equally likely.
fn tied(mut model: IntegerModel) -> IntegerModel {
    if let Some(head) = model.layers.last_mut() {
        let (n, units) = (head.inputs, head.units);
        for gate in &mut head.gates {
            for k in (1..units).step_by(2) {
                gate.w.copy_within((k - 1) * n..k * n, k * n);
                (gate.bias[k], gate.multiplier[k]) = (gate.bias[k - 1], gate.multiplier[k - 1]);
            }
        }
    }
    model
}

fn writes() -> Vec<Vector> {
    let source = |steps, seed| Input {
        frames: synthetic::source(steps, seed).chunks(1).map(<[i16]>::to_vec).collect(),
        ..Input::default()
    };
    let ties = tied(synthetic::seq2seq(["srn", "srn"], AttentionScore::None, 4, false, [6, 4], 5, 24));
    let ties = Vector::new("writes-ties", &ties, vec![source(3, 3)]);
    [
        ("writes", ["lstm", "lstm"], AttentionScore::None, true, 1),
        ("writes-dot", ["srn", "srn"], AttentionScore::Dot, false, 1),
        ("writes-scaled", ["gru", "gru"], AttentionScore::Scaled, true, 3),
        ("writes-additive", ["residual-2", "residual-2"], AttentionScore::Additive, true, 2),
    ]
    .into_iter()
    .map(|(name, cells, score, both, beams)| {
        let model = synthetic::seq2seq(cells, score, 4, both, [6, 5], beams, 18);
        Vector::new(name, &model, vec![source(4, 1), source(1, 2)])
    })
    .chain([ties])
    .collect()
}

fn trees() -> Vec<Vector> {
    [
        ("tree", "dense-tanh", "dense-tanh", 1),
        ("tree-of-lstm", "lstm", "tree-lstm", 1),
        ("tree-pair", "", "tree-lstm", 2),
    ]
    .into_iter()
    .map(|(name, leaf, compose, roots)| {
        let model = synthetic::tree(leaf, compose, 3, roots, [16, 16], 19);
        let nodes = synthetic::nodes(9, 4, 4).into_iter().map(|node| match node {
            Node::Leaf(frame) => vec![frame],
            Node::Inner { left, right } => vec![left, right],
        });
        let frames = vec![vec![3], vec![7], vec![0], vec![40]];
        Vector::new(name, &model, vec![Input { frames, nodes: nodes.collect(), ..Input::default() }])
    })
    .collect()
}

fn graphs() -> Vec<Vector> {
    let base = Shape { rounds: 2, ..Shape::default() };
    [
        ("graph", base),
        ("graph-answers-once", Shape { cell: "lstm", aggregate: "mean", readout: Some("max"), features: 2, ..base }),
        (
            "graph-edges",
            Shape { cell: "residual-2", aggregate: "max", features: 2, edge_layer: true, shared: false, ..base },
        ),
    ]
    .into_iter()
    .map(|(name, shape)| {
        let model = synthetic::graph::model(shape, 20);
        let neighbours = vec![vec![1, 2], vec![0], vec![0, 1, 2], vec![]];
        let edges = if shape.features > 0 { frames(shape.features, 6, 9) } else { Vec::new() };
        let frames = frames(3, 4, 10);
        Vector::new(name, &model, vec![Input { frames, neighbours, edges, ..Input::default() }])
    })
    .collect()
}

/// Front ends over noise of several levels, silence between, and a detector.
fn sound() -> Vec<Vector> {
    let small = Config { window: 120, hop: 80, fft_log2: 7, channels: 6, low_hz: 200, ..Config::HZ_8000 };
    [
        ("sound", small),
        ("sound-10", Config { window: 601, hop: 300, fft_log2: 10, channels: 5, low_hz: 20, ..Config::HZ_16000 }),
        (
            "sound-pre-emphasis",
            Config { window: 200, fft_log2: 8, pre_emphasis: 31_785, remove_dc: false, floor_log2: 0, ..small },
        ),
        ("sound-pcen", Config { pcen: Some(Pcen { smoothing_log2: 2, ..Pcen::SPEECH }), ..small }),
        ("sound-subtraction", Config { spectral_subtraction: Some(SpectralSubtraction::SPEECH), ..small }),
        ("sound-cepstrum", Config { cepstrum: 4, fft_log2: 9, window: 130, ..small }),
    ]
    .into_iter()
    .map(|(name, config)| {
        let mut model = synthetic::sound::listener(config, 3, 3, 21);
        if let Some(detect) = &mut model.detect {
            (detect.smooth, detect.refractory, detect.silence_reset.steps) = (2, 1, 2);
        }
        let mut numbers = Numbers(22);
        let count = usize::from(config.window) + 9 * usize::from(config.hop);
        let level = |i: usize| [4000, 30, 0, 32_767, 200][i * 5 / count];
        let samples = (0..count).map(|i| numbers.between(-level(i), level(i)) as i16).collect();
        Vector::new(name, &model, vec![Input { samples, ..Input::default() }])
    })
    .collect()
}

fn all() -> Vec<Vector> {
    [layers(), sequences(), writes(), trees(), graphs(), sound()].into_iter().flatten().collect()
}

/// The path of the first number in which two values differ, and both.
fn difference(path: &str, wanted: &Value, ours: &Value) -> Option<String> {
    match (wanted, ours) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(k, (a, b))| difference(&format!("{path}[{k}]"), a, b))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(k, v)| difference(&format!("{path}.{k}"), v, &b[k]))
        }
        _ if wanted == ours => None,
        _ => Some(format!("{path}: {wanted} in the file, {ours} now")),
    }
}

/// Files of the folder, by name.
fn files() -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .map(|p| (p.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&p).unwrap()))
        .collect();
    files.sort();
    files
}

fn blob_of(file: &Value) -> Vec<u32> {
    let hex = file["blob"].as_str().unwrap().as_bytes();
    let bytes = hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    words_of(&bytes.collect::<Vec<u8>>()).unwrap()
}

#[test]
fn vectors_are_computed_again() {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let _ = std::fs::remove_dir_all(folder());
        std::fs::create_dir_all(folder()).unwrap();
        for Vector { name, blob, inputs } in all() {
            let text = trace::trace(&words_of(&blob).unwrap(), &inputs).unwrap_or_else(|e| panic!("{name}: {e:#}"));
            std::fs::write(folder().join(format!("{name}.json")), text).unwrap();
        }
    }
    let files = files();
    assert!(files.iter().map(|(_, text)| text.len()).sum::<usize>() < 1_000_000);
    for (name, text) in files {
        let wanted: Value = serde_json::from_str(&text).unwrap();
        let again = trace::trace(&blob_of(&wanted), &trace::inputs(&text).unwrap()).unwrap();
        let ours: Value = serde_json::from_str(&again).unwrap();
        assert_eq!(difference(&name, &wanted, &ours), None);
        assert!(text == again, "{name}: the numbers are the same, but they are written otherwise");
    }
}

/// What the files have, in words.
fn kinds(files: &[(String, String)]) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for (_, text) in files {
        let file: Value = serde_json::from_str(text).unwrap();
        let words = blob_of(&file);
        let model = Model::load(Blob::new(&words)).unwrap();
        kinds.extend(model.layers().iter().map(|l| format!("layer {}", l.spec().name)));
        kinds.extend(model.layers().iter().map(|l| format!("direction {:?}", l.direction())));
        kinds.insert(format!("layout {}", model.frame().layout.name()));
        kinds.insert(match model.structure() {
            Structure::Seq2seq { score, .. } => format!("score {score:?}"),
            Structure::Tree { .. } => format!("tree {:?}", model.readout() == Readout::EveryStep),
            Structure::Graph { rounds, .. } => format!("graph {}", model.chain_count() == 2 * usize::from(rounds) + 3),
            Structure::Sequence => format!("sequence feedback {}", model.feedback() > 0),
        });
        let audio = model.audio();
        kinds.extend(audio.and_then(|a| a.pcen).map(|_| "pcen".to_owned()));
        kinds.extend(audio.and_then(|a| a.spectral_subtraction).map(|_| "spectral subtraction".to_owned()));
        kinds.extend(audio.filter(|a| a.cepstrum > 0).map(|_| "cepstrum".to_owned()));
        kinds.extend(audio.map(|a| format!("fft {}", a.fft_log2)));
        kinds.extend(model.input_scaling().map(|_| "input scaling".to_owned()));
        kinds.extend(model.output_scaling().map(|_| "output scaling".to_owned()));
        kinds.extend(model.text().map(|_| "text".to_owned()));
        let drawn = file["examples"].as_array().unwrap().iter().any(|e| e["drawn"].is_array());
        kinds.extend(drawn.then(|| "draws".to_owned()));
        let steps = file["examples"][0]["steps"].as_array().unwrap();
        let detected =
            |what: &str| steps.iter().any(|s| s["detector"][what].as_bool().unwrap_or(s["detector"][what].is_array()));
        kinds.extend(
            ["event", "reset"].into_iter().filter(|what| detected(what)).map(|what| format!("detector {what}")),
        );
    }
    kinds
}

#[test]
fn every_kind_of_the_tables_has_a_vector() {
    let kinds = kinds(&files());
    let variants = elman::layer::all().flat_map(|s| s.variants).map(|v| format!("layer {}", v.name));
    let layouts = Layout::ALL.map(|l| format!("layout {}", l.name()));
    let others = [
        "direction Backward",
        "score None",
        "score Dot",
        "score Scaled",
        "score Additive",
        "tree true",
        "tree false",
        "graph true",
        "graph false",
        "sequence feedback true",
        "pcen",
        "spectral subtraction",
        "cepstrum",
        "fft 7",
        "fft 8",
        "fft 9",
        "fft 10",
        "input scaling",
        "output scaling",
        "text",
        "draws",
        "detector event",
        "detector reset",
    ];
    let wanted = variants.chain(layouts).chain(others.map(str::to_owned));
    let missing: Vec<String> = wanted.filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "no vector in tests/vectors for {missing:?}");
}

#[test]
fn a_difference_is_named() {
    let [a, b] = [r#"{"steps":[{"h":[1,2]}]}"#, r#"{"steps":[{"h":[1,3]}]}"#].map(|t| serde_json::from_str(t).unwrap());
    assert_eq!(difference("gru", &a, &a), None);
    assert_eq!(difference("gru", &a, &b).unwrap(), "gru.steps[0].h[1]: 2 in the file, 3 now");
}
