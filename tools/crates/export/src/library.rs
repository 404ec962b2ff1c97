//! The library of a core: out of a zip, or built here and made into objects of which only the header's functions are seen.

use anyhow::{Context, Result, bail, ensure};
use elman_emulator::{Machines, Toolchain};
use object::{Object, ObjectSymbol};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{CORES, Core, Float, HEADER};

/// Name of the library in an export and in a zip.
pub const NAME: &str = "libelman.a";
/// What a zip of libraries says first.
const ABOUT: &str = "about.txt";

/// Where libraries come from.
#[derive(Clone, Debug)]
pub enum Libraries {
    /// A zip that [`zip()`] wrote.
    Zip(PathBuf),
    /// Cargo, in the source tree that this program was built from.
    Sources,
}

impl Libraries {
    /// The zip that a user names, else the sources.
    pub fn new(zip: Option<&Path>) -> Self {
        zip.map_or(Libraries::Sources, |path| Libraries::Zip(path.to_owned()))
    }

    /// The library of a core, as an archive.
    ///
    /// # Errors
    /// Where the zip has none or is of another version; where there are no sources or no toolchain, or the build fails.
    pub fn get(&self, core: &Core, float: Float) -> Result<Vec<u8>> {
        core.target(float)?;
        match self {
            Libraries::Zip(path) => unzip(path, core, float),
            Libraries::Sources => build(core, float, None),
        }
    }

    /// The library of a core for one model: with these parts alone, where it is built here.
    ///
    /// # Errors
    /// As [`Libraries::get`].
    pub fn for_parts(&self, core: &Core, float: Float, parts: &[String]) -> Result<Vec<u8>> {
        core.target(float)?;
        match self {
            Libraries::Zip(path) => unzip(path, core, float),
            Libraries::Sources => build(core, float, Some(&parts.join(","))),
        }
    }
}

/// What a zip of this version says of itself.
fn about() -> String {
    format!(
        "Libraries of elman {} for C, format {} of models. `elman export MODEL --c DIR --core CORE --libraries THIS.zip` links one.\n",
        env!("CARGO_PKG_VERSION"),
        elman::blob::FORMAT_VERSION
    )
}

/// Every core's library and the header, as a zip.
///
/// # Errors
/// Where a library does not build.
pub fn zip(mut each: impl FnMut(&str, usize)) -> Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut add = |name: &str, bytes: &[u8]| -> Result<()> {
        zip.start_file(name, options)?;
        zip.write_all(bytes)?;
        Ok(())
    };
    add(ABOUT, about().as_bytes())?;
    add("elman.h", HEADER.as_bytes())?;
    for core in CORES {
        for float in [Float::Soft, Float::Hard] {
            if core.target(float).is_err() {
                continue;
            }
            let library = build(core, float, None)?;
            each(&core.folder(float), library.len());
            add(&format!("{}/{NAME}", core.folder(float)), &library)?;
        }
    }
    Ok(zip.finish().context("a zip in memory")?.into_inner())
}

/// Most bytes of a file in a zip of libraries: several times what the largest library has.
const MOST: u64 = 16 << 20;

fn unzip(path: &Path, core: &Core, float: Float) -> Result<Vec<u8>> {
    let name = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
    let mut zip = zip::ZipArchive::new(file).with_context(|| format!("{name} is no zip"))?;
    let mut read = |entry: &str| -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = zip.by_name(entry).with_context(|| format!("{name} has no {entry}"))?;
        file.take(MOST).read_to_end(&mut bytes).with_context(|| format!("{name}: {entry} is damaged"))?;
        Ok(bytes)
    };
    let found = read(ABOUT)?;
    ensure!(
        found == about().as_bytes(),
        "{name} is of another version; this is elman {}: take the libraries of the same release",
        env!("CARGO_PKG_VERSION")
    );
    read(&format!("{}/{NAME}", core.folder(float)))
}

/// The folder of the library's sources.
///
/// # Errors
/// Where they are not on this machine any more.
pub fn sources() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../bindings/c");
    path.canonicalize().context(
        "the sources of the library for C are not here: name a zip of libraries by --libraries (`cargo xtask bindings --libraries \
         ZIP` writes one)",
    )
}

/// The library for this machine, for tests of the header.
///
/// # Errors
/// As [`Libraries::get`] of [`Libraries::Sources`].
pub fn host() -> Result<Vec<u8>> {
    let sources = sources()?;
    let root = sources.ancestors().nth(2).unwrap_or(&sources);
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = std::path::absolute(target)?.join("boards/host");
    let build = |features: &[&str]| -> Result<PathBuf> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command.current_dir(&sources).args(["build", "--quiet", "--release", "--package", "elman-c"]).args(features);
        command
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("ELMAN_PARTS");
        run(&mut command)?;
        Ok(target.join("release/libelman_c.a"))
    };
    let (all, sentences): (Vec<&str>, Vec<&str>) = functions().partition(|name| *name != SENTENCES);
    let one = linked(&build(&[])?, &all, OF_LIBC)?;
    let two = linked(&build(&["--features", "sentences"])?, &sentences, OF_LIBC)?;
    archive([("elman.o", one), ("sentences.o", two)])
}

/// The function that has sentences: an object of its own, because linkers keep all text of an object or none.
const SENTENCES: &str = "elman_error_text";

/// Builds the library of a core.
fn build(core: &Core, float: Float, parts: Option<&str>) -> Result<Vec<u8>> {
    let built = || {
        let (all, sentences): (Vec<&str>, Vec<&str>) = functions().partition(|name| *name != SENTENCES);
        // One after the other: the second build overwrites the archive of the first. It is the same for all parts.
        let one = object(&compile(core, float, parts, &[])?, &all)?;
        let two = object(&compile(core, float, None, &["sentences"])?, &sentences)?;
        archive([("elman.o", one), ("sentences.o", two)])
    };
    built().with_context(|| format!("the library for {}", core.folder(float)))
}

/// Rust's own archive for a core, with these parts (or all, chosen by the list of the caller) and features.
///
/// # Errors
/// Where there are no sources or no toolchain, or the build fails.
pub fn compile(core: &Core, float: Float, parts: Option<&str>, features: &[&str]) -> Result<PathBuf> {
    let sources = sources()?;
    let mut machine = Machines::find(None)?.get(core.name)?.clone();
    machine.target = core.target(float)?.to_owned();
    let mut command = Toolchain::cargo(&machine, core.name, &sources, "build")?;
    command.args(["--quiet", "--release", "--package", "elman-c"]);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    if float == Float::Soft && core.hard.is_some() && core.name != "m55" {
        // The unit may be off, and registers of it are not saved where floats are soft.
        let flags = format!("-Ctarget-cpu={} -Ctarget-feature=-fpregs -Csymbol-mangling-version=v0", machine.cpu);
        command.env("RUSTFLAGS", flags);
    }
    match parts {
        Some(parts) => command.env("ELMAN_PARTS", parts),
        None => command.env_remove("ELMAN_PARTS"),
    };
    let output = command.output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("the library for {} does not build:\n{}", core.name, String::from_utf8_lossy(&output.stderr));
    }
    let set = command.get_envs().find(|(name, _)| *name == "CARGO_TARGET_DIR").and_then(|(_, value)| value);
    let target = PathBuf::from(set.context("the target folder is set")?);
    Ok(target.join(&machine.target).join("release/libelman_c.a"))
}

/// The programs of the compiler's own folder, and where its libraries are.
fn tools() -> Result<(PathBuf, PathBuf)> {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().context("rustc does not start")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let host = sysroot.join("lib/rustlib");
    let folders = std::fs::read_dir(&host).with_context(|| host.display().to_string())?;
    let bin = folders.flatten().map(|f| f.path().join("bin")).find(|bin| bin.join("rust-lld").is_file());
    Ok((bin.context("rust-lld is not in the compiler's folder")?, sysroot.join("lib")))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{:?} does not start", command.get_program()))?;
    let name = command.get_program().to_string_lossy().into_owned();
    ensure!(output.status.success(), "{name} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Makes Rust's archive into one object with these functions, in which everything else is local: nothing of it meets a firmware's own
/// memcpy or arithmetic, and it needs nothing outside.
///
/// # Errors
/// Where the object refers to something outside it: `elman_a_panic_is_reachable`, where a panic is.
pub fn object(archive: &Path, functions: &[&str]) -> Result<Vec<u8>> {
    linked(archive, functions, &[])
}

/// What a library for a PC takes from that one's own library of C.
const OF_LIBC: &[&str] = &["memcmp", "memcpy", "memmove", "memset"];

fn linked(archive: &Path, functions: &[&str], outside: &[&str]) -> Result<Vec<u8>> {
    let (bin, libraries) = tools()?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let (linked, local) = (folder.path().join("linked.o"), folder.path().join("elman.o"));
    let mut link = Command::new(bin.join("rust-lld"));
    link.args(["-flavor", "gnu", "-r", "--gc-sections", "-o"]).arg(&linked);
    link.args(functions.iter().flat_map(|name| ["-u", name]));
    run(link.arg(archive))?;
    let mut copy = Command::new(bin.join("rust-objcopy"));
    copy.env("LD_LIBRARY_PATH", libraries).arg("--strip-debug");
    copy.args(functions.iter().map(|name| format!("--keep-global-symbol={name}")));
    // Bitcode of the compiler's own libraries, which linkers of C may take for theirs.
    copy.args([".llvmbc", ".llvmcmd", ".comment"].map(|section| format!("--remove-section={section}")));
    run(copy.arg(&linked).arg(&local))?;
    let bytes = std::fs::read(&local).context("the library's object")?;
    check(&bytes, functions, outside)?;
    Ok(bytes)
}

/// A library of these objects, with the index that linkers read.
fn archive(objects: [(&str, Vec<u8>); 2]) -> Result<Vec<u8>> {
    use ar_archive_writer::{ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream};
    let members = objects.map(|(name, bytes)| NewArchiveMember::new(bytes, &DEFAULT_OBJECT_READER, name.to_owned()));
    let mut archive = Cursor::new(Vec::new());
    write_archive_to_stream(&mut archive, &members, ArchiveKind::Gnu, false, None).context("an archive in memory")?;
    Ok(archive.into_inner())
}

/// Names of the functions that the header declares.
pub fn functions() -> impl Iterator<Item = &'static str> {
    let name = |line: &'static str| {
        let declared = line.split_once('(')?.0.rsplit([' ', '*']).next()?;
        (declared.starts_with("elman_") && !line.starts_with([' ', '*', '/'])).then_some(declared)
    };
    HEADER.lines().filter(|line| !line.starts_with("typedef")).filter_map(name)
}

/// That the object defines these functions, nothing else that is seen, and refers to nothing outside.
fn check(bytes: &[u8], functions: &[&str], outside: &[&str]) -> Result<()> {
    let file = object::File::parse(bytes).context("the library's object")?;
    let undefined: Vec<&str> = file
        .symbols()
        .filter(|s| s.is_undefined())
        .filter_map(|s| s.name().ok())
        .filter(|n| !n.is_empty() && !outside.contains(n))
        .collect();
    ensure!(undefined.is_empty(), "it refers to {}, which it does not have", undefined.join(", "));
    let mut seen: Vec<&str> =
        file.symbols().filter(|s| s.is_global() && !s.is_undefined()).filter_map(|s| s.name().ok()).collect();
    let mut wanted = functions.to_vec();
    seen.sort_unstable();
    wanted.sort_unstable();
    ensure!(seen == wanted, "it has {seen:?} instead of {wanted:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_from_the_header() {
        let all: Vec<&str> = functions().collect();
        for name in
            ["elman_load", "elman_step", "elman_status_text", "elman_part_gru", "elman_error_text", "elman_label"]
        {
            assert!(all.contains(&name), "{name} is not in {all:?}");
        }
        assert!(all.len() > 50 && all.iter().all(|n| !n.ends_with("_t")), "{all:?}");
    }

    #[test]
    fn a_zip_of_another_version_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libraries.zip");
        let core = Core::find("m4").unwrap();
        let get = || Libraries::new(Some(&path)).get(core, Float::Soft).unwrap_err();
        assert!(get().to_string().contains("cannot open"));
        std::fs::write(&path, "PK, but not really").unwrap();
        assert!(get().to_string().contains("is no zip"), "{:#}", get());
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        zip.start_file(ABOUT, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"Libraries of elman 0.0.1").unwrap();
        zip.finish().unwrap();
        assert!(get().to_string().contains("another version"), "{:#}", get());
    }
}
