//! Packages of Debian and Ubuntu: installed where nothing has to go for them, else unpacked into a folder of the user's.

use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::Command;

use super::steps::{Consent, Log, ask, available, succeeds};

/// Packages that would have to go.
#[derive(Debug, PartialEq, Eq)]
pub struct InTheWay {
    wanted: String,
    packages: Vec<String>,
}

impl std::fmt::Display for InTheWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "installing {} would remove {}, which stays", self.wanted, self.packages.join(", "))
    }
}

impl std::error::Error for InTheWay {}

/// `apt-get`, in English and without questions; as root, where it `changes` the system.
fn apt_get(changes: bool) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    let mut command = Command::new(if changes && !root { "sudo" } else { "env" });
    if changes && !root {
        command.arg("env");
    }
    command.args(["LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}

/// Those of `names` that are not installed.
fn absent<'n>(names: &[&'n str]) -> Result<Vec<&'n str>> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"]).args(names);
    let output = query.output().context("dpkg-query does not start")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let there = |name: &str| text.lines().any(|l| l.split_once(' ') == Some((name, "installed")));
    Ok(names.iter().filter(|name| !there(name)).copied().collect())
}

/// What has to go, as a simulation says it: lines `Remv NAME [VERSION]`.
fn removed(simulation: &str) -> Vec<String> {
    let name = |line: &str| line.strip_prefix("Remv ").and_then(|l| l.split(' ').next()).map(str::to_owned);
    simulation.lines().filter_map(name).collect()
}

/// What installing `names` would remove; `None` where apt does not know how to install them.
fn simulate(names: &[&str]) -> Result<Option<Vec<String>>> {
    let output = apt_get(false).args(["install", "--simulate", "--no-install-recommends"]).args(names).output();
    let output = output.context("apt-get does not start")?;
    Ok(output.status.success().then(|| removed(&String::from_utf8_lossy(&output.stdout))))
}

/// Installs packages. Nothing is removed and nothing replaced by an older version.
///
/// # Errors
/// [`InTheWay`] where something would have to go; where apt is not there, may not, or fails, whose log is named.
pub fn install(names: &[&str], consent: Consent, log: &Log) -> Result<()> {
    let list = names.join(" ");
    if !Path::new("/etc/debian_version").exists() || !available("apt-get") {
        bail!("install it with your system's package manager (on Debian and Ubuntu: {list})");
    }
    let mut plan = simulate(names)?;
    if plan.is_none() {
        // The lists may not be there.
        ensure!(ask("apt-get update", consent)?, "not installed: run `apt-get update` and `apt-get install {list}`");
        succeeds(apt_get(true).arg("update"), log);
        plan = simulate(names)?;
    }
    match plan {
        None => bail!("apt-get knows no way to install {list}: `apt-get install --simulate {list}` says why"),
        Some(packages) if !packages.is_empty() => return Err(InTheWay { wanted: list, packages }.into()),
        Some(_) => {}
    }
    ensure!(ask(&format!("apt-get install {list}"), consent)?, "not installed: run `apt-get install {list}`");
    // What a simulation finds may be too old to be downloaded.
    let run = || {
        succeeds(
            apt_get(true)
                .args(["install", "--yes", "--no-remove", "--no-upgrade", "--no-install-recommends"])
                .args(names),
            log,
        )
    };
    ensure!(
        run() || (succeeds(apt_get(true).arg("update"), log) && run()),
        "`apt-get install {list}` failed; {log} says why"
    );
    Ok(())
}

/// Direct dependencies of a package, as `apt-cache depends` lists them: lines `  Depends: NAME`.
fn dependencies(listing: &str) -> Vec<String> {
    listing
        .lines()
        .filter_map(|l| l.trim().strip_prefix("Depends: "))
        .filter(|n| !n.starts_with('<'))
        .map(str::to_owned)
        .collect()
}

/// Unpacks a package into `folder`, with those of its dependencies whose names begin with `family`; the libraries that it needs
/// besides are installed.
///
/// # Errors
/// Where apt may not or fails; its log is named.
pub fn unpack(package: &str, family: &str, folder: &Path, consent: Consent, log: &Log) -> Result<()> {
    let output = Command::new("apt-cache")
        .env("LC_ALL", "C")
        .args([
            "depends",
            "--no-recommends",
            "--no-suggests",
            "--no-conflicts",
            "--no-breaks",
            "--no-replaces",
            package,
        ])
        .output()
        .context("apt-cache does not start")?;
    let needed = dependencies(&String::from_utf8_lossy(&output.stdout));
    let (family, libraries): (Vec<&str>, Vec<&str>) =
        needed.iter().map(String::as_str).partition(|name| name.starts_with(family));
    ensure!(
        ask(&format!("unpack {package} into {} instead", folder.display()), consent)?,
        "not unpacked: run `apt-get download {package}` and `dpkg-deb -x`"
    );
    let libraries = absent(&libraries)?;
    if !libraries.is_empty() {
        install(&libraries, consent, log).context("its libraries")?;
    }
    let downloads = tempfile::tempdir().context("a temporary folder for packages")?;
    // As root, apt downloads as a user of its own unless it is told otherwise, who may not write here.
    let download = |names: &[&str]| {
        let mut command = apt_get(false);
        command.current_dir(downloads.path()).args(["-o", "APT::Sandbox::User=root", "download"]);
        succeeds(command.args(names), log)
    };
    let names: Vec<&str> = [package].into_iter().chain(family).collect();
    let fresh = download(&names) || (succeeds(apt_get(true).arg("update"), log) && download(&names));
    ensure!(fresh, "`apt-get download {}` failed; {log} says why", names.join(" "));
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for entry in std::fs::read_dir(downloads.path()).context("the downloaded packages")? {
        let file = entry?.path();
        ensure!(
            succeeds(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder), log),
            "`dpkg-deb -x {}` failed; {log} says why",
            file.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_simulation_removes_is_in_the_way() {
        let text =
            "Remv qemu-utils [1:10.0.2]\nInst qemu-system-arm (1:7.2 Debian [amd64])\nConf qemu-system-arm (1:7.2)\n";
        assert_eq!(removed(text), ["qemu-utils"]);
        assert!(removed("Inst a (1)\nConf a (1)\n").is_empty());
        let way = InTheWay { wanted: "a".to_owned(), packages: removed(text) };
        assert_eq!(way.to_string(), "installing a would remove qemu-utils, which stays");
    }

    #[test]
    fn dependencies_are_read_from_a_listing() {
        let text = "qemu-system-arm\n  Depends: libc6\n |Depends: a\n  Depends: qemu-system-data\n  Depends: <virtual>\n  Suggests: b\n";
        assert_eq!(dependencies(text), ["libc6", "qemu-system-data"]);
    }
}
