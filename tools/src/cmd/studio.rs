//! `elman studio`: the whole path in a browser.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use anyhow::{Context, Result};
use elman_studio::{Options, PATIENCE};

use crate::ui::Ui;

/// Opens a page on this machine: record or type words, train, check and set the operating point, listen live, take the firmware.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  elman studio lamp\n\nThe folder holds plain files that the other commands read: clips, recipes, runs. Nothing is sent to any other machine."
)]
pub struct Cmd {
    /// The project folder, which is made where it is not there
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// Port on this machine; by default one that is free
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// Prints the address and opens no browser
    #[arg(long)]
    pub no_open: bool,
    /// Lets other machines of the network connect, without encryption: whoever reads along has the token
    #[arg(long)]
    pub lan: bool,
    /// Folder with the firmware of the boards, as `cargo xtask boards --firmware` writes it
    #[arg(long, value_name = "DIR")]
    pub firmware: Option<PathBuf>,
}

const LAN: &str = "warning: --lan lets every machine of this network connect, without encryption: whoever can read along sees the token, \
    the recordings and the models. Use it in a network that you trust, and end it soon. Browsers give no microphone to such a page on \
    another machine.";

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let exe = std::env::current_exe().context("this program does not know where it is")?;
        let Cmd { folder, port, no_open, lan, firmware } = self;
        let server = elman_studio::serve(&Options { folder, port, lan, exe, firmware, patience: PATIENCE })?;
        // Before the address is printed: whoever reads that may end this.
        let (end, ended) = mpsc::channel();
        ctrlc::set_handler(move || {
            // Nobody waits any more where it ends already.
            let _ = end.send(());
        })
        .context("Ctrl-C cannot be watched for")?;
        if lan {
            ui.note(LAN);
        }
        ui.line(server.address());
        ui.result(&serde_json::json!({ "address": server.address() }))?;
        if !no_open && !open(&server.address()) {
            ui.note("no browser could be opened; open the address above");
        }
        ui.note("Ctrl-C ends it; a training that is under way is paused, and can be resumed");
        // The sender is in the handler, which is never dropped.
        let _ = ended.recv();
        ui.note("ending");
        server.close();
        Ok(())
    }
}

/// Opens an address by the system's own means; whether that could be begun.
fn open(address: &str) -> bool {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let spawned =
        Command::new(program).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    spawned.is_ok()
}
