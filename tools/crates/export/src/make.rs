//! A folder for make and CMake: library, header, model, and an example that tests itself on the chip and in QEMU.

use anyhow::Result;
use std::path::Path;

use crate::folder::fill;
use crate::{CModel, Core, Float, Folder, HEADER, Libraries, library};

/// Memory of the machine in QEMU that has the core, as the example is linked for it.
struct Machine {
    core: &'static str,
    /// Machine and core of QEMU.
    names: [&'static str; 2],
    /// Origin and length of flash and RAM.
    flash: [&'static str; 2],
    ram: [&'static str; 2],
}

const fn machine(
    core: &'static str,
    names: [&'static str; 2],
    flash: [&'static str; 2],
    ram: [&'static str; 2],
) -> Machine {
    Machine { core, names, flash, ram }
}

/// As boards/qemu-mps2/machines.toml.
const MACHINES: &[Machine] = &[
    machine("m0", ["microbit", "cortex-m0"], ["0x00000000", "256K"], ["0x20000000", "16K"]),
    machine("m3", ["mps2-an385", "cortex-m3"], ["0x00000000", "4M"], ["0x20000000", "4M"]),
    machine("m4", ["mps2-an386", "cortex-m4"], ["0x00000000", "4M"], ["0x20000000", "4M"]),
    machine("m7", ["mps2-an500", "cortex-m7"], ["0x00000000", "4M"], ["0x20000000", "4M"]),
    machine("m33", ["mps2-an505", "cortex-m33"], ["0x10000000", "4M"], ["0x38000000", "4M"]),
    machine("m55", ["mps3-an547", "cortex-m55"], ["0x00000000", "512K"], ["0x21000000", "2M"]),
];

/// What the Makefile compiles and links the example with, in addition to the core's flags.
pub const FREESTANDING: &[&str] = &[
    "-ffreestanding",
    "-ffunction-sections",
    "-fdata-sections",
    "-I.",
    "-Wl,--gc-sections",
    "-Wl,-z,noexecstack",
    "-nostdlib",
    "-Texample/memory.ld",
];

const MAIN: &str = include_str!("templates/main.c");
const SEQUENCE: &str = include_str!("templates/sequence.c");
const STARTUP: &str = include_str!("templates/startup.c");
const LINKER: &str = include_str!("templates/memory.ld");
const MAKEFILE: &str = include_str!("templates/Makefile");
const CMAKE: &str = include_str!("templates/CMakeLists.txt");

/// The example's main, for a stream or a sequence.
pub(crate) fn example(model: &CModel) -> String {
    let template = if model.sequence { SEQUENCE } else { MAIN };
    fill(template, &[("STEM", &model.stem), ("UPPER", &model.upper()), ("NAME", &model.name)])
}

/// Library, header and model, in folders of these names.
pub(crate) fn common(to: &mut Folder, model: &CModel, include: &str, source: &str) -> Result<()> {
    to.write(&format!("{include}elman.h"), HEADER)?;
    to.write(&format!("{include}{}.h", model.stem), model.header())?;
    to.write(&format!("{source}{}.c", model.stem), model.source())
}

/// Writes the folder.
///
/// # Errors
/// Where there is no library for the core or a file cannot be written.
pub fn write(path: &Path, model: &CModel, core: &Core, float: Float, libraries: &Libraries) -> Result<Folder> {
    let library = libraries.for_parts(core, float, model.parts())?;
    let mut to = Folder::new(path)?;
    to.write(library::NAME, library)?;
    common(&mut to, model, "", "")?;
    to.write(&format!("{}_test.h", model.stem), model.test())?;
    to.write("example/main.c", example(model))?;
    let flags = core.gcc_flags(float);
    let machine = MACHINES.iter().find(|m| m.core == core.name);
    let qemu = machine.map_or(String::new(), |m| format!("-machine {} -cpu {}", m.names[0], m.names[1]));
    if let Some(Machine { flash, ram, .. }) = machine {
        to.write("example/startup.c", STARTUP)?;
        let memory = [("FLASH", flash[0]), ("FLASH_SIZE", flash[1]), ("RAM", ram[0]), ("RAM_SIZE", ram[1])];
        to.write("example/memory.ld", fill(LINKER, &memory))?;
    }
    let values = [
        ("STEM", model.stem.as_str()),
        ("FLAGS", &flags),
        ("PREFIX", core.gcc_prefix()),
        ("QEMU", &qemu),
        ("CORE", core.name),
    ];
    to.write("Makefile", fill(MAKEFILE, &values))?;
    to.write("CMakeLists.txt", fill(CMAKE, &values))?;
    Ok(to)
}
