//! Arduino, Zephyr and PlatformIO: their files by form, and their sources and libraries by a link as these systems do it.

use anyhow::{Context, Result, ensure};
use elman_emulator::{Firmware, Machines, Qemu};
use elman_export::{Core, Float, Libraries, arduino, make, platformio, zephyr};
use elman_figures::{Figures, root};
use std::path::Path;
use std::process::Command;

use super::work;

/// Cores that the folders are linked for, with their library in a folder of Arduino and in the others.
const LINKS: [(&str, Float, &str, &str); 3] = [
    ("m0", Float::Soft, "cortex-m0plus", "m0"),
    ("m4", Float::Hard, "cortex-m4/fpv4-sp-d16-hard", "m4-hard"),
    ("m55", Float::Hard, "", "m55-hard"),
];

/// A main with the calls of the sketch, for a link.
const MAIN: &str = "#include MODEL_HEADER\nstatic elman_model_t model;\nvoid reset(void);\nvoid reset(void) { (void)MODEL(_load)(&model, NULL); \
                    for (;;) { } }\n";

pub fn check(figures: &mut Figures) -> Result<()> {
    let blob = std::fs::read(root().join("tests/golden/gru.elman"))?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    // Libraries of all cores at once, as a user without Rust has them.
    let zip = folder.path().join("libraries.zip");
    std::fs::write(&zip, elman_export::library::zip(|_, _| ())?)?;
    let libraries = Libraries::new(Some(&zip));
    let at = |name: &str| folder.path().join(name);
    arduino::write(&at("arduino"), &blob, &libraries)?;
    zephyr::write(&at("zephyr"), &blob, &libraries)?;
    platformio::write(&at("platformio"), &blob, &libraries)?;
    make::write(
        &at("make"),
        &elman_export::CModel::new(&blob, Core::find("m4")?)?,
        Core::find("m4")?,
        Float::Hard,
        &libraries,
    )?;
    arduino_form(&at("arduino"))?;
    zephyr_form(&at("zephyr"))?;
    platformio_form(&at("platformio"))?;
    for (core, float, mcu, library) in LINKS {
        if !mcu.is_empty() {
            link(&at("arduino"), core, float, "src", "src/gru_4x6.c", &format!("src/{mcu}/libelman_gru_4x6.a"))?;
        }
        for name in ["zephyr", "platformio"] {
            link(&at(name), core, float, "include", "src/gru_4x6.c", &format!("lib/{library}/libelman.a"))?;
        }
    }
    from_zip(&at("make"), figures)?;
    cmake(&at("make"), figures)?;
    figures.line("Arduino, Zephyr, PlatformIO: by form, and linked for M0, M4 and M55 by arm-none-eabi-gcc out of a zip of libraries");
    Ok(())
}

/// Links a model of a folder against one of its libraries.
fn link(folder: &Path, core: &str, float: Float, include: &str, source: &str, library: &str) -> Result<()> {
    let core = Core::find(core)?;
    std::fs::write(folder.join("main.c"), MAIN)?;
    let mut command = Command::new(format!("{}gcc", core.gcc_prefix()));
    command.current_dir(folder).args(["-Os", "-std=c99", "-Wall", "-Wextra", "-Werror", "-ffunction-sections"]);
    command.args(core.gcc_flags(float).split(' ')).args([
        "-nostdlib",
        "-Wl,--gc-sections",
        "-Wl,-e,reset",
        "-o",
        "linked.elf",
    ]);
    command.args(["-DMODEL_HEADER=\"gru_4x6.h\"", "-DMODEL(x)=gru_4x6##x", "-I", include, "main.c", source, library]);
    work::run(&mut command).map(drop)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// The library specification's mandatory fields, and its layout of precompiled libraries: `src/MCU/libNAME.a` or
/// `src/MCU/FPU-ABI/libNAME.a`.
fn arduino_form(folder: &Path) -> Result<()> {
    let properties = text(&folder.join("library.properties"))?;
    let value = |key: &str| properties.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
    for key in ["name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"]
    {
        ensure!(value(key).is_some_and(|v| !v.is_empty()), "library.properties has no {key}");
    }
    let name = value("name").unwrap_or_default();
    ensure!(
        name.len() <= 63 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_ .-".contains(c)),
        "`{name}` is no name of an Arduino library"
    );
    ensure!(value("precompiled") == Some("true") && value("category") == Some("Data Processing"), "{properties}");
    let library = value("ldflags").and_then(|v| v.strip_prefix("-l")).context("library.properties has no ldflags")?;
    ensure!(folder.join("src/cortex-m0plus").join(format!("lib{library}.a")).is_file(), "lib{library}.a is not there");
    ensure!(folder.join("src").join(value("includes").unwrap_or_default()).is_file(), "the header is not there");
    let sketches = std::fs::read_dir(folder.join("examples"))?.flatten();
    for sketch in sketches.map(|f| f.path()) {
        let name = sketch.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ensure!(sketch.join(format!("{name}.ino")).is_file(), "a sketch has the name of its folder");
    }
    Ok(())
}

/// The module's files are where Zephyr looks for them, and refer to files that are there.
fn zephyr_form(folder: &Path) -> Result<()> {
    let module = text(&folder.join("zephyr/module.yml"))?;
    ensure!(module.contains("cmake: zephyr") && module.contains("kconfig: zephyr/Kconfig"), "{module}");
    let (kconfig, cmake) = (text(&folder.join("zephyr/Kconfig"))?, text(&folder.join("zephyr/CMakeLists.txt"))?);
    ensure!(kconfig.contains("config ELMAN_GRU_4X6\n") && cmake.contains("CONFIG_ELMAN_GRU_4X6"), "{kconfig}{cmake}");
    ensure!(
        text(&folder.join("samples/self_test/prj.conf"))? == "CONFIG_ELMAN_GRU_4X6=y\n",
        "the sample's configuration"
    );
    zephyr_cmake(folder)
}

/// Zephyr's CMake runs over stubs of Zephyr's functions: which library it chooses for each core.
fn zephyr_cmake(folder: &Path) -> Result<()> {
    if !work::there("cmake") {
        return Ok(());
    }
    let stubs = "function(zephyr_library_named name)\nendfunction()\nfunction(zephyr_library_sources)\nforeach(f ${ARGV})\nif(NOT EXISTS \
                 ${f})\nmessage(FATAL_ERROR ${f})\nendif()\nendforeach()\nendfunction()\nfunction(zephyr_include_directories d)\nif(NOT \
                 EXISTS ${d}/elman.h)\nmessage(FATAL_ERROR ${d})\nendif()\nendfunction()\nfunction(zephyr_link_libraries f)\nif(NOT EXISTS \
                 ${f})\nmessage(FATAL_ERROR ${f})\nendif()\nmessage(STATUS \"chose ${f}\")\nendfunction()\n";
    for (setting, hard, library) in [
        ("CONFIG_CPU_CORTEX_M0", "n", "lib/m0/"),
        ("CONFIG_CPU_CORTEX_M4", "y", "lib/m4-hard/"),
        ("CONFIG_CPU_CORTEX_M33", "n", "lib/m33/"),
        ("CONFIG_CPU_CORTEX_M55", "y", "lib/m55-hard/"),
        ("CONFIG_CPU_CORTEX_M3", "y", "lib/m3/"),
    ] {
        let hard = if hard == "y" { "set(CONFIG_FP_HARDABI y)\n" } else { "" };
        let script = format!(
            "{stubs}set(CONFIG_ELMAN_GRU_4X6 y)\nset({setting} y)\n{hard}include(${{CMAKE_CURRENT_LIST_DIR}}/zephyr/CMakeLists.txt)\n"
        );
        std::fs::write(folder.join("check.cmake"), script)?;
        let said = work::run(Command::new("cmake").current_dir(folder).args(["-P", "check.cmake"]))?;
        ensure!(said.contains(library), "{setting}: {said}");
    }
    Ok(())
}

/// library.json is JSON with its mandatory fields, and the script chooses libraries that are there.
fn platformio_form(folder: &Path) -> Result<()> {
    let json: serde_json::Value = serde_json::from_str(&text(&folder.join("library.json"))?)?;
    for key in ["name", "version", "description", "keywords", "frameworks", "platforms"] {
        ensure!(!json[key].is_null(), "library.json has no {key}");
    }
    let script = json["build"]["extraScript"].as_str().unwrap_or_default();
    if !work::there("python3") {
        return Ok(());
    }
    let check = format!(
        "import builtins, os\nclass Env:\n  def __init__(s, cpu, flags): s.cpu, s.flags, s.got = cpu, flags, {{}}\n  def Dir(s, p): return s\n  \
         def srcnode(s): return s\n  def get_abspath(s): return os.getcwd()\n  def BoardConfig(s): return s\n  def get(s, k, d=None): return \
         s.cpu if k == 'build.cpu' else s.flags if k == 'CCFLAGS' else d\n  def Append(s, **k): s.got = k\nfor cpu, flags, want in \
         [('cortex-m0plus', [], 'm0'), ('cortex-m4', ['-mfloat-abi=hard'], 'm4-hard'), ('cortex-m33', [], 'm33'), ('cortex-m3', \
         ['-mfloat-abi=hard'], 'm3')]:\n  env = Env(cpu, flags)\n  exec(open('{script}').read(), {{'Import': lambda n: None, 'env': env}})\n  \
         path = env.got['LIBPATH'][0]\n  assert path.endswith('/lib/' + want) and os.path.isfile(path + '/libelman.a'), path\n"
    );
    work::run(Command::new("python3").current_dir(folder).args(["-c", &check])).map(drop)
}

/// The example with the zip's library, which has all parts, runs on the M4.
fn from_zip(folder: &Path, figures: &mut Figures) -> Result<()> {
    let machines = Machines::find(None)?;
    let sources = ["example/main.c", "example/startup.c", "gru_4x6.c"];
    work::firmware(folder, Core::find("m4")?, Float::Hard, &[], &sources, "example.elf")?;
    let machine = machines.get("m4")?;
    let firmware = Firmware { elf: folder.join("example.elf") };
    let printed = Qemu::find(machine)?.run(machine, &firmware, folder)?;
    ensure!(printed.starts_with("bit for bit"), "with a library out of the zip: {printed}");
    figures
        .line("a library out of the zip, whose list of parts is read when the model is loaded: bit for bit on the M4");
    Ok(())
}

/// The exported CMakeLists.txt in a project of CMake's for the M4.
fn cmake(folder: &Path, figures: &mut Figures) -> Result<()> {
    if !work::there("cmake") {
        figures.line("cmake is not installed: the exported CMakeLists.txt was not built");
        return Ok(());
    }
    let core = Core::find("m4")?;
    let (compiler, flags) = (format!("{}gcc", core.gcc_prefix()), core.gcc_flags(Float::Hard).replace(' ', ";"));
    let here = folder.display();
    let lists = format!(
        "cmake_minimum_required(VERSION 3.13)\nset(CMAKE_SYSTEM_NAME Generic)\nset(CMAKE_C_COMPILER {compiler})\n\
         set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)\nproject(firmware C)\nadd_compile_options({flags} -Os -ffreestanding)\n\
         add_subdirectory({here} model)\nadd_executable(firmware {here}/example/main.c {here}/example/startup.c)\n\
         target_link_options(firmware PRIVATE {flags} -nostdlib -T{here}/example/memory.ld)\n\
         target_link_libraries(firmware PRIVATE gru_4x6 gcc)\n"
    );
    let project = folder.join("project");
    std::fs::create_dir_all(&project)?;
    std::fs::write(project.join("CMakeLists.txt"), lists)?;
    work::run(Command::new("cmake").args(["-S"]).arg(&project).arg("-B").arg(project.join("build")))?;
    work::run(Command::new("cmake").arg("--build").arg(project.join("build")))?;
    figures.line("CMake: the exported folder as a library of a firmware for the M4");
    Ok(())
}
