//! `elman sweep`: many runs that differ in keys of the recipe, by any number of workers.

mod report;
mod work;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::interrupt::{interrupted, watch_whole};
use crate::ui::{Progress, Ui};
use elman_pipeline as pipeline;
use elman_recipe::Usage;
use elman_sweep::{Plan, SweepFolder, Worker, standing};
use work::Work;

/// Trains many networks that differ in keys of the recipe: a grid, settings drawn at random, or successive halving, each with several
/// seeds. Workers, on one machine or many, share the folder; the same command again goes on where all of them were ended.
#[derive(clap::Args, Clone, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  elman sweep sweep.toml --data ~/data/fsdd --to sweeps/fsdd --workers 2\n  elman sweep report sweeps/fsdd\n\nA sweep.toml: recipe = \"fsdd.toml\", search = \"grid\", seeds = [1, 2, 3], and [axes] with train.rate = [1e-3, 3e-3]: docs/scale.md"
)]
pub struct Cmd {
    #[command(subcommand)]
    action: Option<Action>,
    /// The sweep: recipe, search, seeds and axes
    #[arg(value_name = "SWEEP.toml", required = true)]
    pub sweep: Option<PathBuf>,
    /// Folder of the corpus
    #[arg(long, value_name = "DIR", required = true)]
    pub data: Option<PathBuf>,
    /// Folder of the sweep, which workers share
    #[arg(long, value_name = "FOLDER", required = true)]
    pub to: Option<PathBuf>,
    /// Processes on this machine that work on it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub workers: usize,
    /// Seconds without a heartbeat after which a worker on another machine is dead
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub stale: f64,
    /// Ends where nothing is left to claim, though others still work and may be killed
    #[arg(long)]
    pub no_wait: bool,
    /// Leaves out files that cannot be read, and says which
    #[arg(long)]
    pub skip_bad: bool,
    /// One of the processes of --workers
    #[arg(long, hide = true)]
    pub child: bool,
    /// Takes this as the name of the machine
    #[arg(long, hide = true)]
    pub machine: Option<String>,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Action {
    /// Shows the results so far: mean and spread over seeds, and the frontier of flash and instructions against the figure
    #[command(after_help = "Example:\n  elman sweep report sweeps/fsdd")]
    Report {
        /// Folder of the sweep
        folder: PathBuf,
    },
}

/// How often a worker without work looks again.
const AGAIN: Duration = Duration::from_millis(200);

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        if let Some(Action::Report { folder }) = &self.action {
            return report::show(&SweepFolder::open(folder)?, ui);
        }
        let (Some(sweep), Some(data), Some(to)) = (&self.sweep, &self.data, &self.to) else {
            bail!(Usage("name SWEEP.toml, --data and --to".to_owned()))
        };
        ensure!((1..=1024).contains(&self.workers), Usage("--workers is from 1 to 1024".to_owned()));
        ensure!(
            self.stale >= 0.5 && self.stale <= 86_400.0,
            Usage("--stale is from 0.5 to 86400 seconds; a heartbeat comes five times as often".to_owned())
        );
        let plan = Plan::read(sweep, || pipeline::default_recipe(data))?;
        let (folder, plan) = SweepFolder::open_or_make(to, &plan)?;
        let hint = format!(
            "interrupted; the same command goes on: `elman sweep {} --data {} --to {}`",
            sweep.display(),
            data.display(),
            to.display()
        );
        if self.child {
            return self.work(&folder, &plan, data, hint, None);
        }
        let (results, start) = (folder.results()?, std::time::Instant::now());
        let done = standing(&plan, &results).done;
        ui.note(format!(
            "{}: {} settings, {} seeds, {} jobs, {done} of them done",
            to.display(),
            plan.settings.len(),
            plan.seeds(),
            plan.jobs()
        ));
        let mut shown = ui.progress("job", plan.jobs() as u64);
        match self.workers {
            1 => self.work(&folder, &plan, data, hint, Some(&mut shown))?,
            _ => self.start(&folder, &plan, hint, &mut shown)?,
        }
        shown.finish();
        let seconds = start.elapsed().as_secs_f64();
        ui.note(format!("{:.0} s, {} jobs by this command", seconds, folder.results()?.len() - results.len()));
        report::show(&folder, ui)
    }

    /// Works here, until nothing is left.
    fn work(
        &self,
        folder: &SweepFolder,
        plan: &Plan,
        data: &Path,
        hint: String,
        shown: Option<&mut Progress>,
    ) -> Result<()> {
        let stale = Duration::from_secs_f64(self.stale);
        let worker = Worker::begin(folder, stale, self.machine.clone(), move |job| {
            eprintln!(
                "error: another worker took over job {job}: the heartbeat of this one had stopped for longer than --stale; it ends, \
                 and starting it again is safe"
            );
            std::process::exit(1);
        })?;
        let worker = Arc::new(worker);
        let last = Arc::clone(&worker);
        let said = hint.clone();
        watch_whole(move || {
            last.end();
            said
        });
        let mut work = Work::new(&worker, folder, plan, data, self.skip_bad);
        let done = work.all(!self.no_wait, shown);
        worker.end();
        match interrupted() {
            true => bail!(hint),
            false => done,
        }
    }

    /// Starts the processes, and waits for them.
    fn start(&self, folder: &SweepFolder, plan: &Plan, hint: String, shown: &mut Progress) -> Result<()> {
        let mut children = (0..self.workers).map(|_| self.child()).collect::<Result<Vec<_>>>()?;
        let (said, pids) = (hint.clone(), children.iter().map(Child::id).collect::<Vec<_>>());
        // Twice would end them without their last words.
        let asked = Arc::new(AtomicBool::new(false));
        let ask = move || {
            if !asked.swap(true, Ordering::SeqCst) {
                end(&pids);
            }
        };
        let last = ask.clone();
        watch_whole(move || {
            last();
            said
        });
        let mut failed = Vec::new();
        while !children.is_empty() {
            if interrupted() {
                ask();
            }
            let mut running = Vec::new();
            for mut child in children {
                match child.try_wait().context("cannot wait for a worker")? {
                    None => running.push(child),
                    Some(status) if status.success() => {}
                    Some(_) if interrupted() => {}
                    Some(status) => {
                        eprintln!("note: worker {} ended early: {status}; the others take over its job", child.id());
                        failed.push(status);
                    }
                }
            }
            children = running;
            shown.set(standing(plan, &folder.results()?).done as u64, "");
            std::thread::sleep(AGAIN);
        }
        if interrupted() {
            bail!(hint);
        }
        let finished = standing(plan, &folder.results()?).finished;
        ensure!(
            finished || (failed.is_empty() && self.no_wait),
            "{} of {} workers ended early, see above; the same command goes on where they were",
            failed.len(),
            self.workers
        );
        Ok(())
    }

    /// A process like this one that works alone.
    fn child(&self) -> Result<Child> {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        let mut command = Command::new(program);
        command.arg("sweep").args(self.sweep.iter());
        for (flag, path) in [("--data", &self.data), ("--to", &self.to)] {
            command.arg(flag).args(path.iter());
        }
        command.args(["--child", "--stale", &self.stale.to_string()]);
        command.args(self.no_wait.then_some("--no-wait")).args(self.skip_bad.then_some("--skip-bad"));
        if let Some(machine) = &self.machine {
            command.args(["--machine", machine]);
        }
        // They share the processors; the result does not depend on threads.
        if std::env::var_os("RAYON_NUM_THREADS").is_none() {
            let all = std::thread::available_parallelism().map_or(1, usize::from);
            command.env("RAYON_NUM_THREADS", (all / self.workers).max(1).to_string());
        }
        // A Ctrl-C goes to this process, which ends them.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(std::process::Stdio::null());
        command.spawn().context("a worker does not start")
    }
}

/// Asks processes of this one to end.
fn end(pids: &[u32]) {
    #[cfg(unix)]
    for pid in pids {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(*pid).unwrap_or(i32::MAX));
        // One that has ended needs no signal.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
    }
    #[cfg(not(unix))]
    let _ = pids;
}
