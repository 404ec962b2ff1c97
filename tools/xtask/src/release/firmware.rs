//! Firmware that is built from two copies of the sources, in folders of other names: the bytes that are flashed are the same.

use anyhow::{Context, Result, ensure};
use elman_emulator::{Firmware, Machines};
use elman_figures::root;
use std::path::Path;
use std::process::Command;

use super::said;

/// Two folders, as far apart as names go.
const FOLDERS: [&str; 2] = ["a", "another/place/with a longer name"];

/// Builds the firmware of a core in both; what was compared.
pub fn twice(core: &str) -> Result<String> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut images = Vec::new();
    for name in FOLDERS {
        let place = folder.path().join(name);
        copy(&place)?;
        images.push(image(&place, core)?);
    }
    let [first, second] = &images[..] else { return Ok(String::new()) };
    ensure!(!first.is_empty(), "the image is empty");
    let differs = first.iter().zip(second).position(|(a, b)| a != b);
    ensure!(
        first == second,
        "the firmware of {core} differs by the folder that it is built in: {} and {} bytes, first at {differs:?}",
        first.len(),
        second.len()
    );
    // The comparison finds a change.
    let mut planted = second.clone();
    if let Some(byte) = planted.last_mut() {
        *byte ^= 1;
    }
    ensure!(*first != planted, "a planted change is not found");
    Ok(format!("{} bytes for {core} are the same from two folders", first.len()))
}

/// The committed sources, in a folder.
fn copy(place: &Path) -> Result<()> {
    std::fs::create_dir_all(place)?;
    let archive = said(Command::new("git").args(["archive", "HEAD"]).current_dir(root()))?;
    let tar = place.join("sources.tar");
    std::fs::write(&tar, archive)?;
    said(Command::new("tar").arg("-xf").arg(&tar).current_dir(place))?;
    Ok(std::fs::remove_file(tar)?)
}

/// What is flashed: the firmware's loaded bytes.
fn image(place: &Path, core: &str) -> Result<Vec<u8>> {
    let machines = Machines::find(Some(&place.join("boards")))?;
    let blob = place.join("tests/golden/gru.elman");
    let firmware = Firmware::build(&machines, core, "qemu-mps2", Some(&blob), &[])?;
    let to = place.join("image.bin");
    said(crate::coverage::tool("rust-objcopy")?.args(["-O", "binary"]).arg(&firmware.elf).arg(&to))?;
    std::fs::read(&to).with_context(|| to.display().to_string())
}
