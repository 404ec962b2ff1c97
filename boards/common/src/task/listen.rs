//! Listening next to the PC: samples in, every stage of every frame out.

use elman::audio::FrontEnd;
use elman::detect::Detector;
use elman::kernel::word;
use elman::{Listener, Model, Stream};
use elman_messages::{Checksum, Event, Failure, NO_EVENT, Outcome, Request};

use super::front_end::block;
use super::{failure, split, words_of};
use crate::Clock;
use crate::link::Runner;

/// The parts of a listener by themselves, to be measured apart.
struct Parts<'m, 'b> {
    front_end: FrontEnd<'m>,
    net: Stream<'m, 'b>,
    detector: Detector<'m>,
    /// Ticks of the last frame.
    ticks: [u32; 3],
}

impl<'m, 'b> Parts<'m, 'b> {
    fn new(model: &'m Model<'b>, memory: &'m mut [u32]) -> Result<Self, Failure> {
        let (Some(audio), Some(detect)) = (model.audio(), model.detect()) else { return Err(Failure::WrongModel) };
        let (sound, rest) = split(memory, audio.memory_words())?;
        let (states, sums) = split(rest, model.memory_words())?;
        Ok(Parts {
            front_end: FrontEnd::new(*audio, sound).map_err(|e| failure(e.into()))?,
            net: model.stream(states).map_err(failure)?,
            detector: Detector::new(detect, sums).map_err(|e| failure(e.into()))?,
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

/// A listener, and its parts once more where there is memory for them.
pub(crate) struct Listening<'m, 'b, C> {
    listener: Listener<'m, 'b>,
    parts: Option<Parts<'m, 'b>>,
    samples: &'m mut [i16],
    /// Features, logits and mean probabilities of the last frame.
    record: &'m mut [u32],
    /// Numbers of the answer: of the record, or none.
    answer: usize,
    checksum: Checksum,
    clock: &'m C,
}

/// Words of the listener, as of its parts.
fn listener_words(model: &Model<'_>) -> usize {
    let (audio, detect) = (model.audio(), model.detect());
    [audio.map_or(0, |a| a.memory_words()), model.memory_words(), detect.map_or(0, |d| d.memory_words())]
        .iter()
        .fold(0, |sum: usize, n| sum.saturating_add(*n))
}

/// Numbers of an answer.
fn numbers_of(model: &Model<'_>) -> usize {
    let features = model.audio().map_or(0, |a| a.features());
    features.saturating_add(model.outputs().saturating_mul(2))
}

impl<'m, 'b, C: Clock> Listening<'m, 'b, C> {
    pub(crate) fn new(model: &'m Model<'b>, words: &'m mut [u32], clock: &'m C) -> Result<Self, Failure> {
        let (Some(audio), Some(_)) = (model.audio(), model.detect()) else { return Err(Failure::WrongModel) };
        let own = listener_words(model);
        let (memory, words) = split(words, own)?;
        let (samples, words) = split(words, words_of(audio.hop.into()))?;
        let (record, words) = split(words, words_of(numbers_of(model)))?;
        let listener = Listener::new(model, memory).map_err(failure)?;
        let parts = match words.len() < own {
            true => None,
            false => Some(Parts::new(model, words)?),
        };
        Ok(Listening {
            listener,
            parts,
            samples: word::halves_mut(samples),
            record,
            answer: 0,
            checksum: Checksum::default(),
            clock,
        })
    }
}

/// Copies numbers to the front of `record`, and gives what is left of it.
fn put(record: &mut [i16], numbers: impl Iterator<Item = i16>, length: usize) -> &mut [i16] {
    let (own, rest) = record.split_at_mut_checked(length).unwrap_or_default();
    for (to, from) in own.iter_mut().zip(numbers) {
        *to = from;
    }
    rest
}

/// A block through the listener, the stages of the frame that it completes in `record`; ticks, and the frame's event, if it
/// completes one.
#[inline(never)]
fn counted_block(
    listener: &mut Listener<'_, '_>,
    samples: &[i16],
    record: &mut [i16],
    clock: &impl Clock,
) -> (u32, Option<Event>) {
    let mut event = None;
    let outputs = listener.model().outputs();
    let ticks = clock.measure(|| {
        listener.push_each(samples, |result| {
            let rest = put(record, result.features.iter().copied(), result.features.len());
            let rest = put(rest, result.logits.iter().copied(), outputs);
            let mean = |k: usize| result.detector.smoothed(k as u16).to_bits() as i16;
            put(rest, (0..outputs).map(mean), outputs);
            let sent = |e: elman::detect::Event| Event { class: e.class, step: e.step, score: e.score.to_bits() };
            event = Some(result.event.map_or(NO_EVENT, sent));
        });
    });
    (ticks, event)
}

impl<C: Clock> Runner for Listening<'_, '_, C> {
    fn answer(&mut self, request: Request<'_>) -> Result<Outcome, Failure> {
        let bytes = match request {
            Request::Samples(bytes) => bytes,
            Request::Reset => {
                self.listener.reset();
                self.parts.iter_mut().for_each(Parts::reset);
                (self.answer, self.checksum) = (0, Checksum::default());
                return Ok(Outcome::Done);
            }
            _ => return Err(Failure::WrongTask),
        };
        let samples = block(self.samples, self.listener.audio().hop, bytes)?;
        self.checksum.update(bytes);
        let clock = self.clock;
        let parts = self.parts.as_mut().map_or([0; 3], |parts| {
            parts.push(samples, clock);
            parts.ticks
        });
        let (ticks, event) = counted_block(&mut self.listener, samples, word::halves_mut(self.record), clock);
        self.answer = if event.is_some() { numbers_of(self.listener.model()) } else { 0 };
        Ok(match event {
            Some(event) => Outcome::Frame { ticks, parts, checksum: self.checksum.value(), event },
            None => Outcome::Done,
        })
    }

    fn bytes(&self) -> &[u8] {
        word::bytes(self.record).get(..self.answer.saturating_mul(2)).unwrap_or_default()
    }
}
