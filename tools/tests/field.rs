//! The command line on data, models and labels as the field has them: what the readers of elman-data are tested for one by
//! one, here through whole commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use elman_data::wav_bytes;

use crate::support::{elman, ok};

/// Fails without a panic; gives stderr.
fn fails(args: &[&str]) -> String {
    let out = elman(args);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(1) && !stderr.contains("panicked"), "{args:?}: {stderr}");
    stderr
}

/// A tone of 0.2 s at 8 kHz.
fn tone(hz: f64, seed: usize) -> Vec<u8> {
    let sample = |k: usize| {
        let turn = k as f64 * (hz + seed as f64) / 8000.0 * std::f64::consts::TAU;
        (turn.sin() * 6000.0) as i16 + ((k * 7919 + seed * 31) % 200) as i16
    };
    wav_bytes(&(0..1600).map(sample).collect::<Vec<_>>(), 8000)
}

/// A corpus of a folder per label, of `n` clips each.
fn corpus(dir: &Path, labels: &[&str], n: usize, name: impl Fn(usize) -> String) {
    for (at, label) in labels.iter().enumerate() {
        std::fs::create_dir_all(dir.join(label)).unwrap();
        for k in 0..n {
            std::fs::write(dir.join(label).join(name(k)), tone(300.0 + 400.0 * at as f64, k)).unwrap();
        }
    }
}

fn recipe(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join("recipe.toml");
    let text = format!(
        "name = {name:?}\n[network]\nlayers = [{{ layer = \"cell\", variant = \"gru\", units = 4 }}, {{ layer = \
         \"pool\", over = \"last\" }}]\n[train]\nepochs = 1\nbatch = 8\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Bench { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

/// The labels of a model.
fn labels_of(blob: &[u8]) -> Vec<String> {
    let words = elman_quant::words_of(blob).unwrap();
    let model = elman::Model::load(elman::Blob::new(&words)).unwrap();
    (0..model.outputs() as u16).map(|k| model.label(k).unwrap().to_owned()).collect()
}

/// Labels of any script, and a name that would be code: what `export` writes compiles without a warning and gives the
/// labels back, byte for byte.
#[test]
fn labels_reach_c_as_they_are() {
    let b = Bench::new();
    let labels = [
        "gro\u{308}ße",
        "बत्ती जलाओ",
        "می\u{200c}خواهم",
        "what??!",
        "what??%",
        "50 %d",
        "it's \"loud\"",
        "a\\nb",
        "開ける",
        "\u{1f469}\u{200d}\u{1f52c}",
    ];
    corpus(&b.path("data"), &labels, 3, |k| format!("{k}.wav"));
    let recipe = recipe(b.dir.path(), "words").display().to_string();
    ok(&["train", &recipe, "--data", &b.at("data"), "--out", &b.at("run")]);
    ok(&["quantize", &b.at("run")]);
    // A stranger's blob, whose name is what no recipe takes.
    let blob = std::fs::read(b.path("run/model.elman")).unwrap();
    let model = elman_quant::IntegerModel {
        name: "a**//\n#error\r\nb */ int x; ??/".to_owned(),
        labels: labels_of(&blob),
        ..elman_quant::synthetic::gestures(4, labels.len(), 1)
    };
    std::fs::write(b.path("strange.elman"), model.to_blob().unwrap()).unwrap();
    ok(&["export", &b.at("strange.elman"), "--to", &b.at("c")]);
    let stem = std::fs::read_dir(b.path("c")).unwrap().next().unwrap().unwrap().path();
    let stem = stem.file_stem().unwrap().to_str().unwrap().to_owned();
    let header = std::fs::read_to_string(b.path("c").join(format!("{stem}.h"))).unwrap();
    let name = |text: &str| text.lines().next().unwrap().to_owned();
    assert_eq!(name(&header), "/* Model `a______error__b __ int x_ ___`, written by `elman export`. */");
    let module = std::fs::read_to_string(b.path("c").join(format!("{stem}.rs"))).unwrap();
    assert_eq!(name(&module), "//! Model `a______error__b __ int x_ ___`, written by `elman export`.");
    assert!(header.lines().skip(1).all(|line| line.is_ascii()), "{header}");

    let main = format!(
        "#include <stdio.h>\n#include \"{stem}.h\"\nint main(void) {{\n  for (unsigned k = 0; k < sizeof {stem}_labels / \
         sizeof *{stem}_labels; k++) puts({stem}_labels[k]);\n  return {stem}_blob[0] == 0;\n}}\n"
    );
    std::fs::write(b.path("c/main.c"), main).unwrap();
    let (source, program) = (b.at("c/main.c"), b.at("c/main"));
    let built = Command::new("cc").args(["-std=c11", "-Wall", "-Wextra", "-Werror", &source, "-o", &program]).output();
    let Ok(built) = built else {
        eprintln!("no C compiler here: the header is only looked at");
        return;
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let printed = String::from_utf8(Command::new(program).output().unwrap().stdout).unwrap();
    let mut sorted = labels.map(str::to_owned);
    sorted.sort();
    assert_eq!(printed.lines().collect::<Vec<_>>(), sorted);
}

#[test]
fn models_of_other_programs_are_named() {
    let b = Bench::new();
    for (name, bytes, what) in [
        ("m.tflite", &b"\x1c\0\0\0TFL3\0\0\0\0"[..], "a TensorFlow Lite model"),
        ("m.pt", b"PK\x03\x04\0\0\0\0", "PyTorch"),
        ("m.onnx", b"\x08\x08\x12\x07pytorch\x1a", "an ONNX model"),
        ("m.h", b"unsigned char model_tflite[] = {\n 0x1c", "C source"),
    ] {
        std::fs::write(b.path(name), bytes).unwrap();
        for command in ["inspect", "run"] {
            let (model, input) = (b.at(name), b.at("x.csv"));
            let mut args = vec![command, &model];
            args.extend((command == "run").then_some(input.as_str()));
            let error = fails(&args);
            assert!(error.contains(name) && error.contains(what), "{error}");
        }
    }
}

/// What `elman record` writes, by its default name of the speaker and by any, is trained on.
#[test]
fn one_speaker_trains() {
    let b = Bench::new();
    let recipe = recipe(b.dir.path(), "x").display().to_string();
    for speaker in ["me", "anna", "bob", "0a7c2a8d"] {
        corpus(&b.path(speaker), &["high", "low"], 12, |k| format!("{speaker}_nohash_{k}.wav"));
        let (_, said) = ok(&["train", &recipe, "--data", &b.at(speaker), "--out", &b.at("run"), "--force"]);
        assert!(said.contains("carved out of train by clip"), "{speaker}: {said}");
    }
}

/// A microphone's offset and its level leave the answer as it is, where the front end has PCEN.
#[test]
fn microphones_give_the_same_answer() {
    let b = Bench::new();
    corpus(&b.path("data"), &["high", "low"], 12, |k| format!("{k}.wav"));
    let recipe = recipe(b.dir.path(), "x").display().to_string();
    // A network of 4 units is not sure of every tone: with other seeds its answer for a quiet one wanders.
    let sets = [
        "--set",
        "features.pcen=true",
        "--set",
        "train.epochs=12",
        "--set",
        "train.seed=7",
        "--set",
        "train.rate=2e-2",
    ];
    ok(&[&["train", &recipe, "--data", &b.at("data"), "--out", &b.at("run")][..], &sets].concat());
    ok(&["quantize", &b.at("run")]);
    let clip = std::fs::read(b.path("data/low/3.wav")).unwrap();
    let samples: Vec<i16> = clip[44..].as_chunks::<2>().0.iter().map(|s| i16::from_le_bytes(*s)).collect();
    let answer = |name: &str, wav: Vec<u8>| {
        std::fs::write(b.path(name), wav).unwrap();
        let shown: serde_json::Value =
            serde_json::from_str(&ok(&["run", &b.at("run"), &b.at(name), "--json"]).0).unwrap();
        let last = &shown["answers"][0];
        (last["label"].as_str().unwrap().to_owned(), last["probability"].as_f64().unwrap())
    };
    let changed = |f: &dyn Fn(i16) -> i16| wav_bytes(&samples.iter().map(|s| f(*s)).collect::<Vec<_>>(), 8000);
    let (label, probability) = answer("plain.wav", clip.clone());
    for (name, wav, within) in [("dc.wav", changed(&|s| s + 2000), 0.03), ("quiet.wav", changed(&|s| s / 100), 0.1)] {
        let (other, p) = answer(name, wav);
        assert!(
            other == label && (p - probability).abs() < within,
            "{name}: {other} {p}, plain: {label} {probability}"
        );
    }
}

/// Label files are checked against the recording and the model before anything is written.
#[test]
fn label_tracks_are_checked_before_a_point_is_written() {
    let b = Bench::new();
    corpus(&b.path("data"), &["high", "low"], 12, |k| format!("{k}.wav"));
    let recipe = recipe(b.dir.path(), "x").display().to_string();
    ok(&["train", &recipe, "--data", &b.at("data"), "--out", &b.at("run"), "--set", "train.epochs=12"]);
    ok(&["quantize", &b.at("run")]);
    let model = b.path("run/model.elman");
    let before = std::fs::read(&model).unwrap();
    std::fs::create_dir_all(b.path("hours")).unwrap();
    let clips = ["low/0", "high/0", "low/1", "high/1"].map(|n| b.path("data").join(format!("{n}.wav")));
    let evening: Vec<u8> = clips.iter().flat_map(|c| std::fs::read(c).unwrap()[44..].to_vec()).collect();
    let evening: Vec<i16> = evening.as_chunks::<2>().0.iter().map(|s| i16::from_le_bytes(*s)).collect();
    let (run, hours) = (b.at("run"), b.at("hours"));
    for (samples, labels, wanted) in [
        (&evening[..], "0.0\t0.2\tlow\n9.5\t9.7\thigh\n", "line 2: \"9.5\\t9.7\\thigh\": it starts after the end"),
        (&evening, "0.0\t0.2\tLow\n", "is not a label of the model, which has \"low\""),
        (&evening, "", "none of the words high, low is said"),
        (&evening, "0.0\t0.2\tboat\n", "none of the words high, low is said"),
        (&evening, "0.0\t0.2\n", "no label"),
        (&evening, "1e300\t1e300\tlow\n", "it starts after the end"),
        (&evening[..1], "0\t0\tlow\n", "1 samples, and a window of the front end has"),
    ] {
        std::fs::write(b.path("hours/evening.wav"), wav_bytes(samples, 8000)).unwrap();
        std::fs::write(b.path("hours/evening.txt"), labels).unwrap();
        let error = fails(&["calibrate", &run, "--audio", &hours]);
        assert!(error.contains(wanted), "{error}");
        assert!(std::fs::read(&model).unwrap() == before, "{labels:?} changed the model");
    }
    std::fs::write(b.path("hours/evening.wav"), wav_bytes(&evening, 8000)).unwrap();
    std::fs::write(b.path("hours/evening.txt"), "\u{feff}0,0 0,2 low\r\n0,2 0,4 high\r\n").unwrap();
    std::fs::write(b.path("hours/._evening.wav"), "what a system leaves").unwrap();
    ok(&["calibrate", &run, "--audio", &hours, "--dry-run"]);
    for name in ["cut.wav", "page.wav"] {
        std::fs::write(b.path("hours").join(name), "<html>404</html>").unwrap();
    }
    let error = fails(&["calibrate", &run, "--audio", &hours]);
    assert!(error.contains("2 of 3 recordings cannot be used") && error.contains("page.wav"), "{error}");
    let (_, said) = ok(&["calibrate", &run, "--audio", &hours, "--skip-bad"]);
    assert!(said.contains("2 of 3 recordings left out") && std::fs::read(&model).unwrap() != before, "{said}");
}

/// Every command that reads a corpus names all bad files, and goes on without them where that is asked for.
#[test]
fn each_command_skips_bad_files_on_demand() {
    let b = Bench::new();
    corpus(&b.path("data"), &["high", "low"], 12, |k| format!("s{k}_nohash_0.wav"));
    let recipe = recipe(b.dir.path(), "x").display().to_string();
    let (data, run, hours) = (b.at("data"), b.at("run"), b.at("hours"));
    ok(&["train", &recipe, "--data", &data, "--out", &run]);
    ok(&["quantize", &run]);
    for (name, bytes) in [("high/cut.wav", &tone(400.0, 1)[..99]), ("low/page.wav", b"<!DOCTYPE html><p>404</p>")] {
        std::fs::write(b.path("data").join(name), bytes).unwrap();
    }
    for args in [
        &["data", "check", &data][..],
        &["eval", &run, "--data", &data],
        &["probe", &run, "--data", &data],
        &["mix", "--data", &data, "--hours", "0.01", "--to", &hours],
        &["verify", &run, "--data", &data],
        &["train", &recipe, "--data", &data, "--out", &run, "--force"],
    ] {
        let error = fails(args);
        assert!(error.contains("2 of 26 files cannot be used") && error.contains("--skip-bad"), "{args:?}: {error}");
        assert!(error.contains("high/cut.wav: cut off") && error.contains("low/page.wav"), "{args:?}: {error}");
        if args[0] == "verify" {
            // It goes on to an emulator.
            continue;
        }
        let (stdout, stderr) = ok(&[args, &["--skip-bad"]].concat());
        assert!(format!("{stdout}{stderr}").contains("2 of 26 files left out"), "{args:?}: {stdout}{stderr}");
    }
    // A run that was trained so is evaluated so.
    ok(&["quantize", &run]);
    ok(&["eval", &run, "--data", &data]);
}

#[cfg(unix)]
#[test]
fn pipes_are_no_recipes_and_no_models() {
    let b = Bench::new();
    let pipe = b.at("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(fails(&["train", &pipe, "--data", &pipe]).contains("a pipe or a device"));
    assert!(fails(&["inspect", &pipe]).contains("a pipe or a device"));
    assert!(fails(&["turing", &pipe]).contains("a pipe or a device"));
    assert!(fails(&["data", "check", &pipe]).contains("a pipe or a device"));
}

/// Without a recipe, a network for the shape of the data: windows of values with a class each, which differ by a bump's place.
#[test]
fn windows_of_values_train_without_a_recipe() {
    let dir = tempfile::tempdir().unwrap();
    for (part, count) in [("TRAIN", 40), ("TEST", 40)] {
        let mut text =
            String::from("@problemName Bumps\n@timeStamps false\n@univariate true\n@classLabel true a b\n@data\n");
        for k in 0..count {
            let (late, shift) = (k % 2 == 1, k % 7);
            let at = if late { 60 } else { 25 } + shift;
            let value = |t: i32| (-(f64::from(t - at) / 4.0).powi(2)).exp() + 0.02 * f64::from((t * 7 + k * 13) % 11);
            // The second class has a smaller bump before its own.
            let small = |t: i32| if late { 0.5 * (-(f64::from(t - 25 - shift) / 4.0).powi(2)).exp() } else { 0.0 };
            let values: Vec<String> = (0..90).map(|t| format!("{:.4}", value(t) + small(t))).collect();
            text += &format!("{}:{}\n", values.join(","), if late { "b" } else { "a" });
        }
        std::fs::write(dir.path().join(format!("Bumps_{part}.ts")), text).unwrap();
    }
    let (data, run) = (dir.path().display().to_string(), dir.path().join("run").display().to_string());
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_elman"))
        .args(["train", "--data", &data, "--out", &run, "--set", "train.epochs=60", "--json"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let trained: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let accuracy = trained["test"][0]["value"].as_f64().unwrap();
    assert!(accuracy >= 0.9, "{trained}");
    let recipe = std::fs::read_to_string(dir.path().join("run/recipe.toml")).unwrap();
    assert!(recipe.contains("\"delay\"") && recipe.contains("\"gru\""), "{recipe}");
}

/// Names in running text without a recipe: most tags are O, and a network that finds nothing is right in nine of ten. Half of the names
/// that validate are not in train.
#[test]
fn names_in_running_text_are_found_without_a_recipe() {
    let dir = tempfile::tempdir().unwrap();
    for (part, count, names) in [("train", 200, 20), ("dev", 60, 40)] {
        let mut text = String::new();
        for k in 0..count {
            let filler = |n: usize| (0..n).map(|j| format!("word{}\tO\n", (k * 7 + j * 5) % 31)).collect::<String>();
            let (name, town) = ((k * 13 + 5) % names, (k * 17 + 3) % names);
            text += &filler(3 + k % 4);
            text += &format!("mister\tO\nname{name}\tB-person\nlives\tO\nin\tO\ntown{town}\tB-location\nnow\tO\n");
            text += &filler(5);
            text.push('\n');
        }
        std::fs::write(dir.path().join(format!("{part}.conll")), text).unwrap();
    }
    let (data, run) = (dir.path().display().to_string(), dir.path().join("run").display().to_string());
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_elman"))
        .args(["train", "--data", &data, "--out", &run, "--json"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let trained: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(trained["valid"][0]["name"], "entity F1");
    assert!(trained["valid"][0]["value"].as_f64().unwrap() >= 0.9, "{trained}");
    let recipe = std::fs::read_to_string(dir.path().join("run/recipe.toml")).unwrap();
    assert!(recipe.contains("class_weights = [1.0, 1.0, 0.5]") && recipe.contains("watch = \"last\""), "{recipe}");
}
