//! One recording: wav or flac to mono i16.

use super::{Error, NoteKind};
use std::io::Cursor;
use symphonia::core::errors::Error as Decode;
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

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

/// Decodes a wav or flac file; several channels become their mean, more than 16 bits are rounded to 16.
///
/// # Errors
/// [`Error::NotAudio`], [`Error::Truncated`], [`Error::Damaged`], [`Error::Empty`], each with `name`.
pub fn read_sound(name: &str, bytes: Vec<u8>) -> Result<Sound, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty { name: name.into() });
    }
    let start = describe(&bytes);
    let not_audio = |why: &str| Error::NotAudio { name: name.into(), found: format!("{start}; {why}") };
    if !(bytes.starts_with(b"RIFF") || bytes.starts_with(b"fLaC") || bytes.starts_with(b"ID3")) {
        return Err(not_audio("neither RIFF nor fLaC"));
    }
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, Default::default(), Default::default())
        .map_err(|e| not_audio(&e.to_string()))?;
    let track = format.default_track(TrackType::Audio).ok_or_else(|| not_audio("it has no audio track"))?;
    let (id, expected) = (track.id, track.num_frames);
    let params = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or_else(|| not_audio("unknown codec"))?;
    let bits = params.bits_per_sample.unwrap_or(16);
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &Default::default())
        .map_err(|e| not_audio(&e.to_string()))?;

    let (mut rate, mut channels) = (params.sample_rate.unwrap_or(0), 1);
    let (mut interleaved, mut chunk): (Vec<i32>, Vec<i32>) = (Vec::new(), Vec::new());
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            // The end of the bytes where the format expects more: judged by the count below.
            Err(Decode::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(Error::Damaged { name: name.into(), reason: e.to_string() }),
        };
        if packet.track_id != id {
            continue;
        }
        let decoded = match decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Decode::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(Error::Damaged { name: name.into(), reason: e.to_string() }),
        };
        (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count().max(1));
        decoded.copy_to_vec_interleaved(&mut chunk);
        interleaved.extend_from_slice(&chunk);
    }
    let found = (interleaved.len() / channels) as u64;
    match expected {
        Some(expected) if found < expected => return Err(Error::Truncated { name: name.into(), found, expected }),
        _ if found == 0 => return Err(Error::Empty { name: name.into() }),
        _ => {}
    }
    let samples = interleaved
        .chunks_exact(channels)
        .map(|frame| {
            let mean = frame.iter().map(|&x| x as i64).sum::<i64>() as f64 / channels as f64;
            (mean / 65_536.0).round_ties_even() as i16
        })
        .collect();
    let mut notes = Vec::new();
    if channels > 1 {
        notes.push(NoteKind::MixedDown { channels: channels as u16 });
    }
    if bits > 16 {
        notes.push(NoteKind::Reduced { bits });
    }
    Ok(Sound { samples, rate, notes })
}

/// What a file starts with, for a message.
fn describe(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(16)];
    match std::str::from_utf8(start) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
            format!("a text that starts with {text:?}")
        }
        _ => format!("it starts with the bytes {:02x?}", &start[..start.len().min(4)]),
    }
}

/// A wav file of mono samples.
pub fn wav_bytes(samples: &[i16], rate: u32) -> Vec<u8> {
    let data = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + data as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate * 2).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&data.to_le_bytes());
    samples.iter().for_each(|x| file.extend_from_slice(&x.to_le_bytes()));
    file
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
        assert!(message(b"hello, I am a text\n".to_vec()).contains("x/a.wav: not a wav or flac recording (a text"));
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
