//! `studio`: builds the page of `elman studio`, compares it with the one that is checked in, and tests it in Chromium.

use anyhow::{Context, Result, bail, ensure};
use elman_figures::root;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::bench;
use crate::flags::{Flags, unknown};

/// Flags of `studio`.
pub const FLAGS: &str = "  \
      --check          Compare with the page that is checked in instead of writing it, and test it in Chromium
      --short          With --check: the tests that CI runs; where Node or Chromium is missing, it says so and passes
      --pictures       With --check: write the pictures of docs/studio.md
      --chromium PATH  The browser; by default `chromium`, `chromium-browser` or `google-chrome`";

/// The page's sources, from the root.
const PAGE: &str = "tools/crates/studio/page";
/// The core as wasm, from the root. A test of the crate compares what it computes with the core here.
const CORE: &str = "tools/crates/studio/core.wasm";
/// The target that it is compiled for.
const WASM: &str = "wasm32-unknown-unknown";
/// Oldest Node that Vite runs on.
const NODE: (u32, u32) = (20, 19);

/// Builds the page, or checks it.
///
/// # Errors
/// Where a flag is wrong, the page does not build, is another than the one checked in, or a test fails.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut check, mut short, mut pictures, mut chromium) = (false, false, false, None);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "check" => check = true,
            "short" => short = true,
            "pictures" => pictures = true,
            "chromium" => chromium = Some(flags.value::<PathBuf>()?),
            _ => return Err(unknown(&name)),
        }
    }
    let start = Instant::now();
    if check && short {
        return short_check(chromium);
    }
    let folder = build()?;
    if !check {
        wasm()?;
        copy(&folder.join("dist"), &root().join(PAGE).join("dist"))?;
        println!("wrote {PAGE}/dist and {CORE} in {:.0} s", start.elapsed().as_secs_f64());
        return Ok(ExitCode::SUCCESS);
    }
    compare(&folder.join("dist"))?;
    let chromium =
        chromium.or_else(browser).context("there is no Chromium: apt-get install chromium, or --chromium PATH")?;
    test(&folder, &chromium, if pictures { &["--pictures"] } else { &[] })?;
    Ok(ExitCode::SUCCESS)
}

/// What CI runs: what can be run here, and a line for what cannot.
///
/// # Errors
/// Where the page is another than the one checked in, or a test fails.
pub fn short_check(chromium: Option<PathBuf>) -> Result<ExitCode> {
    let start = Instant::now();
    let folder = match node().and_then(|()| prepare()) {
        Ok(folder) => folder,
        Err(missing) => {
            println!("the page of studio is not checked: {missing:#}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    vite(&folder)?;
    compare(&folder.join("dist"))?;
    match chromium.or_else(browser) {
        None => println!("the page of studio is not tested: there is no Chromium (apt-get install chromium)"),
        Some(chromium) => test(&folder, &chromium, &["--short"])?,
    }
    println!("studio, short form: {:.1} s", start.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// Builds the page outside of its sources; the folder it was built in.
fn build() -> Result<PathBuf> {
    node()?;
    let folder = prepare()?;
    vite(&folder)?;
    Ok(folder)
}

/// Compiles the core for the page.
fn wasm() -> Result<()> {
    let folder = target().join("studio-core");
    let mut cargo = bench::cargo();
    cargo
        .current_dir(root().join("bindings/wasm"))
        .args(["build", "--release", "--target", WASM, "--target-dir"])
        .arg(&folder);
    let done = cargo.status().context("cargo does not start")?.success();
    ensure!(done, "the core does not build for {WASM}; where the target is missing: rustup target add {WASM}");
    let built = folder.join(WASM).join("release/elman_wasm.wasm");
    fs::copy(&built, root().join(CORE)).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(())
}

/// Whether there is a Node that is new enough.
fn node() -> Result<()> {
    let output = Command::new("node").arg("--version").output();
    let output = output.context("there is no Node: install nodejs and npm")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut parts = text.trim().trim_start_matches('v').split('.').map_while(|part| part.parse().ok());
    let found: (u32, u32) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    ensure!(found >= NODE, "Node is {}, and {}.{} is needed", text.trim(), NODE.0, NODE.1);
    Ok(())
}

/// Copies the sources into the target folder and installs the packages of the lock file there, if they are not.
fn prepare() -> Result<PathBuf> {
    let folder = target().join("studio-page");
    for old in ["src", "tests", "public"] {
        let old = folder.join(old);
        if old.exists() {
            fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    for (name, bytes) in files(&root().join(PAGE))? {
        if !name.starts_with("dist") {
            let to = folder.join(&name);
            fs::create_dir_all(to.parent().unwrap_or(&folder))?;
            fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    let (lock, installed) = (folder.join("package-lock.json"), folder.join("node_modules/lock.json"));
    let wanted = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        // No package runs a script of its own, and nobody is asked for money.
        npm(&folder, &["ci", "--no-audit", "--no-fund", "--ignore-scripts"])?;
        fs::write(&installed, wanted)?;
    }
    Ok(folder)
}

fn vite(folder: &Path) -> Result<()> {
    npm(folder, &["run", "--silent", "check"])?;
    npm(folder, &["run", "--silent", "build", "--", "--logLevel", "warn"])
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("npm").current_dir(folder).args(arguments).status().context("npm does not start")?;
    ensure!(status.success(), "`npm {}` failed in {}", arguments.join(" "), folder.display());
    Ok(())
}

/// Cargo's target folder.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Every file of a folder by its path.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// Whether the page that was built is, byte for byte, the one checked in.
fn compare(built: &Path) -> Result<()> {
    let (built, stored) = (files(built)?, files(&root().join(PAGE).join("dist"))?);
    let names = built.keys().chain(stored.keys());
    let other: Vec<_> = names.filter(|name| built.get(*name) != stored.get(*name)).collect();
    if let Some(name) = other.first() {
        bail!("{PAGE}/dist is not what its sources build ({}): run `cargo xtask studio`", name.display());
    }
    Ok(())
}

/// Replaces a folder by another.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot remove {}", to.display()))?;
    }
    for (name, bytes) in files(from)? {
        let to = to.join(&name);
        fs::create_dir_all(to.parent().unwrap_or(from))?;
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// A Chromium in the path.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names
        .iter()
        .find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// Builds `elman` and runs the tests of the page with it.
fn test(folder: &Path, chromium: &Path, flags: &[&str]) -> Result<()> {
    let mut cargo = bench::cargo();
    cargo.current_dir(root()).args(["build", "--release", "--package", "elman-tools"]);
    ensure!(cargo.status().context("cargo does not start")?.success(), "elman does not build");
    let mut node = Command::new("node");
    node.current_dir(folder).arg("tests/main.mjs").args(flags);
    node.arg("--elman").arg(target().join("release/elman")).arg("--chromium").arg(chromium).arg("--root").arg(root());
    ensure!(node.status().context("node does not start")?.success(), "the tests of the page failed");
    Ok(())
}
