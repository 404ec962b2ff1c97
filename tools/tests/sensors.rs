//! Sensors in any unit: a channel in Pa trains as in hPa, with outliers and offsets, and what a device computes is what was
//! trained on.

use std::path::Path;
use std::process::Command;

use elman::scaling::Channel;
use elman::{Blob, Model};
use elman_data::Split;
use elman_data::records::{Input, RecordOptions, Records};
use elman_pipeline::{Encoding, RunInfo, Source};
use elman_quant::synthetic::{self, Drive, Numbers};
use elman_quant::words_of;
use elman_recipe::Recipe;

/// A command that succeeds; what it printed and noted.
fn elman(args: &[&str]) -> (String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap();
    let [stdout, stderr] = [out.stdout, out.stderr].map(|b| String::from_utf8(b).unwrap());
    assert!(out.status.success(), "{args:?}: {stderr}");
    (stdout, stderr)
}

const RECIPE: &str = r#"
name = "sensors"
[data]
[network]
layers = [{ layer = "cell", variant = "gru", units = 6 }, { layer = "pool", over = "last" }]
[train]
epochs = 25
batch = 8
rate = 2e-2
"#;

/// Two kinds of motion, which differ in how fast a channel swings; another channel says nothing.
fn motions(seed: u64, unit: impl Fn(f64) -> String, other: impl Fn(f64) -> String) -> String {
    let mut numbers = Numbers(seed);
    let mut text = "@dimensions 2\n@classLabel true 1 2\n@data\n".to_owned();
    for k in 0..80 {
        let phase = numbers.between(0, 628) as f64 / 100.0;
        let mut row = [String::new(), String::new()];
        for t in 0..12 {
            let swing = (phase + f64::from(t) * [0.25, 1.1][k % 2]).sin();
            let noise = numbers.between(-100, 100) as f64 / 100.0;
            for (row, v) in row.iter_mut().zip([unit(swing), other(noise)]) {
                row.push_str(if row.is_empty() { "" } else { "," });
                row.push_str(&v);
            }
        }
        text.push_str(&format!("{}:{}:{}\n", row[0], row[1], k % 2 + 1));
    }
    text
}

/// Trains, quantizes and evaluates: the accuracy of the integers on the validation part, and what was noted.
fn accuracy(folder: &Path, name: &str, data: &str) -> (f64, String) {
    let dir = folder.join(name);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("X_TRAIN.ts"), data).unwrap();
    let recipe = folder.join("recipe.toml");
    std::fs::write(&recipe, RECIPE).unwrap();
    let run = folder.join(format!("run-{name}"));
    let [recipe, dir, run] = [&recipe, &dir, &run].map(|p| p.to_str().unwrap());
    let (_, notes) = elman(&["train", recipe, "--data", dir, "--out", run]);
    elman(&["quantize", run]);
    let (json, _) = elman(&["--json", "eval", run, "--data", dir, "--split", "valid"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    (found["integer"][0]["value"].as_f64().unwrap(), notes)
}

#[test]
fn any_unit_trains() {
    let folder = tempfile::tempdir().unwrap();
    let plain = |v: f64| format!("{v:.4}");
    let run = |name: &str, data: String| accuracy(folder.path(), name, &data);
    let (friendly, notes) = run("friendly", motions(1, plain, plain));
    assert!(friendly >= 0.95, "{friendly}");
    assert!(notes.contains("channel 1:") && notes.contains("0 of"), "{notes}");
    for (name, data) in [
        ("hpa", motions(1, |v| format!("{:.3}", 1013.25 + 0.5 * v), plain)),
        ("pa", motions(1, |v| format!("{:.1}", 101_325.0 + 50.0 * v), plain)),
        ("pa-as-second", motions(1, plain, |v| format!("{:.1}", 101_325.0 + 50.0 * v))),
        ("raw", motions(1, |v| format!("{:.0}", -8_000_311.0 + 900.0 * v), |v| format!("{:.0}", 1e9 + 1e7 * v))),
        ("amperes", motions(1, |v| format!("{:e}", 1e-6 * v), plain)),
        ("counter", motions(1, |v| format!("{:.0}", 2_000_000_000.0 + 60.0 * v), plain)),
        ("degrees", motions(1, |v| format!("{:.7}", 47.376 + 1e-5 * v), plain)),
    ] {
        let (found, notes) = run(name, data);
        assert!(found >= friendly - 0.03, "{name}: {found}, {friendly} in friendly units\n{notes}");
    }
    let mut lines: Vec<String> = motions(1, plain, plain).lines().map(str::to_owned).collect();
    let first = lines[3].split(',').next().unwrap().to_owned();
    lines[3] = lines[3].replacen(&first, "1000000", 1);
    let (found, notes) = run("spike", lines.join("\n"));
    assert!(found >= friendly - 0.03, "spike: {found}\n{notes}");
    assert!(notes.contains(", 1 of "), "{notes}");
}

/// Every value of every channel: the frame that trains is what a device makes of the reading, and the network's input is
/// that frame as real numbers.
#[test]
fn training_sees_what_the_device_computes() {
    let folder = tempfile::tempdir().unwrap();
    let data = motions(5, |v| format!("{:.1}", 101_325.0 + 50.0 * v), |v| format!("{:.0}", -8e6 + 300.0 * v));
    std::fs::write(folder.path().join("X_TRAIN.ts"), data).unwrap();
    let records = Records::open(folder.path(), &RecordOptions::default()).unwrap();
    let source = Source::Records(records.clone());
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, RECIPE).unwrap();
    let recipe = Recipe::read(&path, &[]).unwrap();
    let encoding = Encoding::of(&source, &recipe).unwrap();
    let examples = encoding.examples(&source, Split::Train).unwrap();
    let about = RunInfo::of(encoding, &recipe, &examples, &[]).unwrap();

    // A blob with the channels of this run.
    let mut model = synthetic::sensors(5, 2, 7);
    model.input = about.surroundings(&recipe).input.unwrap().1;
    model.layers[0] = synthetic::layer("gru", 2, 5, 13, Drive::Ordinary, 1);
    let words = words_of(&model.to_blob().unwrap()).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let scaling = model.input_scaling().unwrap();
    let channels: Vec<Channel> = scaling.channels().collect();
    // Whole readings of a load cell; a pressure with tenths has a binary point.
    assert_eq!(channels[1].raw_frac, 0);
    assert!(channels[0].raw_frac > 0);

    for (record, example) in records.train.iter().zip(&examples) {
        let Input::Values(values) = &record.input else { panic!("values") };
        let inputs = about.network_frames(&example.frames);
        for ((values, frame), x) in values.chunks(2).zip(example.frames.chunks(2)).zip(inputs.chunks(2)) {
            let raw: Vec<i32> = values
                .iter()
                .zip(&channels)
                .map(|(v, c)| (v * 2f64.powi(c.raw_frac.into()) + 0.5).floor() as i32)
                .collect();
            let mut device = [0; 2];
            scaling.quantize_i32(&raw, &mut device);
            assert_eq!(device, frame);
            assert_eq!(x, device.map(|x| f32::from(x) / 8192.0));
        }
    }
}

/// Values beyond what was trained on: `eval` and `run` clamp and say so, each for its channel.
#[test]
fn values_beyond_are_clamped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let plain = |v: f64| format!("{v:.4}");
    let (_, _) = accuracy(folder.path(), "near", &motions(1, plain, plain));
    let far = folder.path().join("far");
    std::fs::create_dir_all(&far).unwrap();
    std::fs::write(far.join("X_TRAIN.ts"), motions(1, plain, plain)).unwrap();
    std::fs::write(far.join("X_TEST.ts"), motions(2, |v| format!("{:.4}", 8.0 * v), plain)).unwrap();
    let run = folder.path().join("run-near");
    let [run, far] = [&run, &far].map(|p| p.to_str().unwrap().to_owned());
    let (_, notes) = elman(&["eval", &run, "--data", &far]);
    assert!(notes.contains("channel 1:") && notes.contains("were clamped") && !notes.contains("channel 2:"), "{notes}");
    let csv = folder.path().join("far.csv");
    std::fs::write(&csv, "0.1,0.2\n90,0.2\n-5000,1e30\n").unwrap();
    let (_, notes) = elman(&["run", &run, csv.to_str().unwrap()]);
    assert!(notes.contains("column 1: 2 of 3") && notes.contains("column 2: 1 of 3"), "{notes}");
}
