//! Free Spoken Digit: DIGIT_SPEAKER_INDEX.wav (or .flac), in the folder, in its `recordings`, or in a tar.

use super::{Found, Listing};
use crate::source::{ClipStore, Source, list as entries, name_of};
use crate::{Error, Split, is_sound};
use std::path::Path;

/// Recordings of each digit and speaker that the corpus sets apart for test: index 0 to 4.
const TEST: u32 = 5;

/// Digit, speaker, index.
fn parse(path: &str) -> Option<(&str, &str, u32)> {
    let name = path.rsplit('/').next()?;
    let stem = if is_sound(name) { name.rsplit_once('.')?.0 } else { return None };
    let (digit, rest) = stem.split_once('_')?;
    let (speaker, index) = rest.rsplit_once('_')?;
    let one_digit = digit.len() == 1 && digit.starts_with(|c: char| c.is_ascii_digit());
    if one_digit && !speaker.is_empty() { Some((digit, speaker, index.parse().ok()?)) } else { None }
}

fn found(name: &str, source: Source) -> Option<Found> {
    let (digit, speaker, index) = parse(name)?;
    let split = if index < TEST { Split::Test } else { Split::Train };
    Some(Found { name: name.into(), label: digit.into(), speaker: Some(speaker.into()), split, source })
}

pub(super) fn list(dir: &Path) -> Result<Option<Listing>, Error> {
    let mut listing = Listing::default();
    let clips = &mut listing.clips;
    for place in [dir.to_path_buf(), dir.join("recordings")] {
        if place.is_dir() {
            for path in entries(&place)? {
                if name_of(&path).ends_with(".tar") {
                    let tar = ClipStore::tar(&path)?;
                    clips.extend(tar.members().filter_map(|(name, source)| found(name, source.clone())));
                    listing.shelves.push(tar);
                } else if path.is_file() {
                    clips.extend(found(&name_of(&path), Source::file(path)));
                }
            }
        }
    }
    clips.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((!clips.is_empty()).then_some(listing))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names() {
        assert_eq!(parse("recordings/7_jackson_32.wav"), Some(("7", "jackson", 32)));
        assert_eq!(parse("0_van_der_berg_5.flac"), Some(("0", "van_der_berg", 5)));
        for other in ["7_jackson.wav", "12_a_1.wav", "x_a_1.wav", "7_jackson_1.txt", "7__1.wav", "yes.wav"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
