//! What a dry run says of memory and time, next to what the run takes. A program of its own: the memory of a child is known as the
//! largest of all children.
#![cfg(target_os = "linux")]

use std::process::Command;

fn ok(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The most memory that a child of this test had, in bytes.
fn most_memory_of_a_child() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as f64 * 1024.0
}

/// Sequences of 2000 steps in less memory, as the dry run says, with the same weights.
fn long_sequences(dir: &std::path::Path) {
    let recipe = dir.join("long.toml");
    let text = "[data]\ngenerate = \"adding\"\nsteps = 2000\ncount = 20\n[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", \
                units = 64 }, { layer = \"pool\", over = \"last\" }, { layer = \"dense\", outputs = 1 }]\n[train]\nloss = \
                \"squared-error\"\nwatch = \"loss\"\nepochs = 1\nbatch = 16\nthreads = 1\n";
    std::fs::write(&recipe, text).unwrap();
    let mut before = 0.0;
    for recompute in ["true", "false"] {
        let (run, set) = (dir.join(recompute), format!("train.recompute={recompute}"));
        let args = ["train", recipe.to_str().unwrap(), "--data", ".", "--set", &set];
        ok(&[&args[..], &["--out", run.to_str().unwrap()]].concat());
        // The largest child so far: the one that keeps the gates comes second.
        let took = most_memory_of_a_child();
        let said: serde_json::Value =
            serde_json::from_str(&ok(&[&args[..], &["--dry-run", "--json"]].concat())).unwrap();
        let most = said["process_bytes"].as_f64().unwrap();
        assert!(took <= most && most <= 1.25 * took, "{recompute}: {most} bytes said, {took} taken");
        assert!(took > 1.5 * before, "{took} bytes with the gates, {before} without");
        before = took;
    }
    let weights = |run: &str| std::fs::read(dir.join(run).join("weights.safetensors")).unwrap();
    assert!(weights("true") == weights("false"));
}

/// Memory is that of the whole process, an upper bound within a quarter; time is that of the whole run.
#[test]
fn a_dry_run_says_what_the_run_takes() {
    let dir = tempfile::tempdir().unwrap();
    let (recipe, run) = (dir.path().join("r.toml"), dir.path().join("run"));
    let text = "[data]\ngenerate = \"sensors\"\ncount = 3000\n[network.graph]\nnode = [{ layer = \"dense\", outputs = 16 }]\n\
                message = [{ layer = \"pool\", over = \"sum\" }]\nupdate = { layer = \"cell\", variant = \"gru\", units = 16 }\n\
                rounds = 2\n[train]\nepochs = 8\nthreads = 1\n";
    std::fs::write(&recipe, text).unwrap();
    let args = ["train", recipe.to_str().unwrap(), "--data", "."];
    ok(&[&args[..], &["--out", run.to_str().unwrap()]].concat());
    let took = most_memory_of_a_child();
    let said: serde_json::Value = serde_json::from_str(&ok(&[&args[..], &["--dry-run", "--json"]].concat())).unwrap();
    let most = said["process_bytes"].as_f64().unwrap();
    assert!(took <= most && most <= 1.25 * took, "{most} bytes said, {took} taken");
    let seconds = |part: &str| said[part]["processor_seconds"].as_f64().unwrap();
    let parts = seconds("reading") + 8.0 * seconds("epoch") + seconds("figures");
    assert!((seconds("total") - parts).abs() < 1e-6 && seconds("epoch") > 0.0, "{said}");
    assert_eq!((&said["epochs"], &said["sequences"]), (&8.into(), &3000.into()));
    let line = ok(&[&args[..], &["--dry-run"]].concat());
    assert!(line.contains("8 epochs of") && line.contains("of memory"), "{line}");
    long_sequences(dir.path());
}
