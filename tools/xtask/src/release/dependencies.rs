//! What cargo knows of packages, and what those that the device crate is made of may do.

use anyhow::{Context, Result};
use elman_figures::root;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::said;
use crate::bench::cargo;

/// What `cargo metadata` says.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub resolve: Resolve,
}

#[derive(Debug, Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub source: Option<String>,
    pub manifest_path: PathBuf,
    pub targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
pub struct Target {
    pub kind: Vec<String>,
    pub src_path: PathBuf,
}

#[derive(Debug, Deserialize)]
pub struct Resolve {
    pub nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
pub struct Node {
    pub id: String,
    pub deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub struct Dependency {
    pub pkg: String,
    pub dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
pub struct Kind {
    pub kind: Option<String>,
}

impl Package {
    /// Whether one of its targets is of this kind.
    fn is(&self, kind: &str) -> bool {
        self.targets.iter().any(|t| t.kind.iter().any(|k| k == kind))
    }
}

impl Metadata {
    /// Of the workspace in a folder, with all features.
    pub fn read(folder: &str) -> Result<Self> {
        let mut command = cargo();
        command.current_dir(root().join(folder)).args(["metadata", "--all-features", "--format-version", "1"]);
        serde_json::from_slice(&said(&mut command)?).context("what cargo metadata says")
    }

    /// A package of the workspace.
    pub fn own(&self, name: &str) -> Result<&Package> {
        let own = self.packages.iter().find(|p| p.source.is_none() && p.name == name);
        own.with_context(|| format!("there is no package {name}"))
    }

    /// The packages that one is built with and runs with, itself first; with those of build scripts and macros, or without them.
    pub fn with_all_below(&self, id: &str, at_compile_time: bool) -> Vec<&Package> {
        let nodes: BTreeMap<&str, &Node> = self.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
        let macros: BTreeSet<&str> =
            self.packages.iter().filter(|p| p.is("proc-macro")).map(|p| p.id.as_str()).collect();
        let (mut seen, mut open) = (BTreeSet::from([id]), vec![id]);
        while let Some(node) = open.pop().and_then(|id| nodes.get(id)) {
            for dependency in &node.deps {
                let linked = |kind: &Option<String>| kind.is_none() && !macros.contains(dependency.pkg.as_str());
                let needed = |k: &Kind| linked(&k.kind) || at_compile_time && k.kind.as_deref() != Some("dev");
                if dependency.dep_kinds.iter().any(needed) && seen.insert(&dependency.pkg) {
                    open.push(&dependency.pkg);
                }
            }
        }
        let mut packages: Vec<&Package> = self.packages.iter().filter(|p| seen.contains(p.id.as_str())).collect();
        packages.sort_by_key(|p| (p.id != id, &p.name, &p.version));
        packages
    }
}

/// What a package may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct May {
    package: String,
    license: String,
    /// Whether it runs in firmware; else it runs while the crate is built.
    on_device: bool,
    /// Lines with the word `unsafe`.
    unsafe_lines: usize,
    /// Whether it is `no_std`: without it, it could use files, processes and the network.
    no_std: bool,
    build_script: bool,
    macros: bool,
}

/// Of all packages that the device crate is made of, with all features.
pub fn of_core(all: &Metadata) -> Result<Vec<May>> {
    let core = all.own("elman")?;
    let linked: BTreeSet<&str> = all.with_all_below(&core.id, false).into_iter().map(|p| p.id.as_str()).collect();
    let list = all.with_all_below(&core.id, true).into_iter().skip(1);
    list.map(|p| may(p, linked.contains(p.id.as_str()))).collect()
}

fn may(package: &Package, on_device: bool) -> Result<May> {
    let library = package.targets.iter().find(|t| t.kind.iter().any(|k| k == "lib" || k == "proc-macro"));
    let head = library.map(|t| std::fs::read_to_string(&t.src_path)).transpose()?.unwrap_or_default();
    let mut unsafe_lines = 0;
    let folder = package.manifest_path.parent().context("a folder of a package")?.join("src");
    count(&folder, &mut unsafe_lines)?;
    Ok(May {
        package: format!("{} {}", package.name, package.version),
        license: package.license.clone().unwrap_or_default(),
        on_device,
        unsafe_lines,
        no_std: head.contains("no_std"),
        build_script: package.is("custom-build"),
        macros: package.is("proc-macro"),
    })
}

/// Lines of code with the word `unsafe`.
fn count(folder: &Path, lines: &mut usize) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            count(&path, lines)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            *lines += text.lines().filter(|l| is_unsafe(l)).count();
        }
    }
    Ok(())
}

/// Whether a line has the word outside of comments and lints.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.split(|c| !word(c)).any(|w| w == "unsafe")
}

/// As a table.
pub fn table(list: &[May]) -> String {
    let mut text =
        "| package | licence | runs | lines with `unsafe` | `no_std` | build script | macros at compile time |\n\
        |---|---|---|---|---|---|---|\n"
            .to_owned();
    let yes = |b: bool| if b { "yes" } else { "" };
    for m in list {
        let runs = if m.on_device { "in firmware" } else { "at compile time" };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {runs} | {} | {} | {} | {} |",
            m.package,
            m.license,
            m.unsafe_lines,
            yes(m.no_std),
            yes(m.build_script),
            yes(m.macros)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_code_are_counted() {
        assert!(is_unsafe("    unsafe { read(p) }") && is_unsafe("pub unsafe trait Pod {}"));
        assert!(!is_unsafe("// unsafe") && !is_unsafe("#![forbid(unsafe_code)]") && !is_unsafe("let not_unsafe = 1;"));
    }
}
