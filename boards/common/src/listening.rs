//! Listening beside the host: samples in, every stage of every frame out.
//!
//! # Protocol
//! Words are little-endian. The host sends a count of samples, at most a hop, then so many i16, again and again; a count of 0
//! resets; the end of input ends the session. The board sends [`MAGIC`], the model's CRC, the words of a record and the ticks that a
//! measurement of nothing takes; then for each block that completes a frame a record:
//!
//! | words | content |
//! |---|---|
//! | 1 | ticks of [`Listener::push_each`], copying the stages to the record included |
//! | 3 | ticks of front end, network and detector by themselves, run a second time beside it; 0 where there is no room for that |
//! | 1 | FNV-1a over all samples since the start or the last reset, those of this block included |
//! | | features, then scores, then mean probabilities: 16 bits each, each padded to whole words |
//! | 3 | event: output, step, score; output 0xFFFF_FFFF where there is none |

use elman::audio::FrontEnd;
use elman::detect::{Detector, Event};
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use elman::{Listener, Model};
use elman::{MemoryError, RunError};
use embedded_io::{Read, Write};

use crate::{Clock, Fault, count, read};

/// First word of a session: "ELR1".
pub const MAGIC: u32 = u32::from_le_bytes(*b"ELR1");
/// Words of a record before its vectors.
pub const HEAD_WORDS: usize = 5;
/// Words of a record behind its vectors: the event.
pub const EVENT_WORDS: usize = 3;
/// Start of the hash of samples.
pub const HASH_START: u32 = 0x811C_9DC5;

/// The hash with one more sample.
pub fn hash(hash: u32, sample: i16) -> u32 {
    sample.to_le_bytes().iter().fold(hash, |h, b| (h ^ *b as u32).wrapping_mul(0x0100_0193))
}

/// Words of a record for a model.
pub fn record_words(model: &Model<'_>) -> usize {
    let channels = model.audio().map_or(0, |a| a.features());
    HEAD_WORDS + vector_words(channels) + 2 * vector_words(model.outputs()) + EVENT_WORDS
}

/// What a session works with.
#[derive(Debug)]
pub struct Room<'m> {
    /// Memory of the listener, and as much again for its parts by themselves, where there is room for them.
    pub memory: &'m mut [u32],
    /// A block of samples.
    pub samples: &'m mut [i16],
    /// A record.
    pub record: &'m mut [u32],
}

/// The parts of a listener by themselves, to be measured apart.
struct Parts<'m, 'b> {
    front_end: FrontEnd<'m>,
    net: elman::Stream<'m, 'b>,
    detector: Detector<'m>,
    /// Ticks of the last frame.
    ticks: [u32; 3],
}

impl<'m, 'b> Parts<'m, 'b> {
    fn new(model: &'m Model<'b>, memory: &'m mut [u32]) -> Result<Self, RunError> {
        let (Some(audio), Some(detect)) = (model.audio(), model.detect()) else {
            return Err(RunError::NotAListener {
                front_end: model.audio().is_some(),
                detector: model.detect().is_some(),
            });
        };
        let (need, have) = (audio.memory_words() + model.memory_words() + detect.memory_words(), memory.len());
        let too_small = RunError::Memory(MemoryError { required: need, provided: have });
        let (sound, rest) = memory.split_at_mut_checked(audio.memory_words()).ok_or(too_small)?;
        let (states, sums) = rest.split_at_mut_checked(model.memory_words()).ok_or(too_small)?;
        Ok(Parts {
            front_end: FrontEnd::new(*audio, sound).map_err(RunError::Audio)?,
            net: model.stream(states)?,
            detector: Detector::new(detect, sums).map_err(RunError::Detect)?,
            ticks: [0; 3],
        })
    }

    fn reset(&mut self) {
        self.front_end.reset();
        self.net.reset();
        self.detector.reset();
    }

    /// The block once more, part by part.
    #[inline(never)]
    fn push(&mut self, samples: &[i16], clock: &impl Clock) {
        let mut features = [0; elman::audio::MAX_CHANNELS];
        let mut frames = 0u32;
        let front_end = &mut self.front_end;
        let taken = clock.measure(|| {
            front_end.push(samples, |f| {
                features.iter_mut().zip(f).for_each(|(to, from)| *to = *from);
                frames = frames.wrapping_add(1);
            });
        });
        self.ticks = [0; 3];
        if frames == 0 {
            return;
        }
        let channels = self.front_end.config().features();
        let features = features.get(..channels).unwrap_or_default();
        let mut output = (&[][..], 0);
        let net = &mut self.net;
        let network = clock.measure(|| {
            let y = net.step(features);
            output = (y.logits, y.frac);
        });
        let detector = &mut self.detector;
        let detection = clock.measure(|| {
            detector.step(output.0, output.1);
        });
        self.ticks = [taken, network, detection];
        if self.detector.should_reset() {
            self.front_end.reset_estimates();
            self.net.reset();
            self.detector.reset_window();
        }
    }
}

/// Copies 16-bit numbers to words, and gives what is left of these.
fn put(words: &mut [u32], numbers: impl Iterator<Item = u16>, length: usize) -> &mut [u32] {
    let (own, rest) = words.split_at_mut_checked(vector_words(length)).unwrap_or_default();
    own.fill(0);
    for (to, from) in word::unsigned_halves_mut(own).iter_mut().zip(numbers) {
        *to = from;
    }
    rest
}

/// A block through the listener, the stages of the frame that it completes in `record`; ticks, and whether there is one.
#[inline(never)]
fn hear(listener: &mut Listener<'_, '_>, samples: &[i16], record: &mut [u32], clock: &impl Clock) -> (u32, bool) {
    let mut complete = false;
    let outputs = listener.model().outputs();
    let ticks = clock.measure(|| {
        listener.push_each(samples, |heard| {
            complete = true;
            let vectors = record.get_mut(HEAD_WORDS..).unwrap_or_default();
            let rest = put(vectors, heard.features.iter().map(|x| *x as u16), heard.features.len());
            let rest = put(rest, heard.logits.iter().map(|x| *x as u16), outputs);
            let rest = put(rest, (0..outputs).map(|k| heard.detector.smoothed(k)), outputs);
            let none = Event { class: u16::MAX, step: 0, score: 0 };
            let event = heard.event.unwrap_or(none);
            for (to, from) in rest.iter_mut().zip([event.class as u32, event.step, event.score as u32]) {
                *to = from;
            }
        });
    });
    (ticks, complete)
}

/// Runs a session to the end of `input`; the number of frames.
///
/// # Errors
/// [`Fault`]: input or output failed, a block is longer than a hop, or the room is too small.
pub fn serve<I: Read, O: Write>(
    model: &Model<'_>,
    room: Room<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let (audio, detect) = (model.audio(), model.detect());
    let words = [audio.map_or(0, |a| a.memory_words()), model.memory_words(), detect.map_or(0, |d| d.memory_words())];
    let half = words.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
    let too_small = Fault::Model(RunError::Memory(MemoryError { required: half, provided: room.memory.len() }));
    let (own, apart) = room.memory.split_at_mut_checked(half).ok_or(too_small)?;
    let mut listener = Listener::new(model, own).map_err(Fault::Model)?;
    let mut parts = match apart.len() < half {
        true => None,
        false => Some(Parts::new(model, apart).map_err(Fault::Model)?),
    };
    let hop = audio.map_or(0, |a| a.hop as usize);
    let record = room.record.get_mut(..record_words(model)).ok_or(Fault::Record(record_words(model)))?;
    clock.measure(|| ());
    let greeting = [MAGIC, model.crc(), record.len() as u32, clock.measure(|| ())];
    output.write_all(word::bytes(&greeting)).map_err(Fault::Output)?;
    let (mut sum, mut frames) = (HASH_START, 0u32);
    while let Some(count) = count(input)? {
        if count == 0 {
            listener.reset();
            parts.iter_mut().for_each(Parts::reset);
            sum = HASH_START;
            continue;
        }
        let block = room.samples.get_mut(..count as usize).filter(|b| b.len() <= hop);
        let Some(samples) = block else { return Err(Fault::Frames(count as usize)) };
        read(samples, input)?;
        sum = samples.iter().fold(sum, |h, s| hash(h, *s));
        let apart = parts.as_mut().map_or([0; 3], |parts| {
            parts.push(samples, clock);
            parts.ticks
        });
        let (ticks, complete) = hear(&mut listener, samples, record, clock);
        if complete {
            for (to, from) in record.iter_mut().zip([&[ticks][..], &apart, &[sum]].into_iter().flatten()) {
                *to = *from;
            }
            output.write_all(word::bytes(record)).map_err(Fault::Output)?;
            frames = frames.wrapping_add(1);
        }
    }
    Ok(frames)
}
