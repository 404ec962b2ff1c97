//! What bytes are, by how they begin, and what to do about them where something else is wanted.

use std::fmt::Write;

/// What bytes are that cannot be read, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What they are.
    pub(crate) what: String,
    /// What to do.
    pub(crate) way: String,
}

pub(crate) const CONVERT: &str = "convert it, for example: ffmpeg -i INPUT -ac 1 OUTPUT.wav";
const DOWNLOAD: &str = "download it again";
const UNPACK: &str = "unpack it first";

/// First bytes, where they stand, what they mean, and the way out.
const KNOWN: &[(usize, &[u8], &str, &str)] = &[
    (0, b"version https://git-lfs", "a pointer of git-lfs, not the file itself", "fetch the files: git lfs pull"),
    (0, b"riff\x2e\x91\xcf\x11", "a Sony Wave64 recording", CONVERT),
    (0, b"RIFX", "a big-endian RIFX recording", CONVERT),
    (0, b"RIFF", "a RIFF file without WAVE in it", CONVERT),
    (0, b".snd", "a Sun au recording", CONVERT),
    (0, b"caff", "a Core Audio recording", CONVERT),
    (0, b"#!AMR", "an AMR recording", CONVERT),
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska", CONVERT),
    (0, b"\x30\x26\xb2\x75", "Windows Media", CONVERT),
    (0, b"OggS", "an Ogg file", CONVERT),
    (0, b"ID3", "ID3 tags as of an mp3, without sound after them", CONVERT),
    (0, b"FORM", "an IFF file", CONVERT),
    (4, b"ftyp", "an MP4 file", CONVERT),
    (0, b"MThd", "a MIDI file, which has notes and no samples", "take it out"),
    (0, b"\x89PNG", "a PNG picture", "take it out"),
    (0, b"\xff\xd8\xff", "a JPEG picture", "take it out"),
    (0, b"%PDF", "a PDF", "take it out"),
    (0, b"\x1f\x8b", "gzip data", "unpack it first: gunzip, with the ending .gz"),
    (0, b"{\\rtf", "a Rich Text document", "save it as plain text"),
    (0, b"BZh", "bzip2 data", UNPACK),
    (0, b"\xfd7zXZ", "xz data", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "zstd data", UNPACK),
    (0, b"PK\x03\x04", "a zip archive", "unpack it first, or export a document as text or csv"),
    (0, b"Rar!", "a rar archive", UNPACK),
    (0, b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"PAR1", "a Parquet table", "export it as csv"),
    (0, b"\x93NUMPY", "a NumPy array", "export it as csv"),
    (0, b"SQLite format", "an SQLite database", "export it as csv"),
];

/// Endings of numbers that are no samples.
const FEATURES: [&str; 6] = ["bin", "dat", "feat", "mfcc", "pt", "pkl"];

/// What `bytes` of a file with this ending are that should be sound.
pub(crate) fn no_sound(ending: &str, bytes: &[u8]) -> Kind {
    if let Some(known) = known(bytes) {
        return known;
    }
    if let Some(at) = bytes[..bytes.len().min(1 << 16)].windows(4).position(|w| w == b"RIFF" || w == b"fLaC") {
        return Kind {
            what: format!("{at} bytes of something else before the recording, {}", start(bytes)),
            way: format!("cut them off: tail -c +{} INPUT > OUTPUT.wav", at + 1),
        };
    }
    if let Some(name) = link(bytes) {
        return Kind {
            what: format!("a link that was copied as text, it names `{name}`"),
            way: "copy that file to its place".to_owned(),
        };
    }
    if text_of(bytes).is_some() {
        return Kind {
            what: start(bytes),
            way: "look into it: it is no sound, download or record it again".to_owned(),
        };
    }
    if FEATURES.contains(&ending) {
        let way = "features, such as MFCCs, are no recordings, and the front end computes its own: name the recordings \
            that they are of; or write the numbers as values, one example a line of a .ts file, and read them with `format = \"ts\"` \
            in [data]";
        return Kind {
            what: format!("{}, named .{ending} as numbers without a header are", start(bytes)),
            way: way.to_owned(),
        };
    }
    let way = "where it is samples without a header, say of what kind: \
        ffmpeg -f s16le -ar 16000 -ac 1 -i INPUT OUTPUT.wav; else record it again";
    Kind { what: start(bytes), way: way.to_owned() }
}

/// What `bytes` are, where that is known, and no sound or text.
pub(crate) fn known(bytes: &[u8]) -> Option<Kind> {
    let page: Vec<u8> = bytes.trim_ascii_start().iter().take(9).map(u8::to_ascii_lowercase).collect();
    if page.starts_with(b"<!doctype") || page.starts_with(b"<html") {
        return Some(Kind { what: "a web page, not the file itself".to_owned(), way: DOWNLOAD.to_owned() });
    }
    let (_, _, what, way) =
        KNOWN.iter().find(|(at, magic, ..)| bytes.get(*at..).is_some_and(|b| b.starts_with(magic)))?;
    Some(Kind { what: (*what).to_owned(), way: (*way).to_owned() })
}

/// The name in a file that is a name of a recording and nothing else.
fn link(bytes: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(bytes).ok().filter(|text| text.len() < 1024)?.trim();
    (!name.contains(char::is_control) && crate::is_sound(name)).then_some(name)
}

/// How bytes begin, for a message.
pub(crate) fn start(bytes: &[u8]) -> String {
    match text_of(bytes) {
        Some(text) => format!("a text that starts with {text:?}"),
        None => {
            let mut hex = String::new();
            bytes.iter().take(4).enumerate().for_each(|(k, b)| {
                let comma = if k == 0 { "" } else { ", " };
                let _ = write!(hex, "{comma}{b:02x}");
            });
            format!("it starts with the bytes [{hex}]")
        }
    }
}

/// The first characters, where the bytes are text.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let start = &bytes[..bytes.len().min(24)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The last character may be cut.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&start[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_whitespace())).then_some(text)
}

/// What a program that takes a wav file for text did to it, if that shows: `\n` became `\r\n`, or `\r\n` became `\n`. Every sample
/// after the first such place is wrong then. `bytes` begin a file of `length` bytes; some megabytes are enough to see.
pub(crate) fn line_ends(bytes: &[u8], length: u64) -> Option<String> {
    let header = bytes.starts_with(b"RIFF").then(|| bytes.get(4..8)?.first_chunk().copied())??;
    let ends = bytes.iter().filter(|b| **b == b'\n').count();
    let returns = bytes.iter().filter(|b| **b == b'\r').count();
    let pairs = bytes.windows(2).filter(|w| w == b"\r\n").count();
    let missing = u64::from(u32::from_le_bytes(header)).saturating_add(8).saturating_sub(length);
    // By chance, a byte in 256 comes before a `\n`.
    let likely = ends / 256;
    if ends >= 16 && pairs == ends {
        return Some(format!(
            "a wav file in which \\r stands before each \\n ({ends} times): it was changed like text on its way"
        ));
    }
    let little = missing > 0 && missing <= length / 1000 + 16;
    let gone = (likely >= 8 && pairs == 0) || (ends >= 64 && returns == 0);
    (little && gone).then(|| {
        format!("a wav file without \\r before \\n, {missing} bytes shorter than it says: it was changed like text on its way")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sound_is_named_with_a_way_out_that_helps() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (bytes, what, way) in [
            (&b"<!DOCTYPE html><title>404</title>"[..], "a web page", "download it again"),
            (b"\n <HTML>", "a web page", "download"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git-lfs", "git lfs pull"),
            (b"I (12) i2s: start\nRIFF\x24\0\0\0WAVE", "18 bytes of something else before", "tail -c +19"),
            (b"../kitchen.wav", "a link that was copied as text, it names `../kitchen.wav`", "copy that file"),
            (b"hello, there is no sound in this", "a text that starts with \"hello, there is no sound", "no sound"),
            (b"\xf1\xfd\x18\x02\xbc\0", "the bytes [f1, fd, 18, 02]", "-f s16le"),
            (b"\x1f\x8b\x08\0", "gzip data", "gunzip"),
            (b"\x1a\x45\xdf\xa3", "WebM", "ffmpeg"),
            (&tar, "a tar archive", "unpack"),
        ] {
            let kind = no_sound("wav", bytes);
            assert!(kind.what.contains(what) && kind.way.contains(way), "{kind:?}");
        }
        let features = no_sound("bin", b"\xf1\xfd\x18\x02\xbc\0");
        assert!(features.way.contains("features, such as MFCCs") && !features.way.contains("ffmpeg"), "{features:?}");
        assert_eq!(known(b"a,b\n"), None);
        assert_eq!(start("äöü".as_bytes()), "a text that starts with \"äöü\"");
    }

    fn line_ends_of(file: &[u8]) -> Option<String> {
        line_ends(file, file.len() as u64)
    }

    #[test]
    fn wavs_that_went_through_a_text_mode_are_known() {
        let mut state = 1u32;
        let samples: Vec<i16> = (0..400_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16
            })
            .collect();
        let wav = crate::wav_bytes(&samples, 16_000);
        assert_eq!(line_ends_of(&wav), None);
        assert_eq!(line_ends_of(&crate::wav_bytes(&[0; 9000], 16_000)), None);
        let mut more = Vec::new();
        let mut fewer = Vec::new();
        for (k, b) in wav.iter().enumerate() {
            more.extend((*b == b'\n').then_some(b'\r'));
            more.push(*b);
            if !(*b == b'\r' && wav.get(k + 1) == Some(&b'\n')) {
                fewer.push(*b);
            }
        }
        assert!(line_ends_of(&more).is_some_and(|s| s.contains("stands before each")));
        assert!(line_ends_of(&fewer).is_some_and(|s| s.contains("shorter than it says")));
        let error = crate::read_sound("a.wav", more).unwrap_err().to_string();
        assert!(error.contains("a.wav") && error.contains("binary"), "{error}");
        // A recording that was cut off is no such file.
        assert_eq!(line_ends_of(&wav[..wav.len() - 100_000]), None);
    }
}
