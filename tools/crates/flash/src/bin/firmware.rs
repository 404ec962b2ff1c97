//! `cargo xtask boards --firmware`: what an ELF file loads into a board's flash, as a file for `elman flash`.

use anyhow::{Context, Result, bail};
use elman_flash::board;
use elman_flash::image::{Firmware, of_elf};
use std::process::ExitCode;

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, elf, out] = &arguments[..] else { bail!("the arguments are: board, ELF file, file to write") };
    let board = board::of_name(name)?;
    let bytes = of_elf(&std::fs::read(elf).with_context(|| elf.clone())?, board).with_context(|| elf.clone())?;
    let firmware = Firmware::new(board, bytes.clone())?;
    std::fs::write(out, &bytes).with_context(|| out.clone())?;
    println!(
        "{name:<20} {:>7} bytes, models of at most {} bytes, commit {}",
        bytes.len(),
        firmware.room(),
        firmware.commit()
    );
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}
