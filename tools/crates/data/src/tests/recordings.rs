//! Recordings as pipes, recorders, phones and broken disks leave them, made here byte by byte.

use super::*;
use crate::{Sound, read_sound};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// 2,400 samples, and them as bytes.
fn samples() -> (Vec<i16>, Vec<u8>) {
    let samples: Vec<i16> = (0..2400).map(|i| ((i as f64 * 0.07).sin() * 9000.0) as i16).collect();
    let bytes = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    (samples, bytes)
}

fn chunk(id: &[u8], body: &[u8]) -> Vec<u8> {
    let mut chunk = [id, &(body.len() as u32).to_le_bytes(), body].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// The chunk `fmt `: tag, channels, rate, byte rate, block, bits, more.
fn fmt(tag: u16, rate: u32, block: u16, bits: u16, byte_rate: u32, more: &[u8]) -> Vec<u8> {
    let mut body = [tag.to_le_bytes(), 1u16.to_le_bytes()].concat();
    body.extend(rate.to_le_bytes());
    body.extend(byte_rate.to_le_bytes());
    body.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
    body.extend(more);
    chunk(b"fmt ", &body)
}

fn pcm16() -> Vec<u8> {
    fmt(1, 16_000, 2, 16, 32_000, &[])
}

fn riff(size: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"RIFF", &size.to_le_bytes()[..], b"WAVE", &chunks.concat()].concat()
}

/// A wav file with any sizes: of the whole, and of the data.
fn sized(whole: u32, data: u32, after: &[u8]) -> Vec<u8> {
    let (_, bytes) = samples();
    let head = [b"data", &data.to_le_bytes()[..]].concat();
    riff(whole, &[pcm16(), chunk(b"LIST", b"INFOISFT\x02\0\0\0a\0"), head, bytes, after.to_vec()])
}

fn read(bytes: Vec<u8>) -> Result<Sound, String> {
    read_sound("x/a.wav", bytes).map_err(|e| e.to_string())
}

#[test]
fn sizes_that_are_placeholders_mean_to_the_end() {
    let (wanted, bytes) = samples();
    let data = bytes.len() as u32;
    for (whole, size) in [
        (u32::MAX, u32::MAX),
        (0x7FFF_F024, 0x7FFF_F000),
        (0x8000_0024, 0x8000_0000),
        (0x7FFF_FFFF, 0x7FFF_FFFF),
        (0, 0),
        (36, 0),
        (36 + data, 0),
        (u32::MAX - 8, u32::MAX - 44),
        (0, data),
        (17, data),
        (36 + data, data + 44 + 22),
        (36 + data, data + 44 + 22 - 8),
    ] {
        let sound = read(sized(whole, size, &[])).unwrap_or_else(|e| panic!("{whole:x} {size:x}: {e}"));
        assert_eq!((sound.samples, sound.rate), (wanted.clone(), 16_000), "{whole:x} {size:x}");
        assert!(sound.notes.is_empty());
    }
    // Half a frame at the end of the file is no frame.
    assert_eq!(read(sized(u32::MAX, u32::MAX, &[7])).unwrap().samples, wanted);
    // A size that can be right is right: chunks may follow, and a copy that was cut off is an error.
    assert_eq!(read(sized(36, data, &chunk(b"LIST", b"INFO"))).unwrap().samples, wanted);
    let mut cut = sized(36 + data, data, &[]);
    cut.truncate(cut.len() - 2400);
    let text = read(cut).unwrap_err();
    assert_eq!(text, "x/a.wav: cut off after 1200 of 2400 samples; copy or record it again, or take it out");
    // No samples is still none, and chunks after an empty one are no samples.
    let none = riff(36, &[pcm16(), chunk(b"data", &[])]);
    assert!(read(none).unwrap_err().contains("contains no samples"));
    let none = riff(36, &[pcm16(), chunk(b"data", &[]), chunk(b"LIST", b"INFOISFT\x02\0\0\0a\0")]);
    assert!(read(none).unwrap_err().contains("contains no samples"));
}

#[test]
fn sizes_of_64_bits_and_pads_that_are_missing() {
    let (wanted, bytes) = samples();
    let n = bytes.len() as u64;
    for size in [n, u64::MAX, 0] {
        let ds64 = chunk(b"ds64", &[&(n + 100).to_le_bytes()[..], &size.to_le_bytes(), &[0; 12]].concat());
        let head = [&b"data"[..], &u32::MAX.to_le_bytes()].concat();
        let mut file = riff(u32::MAX, &[ds64, pcm16(), head, bytes.clone()]);
        file[..4].copy_from_slice(b"RF64");
        assert_eq!(read(file).unwrap().samples, wanted, "{size}");
    }
    // An odd chunk before the data, with and without its pad byte, and with one that is no zero.
    for pad in [&[0][..], &[], b"x"] {
        let odd = [&b"bext\x03\0\0\0abc"[..], pad].concat();
        let file = riff(9, &[pcm16(), odd.clone(), chunk(b"data", &bytes)]);
        assert_eq!(read(file).unwrap().samples, wanted, "{pad:?}");
        let file = riff(9, &[odd, pcm16(), chunk(b"data", &bytes)]);
        assert_eq!(read(file).unwrap().samples, wanted, "{pad:?}");
    }
    let mut eight = riff(9, &[fmt(1, 16_000, 1, 8, 16_000, &[]), chunk(b"data", &[128, 200, 7])]);
    assert_eq!(eight.pop(), Some(0));
    assert_eq!(read(eight).unwrap().samples, [0, 18_432, -30_976]);
}

/// More of a format that is extended: its size, bits that count, channels, what it stands for.
fn extended(size: u16, valid: u16, tag: u16, after: usize) -> Vec<u8> {
    let mut more = [size, valid].map(u16::to_le_bytes).concat();
    more.extend(4u32.to_le_bytes());
    more.extend(tag.to_le_bytes());
    more.extend(b"\0\0\0\0\x10\0\x80\0\0\xaa\x008\x9bq");
    more.resize(more.len() + after, 0);
    more
}

#[test]
fn formats_in_every_dress_are_the_same_samples() {
    let (wanted, bytes) = samples();
    let spread = |f: &dyn Fn(i16) -> Vec<u8>| wanted.iter().flat_map(|&x| f(x)).collect::<Vec<u8>>();
    let three = spread(&|x| [&[0][..], &x.to_le_bytes()].concat());
    let high = spread(&|x| [&[0, 0][..], &x.to_le_bytes()].concat());
    // As ALSA's S24_LE: the sample low in four bytes, its sign above.
    let low = spread(&|x| ((i32::from(x) << 8) | 5).to_le_bytes().to_vec());
    let float = spread(&|x| (f32::from(x) / 32_768.0).to_le_bytes().to_vec());
    let double = spread(&|x| (f64::from(x) / 32_768.0).to_le_bytes().to_vec());
    let plain = |bits: u16, block: u16, more: &[u8]| fmt(1, 16_000, block, bits, 16_000 * u32::from(block), more);
    for (what, format, data) in [
        ("18 bytes", plain(16, 2, &[0, 0]), &bytes),
        ("24 bytes", plain(16, 2, &[0; 8]), &bytes),
        ("40 bytes", plain(16, 2, &[0; 24]), &bytes),
        ("extended", fmt(0xFFFE, 16_000, 2, 16, 32_000, &extended(22, 16, 1, 0)), &bytes),
        ("extended too far", fmt(0xFFFE, 16_000, 2, 16, 32_000, &extended(30, 16, 1, 8)), &bytes),
        ("12 bits in 16", plain(12, 2, &[]), &bytes),
        ("24 bits", plain(24, 3, &[]), &three),
        ("20 bits in 24", fmt(0xFFFE, 16_000, 3, 24, 48_000, &extended(22, 20, 1, 0)), &three),
        ("24 bits high in 32", plain(24, 4, &[]), &high),
        ("24 bits low in 32", plain(24, 4, &[]), &low),
        ("24 bits in 32, extended", fmt(0xFFFE, 16_000, 4, 32, 64_000, &extended(22, 24, 1, 0)), &high),
        ("32 bits", plain(32, 4, &[]), &high),
        ("floats", fmt(3, 16_000, 4, 32, 64_000, &[0, 0]), &float),
        ("floats of 40 bytes", fmt(3, 16_000, 4, 32, 64_000, &[0; 24]), &float),
        ("floats, extended", fmt(0xFFFE, 16_000, 4, 32, 64_000, &extended(22, 32, 3, 0)), &float),
        ("doubles", fmt(3, 16_000, 8, 64, 128_000, &[]), &double),
        ("a block of nothing", plain(16, 0, &[]), &bytes),
        ("a block that is wrong", fmt(1, 16_000, 4, 16, 32_000, &[]), &bytes),
        ("a byte rate that is wrong", fmt(1, 16_000, 6, 16, 25_856, &[]), &bytes),
    ] {
        let sound = read(riff(9, &[format, chunk(b"data", data)])).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(sound.samples, wanted, "{what}");
    }
}

#[test]
fn encodings_are_decoded_or_named() {
    for (tag, values) in [(6, [0xD5, 0xAA, 0x2A]), (7, [0xFF, 0x80, 0x00])] {
        let law = riff(9, &[fmt(tag, 8000, 1, 8, 8000, &[0, 0]), chunk(b"data", &values)]);
        let sound = read(law).unwrap();
        assert_eq!((sound.samples.len(), sound.rate), (3, 8000));
        assert!(sound.samples[0].abs() < 20 && sound.samples[1] > 30_000 && sound.samples[2] < -30_000, "{sound:?}");
    }
    let adpcm = fmt(0x11, 8000, 36, 4, 4000, &[2, 0, 65, 0]);
    assert_eq!(read(riff(9, &[adpcm, chunk(b"data", &[0; 72])])).unwrap().samples.len(), 130);
    for (tag, name) in [
        (2, "Microsoft ADPCM"),
        (0x31, "GSM 6.10"),
        (0x55, "mp3 in it"),
        (0x1234, "the encoding 0x1234, which is not known"),
    ] {
        let text = read(riff(9, &[fmt(tag, 8000, 65, 0, 1625, &[]), chunk(b"data", &[1; 65])])).unwrap_err();
        assert!(text.contains(&format!("wav with {name}")) && text.contains("ffmpeg"), "{text}");
    }
    let (_, bytes) = samples();
    for channels in [0u16, 27, 65_535] {
        let mut format = pcm16();
        format[10..12].copy_from_slice(&channels.to_le_bytes());
        let text = read(riff(9, &[format, chunk(b"data", &bytes)])).unwrap_err();
        assert!(text.contains(&format!("{channels} channels")), "{text}");
    }
    let start = |bytes: &[u8]| read([bytes, &[0; 64]].concat()).unwrap_err();
    for (bytes, name) in [
        (&b"RIFX\0\0\x12\xe4WAVEfmt "[..], "RIFX"),
        (b"riff\x2e\x91\xcf\x11\xa5\xd6", "Wave64"),
        (b".snd\0\0\0\x18", "Sun au"),
        (b"RIFF\x24\0\0\0AVI LIST", "RIFF file without WAVE"),
        (b"\x1a\x45\xdf\xa3\x9f", "WebM"),
        (b"ID3\x04\0\0\0\0\0\x0a", "ID3"),
        (b"\0\0\0\x20ftypM4A ", "MP4"),
    ] {
        let text = start(bytes);
        assert!(text.contains(name) && text.contains("ffmpeg"), "{text}");
    }
}

#[test]
fn damaged_floats_are_counted_and_said() {
    let floats = |values: &[f32]| {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        read(riff(9, &[fmt(3, 16_000, 4, 32, 64_000, &[]), chunk(b"data", &data)])).unwrap()
    };
    let sound = floats(&[0.5, f32::NAN, f32::INFINITY, -1.5, 1.0, 3.0]);
    assert_eq!(sound.samples, [16_384, 0, 32_767, -32_768, 32_767, 32_767]);
    let damaged = [NoteKind::NoNumber { samples: 2 }, NoteKind::BeyondScale { samples: 2 }];
    assert_eq!(sound.notes, [&[NoteKind::Reduced { bits: 32 }][..], &damaged].concat());
    assert_eq!(floats(&[0.5, -1.0, 1.0]).notes, [NoteKind::Reduced { bits: 32 }]);

    let dir = words();
    for clip in ["yes/00000001_nohash_0.wav", "no/00000002_nohash_0.wav"] {
        let data: Vec<u8> = (0..800).flat_map(|i| (if i % 100 == 0 { f32::NAN } else { 0.1 }).to_le_bytes()).collect();
        put(dir.path(), clip, riff(9, &[fmt(3, 16_000, 4, 32, 64_000, &[]), chunk(b"data", &data)]));
    }
    let said: Vec<String> = open(&dir).unwrap().notes.iter().map(|n| n.to_string()).collect();
    let wanted =
        "2 clip(s) with 16 sample(s) that are no numbers, read as 0 or full scale (first: no/00000002_nohash_0.wav)";
    assert!(said.contains(&wanted.to_owned()), "{said:?}");
}

#[test]
fn rates_that_no_recorder_has_are_refused() {
    let (_, bytes) = samples();
    let at = |rate: u32| read(riff(9, &[fmt(1, rate, 2, 16, 0, &[]), chunk(b"data", &bytes)]));
    for rate in [1000, 8000, 16_001, 44_056, 192_000, 768_000] {
        assert_eq!(at(rate).unwrap().rate, rate);
    }
    for rate in [0, 1, 999, 768_001, 1_000_000_007, u32::MAX - 4] {
        let text = at(rate).unwrap_err();
        let wanted = format!("its header says {rate} samples a second, where 1000 to 768000 are possible");
        assert!(text.contains(&wanted) && text.contains("sox -r"), "{text}");
    }
    // A flac says its rate in 20 bits.
    let flac = |rate: u32| {
        // Blocks of 4096, frames of any size, the rate, one channel of 16 bits.
        let info = [&[0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0][..], &((rate << 12) | 0xF0).to_be_bytes(), &[0; 20]].concat();
        read_sound("a.flac", [b"fLaC\x80\0\0\x22", &info[..34]].concat()).unwrap_err().to_string()
    };
    assert!(flac(1_000_000).contains("sample rate out of bounds"), "{}", flac(1_000_000));
    assert!(flac(0).starts_with("a.flac: "));
}

/// Recordings of phones, made by an encoder once: 0.3 s of a tone of 440 Hz.
const PHONES: [(&str, &[u8]); 3] =
    [("ogg", include_bytes!("tone.ogg")), ("mp3", include_bytes!("tone.mp3")), ("m4a", include_bytes!("tone.m4a"))];

/// The same tone as an aiff.
fn aiff() -> Vec<u8> {
    let tone = |i: u32| ((f64::from(i) * std::f64::consts::TAU * 440.0 / 16_000.0).sin() * 8000.0) as i16;
    let data: Vec<u8> = (0..4800).flat_map(|i| tone(i).to_be_bytes()).collect();
    let chunk = |id: &[u8], body: &[u8]| [id, &(body.len() as u32).to_be_bytes(), body].concat();
    // One channel, frames, bits, and the rate as a number of 80 bits.
    let comm = [&[0, 1][..], &4800u32.to_be_bytes(), &[0, 16, 0x40, 0x0C, 0xFA, 0, 0, 0, 0, 0, 0, 0]].concat();
    let body = [b"AIFF", &chunk(b"COMM", &comm)[..], &chunk(b"SSND", &[&[0; 8], &data[..]].concat())].concat();
    chunk(b"FORM", &body)
}

#[test]
fn recordings_of_phones_are_read() {
    let aiff = aiff();
    for (ending, bytes) in PHONES.into_iter().chain([("aiff", &aiff[..])]) {
        // The content tells, whatever the name.
        let sound = read(bytes.to_vec()).unwrap_or_else(|e| panic!("{ending}: {e}"));
        assert_eq!(sound.rate, 16_000, "{ending}");
        assert!((4000..7200).contains(&sound.samples.len()), "{ending}: {}", sound.samples.len());
        let part = &sound.samples[2000..3600];
        let along = |f: fn(f64) -> f64| {
            let of = |(i, &x): (usize, &i16)| f64::from(x) * f(std::f64::consts::TAU * 440.0 * i as f64 / 16_000.0);
            part.iter().enumerate().map(of).sum::<f64>() / 800.0
        };
        let level = along(f64::sin).hypot(along(f64::cos));
        assert!((level - 8000.0).abs() < 1200.0, "{ending}: {level}");
        assert!(sound.notes.is_empty(), "{ending}: {:?}", sound.notes);
    }
    let text = read(include_bytes!("tone.opus").to_vec()).unwrap_err();
    assert!(text.contains("Opus in Ogg, which is not read") && text.contains("ffmpeg"), "{text}");
}

/// Headers and bytes changed, taken out, put in and cut off at random: samples or an error, never a panic, never more
/// samples than the bytes can hold.
#[test]
fn changed_recordings_never_panic() {
    let (_, bytes) = samples();
    let float: Vec<u8> = bytes.chunks(2).flat_map(|_| 0.25f32.to_le_bytes()).collect();
    let flac = {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/clips.tar");
        let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
        let mut whole = Vec::new();
        std::io::Read::read_to_end(&mut archive.entries().unwrap().next().unwrap().unwrap(), &mut whole).unwrap();
        whole
    };
    let mut bases = vec![
        sized(4836, 4800, &chunk(b"LIST", b"INFO")),
        riff(9, &[fmt(0xFFFE, 16_000, 4, 32, 64_000, &extended(22, 24, 1, 0)), chunk(b"data", &float)]),
        riff(9, &[fmt(3, 16_000, 4, 32, 64_000, &[]), chunk(b"fact", &[0; 4]), chunk(b"data", &float)]),
        riff(9, &[fmt(0x11, 8000, 36, 4, 4000, &[2, 0, 65, 0]), chunk(b"data", &[9; 720])]),
        riff(
            9,
            &[
                fmt(
                    2,
                    8000,
                    256,
                    4,
                    4000,
                    &[
                        32, 0, 244, 1, 7, 0, 0, 1, 0, 0, 0, 2, 0, 255, 0, 0, 0, 0, 192, 0, 64, 0, 240, 0, 0, 0, 204, 1,
                        48, 255, 136, 1, 24, 255,
                    ],
                ),
                chunk(b"data", &[9; 1024]),
            ],
        ),
        riff(9, &[fmt(6, 8000, 1, 8, 8000, &[0, 0]), chunk(b"data", &[9; 720])]),
        flac,
    ];
    bases.extend(PHONES.iter().map(|(_, b)| b.to_vec()).chain([aiff()]));
    let mut random = ChaCha8Rng::seed_from_u64(38);
    let (mut good, mut bad) = (0, 0);
    for base in &bases {
        for round in 0..300 {
            let mut bytes = base.clone();
            for _ in 0..random.random_range(1..5) {
                // Mostly in the header.
                let most = if round % 3 == 0 { bytes.len() } else { bytes.len().min(100) };
                let at = random.random_range(0..most.max(1));
                let value = *[0u8, 1, 2, 0x7F, 0x80, 0xFE, 0xFF].get(random.random_range(0..7)).unwrap();
                match random.random_range(0..6) {
                    0 => bytes.truncate(at + bytes.len() / 2),
                    1 => bytes.insert(at.min(bytes.len()), value),
                    2 if at < bytes.len() => drop(bytes.drain(at..(at + 4).min(bytes.len()))),
                    3 if at + 4 <= bytes.len() => bytes[at..at + 4].fill(value),
                    4 if at < bytes.len() => bytes[at] = random.random(),
                    _ if at < bytes.len() => bytes[at] = value,
                    _ => bytes.push(value),
                }
            }
            let length = bytes.len();
            match read(bytes) {
                Ok(sound) => {
                    good += 1;
                    assert!((1000..=768_000).contains(&sound.rate));
                    // Of what packs: a flac of silence, or a long frame of mp3.
                    assert!(sound.samples.len() <= 4096 * length, "{} of {length}", sound.samples.len());
                }
                Err(text) => {
                    bad += 1;
                    assert!(text.starts_with("x/a.wav: "), "{text}");
                }
            }
        }
    }
    assert!(good > 500 && bad > 500, "{good} {bad}");
}

/// A recording that is too long to be kept at its own rate has the samples that it has at once.
#[test]
fn long_recordings_are_whole() {
    let dir = words();
    let long: Vec<i16> = (0..9_000_001u32).map(|k| (k.wrapping_mul(2_654_435_761) >> 16) as i16).collect();
    put(dir.path(), "noise/a.wav", crate::wav_bytes(&long, 16_000));
    put(dir.path(), "noise/b.wav", crate::wav_bytes(&long[..1000], 11_025));
    for rate in [16_000, 8000] {
        let options = Options { sample_rate: Some(rate), ..Options::default() };
        let corpus = Corpus::open(dir.path(), &options).unwrap();
        assert!(corpus.noise[0] == crate::resample(&long, 16_000, rate));
        assert_eq!(corpus.noise[1], crate::resample(&long[..1000], 11_025, rate));
        let lengths = Corpus::open(dir.path(), &Options { lengths_only: true, ..options }).unwrap();
        assert_eq!(lengths.noise_samples, corpus.noise[0].len() + corpus.noise[1].len());
        let of = |c: &Corpus| c.train.iter().map(|clip| clip.length).collect::<Vec<_>>();
        assert_eq!(of(&lengths), of(&corpus));
        assert!(lengths.train.iter().all(|c| c.samples.is_empty()) && lengths.noise.iter().all(Vec::is_empty));
        assert_eq!(lengths.notes, corpus.notes);
    }
}
