//! Ctrl-C is noticed within a second, whatever a command is doing, and leaves nothing half.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ELMAN: &str = env!("CARGO_BIN_EXE_elman");

fn ok(args: &[&str]) {
    let out = Command::new(ELMAN).args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// Interrupts a command after a while; what it said. It must be running then, and have ended a second later.
fn interrupted(after: Duration, args: &[&str]) -> String {
    let mut child = Command::new(ELMAN).args(args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    assert!(child.try_wait().unwrap().is_none(), "{args:?} is too fast for this test");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(1) {
            child.kill().unwrap();
            panic!("{args:?} goes on after an interruption");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let out = child.wait_with_output().unwrap();
    assert!(!out.status.success(), "{args:?}");
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Sequences to copy, of `units` units and `count` sequences a step.
fn recipe(dir: &Path, name: &str, count: usize, units: usize) -> String {
    let path = dir.join(name);
    let text = format!(
        "[data]\ngenerate = \"copy\"\nsteps = 200\ncount = {count}\n[network]\nlayers = [{{ layer = \"embedding\", units = 8 }}, \
         {{ layer = \"cell\", variant = \"gru\", units = {units} }}]\n[train]\nbatch = {count}\nepochs = 1\n"
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn an_interruption_is_noticed_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let soon = Duration::from_millis(700);

    // A step of training that takes long, and reading that takes long. An earlier run stays.
    let (long, many, small) =
        (recipe(dir.path(), "a", 2000, 400), recipe(dir.path(), "b", 1_000_000, 8), recipe(dir.path(), "c", 40, 16));
    let run = at("run");
    ok(&["train", &small, "--data", ".", "--out", &run]);
    ok(&["quantize", &run]);
    let weights = std::fs::read(dir.path().join("run/weights.safetensors")).unwrap();
    for recipe in [&long, &many] {
        let said = interrupted(soon, &["train", recipe, "--data", ".", "--out", &run, "--force"]);
        assert!(said.contains("nothing was written"), "{said}");
        assert_eq!(std::fs::read(dir.path().join("run/weights.safetensors")).unwrap(), weights);
        assert!(!dir.path().join("run/.new").exists());
        interrupted(soon, &["train", recipe, "--data", ".", "--out", &at("other")]);
        assert!(!dir.path().join("other").exists());
        interrupted(soon, &["train", recipe, "--data", ".", "--dry-run"]);
    }
    interrupted(soon, &["eval", &run, "--recipe", &many, "--data", "."]);
    interrupted(soon, &["data", "check", "--recipe", &many]);

    let clips = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    interrupted(soon, &["mix", "--data", clips, "--to", &at("mixed"), "--hours", "20"]);
    let machine = at("machine.toml");
    let text = "name = \"loop\"\nsymbols = [\"0\", \"1\"]\nblank = \"0\"\nstart = \"a\"\ntape = [\"1\"]\ncells = 8\nhead = 0\n\
                [rules.a]\n0 = \"0 S a\"\n1 = \"1 S a\"\n";
    std::fs::write(&machine, text).unwrap();
    interrupted(soon, &["turing", &machine, "--steps", "8000000"]);
}
