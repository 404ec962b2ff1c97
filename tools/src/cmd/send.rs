//! `elman send`: a new model for a board that runs, over its serial port.

use anyhow::{Context, Result, ensure};
use elman_flash::key::{Key, id_text};
use elman_flash::sealed::Sealed;
use elman_quant::model::ModelFile;
use elman_recipe::Usage;
use elman_verify::{Port, Status};
use serde::Serialize;
use std::io::{Read, Write};
use std::path::PathBuf;

use super::sign::{counter, packed, signed};
use super::verify::{PortFlags, note_repeats};
use crate::ui::{Ui, thousands};

/// Sends a model to a board that runs, which tries it at its next start and keeps it once it has worked.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman send keywords-7.signed --port /dev/ttyACM0\n  elman send runs/keywords --port /dev/ttyACM0 --key ~/keys/toys.key\n  elman send --status --port /dev/ttyACM0\n\nA transfer that was broken off goes on where it was, if the board was not restarted."
)]
pub struct Cmd {
    /// A signed model, a blob, or a run folder
    #[arg(required_unless_present = "status")]
    pub model: Option<PathBuf>,
    /// The board's serial port
    #[arg(long, value_name = "PORT")]
    pub port: String,
    /// How long the board is waited for.
    #[command(flatten)]
    pub patience: PortFlags,
    /// The secret key, for a board that takes signed models, where the model is not signed yet
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// By default one more than the highest that the board has had
    #[arg(long)]
    pub counter: Option<u32>,
    /// The board, for whose core the weights are packed; by default as they are in the blob
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// Does not restart the board
    #[arg(long)]
    pub no_restart: bool,
    /// Shows what the board has, and sends nothing
    #[arg(long, conflicts_with_all = ["model", "key", "counter", "board", "no_restart"])]
    pub status: bool,
}

#[derive(Serialize)]
struct Report {
    signed: bool,
    running: Option<u32>,
    confirmed: bool,
    highest: u32,
    room: u32,
    bytes_sent: usize,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let mut board = Port::open(&self.port, self.patience.patience())?;
        let (_, before) = board.slots()?;
        let Some(model) = &self.model else {
            show(&before, ui);
            return ui.result(&report(&before, 0));
        };
        let sealed = match signed(model)? {
            Some(sealed) => sealed,
            None => self.sealed(&ModelFile::read(model)?, &before)?,
        };
        let header = sealed.header()?;
        let total = sealed.blob.len();
        let mut shown = 0;
        let sent = board.send(&sealed, &mut |received| {
            let tenth = received as usize * 10 / total.max(1);
            if tenth > shown || received == 0 {
                shown = tenth;
                ui.note(format!("{} of {} bytes", thousands(received.into()), thousands(total as u64)));
            }
        })?;
        if sent.before > 0 {
            ui.note(format!("note: {} bytes were there from a transfer that was broken off", sent.before));
        }
        ui.line(format!("the board has the model, counter {}, and runs it from its next start on", header.counter));
        let status = if self.no_restart { sent.status } else { restarted(&mut board, header.counter)? };
        note_repeats(&board, ui);
        show(&status, ui);
        ui.result(&report(&status, total - sent.before as usize))
    }

    /// A model sealed as the board wants it.
    fn sealed(&self, file: &ModelFile, board: &Status) -> Result<Sealed> {
        let key = self.key.as_deref().map(Key::read).transpose()?;
        ensure!(
            board.signed == key.is_some(),
            Usage(match board.signed {
                true => "the board takes signed models alone: give --key, or a model that was signed".to_owned(),
                false => "the board takes unsigned models alone: leave --key out".to_owned(),
            })
        );
        let next = board.highest.checked_add(1).context("the board has had the highest counter that there is")?;
        let asked = self.counter.map_or_else(|| counter(file, None).map(|own| own.max(next)), Ok)?;
        Sealed::new(&packed(file, self.board.as_deref())?, asked, key.as_ref())
    }
}

/// Restarts the board, and the slots then.
fn restarted<L: Read + Write>(board: &mut Port<L>, counter: u32) -> Result<Status> {
    board.restart()?;
    let (_, status) = board.slots().context("the board was restarted, and is not there again")?;
    let running = status.running.map_or(0, |running| running.counter);
    ensure!(
        running == counter,
        "the board runs model {running} after its restart, and not {counter}: it does not load there"
    );
    Ok(status)
}

fn report(status: &Status, bytes_sent: usize) -> Report {
    let Status { signed, running, room, highest, .. } = *status;
    let confirmed = running.is_some_and(|running| running.confirmed);
    Report { signed, running: running.map(|running| running.counter), confirmed, highest, room, bytes_sent }
}

/// What a board has.
fn show(status: &Status, ui: Ui) {
    ui.line(match status.running {
        None => "the board has no model".to_owned(),
        Some(running) => format!(
            "the board runs model {}, {} bytes, {}{}",
            running.counter,
            thousands(running.length.into()),
            if running.confirmed { "confirmed" } else { "on trial: the one before comes back unless it works" },
            if status.signed { format!(", signed by key {}", id_text(&running.key)) } else { String::new() },
        ),
    });
    let takes = if status.signed { "signed models alone" } else { "any model, UNSIGNED" };
    ui.line(format!(
        "it takes {takes}, of at most {} bytes and with a counter above {}",
        thousands(status.room.into()),
        status.highest
    ));
    if let Some((received, length)) = status.receiving {
        ui.line(format!(
            "{} of {} bytes of another were received",
            thousands(received.into()),
            thousands(length.into())
        ));
    }
}
