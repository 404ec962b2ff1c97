//! `elman run --trace`: what it writes of tables, text, trees, sound and integers is what docs/trace.md says.

use std::path::{Path, PathBuf};
use std::process::Command;

use elman::blob::Readout;
use elman::text::TextUnit;
use elman_quant::synthetic::{self, Numbers};
use elman_quant::trace::{self, Input};
use elman_quant::{IntegerModel, words_of};
use serde_json::Value;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Runs a blob over a file; the trace.
    fn trace(&self, blob: &[u8], input: &str) -> String {
        let model = self.file("model.elman", blob);
        let to = self.0.path().join("trace.json").display().to_string();
        let run = ["run", &model, input, "--trace", &to];
        let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(run).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        std::fs::read_to_string(to).unwrap()
    }
}

/// What is traced of inputs in integers.
fn wanted(model: &IntegerModel, inputs: &[Input]) -> String {
    trace::trace(&words_of(&model.to_blob().unwrap()).unwrap(), inputs).unwrap()
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

#[test]
fn inputs_of_a_vector_give_the_vector() {
    let folder = Folder::new();
    for name in
        ["lstm", "both-ways", "closed-loop", "text", "writes-scaled", "tree-of-lstm", "graph-edges", "sound-pcen"]
    {
        let path = vectors().join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let hex = file["blob"].as_str().unwrap();
        let byte = |k: usize| u8::from_str_radix(&hex[2 * k..][..2], 16).unwrap();
        let blob: Vec<u8> = (0..hex.len() / 2).map(byte).collect();
        assert!(folder.trace(&blob, &path.display().to_string()) == text, "{name}");
    }
}

#[test]
fn tables_text_and_trees_are_read_as_they_are() {
    let folder = Folder::new();
    let model = synthetic::model("gru", 2, 3, 2, synthetic::Drive::Ordinary, 1);
    let csv = folder.file("steps.csv", b"0.5,-0.25\n-1,0.125\n0.75,0\n");
    let frames = vec![vec![16_384, -8192], vec![-32_768, 4096], vec![24_576, 0]];
    let input = Input { frames, ..Input::default() };
    assert_eq!(folder.trace(&model.to_blob().unwrap(), &csv), wanted(&model, &[input]));

    let language = synthetic::language(9, 4, 2);
    let text = folder.file("lines.txt", b"!#%\n\n&x!\n  \n");
    let line = |text: &str, symbols: &[i16]| Input {
        text: Some(text.to_owned()),
        frames: symbols.iter().map(|k| vec![*k]).collect(),
        ..Input::default()
    };
    let lines = [line("!#%", &[1, 3, 5]), line("&x!", &[6, 0, 1]), line("  ", &[0, 0])];
    assert_eq!(folder.trace(&language.to_blob().unwrap(), &text), wanted(&language, &lines));

    let mut tree = synthetic::tree("", "tree-lstm", 3, 1, [9, 9], 3);
    let words = (b'a'..).take(usize::from(synthetic::ROWS) - 1).map(|c| char::from(c).to_string());
    tree.text = Some((TextUnit::Words, words.collect()));
    tree.readout = Readout::Last;
    let brackets = folder.file("trees.txt", b"( ( b a ) zz )\n");
    let traced: Value = serde_json::from_str(&folder.trace(&tree.to_blob().unwrap(), &brackets)).unwrap();
    let example = &traced["examples"][0];
    assert_eq!(example["input"]["nodes"].as_array().unwrap().len(), 5);
    assert_eq!(example["steps"].as_array().unwrap().len(), 5);
    assert_eq!(example["steps"][4]["answers"].as_array().unwrap().len(), 1);
}

#[test]
fn sound_is_traced_with_features_and_detector() {
    let folder = Folder::new();
    let model = synthetic::sound::listener(elman::audio::Config::HZ_8000, 3, 3, 4);
    let mut numbers = Numbers(5);
    let samples: Vec<i16> = (0..1600).map(|_| numbers.between(-9000, 9000) as i16).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + 3200u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend([8000u32, 16_000].iter().flat_map(|n| n.to_le_bytes()));
    wav.extend(b"\x02\0\x10\0data");
    wav.extend(3200u32.to_le_bytes());
    wav.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    let path = folder.file("noise.wav", &wav);
    let input = Input { samples, ..Input::default() };
    let traced = folder.trace(&model.to_blob().unwrap(), &path);
    assert!(traced == wanted(&model, &[input]));
    let traced: Value = serde_json::from_str(&traced).unwrap();
    let step = &traced["examples"][0]["steps"][3];
    assert_eq!(step["runs"][0]["layers"][0]["x"].as_array().unwrap().len(), 32);
    assert_eq!(step["detector"]["means"].as_array().unwrap().len(), 3);
}

#[test]
fn integers_without_a_trace_are_a_wrong_use() {
    let folder = Folder::new();
    let model =
        folder.file("model.elman", &synthetic::model("gru", 2, 3, 2, synthetic::Drive::Ordinary, 1).to_blob().unwrap());
    let input = folder.file("in.json", b"{\"examples\":[{\"input\":{\"frames\":[[1,2]]}}]}");
    let to = folder.0.path().join("trace.json").display().to_string();
    let with = ["run", &model, &input, "--trace", &to, "--json"];
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(with).output().unwrap();
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((said["inputs"].as_u64(), said["trace"].as_str()), (Some(1), Some(&*to)));
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(["run", &model, &input]).output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && stderr.contains("--trace"), "{stderr}");
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let folder = Folder::new();
    let model = |name: &str, model: IntegerModel| folder.file(name, &model.to_blob().unwrap());
    let stream = model("stream.elman", synthetic::model("gru", 2, 3, 2, synthetic::Drive::Ordinary, 1));
    let tree = model("tree.elman", synthetic::tree("", "tree-lstm", 3, 1, [9, 9], 3));
    let graph = model("graph.elman", synthetic::graph::model(synthetic::graph::Shape::default(), 3));
    let to = folder.0.path().join("trace.json").display().to_string();
    for (model, input, said) in [
        (&stream, r#"{"frames":[[1,2],[1]]}"#, "input 0: frame 1 has 1 elements, the model reads 2"),
        (&stream, r#"{"samples":[1,2]}"#, "reads no sound"),
        (&stream, r#"{"frames":[[70000,2]]}"#, "no JSON with inputs"),
        (&stream, r#"{"frames":[[1,2]],"draw":{"seed":1,"temperature":0,"top_k":0,"count":2}}"#, "reads symbols"),
        (&tree, r#"{"frames":[[1,2]],"nodes":[[0]]}"#, "frame 0 has 2 elements, the model reads 1"),
        (&tree, r#"{"frames":[[1]],"nodes":[[0],[0,1]]}"#, "does not come before it"),
        (&tree, r#"{"frames":[[1]],"nodes":[[0,1,2]]}"#, "not 3 numbers"),
        (&tree, r#"{"frames":[[1]]}"#, "0 nodes"),
        (&graph, r#"{"frames":[[1,2,3]],"neighbours":[[7]]}"#, "names node 7"),
        (&graph, r#"{"frames":[],"neighbours":[[]]}"#, "0 elements for the nodes"),
    ] {
        let path = folder.file("in.json", format!("{{\"examples\":[{{\"input\":{input}}}]}}").as_bytes());
        let args = ["run", model, &path, "--trace", &to];
        let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.code() == Some(1) && stderr.contains(said), "{input}: {stderr}");
    }
}
