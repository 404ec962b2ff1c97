//! `mpi`: one training run on several ranks has the bits of one process, also where a rank is killed on the way.

use anyhow::{Context, Result, bail, ensure};
use elman_figures::root;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::bench::cargo;
use crate::flags::{Flags, unknown};

/// Flags of `mpi`.
pub const FLAGS: &str = "      --ranks N,N  How many ranks (1,2,4)
      --hosts      Also on two hosts that are network namespaces; for root, with iproute2";

const INSTALL: &str = "install Open MPI and libclang: `sudo apt install libopenmpi-dev openmpi-bin libclang-dev`";

/// A network whose shards differ in their number from batch to batch.
const RECIPE: &str = "[data]\ngenerate = \"adding\"\nsteps = 60\ncount = 1500\n[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", \
                      units = 48, dropout = 0.1 }, { layer = \"pool\", over = \"last\" }, { layer = \"dense\", outputs = 1 }]\n[train]\n\
                      loss = \"squared-error\"\nwatch = \"loss\"\nepochs = 8\nbatch = 64\nshard = 8\n";

/// Builds `elman` with MPI, and compares.
///
/// # Errors
/// Where MPI is not installed, the build fails, or a bit differs.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut ranks, mut hosts) = ("1,2,4".to_owned(), false);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "ranks" => ranks = flags.value()?,
            "hosts" => hosts = true,
            _ => return Err(unknown(&name)),
        }
    }
    let ranks: Vec<usize> = ranks
        .split(',')
        .map(|n| n.parse().with_context(|| format!("--ranks {ranks}: {n:?} is no number")))
        .collect::<Result<_>>()?;
    for program in ["mpirun", "mpicc"] {
        let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        ensure!(there.is_ok(), "there is no {program}; {INSTALL}");
    }
    let place = tempfile::tempdir()?;
    let test = Test { elman: build(place.path())?, dir: place.path().to_owned() };
    std::fs::write(test.dir.join("r.toml"), RECIPE)?;
    let seconds = test.whole("alone", None, 1)?;
    println!("one process, 1 thread: {seconds:.2} s");
    for &count in &ranks {
        for threads in [1, 2] {
            let name = format!("{count}-{threads}");
            let seconds = test.whole(&name, Some(count), threads)?;
            test.same(&name)?;
            println!("{count} ranks, {threads} threads each: {seconds:.2} s, the same bits");
        }
    }
    test.killed(ranks.iter().copied().max().unwrap_or(2).max(2))?;
    println!("a rank killed: the run ended, was resumed with 2 ranks, and has the same bits");
    if hosts {
        let seconds = test.on_hosts()?;
        println!("2 ranks on two hosts over TCP: {seconds:.2} s, the same bits");
    }
    Ok(ExitCode::SUCCESS)
}

/// Network namespaces with the addresses of their ends of a cable.
const HOSTS: [(&str, &str, &str); 2] = [("elman-a", "elman-va", "10.77.0.1"), ("elman-b", "elman-vb", "10.77.0.2")];

/// Two hosts, until it is dropped.
struct Hosts;

fn ip(words: &[&str]) -> Result<()> {
    let status = Command::new("ip").args(words).status().context("there is no `ip`; install iproute2")?;
    ensure!(status.success(), "`ip {}` failed; it takes root", words.join(" "));
    Ok(())
}

impl Hosts {
    fn start() -> Result<Self> {
        for (host, ..) in HOSTS {
            ip(&["netns", "add", host])?;
        }
        let hosts = Hosts;
        let [(_, a, _), (_, b, _)] = HOSTS;
        ip(&["link", "add", a, "type", "veth", "peer", "name", b])?;
        for (host, cable, address) in HOSTS {
            ip(&["link", "set", cable, "netns", host])?;
            ip(&["-n", host, "addr", "add", &format!("{address}/24"), "dev", cable])?;
            ip(&["-n", host, "link", "set", cable, "up"])?;
            ip(&["-n", host, "link", "set", "lo", "up"])?;
        }
        Ok(hosts)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for (host, ..) in HOSTS {
            // The cable goes with them.
            let _ = ip(&["netns", "del", host]);
        }
    }
}

/// Builds the program, and takes it out of the way of other builds.
fn build(to: &Path) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--release", "--package", "elman-tools", "--features", "mpi", "--manifest-path"]);
    let status = command.arg(root().join("Cargo.toml")).status().context("cargo does not start")?;
    ensure!(status.success(), "the build with --features mpi failed, see above; {INSTALL}");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let elman = to.join("elman");
    std::fs::copy(target.join("release/elman"), &elman).context("the program that was built is not there")?;
    Ok(elman)
}

struct Test {
    elman: PathBuf,
    dir: PathBuf,
}

impl Test {
    /// The command line of a rank.
    fn words(&self, run: &str, threads: usize) -> Vec<String> {
        let elman = self.elman.display().to_string();
        let words = ["train", "r.toml", "--data", ".", "--out", run, "--threads", &threads.to_string()];
        [elman].into_iter().chain(words.map(str::to_owned)).collect()
    }

    /// `mpirun`, which may be root's and may have more ranks than processors here.
    fn mpirun(&self) -> Command {
        let mut command = Command::new("mpirun");
        command.current_dir(&self.dir).stdout(Stdio::null()).stderr(Stdio::piped());
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.args(["--oversubscribe", "--bind-to", "none"]);
        command
    }

    /// A whole run; its seconds.
    fn whole(&self, run: &str, ranks: Option<usize>, threads: usize) -> Result<f64> {
        let words = self.words(run, threads);
        let mut command = match ranks {
            Some(ranks) => {
                let mut command = self.mpirun();
                command.args(["-n", &ranks.to_string()]).args(&words);
                command
            }
            None => {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]).current_dir(&self.dir).stdout(Stdio::null());
                command
            }
        };
        let begun = Instant::now();
        let out = command.output().context("it does not start")?;
        ensure!(out.status.success(), "{run}: {}", String::from_utf8_lossy(&out.stderr));
        Ok(begun.elapsed().as_secs_f64())
    }

    /// A run of two ranks, each on a host of its own, which reach each other by TCP alone; its seconds.
    fn on_hosts(&self) -> Result<f64> {
        let _hosts = Hosts::start()?;
        let [(first, _, a), (second, _, b)] = HOSTS;
        // What mpirun starts on another host by.
        let agent = self.dir.join("agent.sh");
        let dir = self.dir.display();
        let script = format!(
            "host=$1; shift\ncase $host in {b}) ns={second};; *) ns={first};; esac\nexec ip netns exec $ns sh -c \"cd {dir}; $*\"\n"
        );
        std::fs::write(&agent, script)?;
        let agent = format!("sh {}", agent.display());
        let mut command = Command::new("ip");
        command.current_dir(&self.dir).stdout(Stdio::null()).stderr(Stdio::piped());
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.args(["netns", "exec", first, "mpirun", "--bind-to", "none", "--mca", "plm_rsh_agent", &agent]);
        command.args(["--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "10.77.0.0/24"]);
        command.args(["--mca", "oob_tcp_if_include", "10.77.0.0/24", "-H", &format!("{a}:1,{b}:1"), "-n", "2"]);
        let begun = Instant::now();
        let out = command.args(self.words("hosts", 1)).output().context("mpirun does not start")?;
        ensure!(out.status.success(), "two hosts: {}", String::from_utf8_lossy(&out.stderr));
        let seconds = begun.elapsed().as_secs_f64();
        self.same("hosts")?;
        Ok(seconds)
    }

    /// Whether a run is that of one process.
    fn same(&self, run: &str) -> Result<()> {
        for file in ["weights.safetensors", "metrics.jsonl"] {
            let read =
                |run: &str| std::fs::read(self.dir.join(run).join(file)).with_context(|| format!("{run}/{file}"));
            ensure!(read("alone")? == read(run)?, "{run}/{file} differs from that of one process");
        }
        Ok(())
    }

    /// Kills the last rank after the first epoch, and resumes.
    fn killed(&self, ranks: usize) -> Result<()> {
        let words = self.words("dead", 1);
        let mut command = self.mpirun();
        command.args(["-n", &(ranks - 1).to_string()]).args(&words).args([":", "-n", "1", "sh", "-c"]);
        command.args(["echo $$ > pid; exec \"$0\" \"$@\""]).args(&words);
        let child = command.spawn().context("mpirun does not start")?;
        self.kill_after_an_epoch(child)?;
        let mut again = self.mpirun();
        let elman = self.elman.display().to_string();
        again.args(["-n", "2", &elman, "train", "--resume", "--data", ".", "--out", "dead"]);
        let out = again.output().context("mpirun does not start")?;
        ensure!(out.status.success(), "resuming: {}", String::from_utf8_lossy(&out.stderr));
        self.same("dead")
    }

    fn kill_after_an_epoch(&self, mut child: Child) -> Result<()> {
        let begun = Instant::now();
        while !self.dir.join("dead/metrics.jsonl").exists() {
            ensure!(begun.elapsed() < Duration::from_secs(60), "no epoch was done in 60 s");
            if let Some(status) = child.try_wait()? {
                bail!("the ranks ended before the first epoch: {status}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let pid = std::fs::read_to_string(self.dir.join("pid")).context("the last rank has no number")?;
        Command::new("kill").args(["-9", pid.trim()]).status().context("there is no `kill`")?;
        let out = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        ensure!(!out.status.success(), "the ranks went on without the one that was killed");
        ensure!(said.contains("resume with"), "rank 0 does not say how to resume: {said}");
        Ok(())
    }
}
