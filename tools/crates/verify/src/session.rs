//! A session of the firmware `qemu-mps2`: frames in, records out.

use anyhow::{Context, Result};
use elman::Model;
use elman_emulator::{Firmware, Machine, Qemu, Session};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::Inputs;

/// Runs `inputs` through the firmware `qemu-mps2`, whose protocol boards/common describes.
///
/// # Errors
/// Where files cannot be written or the firmware fails.
pub fn session(
    qemu: &Qemu,
    machine: &Machine,
    firmware: &Firmware,
    model: &Model<'_>,
    inputs: &Inputs<'_>,
    file: Option<&[u8]>,
) -> Result<Session> {
    let session = Session::new(file)?;
    write_input(&session.input(), model, inputs).context("a temporary file of frames")?;
    qemu.run(machine, firmware, session.folder())?;
    Ok(session)
}

/// Bit of a count of frames: they end before the elements that the model feeds back.
const CLOSED: u32 = 1 << 31;

fn write_input(path: &Path, model: &Model<'_>, inputs: &Inputs<'_>) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for sequence in inputs.sequences {
        let frames: Vec<&[i16]> = sequence.chunks_exact(model.inputs().max(1)).collect();
        let (open, closed) = frames.split_at(inputs.closed_from.unwrap_or(frames.len()).min(frames.len()));
        if model.max_steps() == 0 {
            file.write_all(&0u32.to_le_bytes())?;
        }
        for (frames, first, flag) in [(open, 0, 0), (closed, open.len(), CLOSED)] {
            if frames.is_empty() {
                continue;
            }
            file.write_all(&(frames.len() as u32 | flag).to_le_bytes())?;
            for (k, frame) in frames.iter().enumerate() {
                for x in inputs.given(model, first + k, frame) {
                    file.write_all(&x.to_le_bytes())?;
                }
            }
        }
    }
    file.flush()
}
