//! The parts of a library for one model: ELMAN_PARTS names them, as `gru,dense,pcen`; what it does not name is not linked. Without it
//! the library has all parts, and takes those that a list of the caller names.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// Parts that are no layers: functions of `elman::Operations`.
const OPERATIONS: &[&str] = &["backward", "cepstrum", "feedback", "pcen", "scaling", "spectral_subtraction", "text"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(elman_parts)");
    println!("cargo::rerun-if-env-changed=ELMAN_PARTS");
    println!("cargo::rerun-if-changed=build.rs");
    let Ok(parts) = env::var("ELMAN_PARTS") else { return };
    println!("cargo::rustc-cfg=elman_parts");
    let (operations, layers): (Vec<&str>, Vec<&str>) = parts.split(',').partition(|part| OPERATIONS.contains(part));
    let layers: Vec<String> = layers.iter().map(|layer| format!("known::{}", layer.to_uppercase())).collect();
    let mut code = format!(
        "/// What is loaded with.\npub(crate) static OPERATIONS: Operations = Operations::of(&[{}])",
        layers.join(", ")
    );
    operations.iter().for_each(|operation| write!(code, ".with_{operation}()").expect("a string takes all"));
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("operations.rs"), code + ";\n").expect("OUT_DIR is writable");
}
