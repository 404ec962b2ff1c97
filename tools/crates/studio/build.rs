//! A table of the page's built files, page/dist, which are part of the program.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the crate is"));
    let dist = root.join("page/dist");
    let mut found = Vec::new();
    files(&dist, &mut found);
    let mut table = String::from("pub(crate) const FILES: &[(&str, &[u8])] = &[\n");
    for path in found {
        let name = path.strip_prefix(&dist).expect("it is in the folder").to_string_lossy().replace('\\', "/");
        writeln!(table, "    ({:?}, include_bytes!({:?})),", format!("/{name}"), path).expect("a string takes all");
    }
    table.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where to write"));
    std::fs::write(out.join("files.rs"), table).expect("the table can be written");
    println!("cargo::rerun-if-changed=page/dist");
}
