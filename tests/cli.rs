//! The command line as a new user meets it: the whole path on a small corpus, interruptions, and bad input.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use elman_quant::synthetic::Numbers;

fn elman(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Succeeds; gives stdout.
fn ok(args: &[&str]) -> String {
    let out = elman(args);
    assert!(out.status.success(), "{args:?}: {}", text(&out.stderr));
    text(&out.stdout)
}

/// Fails with this code and without a panic; gives stderr.
fn fails(code: i32, args: &[&str]) -> String {
    let out = elman(args);
    let stderr = text(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

struct Wav {
    rate: u32,
    channels: u16,
    bits: u16,
}

const PLAIN: Wav = Wav { rate: 8000, channels: 1, bits: 16 };

impl Wav {
    fn bytes(&self, samples: &[i16]) -> Vec<u8> {
        let width = self.bits as u32 / 8;
        let data = samples.len() as u32 * width * self.channels as u32;
        let mut out = b"RIFF".to_vec();
        out.extend((36 + data).to_le_bytes());
        out.extend(b"WAVEfmt ");
        out.extend(16u32.to_le_bytes());
        out.extend(1u16.to_le_bytes());
        out.extend(self.channels.to_le_bytes());
        out.extend(self.rate.to_le_bytes());
        out.extend((self.rate * width * self.channels as u32).to_le_bytes());
        out.extend(((width * self.channels as u32) as u16).to_le_bytes());
        out.extend(self.bits.to_le_bytes());
        out.extend(b"data");
        out.extend(data.to_le_bytes());
        for s in samples {
            for _ in 0..self.channels {
                let wide = ((*s as i32) << 16).to_le_bytes();
                out.extend(&wide[4 - width as usize..]);
            }
        }
        out
    }
}

/// A tone that rises or falls, with some noise.
fn chirp(rising: bool, rate: u32, seed: u64) -> Vec<i16> {
    let mut numbers = Numbers(seed);
    let base = numbers.between(300, 500) as f64;
    let n = rate / 2;
    let mut phase = 0.0f64;
    (0..n)
        .map(|k| {
            let at = k as f64 / n as f64;
            let hz = base + 900.0 * if rising { at } else { 1.0 - at };
            phase += hz / rate as f64 * std::f64::consts::TAU;
            (phase.sin() * 6000.0) as i16 + numbers.between(-300, 300) as i16
        })
        .collect()
}

/// A corpus of two words, a folder each.
fn corpus(dir: &Path) {
    for (label, rising) in [("fall", false), ("rise", true)] {
        std::fs::create_dir_all(dir.join(label)).unwrap();
        for k in 0..16 {
            let samples = chirp(rising, 8000, k + 100 * rising as u64);
            std::fs::write(dir.join(label).join(format!("speaker{}_nohash_{k}.wav", k % 8)), PLAIN.bytes(&samples))
                .unwrap();
        }
    }
}

fn recipe(dir: &Path, epochs: u32) -> PathBuf {
    let path = dir.join("recipe.toml");
    let text = format!(
        "name = \"tones\"\n[network]\nlayers = [{{ layer = \"cell\", variant = \"gru\", units = 8 }}, {{ layer = \
         \"pool\", over = \"last\" }}]\n[train]\nepochs = {epochs}\nrate = 2e-2\nbatch = 8\n[quantize]\n\
         calibration_clips = 10\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

struct Bench {
    dir: tempfile::TempDir,
    data: String,
    recipe: String,
    run: String,
}

fn bench(epochs: u32) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (data, run) = (at("data"), at("run"));
    corpus(Path::new(&data));
    let recipe = recipe(dir.path(), epochs).display().to_string();
    Bench { dir, data, recipe, run }
}

impl Bench {
    fn train<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["train", &self.recipe, "--data", &self.data, "--out", &self.run];
        args.extend(more);
        args
    }
    fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.run).join(name)
    }
}

#[test]
fn the_whole_path() {
    let b = bench(25);
    let trained: serde_json::Value = serde_json::from_str(&ok(&b.train(&["--json"]))).unwrap();
    assert_eq!(trained["epochs"], 25);
    let quantized: serde_json::Value = serde_json::from_str(&ok(&["quantize", &b.run, "--json"])).unwrap();
    assert!(quantized["layers"][1]["output_db"].as_f64().unwrap() > 25.0, "{quantized}");
    let evaluated: serde_json::Value =
        serde_json::from_str(&ok(&["eval", &b.run, "--data", &b.data, "--json"])).unwrap();
    assert_eq!(evaluated["integer"][0]["name"], "accuracy");
    assert!(evaluated["float"][0]["value"].as_f64().unwrap() >= 0.9, "{evaluated}");
    assert!(evaluated["integer"][0]["value"].as_f64().unwrap() >= 0.9, "{evaluated}");

    let shown = ok(&["inspect", &b.run]);
    assert!(shown.contains("gru") && shown.contains("8000 Hz") && shown.contains("fall rise"), "{shown}");
    let clip = Path::new(&b.data).join("rise/speaker1_nohash_1.wav").display().to_string();
    let heard = ok(&["run", &b.run, &clip]);
    assert!(heard.contains("rise"), "{heard}");
    assert!(ok(&["run", &b.run, &clip, "--every", "5"]).lines().count() > 3);

    // Features by csv give the same answer as the sound they were made of.
    let to = b.dir.path().join("export").display().to_string();
    ok(&["export", &b.run, "--to", &to]);
    let blob = std::fs::read(b.file("model.elman")).unwrap();
    assert_eq!(std::fs::read(Path::new(&to).join("tones.elman")).unwrap(), blob);
    assert!(std::fs::read_to_string(Path::new(&to).join("tones.rs")).unwrap().contains("[\"fall\", \"rise\"]"));
    let header = std::fs::read_to_string(Path::new(&to).join("tones.h")).unwrap();
    assert_eq!(header.matches("0x").count(), blob.len() / 4);

    let report = std::fs::read_to_string(b.file("report.html")).unwrap();
    assert!(report.contains("tones") && !report.contains("http://") && !report.contains("src="), "self-contained");
    for name in ["recipe.toml", "run.json", "metrics.jsonl", "checkpoint.safetensors", "weights.safetensors"] {
        assert!(b.file(name).exists(), "{name}");
    }
    assert_eq!(std::fs::read_to_string(b.file("metrics.jsonl")).unwrap().lines().count(), 25);
}

#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    let (whole, killed) = (bench(30), bench(30));
    ok(&whole.train(&["--threads", "1"]));
    let mut child = Command::new(env!("CARGO_BIN_EXE_elman")).args(killed.train(&[])).spawn().unwrap();
    let start = Instant::now();
    while !killed.file("checkpoint.safetensors").exists() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let refused = fails(1, &killed.train(&[]));
    assert!(refused.contains("--resume"), "{refused}");
    // The run folder has the recipe.
    ok(&["train", "--resume", "--out", &killed.run, "--data", &killed.data]);
    for name in ["weights.safetensors", "metrics.jsonl"] {
        assert_eq!(
            std::fs::read(whole.file(name)).unwrap(),
            std::fs::read(killed.file(name)).unwrap(),
            "{name} differs from the uninterrupted run's"
        );
    }
    // Another recipe or other data are not this run.
    assert!(fails(2, &killed.train(&["--resume", "--set", "train.rate=0.5"])).contains("recipe"));
    std::fs::remove_file(Path::new(&killed.data).join("rise/speaker2_nohash_2.wav")).unwrap();
    assert!(fails(2, &killed.train(&["--resume"])).contains("data"));
}

/// All files of a run and their content. The lock is no part of it.
fn files(run: &str) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = std::fs::read_dir(run)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap_or_default()))
        .filter(|(name, _)| !name.ends_with("lock"))
        .collect();
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn a_full_disk_at_the_checkpoint_loses_nothing() {
    let b = bench(6);
    ok(&b.train(&[]));
    let before = files(&b.run);
    // No file may grow beyond 4 KB from here on: what a full disk does to the writer.
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec {} train {} --data {} --out {} --force --set quantize.calibration_clips=1",
        env!("CARGO_BIN_EXE_elman"),
        b.recipe,
        b.data,
        b.run
    );
    let out = Command::new("sh").args(["-c", &script]).output().unwrap();
    let stderr = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot write") && stderr.contains(&b.run), "{stderr}");
    assert!(files(&b.run) == before, "the earlier run is as it was");
}

#[test]
fn an_earlier_run_stays_until_the_new_one_has_an_epoch() {
    let b = bench(2);
    ok(&b.train(&[]));
    ok(&["quantize", &b.run]);
    let before = files(&b.run);
    let absent = b.dir.path().join("absent").display().to_string();
    fails(1, &["train", &b.recipe, "--data", &absent, "--out", &b.run, "--force"]);
    fails(2, &b.train(&["--force", "--set", "train.rate=-1"]));
    fails(2, &b.train(&["--force", "--set", "features.window_ms=100000"]));
    let error = fails(1, &["demo", "--out", &b.run]);
    assert!(error.contains("already contains a run"), "{error}");
    assert!(files(&b.run) == before, "nothing has changed");
    ok(&b.train(&["--force", "--set", "train.epochs=3"]));
    let after: Vec<String> = files(&b.run).into_iter().map(|(name, _)| name).collect();
    let whole = ["calibration.bin", "checkpoint.safetensors", "metrics.jsonl", "recipe.toml", "run.json"];
    assert_eq!(after, [&whole[..], &["weights.safetensors"]].concat(), "nothing of the earlier run is left");

    // A model alone is somebody's work, too.
    let lone = b.dir.path().join("lone");
    std::fs::create_dir(&lone).unwrap();
    std::fs::write(lone.join("model.elman"), "mine").unwrap();
    let error = fails(1, &["train", &b.recipe, "--data", &b.data, "--out", &lone.display().to_string()]);
    assert!(error.contains("model.elman") && error.contains("--force"), "{error}");
    assert_eq!(std::fs::read(lone.join("model.elman")).unwrap(), b"mine");
    // What failed before its first epoch leaves no folder.
    let never = b.dir.path().join("never").display().to_string();
    fails(1, &["train", &b.recipe, "--data", &absent, "--out", &never]);
    assert!(!Path::new(&never).exists());
}

/// A run with many epochs, once its first checkpoint stands.
fn running(b: &Bench) -> std::process::Child {
    let child = Command::new(env!("CARGO_BIN_EXE_elman"))
        .args(b.train(&["--set", "train.epochs=100000"]))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !b.file("checkpoint.safetensors").exists() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn one_process_at_a_time_changes_a_run() {
    let b = bench(1);
    let mut child = running(&b);
    for args in [b.train(&["--force"]), b.train(&["--resume"]), vec!["quantize", &b.run]] {
        let error = fails(1, &args);
        assert!(error.contains("in use") && error.contains(&child.id().to_string()), "{error}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    ok(&b.train(&["--force"]));
}

#[test]
fn a_run_that_was_ended_early_is_of_use() {
    let b = bench(1);
    let mut child = running(&b);
    child.kill().unwrap();
    child.wait().unwrap();
    let out = elman(&["quantize", &b.run]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(
        text(&out.stderr).contains("training is not finished: this is the network of epoch"),
        "{}",
        text(&out.stderr)
    );
    let ended = ok(&["train", "--stop", "--out", &b.run]);
    assert!(ended.contains("next: elman quantize"), "{ended}");
    assert!(fails(2, &["train", "--stop", "--out", &b.run]).contains("is finished"));
    assert!(!text(&elman(&["quantize", &b.run]).stderr).contains("not finished"));
    ok(&["eval", &b.run, "--data", &b.data]);
}

#[test]
fn a_detector_stays_with_its_network_and_goes_with_it() {
    use elman::detect::{Config, Probability};
    use elman_quant::with_detector;
    let (b, other) = (bench(2), bench(2));
    ok(&b.train(&[]));
    ok(&other.train(&["--seed", "9"]));
    ok(&["quantize", &b.run]);
    ok(&["eval", &b.run, "--data", &b.data]);
    let config = Config::new(&[0u16, 20_000].map(Probability::from_bits)).unwrap();
    let model = b.file("model.elman");
    let blob = with_detector(&std::fs::read(&model).unwrap(), Some(config)).unwrap();
    std::fs::write(&model, &blob).unwrap();
    ok(&["quantize", &b.run, "--counter", "7"]);
    let counted = std::fs::read(&model).unwrap();
    assert!(counted.len() == blob.len() && counted != blob, "only the counter differs");
    let results = || std::fs::read_to_string(b.file("results.json")).unwrap();
    assert!(results().contains("\"eval\":"));
    std::fs::copy(other.file("weights.safetensors"), b.file("weights.safetensors")).unwrap();
    let out = elman(&["quantize", &b.run]);
    assert!(text(&out.stderr).contains("removed (the detector, eval)"), "{}", text(&out.stderr));
    assert!(std::fs::read(&model).unwrap().len() < blob.len() && !results().contains("\"eval\":"));
    // Another run's model is not this one's.
    ok(&["quantize", &other.run]);
    std::fs::copy(other.file("model.elman"), &model).unwrap();
    assert!(fails(2, &["eval", &b.run, "--data", &b.data]).contains("another run's model"));
    std::fs::write(b.file("results.json"), "{").unwrap();
    assert!(fails(1, &["quantize", &b.run]).contains("results.json is damaged"));
}

#[test]
fn recipes_with_typos_name_line_and_meaning() {
    let b = bench(1);
    for (change, meant) in [("epochs", "epochz"), ("units", "unitz"), ("calibration_clips", "calibration_clip")] {
        let text = std::fs::read_to_string(&b.recipe).unwrap().replacen(change, meant, 1);
        let path = b.dir.path().join("typo.toml").display().to_string();
        std::fs::write(&path, text).unwrap();
        let error = fails(2, &["train", &path, "--data", &b.data]);
        assert!(error.contains(meant) && error.contains("line"), "{error}");
        assert!(error.contains(&format!("`{change}`")), "{error}");
    }
    let error = fails(2, &b.train(&["--set", "train.rate=-1"]));
    assert!(error.contains("rate"), "{error}");
    let error = fails(2, &b.train(&["--set", "features.window_ms=900"]));
    assert!(error.contains("window"), "{error}");
    let error = fails(1, &["train", "no/such.toml", "--data", &b.data]);
    assert!(error.contains("no/such.toml"), "{error}");
    let recipe = ok(&["train", &b.recipe, "--print-recipe"]);
    assert!(recipe.contains("name = \"tones\"") && recipe.contains("weight_decay"), "{recipe}");
}

#[test]
fn wrong_flags_are_usage() {
    assert!(fails(2, &["train"]).contains("--data"));
    fails(2, &["fly"]);
    fails(2, &["train", "--data"]);
    fails(2, &["run", "a", "b", "--every", "0"]);
    for command in ["demo", "train", "quantize", "eval", "run", "inspect", "verify", "export"] {
        assert!(ok(&[command, "--help"]).contains("Example"), "{command}");
    }
}

#[test]
fn bad_sounds_are_named_or_converted_aloud() {
    let b = bench(1);
    let odd = |name: &str| Path::new(&b.data).join("rise").join(name);
    let samples = chirp(true, 16_000, 9);
    // Converted, and said so.
    let good = [
        ("stereo.wav", Wav { channels: 2, ..PLAIN }.bytes(&chirp(true, 8000, 7)), "channels"),
        ("deep.wav", Wav { bits: 24, ..PLAIN }.bytes(&chirp(true, 8000, 8)), "24 bits"),
        ("fast.wav", Wav { rate: 16_000, ..PLAIN }.bytes(&samples), "resampled from 16000"),
    ];
    for (name, bytes, said) in good {
        std::fs::write(odd(name), bytes).unwrap();
        let out = elman(&b.train(&["--force"]));
        let stderr = text(&out.stderr);
        assert!(out.status.success() && stderr.contains(said) && stderr.contains(name), "{name}: {stderr}");
        std::fs::remove_file(odd(name)).unwrap();
    }
    // Refused, with the file's name.
    let whole = PLAIN.bytes(&chirp(true, 8000, 3));
    let bad = [
        ("empty.wav", vec![]),
        ("silent.wav", PLAIN.bytes(&[])),
        ("letter.wav", b"Dear elman, this is not a sound.\n".to_vec()),
        ("cut.wav", whole[..30].to_vec()),
        ("noise.flac", vec![0x5A; 400]),
    ];
    for (name, bytes) in bad {
        std::fs::write(odd(name), bytes).unwrap();
        let error = fails(1, &b.train(&["--force"]));
        assert!(error.contains(name), "{name}: {error}");
        std::fs::remove_file(odd(name)).unwrap();
    }
}

#[test]
fn bad_corpora_are_refused_with_a_way_out() {
    let b = bench(1);
    let dir = |name: &str| {
        let path = b.dir.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let train = |data: &Path| {
        fails(1, &["train", &b.recipe, "--data", &data.display().to_string(), "--out", &b.run, "--force"])
    };

    assert!(train(&dir("nothing")).contains("nothing"));
    assert!(train(&b.dir.path().join("absent")).contains("absent"));

    // One clip per class.
    let few = dir("few");
    for label in ["a", "b"] {
        std::fs::create_dir_all(few.join(label)).unwrap();
        std::fs::write(few.join(label).join("1.wav"), PLAIN.bytes(&chirp(true, 8000, 1))).unwrap();
    }
    let error = train(&few);
    assert!(error.contains("1") && (error.contains('a') || error.contains('b')), "{error}");

    // A manifest without a label, and one with a file that is not there.
    let manifest = dir("manifest");
    for k in 0..4 {
        std::fs::write(manifest.join(format!("{k}.wav")), PLAIN.bytes(&chirp(k % 2 == 0, 8000, k))).unwrap();
    }
    std::fs::write(manifest.join("train.csv"), "file,label\n0.wav,up\n1.wav,\n2.wav,up\n3.wav,down\n").unwrap();
    let error = train(&manifest);
    assert!(error.contains("train.csv") && error.contains('3'), "{error}");
    std::fs::write(manifest.join("train.csv"), "file,label\n0.wav,up\n9.wav,down\n2.wav,up\n3.wav,down\n").unwrap();
    let error = train(&manifest);
    assert!(error.contains("9.wav"), "{error}");
}

#[test]
fn damaged_models_and_runs_are_refused() {
    let b = bench(1);
    assert!(fails(1, &["quantize", &b.run]).contains("no run folder"));
    ok(&b.train(&[]));
    assert!(fails(1, &["inspect", &b.run]).contains("elman quantize"));
    ok(&["quantize", &b.run]);
    let model = b.file("model.elman");
    let blob = std::fs::read(&model).unwrap();
    for bad in [blob[..blob.len() - 2].to_vec(), blob[..40].to_vec(), vec![], b"hello world!".to_vec()] {
        std::fs::write(&model, bad).unwrap();
        let error = fails(1, &["inspect", &b.run]);
        assert!(error.contains("model.elman"), "{error}");
    }
    std::fs::write(&model, &blob).unwrap();
    let csv = b.dir.path().join("x.csv").display().to_string();
    std::fs::write(&csv, "1,2,3\n").unwrap();
    let error = fails(1, &["run", &b.run, &csv]);
    assert!(error.contains("x.csv, line 1: 3 columns") && error.ends_with("where the model takes 32\n"), "{error}");
    std::fs::write(&csv, format!("{}\n{}70000\n", vec!["1"; 32].join(","), "0,".repeat(31))).unwrap();
    let error = fails(1, &["run", &b.run, &csv]);
    assert!(error.contains("x.csv:2") && error.contains("column 32"), "{error}");
    assert!(fails(1, &["run", &b.run, "x.txt"]).contains("x.txt: No such file"));
    std::fs::write(&csv, "hello, this is no sound\n").unwrap();
    let note = b.dir.path().join("note.txt").display().to_string();
    std::fs::copy(&csv, &note).unwrap();
    assert!(fails(1, &["run", &b.run, &note]).contains("a text that starts with"));
    // Data of other labels.
    let other = b.dir.path().join("other");
    corpus(&other);
    std::fs::rename(other.join("rise"), other.join("climb")).unwrap();
    let error = fails(1, &["eval", &b.run, "--data", &other.display().to_string()]);
    assert!(error.contains("climb fall") && error.contains("fall rise"), "{error}");
}
