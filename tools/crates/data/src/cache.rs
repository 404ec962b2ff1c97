//! Vectors stored from run to run under the hash of their inputs.
//!
//! A file is written to a temporary name and renamed, so that a run that is killed leaves no partial file, and two runs
//! that make the same vectors write the same. What is damaged, or cannot be read or written, is made again.

use std::path::{Path, PathBuf};

use sha1_smol::Sha1;

use crate::files;

/// Where to keep; `off` keeps nothing.
const VARIABLE: &str = "ELMAN_CACHE";
/// First words of a file; the last one is the layout's version.
const MAGIC: [u32; 3] = [u32::from_le_bytes(*b"ELMN"), u32::from_le_bytes(*b"CACH"), 1];
/// Bytes that are kept at most; the oldest go first.
const MOST_BYTES: u64 = 1 << 30;

/// A file without a name in the folder of the user's caches, or else in that of temporary files, which may be memory.
///
/// # Errors
/// Where neither can be written to.
pub(crate) fn temporary() -> std::io::Result<std::fs::File> {
    let of_user = Cache::of_user().dir.filter(|dir| std::fs::create_dir_all(dir).is_ok());
    of_user.and_then(|dir| tempfile::tempfile_in(dir).ok()).map_or_else(tempfile::tempfile, Ok)
}

/// A folder of vectors.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: Option<PathBuf>,
}

/// What vectors are made of, as far as it can change them.
#[derive(Clone)]
pub struct Key(Sha1);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.0.digest())
    }
}

impl Key {
    /// Of a kind of vectors; the name changes when what makes them does.
    pub fn new(kind: &str) -> Self {
        let mut hash = Sha1::new();
        hash.update(kind.as_bytes());
        Key(hash)
    }
    /// Adds bytes and their number.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

impl Cache {
    /// In the folder of the user's caches, or where `ELMAN_CACHE` says.
    pub fn of_user() -> Self {
        let dir = match std::env::var_os(VARIABLE) {
            Some(place) if place == "off" => None,
            Some(place) => Some(PathBuf::from(place)),
            None => dirs::cache_dir().map(|dir| dir.join("elman")),
        };
        Cache { dir }
    }

    /// In this folder.
    pub fn at(dir: &Path) -> Self {
        Cache { dir: Some(dir.to_owned()) }
    }

    /// The vectors of a key, from the folder or made and kept there.
    ///
    /// # Errors
    /// What making them found wrong; nothing of the folder is an error.
    pub fn vectors<E>(&self, key: &Key, make: impl FnOnce() -> Result<Vec<Vec<i16>>, E>) -> Result<Vec<Vec<i16>>, E> {
        let Some(dir) = &self.dir else { return make() };
        let path = dir.join(format!("{}.vectors", key.0.digest()));
        if let Some(vectors) = std::fs::read(&path).ok().and_then(|bytes| parse(&bytes)) {
            return Ok(vectors);
        }
        let vectors = make()?;
        // Best effort: a disk that is full or cannot be written to costs the time of making them again.
        if std::fs::create_dir_all(dir).is_ok() && files::replace(&path, &written(&vectors)).is_ok() {
            prune(dir, MOST_BYTES);
        }
        Ok(vectors)
    }
}

/// Magic, number of vectors, their lengths, their elements two a word, CRC-32C of all that.
fn written(vectors: &[Vec<i16>]) -> Vec<u8> {
    let head = MAGIC.into_iter().chain([vectors.len() as u32]).chain(vectors.iter().map(|v| v.len() as u32));
    let mut bytes: Vec<u8> = head.flat_map(u32::to_le_bytes).collect();
    bytes.reserve_exact(vectors.iter().map(|v| 4 * v.len().div_ceil(2)).sum::<usize>() + 4);
    for vector in vectors {
        bytes.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
        // A whole number of words.
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes.extend(files::checksum(&bytes).to_le_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> Option<Vec<Vec<i16>>> {
    let (words, []) = bytes.as_chunks::<4>() else { return None };
    let word = |w: &[u8; 4]| u32::from_le_bytes(*w);
    let (crc, body) = words.split_last()?;
    let rest = body.strip_prefix(&MAGIC.map(u32::to_le_bytes))?;
    if files::checksum(body.as_flattened()) != word(crc) {
        return None;
    }
    let (count, rest) = rest.split_first()?;
    let (lengths, mut rest) = rest.split_at_checked(word(count) as usize)?;
    let mut vectors = Vec::with_capacity(lengths.len());
    for length in lengths.iter().map(|w| word(w) as usize) {
        let (own, others) = rest.split_at_checked(length.div_ceil(2))?;
        let elements = own.as_flattened().as_chunks::<2>().0;
        vectors.push(elements[..length].iter().map(|x| i16::from_le_bytes(*x)).collect());
        rest = others;
    }
    rest.is_empty().then_some(vectors)
}

/// Removes the oldest files beyond `most` bytes.
fn prune(dir: &Path, most: u64) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut kept: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok()?;
            let ours = entry.path().extension().is_some_and(|e| e == "vectors");
            ours.then_some((about.modified().ok()?, about.len(), entry.path()))
        })
        .collect();
    kept.sort();
    let mut bytes: u64 = kept.iter().map(|(_, length, _)| length).sum();
    for (_, length, path) in kept {
        if bytes <= most {
            return;
        }
        if std::fs::remove_file(path).is_ok() {
            bytes -= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const SOME: [&[i16]; 4] = [&[1, -2, 3], &[], &[i16::MIN, i16::MAX], &[7]];

    fn some() -> Vec<Vec<i16>> {
        SOME.map(<[i16]>::to_vec).to_vec()
    }

    fn key(byte: u8) -> Key {
        let mut key = Key::new("test");
        key.add(&[byte]);
        key
    }

    /// The vectors, and whether they were made.
    fn ask(cache: &Cache, key: &Key) -> (Vec<Vec<i16>>, bool) {
        let mut made = false;
        let make = || {
            made = true;
            Ok::<_, Infallible>(some())
        };
        let Ok(vectors) = cache.vectors(key, make);
        (vectors, made)
    }

    #[test]
    fn what_is_kept_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(&dir.path().join("new/folder"));
        assert_eq!(ask(&cache, &key(1)), (some(), true));
        assert_eq!(ask(&cache, &key(1)), (some(), false));
        assert_eq!(ask(&cache, &key(2)), (some(), true));
        assert_eq!(ask(&Cache { dir: None }, &key(1)), (some(), true));
    }

    #[test]
    fn parts_of_a_key_do_not_run_into_each_other() {
        let of = |parts: &[&[u8]]| {
            let mut key = Key::new("test");
            parts.iter().for_each(|p| key.add(p));
            key.0.digest()
        };
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
    }

    /// Every truncation and every flipped bit, and what a killed run leaves.
    #[test]
    fn what_is_damaged_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path());
        ask(&cache, &key(1));
        let path = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(parse(&whole), Some(some()));
        for n in 0..whole.len() {
            assert_eq!(parse(&whole[..n]), None, "{n} bytes");
        }
        for bit in 0..whole.len() * 8 {
            let mut bad = whole.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&bad), None, "bit {bit}");
        }
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        std::fs::write(dir.path().join(".tmpAbCdEf"), &whole[..9]).unwrap();
        assert_eq!(ask(&cache, &key(1)), (some(), true));
        assert_eq!(ask(&cache, &key(1)), (some(), false));
    }

    #[test]
    fn two_at_once_see_whole_files_only() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|k| assert_eq!(ask(&cache, &key(k % 5)).0, some())));
            }
        });
    }

    #[test]
    fn the_oldest_go_first() {
        let dir = tempfile::tempdir().unwrap();
        for (k, name) in ["b.vectors", "a.vectors", "c.vectors", "other"].iter().enumerate() {
            let path = dir.path().join(name);
            std::fs::write(&path, [0; 100]).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(k as u64);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
        prune(dir.path(), 150);
        let left: Vec<bool> =
            ["a.vectors", "b.vectors", "c.vectors", "other"].map(|n| dir.path().join(n).exists()).to_vec();
        assert_eq!(left, [false, false, true, true]);
    }
}
