//! Writes memory.x for the core named by ELMAN_CORE, a table of machines.toml, and takes in the blob named by
//! ELMAN_BLOB (an empty one where it is not set).

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

/// Beside this file; packages that share it are its siblings.
const MACHINES: &str = "../qemu-mps2/machines.toml";

#[derive(Deserialize)]
struct Machine {
    flash: Region,
    ram: Region,
}

#[derive(Deserialize)]
struct Region {
    origin: u32,
    length: String,
}

fn main() {
    println!("cargo::rerun-if-env-changed=ELMAN_CORE");
    println!("cargo::rerun-if-changed={MACHINES}");
    let core = env::var("ELMAN_CORE").unwrap_or("m4".into());
    let machines: BTreeMap<String, Machine> =
        toml::from_str(&fs::read_to_string(MACHINES).expect(MACHINES)).expect(MACHINES);
    let Some(Machine { flash, ram }) = machines.get(&core) else {
        panic!("ELMAN_CORE={core} is not in machines.toml, which has {:?}", machines.keys());
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {:#x}, LENGTH = {}\n  RAM : ORIGIN = {:#x}, LENGTH = {}\n}}\n",
        flash.origin, flash.length, ram.origin, ram.length
    );
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR is writable");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rerun-if-env-changed=ELMAN_BLOB");
    let blob = match env::var_os("ELMAN_BLOB") {
        Some(path) => {
            let path = PathBuf::from(path);
            println!("cargo::rerun-if-changed={}", path.display());
            fs::read(&path).unwrap_or_else(|e| panic!("ELMAN_BLOB={}: {e}", path.display()))
        }
        None => Vec::new(),
    };
    fs::write(out.join("model.elman"), blob).expect("OUT_DIR is writable");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }
}
