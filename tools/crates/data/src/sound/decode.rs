//! Samples out of bytes, by Symphonia.

use super::{HEADER, SoundSink, check_rate};
use crate::Error;
use std::io::ErrorKind;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error as Decode;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};

/// What a recording was decoded from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoded {
    /// Samples per channel.
    pub(super) samples: u64,
    pub(super) rate: u32,
    pub(super) channels: u16,
    pub(super) bits: u32,
}

/// Samples that an encoder with loss may leave out at the ends, and the share beyond that which it may guess wrongly.
const LOST: [u64; 2] = [8192, 50];

/// Whether bytes begin like a recording other than a wav that is decoded.
pub(super) fn is_known(bytes: &[u8]) -> bool {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let mpeg =
        matches!(bytes, [0xFF, b, ..] if b & 0xE0 == 0xE0 && b & 0x18 != 0x08 && b & 0x06 != 0) && is_mpeg(bytes);
    let adts = matches!(bytes, [0xFF, 0xF0 | 0xF1 | 0xF8 | 0xF9, ..]);
    let aiff = starts(b"FORM") && matches!(bytes.get(8..12), Some(b"AIFF" | b"AIFC"));
    starts(b"fLaC") || starts(b"OggS") || starts(b"ID3") || aiff || adts || mpeg || bytes.get(4..8) == Some(b"ftyp")
}

/// Whether the header of an MPEG frame says a rate and a bit rate that there are.
fn is_mpeg(bytes: &[u8]) -> bool {
    bytes.get(2).is_some_and(|b| b >> 4 != 0xF && b >> 4 != 0 && b & 0x0C != 0x0C)
}

/// Decodes the first track of sound, which begins with `head`, and gives it to `sink` piece by piece, its channels mixed
/// down.
pub(super) fn decode(
    name: &str,
    head: &[u8],
    source: Box<dyn MediaSource>,
    sink: &mut SoundSink<'_>,
) -> Result<Decoded, Error> {
    let lossless = head.starts_with(b"RIFF") || head.starts_with(b"fLaC") || head.starts_with(b"FORM");
    let kind = || match head {
        b if b.windows(8).take(512).any(|w| w == b"OpusHead") => "Opus in Ogg, which is not read".to_owned(),
        b => crate::sniff::known(b).map_or_else(|| crate::sniff::start(b), |kind| kind.what),
    };
    let not_audio = |why: &str| Error::NotAudio {
        name: name.into(),
        found: format!("{}; {why}", kind()),
        way: crate::sniff::CONVERT.into(),
    };
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), MediaSourceStream::new(source, Default::default()), Default::default(), Default::default())
        .map_err(|e| not_audio(&e.to_string()))?;
    let track = format.default_track(TrackType::Audio).ok_or_else(|| not_audio("it has no audio track"))?;
    let (id, expected) = (track.id, track.num_frames);
    let params = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or_else(|| not_audio("unknown codec"))?;
    let (bits, rate) = (params.bits_per_sample.unwrap_or(16), params.sample_rate);
    // Before anything is decoded: a rate sizes what some decoders keep.
    rate.map_or(Ok(()), check_rate).map_err(|why| not_audio(&why))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &Default::default())
        .map_err(|e| not_audio(&e.to_string()))?;
    let mut decoded = Decoded { samples: 0, rate: rate.unwrap_or(0), channels: 1, bits };
    decoded.packets(name, id, &mut *format, &mut *decoder, sink)?;

    let found = decoded.samples;
    let missing = expected.unwrap_or(0).saturating_sub(found);
    let allowed = if lossless { 0 } else { LOST[0] + found / LOST[1] };
    match expected {
        Some(expected) if missing > allowed => Err(Error::Truncated { name: name.into(), found, expected }),
        _ if found == 0 => Err(Error::Empty { name: name.into() }),
        _ => Ok(decoded),
    }
}

impl Decoded {
    /// Takes every packet of a track.
    fn packets(
        &mut self,
        name: &str,
        id: u32,
        format: &mut dyn FormatReader,
        decoder: &mut dyn AudioDecoder,
        sink: &mut SoundSink<'_>,
    ) -> Result<(), Error> {
        let damaged = |e: Decode| Error::Damaged { name: name.into(), reason: e.to_string() };
        // The end of the bytes where the format expects more is checked by the count of samples.
        let ended = |e: &Decode| matches!(e, Decode::IoError(e) if e.kind() == ErrorKind::UnexpectedEof);
        let (mut chunk, mut mono): (Vec<i32>, Vec<i16>) = (Vec::new(), Vec::new());
        loop {
            let packet = match format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(()),
                Err(e) if ended(&e) => return Ok(()),
                Err(e) => return Err(damaged(e)),
            };
            if packet.track_id != id {
                continue;
            }
            let decoded = match decoder.decode(&packet) {
                Ok(decoded) => decoded,
                Err(e) if ended(&e) => return Ok(()),
                Err(e) => return Err(damaged(e)),
            };
            let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count().max(1));
            if self.samples > 0 && rate != self.rate {
                let reason = format!("its rate changes from {} to {rate} Hz", self.rate);
                return Err(Error::Damaged { name: name.into(), reason });
            }
            check_rate(rate).map_err(|found| Error::NotAudio { name: name.into(), found, way: HEADER.into() })?;
            self.rate = rate;
            self.channels = self.channels.max(u16::try_from(channels).unwrap_or(u16::MAX));
            decoded.copy_to_vec_interleaved(&mut chunk);
            mono.clear();
            mono.extend(chunk.chunks_exact(channels).map(|frame| {
                let mean = frame.iter().map(|&x| x as i64).sum::<i64>() as f64 / channels as f64;
                (mean / 65_536.0).round_ties_even() as i16
            }));
            self.samples += mono.len() as u64;
            if !mono.is_empty() {
                sink(rate, &mono);
            }
        }
    }
}
