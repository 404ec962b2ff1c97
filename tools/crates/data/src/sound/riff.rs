//! Wav files as they come from pipes, recorders and services: their header is believed where it can be right.
//!
//! What is read becomes a plain header before the same samples, which the decoder takes; the samples stay where they are. The size of the data is to the
//! end of the file where the header could not know it: 0, or 7fff0000 and above, which writers to a pipe leave.

use super::input::{Input, Rebuilt};

/// Sizes from here on are placeholders.
const PLACEHOLDER: u64 = 0x7FFF_0000;
/// Most channels: loudspeakers that have a name.
const MOST_CHANNELS: u16 = 26;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const MULAW: u16 = 7;
const ADPCM_IMA: u16 = 0x11;
const EXTENSIBLE: u16 = 0xFFFE;

/// A wav file with a header that is right.
#[derive(Debug)]
pub(super) struct Wav {
    pub(super) file: Rebuilt,
    /// Bits that a sample is said to have.
    pub(super) bits: u32,
    /// Samples that are no numbers, and those beyond full scale: of floats only.
    pub(super) damaged: [u64; 2],
}

/// Why a wav file cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// It has no samples.
    Empty,
    /// It ends before its header says so, in samples per channel.
    Truncated { found: u64, expected: u64 },
    /// Something that a header cannot say.
    Header(String),
    /// An encoding that is not read.
    Encoding(String),
    /// An error of the system.
    Io(std::io::Error),
}

/// The chunk `fmt `.
#[derive(Clone, Debug)]
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    byte_rate: u32,
    align: u16,
    /// Bits of a sample's place, and of the sample in it.
    bits: u16,
    valid: u16,
    chunk: Vec<u8>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// Whether bytes are a wav file, with sizes of 32 or 64 bits.
pub(super) fn is_wav(bytes: &[u8]) -> bool {
    let riff = [b"RIFF", b"RF64", b"BW64"].iter().any(|magic| bytes.starts_with(*magic));
    riff && bytes.get(8..12) == Some(b"WAVE")
}

/// Reads the header, whatever it is like, and makes a plain one in its place.
pub(super) fn read(mut input: Input) -> Result<Wav, Fault> {
    let found = find(&mut input);
    if let Some(error) = input.error() {
        return Err(Fault::Io(error));
    }
    let Found { format, start, length } = found?;
    let (bits, damaged) = (u32::from(format.valid), format.damaged(&mut input, start, length));
    let packed = format.stands_low(&mut input, start, length);
    if let Some(error) = input.error() {
        return Err(Fault::Io(error));
    }
    let (place, kept) = if packed { (3, length / 4 * 3) } else { (format.place(), length) };
    let file = Rebuilt::new(format.header(kept, place), input, start, length, packed);
    Ok(Wav { file, bits, damaged })
}

/// Samples, and what is said of them.
struct Found {
    format: Format,
    start: u64,
    length: u64,
}

fn find(input: &mut Input) -> Result<Found, Fault> {
    let header = |what: &str| Fault::Header(what.to_owned());
    let chunks = Chunks::find(input);
    let format = chunks.format.ok_or_else(|| header("no `fmt ` chunk before the file's end"))?;
    let format = Format::read(format).ok_or_else(|| header("a `fmt ` chunk that is cut off"))?;
    let Some((start, said)) = chunks.data else { return Err(header("no `data` chunk before the file's end")) };
    format.check()?;

    let there = input.len() - start;
    let frame = format.frame();
    let length = length(input, start, said);
    if length == 0 || there < frame {
        return Err(Fault::Empty);
    }
    // A frame that is not whole, or a pad byte that was counted, is no loss.
    if length >= there + frame && !counts_header(input.len(), length) {
        let frames = |bytes: u64| bytes / frame * format.frames_per_block();
        return Err(Fault::Truncated { found: frames(there), expected: frames(length) });
    }
    let length = length.min(there) / frame * frame;
    Ok(Found { format, start, length })
}

/// Bytes of samples: as said, or to the file's end where that was not known.
fn length(input: &mut Input, start: u64, said: u64) -> u64 {
    let there = input.len() - start;
    match said {
        0 if there > 0 && !is_chunks(input, start) => there,
        said if said >= PLACEHOLDER && said > there => there,
        said => said,
    }
}

/// Whether a size of the data is that of the whole file, which some recorders write there.
fn counts_header(file: u64, length: u64) -> bool {
    length == file || length + 8 == file
}

/// Chunks of a wav file that matter.
#[derive(Debug, Default)]
struct Chunks {
    format: Option<Vec<u8>>,
    /// Where the samples begin, and their size as said.
    data: Option<(u64, u64)>,
}

/// Bytes of a `fmt ` chunk that say something.
const FORMAT: u64 = 64;

impl Chunks {
    fn find(input: &mut Input) -> Self {
        let mut chunks = Chunks::default();
        let (mut at, mut large) = (12, None);
        while let Some((id, size)) = head(input, at) {
            let start = at + 8;
            match &id {
                b"fmt " if chunks.format.is_none() => chunks.format = Some(input.some(start, FORMAT.min(size.into()))),
                b"ds64" if size >= 16 => large = input.array(start + 8).map(u64::from_le_bytes),
                b"data" if chunks.data.is_none_or(|(_, said)| said == 0) => {
                    let said = if size == u32::MAX { large.unwrap_or(u64::MAX) } else { u64::from(size) };
                    chunks.data = Some((start, said));
                    // To the end of the file, whatever follows.
                    if said >= PLACEHOLDER || said == 0 && !is_chunks(input, start) {
                        return chunks;
                    }
                }
                _ => {}
            }
            at = next(input, start, size.into());
        }
        chunks
    }
}

/// Name and size of a chunk.
fn head(input: &mut Input, at: u64) -> Option<([u8; 4], u32)> {
    let [a, b, c, d, size @ ..] = input.array::<8>(at)?;
    Some(([a, b, c, d], u32::from_le_bytes(size)))
}

/// Whether the bytes from `at` on are chunks up to their end, not samples.
fn is_chunks(input: &mut Input, mut at: u64) -> bool {
    let any = at < input.len();
    while at < input.len() {
        let Some((id, size)) = head(input, at) else { return false };
        if !is_id(&id) || input.len() - at - 8 < u64::from(size) {
            return false;
        }
        at = next(input, at + 8, size.into());
    }
    any
}

fn is_id(id: &[u8]) -> bool {
    id.len() == 4 && id.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
}

/// Chunks that are known by name, to tell a pad byte from the next chunk.
const IDS: [&[u8]; 12] =
    [b"data", b"fmt ", b"fact", b"LIST", b"INFO", b"bext", b"cue ", b"JUNK", b"PEAK", b"smpl", b"id3 ", b"iXML"];

/// Where the next chunk begins: after a pad byte where the size is odd, unless the writer forgot it.
fn next(input: &mut Input, start: u64, size: u64) -> u64 {
    let end = start + size;
    let mut known = |at: u64| input.array::<4>(at).is_some_and(|id| IDS.contains(&&id[..]));
    match size % 2 {
        1 if known(end) && !known(end + 1) => end,
        1 => end + 1,
        _ => end,
    }
}

impl Format {
    /// The format; of one that is extended, what it stands for.
    fn read(chunk: Vec<u8>) -> Option<Self> {
        let short = |at: usize| u16_at(&chunk, at);
        let (tag, channels, align) = (short(0)?, short(2)?, short(12)?);
        // The oldest headers have no bits.
        let bits = short(14).unwrap_or_else(|| (8 * align).checked_div(channels).unwrap_or(0));
        let (tag, valid) = match (tag, short(24), short(18)) {
            (EXTENSIBLE, Some(tag), Some(valid)) => (tag, if (1..=bits).contains(&valid) { valid } else { bits }),
            _ => (tag, bits),
        };
        let (rate, byte_rate) = (u32_at(&chunk, 4)?, u32_at(&chunk, 8)?);
        Some(Format { tag, channels, rate, byte_rate, align, bits, valid, chunk })
    }

    fn check(&self) -> Result<(), Fault> {
        let Format { tag, channels, bits, align, .. } = *self;
        if !(1..=MOST_CHANNELS).contains(&channels) {
            return Err(Fault::Header(format!(
                "its header says {channels} channels; 1 to {MOST_CHANNELS} can be read"
            )));
        }
        if let Some(name) = unreadable(tag) {
            return Err(Fault::Encoding(format!("wav with {name}")));
        }
        let fits = match tag {
            PCM => (1..=32).contains(&bits),
            FLOAT => bits == 32 || bits == 64,
            ALAW | MULAW => bits == 8 || bits == 16,
            _ => bits == 4 && usize::from(align) > 4 * usize::from(channels),
        };
        if !fits {
            let what = format!("its header says {bits} bits a sample in blocks of {align} bytes, which is no encoding");
            return Err(Fault::Header(what));
        }
        super::check_rate(self.rate).map_err(Fault::Header)
    }

    /// Bytes of a sample's place. A block is believed where the byte rate agrees: 24 bits may stand in four bytes.
    fn place(&self) -> usize {
        let least = usize::from(self.bits.div_ceil(8));
        let (channels, align) = (usize::from(self.channels), usize::from(self.align));
        let agrees = u64::from(self.rate) * u64::from(self.align) == u64::from(self.byte_rate);
        match (self.tag, align / channels) {
            (ALAW | MULAW, _) => 1,
            (PCM, place) if agrees && align.is_multiple_of(channels) && (least..=4).contains(&place) => place,
            _ => least,
        }
    }

    /// Bytes of a frame, or of a block.
    fn frame(&self) -> u64 {
        match self.tag {
            ADPCM_IMA => u64::from(self.align),
            _ => self.place() as u64 * u64::from(self.channels),
        }
    }

    fn frames_per_block(&self) -> u64 {
        let (align, channels) = (u64::from(self.align), u64::from(self.channels));
        match self.tag {
            ADPCM_IMA => align.saturating_sub(4 * channels) * 2 / channels + 1,
            _ => 1,
        }
    }

    /// Whether samples of three bytes stand low in four, as ALSA's S24_LE has them, not high, as the format says.
    fn stands_low(&self, input: &mut Input, start: u64, length: u64) -> bool {
        if self.tag != PCM || self.place() != 4 || self.valid > 24 {
            return false;
        }
        let low = |s: &[u8; 4]| s[3] == if s[2] & 0x80 == 0 { 0 } else { 0xFF };
        let (mut any, mut all) = (false, true);
        input.each(start, length, |piece| {
            let samples = piece.as_chunks::<4>().0;
            any |= samples.iter().any(|s| s[0] != 0);
            all &= samples.iter().all(low);
        });
        any && all
    }

    /// Samples that are no numbers, and samples beyond full scale.
    fn damaged(&self, input: &mut Input, start: u64, length: u64) -> [u64; 2] {
        let mut counts = [0; 2];
        if self.tag != FLOAT {
            return counts;
        }
        let mut count = |x: f64| match () {
            () if !x.is_finite() => counts[0] += 1,
            () if x.abs() > 1.0 => counts[1] += 1,
            () => {}
        };
        input.each(start, length, |piece| match self.bits {
            32 => piece.as_chunks::<4>().0.iter().for_each(|s| count(f32::from_le_bytes(*s).into())),
            _ => piece.as_chunks::<8>().0.iter().for_each(|s| count(f64::from_le_bytes(*s))),
        });
        counts
    }

    /// A header for `length` bytes of samples of `place` bytes each.
    fn header(&self, length: u64, place: usize) -> Vec<u8> {
        let mut chunk = Vec::new();
        let extra = if self.tag == ADPCM_IMA { 4 } else { 0 };
        if extra > 0 {
            // What the decoder needs to know stands after the bits.
            chunk.extend(self.tag.to_le_bytes());
            chunk.extend(&self.chunk[2..self.chunk.len().min(16 + extra)]);
        } else {
            let align = (place as u16).saturating_mul(self.channels);
            chunk.extend(self.tag.to_le_bytes());
            chunk.extend(self.channels.to_le_bytes());
            chunk.extend(self.rate.to_le_bytes());
            chunk.extend(self.rate.saturating_mul(u32::from(align)).to_le_bytes());
            chunk.extend(align.to_le_bytes());
            chunk.extend((8 * place as u16).to_le_bytes());
            if matches!(self.tag, ALAW | MULAW) {
                chunk.extend([0, 0]);
            }
        }
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        let size = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let mut header = Vec::with_capacity(28 + chunk.len());
        header.extend_from_slice(b"RIFF");
        header.extend(size(20 + chunk.len() as u64 + length));
        header.extend_from_slice(b"WAVEfmt ");
        header.extend(size(chunk.len() as u64));
        header.extend(&chunk);
        header.extend_from_slice(b"data");
        header.extend(size(length));
        header
    }
}

/// What an encoding is that is not read.
fn unreadable(tag: u16) -> Option<String> {
    let name = match tag {
        PCM | FLOAT | ALAW | MULAW | ADPCM_IMA => return None,
        2 => "Microsoft ADPCM",
        0x31 => "GSM 6.10",
        0x50 | 0x55 => "mp3 in it",
        0x40 | 0x45 | 0x64 => "G.726 or G.721",
        0xFF | 0x1600 | 0x1610 => "AAC in it",
        0x160..=0x163 => "Windows Media",
        _ => return Some(format!("the encoding {tag:#06x}, which is not known here")),
    };
    Some(format!("{name} (encoding {tag:#06x})"))
}
