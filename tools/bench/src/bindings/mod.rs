//! `bindings`: the library for C on this machine and on emulated cores, its size and speed next to Rust's, and what is made of it for
//! Arduino, Zephyr and PlatformIO; the wheel for Python.

mod compare;
mod folders;
mod host;
mod python;
mod stack;
mod work;

use anyhow::{Context, Result, ensure};
use elman_export::{Core, Float, library};
use elman_figures::{Figures, Output};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Arguments of `bindings`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: Output,
    /// Write include/elman.h again, and stop
    #[arg(long)]
    header: bool,
    /// Write a zip of the libraries of all cores, for users without Rust, and stop
    #[arg(long, value_name = "ZIP")]
    libraries: Option<PathBuf>,
    /// What takes less than a minute: this machine, the M4, no Python
    #[arg(long)]
    short: bool,
    /// One part alone
    #[arg(long, value_name = "PART", value_parser = ["host", "cores", "panics", "folders", "python"])]
    only: Option<String>,
}

/// Cores whose examples run in QEMU, and how they give floats.
const CORES: &[(&str, Float)] =
    &[("m0", Float::Soft), ("m3", Float::Soft), ("m4", Float::Hard), ("m33", Float::Hard), ("m55", Float::Hard)];

/// Checks them, or writes what is asked for.
///
/// # Errors
/// Where something does not build, or gives other bits than Rust on this machine.
pub fn run(args: &Args) -> Result<ExitCode> {
    if args.header {
        header(&[])?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(path) = &args.libraries {
        let bytes = library::zip(|core, bytes| println!("{core:<10}{bytes:>9} bytes"))?;
        std::fs::write(path, &bytes).with_context(|| path.display().to_string())?;
        println!("wrote {}, {} bytes", path.display(), bytes.len());
        return Ok(ExitCode::SUCCESS);
    }
    let mut figures = Figures::new("bindings");
    let wanted = |part: &str| args.only.as_deref().is_none_or(|only| only == part);
    if wanted("host") {
        header(&["--check"])?;
        figures.line("elman.h is current");
        host::check(&mut figures)?;
    }
    let linked = work::there("arm-none-eabi-gcc");
    if !linked {
        figures.line(
            "arm-none-eabi-gcc is not installed: nothing ran on emulated cores (`cargo xtask setup` installs it)",
        );
    }
    let cores = if args.short { &CORES[2..3] } else { CORES };
    for (core, float) in cores.iter().filter(|_| linked && wanted("cores")) {
        compare::example(&mut figures, Core::find(core)?, *float, args.short)?;
        compare::measure(&mut figures, Core::find(core)?, *float)?;
        stack::check(&mut figures, Core::find(core)?, *float)?;
    }
    if !args.short && wanted("panics") {
        control(&mut figures)?;
    }
    if !args.short && linked && wanted("folders") {
        folders::check(&mut figures)?;
    }
    if !args.short && wanted("python") {
        python::check(&mut figures)?;
    }
    match args.short || args.only.is_some() || !linked {
        true => figures.finish_some(&args.output),
        false => figures.finish(&args.output),
    }
}

/// Runs the program that writes elman.h.
fn header(more: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(library::sources()?).args(["run", "--quiet", "--package", "elman-c-header", "--"]).args(more);
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| elman_figures::root().join("target"), PathBuf::from);
    command.env("CARGO_TARGET_DIR", std::path::absolute(target)?.join("boards/host"));
    ensure!(command.status().context("cargo does not start")?.success(), "elman.h is not as its sources are");
    Ok(())
}

/// A library with a planted index refers to what nothing defines: the check of the library's symbols finds panics.
fn control(figures: &mut Figures) -> Result<()> {
    let functions: Vec<&str> = library::functions().collect();
    let planted = library::compile(Core::find("m4")?, Float::Hard, None, &["planted"])?;
    let error = library::object(&planted, &functions).err().map(|e| e.to_string()).unwrap_or_default();
    ensure!(error.contains("elman_a_panic_is_reachable"), "a planted index is not found: {error}");
    figures.line("no panic is reachable in any function; with a planted index the library is rejected, as it must be");
    Ok(())
}
