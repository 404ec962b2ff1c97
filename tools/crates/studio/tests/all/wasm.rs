//! The device's code in a browser gives the device's bits: the same samples go through core.wasm in Node and through the core here.

use std::path::{Path, PathBuf};
use std::process::Command;

use elman::arith::Probability;
use elman::{Blob, Listener, Model, detect};
use elman_quant::synthetic::sound;
use elman_quant::{with_detector, words_of};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What core.wasm prints; `None` without Node.
fn in_node(dir: &Path, blob: &[u8], samples: &[i16], block: usize) -> Option<Vec<String>> {
    let [model, sound] = ["model.elman", "samples"].map(|name| dir.join(name));
    std::fs::write(&model, blob).unwrap();
    std::fs::write(&sound, samples.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let mut command = Command::new("node");
    command.arg(here("tests/all/core.mjs")).arg(here("core.wasm")).args([&model, &sound]).arg(block.to_string());
    let output = match command.output() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("core.wasm was not run: Node is not installed (apt-get install nodejs)");
            return None;
        }
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

/// The same lines by the core here, twice: after a reset everything follows again.
fn here_too(blob: &[u8], samples: &[i16], block: usize) -> Vec<String> {
    let words = words_of(blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let audio = *model.audio().unwrap();
    let silent = detect::Config::new(&vec![Probability::ONE; model.outputs()]).unwrap();
    let config = model.detect().unwrap_or(&silent);
    let mut memory = vec![0; audio.memory_words() + model.memory_words() + config.memory_words()];
    let mut listener = Listener::with_detector(&model, config, &mut memory).unwrap();
    let mut lines = vec![
        serde_json::json!({
            "name": model.name(), "labels": model.descriptor().labels, "rate": audio.sample_rate, "hop": audio.hop,
            "window": audio.window, "features": audio.features(), "outputs": model.outputs(), "frac": model.out_frac(),
            "detector": u8::from(model.detect().is_some())
        })
        .to_string(),
    ];
    for _ in 0..2 {
        for part in samples.chunks(block) {
            listener.push_each(part, |frame| {
                let bits = |p: &[Probability]| p.iter().map(|p| p.to_bits()).collect::<Vec<u16>>();
                let means: Vec<Probability> =
                    (0..frame.logits.len() as u16).map(|k| frame.detector.smoothed(k)).collect();
                let step = frame.detector.steps() - 1;
                let event = frame.event.filter(|_| model.detect().is_some());
                let event = event.map_or([0, 0, step], |e| [u32::from(e.class) + 1, e.score.to_bits().into(), e.step]);
                let (p, m) = (bits(frame.detector.probabilities()), bits(&means));
                lines.push(serde_json::json!([frame.features, frame.logits, p, m, event]).to_string());
            });
        }
        listener.reset();
    }
    lines
}

fn same(blob: &[u8], samples: &[i16], blocks: &[usize]) -> Option<usize> {
    let dir = tempfile::tempdir().unwrap();
    let mut events = 0;
    for &block in blocks {
        let there = in_node(dir.path(), blob, samples, block)?;
        let here = here_too(blob, samples, block);
        let object = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap();
        assert_eq!(object(&there[0]), object(&here[0]));
        assert_eq!(there.len(), here.len(), "blocks of {block}");
        for (k, (there, here)) in there.iter().zip(&here).enumerate().skip(1) {
            assert!(there == here, "blocks of {block}, line {k}: {there} where {here} is right; build core.wasm again");
        }
        events = there.iter().skip(1).filter(|line| !line.contains(",[0,0,")).count();
    }
    Some(events)
}

#[test]
fn the_browser_has_the_devices_bits() {
    // Silence resets, events, features with PCEN or without: the model of the listener's own tests.
    let model = sound::resting(elman::audio::Config::HZ_16000, 9, 4, 3).unwrap();
    let samples: Vec<i16> =
        sound::samples(48_000, 5).into_iter().chain([0; 30_000]).chain(sound::samples(9_000, 6)).collect();
    let blob = model.to_blob().unwrap();
    let Some(events) = same(&blob, &samples, &[128, 777, 4096]) else { return };
    assert!(events > 2, "{events} events");
    // Without a detector there is no event, and the answers are the same.
    assert_eq!(same(&with_detector(&blob, None).unwrap(), &samples, &[128]), Some(0));
}

#[test]
fn the_listener_of_the_boards_runs_too() {
    let blob = std::fs::read(here("../../../boards/listens.elman")).unwrap();
    same(&blob, &sound::samples(32_000, 7), &[320]);
}

#[test]
fn what_is_no_model_is_rejected_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let blob = std::fs::read(here("../../../boards/listens.elman")).unwrap();
    let damaged = |change: fn(&mut Vec<u8>)| {
        let mut blob = blob.clone();
        change(&mut blob);
        in_node(dir.path(), &blob, &[0; 8], 8)
    };
    let changes: [fn(&mut Vec<u8>); 3] = [|b| b[200] ^= 1, |b| b.truncate(100), Vec::clear];
    for change in changes {
        let Some(lines) = damaged(change) else { return };
        assert!(lines.len() == 1 && lines[0].starts_with("{\"error\":\"") && lines[0].len() > 20, "{lines:?}");
    }
}
