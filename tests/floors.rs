//! Modules use those below them only.
//!
//! [`FLOORS`] lists the modules of the core from the bottom to the top. Each file's `use crate::` lines and `crate::` paths
//! are read, without comments and without what is compiled for tests alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A source folder and its modules, from the bottom to the top.
struct House {
    folder: &'static str,
    floors: &'static [&'static str],
}

const HOUSES: &[House] = &[House {
    folder: "src",
    floors: &[
        // Numbers.
        "kernel",
        "memory",
        "arith",
        // What a blob describes.
        "operation",
        "record",
        "text",
        "scaling",
        "silence",
        "audio",
        "detect",
        "descriptor",
        "wiring",
        // What a blob runs.
        "cell",
        "layer",
        "plan",
        "blob",
        "net",
        "listener",
        "float",
        // All of it.
        "operations",
        "error",
        "owned",
        "source",
        "storage",
        "lib",
    ],
}];

/// The repository's root.
fn root() -> PathBuf {
    let start = option_env!("CARGO_MANIFEST_DIR").map_or_else(|| std::env::current_dir().unwrap(), PathBuf::from);
    let found = start.ancestors().find(|p| p.join("tests/floors.rs").is_file());
    found.expect("no tests/floors.rs in this folder or above it").to_owned()
}

/// Rust files of a folder, sorted.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file: without comments, strings and items that are compiled for tests alone.
fn code(text: &str) -> String {
    let mut lines = Vec::new();
    // Inside of an item for tests: how many braces are open.
    let mut skipped: Option<i64> = None;
    for line in text.lines() {
        let line = line.split_once("//").map_or(line, |(code, _)| code);
        if line.trim() == "#[cfg(test)]" {
            skipped = Some(0);
            continue;
        }
        if let Some(open) = &mut skipped {
            *open += line.matches('{').count() as i64 - line.matches('}').count() as i64;
            let ends = line.trim_end().ends_with(['}', ';']) && *open <= 0;
            if ends {
                skipped = None;
            }
            continue;
        }
        // Strings hold no code.
        let outside: String = line.split('"').step_by(2).collect();
        lines.push(outside);
    }
    lines.join("\n")
}

/// The first names of all paths that begin with `crate::`, those in braces too.
fn uses(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let name = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
        if let Some(list) = rest.strip_prefix('{') {
            let (mut depth, mut item) = (1, String::new());
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => found.push(name(std::mem::take(&mut item).trim())),
                    _ => item.push(c),
                }
                if depth == 0 {
                    found.push(name(item.trim()));
                    break;
                }
            }
        } else {
            found.push(name(rest));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// Names that the root exports, and the module that each is from.
fn exports(root_file: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for item in
        code(root_file).split(';').filter_map(|item| item.split_once("pub use ").map(|(_, path)| path.to_owned()))
    {
        let Some((module, names)) = item.split_once("::") else { continue };
        for name in names.trim_matches(['{', '}']).split(',') {
            found.insert(name.trim().to_owned(), module.to_owned());
        }
    }
    found
}

/// The module of a file: the first part of its path.
fn module(folder: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(folder).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Lines about uses that do not go down.
fn wrong(house: &House) -> Vec<String> {
    let folder = root().join(house.folder);
    let floor = |name: &str| house.floors.iter().position(|floor| *floor == name);
    let exports = exports(&fs::read_to_string(folder.join("lib.rs")).unwrap());
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    files(&folder, &mut all);
    // What lib.rs declares for tests alone.
    let lib = fs::read_to_string(folder.join("lib.rs")).unwrap();
    let for_tests = |name: &str| lib.contains(&format!("#[cfg(test)]\nmod {name};"));
    for file in all.iter().filter(|f| !f.ends_with("tests.rs") && !f.ends_with("random.rs")) {
        let own = module(&folder, file);
        if for_tests(&own) {
            continue;
        }
        let at = file.strip_prefix(root()).unwrap().display();
        let Some(mine) = floor(&own) else {
            wrong.push(format!("{at}: the module `{own}` has no place in the list of floors"));
            continue;
        };
        for used in uses(&code(&fs::read_to_string(file).unwrap())) {
            let name = exports.get(&used).unwrap_or(&used);
            match floor(name) {
                _ if *name == own => {}
                Some(theirs) if theirs < mine => {}
                Some(_) => wrong.push(format!("{at}: `{own}` uses `{name}`, which is above it")),
                None => wrong.push(format!("{at}: `{own}` uses `{used}`, which has no place in the list of floors")),
            }
        }
    }
    wrong
}

#[test]
fn modules_use_those_below_them_only() {
    for house in HOUSES {
        let wrong = wrong(house);
        assert!(wrong.is_empty(), "{}:\n{}", house.folder, wrong.join("\n"));
    }
}

#[test]
fn uses_are_read() {
    let text = "use crate::{a, b::{c, d}, e};\n// use crate::comment;\nfn f() { crate::g::h(); \"crate::string\" }\n\
                #[cfg(test)]\nmod tests {\n    use crate::tested;\n}\nuse crate::last::{x, y};\n$crate::in_macro;";
    assert_eq!(uses(&code(text)), ["a", "b", "e", "g", "last"]);
    let exported = exports("pub use blob::{Blob, LoadError};\npub use net::RunError;\n");
    assert_eq!((exported["LoadError"].as_str(), exported["RunError"].as_str()), ("blob", "net"));
}
