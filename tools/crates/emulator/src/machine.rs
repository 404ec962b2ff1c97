//! The emulated cores, as boards/qemu-mps2/machines.toml lists them.

use anyhow::{Context, Result};
use elman_messages::BufferSizes;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One core and QEMU's machine for it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Machine {
    /// Name of the core.
    pub name: String,
    /// Rust target.
    pub target: String,
    /// The core, as rustc and QEMU call it.
    pub cpu: String,
    /// QEMU's machine.
    pub machine: String,
    /// Frequency of SysTick in Hz.
    pub systick: u64,
    /// QEMU's program.
    #[serde(default = "arm")]
    pub program: String,
    /// What QEMU calls the core, where that is another name.
    #[serde(default)]
    pub qemu_cpu: Option<String>,
    /// More arguments to QEMU.
    #[serde(default)]
    pub options: Vec<String>,
    /// Address in flash of a blob that is not built in; where there is none, the firmware reads it into RAM.
    #[serde(default)]
    pub blob_at: Option<u32>,
    /// Sizes of the firmware's buffers.
    #[serde(default)]
    pub buffers: BufferSizes,
    /// Number of the build folder, below [`Machines::lanes`]: cores of one lane share what they build of packages that are the same
    /// for them, and wait for each other; lanes build at the same time.
    #[serde(skip)]
    pub lane: usize,
}

fn arm() -> String {
    "qemu-system-arm".to_owned()
}

impl Machine {
    /// Instructions that ticks of SysTick stand for, at 2^6 ns an instruction (`-icount shift=6`).
    pub fn instructions(&self, ticks: f64) -> f64 {
        ticks * 1e9 / self.systick as f64 / 64.0
    }
}

/// All emulated cores.
#[derive(Clone, Debug)]
pub struct Machines {
    boards: PathBuf,
    machines: BTreeMap<String, Machine>,
}

impl Machines {
    /// Reads the table of the repository's folder `boards`; by default the one next to this package's sources.
    ///
    /// # Errors
    /// Where the folder or its table is missing or broken.
    pub fn find(boards: Option<&Path>) -> Result<Self> {
        let boards = match boards {
            Some(path) => path.to_owned(),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../boards"),
        };
        let path = boards.join("qemu-mps2/machines.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{}: give the repository's folder `boards`", path.display()))?;
        let mut machines: BTreeMap<String, Machine> =
            toml::from_str(&text).with_context(|| path.display().to_string())?;
        let lanes = Self::lanes();
        machines.values_mut().enumerate().for_each(|(at, machine)| machine.lane = at % lanes);
        let boards = boards.canonicalize().with_context(|| boards.display().to_string())?;
        Ok(Machines { boards, machines })
    }

    /// How many cores are built at the same time: as many as this machine has processors.
    pub fn lanes() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// The folder `boards`.
    pub fn boards(&self) -> &Path {
        &self.boards
    }

    /// Names and cores, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Machine)> {
        self.machines.iter().map(|(name, machine)| (name.as_str(), machine))
    }

    /// The core `name`.
    ///
    /// # Errors
    /// Where there is none; the message lists those there are.
    pub fn get(&self, name: &str) -> Result<&Machine> {
        self.machines.get(name).with_context(|| {
            let names: Vec<&str> = self.machines.keys().map(String::as_str).collect();
            format!("there is no core `{name}`; boards/qemu-mps2/machines.toml has {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_listed_and_a_wrong_name_is_told_so() {
        let machines = Machines::find(None).unwrap();
        assert_eq!(machines.get("m4").unwrap().target, "thumbv7em-none-eabihf");
        assert_eq!(machines.iter().count(), 7);
        let error = machines.get("m5").unwrap_err().to_string();
        assert!(error.contains("m0, m3, m33, m4, m55, m7, rv32"), "{error}");
        assert!(Machines::find(Some(Path::new("nowhere"))).unwrap_err().to_string().contains("nowhere"));
    }

    #[test]
    fn eight_ticks_of_25_mhz_are_five_instructions() {
        let machines = Machines::find(None).unwrap();
        assert_eq!(machines.get("m4").unwrap().instructions(8.0), 5.0);
    }
}
