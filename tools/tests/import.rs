//! `elman import` and `elman export --to model.onnx` as a user meets them, over the stored models of PyTorch, ONNX and Keras.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{elman, ok};

/// A stored model.
struct Case {
    file: String,
    bytes: Vec<u8>,
    inputs: usize,
    symbols: u64,
    frames: Vec<f64>,
    outputs: Vec<f64>,
    per_step: bool,
    recipe: Option<String>,
}

fn cases() -> Vec<Case> {
    let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/import/models.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(file).unwrap();
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let list: Vec<Value> = serde_json::from_slice(&read("cases.json")).unwrap();
    let numbers = |v: &Value| v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<f64>>();
    let case = |v: Value| Case {
        file: v["file"].as_str().unwrap().to_owned(),
        bytes: read(v["file"].as_str().unwrap()),
        inputs: v["inputs"].as_u64().unwrap() as usize,
        symbols: v["symbols"].as_u64().unwrap_or(0),
        frames: numbers(&v["frames"]),
        outputs: numbers(&v["outputs"]),
        per_step: v["per_step"].as_bool().unwrap(),
        recipe: v["recipe"].as_str().map(str::to_owned),
    };
    list.into_iter().map(case).collect()
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|c| c.file == name).expect(name)
}

/// Writes an array of f32.
fn npy(path: &Path, shape: &[usize], values: &[f64]) {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|v| (*v as f32).to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

/// The model, a folder of frames that calibrate it, and the flags of a recipe.
fn laid_out(dir: &Path, case: &Case) -> (PathBuf, PathBuf, Vec<String>) {
    let (model, data) = (dir.join(&case.file), dir.join("data"));
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(&model, &case.bytes).unwrap();
    let steps = case.frames.len() / case.inputs;
    let all: Vec<f64> = [1.0, 0.7, -0.5, -1.1].iter().flat_map(|s| case.frames.iter().map(move |x| s * x)).collect();
    npy(&data.join("x.npy"), &[4, steps, case.inputs], &all);
    let Some(layers) = &case.recipe else { return (model, data, Vec::new()) };
    let path = dir.join("network.toml");
    std::fs::write(&path, format!("[data]\nformat = \"frames\"\nvalid_share = 0.0\n[network]\n{layers}\n")).unwrap();
    (model, data, vec!["--recipe".to_owned(), path.display().to_string()])
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs `elman import` with these flags.
fn import(model: &Path, data: &Path, run: &Path, flags: &[String]) -> Value {
    let mut args = vec!["import", text(model), "--data", text(data), "--to", text(run), "--json"];
    args.extend(flags.iter().map(String::as_str));
    serde_json::from_str(&ok(&args).0).unwrap()
}

/// Parts of the names of models whose outputs are probabilities.
const PROBABILITIES: [&str; 10] = [
    "softmax",
    "sigmoid",
    "no-bias",
    "masking",
    "keras-lstm.",
    "deep",
    "sklearn-mlp.",
    "zipmap",
    "two-classes",
    "logistic.",
];

/// Every model with frames of values: its integers are as near to the framework's outputs as `quantize` says.
#[test]
fn integers_are_within_what_quantize_reports() {
    let (mut count, mut worst) = (0, f64::INFINITY);
    for case in cases().iter().filter(|c| c.symbols == 0) {
        // A softmax or a sigmoid stands after the integers, and h alone has no labels.
        let linear = !PROBABILITIES.iter().any(|n| case.file.contains(n));
        let dir = tempfile::tempdir().unwrap();
        let (model, data, mut flags) = laid_out(dir.path(), case);
        let run = dir.path().join("run");
        if case.per_step {
            // Labels or values a step, so that the network has an answer for each.
            let steps = case.frames.len() / case.inputs;
            let labels: Vec<f64> = (0..4 * steps).map(|k| (k % 2) as f64).collect();
            match case.outputs.len() == steps {
                true => npy(&data.join("y.npy"), &[4, steps, 1], &labels),
                false => whole(&data.join("y.npy"), &[4, steps], &labels),
            }
            flags.extend(["--set".to_owned(), "data.valid_share=0.0".to_owned()]);
        }
        import(&model, &data, &run, &flags);
        let quantized: Value = serde_json::from_str(&ok(&["quantize", text(&run), "--json"]).0).unwrap();
        let layers = quantized["layers"].as_array().unwrap();
        let db = layers.last().unwrap()["output_db"].as_f64().unwrap_or(f64::INFINITY);
        assert!(db > 25.0, "{}: {db} dB", case.file);
        worst = worst.min(db);
        count += 1;
        if !linear {
            continue;
        }
        let csv: String = case
            .frames
            .chunks(case.inputs)
            .map(|f| f.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n")
            .collect();
        std::fs::write(dir.path().join("frames.csv"), csv).unwrap();
        let frames = dir.path().join("frames.csv");
        let mut args = vec!["run", text(&run), text(&frames), "--values", "--json"];
        args.extend(case.per_step.then_some(["--every", "1"]).into_iter().flatten());
        let ran: Value = serde_json::from_str(&ok(&args).0).unwrap();
        let of = |answer: &Value| {
            answer["scores"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<f64>>()
        };
        let found: Vec<f64> = ran["answers"].as_array().unwrap().iter().flat_map(of).collect();
        let wanted = &case.outputs;
        assert_eq!(found.len(), wanted.len(), "{}", case.file);
        let power = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>();
        let noise = power(&mut found.iter().zip(wanted).map(|(a, b)| a - b)) / power(&mut wanted.iter().copied());
        // What is reported is of four sequences; of one it may be 12 dB less.
        assert!(-10.0 * noise.log10() > db - 12.0, "{}: {} dB of {db}", case.file, -10.0 * noise.log10());
    }
    assert!(count >= 60, "{count} models");
    println!("{count} models, at least {worst:.1} dB");
}

/// Writes whole numbers.
fn whole(path: &Path, shape: &[usize], values: &[f64]) {
    npy(path, shape, values);
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(5).position(|w| w == b"'<f4'").unwrap();
    bytes[at..at + 5].copy_from_slice(b"'<i4'");
    let data = bytes.len() - 4 * values.len();
    bytes.truncate(data);
    bytes.extend(values.iter().flat_map(|v| (*v as i32).to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

/// A run folder like any other: evaluated, trained further, exported and imported again.
#[test]
fn an_imported_run_is_evaluated_trained_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let case = case("torch-gru.safetensors");
    let (model, data, _) = laid_out(dir.path(), &case);
    whole(&data.join("y.npy"), &[4], &[0.0, 1.0, 2.0, 3.0]);
    let run = dir.path().join("run");
    let set = |what: &str| ["--set".to_owned(), what.to_owned()];
    let flags: Vec<String> = [set("data.valid_share=0.0"), set("train.epochs=3"), set("train.watch=last")].concat();
    let report = import(&model, &data, &run, &flags);
    assert_eq!(report["labels"], serde_json::json!(["0", "1", "2", "3"]));
    assert_eq!(report["layers"], serde_json::json!(["gru", "dense"]));
    ok(&["quantize", text(&run)]);
    let evaluated: Value =
        serde_json::from_str(&ok(&["eval", text(&run), "--data", text(&data), "--split", "train", "--json"]).0)
            .unwrap();
    assert_eq!((&evaluated["examples"], &evaluated["disagree"]), (&4.into(), &0.into()));
    let onnx = dir.path().join("again.onnx");
    ok(&["export", text(&run), "--to", text(&onnx)]);
    let again = dir.path().join("again");
    import(&onnx, &data, &again, &flags);
    let weights = |run: &Path| std::fs::read(run.join("weights.safetensors")).unwrap();
    assert_eq!(weights(&run).len(), weights(&again).len());
    ok(&["train", "--resume", "--out", text(&run), "--data", text(&data)]);
    assert_ne!(weights(&run), weights(&again));
    ok(&["quantize", text(&run)]);
}

/// Values as targets: the outputs keep their units.
#[test]
fn a_network_of_a_series_gives_its_values() {
    let dir = tempfile::tempdir().unwrap();
    let case = case("torch-gru-steps.safetensors");
    let (model, data, _) = laid_out(dir.path(), &case);
    let steps = case.frames.len() / case.inputs;
    npy(&data.join("x.npy"), &[1, steps, case.inputs], &case.frames);
    npy(&data.join("y.npy"), &[1, steps, 4], &case.outputs);
    let recipe = dir.path().join("network.toml");
    let layers = "layers = [{ layer = \"cell\", variant = \"gru\", units = 5 }]";
    std::fs::write(&recipe, format!("[data]\nformat = \"frames\"\nvalid_share = 0.0\n[network]\n{layers}\n")).unwrap();
    let run = dir.path().join("run");
    import(&model, &data, &run, &["--recipe".to_owned(), text(&recipe).to_owned()]);
    ok(&["quantize", text(&run)]);
    let evaluated: Value =
        serde_json::from_str(&ok(&["eval", text(&run), "--data", text(&data), "--split", "train", "--json"]).0)
            .unwrap();
    let error = evaluated["float"][0]["value"].as_f64().unwrap();
    assert!(error < 1e-3, "{error}");
}

/// An embedding whose rows are the numbers in the text, and one with a vocabulary.
#[test]
fn an_embedding_reads_symbols() {
    let dir = tempfile::tempdir().unwrap();
    let case = case("keras-embedding.keras");
    let (model, data) = (dir.path().join(&case.file), dir.path().join("text"));
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(&model, &case.bytes).unwrap();
    let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let line: Vec<usize> = case.frames.iter().map(|v| *v as usize).collect();
    let best = (0..3).max_by(|a, b| case.outputs[*a].total_cmp(&case.outputs[*b])).unwrap();
    let numbers = |line: &[usize]| line.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
    let named = |line: &[usize]| line.iter().map(|k| words[*k]).collect::<Vec<_>>().join(" ");
    let recipe = dir.path().join("text.toml");
    std::fs::write(&recipe, "[data]\nformat = \"pairs\"\ntask = \"class\"\nvalid_share = 0.0\n").unwrap();
    let vocabulary = dir.path().join("words.txt");
    std::fs::write(&vocabulary, words.join("\n")).unwrap();
    for with_names in [false, true] {
        let write = |line: &[usize]| if with_names { named(line) } else { numbers(line) };
        let train = data.join("train");
        std::fs::create_dir_all(&train).unwrap();
        let lines: Vec<Vec<usize>> =
            (0..3).map(|k| if k == best { line.clone() } else { vec![k + 1, 2 * k + 3, 9, 0] }).collect();
        let file = |name: &str, of: &dyn Fn(&Vec<usize>) -> String| {
            let text: String = lines.iter().map(|line| of(line) + "\n").collect();
            std::fs::write(train.join(name), text).unwrap();
        };
        file("seq.in", &|line| write(line));
        file("seq.out", &|line| vec!["O"; line.len()].join(" "));
        std::fs::write(train.join("label"), "a\nb\nc\n").unwrap();
        let run = dir.path().join(format!("run-{with_names}"));
        let mut flags = vec!["--recipe".to_owned(), text(&recipe).to_owned()];
        if with_names {
            flags.extend(["--vocabulary".to_owned(), text(&vocabulary).to_owned()]);
        }
        import(&model, &data, &run, &flags);
        ok(&["quantize", text(&run)]);
        let input = dir.path().join("line.txt");
        std::fs::write(&input, write(&line) + "\n").unwrap();
        let (said, _) = ok(&["run", text(&run), text(&input), "--json"]);
        let ran: Value = serde_json::from_str(&said).unwrap();
        assert!(ran.to_string().contains(&format!("\"{}\"", ["a", "b", "c"][best])), "{said}");
    }
}

/// What cannot be imported is said in a sentence with the way out.
#[test]
fn refusals_name_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let case = case("torch-gru.safetensors");
    let (model, data, _) = laid_out(dir.path(), &case);
    let run = dir.path().join("run");
    let refused = |model: &Path, data: &Path, more: &[&str]| {
        let out = elman(&[&["import", text(model), "--data", text(data), "--to", text(&run)], more].concat());
        assert!(!out.status.success());
        assert!(!run.exists(), "nothing is written");
        String::from_utf8(out.stderr).unwrap()
    };
    let said = refused(&model, &data, &["--labels", "a,b"]);
    assert!(said.contains("--labels names 2, the network has 4 outputs"), "{said}");
    npy(&data.join("x.npy"), &[2, 5, 2], &[0.5; 20]);
    let said = refused(&model, &data, &[]);
    assert!(said.contains("has 2 values a step, the network reads 3"), "{said}");
    let broken = dir.path().join("broken.onnx");
    std::fs::write(&broken, b"\x08\x08:\xff\xff").unwrap();
    let said = refused(&broken, &data, &[]);
    assert!(said.contains("broken.onnx") && said.contains("save it again"), "{said}");
    let said = refused(&dir.path().join("none.pt"), &data, &[]);
    assert!(said.contains("cannot read"), "{said}");
}
