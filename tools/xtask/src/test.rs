//! `test`: all that CI checks, in stages, each timed.

use anyhow::{Context, Result, ensure};
use elman_tools::verify::{Firmware, Machines, Qemu, Toolchain};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::report::root;
use crate::setup::{Args, prepare};

/// A stage, and what it needs beyond the host's compiler.
struct Stage {
    name: &'static str,
    on_cores: bool,
    run: fn() -> Result<()>,
}

const STAGES: &[Stage] = &[
    Stage { name: "format", on_cores: false, run: format },
    Stage {
        name: "clippy, host",
        on_cores: false,
        run: || cargo(&["clippy", "--quiet", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Stage { name: "rustdoc", on_cores: false, run: rustdoc },
    Stage { name: "features", on_cores: false, run: features },
    Stage { name: "tests, host", on_cores: false, run: || cargo(&["test", "--quiet", "--release", "--workspace"]) },
    Stage { name: "clippy, thumb", on_cores: true, run: clippy_thumb },
    Stage { name: "firmware with defmt", on_cores: true, run: defmt },
    Stage { name: "boards", on_cores: true, run: || this(&["boards"]) },
    Stage { name: "kernels = twins", on_cores: true, run: kernels },
    Stage { name: "bit-exact, 1e3 steps", on_cores: true, run: || this(&["bitexact", "--steps", "1000"]) },
    Stage {
        name: "Turing machine, m4",
        on_cores: true,
        run: || cargo(&["run", "--quiet", "--release", "-p", "elman-tools", "--", "turing", "--on", "m4"]),
    },
    Stage { name: "combinations", on_cores: true, run: || this(&["combinations"]) },
    Stage { name: "panics", on_cores: true, run: || this(&["panics", "--check"]) },
    Stage { name: "size", on_cores: true, run: || this(&["size", "--check"]) },
    Stage { name: "no 64-bit products, m0", on_cores: true, run: || this(&["narrow"]) },
    Stage { name: "instructions per step", on_cores: true, run: || this(&["bench", "mcu", "--check"]) },
    Stage { name: "keyword step by parts", on_cores: true, run: || this(&["bench", "profile", "--check"]) },
    Stage {
        name: "longest step, 2e3 steps",
        on_cores: true,
        run: || this(&["bench", "worst", "--cores", "m0,m3,m4,m55", "--steps", "2000", "--check"]),
    },
];

/// Sets up, runs every stage and sums up; failure where one failed or could not run.
///
/// # Errors
/// Where the table of cores cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    let start = Instant::now();
    let missing = prepare(args)?;
    let mut lines = Vec::new();
    let mut failed = 0;
    for stage in STAGES {
        println!("== {}", stage.name);
        let begun = Instant::now();
        let outcome = match (stage.on_cores, missing.first()) {
            (true, Some(what)) => Err(anyhow::anyhow!("not run, {what}")),
            _ => (stage.run)(),
        };
        let verdict = match outcome {
            Ok(()) => "ok".to_owned(),
            Err(e) => {
                failed += 1;
                eprintln!("{e:#}");
                format!("FAILED: {}", e.to_string().lines().next().unwrap_or_default())
            }
        };
        lines.push(format!("{:<24}{:>7.1} s  {verdict}", stage.name, begun.elapsed().as_secs_f64()));
    }
    println!("\n{}", lines.join("\n"));
    let verdict = if failed == 0 { "all green".to_owned() } else { format!("{failed} failed") };
    println!("{} stages in {:.0} s: {verdict}", STAGES.len(), start.elapsed().as_secs_f64());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a command to success.
fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{:?} does not start", command.get_program()))?;
    let words: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    ensure!(status.success(), "`{} {}` failed", command.get_program().to_string_lossy(), words.join(" "));
    Ok(())
}

fn host_cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(root());
    command
}

fn cargo(arguments: &[&str]) -> Result<()> {
    succeed(host_cargo().args(arguments))
}

/// Another verb of this program.
fn this(arguments: &[&str]) -> Result<()> {
    succeed(Command::new(std::env::current_exe()?).args(arguments))
}

fn format() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    for folder in ["boards", "tests/fuzz"] {
        succeed(host_cargo().current_dir(root().join(folder)).args(["fmt", "--all", "--check"]))?;
    }
    Ok(())
}

fn rustdoc() -> Result<()> {
    succeed(host_cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--quiet",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]))
}

/// Each set of features of the crate: none, each alone. All together is what everything else builds.
fn features() -> Result<()> {
    const FEATURES: [&str; 12] = [
        "",
        "structures",
        "srn",
        "gru",
        "lstm",
        "residual",
        "tree-lstm",
        "pool,symbols",
        "delay",
        "backward",
        "feedback",
        "gain,cepstrum",
    ];
    for set in FEATURES {
        let check = ["check", "--quiet", "-p", "elman", "--no-default-features", "--features", set];
        succeed(host_cargo().env("RUSTFLAGS", "-D warnings").args(check))?;
    }
    // And what a build lacks it says.
    let lean = ["test", "--quiet", "--release", "-p", "elman", "--lib", "--no-default-features", "--features", "gru"];
    succeed(host_cargo().args(lean).arg("what_a_build_lacks"))
}

fn clippy_thumb() -> Result<()> {
    let machines = Machines::find(None)?;
    for (core, machine) in machines.iter() {
        // Debian's compiler comes without clippy; its warnings are the same as the host's.
        let verb = if Toolchain::find(&machine.target) == Some(Toolchain::Installed) { "clippy" } else { "check" };
        let mut command = Toolchain::cargo(machine, core, machines.boards(), verb)?;
        command.args(["--quiet", "--release", "-p", "elman-board", "-p", "qemu-mps2"]);
        // The firmware that is measured is one for Arm.
        if machine.target.starts_with("thumb") {
            command.args(["-p", "proof"]);
        }
        if verb == "clippy" {
            command.args(["--", "-D", "warnings"]);
        }
        succeed(&mut command)?;
    }
    Ok(())
}

fn defmt() -> Result<()> {
    let machines = Machines::find(None)?;
    Firmware::build(&machines, "m4", "qemu-mps2", None, &["--features", "defmt"]).map(|_| ())
}

/// The logic that boards share, against mocked pins and buses.
fn kernels() -> Result<()> {
    let machines = Machines::find(None)?;
    let folder = tempfile::tempdir()?;
    for (core, machine) in machines.iter() {
        let firmware = Firmware::build(&machines, core, "kernels", None, &[])?;
        let said = Qemu::find(machine)?.run(machine, &firmware, folder.path())?;
        println!("{core}: {}", said.trim());
    }
    Ok(())
}
