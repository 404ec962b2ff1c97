//! `elman flash`: firmware and model as one file for a board.

use anyhow::{Context, Result, bail, ensure};
use elman::Model;
use elman::blob::Blob;
use elman_data::files::{check_place, write_atomically};
use elman_flash::board::{self, Board};
use elman_flash::image::{self, Firmware};
use elman_flash::key::{Key, public_path, read_public};
use elman_flash::sealed::Sealed;
use elman_quant::model::ModelFile;
use elman_recipe::Usage;
use elman_verify::cost;
use serde::Serialize;
use std::path::{Path, PathBuf};

use super::sign::{counter, packed};
use crate::ui::{Ui, bytes, thousands};

/// Joins a board's firmware and a model to one file, which is copied onto the board: no compiler is needed.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman flash runs/keywords --board pico\n  elman flash runs/keywords --board microbit-v2 --to /media/me/MICROBIT\n  elman flash runs/keywords --board pico --key ~/keys/toys.key"
)]
pub struct Cmd {
    /// A blob with a detector, or a run folder
    pub model: PathBuf,
    /// microbit-v2, pico, pico-2, nano-33-ble-sense, nrf52840-dk or stm32f4-discovery
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// The secret key: the model is signed by it, and the board takes from then on models signed by it alone. Without it the board
    /// takes any model
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The model's counter: one that is sent later must have a higher one
    #[arg(long)]
    pub counter: Option<u32>,
    /// Where the file goes; by default MODEL-BOARD in this folder
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The board's drive, where it is mounted: the file is copied there too
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Folder with the firmware of the boards, as `cargo xtask boards --firmware` writes it
    #[arg(long, value_name = "DIR")]
    pub firmware: Option<PathBuf>,
}

/// A file for a board, and what it takes of it.
#[derive(Debug, Serialize)]
pub(super) struct Flashed {
    board: &'static str,
    out: PathBuf,
    copied: Option<PathBuf>,
    commit: String,
    counter: u32,
    signed: bool,
    flash_bytes: usize,
    flash_room: u32,
    ram_words: usize,
    ram_room: u32,
    instructions_per_second: u64,
    clock: u32,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ui.result(&self.flashed(ui)?)
    }

    /// Writes the file.
    pub(super) fn flashed(self, ui: Ui) -> Result<Flashed> {
        let board = board::of_name(&self.board).map_err(|e| Usage(format!("{e}")))?;
        let file = ModelFile::read(&self.model)?;
        let blob = packed(&file, Some(board.name))?;
        let firmware = firmware(board, self.firmware.as_deref())?;
        let fit = Fit::of(&blob, board, &firmware)?;
        let counter = counter(&file, self.counter)?;
        let key = self.key.as_deref().map(Key::read).transpose()?;
        let keys = match &self.key {
            Some(path) => vec![read_public(&public_path(path))?],
            None => Vec::new(),
        };
        let sealed = Sealed::new(&blob, counter, key.as_ref())?;
        let made = image::file(board, &firmware.join(&sealed, &keys)?)?;
        let out = self.out.unwrap_or_else(|| default_name(&file, board));
        check_place(&out)?;
        write_atomically(&out, &made)?;
        fit.show(ui);
        let trust = if key.is_some() { "signed" } else { "UNSIGNED: it takes any model over its line" };
        ui.line(format!("{}: {} for {}, {trust}", out.display(), bytes(made.len()), board.name));
        let copied = self.to.as_deref().map(|drive| copy(&out, drive)).transpose()?;
        match &copied {
            Some(path) => ui.line(format!("copied to {}", path.display())),
            None => ui.line(format!("next: {}", board.hint)),
        }
        Ok(Flashed {
            board: board.name,
            out,
            copied,
            commit: firmware.commit(),
            counter,
            signed: key.is_some(),
            flash_bytes: blob.len(),
            flash_room: firmware.room(),
            ram_words: fit.words,
            ram_room: firmware.info().words,
            instructions_per_second: fit.instructions,
            clock: fit.clock,
        })
    }
}

/// What a model takes of a board.
struct Fit {
    bytes: usize,
    room: u32,
    words: usize,
    ram: u32,
    instructions: u64,
    clock: u32,
}

impl Fit {
    /// # Errors
    /// Where the model does not fit, with the numbers.
    fn of(blob: &[u8], board: &Board, firmware: &Firmware) -> Result<Fit> {
        let words = elman_quant::words_of(blob)?;
        let blob = Blob::new(&words);
        let model = Model::load(blob).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
        let Some(audio) = model.audio().filter(|_| model.detect().is_some()) else {
            bail!(
                "the firmware of {} listens, and the model has no front end or no detector: train it from a recipe with a [stream] \
                 table, and run `elman calibrate`",
                board.name
            );
        };
        let info = firmware.info();
        let frames = f64::from(audio.sample_rate) / f64::from(audio.hop);
        let estimates = cost::of(&model).estimates;
        let step = estimates.iter().find(|e| e.core == board.core).map_or(0, |e| e.instructions);
        let fit = Fit {
            bytes: 4 * words.len(),
            room: firmware.room(),
            words: blob.listener_words(),
            ram: info.words,
            instructions: (step as f64 * frames) as u64,
            clock: info.clock,
        };
        ensure!(
            fit.bytes <= fit.room as usize,
            "the model has {} bytes, and a slot of {} takes {}: use fewer units, or weights of 4 bits",
            fit.bytes,
            board.name,
            fit.room
        );
        ensure!(
            fit.words <= fit.ram as usize,
            "the model takes {} of RAM for its states, and the firmware of {} has {}: use fewer units, or a shorter window",
            bytes(4 * fit.words),
            board.name,
            bytes(4 * fit.ram as usize)
        );
        ensure!(
            fit.instructions <= u64::from(fit.clock),
            "the network takes {} instructions a second, and the core of {} has {} cycles: use fewer units, or a longer hop",
            thousands(fit.instructions),
            board.name,
            thousands(fit.clock.into())
        );
        ensure!(
            audio.sample_rate == 16_000,
            "the firmware of {} takes 16,000 samples a second, and the model {}",
            board.name,
            thousands(audio.sample_rate.into())
        );
        Ok(fit)
    }

    fn show(&self, ui: Ui) {
        ui.line(format!(
            "flash {} of {}, RAM {} of {}, network {} instructions a second of {} cycles",
            bytes(self.bytes),
            bytes(self.room as usize),
            bytes(4 * self.words),
            bytes(4 * self.ram as usize),
            thousands(self.instructions),
            thousands(self.clock.into())
        ));
    }
}

/// Where firmware is looked for: next to this program, where it was installed or built.
fn folders() -> Vec<PathBuf> {
    let exe = std::env::current_exe().unwrap_or_default();
    exe.ancestors().skip(1).take(3).map(|folder| folder.join("firmware")).collect()
}

fn firmware(board: &'static Board, folder: Option<&Path>) -> Result<Firmware> {
    let name = format!("{}.bin", board.name);
    let places = folder.map_or_else(folders, |folder| vec![folder.to_owned()]);
    let Some(path) = places.iter().map(|folder| folder.join(&name)).find(|path| path.is_file()) else {
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        bail!(
            "there is no {name} in {}: it comes with a release, or from `cargo xtask boards --firmware`; --firmware names its folder",
            places.join(" or ")
        );
    };
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    Firmware::new(board, bytes).with_context(|| path.display().to_string())
}

fn default_name(file: &ModelFile, board: &Board) -> PathBuf {
    let path = file.path();
    let stem = path.file_stem().filter(|stem| *stem != "model").or_else(|| path.parent()?.file_name());
    let stem = stem.map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned());
    PathBuf::from(format!("{stem}-{}.{}", board.name, board.format.extension()))
}

/// Copies a file to a drive, to the end: it is pulled out right after.
fn copy(file: &Path, drive: &Path) -> Result<PathBuf> {
    ensure!(drive.is_dir(), "{} is no folder: is the board's drive mounted?", drive.display());
    let to = drive.join(file.file_name().context("the file has no name")?);
    let say = || format!("{}: could not be copied to the drive", to.display());
    std::fs::copy(file, &to).with_context(say)?;
    std::fs::File::open(&to).and_then(|copied| copied.sync_all()).with_context(say)?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_flash::board::BOARDS;

    #[test]
    fn the_help_names_every_board() {
        let help = <Cmd as clap::Args>::augment_args(clap::Command::new("flash")).render_long_help().to_string();
        BOARDS.iter().for_each(|board| assert!(help.contains(board.name), "{}", board.name));
    }
}
