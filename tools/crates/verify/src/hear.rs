//! The audio front end on an emulated core, every feature compared with the host's.

use anyhow::{Context, Result, ensure};
use elman::audio::{Config, FrontEnd};
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use serde::Serialize;

use super::Options;
use elman_emulator::{Firmware, Machines, Qemu, Session};
use elman_quant::words_of;

/// "ELA1": the first word of a session.
const MAGIC: u32 = u32::from_le_bytes(*b"ELA1");

/// The parts of the work on a frame.
pub const PARTS: [&str; 5] = ["store", "unroll", "window", "spectrum", "bands"];

/// What [`hear`] found.
#[derive(Clone, Debug, Serialize)]
pub struct HearReport {
    /// Name of the core.
    pub core: String,
    /// Frames run and compared.
    pub frames: u64,
    /// Frames of which a feature differs from the host's.
    pub mismatches: u64,
    /// Executed instructions of each of [`PARTS`], the mean over all frames but the first, which fills the window.
    pub parts: [f64; 5],
    /// Executed instructions of the frame that took the most, without the first.
    pub most: f64,
}

impl HearReport {
    /// Executed instructions per frame.
    pub fn instructions(&self) -> f64 {
        self.parts.iter().sum()
    }
}

/// Parameters as the firmware reads them.
fn config_words(c: &Config) -> [u32; 19] {
    let [fall, rise, times, share] = c
        .spectral_subtraction
        .map_or([0; 4], |s| [s.fall_log2.into(), s.rise_log2.into(), s.oversubtraction.into(), s.floor.into()]);
    let [smooth, strength, bias, root] =
        c.pcen.map_or([0; 4], |g| [g.smoothing_log2.into(), g.alpha.into(), g.delta.into(), g.r.into()]);
    [
        c.sample_rate,
        c.window.into(),
        c.hop.into(),
        c.fft_log2.into(),
        c.channels.into(),
        c.low_hz.into(),
        c.high_hz.into(),
        c.pre_emphasis.into(),
        c.remove_dc.into(),
        c.floor_log2.into(),
        c.cepstrum.into(),
        fall,
        rise,
        times,
        share,
        smooth,
        strength,
        bias,
        root,
    ]
}

/// Runs the front end over `samples` on `core` and compares every feature with the host's.
///
/// # Errors
/// Where the parameters are invalid, QEMU or the toolchain is missing, or the firmware fails.
pub fn hear(config: &Config, samples: &[i16], core: &str, options: &Options) -> Result<HearReport> {
    let machines = Machines::find(options.boards.as_deref())?;
    let machine = machines.get(core)?;
    let firmware = Firmware::build(&machines, core, "hear", None, &[])?;
    let session = Session::new(None)?;
    let mut input: Vec<u8> = config_words(config).iter().flat_map(|w| w.to_le_bytes()).collect();
    input.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
    std::fs::write(session.input(), input).context("a temporary file of samples")?;
    Qemu::find(machine)?.run(machine, &firmware, session.folder())?;
    let output = words_of(&std::fs::read(session.output()).context("the firmware's features")?)?;
    let [magic, empty, records @ ..] = output.as_slice() else { anyhow::bail!("the firmware wrote nothing") };
    ensure!(*magic == MAGIC, "the firmware speaks another protocol: rebuild it from this version's boards/");

    let mut memory = vec![0; config.memory_words()];
    let mut front_end = FrontEnd::new(*config, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut wanted: Vec<Vec<i16>> = Vec::new();
    front_end.push(samples, |features| wanted.push(features.to_vec()));
    let words = PARTS.len() + vector_words(config.features());
    let records: Vec<&[u32]> = records.chunks(words).collect();
    ensure!(records.len() == wanted.len(), "{} frames instead of {}", records.len(), wanted.len());

    let (mut mismatches, mut ticks, mut most) = (0, [0f64; 5], 0f64);
    for (number, (record, host)) in records.iter().zip(&wanted).enumerate() {
        let (parts, features) = record.split_at(PARTS.len());
        mismatches += u64::from(word::halves(features)[..host.len()] != host[..]);
        if number > 0 {
            // A block may end a frame: its samples are stored in two pieces, of which the second measurement may be empty.
            let spent: Vec<f64> = parts.iter().map(|t| f64::from(t.saturating_sub(*empty))).collect();
            ticks.iter_mut().zip(&spent).for_each(|(sum, t)| *sum += t);
            most = most.max(spent.iter().sum());
        }
    }
    let measured = records.len().saturating_sub(1).max(1) as f64;
    let parts = ticks.map(|t| machine.instructions(t / measured));
    let core = core.to_owned();
    Ok(HearReport { core, frames: records.len() as u64, mismatches, parts, most: machine.instructions(most) })
}
