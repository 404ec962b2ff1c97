//! Fuzz targets: what each does to some bytes. `cargo xtask fuzz` runs them under libFuzzer; the tests run the seeds.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod graph;
pub mod import_pickle;
pub mod imported;
pub mod listen;
pub mod load;
pub mod models;
pub mod protocol;
pub mod recipe;
pub mod records;
pub mod round_trip;
pub mod sealed;
pub mod seeds;
pub mod seq2seq;
pub mod slots;
pub mod sound;
pub mod step;
pub mod taken;
pub mod tree;

use std::path::Path;

#[cfg(feature = "libfuzzer")]
pub use libfuzzer_sys;

/// The program of a target: for libFuzzer with the feature `libfuzzer`, else one that runs the files and folders of its arguments.
#[macro_export]
macro_rules! target {
    ($run:path) => {
        #[cfg(feature = "libfuzzer")]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $run(data));

        #[cfg(not(feature = "libfuzzer"))]
        fn main() -> std::io::Result<()> {
            let mut files = 0;
            for path in std::env::args_os().skip(1) {
                files += $crate::replay(path.as_ref(), $run)?;
            }
            println!("{files} files, nothing found");
            Ok(())
        }
    };
}

/// Runs a file, or all files of a folder; how many.
///
/// # Errors
/// Where one cannot be read.
pub fn replay(path: &Path, run: fn(&[u8])) -> std::io::Result<usize> {
    if !path.is_dir() {
        run(&std::fs::read(path)?);
        return Ok(1);
    }
    let mut files = 0;
    for entry in std::fs::read_dir(path)? {
        files += replay(&entry?.path(), run)?;
    }
    Ok(files)
}

/// A target's name, which its folder of seeds has too, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 19] = [
    ("corpus", corpus::run),
    ("graph", graph::run),
    ("import_hdf5", imported::read),
    ("import_onnx", imported::read),
    ("import_pickle", import_pickle::run),
    ("import_safetensors", imported::read),
    ("import_zip", imported::read),
    ("listen", listen::run),
    ("load", load::run),
    ("models", models::run),
    ("protocol", protocol::run),
    ("recipe", recipe::run),
    ("records", records::run),
    ("round_trip", round_trip::run),
    ("seq2seq", seq2seq::run),
    ("slots", slots::run),
    ("sound", sound::run),
    ("step", step::run),
    ("tree", tree::run),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    #[test]
    fn seeds_find_nothing() {
        for (name, run) in TARGETS {
            let files = replay(&folder("seeds").join(name), run).unwrap();
            assert!(files > 0, "{name} has no seeds");
        }
    }

    /// A seed with a bit changed, cut off, or with another's end.
    #[test]
    fn changed_seeds_find_nothing() {
        for (name, run) in TARGETS {
            let mut seeds = Vec::new();
            for entry in std::fs::read_dir(folder("seeds").join(name)).unwrap() {
                seeds.push(std::fs::read(entry.unwrap().path()).unwrap());
            }
            seeds.sort();
            let mut random = 1u64;
            let mut below = |n: usize| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as usize % n.max(1)
            };
            for _ in 0..200 {
                let mut data = seeds[below(seeds.len())].clone();
                match below(3) {
                    _ if data.is_empty() => {}
                    0 => {
                        let at = below(data.len());
                        data[at] ^= 1 << below(8);
                    }
                    1 => data.truncate(below(data.len())),
                    _ => {
                        let other = &seeds[below(seeds.len())];
                        data.truncate(below(data.len()));
                        data.extend(&other[below(other.len())..]);
                    }
                }
                run(&data);
            }
        }
    }

    #[test]
    fn each_target_has_its_program() {
        let mut programs: Vec<String> = std::fs::read_dir(folder("fuzz_targets"))
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        programs.sort();
        assert_eq!(programs, TARGETS.map(|(name, _)| name));
    }
}
