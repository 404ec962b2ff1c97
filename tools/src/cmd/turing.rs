//! `elman turing`: a Turing machine as a recurrent network, on the host and on an emulated core.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::cmd::verify;
use crate::ui::{Ui, bytes, thousands};
use elman_data::files::{check_place, write_atomically};
use elman_recipe::Usage;
use elman_verify::turing::{Construction, Machine, inputs, simulate};
use elman_verify::{Options, VerifyReport, run};

/// The example machine, used where no file is named.
const LECTURE: &str = include_str!("../../machines/lecture.toml");

/// Constructs the weights of a network that simulates a Turing machine, and runs both.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman turing --tape 11101111 --cells 12 --on m4")]
pub struct Cmd {
    /// The machine; by default tools/machines/lecture.toml
    pub machine: Option<PathBuf>,
    /// The tape at the beginning: symbols of one character each, or separated by blanks
    #[arg(long)]
    pub tape: Option<String>,
    /// Cells of the tape
    #[arg(long)]
    pub cells: Option<usize>,
    /// Most steps of the machine
    #[arg(long, default_value_t = 1000)]
    pub steps: usize,
    /// Writes the network's blob to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Runs it on an emulated core as well: m3, m4, m7, m33
    #[arg(long, value_name = "CORE")]
    pub on: Option<String>,
    /// The repository's folder `boards`
    #[arg(long, value_name = "DIR")]
    pub boards: Option<PathBuf>,
}

/// Most bytes of all configurations of a machine.
const MOST_BYTES: usize = 1 << 30;

#[derive(Serialize)]
struct Report<'a> {
    machine: &'a str,
    /// State and tape after each step, the first before the first step.
    configurations: Vec<Shown<'a>>,
    units: usize,
    connections: usize,
    network_steps: usize,
    blob_bytes: usize,
    verify: Option<&'a VerifyReport>,
}

#[derive(Serialize)]
struct Shown<'a> {
    state: &'a str,
    tape: Vec<&'a str>,
    head: usize,
    halted: bool,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        self.out.as_deref().map_or(Ok(()), check_place)?;
        let machine = self.read()?;
        let cells = machine.start.tape.len();
        let most = MOST_BYTES / (64 + size_of::<usize>() * cells);
        ensure!(
            self.steps <= most,
            Usage(format!("--steps {}: {most} at most, as all tapes are kept, of {cells} cells each", self.steps))
        );
        let simulation = simulate(&machine, self.steps)?;
        let construction = Construction::new(&machine);
        for (step, configuration) in simulation.configurations.iter().enumerate() {
            ui.line(format!("{step:>5}  {}", machine.show(configuration)));
        }
        ui.line(format!(
            "{}: {} steps of the machine in {} of the network, equal at each",
            machine.name,
            thousands(simulation.configurations.len() as u64 - 1),
            thousands(simulation.steps as u64),
        ));
        ui.line(format!(
            "{} units, {} connections, blob {}",
            thousands(construction.units() as u64),
            thousands(construction.connections() as u64),
            bytes(simulation.blob.len())
        ));
        if let Some(out) = &self.out {
            write_atomically(out, &simulation.blob)?;
            ui.line(format!("blob written to {}", out.display()));
        }
        let board = match &self.on {
            Some(core) => {
                let frames = inputs(&construction, &machine, simulation.configurations.len() - 1);
                let report =
                    run(&simulation.blob, core, &[frames], &Options { boards: self.boards, ..Options::default() })?;
                verify::show(&report, ui);
                Some(report)
            }
            None => None,
        };
        let shown = simulation.configurations.iter().map(|c| Shown {
            state: &machine.states[c.state],
            tape: c.tape.iter().map(|&s| machine.symbols[s].as_str()).collect(),
            head: c.head,
            halted: c.halted,
        });
        ui.result(&Report {
            machine: &machine.name,
            configurations: shown.collect(),
            units: construction.units(),
            connections: construction.connections(),
            network_steps: simulation.steps,
            blob_bytes: simulation.blob.len(),
            verify: board.as_ref(),
        })?;
        match board {
            Some(report) if !report.bit_exact() => {
                bail!("{} of {} steps differ from the host", report.mismatches, report.steps)
            }
            _ => Ok(()),
        }
    }

    fn read(&self) -> Result<Machine> {
        let (name, text) = match &self.machine {
            None => ("the example machine".to_owned(), LECTURE.to_owned()),
            Some(path) => {
                let text = elman_data::files::text(path)
                    .with_context(|| format!("cannot read the machine {}", path.display()))?;
                (path.display().to_string(), text)
            }
        };
        let machine = Machine::parse(&text).map_err(|e| Usage(format!("{name}: {e}")))?;
        if self.tape.is_none() && self.cells.is_none() {
            return Ok(machine);
        }
        let symbols: Vec<String> = match &self.tape {
            None => machine.start.tape.iter().map(|&s| machine.symbols[s].clone()).collect(),
            Some(tape) if tape.contains(char::is_whitespace) => tape.split_whitespace().map(str::to_owned).collect(),
            Some(tape) => tape.chars().map(String::from).collect(),
        };
        let cells = self.cells.unwrap_or(machine.start.tape.len());
        Ok(machine.with_tape(&symbols, cells).map_err(|e| Usage(format!("--tape, --cells: {e}")))?)
    }
}
