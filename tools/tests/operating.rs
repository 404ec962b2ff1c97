//! Operating points as a user meets them: `calibrate`, `eval --audio`, `inspect` and `listen` of a model with a detector.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../boards/listens.elman");

fn elman(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap()
}

/// stdout and stderr of a command that succeeds.
fn ok(args: &[&str]) -> (String, String) {
    let out = elman(args);
    let [stdout, stderr] = [out.stdout, out.stderr].map(|b| String::from_utf8(b).unwrap());
    assert!(out.status.success(), "{args:?}: {stderr}");
    (stdout, stderr)
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&ok(args).0).unwrap()
}

fn fails(args: &[&str]) -> String {
    let out = elman(args);
    assert!(!out.status.success(), "{args:?}");
    String::from_utf8(out.stderr).unwrap()
}

/// A minute of noise that swells and falls at 8000 Hz.
fn write_wav(path: &Path, seconds: u32) {
    let mut seed = 7u32;
    let sample = |i: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let loud = if i / 8000 % 4 == 1 { 6000 } else { 30 };
        (((seed >> 16) as i32 - 32_768) * loud / 32_768) as i16
    };
    let data: Vec<u8> = (0..8000 * seconds).map(sample).flat_map(i16::to_le_bytes).collect();
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend([8000u32, 16_000].iter().flat_map(|v| v.to_le_bytes()));
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    std::fs::write(path, wav).unwrap();
}

/// Three recordings with words of the model, and a copy of the model.
struct Evening(tempfile::TempDir);

impl Evening {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("audio")).unwrap();
        for (name, seconds) in [("a", 61), ("b", 30), ("c", 45)] {
            write_wav(&dir.path().join(format!("audio/{name}.wav")), seconds);
            let words = "1.0\t2.0\tword 0\n5\t6\tword 1\n9\t10\tword 2\n13\t14\tword 1\n17\t18\tfoo\n";
            std::fs::write(dir.path().join(format!("audio/{name}.txt")), words).unwrap();
        }
        std::fs::copy(MODEL, dir.path().join("m.elman")).unwrap();
        Evening(dir)
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn the_number_of_threads_does_not_change_the_point() {
    let e = Evening::new();
    let (model, audio) = (e.at("m.elman"), e.at("audio"));
    let before = std::fs::read(&model).unwrap();
    let run = |threads: &str| {
        let (out, notes) = ok(&["calibrate", &model, "--audio", &audio, "--dry-run", "--json", "--threads", threads]);
        assert!(notes.contains("searches for a new point and writes nothing; --keep evaluates"), "{notes}");
        out
    };
    assert_eq!(run("1"), run("3"));
    assert_eq!(std::fs::read(&model).unwrap(), before);
    assert!(fails(&["calibrate", &model, "--audio", &audio, "--threads", "0"]).contains("1..=1024"));
}

#[test]
fn the_models_own_point_is_evaluated_without_a_search() {
    let e = Evening::new();
    let (model, audio) = (e.at("m.elman"), e.at("audio"));
    let found = json(&["calibrate", &model, "--audio", &audio, "--max-false-accepts-per-hour", "9000", "--json"]);
    let calibrated = std::fs::read(&model).unwrap();
    assert_ne!(calibrated, std::fs::read(MODEL).unwrap());
    let kept = json(&["calibrate", &model, "--audio", &audio, "--keep", "--json"]);
    let evaluated = json(&["eval", &model, "--audio", &audio, "--json"]);
    assert_eq!(kept, evaluated);
    for key in ["point", "silence_resets", "misses", "alarms", "hours"] {
        assert_eq!(evaluated[key], found[key], "{key}");
    }
    let (said, hits) = (found["point"]["counts"]["said"].as_f64().unwrap(), found["point"]["counts"]["hits"].as_f64());
    let missed = evaluated["missed"].as_f64().unwrap();
    assert!(said == 12.0 && (missed - (said - hits.unwrap()) / said).abs() < 1e-12);
    let inside = |interval: &Value, x: f64| interval[0].as_f64() <= Some(x) && interval[1].as_f64() >= Some(x);
    assert!(inside(&evaluated["missed_interval"], missed));
    assert!(inside(&evaluated["false_accepts_interval"], evaluated["false_accepts_per_hour"].as_f64().unwrap()));
    assert_eq!(std::fs::read(&model).unwrap(), calibrated);

    let (text, _) = ok(&["eval", &model, "--audio", &audio]);
    assert!(text.contains("operating point") && text.contains("95 % interval") && text.contains("of 12;"), "{text}");
    assert!(fails(&["eval", &model, "--audio", &audio, "--data", "x"]).contains("cannot be used with"));
    assert!(fails(&["calibrate", &model, "--data", &audio, "--hours", "0", "--keep"]).contains("--hours 0"));
    assert!(fails(&["calibrate", &model, "--data", &audio, "--per-hour", "nan"]).contains("--per-hour NaN"));
    // A place that cannot be written to is known before the work.
    let error = fails(&["calibrate", &model, "--audio", &audio, "--html", "no/x.html"]);
    assert!(error.contains("there is no folder no") && !error.contains("calibrate "), "{error}");
    let all =
        json(&["calibrate", &model, "--audio", &audio, "--max-false-accepts-per-hour", "1e300", "--json", "--dry-run"]);
    assert_eq!(all["point"]["config"], found["point"]["config"]);
}

#[test]
fn of_no_word_nothing_is_missed_and_nothing_found() {
    let e = Evening::new();
    let (model, audio) = (e.at("m.elman"), e.at("audio"));
    for name in ["a", "b", "c"] {
        std::fs::remove_file(e.at(&format!("audio/{name}.txt"))).unwrap();
    }
    let evaluated = json(&["eval", &model, "--audio", &audio, "--json"]);
    assert_eq!((&evaluated["missed"], &evaluated["missed_interval"]), (&Value::Null, &Value::Null));
    assert!(ok(&["eval", &model, "--audio", &audio]).0.contains("none: no word of the model is said"));
    assert!(fails(&["calibrate", &model, "--audio", &audio]).contains("none of the words"));
}

#[test]
fn inspect_shows_the_detector_and_listen_streams_events() {
    let e = Evening::new();
    let model = e.at("m.elman");
    ok(&["calibrate", &model, "--audio", &e.at("audio"), "--max-false-accepts-per-hour", "9000"]);
    let (text, _) = ok(&["inspect", &model]);
    for wanted in
        ["detector     smoothing ", "refractory time ", "thresholds   word ", "listener     ", "of RAM: front end"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let detector = &json(&["inspect", &model, "--json"])["detector"];
    assert_eq!(detector["thresholds"].as_array().unwrap().len(), 3);
    let ram = detector["listener_ram_bytes"].as_u64().unwrap();
    // Front end and states, and the detector's window.
    assert!(ram > 1672 + 128 && ram < 1672 + 128 + 400, "{ram}");

    let found = json(&["eval", &model, "--audio", &e.at("audio"), "--json"]);
    let (lines, _) = ok(&["listen", &model, "--wav", &e.at("audio/a.wav"), "--json"]);
    let events: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(!events.is_empty() && events.iter().all(|e| e["label"].is_string() && e["score"].is_f64()), "{lines}");
    assert!(events.len() as u64 >= found["point"]["counts"]["hits"].as_u64().unwrap() / 3);
    let help = ok(&["listen", "--help"]).0;
    assert!(help.contains("one JSON object on a line of its own"), "{help}");
}
