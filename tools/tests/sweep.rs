//! Sweeps: the same runs whoever makes them, and however often their workers are killed.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{elman, ok};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const RECIPE: &str = "[data]\ngenerate = \"copy\"\nsteps = 6\ncount = 120\n[network]\nlayers = [{ layer = \"embedding\", units = 6 }, \
                      { layer = \"cell\", variant = \"gru\", units = 8 }]\n[train]\nbatch = 8\nrate = 1e-2\n";

/// A folder with a recipe of so many epochs and a sweep over it.
fn place(epochs: usize, sweep: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("recipe.toml"), format!("{RECIPE}epochs = {epochs}\n")).unwrap();
    std::fs::write(dir.path().join("sweep.toml"), format!("recipe = \"recipe.toml\"\n{sweep}")).unwrap();
    dir
}

fn at(dir: &Path, name: &str) -> String {
    dir.join(name).display().to_string()
}

/// Files of a sweep that do not depend on who made it: results and runs.
fn bits(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut add = |path: PathBuf| {
        let name = path.strip_prefix(folder).unwrap().to_owned();
        all.insert(name, std::fs::read(path).unwrap());
    };
    let entries = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries(folder.join("results")).filter(|p| p.extension().is_some_and(|e| e == "json")).for_each(&mut add);
    for trial in entries(folder.join("trials")) {
        for file in ["recipe.toml", "metrics.jsonl", "weights.safetensors", "model.elman"] {
            let path = trial.join(file);
            if path.exists() {
                add(path);
            }
        }
    }
    all
}

/// Events of all workers, by what they are.
fn events(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder.join("journal")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            all.push((word("what"), word("job")));
        }
    }
    all
}

#[test]
fn a_grid_with_two_workers_is_the_runs_alone() {
    let dir = place(3, "seeds = [1, 2]\n[axes]\ntrain.rate = [5e-3, 2e-2]\n\"network.layers.1.units\" = [6, 10]\n");
    let [sweep, to, alone, recipe] = ["sweep.toml", "all", "alone", "recipe.toml"].map(|name| at(dir.path(), name));
    let (out, _) = ok(&["sweep", &sweep, "--data", ".", "--to", &to, "--workers", "2", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((report["done"].as_u64(), report["finished"].as_bool()), (Some(8), Some(true)), "{out}");
    assert_eq!(report["settings"].as_array().unwrap().len(), 4);
    let best = &report["settings"][0];
    assert_eq!(best["integer"]["count"], 2);
    assert!(
        best["cost"]["flash_bytes"].as_u64() > Some(100) && best["cost"]["instructions"].as_u64() > Some(100),
        "{best}"
    );
    assert!(report["settings"].as_array().unwrap().iter().any(|s| s["flash_frontier"] == true));
    // Trial 7: the last value of each axis, the last seed.
    let changes = ["--set", "train.rate=0.02", "--set", "network.layers.1.units=10", "--seed", "2"];
    ok(&[&["train", &recipe, "--data", ".", "--out", &alone], &changes[..]].concat());
    for file in ["weights.safetensors", "metrics.jsonl", "recipe.toml"] {
        let [a, b] = ["alone", "all/trials/0007"].map(|run| std::fs::read(dir.path().join(run).join(file)).unwrap());
        assert!(a == b, "{file} differs");
    }
    // Again, it has nothing to do; the report is there, and of other axes the folder is not.
    let (text, _) = ok(&["sweep", "report", &to]);
    assert!(text.contains("finished, 0 failed") && text.contains("train.rate = 0.02"), "{text}");
    let html = std::fs::read_to_string(dir.path().join("all/report.html")).unwrap();
    assert_eq!(html.matches("<circle").count(), 8);
    std::fs::write(&sweep, "recipe = \"recipe.toml\"\n").unwrap();
    let other = elman(&["sweep", &sweep, "--data", ".", "--to", &to]);
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("has another sweep"));
}

#[test]
fn halving_pauses_runs_and_the_last_one_is_as_if_it_had_not() {
    let rates = "5e-4, 1e-3, 2e-3, 1e-2, 2e-2";
    let dir = place(6, &format!("search = \"halving\"\nepochs = 1\nfactor = 2\n[axes]\ntrain.rate = [{rates}]\n"));
    let [sweep, to, alone, recipe] = ["sweep.toml", "all", "alone", "recipe.toml"].map(|name| at(dir.path(), name));
    let (out, _) = ok(&["sweep", &sweep, "--data", ".", "--to", &to, "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    // 5, 3, 2, 1 settings for 1, 2, 4, 6 epochs.
    assert_eq!(report["done"].as_u64(), Some(11), "{out}");
    let epochs: Vec<u64> =
        report["settings"].as_array().unwrap().iter().map(|s| s["epochs"].as_u64().unwrap()).collect();
    assert_eq!(epochs, [6, 4, 2, 1, 1]);
    let best = report["settings"][0]["values"][0].as_str().unwrap();
    let trial = report["settings"][0]["setting"].as_u64().unwrap();
    ok(&["train", &recipe, "--data", ".", "--out", &alone, "--set", &format!("train.rate={best}")]);
    for file in ["weights.safetensors", "metrics.jsonl"] {
        let of = |run: String| std::fs::read(dir.path().join(run).join(file)).unwrap();
        assert!(of("alone".into()) == of(format!("all/trials/{trial:04}")), "{file} differs");
    }
}

#[test]
fn a_trial_that_diverges_is_a_result_and_a_wrong_one_an_error_before_the_first() {
    let dir = place(
        2,
        "[axes]\ntrain.rate = [1e-2, 900.0]\ntrain.clip = [0.0]\ntrain.optimizer = [\"sgd\"]\ntrain.loss = [\"squared-error\"]\n",
    );
    let [sweep, to] = ["sweep.toml", "all"].map(|name| at(dir.path(), name));
    let (text, _) = ok(&["sweep", &sweep, "--data", ".", "--to", &to]);
    assert!(
        text.contains("finished, 1 failed") && text.contains("trial 1 failed") && text.contains("diverged"),
        "{text}"
    );
    std::fs::write(&sweep, "recipe = \"recipe.toml\"\n[axes]\ntrain.epocs = [3]\n").unwrap();
    let wrong = elman(&["sweep", &sweep, "--data", ".", "--to", &at(dir.path(), "other")]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(2), "{said}");
    assert!(said.contains("sweep.toml") && said.contains("did you mean `epochs`?"), "{said}");
    assert!(!dir.path().join("other").exists());
}

fn start(dir: &Path, to: &str, workers: usize) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elman"));
    command.args([
        "sweep",
        &at(dir, "sweep.toml"),
        "--data",
        ".",
        "--to",
        &at(dir, to),
        "--workers",
        &workers.to_string(),
    ]);
    command.env("RAYON_NUM_THREADS", "1").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What a SIGTERM leaves is resumed to the same bits, and its claims are free at once.
#[test]
fn an_interruption_leaves_what_the_same_command_goes_on_with() {
    let dir = place(120, "seeds = [1, 2]\n");
    for workers in [1, 2] {
        let to = format!("cut-{workers}");
        let child = start(dir.path(), &to, workers);
        let begun = Instant::now();
        let metrics = dir.path().join(&to).join("trials/0000/metrics.jsonl");
        while !metrics.exists() && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(2));
        }
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        let out = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && said.contains("the same command goes on"), "{said}");
    }
    for to in ["cut-1", "cut-2", "whole"] {
        let out = start(dir.path(), to, 2).wait_with_output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let whole = bits(&dir.path().join("whole"));
    for cut in ["cut-1", "cut-2"] {
        assert!(bits(&dir.path().join(cut)) == whole, "{cut} differs");
        assert!(events(&dir.path().join(cut)).iter().any(|(what, _)| what == "resumed"), "{cut} was not interrupted");
    }
}

/// Kills a worker of three at random moments, and starts another, as often as `ELMAN_SWEEP_KILLS` says.
#[test]
fn killed_workers_lose_no_trial_and_none_is_done_twice() {
    let kills: usize = std::env::var("ELMAN_SWEEP_KILLS").ok().map_or(10, |n| n.parse().unwrap());
    let dir = place(
        40,
        "search = \"halving\"\nepochs = 10\nfactor = 2\nseeds = [1, 2]\n[axes]\ntrain.rate = [5e-3, 1e-2, 2e-2]\n",
    );
    let out = start(dir.path(), "whole", 1).wait_with_output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let whole = bits(&dir.path().join("whole"));
    let (mut done, mut sweeps, mut taken, mut state) = (0, 0, 0, 7u64);
    let mut random = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    while done < kills {
        let to = format!("cut-{sweeps}");
        let folder = dir.path().join(&to);
        let mut workers: Vec<Child> = (0..3).map(|_| start(dir.path(), &to, 1)).collect();
        while workers.iter_mut().any(|w| w.try_wait().unwrap().is_none()) {
            std::thread::sleep(Duration::from_millis(random(120)));
            let which = random(3) as usize;
            if done < kills && workers[which].try_wait().unwrap().is_none() {
                workers[which].kill().unwrap();
                workers[which].wait().unwrap();
                workers[which] = start(dir.path(), &to, 1);
                done += 1;
            }
        }
        for worker in workers {
            let out = worker.wait_with_output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        }
        let cut = bits(&folder);
        assert_eq!(
            cut.keys().collect::<Vec<_>>(),
            whole.keys().collect::<Vec<_>>(),
            "after {done} kills: trials were lost"
        );
        for (name, bytes) in &cut {
            assert!(whole[name] == *bytes, "after {done} kills: {} differs", name.display());
        }
        let events = events(&folder);
        let mut finished: Vec<&str> =
            events.iter().filter(|(what, _)| what == "done").map(|(_, job)| job.as_str()).collect();
        let all = finished.len();
        finished.sort_unstable();
        finished.dedup();
        assert_eq!(all, finished.len(), "after {done} kills: a job was done twice");
        taken += events.iter().filter(|(what, _)| what == "took-over").count();
        sweeps += 1;
    }
    println!(
        "{done} kills in {sweeps} sweeps of {} files: {taken} jobs taken over, none lost, none twice, the same bits",
        whole.len()
    );
    assert!(taken > 0);
}
