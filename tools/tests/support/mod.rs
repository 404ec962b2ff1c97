//! The command line, as tests call it.

use std::process::{Command, Output};

/// Runs `elman`.
pub fn elman(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elman")).args(args).output().unwrap()
}

/// Succeeds; gives stdout and stderr.
pub fn ok(args: &[&str]) -> (String, String) {
    let out = elman(args);
    let [stdout, stderr] = [out.stdout, out.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
    assert!(out.status.success(), "{args:?}: {stderr}");
    (stdout, stderr)
}
