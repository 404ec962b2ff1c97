//! Weights of fewer bits than int8: recipe, `elman quantize`, and what reads the model afterwards.

use std::path::Path;

use elman_data::wav_bytes;
use serde_json::Value;

use crate::support::{elman, ok};

/// Two labels of tones, eight clips each.
fn corpus(dir: &Path) {
    for (label, hz) in [("low", 300.0), ("high", 900.0)] {
        std::fs::create_dir_all(dir.join(label)).unwrap();
        for seed in 0..8u32 {
            let sample = |k: u32| {
                let turn = f64::from(k) * (hz + f64::from(seed)) / 8000.0 * std::f64::consts::TAU;
                (turn.sin() * 6000.0) as i16 + ((k * 7919 + seed * 31) % 200) as i16
            };
            let clip = wav_bytes(&(0..1600).map(sample).collect::<Vec<_>>(), 8000);
            std::fs::write(dir.join(label).join(format!("{seed}.wav")), clip).unwrap();
        }
    }
}

/// A trained run, and its folder.
fn trained() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    corpus(&dir.path().join("data"));
    let recipe = dir.path().join("recipe.toml");
    let text = "name = \"tones\"\n[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 16 }, { layer = \"pool\", over = \
                \"last\" }]\n[train]\nepochs = 2\nbatch = 8\n[quantize]\nweights = \"int4\"\nlayers = { 2 = \"int8\" }\n";
    std::fs::write(&recipe, text).unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    ok(&["train", &at("recipe.toml"), "--data", &at("data"), "--out", &at("run")]);
    let run = at("run");
    (dir, run)
}

/// Quantizes with more arguments; the format of each layer with weights, and the bytes of the blob.
fn quantized(run: &str, more: &[&str]) -> (Vec<String>, u64) {
    let arguments: Vec<&str> = ["quantize", run, "--json"].into_iter().chain(more.iter().copied()).collect();
    let result: Value = serde_json::from_str(&ok(&arguments).0).unwrap();
    let inspected: Value = serde_json::from_str(&ok(&["inspect", run, "--json"]).0).unwrap();
    let formats = |layers: &Value, key: &str| {
        let names = layers.as_array().unwrap().iter().map(|l| l[key].as_str().unwrap().to_owned());
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let found = formats(&result["layers"], "format");
    assert_eq!(found, formats(&inspected["layers"], "weights"));
    (found, result["blob_bytes"].as_u64().unwrap())
}

#[test]
fn formats_are_those_of_recipe_flag_or_budget() {
    let (_dir, run) = trained();
    let (recipe, of_recipe) = quantized(&run, &[]);
    assert_eq!(recipe, ["int4", "int8"]);
    let (int8, most) = quantized(&run, &["--weights", "int8"]);
    let (int4, less) = quantized(&run, &["--weights", "int4"]);
    let (int2, least) = quantized(&run, &["--weights", "int2"]);
    assert_eq!((int8, int4, int2), (vec!["int8".into(); 2], vec!["int4".into(); 2], vec!["int2".into(); 2]));
    assert!(most > of_recipe && of_recipe > less && less > least, "{most} {of_recipe} {less} {least}");
    for budget in [most, (most + less) / 2, less, (less + least) / 2, least] {
        let (formats, bytes) = quantized(&run, &["--weights", "auto", "--budget", &budget.to_string()]);
        assert!(bytes <= budget && formats.len() == 2, "{bytes} of {budget}: {formats:?}");
    }
    let refused = elman(&["quantize", &run, "--weights", "auto", "--budget", &(least - 1).to_string()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(&format!("{least} bytes")), "{said}");
    for wrong in [&["--weights", "auto"][..], &["--budget", "1000"], &["--weights", "int4", "--budget", "1000"]] {
        let refused = elman(&[&["quantize", &run][..], wrong].concat());
        assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    }
}

#[test]
fn a_recipe_names_what_is_wrong_with_its_formats() {
    let dir = tempfile::tempdir().unwrap();
    corpus(&dir.path().join("data"));
    let at = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(dir.path().join("recipe.toml"), "name = \"tones\"\n").unwrap();
    for (change, wanted) in [
        ("quantize.weights=int5", "int2"),
        ("quantize.layers={ first = \"int4\" }", "numbers of layers"),
        ("quantize.layers={ 9 = \"int4\" }", "layers 0 to"),
    ] {
        let refused =
            elman(&["train", &at("recipe.toml"), "--data", &at("data"), "--out", &at("run"), "--set", change]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(wanted), "{change}: {said}");
    }
}
