//! The cores: how Rust and C compile for each.

use anyhow::{Context, Result};

/// How functions of C are given floats, which the whole firmware has to agree on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Float {
    /// In integer registers: `-mfloat-abi=soft` or `softfp`.
    #[default]
    Soft,
    /// In registers of the floating-point unit: `-mfloat-abi=hard`.
    Hard,
}

/// A core that a library is built for.
#[derive(Clone, Copy, Debug)]
pub struct Core {
    /// Its name on the command line.
    pub name: &'static str,
    /// As compilers call it.
    pub cpu: &'static str,
    /// Rust's target for [`Float::Soft`].
    pub soft: &'static str,
    /// Rust's target for [`Float::Hard`], where the core has a unit for floats.
    pub hard: Option<&'static str>,
    /// GCC's name of that unit.
    pub fpu: &'static str,
}

const fn arm(name: &'static str, cpu: &'static str, soft: &'static str) -> Core {
    Core { name, cpu, soft, hard: None, fpu: "" }
}

const fn with_fpu(core: Core, hard: &'static str, fpu: &'static str) -> Core {
    Core { hard: Some(hard), fpu, ..core }
}

/// All of them. A new one is a line here and a table in boards/qemu-mps2/machines.toml.
pub const CORES: &[Core] = &[
    arm("m0", "cortex-m0", "thumbv6m-none-eabi"),
    arm("m3", "cortex-m3", "thumbv7m-none-eabi"),
    with_fpu(arm("m4", "cortex-m4", "thumbv7em-none-eabi"), "thumbv7em-none-eabihf", "fpv4-sp-d16"),
    with_fpu(arm("m7", "cortex-m7", "thumbv7em-none-eabi"), "thumbv7em-none-eabihf", "fpv5-d16"),
    with_fpu(arm("m33", "cortex-m33", "thumbv8m.main-none-eabi"), "thumbv8m.main-none-eabihf", "fpv5-sp-d16"),
    with_fpu(arm("m55", "cortex-m55", "thumbv8m.main-none-eabi"), "thumbv8m.main-none-eabihf", "auto"),
    Core { name: "rv32", cpu: "generic-rv32", soft: "riscv32imac-unknown-none-elf", hard: None, fpu: "" },
];

impl Core {
    /// The core of this name.
    ///
    /// # Errors
    /// Where there is none; the message lists those there are.
    pub fn find(name: &str) -> Result<&'static Core> {
        CORES.iter().find(|core| core.name == name).with_context(|| {
            let names: Vec<&str> = CORES.iter().map(|core| core.name).collect();
            format!("there is no core `{name}`: {}", names.join(", "))
        })
    }

    /// Rust's target.
    ///
    /// # Errors
    /// Where the core has no unit for floats and they should be given in its registers.
    pub fn target(&self, float: Float) -> Result<&'static str> {
        match float {
            Float::Soft => Ok(self.soft),
            Float::Hard => {
                self.hard.with_context(|| format!("{} has no unit for floats: leave --hard-float out", self.name))
            }
        }
    }

    /// Where its library is in a zip of libraries.
    pub fn folder(&self, float: Float) -> String {
        match float {
            Float::Soft => self.name.to_owned(),
            Float::Hard => format!("{}-hard", self.name),
        }
    }

    /// Whether it is one of Arm's.
    pub fn is_arm(&self) -> bool {
        self.soft.starts_with("thumb")
    }

    /// Flags of GCC and Clang.
    pub fn gcc_flags(&self, float: Float) -> String {
        match float {
            _ if !self.is_arm() => "-march=rv32imac -mabi=ilp32".to_owned(),
            Float::Hard => format!("-mcpu={} -mthumb -mfloat-abi=hard -mfpu={}", self.cpu, self.fpu),
            // Helium's registers are those of the unit for floats.
            Float::Soft if self.name == "m55" => format!("-mcpu={} -mthumb -mfloat-abi=softfp -mfpu=auto", self.cpu),
            Float::Soft => format!("-mcpu={} -mthumb -mfloat-abi=soft", self.cpu),
        }
    }

    /// What the commands of GCC for it begin with.
    pub fn gcc_prefix(&self) -> &'static str {
        if self.is_arm() { "arm-none-eabi-" } else { "riscv64-unknown-elf-" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_those_of_the_emulator() {
        let machines = elman_emulator::Machines::find(None).unwrap();
        let mut names: Vec<&str> = CORES.iter().map(|core| core.name).collect();
        names.sort_unstable();
        assert_eq!(machines.iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
        for core in CORES {
            let machine = machines.get(core.name).unwrap();
            assert_eq!((machine.cpu.as_str(), machine.target.as_str()), (core.cpu, core.hard.unwrap_or(core.soft)));
        }
        let error = Core::find("m5").unwrap_err().to_string();
        assert!(error.contains("m0, m3, m4"), "{error}");
        assert!(Core::find("m0").unwrap().target(Float::Hard).unwrap_err().to_string().contains("--hard-float"));
    }
}
