//! Writes memory.x and the sizes of buffers for the core named by ELMAN_CORE, a table of machines.toml, and takes in the blob
//! named by ELMAN_BLOB (an empty one where it is not set).

use elman_messages::BufferSizes;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

/// Next to this file; packages that share it are its siblings.
const MACHINES: &str = "../qemu-mps2/machines.toml";

#[derive(Deserialize)]
struct Machine {
    flash: Region,
    ram: Region,
    layout: String,
    blob_at: Option<u32>,
    #[serde(default)]
    buffers: BufferSizes,
}

#[derive(Deserialize)]
struct Region {
    origin: u32,
    length: String,
}

/// What riscv-rt wants to know besides.
const ALIASES: &str = "
REGION_ALIAS(\"REGION_TEXT\", FLASH);
REGION_ALIAS(\"REGION_RODATA\", FLASH);
REGION_ALIAS(\"REGION_DATA\", RAM);
REGION_ALIAS(\"REGION_BSS\", RAM);
REGION_ALIAS(\"REGION_HEAP\", RAM);
REGION_ALIAS(\"REGION_STACK\", RAM);
";

fn main() {
    println!("cargo::rerun-if-env-changed=ELMAN_CORE");
    println!("cargo::rerun-if-changed={MACHINES}");
    let core = env::var("ELMAN_CORE").unwrap_or("m4".into());
    let machines: BTreeMap<String, Machine> =
        toml::from_str(&fs::read_to_string(MACHINES).expect(MACHINES)).expect(MACHINES);
    let Some(Machine { flash, ram, layout, blob_at, buffers }) = machines.get(&core) else {
        panic!("ELMAN_CORE={core} is not in machines.toml, which has {:?}", machines.keys());
    };
    println!("cargo::rustc-check-cfg=cfg(layout, values(any()))");
    println!("cargo::rustc-cfg=layout={layout:?}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    // Whether a proof's firmware fits a chip is not asked.
    let proof = env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "panic-free");
    let length = |region: &Region| if proof { "4M".to_owned() } else { region.length.clone() };
    let risc_v = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "riscv32");
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {:#x}, LENGTH = {}\n  RAM : ORIGIN = {:#x}, LENGTH = {}\n}}\n{}",
        flash.origin,
        length(flash),
        ram.origin,
        length(ram),
        if risc_v { ALIASES } else { "" },
    );
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR is writable");
    println!("cargo::rustc-link-search={}", out.display());
    if risc_v {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    let BufferSizes { frame, words, nodes } = buffers;
    let sizes = format!(
        "/// Where a blob is stored in flash.\npub const BLOB_AT: Option<usize> = {blob_at:?};\n\
         /// Words for a blob read into RAM, a model's states, an example and its answer.\n\
         pub const WORDS: usize = {words};\n\
         /// Nodes of a tree.\npub const NODES: usize = {nodes};\n\
         /// Bytes of the longest frame.\npub const FRAME_BYTES: usize = {frame};\n",
    );
    fs::write(out.join("sizes.rs"), sizes).expect("OUT_DIR is writable");
    println!("cargo::rerun-if-env-changed=ELMAN_COMMIT");
    println!("cargo::rustc-env=ELMAN_COMMIT={}", env::var("ELMAN_COMMIT").unwrap_or("unknown".into()));
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
