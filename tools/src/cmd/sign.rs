//! `elman sign`: a model with a header and a signature, as boards receive it.

use anyhow::{Context, Result, ensure};
use elman_data::files::{check_place, write_atomically};
use elman_flash::board;
use elman_flash::key::{Key, id_text};
use elman_flash::sealed::Sealed;
use elman_quant::model::ModelFile;
use elman_quant::repack;
use elman_recipe::Usage;
use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::ui::Ui;

/// Signs a model for the boards that know the public key.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  elman sign runs/keywords --key ~/keys/toys.key --counter 7 --board pico --out keywords-7.signed"
)]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// The secret key, as `elman keys new` wrote it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// A board takes models whose counter is higher than all before; by default the blob's own
    #[arg(long)]
    pub counter: Option<u32>,
    /// The board, for whose core the weights are packed; by default as they are in the blob
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// Where the signed model goes
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Serialize)]
struct Signed {
    out: PathBuf,
    counter: u32,
    bytes: usize,
    key: String,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        check_place(&self.out)?;
        let key = Key::read(&self.key)?;
        let file = ModelFile::read(&self.model)?;
        let blob = packed(&file, self.board.as_deref())?;
        let counter = counter(&file, self.counter)?;
        let sealed = Sealed::new(&blob, counter, Some(&key))?;
        write_atomically(&self.out, &sealed.to_bytes())?;
        let (id, bytes) = (id_text(&key.public().id()), blob.len());
        ui.line(format!("{}: {bytes} bytes, counter {counter}, signed by key {id}", self.out.display()));
        ui.result(&Signed { out: self.out, counter, bytes, key: id })
    }
}

/// The blob of a model, packed for a board's core.
pub(super) fn packed(file: &ModelFile, board: Option<&str>) -> Result<Vec<u8>> {
    match board {
        Some(name) => repack::for_core(&file.bytes(), board::of_name(name).map_err(|e| Usage(format!("{e}")))?.core),
        None => Ok(file.bytes()),
    }
}

/// The counter that was asked for, or the blob's own, which is 0 where nobody gave it one.
pub(super) fn counter(file: &ModelFile, asked: Option<u32>) -> Result<u32> {
    let counter = asked.unwrap_or(file.model()?.frame().counter.max(1));
    ensure!(counter > 0, Usage("--counter is at least 1: every board has had 0".to_owned()));
    Ok(counter)
}

/// A model that was signed before, where a file is one.
pub(super) fn signed(path: &Path) -> Result<Option<Sealed>> {
    if path.is_dir() {
        return Ok(None);
    }
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    if !Sealed::is_one(&bytes) {
        return Ok(None);
    }
    Sealed::of_bytes(&bytes).with_context(|| path.display().to_string()).map(Some)
}
