//! Reading files that are files, and writing files so that nothing is lost.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::Error;

/// Opens a regular file. A pipe would wait for ever, and a device never ends.
///
/// # Errors
/// Why it cannot be opened, or that it is no regular file.
pub fn open(path: &Path) -> Result<File, Error> {
    let about = std::fs::metadata(path).map_err(Error::io(path))?;
    if !about.is_file() {
        let what = if about.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(Error::File {
            file: path.into(),
            problem: format!("{what}, not a file; copy it into a file first"),
        });
    }
    File::open(path).map_err(Error::io(path))
}

/// The bytes of a regular file.
///
/// # Errors
/// Why it cannot be read, or that it is no regular file.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(Error::io(path))?;
    Ok(bytes)
}

/// The text of a regular file, as every reader here takes it: unpacked where its name ends in .gz, UTF-16 turned into
/// UTF-8, without byte order mark, lines ended by `\n`.
///
/// # Errors
/// Why it cannot be read, with the line that is no text.
pub fn text(path: &Path) -> Result<String, Error> {
    crate::lines::text(path)
}

/// CRC-32C of a file's content, kept in it: a bit that flips on the disk is noticed.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(bytes)
}

/// Checks before long work that its result can be put at `path`.
///
/// # Errors
/// Where the folder is not there, or `path` is one.
pub fn check_place(path: &Path) -> Result<(), Error> {
    let problem = |problem: String| Error::File { file: path.into(), problem };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(problem(format!("there is no folder {}; make it first", folder.display())));
    }
    if path.is_dir() {
        return Err(problem("a folder; name a file in it".to_owned()));
    }
    Ok(())
}

/// Writes `bytes` to `path` whole or not at all.
///
/// # Errors
/// With path and reason, for instance a full disk; the old content of `path` is untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).with_context(|| format!("cannot write {}; its old content is untouched", path.display()))
}

/// Writes `bytes` to a temporary file next to `path`, syncs it and renames it over `path`, so that whatever happens
/// either the old or the new content is there. A file that is replaced keeps its mode, and a link is followed: the file that it
/// names is replaced. What is no file, a device for instance, is written to.
///
/// # Errors
/// Why it could not be written; the old content is untouched and nothing of the attempt is left.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let old = std::fs::metadata(path).ok();
    if old.as_ref().is_some_and(|old| !old.is_file() && !old.is_dir()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let path = if path.is_symlink() { std::fs::canonicalize(path)? } else { path.to_owned() };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = new_file(folder)?;
    if let Some(old) = old {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|e| e.error)?;
    // The rename itself lasts only once the folder is on the disk.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Writes `bytes` to `path` whole, where no file is there; whether it did. Of several processes that try at once, on any machine that
/// shares the folder, one does.
///
/// # Errors
/// Why it could not be written; nothing of the attempt is left.
pub fn create_whole(path: &Path, bytes: &[u8]) -> std::io::Result<bool> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = new_file(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(e.error),
    }
}

/// A temporary file with the mode of an ordinary new file.
fn new_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_names_what_fails() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let error = write_atomically(&dir.path().join("no/such"), b"x").unwrap_err();
        assert!(format!("{error:#}").contains("no/such"), "{error:#}");
    }

    #[test]
    fn of_many_that_create_a_file_one_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let tries: Vec<_> = (0..8u8)
            .map(|k| {
                let path = path.clone();
                std::thread::spawn(move || create_whole(&path, &[k; 100]).unwrap())
            })
            .collect();
        let made: Vec<bool> = tries.into_iter().map(|t| t.join().unwrap()).collect();
        let k = made.iter().position(|made| *made).unwrap();
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert_eq!(std::fs::read(&path).unwrap(), [k as u8; 100]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_is_known_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check_place(&dir.path().join("new.html")).is_ok() && check_place(Path::new("new.html")).is_ok());
        let message = |path: &Path| check_place(path).unwrap_err().to_string();
        assert!(message(&dir.path().join("no/x.html")).contains("there is no folder"));
        assert!(message(dir.path()).contains("a folder; name a file in it"));
    }

    #[cfg(unix)]
    #[test]
    fn modes_and_links_stay_and_devices_are_written_to() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let [path, link, plain] = ["a", "link", "plain"].map(|name| dir.path().join(name));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::write(&path, b"one").unwrap();
        std::fs::write(&plain, b"").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        write_atomically(&link, b"two").unwrap();
        assert!(link.is_symlink());
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"two"[..], 0o640));
        // A new file has the mode that any new file has here.
        let new = dir.path().join("new");
        write_atomically(&new, b"x").unwrap();
        assert_eq!(mode(&new), mode(&plain));
        write_atomically(Path::new("/dev/null"), b"x").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }
}
