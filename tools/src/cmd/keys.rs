//! `elman keys`: a pair of keys, to sign models with.

use anyhow::Result;
use elman_flash::key::{Key, id_text};
use serde::Serialize;
use std::path::PathBuf;

use crate::ui::Ui;

/// Makes a pair of Ed25519 keys: the secret one signs models, boards get the public one.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  elman keys new ~/keys/toys.key\n\nThe secret key is a file in PEM that its owner alone can read. Who has it can give models to your devices; without it nobody can, so keep a copy where no computer reads it."
)]
pub struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// Writes a new pair: FILE, and FILE.pub
    New {
        /// Where the secret key goes; never overwritten
        file: PathBuf,
    },
}

#[derive(Serialize)]
struct Made {
    secret: PathBuf,
    public: PathBuf,
    id: String,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let What::New { file } = self.what;
        let key = Key::new();
        let public = key.write(&file)?;
        let id = id_text(&key.public().id());
        ui.line(format!("secret key {} (mode 600), public key {}, id {id}", file.display(), public.display()));
        ui.result(&Made { secret: file, public, id })
    }
}
