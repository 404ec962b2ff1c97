//! One recording to mono i16.

mod decode;
mod input;
mod riff;

use super::{Error, NoteKind, files, sniff};
use elman_resample::Resampler;
pub use input::Input;
use riff::Fault;
use std::path::Path;

/// A recording as mono samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Samples, full scale at ±32768.
    pub samples: Vec<i16>,
    /// Samples per second, in Hz.
    pub rate: u32,
    /// What was converted.
    pub notes: Vec<NoteKind>,
}

/// Samples per second that a recorder can have, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 1000..=768_000;

/// An error for rates that no recorder has: they would size what follows.
fn check_rate(rate: u32) -> Result<(), String> {
    let [low, high] = [RATES.start(), RATES.end()];
    let problem = || format!("its header says {rate} samples a second, where {low} to {high} are possible");
    RATES.contains(&rate).then_some(()).ok_or_else(problem)
}

/// Endings of recordings that are read.
const ENDINGS: [&str; 14] =
    ["wav", "wave", "flac", "ogg", "oga", "mp3", "m4a", "mp4", "m4b", "aac", "aif", "aiff", "aifc", "bwf"];
/// Endings of recordings that are not.
const OTHER_ENDINGS: [&str; 16] =
    ["opus", "webm", "wma", "amr", "au", "snd", "caf", "w64", "rf64", "raw", "pcm", "3gp", "ac3", "ape", "mka", "gsm"];

/// Whether a name ends as a recording that is read does.
pub fn is_sound(name: &str) -> bool {
    ENDINGS.contains(&ending(name).as_str())
}

/// Whether a name ends as a recording does, of a kind that is not read.
pub(crate) fn is_other_sound(name: &str) -> bool {
    OTHER_ENDINGS.contains(&ending(name).as_str())
}

/// What follows the last point of a name, in small letters; nothing where it has none.
pub(crate) fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_ascii_lowercase())
}

/// What a recording is, without its samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundInfo {
    /// Samples per channel.
    pub samples: u64,
    /// Samples per second, in Hz.
    pub rate: u32,
    /// What was converted.
    pub notes: Vec<NoteKind>,
}

/// Takes a rate in Hz and the next samples at it; the rate is the same each time.
pub type SoundSink<'a> = dyn FnMut(u32, &[i16]) + 'a;

/// Bytes from which a recording is recognised.
const HEAD: u64 = 4 << 20;

/// Decodes a recording: wav, flac, ogg, mp3, m4a or aiff, whatever its name; several channels become their mean, more
/// than 16 bits are rounded to 16.
///
/// # Errors
/// [`Error::NotAudio`], [`Error::Truncated`], [`Error::Damaged`], [`Error::Empty`], each with `name`.
pub fn read_sound(name: &str, bytes: Vec<u8>) -> Result<Sound, Error> {
    let mut samples = Vec::new();
    let info = stream_sound(name, Input::memory(bytes), &mut |_, piece| samples.extend_from_slice(piece))?;
    samples.shrink_to_fit();
    Ok(Sound { samples, rate: info.rate, notes: info.notes })
}

/// Decodes a recording as [`read_sound`] does, and gives its samples to `sink` piece by piece: its length does not matter
/// for the memory.
///
/// # Errors
/// Those of [`read_sound`], and what the system says. `sink` may have been given samples.
pub fn stream_sound(name: &str, mut input: Input, sink: &mut SoundSink<'_>) -> Result<SoundInfo, Error> {
    let empty = || Error::Empty { name: name.into() };
    let not_audio = |found: String, way: &str| Error::NotAudio { name: name.into(), found, way: way.into() };
    let io = |reason| Error::Io { path: name.into(), reason };
    let head = input.some(0, HEAD);
    if let Some(error) = input.error() {
        return Err(io(error));
    }
    if head.is_empty() {
        return Err(empty());
    }
    if let Some(found) = sniff::line_ends(&head, input.len()) {
        return Err(not_audio(found, LINE_ENDS));
    }
    let (decoded, bits, [no_number, beyond]) = if riff::is_wav(&head) {
        let wav = riff::read(input).map_err(|fault| match fault {
            Fault::Empty => empty(),
            Fault::Truncated { found, expected } => Error::Truncated { name: name.into(), found, expected },
            Fault::Header(found) => not_audio(found, HEADER),
            Fault::Encoding(found) => not_audio(found, sniff::CONVERT),
            Fault::Io(error) => io(error),
        })?;
        (decode::decode(name, b"RIFF", Box::new(wav.file), sink)?, Some(wav.bits), wav.damaged)
    } else if decode::is_known(&head) {
        (decode::decode(name, &head, Box::new(input), sink)?, None, [0; 2])
    } else {
        let kind = sniff::no_sound(&ending(name), &head);
        return Err(not_audio(kind.what, &kind.way));
    };
    let bits = bits.unwrap_or(decoded.bits);
    let mut notes = Vec::new();
    if decoded.channels > 1 {
        notes.push(NoteKind::MixedDown { channels: decoded.channels });
    }
    if bits > 16 {
        notes.push(NoteKind::Reduced { bits });
    }
    if no_number > 0 {
        notes.push(NoteKind::NoNumber { samples: no_number });
    }
    if beyond > 0 {
        notes.push(NoteKind::BeyondScale { samples: beyond });
    }
    Ok(SoundInfo { samples: decoded.samples, rate: decoded.rate, notes })
}

/// Decodes a recording in a file at `rate` Hz, and gives its samples to `sink` piece by piece. The rate that is returned is
/// that of the file.
///
/// # Errors
/// Those of `stream_sound`, and that it is no regular file.
pub fn stream_file(path: &Path, rate: u32, sink: &mut dyn FnMut(&[i16])) -> Result<SoundInfo, Error> {
    let input = Input::file(files::open(path)?, 0, None).map_err(Error::io(path))?;
    stream_at(&path.display().to_string(), input, rate, sink)
}

/// A recording at `rate` Hz.
pub(crate) fn stream_at(name: &str, input: Input, rate: u32, sink: &mut dyn FnMut(&[i16])) -> Result<SoundInfo, Error> {
    let mut resampler = None;
    let info = stream_sound(name, input, &mut |from, piece| {
        resampler.get_or_insert_with(|| Resampler::new(from, rate)).push(piece, &mut *sink);
    })?;
    if let Some(resampler) = resampler {
        resampler.finish(sink);
    }
    Ok(info)
}

/// What to do about a file that was changed like text.
const LINE_ENDS: &str = "copy it again from where it came (ftp: `binary`; git: `*.wav -text` in .gitattributes)";

/// What to do about a header that cannot be right.
const HEADER: &str = "convert it (ffmpeg -i INPUT -ac 1 OUTPUT.wav), correct its header (sox -r 16000 INPUT OUTPUT.wav) \
    or record it again";

/// A wav file of mono samples. Of more than 4 GiB (37 hours at 16 kHz) it says that its size is not known, which readers
/// take for "to the end of the file".
pub fn wav_bytes(samples: &[i16], rate: u32) -> Vec<u8> {
    let data = samples.len() * 2;
    let mut file = Vec::with_capacity(44 + data);
    file.extend_from_slice(&header(data as u64, rate));
    samples.iter().for_each(|x| file.extend_from_slice(&x.to_le_bytes()));
    file
}

/// The header before so many bytes of mono samples.
fn header(data: u64, rate: u32) -> Vec<u8> {
    let size = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&size(data.saturating_add(36)));
    header.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&rate.saturating_mul(2).to_le_bytes());
    header.extend_from_slice(b"\x02\0\x10\0data");
    header.extend_from_slice(&size(data));
    header
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use elman_resample::resample;

    /// A wav file of `bits` per sample; `samples` at full scale ±1, interleaved.
    pub(in super::super) fn wav(rate: u32, channels: u16, bits: u16, samples: &[f64]) -> Vec<u8> {
        let bytes = bits / 8;
        let data = samples.len() as u32 * bytes as u32;
        let mut file = Vec::new();
        file.extend_from_slice(b"RIFF");
        file.extend_from_slice(&(36 + data).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0");
        file.extend_from_slice(&channels.to_le_bytes());
        file.extend_from_slice(&rate.to_le_bytes());
        file.extend_from_slice(&(rate * (channels * bytes) as u32).to_le_bytes());
        file.extend_from_slice(&(channels * bytes).to_le_bytes());
        file.extend_from_slice(&bits.to_le_bytes());
        file.extend_from_slice(b"data");
        file.extend_from_slice(&data.to_le_bytes());
        for x in samples {
            let v = (x * 2f64.powi(bits as i32 - 1)).round() as i32;
            file.extend_from_slice(&v.to_le_bytes()[..bytes as usize]);
        }
        file
    }

    fn sine(n: usize, rate: u32, hz: f64) -> Vec<f64> {
        (0..n).map(|i| 0.5 * (std::f64::consts::TAU * hz * i as f64 / rate as f64).sin()).collect()
    }

    #[test]
    fn plain_wav_is_bit_exact() {
        let samples = sine(1000, 16_000, 440.0);
        let sound = read_sound("a.wav", wav(16_000, 1, 16, &samples)).unwrap();
        let expected: Vec<i16> = samples.iter().map(|x| (x * 32_768.0).round() as i16).collect();
        assert_eq!((sound.samples, sound.rate, sound.notes), (expected, 16_000, vec![]));
    }

    #[test]
    fn sizes_of_long_recordings_do_not_wrap() {
        let sizes =
            |data: u64| [4, 40].map(|at| u32::from_le_bytes(*header(data, 16_000)[at..].first_chunk().unwrap()));
        assert_eq!(sizes(3200), [3236, 3200]);
        assert_eq!(sizes((1 << 32) - 36), [u32::MAX, u32::MAX - 35]);
        assert_eq!(sizes(38 * 3600 * 32_000), [u32::MAX; 2]);
        // Such a size is read as "to the end".
        let mut file = header(38 * 3600 * 32_000, 16_000);
        file.extend([1, 0, 2, 0]);
        assert_eq!(read_sound("a.wav", file).unwrap().samples, [1, 2]);
    }

    #[test]
    fn stereo_and_24_bits_are_said() {
        let stereo: Vec<f64> = (0..200).flat_map(|i| [i as f64 / 1000.0, -i as f64 / 2000.0]).collect();
        let sound = read_sound("a.wav", wav(8000, 2, 24, &stereo)).unwrap();
        assert_eq!(sound.notes, [NoteKind::MixedDown { channels: 2 }, NoteKind::Reduced { bits: 24 }]);
        assert_eq!((sound.samples.len(), sound.rate), (200, 8000));
        for (i, &x) in sound.samples.iter().enumerate() {
            assert!((x as f64 - i as f64 / 4000.0 * 32_768.0).abs() <= 0.51, "{i}: {x}");
        }
    }

    #[test]
    fn bad_files_are_named() {
        let message = |bytes: Vec<u8>| read_sound("x/a.wav", bytes).unwrap_err().to_string();
        assert!(
            message(b"hello, I am a text\n".to_vec()).contains("x/a.wav: not a recording that can be read (a text")
        );
        assert!(message(vec![]).starts_with("x/a.wav: contains no samples"));
        assert!(message(wav(8000, 1, 16, &[])).starts_with("x/a.wav: contains no samples"));
        let whole = wav(8000, 1, 16, &sine(4000, 8000, 300.0));
        let text = message(whole[..2044].to_vec());
        assert!(text.contains("cut off after 1000 of 4000 samples"), "{text}");
        assert!(message(whole[..30].to_vec()).contains("x/a.wav: "));
        assert!(message(vec![0xff; 100]).contains("bytes [ff, ff, ff, ff]"));
    }

    #[test]
    fn resampling_keeps_a_tone() {
        for (from, to) in [(48_000, 16_000), (44_100, 16_000), (8000, 16_000), (22_050, 8000)] {
            let n = from as usize;
            let tone: Vec<i16> = sine(n, from, 440.0).iter().map(|x| (x * 32_768.0) as i16).collect();
            let ours = resample(&tone, from, to);
            assert!((ours.len() as i64 - to as i64).abs() <= 1, "{from} to {to}: {}", ours.len());
            // The filter may delay by part of a sample: the tone is compared whatever its phase.
            let middle = to as usize / 4..3 * to as usize / 4;
            let angle = |i: usize| std::f64::consts::TAU * 440.0 * i as f64 / to as f64;
            let along = |f: fn(f64) -> f64| {
                middle.clone().map(|i| ours[i] as f64 * f(angle(i))).sum::<f64>() / (middle.len() as f64 / 2.0)
            };
            let (s, c) = (along(f64::sin), along(f64::cos));
            assert!((s.hypot(c) - 16_384.0).abs() < 20.0 && c.abs() < 1600.0, "{from} to {to}: {s} {c}");
            let rest = |i: usize| ours[i] as f64 - s * angle(i).sin() - c * angle(i).cos();
            let worst = middle.clone().map(|i| rest(i).abs()).fold(0.0, f64::max);
            assert!(worst < 5.0, "{from} to {to}: {worst}");
        }
    }
}
