//! Subcommands, one file each.

pub mod calibrate;
pub mod data;
pub mod demo;
mod dry_run;
pub mod eval;
pub mod export;
mod export_c;
mod export_float;
pub mod flash;
pub mod generate;
pub mod import;
mod import_encoding;
pub mod inspect;
pub mod keys;
pub mod listen;
mod loss_unit;
pub mod mix;
pub mod neighbours;
pub mod operating_point;
pub mod probe;
pub mod quantize;
pub mod quantize_auto;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod run_text;
mod run_trace;
mod run_tree;
mod samples;
pub mod send;
pub mod sign;
pub mod studio;
pub mod sweep;
pub mod synth;
pub mod train;
pub mod turing;
pub mod verify;
pub mod word;

use anyhow::Result;

use crate::ui::{Ui, printed};

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong flags, recipe or names, 130 interrupted twice";

/// Recurrent networks for microcontrollers: trained, quantized, verified on the chip.
#[derive(clap::Parser, Debug)]
#[command(name = "elman", version, about, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// One JSON object on stdout (`listen`: one a line for each event), everything else on stderr
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Declares the subcommands: adding one is its file and its line here.
macro_rules! commands {
    ($($variant:ident => $module:ident),* $(,)?) => {
        #[derive(clap::Subcommand, Debug)]
        enum Command {
            $($variant($module::Cmd),)*
        }

        impl Cli {
            /// Runs the command.
            ///
            /// # Errors
            /// The error of the command, in sentences.
            pub fn run(self) -> Result<()> {
                let ui = Ui { json: self.json, ..Ui::default() };
                match self.command {
                    $(Command::$variant(cmd) => cmd.run(ui),)*
                }?;
                printed()
            }
        }
    };
}

commands! {
    Demo => demo,
    Train => train,
    Sweep => sweep,
    Import => import,
    Quantize => quantize,
    Eval => eval,
    Run => run,
    Inspect => inspect,
    Neighbours => neighbours,
    Probe => probe,
    Verify => verify,
    Export => export,
    Flash => flash,
    Keys => keys,
    Sign => sign,
    Send => send,
    Generate => generate,
    Calibrate => calibrate,
    Mix => mix,
    Replay => replay,
    Listen => listen,
    Record => record,
    Synth => synth,
    Word => word,
    Data => data,
    Turing => turing,
    Studio => studio,
}
