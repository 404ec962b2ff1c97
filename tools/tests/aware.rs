//! Quantization-aware training, distillation and the beginning with another run's network, as a user asks for them.

use std::path::Path;
use std::process::Command;

const ELMAN: &str = env!("CARGO_BIN_EXE_elman");
const SPEECH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// The output of a command, and whether it succeeded.
fn elman(args: &[&str]) -> (bool, String, String) {
    let out = Command::new(ELMAN).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.success(), text(&out.stdout), text(&out.stderr))
}

fn ok(args: &[&str]) -> serde_json::Value {
    let mut all = args.to_vec();
    all.push("--json");
    let (success, out, err) = elman(&all);
    assert!(success, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap_or_default()
}

fn recipe(dir: &Path, units: usize, layers: &str) -> String {
    let path = dir.join(format!("{units}.toml"));
    let text = format!(
        "[network]\nlayers = [{{ layer = \"cell\", variant = \"gru\", units = {units} }}, {layers}]\n[train]\nepochs = 6\nbatch = 8\n\
         rate = 1e-2\n"
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const LAST: &str = "{ layer = \"pool\", over = \"last\" }";

#[test]
fn the_blob_is_the_one_that_training_ran() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (recipe, run) = (recipe(dir.path(), 16, LAST), path("run"));
    let trained = ok(&[
        "train",
        &recipe,
        "--data",
        SPEECH,
        "--out",
        &run,
        "--set",
        "quantize.qat_epochs=3",
        "--set",
        "quantize.qat_rate=2e-3",
    ]);
    assert_eq!(trained["epochs"], 9, "{trained}");
    assert!(trained["best_epoch"].as_u64().unwrap() > 6, "{trained}");
    let quantized = ok(&["quantize", &run]);
    assert_eq!(quantized["changed"], 0, "{quantized}");
    // What the float network computes with is what the device's weights stand for.
    let weights = &quantized["layers"][1];
    assert!(weights["input_db"].as_f64().is_none_or(|db| db > 100.0), "{weights}");
    let metrics = std::fs::read_to_string(dir.path().join("run/metrics.jsonl")).unwrap();
    let best = metrics.lines().nth(trained["best_epoch"].as_u64().unwrap() as usize - 1).unwrap();
    let best: serde_json::Value = serde_json::from_str(best).unwrap();
    let evaluated = ok(&["eval", &run, "--data", SPEECH, "--split", "valid"]);
    let integer = evaluated["integer"][0]["value"].as_f64().unwrap();
    assert!((integer - best["valid_accuracy"].as_f64().unwrap()).abs() < 1e-9, "{evaluated} {best}");
    // Damaged formats are named.
    std::fs::write(dir.path().join("run/formats.json"), "[{").unwrap();
    let (success, _, said) = elman(&["quantize", &run]);
    assert!(!success && said.contains("formats.json is damaged; train again"), "{said}");
}

#[test]
fn a_run_begins_with_the_network_of_another_and_learns_from_a_teacher() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (small, large) = (recipe(dir.path(), 8, LAST), recipe(dir.path(), 24, LAST));
    ok(&["train", &large, "--data", SPEECH, "--out", &path("large")]);
    let teacher = format!("train.teacher={}", path("large"));
    ok(&["train", &small, "--data", SPEECH, "--out", &path("small"), "--set", &teacher]);
    let aware = ["--set", "train.epochs=0", "--set", "quantize.qat_epochs=2", "--set", "quantize.qat_rate=1e-3"];
    let mut args = vec!["train", &small, "--data", SPEECH, "--json", "--from"];
    let (from, out) = (path("small"), path("aware"));
    args.extend([&*from, "--out", &out]);
    args.extend(aware);
    let (success, text, said) = elman(&args);
    assert!(success, "{said}");
    let trained: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(trained["epochs"], 2);
    // The network that it began with is not forgotten: the first epoch is near the last of the run before.
    let metrics = |run: &str| {
        let text = std::fs::read_to_string(dir.path().join(run).join("metrics.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    let loss = |line: &serde_json::Value| line["valid_loss"].as_f64().unwrap();
    let (before, after) = (metrics("small"), metrics("aware"));
    assert!(loss(&after[0]) < loss(&before[0]), "{before:?} {after:?}");

    let rejected = |args: &[&str], sentence: &str| {
        let (success, _, said) = elman(args);
        assert!(!success && said.contains(sentence), "{said}");
    };
    let out = path("rejected");
    rejected(
        &["train", &small, "--data", SPEECH, "--out", &out, "--from", &path("large")],
        "the recipe's network has layers.0.w [24, 32], that of the run layers.0.w [72, 32]; take the recipe of that run",
    );
    rejected(
        &["train", &small, "--data", SPEECH, "--out", &out, "--set", "train.epochs=0"],
        "train.epochs and quantize.qat_epochs are both 0; one of them must train",
    );
    rejected(
        &["train", &small, "--data", SPEECH, "--out", &out, "--set", "train.teacher=nowhere"],
        "train.teacher = \"nowhere\"",
    );
}
