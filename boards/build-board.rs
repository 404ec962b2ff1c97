//! For a board's build: memory.x onto the linker's path, and the model named by ELMAN_BLOB (by default the one next to
//! this file: gestures.elman where the board's name begins with gestures, else listens.elman) into the firmware.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-changed=memory.x");
    fs::copy("memory.x", out.join("memory.x")).expect("memory.x");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    if Path::new("boot2").exists() {
        println!("cargo::rustc-link-arg-bins=-Tlink-rp.x");
    }
    println!("cargo::rerun-if-env-changed=ELMAN_BLOB");
    let gestures = env::var("CARGO_PKG_NAME").is_ok_and(|name| name.starts_with("gestures"));
    let own = if gestures { "../gestures.elman" } else { "../listens.elman" };
    let blob = env::var_os("ELMAN_BLOB").map_or(PathBuf::from(own), PathBuf::from);
    println!("cargo::rerun-if-changed={}", blob.display());
    fs::copy(&blob, out.join("model.elman")).unwrap_or_else(|e| panic!("{}: {e}", blob.display()));
}
