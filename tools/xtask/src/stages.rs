//! The stages of `test`: a table, and a function for each.

use anyhow::{Context, Result, bail, ensure};
use elman_emulator::{Firmware, Machine, Machines, Qemu, Toolchain};
use elman_figures::root;
use std::process::{Command, ExitCode};

use crate::{bench, boards, cuts, studio};

/// A stage, and what it needs beyond the host's compiler.
pub struct Stage {
    /// What the summary calls it.
    pub name: &'static str,
    /// Whether it takes toolchains of the cores and QEMU.
    pub on_cores: bool,
    /// Whether it runs next to those of the first lane, of which it needs nothing.
    pub second_lane: bool,
    /// Does it; an error is a failure.
    pub run: fn() -> Result<()>,
}

/// All stages, in their order. A new one is its line here and its function below.
pub const STAGES: &[Stage] = &[
    Stage { name: "format", on_cores: false, second_lane: false, run: format },
    Stage {
        name: "words, docs, floors",
        on_cores: false,
        second_lane: false,
        run: || cargo(&["test", "--quiet", "--profile", "xtask", "-p", "xtask"]),
    },
    Stage {
        name: "clippy, host",
        on_cores: false,
        second_lane: false,
        run: || cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Stage { name: "rustdoc", on_cores: false, second_lane: false, run: rustdoc },
    Stage { name: "features", on_cores: false, second_lane: false, run: features },
    Stage { name: "tests, host", on_cores: false, second_lane: false, run: tests },
    Stage { name: "cuts of the supply", on_cores: false, second_lane: false, run: || passes(cuts::cut(true)?) },
    Stage {
        name: "studio in Chromium",
        on_cores: false,
        second_lane: false,
        run: || passes(studio::short_check(None)?),
    },
    Stage { name: "clippy, thumb", on_cores: true, second_lane: true, run: clippy_thumb },
    Stage { name: "firmware with defmt", on_cores: true, second_lane: true, run: defmt },
    Stage { name: "boards", on_cores: true, second_lane: true, run: || passes(boards::build("", None)?) },
    Stage { name: "kernels = reference", on_cores: true, second_lane: true, run: kernels },
    Stage {
        name: "bit-exact, 1e3 steps",
        on_cores: true,
        second_lane: false,
        run: || measure(&["bitexact", "--steps", "1000"]),
    },
    Stage {
        name: "Turing machine, m4",
        on_cores: true,
        second_lane: false,
        run: || cargo(&["run", "--release", "-p", "elman-tools", "--", "turing", "--on", "m4"]),
    },
    Stage {
        name: "bindings",
        on_cores: true,
        second_lane: false,
        run: || measure(&["bindings", "--short", "--check"]),
    },
    Stage { name: "combinations", on_cores: true, second_lane: false, run: || measure(&["combinations"]) },
    Stage { name: "panics", on_cores: true, second_lane: false, run: || measure(&["panics", "--check"]) },
    Stage { name: "size", on_cores: true, second_lane: false, run: || measure(&["size", "--check"]) },
    Stage { name: "no 64-bit products, m0", on_cores: true, second_lane: false, run: || measure(&["no-mul64"]) },
    Stage {
        name: "instructions per step",
        on_cores: true,
        second_lane: false,
        run: || measure(&["bench", "mcu", "--check"]),
    },
    Stage {
        name: "keyword step by parts",
        on_cores: true,
        second_lane: false,
        run: || measure(&["bench", "profile", "--check"]),
    },
    Stage {
        name: "longest step, 2e3 steps",
        on_cores: true,
        second_lane: false,
        run: || measure(&["bench", "worst", "--cores", "m0,m3,m4,m55", "--steps", "2000", "--check"]),
    },
];

/// Runs a command to success.
fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{:?} does not start", command.get_program()))?;
    let words: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    ensure!(status.success(), "`{} {}` failed", command.get_program().to_string_lossy(), words.join(" "));
    Ok(())
}

fn host_cargo() -> Command {
    let mut command = bench::cargo();
    command.current_dir(root());
    command
}

fn cargo(arguments: &[&str]) -> Result<()> {
    succeed(host_cargo().args(arguments))
}

/// A verb of `elman-bench`.
fn measure(words: &[&str]) -> Result<()> {
    passes(bench::run(words)?)
}

fn passes(code: ExitCode) -> Result<()> {
    ensure!(code == ExitCode::SUCCESS, "failed, see above");
    Ok(())
}

fn tests() -> Result<()> {
    // Cargo shows what it builds; the tests themselves are quiet.
    cargo(&["test", "--release", "--workspace", "--exclude", "xtask", "--no-run"])?;
    cargo(&["test", "--quiet", "--release", "--workspace", "--exclude", "xtask"])
}

fn format() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    for folder in ["bindings/c", "bindings/python", "bindings/wasm", "boards"] {
        succeed(host_cargo().current_dir(root().join(folder)).args(["fmt", "--all", "--check"]))?;
    }
    Ok(())
}

fn rustdoc() -> Result<()> {
    // In the profile of the other stages, which have checked what it depends on.
    succeed(host_cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--release",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]))
}

/// Each feature of the crate alone. What reads the descriptor with `postcard` and without is compared by the core's own tests.
fn features() -> Result<()> {
    for set in ["", "defmt", "serde", "postcard"] {
        let check = ["clippy", "--quiet", "--release", "-p", "elman", "--features", set, "--", "-D", "warnings"];
        succeed(host_cargo().args(check))?;
    }
    Ok(())
}

fn clippy_thumb() -> Result<()> {
    let machines = Machines::find(None)?;
    on_each_core(&machines, |core, machine| {
        // The M7 and the M33 compile the lines of the M4; other stages build for them.
        if ["m7", "m33"].contains(&core) {
            return Ok(());
        }
        // Debian's compiler comes without clippy; its warnings are the same as the host's.
        let verb = if Toolchain::find(&machine.target) == Some(Toolchain::Installed) { "clippy" } else { "check" };
        let mut command = Toolchain::cargo(machine, core, machines.boards(), verb)?;
        // The core has lines for each of them; what runs on it has not.
        let packages = match core {
            "m4" => &["elman", "elman-messages", "elman-slots", "elman-board", "qemu-mps2", "panic-free"][..],
            _ => &["elman"],
        };
        command.args(["--quiet", "--release"]).args(packages.iter().flat_map(|name| ["-p", name]));
        if verb == "clippy" {
            command.args(["--", "-D", "warnings"]);
        }
        succeed(&mut command)
    })
}

/// Does something for every core, lanes at the same time. Each core has a target folder of its own.
fn on_each_core(machines: &Machines, work: impl Fn(&str, &Machine) -> Result<()> + Sync) -> Result<()> {
    let worker = |lane: usize| {
        let mut cores = machines.iter().filter(move |(_, machine)| machine.lane == lane);
        cores.try_for_each(|(core, machine)| work(core, machine))
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..Machines::lanes()).map(|lane| scope.spawn(move || worker(lane))).collect();
        workers.into_iter().try_for_each(|w| w.join().unwrap_or_else(|_| bail!("a stage panicked")))
    })
}

fn defmt() -> Result<()> {
    let machines = Machines::find(None)?;
    Firmware::build(&machines, "m4", "qemu-mps2", None, &["--features", "defmt"]).map(|_| ())
}

/// Every fast kernel on its core against the plain reference.
fn kernels() -> Result<()> {
    let machines = Machines::find(None)?;
    on_each_core(&machines, |core, machine| {
        let folder = tempfile::tempdir()?;
        // A build with int8 alone has a loop of its own.
        for formats in [&[][..], &["--features", "int4,int2"]] {
            let firmware = Firmware::build(&machines, core, "kernels", None, formats)?;
            let said = Qemu::find(machine)?.run(machine, &firmware, folder.path())?;
            println!("{core}: {}", said.trim());
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Each package that these arguments select, with its features.
    fn features(edges: &str, select: &[&str]) -> BTreeMap<String, String> {
        let mut tree = host_cargo();
        tree.args(["tree", "--edges", edges, "--prefix", "none", "--format", "{p}\t{f}"]).args(select);
        let output = tree.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('\t'));
        lines.map(|(package, features)| (package.to_owned(), features.to_owned())).collect()
    }

    /// A package that had other features in one selection would be compiled again for it, with all that is above it.
    #[test]
    fn every_stage_builds_with_the_same_features() {
        let all = features("normal,build,dev", &["--workspace", "--exclude", "xtask"]);
        for package in ["elman-tools", "elman-bench"] {
            let own = features("normal,build", &["--package", package]);
            assert!(own.len() > 50, "{package} has hardly any packages");
            let other: Vec<_> = own.iter().filter(|(name, features)| all.get(*name) != Some(features)).collect();
            assert!(other.is_empty(), "{package}: {other:?}");
        }
    }
}
