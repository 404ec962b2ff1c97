//! Subcommands, one file each.

pub mod export;
pub mod inspect;

use anyhow::Result;

use crate::ui::Ui;

/// Recurrent networks for microcontrollers: trained, quantized, verified on the chip.
#[derive(clap::Parser, Debug)]
#[command(name = "elman", version, about, propagate_version = true)]
pub struct Cli {
    /// One JSON object on stdout, all else on stderr
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Inspect(inspect::Cmd),
    Export(export::Cmd),
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever went wrong, in sentences.
    pub fn run(self) -> Result<()> {
        let ui = Ui { json: self.json };
        match self.command {
            Command::Inspect(cmd) => cmd.run(ui),
            Command::Export(cmd) => cmd.run(ui),
        }
    }
}

/// Wrong usage found behind the parsing of flags: exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
