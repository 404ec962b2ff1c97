//! Wav files as they come from pipes, recorders and services: their header is believed where it can be right.
//!
//! What is read becomes a plain header before the same samples, which the decoder takes. The size of the data is to the
//! end of the file where the header could not know it: 0, or 7fff0000 and above, which writers to a pipe leave.

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
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wav {
    pub(super) bytes: Vec<u8>,
    /// Bits that a sample is said to have.
    pub(super) bits: u32,
    /// Samples that are no numbers, and those beyond full scale: of floats only.
    pub(super) damaged: [u64; 2],
}

/// Why a wav file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has no samples.
    Empty,
    /// It ends before its header says so, in samples per channel.
    Truncated { found: u64, expected: u64 },
    /// Something that a header cannot say.
    Header(String),
    /// An encoding that is not read.
    Encoding(String),
}

/// The chunk `fmt `.
#[derive(Clone, Copy, Debug)]
struct Format<'a> {
    tag: u16,
    channels: u16,
    rate: u32,
    byte_rate: u32,
    align: u16,
    /// Bits of a sample's place, and of the sample in it.
    bits: u16,
    valid: u16,
    chunk: &'a [u8],
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// Whether bytes are a wav file, with sizes of 32 or 64 bits.
pub(super) fn is_wav(bytes: &[u8]) -> bool {
    let riff = [b"RIFF", b"RF64", b"BW64"].iter().any(|magic| bytes.starts_with(*magic));
    riff && bytes.get(8..12) == Some(b"WAVE")
}

/// Reads the header, whatever it is like, and writes a plain one in its place.
pub(super) fn read(bytes: Vec<u8>) -> Result<Wav, Fault> {
    let header = |what: &str| Fault::Header(what.to_owned());
    let chunks = Chunks::find(&bytes);
    let format = chunks.format.ok_or_else(|| header("no `fmt ` chunk before the file's end"))?;
    let format = Format::read(format).ok_or_else(|| header("a `fmt ` chunk that is cut off"))?;
    let Some((start, said)) = chunks.data else { return Err(header("no `data` chunk before the file's end")) };
    format.check()?;

    let there = bytes.len() - start;
    let frame = format.frame();
    let length = length(&bytes, start, said);
    if length == 0 || there < frame {
        return Err(Fault::Empty);
    }
    // A frame that is not whole, or a pad byte that was counted, is no loss.
    if length >= (there + frame) as u64 && !counts_header(&bytes, length) {
        let frames = |bytes: u64| bytes / frame as u64 * format.frames_per_block();
        return Err(Fault::Truncated { found: frames(there as u64), expected: frames(length) });
    }
    let length = usize::try_from(length).unwrap_or(there).min(there) / frame * frame;
    let data = &bytes[start..start + length];
    let (bits, damaged) = (u32::from(format.valid), format.damaged(data));
    let bytes = match format.packed(data) {
        Some(packed) => [&format.header(packed.len(), 3)[..], &packed].concat(),
        None => {
            let header = format.header(length, format.place());
            in_place(bytes, start, length, &header)
        }
    };
    Ok(Wav { bytes, bits, damaged })
}

/// Bytes of samples: as said, or to the file's end where that was not known.
fn length(bytes: &[u8], start: usize, said: u64) -> u64 {
    let there = (bytes.len() - start) as u64;
    match said {
        0 if there > 0 && !is_chunks(&bytes[start..]) => there,
        said if said >= PLACEHOLDER && said > there => there,
        said => said,
    }
}

/// Whether a size of the data is that of the whole file, which some recorders write there.
fn counts_header(bytes: &[u8], length: u64) -> bool {
    length == bytes.len() as u64 || length + 8 == bytes.len() as u64
}

/// A new header right before the samples, without a copy of them where there is room.
fn in_place(mut bytes: Vec<u8>, start: usize, length: usize, header: &[u8]) -> Vec<u8> {
    bytes.truncate(start + length);
    match start.checked_sub(header.len()) {
        Some(from) => {
            bytes[from..start].copy_from_slice(header);
            bytes.drain(..from);
            bytes
        }
        None => [header, &bytes[start..]].concat(),
    }
}

/// Chunks of a wav file that matter.
#[derive(Debug, Default)]
struct Chunks<'a> {
    format: Option<&'a [u8]>,
    /// Where the samples begin, and their size as said.
    data: Option<(usize, u64)>,
}

impl<'a> Chunks<'a> {
    fn find(bytes: &'a [u8]) -> Self {
        let mut chunks = Chunks::default();
        let (mut at, mut large) = (12, None);
        while let (Some(id), Some(size)) = (bytes.get(at..at + 4), u32_at(bytes, at + 4)) {
            let start = at + 8;
            let body = &bytes[start..];
            let body = &body[..body.len().min(size as usize)];
            match id {
                b"fmt " if chunks.format.is_none() => chunks.format = Some(body),
                b"ds64" => large = u64_at(body, 8),
                b"data" if chunks.data.is_none_or(|(_, said)| said == 0) => {
                    let said = if size == u32::MAX { large.unwrap_or(u64::MAX) } else { u64::from(size) };
                    chunks.data = Some((start, said));
                    // To the end of the file, whatever follows.
                    if said >= PLACEHOLDER || said == 0 && !is_chunks(&bytes[start..]) {
                        return chunks;
                    }
                }
                _ => {}
            }
            at = next(bytes, start, size as usize);
        }
        chunks
    }
}

/// Whether bytes are chunks up to their end, not samples.
fn is_chunks(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        let (Some(id), Some(size)) = (bytes.get(at..at + 4), u32_at(bytes, at + 4)) else { return false };
        if !is_id(id) || bytes.len() - at - 8 < size as usize {
            return false;
        }
        at = next(bytes, at + 8, size as usize);
    }
    !bytes.is_empty()
}

fn is_id(id: &[u8]) -> bool {
    id.len() == 4 && id.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
}

/// Chunks that are known by name, to tell a pad byte from the next chunk.
const IDS: [&[u8]; 12] =
    [b"data", b"fmt ", b"fact", b"LIST", b"INFO", b"bext", b"cue ", b"JUNK", b"PEAK", b"smpl", b"id3 ", b"iXML"];

/// Where the next chunk begins: after a pad byte where the size is odd, unless the writer forgot it.
fn next(bytes: &[u8], start: usize, size: usize) -> usize {
    let end = start.saturating_add(size);
    let known = |at: usize| bytes.get(at..at + 4).is_some_and(|id| IDS.contains(&id));
    match size % 2 {
        1 if known(end) && !known(end + 1) => end,
        1 => end.saturating_add(1),
        _ => end,
    }
}

impl<'a> Format<'a> {
    /// The format; of one that is extended, what it stands for.
    fn read(chunk: &'a [u8]) -> Option<Self> {
        let short = |at: usize| u16_at(chunk, at);
        let (tag, channels, align) = (short(0)?, short(2)?, short(12)?);
        // The oldest headers have no bits.
        let bits = short(14).unwrap_or_else(|| (8 * align).checked_div(channels).unwrap_or(0));
        let (tag, valid) = match (tag, short(24), short(18)) {
            (EXTENSIBLE, Some(tag), Some(valid)) => (tag, if (1..=bits).contains(&valid) { valid } else { bits }),
            _ => (tag, bits),
        };
        let (rate, byte_rate) = (u32_at(chunk, 4)?, u32_at(chunk, 8)?);
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
    fn frame(&self) -> usize {
        match self.tag {
            ADPCM_IMA => usize::from(self.align),
            _ => self.place() * usize::from(self.channels),
        }
    }

    fn frames_per_block(&self) -> u64 {
        let (align, channels) = (u64::from(self.align), u64::from(self.channels));
        match self.tag {
            ADPCM_IMA => align.saturating_sub(4 * channels) * 2 / channels + 1,
            _ => 1,
        }
    }

    /// Samples of three bytes that stand low in four, as ALSA's S24_LE has them, as three bytes; none where they stand
    /// high, as the format says.
    fn packed(&self, data: &[u8]) -> Option<Vec<u8>> {
        if self.tag != PCM || self.place() != 4 || self.valid > 24 {
            return None;
        }
        let (samples, _) = data.as_chunks::<4>();
        let low = |s: &[u8; 4]| s[3] == if s[2] & 0x80 == 0 { 0 } else { 0xFF };
        let stands_low = samples.iter().any(|s| s[0] != 0) && samples.iter().all(low);
        stands_low.then(|| samples.iter().flat_map(|s| [s[0], s[1], s[2]]).collect())
    }

    /// Samples that are no numbers, and samples beyond full scale.
    fn damaged(&self, data: &[u8]) -> [u64; 2] {
        let mut counts = [0; 2];
        let mut count = |x: f64| match () {
            () if !x.is_finite() => counts[0] += 1,
            () if x.abs() > 1.0 => counts[1] += 1,
            () => {}
        };
        match (self.tag, self.bits) {
            (FLOAT, 32) => data.as_chunks::<4>().0.iter().for_each(|s| count(f32::from_le_bytes(*s).into())),
            (FLOAT, _) => data.as_chunks::<8>().0.iter().for_each(|s| count(f64::from_le_bytes(*s))),
            _ => {}
        }
        counts
    }

    /// A header for `length` bytes of samples of `place` bytes each.
    fn header(&self, length: usize, place: usize) -> Vec<u8> {
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
        let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let mut header = Vec::with_capacity(28 + chunk.len());
        header.extend_from_slice(b"RIFF");
        header.extend(size(20 + chunk.len() + length));
        header.extend_from_slice(b"WAVEfmt ");
        header.extend(size(chunk.len()));
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
