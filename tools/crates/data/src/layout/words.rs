//! Speech Commands: a folder per word, the splits in lists or by the hash of the speaker.

use super::{Found, Listing, noise};
use crate::source::{Source, is_audio, list as entries, name_of};
use crate::{Error, Split};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Per cent of the speakers in valid, and again in test, where no lists say otherwise.
const SHARE: f64 = 10.0;

/// The folder of recordings without speech.
const NOISE: &str = "_background_noise_";

pub(super) fn list(dir: &Path) -> Result<Option<Listing>, Error> {
    let folders: Vec<_> = entries(dir)?
        .into_iter()
        .filter(|p| p.is_dir() && !name_of(p).starts_with('_') && name_of(p) != "noise")
        .collect();
    let mut clips = Vec::new();
    let mut empty = None;
    for folder in &folders {
        let word = name_of(folder);
        let before = clips.len();
        for path in entries(folder)? {
            let file = name_of(&path);
            if is_audio(&file) {
                let speaker = file.split_once("_nohash_").map(|(speaker, _)| speaker.to_string());
                let name = format!("{word}/{file}");
                let split = by_hash(&file);
                clips.push(Found { name, label: word.clone(), speaker, split, source: Source::file(path) });
            }
        }
        if clips.len() == before {
            empty = empty.or(Some(folder));
        }
    }
    if clips.is_empty() {
        return Ok(None);
    }
    if let Some(dir) = empty {
        return Err(Error::EmptyFolder { dir: dir.clone() });
    }
    let valid = names(dir, "validation_list.txt", &clips)?;
    let test = names(dir, "testing_list.txt", &clips)?;
    if let Some(name) = valid.iter().flatten().find(|n| test.iter().flatten().any(|t| t == *n)) {
        return Err(Error::Duplicate { name: name.clone(), first: Split::Valid, second: Split::Test });
    }
    if valid.is_some() || test.is_some() {
        let (valid, test) = (valid.unwrap_or_default(), test.unwrap_or_default());
        for clip in &mut clips {
            clip.split = match () {
                () if valid.contains(&clip.name) => Split::Valid,
                () if test.contains(&clip.name) => Split::Test,
                () => Split::Train,
            };
        }
    }
    let mut noises = noise(&dir.join(NOISE))?;
    noises.extend(noise(&dir.join("noise"))?);
    Ok(Some(Listing { clips, noise: noises }))
}

/// The clips that a list names; `None` if there is no list.
fn names(dir: &Path, list: &str, clips: &[Found]) -> Result<Option<HashSet<String>>, Error> {
    let file = dir.join(list);
    if !file.is_file() {
        return Ok(None);
    }
    let known: HashSet<&str> = clips.iter().map(|c| c.name.as_str()).collect();
    let text = fs::read_to_string(&file).map_err(Error::io(&file))?;
    let mut names = HashSet::new();
    for (i, name) in text.lines().map(str::trim).enumerate().filter(|(_, name)| !name.is_empty()) {
        if !known.contains(name) {
            return Err(Error::Missing { list: file, line: i as u64 + 1, name: name.into(), place: dir.into() });
        }
        names.insert(name.to_string());
    }
    Ok(Some(names))
}

/// The rule of Speech Commands' readme: SHA-1 of the name up to `_nohash_`, so that a speaker stays in one split
/// whatever else is added.
fn by_hash(file: &str) -> Split {
    const MOST: u128 = (1 << 27) - 1;
    let speaker = file.split_once("_nohash_").map_or(file, |(speaker, _)| speaker);
    let digest = sha1_smol::Sha1::from(speaker).digest().bytes();
    // The digest as one number of 160 bits modulo 2^27: its last four bytes decide.
    let low = u32::from_be_bytes([digest[16], digest[17], digest[18], digest[19]]) as u128;
    let percent = (low % (MOST + 1)) as f64 * (100.0 / MOST as f64);
    match percent {
        p if p < SHARE => Split::Valid,
        p if p < 2.0 * SHARE => Split::Test,
        _ => Split::Train,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked against the published function `which_set` run in Python.
    #[test]
    fn hash_rule() {
        assert_eq!(by_hash("0a7c2a8d_nohash_0.wav"), by_hash("0a7c2a8d_nohash_3.wav"));
        for (file, split) in HASHED {
            assert_eq!(by_hash(file), split, "{file}");
        }
    }

    const HASHED: [(&str, Split); 6] = [
        ("2265b1f5_nohash_0.wav", Split::Test),
        ("414c343c_nohash_0.wav", Split::Test),
        ("7ed4d57b_nohash_3.wav", Split::Train),
        ("78e51061_nohash_3.wav", Split::Valid),
        ("c9e9c616_nohash_1.wav", Split::Train),
        ("f06c144a_nohash_3.wav", Split::Valid),
    ];
}
