//! A run that is killed after any epoch and resumed is the run that was not: the same weights and the same metrics, of every kind
//! of network and data.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ELMAN: &str = env!("CARGO_BIN_EXE_elman");
const EPOCHS: usize = 3;
const SPEECH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

fn ok(args: &[&str]) {
    let out = Command::new(ELMAN).args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

fn epochs(run: &Path) -> usize {
    std::fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Trains a recipe on `data`, and again, killed after each of its epochs in turn and resumed.
fn check(name: &str, text: &str, data: &str) {
    let dir = tempfile::tempdir().unwrap();
    let [recipe, whole, cut] = ["r.toml", "whole", "cut"].map(|name| dir.path().join(name));
    std::fs::write(&recipe, text).unwrap();
    let (recipe, change) = (recipe.to_str().unwrap(), format!("train.epochs={EPOCHS}"));
    let train = |run: &Path| {
        let mut command = Command::new(ELMAN);
        command.args(["train", recipe, "--data", data, "--set", &change, "--out"]).arg(run);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    assert!(train(&whole).status().unwrap().success(), "{name}");
    for after in 1..EPOCHS {
        let _ = std::fs::remove_dir_all(&cut);
        let mut child = train(&cut).spawn().unwrap();
        let begun = Instant::now();
        while epochs(&cut) < after && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{name}");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if !cut.join("weights.safetensors").exists() {
            ok(&["train", "--resume", "--out", cut.to_str().unwrap(), "--data", data]);
        }
        for file in ["weights.safetensors", "metrics.jsonl"] {
            let [whole, cut] = [&whole, &cut].map(|run| std::fs::read(run.join(file)).unwrap());
            assert!(whole == cut, "{name}, killed after epoch {after}: {file} differs");
        }
    }
}

#[test]
fn a_classifier_of_words() {
    let text = "[network]\nlayers = [{ layer = \"cell\", variant = \"lstm\", units = 16, dropout = 0.2 }, \
                { layer = \"pool\", over = \"last\" }]\n[augment]\nshift_ms = 40.0\nnoise_share = 0.5\n[train]\nbatch = 8\n";
    check("words", text, SPEECH);
}

/// Streams stay for two epochs, and hard negatives are searched for at every one.
#[test]
fn a_stream() {
    let text = "[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 12 }]\n[stream]\nstreams = 24\n\
                seconds = 3.0\nvalid_hours = 0.02\nreuse = 2\nhard_negatives_every = 1\nhard_negatives_streams = 20\n\
                hard_negatives_threshold = 0.1\n[train]\nwatch = \"false-accepts\"\nrate = 1e-2\nbatch = 4\n";
    check("stream", text, SPEECH);
}

#[test]
fn a_tree() {
    let dir = tempfile::tempdir().unwrap();
    let line = |k: usize| match k % 3 {
        0 => format!("(1 (1 good) (0 (0 w{}) (1 fine)))\n", k % 7),
        1 => format!("(0 (0 bad) (1 (0 w{}) (0 (1 not) (0 poor))))\n", k % 5),
        _ => format!("(1 (0 w{}) (1 well))\n", k % 11),
    };
    for (file, n) in [("train.txt", 600), ("dev.txt", 30), ("test.txt", 10)] {
        std::fs::write(dir.path().join(file), (0..n).map(line).collect::<String>()).unwrap();
    }
    let text = "[data]\nformat = \"ptb\"\n[sequences]\nsymbol_dropout = 0.2\n[network.tree]\nleaf = [{ layer = \"embedding\", \
                units = 16 }, { layer = \"dropout\", rate = 0.2 }, { layer = \"cell\", variant = \"lstm\", units = 24 }]\ncompose = { layer = \"cell\", variant = \"tree-lstm\", units = 24 }\n[train]\nbatch = 8\n";
    check("tree", text, dir.path().to_str().unwrap());
}

#[test]
fn a_graph() {
    let text = "[data]\ngenerate = \"sensors\"\ncount = 800\n[network.graph]\nnode = [{ layer = \"dense\", outputs = 16 }]\n\
                message = [{ layer = \"pool\", over = \"sum\" }]\nupdate = { layer = \"cell\", variant = \"gru\", units = 16, \
                dropout = 0.1 }\nrounds = 2\n";
    check("graph", text, ".");
}

#[test]
fn a_language() {
    let dir = tempfile::tempdir().unwrap();
    for (file, n) in [("train.txt", 1500), ("valid.txt", 100)] {
        let text: String = (0..n).map(|k| format!("the {} dog saw {} of them\n", k % 9, (k * k) % 17)).collect();
        std::fs::write(dir.path().join(file), text).unwrap();
    }
    let text = "[data]\nunit = \"characters\"\n[sequences]\nwindow = 60\nwashout = 5\n[network]\nlayers = [{ layer = \
                \"embedding\", units = 8 }, { layer = \"cell\", variant = \"gru-before\", units = 24, dropout = 0.1 }]\n[train]\nwatch = \
                \"loss\"\n";
    check("language", text, dir.path().to_str().unwrap());
}

/// Teacher forcing fades, so that the decoder reads its own symbols.
#[test]
fn an_encoder_decoder() {
    let text = "[data]\ngenerate = \"reverse\"\ncount = 700\n[network.seq2seq]\nencoder = [{ layer = \"embedding\", units = 8 }, \
                { layer = \"cell\", variant = \"gru\", units = 16 }]\ndecoder = [{ layer = \"embedding\", units = 8 }, { layer = \
                \"cell\", variant = \"gru\", units = 16 }]\nattention = { score = \"dot\" }\n[train]\nteacher_forcing = [1.0, 0.5]\n";
    check("reverse", text, ".");
}

/// A series in closed loop, with noise on its values, by plain gradient descent.
#[test]
fn a_series() {
    let text = "[data]\ngenerate = \"pendulum\"\ncount = 40\n[sequences]\nwindow = 50\nnoise = 0.05\n[network]\nlayers = [{ \
                layer = \"narx\", outputs = 1, input_taps = 2, output_taps = 3, hidden = 12, activation = \"tanh\", closed = true, \
                warmup = 4 }]\n[train]\nloss = \"squared-error\"\nwatch = \"loss\"\noptimizer = \"sgd\"\nrate = 1e-3\n";
    check("pendulum", text, ".");
}

/// Files of a run folder that follow from its recipe alone: no times are in them.
fn results(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(run).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "metrics.jsonl" || name.ends_with(".safetensors") || name.ends_with(".elman") {
            found.push((name, std::fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Runs a command, killed after a time of at most `longest`; whether it was still running.
fn killed(args: &[&str], after: Duration) -> bool {
    let mut child = Command::new(ELMAN).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let running = child.try_wait().unwrap().is_none();
    // One that has ended cannot be killed.
    let _ = child.kill();
    child.wait().unwrap();
    running
}

/// `kill -9` at random moments of training, quantizing and calibrating, `ELMAN_KILLS` of them: the same command again, or `--resume`,
/// ends with the files of a run that nothing disturbed, or says which file keeps it from that.
#[test]
fn killed_at_any_moment() {
    let kills: usize = std::env::var("ELMAN_KILLS").ok().map_or(3, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let [recipe, whole, cut] = ["r.toml", "whole", "cut"].map(|name| dir.path().join(name));
    let text = "[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 12 }]\n[stream]\nstreams = 8\n\
                seconds = 2.0\nvalid_hours = 0.01\n[train]\nepochs = 2\nwatch = \"false-accepts\"\nrate = 1e-2\nbatch = 4\n";
    std::fs::write(&recipe, text).unwrap();
    let [recipe, whole, cut] = [&recipe, &whole, &cut].map(|path| path.to_str().unwrap());
    let commands = |run: &str| -> [Vec<String>; 3] {
        let calibrate = "--hours 0.01 --per-hour 600 --max-false-accepts-per-hour 100";
        [
            format!("train {recipe} --data {SPEECH} --out {run}"),
            format!("quantize {run}"),
            format!("calibrate {run} --data {SPEECH} {calibrate}"),
        ]
        .map(|line| line.split(' ').map(str::to_owned).collect())
    };
    let mut longest = Vec::new();
    for command in commands(whole) {
        let begun = Instant::now();
        ok(&command.iter().map(String::as_str).collect::<Vec<_>>());
        longest.push(begun.elapsed());
    }
    let wanted = results(Path::new(whole));
    assert!(wanted.iter().any(|(name, _)| name.ends_with(".elman")), "{:?}", wanted.len());
    let (mut state, mut done, mut running, mut rejected) = (3u64, 0, 0, 0);
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    while done < kills {
        let _ = std::fs::remove_dir_all(cut);
        for (k, command) in commands(cut).iter().enumerate() {
            let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
            for _ in 0..1 + (random() * 2.0) as usize {
                running += usize::from(killed(&words, longest[k].mul_f64(random())));
                done += 1;
            }
            if k == 0 && !Path::new(cut).join("weights.safetensors").exists() && Path::new(cut).exists() {
                words = vec!["train", "--resume", "--out", cut, "--data", SPEECH];
            }
            let out = Command::new(ELMAN).args(&words).output().unwrap();
            if !out.status.success() {
                let said = String::from_utf8_lossy(&out.stderr).into_owned();
                assert!(said.contains(cut), "after {done} kills, {words:?} does not name a file: {said}");
                rejected += 1;
                let _ = std::fs::remove_dir_all(cut);
                ok(&commands(cut)[0].iter().map(String::as_str).collect::<Vec<_>>());
                assert!(k == 0, "after {done} kills: {said}");
            }
        }
        let found = results(Path::new(cut));
        let names = |list: &[(String, Vec<u8>)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), names(&wanted), "after {done} kills");
        for ((name, found), (_, wanted)) in found.iter().zip(&wanted) {
            assert!(found == wanted, "after {done} kills: {name} differs");
        }
    }
    println!(
        "{done} kills, {running} of them of a running command, {rejected} folders rejected by name: all files equal"
    );
    // Of a few, all may come too late.
    assert!(done < 30 || running * 3 > done, "only {running} of {done} kills met a running command");
}
