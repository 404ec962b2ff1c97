//! Every task of a board, over lines of every kind: the bits are the host's, whatever the line does.

use crate::line::{End, Fault, board, chattering, cutting, flipping, good, hasty, lossy, talking};
use elman::Model;
use elman::audio::Config;
use elman::blob::{AttentionScore, Blob};
use elman::net::Temperature;
use elman_data::{ExampleStructure, GraphRows};
use elman_messages::{Answer, BufferSizes, Hello, Outcome, Reply, Request, SCHEMA, VERSION, encode};
use elman_pipeline::{Answer as Wanted, Example};
use elman_quant::synthetic::{self, Drive, sound};
use elman_quant::{IntegerModel, words_of};
use elman_verify::{
    Channel, Device, Generation, Inputs, Patience, Port, Script, Stage, compare, compare_examples, front_end, generate,
    replay,
};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const WORDS: usize = 20_000;

/// Runs a check on a board that runs the model, for each kind of line and two sizes of frames: with the smaller, examples and
/// answers are cut.
fn on_every_line(model: &IntegerModel, check: impl Fn(&Model<'_>, &mut dyn Device)) {
    let blob = model.to_blob().unwrap();
    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let kinds: [(Fault, bool); 6] =
        [(good, false), (talking, false), (lossy, true), (cutting, true), (flipping, true), (chattering, true)];
    for (fault, repeats) in kinds {
        for frame in [160, 4096] {
            let (end, thread) = board(&blob, frame, WORDS, [fault; 2]);
            let mut port = Port::new("line", end, if repeats { hasty() } else { Patience::default() });
            check(&model, &mut port);
            assert!(repeats || port.asked_again() == 0, "{} repeats on a line that loses nothing", port.asked_again());
            drop(port);
            thread.join().unwrap();
        }
    }
}

#[test]
fn streams_in_open_and_closed_loop() {
    let mut narx = synthetic::model("delay", 4, 0, 0, Drive::Ordinary, 3);
    narx.layers.push(synthetic::layer("dense-tanh", narx.layers[0].units, 6, 15, Drive::Ordinary, 4));
    narx.layers.push(synthetic::layer("dense", 6, 1, 15, Drive::Ordinary, 5));
    narx.feedback = 1;
    on_every_line(&narx, |model, device| {
        let sequences = [synthetic::frames(4, 12, 1), synthetic::frames(4, 7, 2)];
        let report = compare(device, model, &Inputs { sequences: &sequences, closed_from: Some(5) }).unwrap();
        assert_eq!((report.steps, report.mismatches), (19, 0), "{:?}", report.first);
        // The clock counts how often it is asked: once at either end, as when nothing is measured.
        assert_eq!((report.instructions, report.range, report.load_instructions), (0.0, [0.0; 2], 999.0));
    });
}

#[test]
fn sequences_in_both_directions() {
    on_every_line(&synthetic::bidirectional(&["gru", "lstm"], 5, 6, 3, 40, 1), |model, device| {
        let sequences = [synthetic::frames(5, 40, 1), synthetic::frames(5, 1, 2)];
        let report = compare(device, model, &Inputs::of(&sequences)).unwrap();
        assert_eq!((report.steps, report.mismatches), (41, 0), "{:?}", report.first);
    });
}

#[test]
fn encoder_decoders() {
    let model = synthetic::seq2seq(["lstm", "gru"], AttentionScore::Dot, 6, true, [12, 24], 2, 3);
    on_every_line(&model, |model, device| {
        let sequences = [synthetic::source(12, 1), synthetic::source(5, 2)];
        let report = compare(device, model, &Inputs::of(&sequences)).unwrap();
        assert_eq!(report.mismatches, 0, "{:?}", report.first);
        assert!(report.steps >= 2);
    });
}

fn tree(seed: u64) -> Example {
    Example {
        name: format!("tree {seed}"),
        frames: (0..16).map(|k| (k * 7 + seed as i16) % 13).collect(),
        joints: ExampleStructure::Tree(synthetic::nodes(60, 16, seed)),
        answer: Wanted::Next,
    }
}

#[test]
fn trees() {
    on_every_line(&synthetic::tree("lstm", "tree-lstm", 6, 1, [60; 2], 3), |model, device| {
        let report = compare_examples(device, model, &[tree(1), tree(2)], None).unwrap();
        assert_eq!((report.steps, report.mismatches), (120, 0), "{:?}", report.first);
    });
}

fn graph(features: usize, seed: u64) -> Example {
    let graph = synthetic::graph::graph(20, 8, 3, features, seed);
    let edges = graph.edges.iter().map(|x| f32::from(*x) / 32768.0).collect();
    let rows = GraphRows { offsets: graph.offsets, neighbours: graph.neighbours, edges };
    let answer = Wanted::Steps(Vec::new());
    Example { name: format!("graph {seed}"), frames: graph.frames, joints: ExampleStructure::Graph(rows), answer }
}

#[test]
fn graphs() {
    let shape = synthetic::graph::Shape { features: 2, ..Default::default() };
    on_every_line(&synthetic::graph::model(shape, 3), |model, device| {
        let report = compare_examples(device, model, &[graph(2, 1), graph(2, 2)], None).unwrap();
        assert_eq!((report.steps, report.mismatches), (40, 0), "{:?}", report.first);
    });
}

#[test]
fn texts() {
    on_every_line(&synthetic::language(90, 8, 3), |model, device| {
        let prompt = (0..100).map(|k| k % 90).collect();
        let generation =
            Generation { seed: u64::MAX, temperature: Temperature::from_num(0.9), top_k: 20, prompt, count: 30 };
        let report = generate(device, model, &generation).unwrap();
        assert_eq!((report.board, report.mismatches), (report.symbols, 0));
    });
}

#[test]
fn listening() {
    let config = Config { hop: 40, ..Config::HZ_8000 };
    on_every_line(&sound::listener(config, 6, 3, 5), |model, device| {
        let samples = sound::samples(2000, 9);
        let report = replay(device, model, &samples, 39).unwrap();
        assert_eq!((report.frames as usize, report.mismatches), (config.frames(2000), 0), "{:?}", report.first);
        assert!(!report.events.is_empty());
        let report = front_end(device, model, &samples).unwrap();
        assert_eq!((report.frames as usize, report.mismatches), (config.frames(2000), 0));
    });
}

/// A device whose answers are changed on the way.
struct Changed<'d, F> {
    device: &'d mut dyn Device,
    change: F,
}

impl<F: FnMut(&mut Outcome, &mut Vec<u8>)> Device for Changed<'_, F> {
    fn is_board(&self) -> bool {
        self.device.is_board()
    }

    fn name(&self) -> &str {
        self.device.name()
    }

    fn instructions(&self, ticks: f64) -> f64 {
        self.device.instructions(ticks)
    }

    fn talk(&mut self, crc: u32, script: Script<'_>) -> anyhow::Result<Hello> {
        let change = &mut self.change;
        self.device.talk(crc, &mut |channel| script(&mut Changing { channel, change: &mut *change, bytes: Vec::new() }))
    }
}

struct Changing<'c, F> {
    channel: &'c mut dyn Channel,
    change: F,
    bytes: Vec<u8>,
}

impl<F: FnMut(&mut Outcome, &mut Vec<u8>)> Channel for Changing<'_, F> {
    fn sizes(&self) -> BufferSizes {
        self.channel.sizes()
    }

    fn ask(&mut self, request: Request<'_>, expected: usize) -> anyhow::Result<Option<Answer<'_>>> {
        let Some(Answer { mut outcome, length, bytes }) = self.channel.ask(request, expected)? else { return Ok(None) };
        self.bytes = bytes.to_vec();
        (self.change)(&mut outcome, &mut self.bytes);
        Ok(Some(Answer { outcome, length, bytes: &self.bytes }))
    }
}

/// One bit changed, at each stage of frame 7.
#[test]
fn the_first_difference_is_named_by_its_stage() {
    let blob = sound::listener(Config::HZ_8000, 4, 3, 1).to_blob().unwrap();
    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let samples = sound::samples(4000, 1);
    let (end, _thread) = board(&blob, 4096, WORDS, [good; 2]);
    let mut port = Port::new("line", end, hasty());
    for (byte, stage, index) in [
        (None, Stage::Samples, 0),
        (Some(0), Stage::Features, 0),
        (Some(2 * 32), Stage::Logits, 0),
        (Some(2 * (32 + 3) + 2), Stage::Posteriors, 1),
        (None, Stage::Event, 0),
        (None, Stage::Event, 2),
    ] {
        let mut frame = 0;
        let change = |outcome: &mut Outcome, bytes: &mut Vec<u8>| {
            let Outcome::Frame { checksum, event, .. } = outcome else { return };
            match (byte, stage, index) {
                _ if frame != 7 => {}
                (Some(byte), ..) => bytes[byte] ^= 1,
                (None, Stage::Samples, _) => *checksum ^= 1,
                (None, _, 0) => event.class ^= 1,
                (None, ..) => event.score ^= 1,
            }
            frame += 1;
        };
        let report = replay(&mut Changed { device: &mut port, change }, &model, &samples, 160).unwrap();
        let first = report.first.unwrap();
        assert_eq!((first.frame, first.stage, first.index), (7, stage, index), "{first}");
        assert_eq!(report.mismatches, 1);
    }
}

/// One bit changed in the snapshot of step 3.
#[test]
fn a_difference_of_a_step_is_in_the_report() {
    let blob = synthetic::model("lstm", 4, 6, 3, Drive::Ordinary, 1).to_blob().unwrap();
    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let (end, _thread) = board(&blob, 160, WORDS, [good; 2]);
    let mut port = Port::new("line", end, hasty());
    let mut step = 0;
    let change = |outcome: &mut Outcome, bytes: &mut Vec<u8>| {
        if let Outcome::Step { .. } = outcome {
            // After the mark: x of 2 words.
            bytes[4 * (1 + 2 + 1)] ^= u8::from(step == 3);
            step += 1;
        }
    };
    let frames = [synthetic::frames(4, 9, 1)];
    let report = compare(&mut Changed { device: &mut port, change }, &model, &Inputs::of(&frames)).unwrap();
    let first = report.first.unwrap();
    assert_eq!((report.mismatches, first.step, first.layer, first.unit), (1, 3, 0, 2), "{first}");
}

fn small() -> (Vec<u8>, Vec<Vec<i16>>) {
    (synthetic::model("gru", 3, 4, 2, Drive::Ordinary, 1).to_blob().unwrap(), vec![synthetic::frames(3, 4, 1)])
}

/// What `verify` says of a line, with little patience.
fn error_on(mut line: impl Read + Write, patience: Patience) -> String {
    let (blob, frames) = small();
    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let error = compare(&mut Port::new("line", &mut line, patience), &model, &Inputs::of(&frames)).unwrap_err();
    format!("{error:#}")
}

#[test]
fn a_device_that_never_answers_is_given_up() {
    let [ours, _theirs] = End::pair([good; 2]);
    let patience = Patience { first: Duration::from_millis(5), retries: 3, limit: Duration::from_secs(60) };
    let begun = Instant::now();
    let error = error_on(ours, patience);
    assert!(error.contains("does not answer") && error.contains("4 times"), "{error}");
    // 5, 10, 20 and 40 ms, and what a read waits.
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// A line on which bytes come for ever.
struct Endless(u8);

impl Read for Endless {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        to.fill_with(|| {
            self.0 = self.0.wrapping_add(7);
            self.0 | 1
        });
        Ok(to.len())
    }
}

impl Write for Endless {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_that_chatters_for_ever_ends_at_the_limit() {
    let begun = Instant::now();
    let patience = Patience { first: Duration::from_secs(1), retries: 9, limit: Duration::from_millis(200) };
    let error = error_on(Endless(0), patience);
    assert!(error.contains("0.2 seconds"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// A line that sends back what is written to it.
#[derive(Default)]
struct Echo(std::collections::VecDeque<u8>);

impl Read for Echo {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(to)? {
            0 => Err(std::io::ErrorKind::TimedOut.into()),
            n => Ok(n),
        }
    }
}

impl Write for Echo {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_echo_is_no_board() {
    let patience = Patience { first: Duration::from_millis(5), retries: 9, limit: Duration::from_secs(60) };
    let error = error_on(Echo::default(), patience);
    assert!(error.contains("sends back"), "{error}");
}

#[test]
fn a_line_that_ends_says_so() {
    let [ours, theirs] = End::pair([good; 2]);
    drop(theirs);
    assert!(error_on(ours, hasty()).contains("the line ended"));
}

/// The host's side of a line whose device says this hello, or what else.
fn answering(hello: impl Fn(u32) -> Vec<u8> + Send + 'static) -> End {
    let [ours, mut theirs] = End::pair([good; 2]);
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        let mut receiver = elman_messages::Receiver::new(&mut buffer);
        loop {
            match receiver.scan() {
                elman_messages::Scan::More => {
                    let mut line = embedded_io_adapters::std::FromStd::new(&mut theirs);
                    match receiver.fill(&mut line) {
                        Ok(0) => return,
                        _ => continue,
                    }
                }
                _ => {
                    let (sequence, _) = elman_messages::parse::<Request<'_>>(receiver.content()).unwrap();
                    theirs.write_all(&hello(sequence)).unwrap();
                }
            }
        }
    });
    ours
}

#[test]
fn devices_of_another_version_or_model_are_recognised() {
    let hello = Hello {
        version: VERSION,
        schema: SCHEMA,
        crc: 0x1234_5678,
        snapshot_words: 1,
        empty_ticks: 0,
        load_ticks: 0,
        sizes: BufferSizes::LARGE,
    };
    let frame = |sequence, reply: &Reply<'_>| encode(sequence, reply, &mut [0; 128]).unwrap().to_vec();
    let error = error_on(answering(move |s| frame(s, &Reply::Hello(hello))), hasty());
    assert!(error.contains("another model: CRC 12345678"), "{error}");
    let other = Hello { schema: 1, ..hello };
    let error = error_on(answering(move |s| frame(s, &Reply::Hello(other))), hasty());
    assert!(error.contains("schema 0000000000000001") && error.contains("boards/"), "{error}");
    // A later version's hello has more fields than this one knows.
    let error = error_on(
        answering(|s| encode(s, &(0u8, 77u16, 5u64, [[9u8; 30]; 2]), &mut [0; 128]).unwrap().to_vec()),
        hasty(),
    );
    assert!(error.contains("version 77"), "{error}");
}

#[test]
fn what_a_device_cannot_do_is_said_with_numbers() {
    let (blob, frames) = small();
    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let (end, _thread) = board(&blob, 160, 20, [good; 2]);
    let error = compare(&mut Port::new("line", end, hasty()), &model, &Inputs::of(&frames)).unwrap_err();
    assert!(format!("{error:#}").contains("words for states"), "{error:#}");
    // A model that listens to nothing.
    let (end, _thread) = board(&blob, 160, WORDS, [good; 2]);
    let mut port = Port::new("line", end, hasty());
    let listen = port.talk(model.crc(), &mut |channel| {
        channel.ask(Request::Start(elman_messages::Task::Listen), 0)?;
        Ok(())
    });
    assert!(format!("{:#}", listen.unwrap_err()).contains("does not do this"));
    let unstarted = port.talk(model.crc(), &mut |channel| channel.ask(Request::Draw, 0).map(|_| ()));
    assert!(format!("{:#}", unstarted.unwrap_err()).contains("no task has been started"));
}

/// A board with firmware of its own prints something.
#[test]
fn text_instead_of_answers_is_shown() {
    let [here, mut there] = End::pair([good; 2]);
    let mut port = Port::new("line", here, hasty());
    let talk = std::thread::spawn(move || {
        let mut to = [0; 64];
        loop {
            match there.read(&mut to) {
                Ok(0) => return,
                _ => there.write_all(b"temperature 21.5\r\n").unwrap(),
            }
        }
    });
    let blob = synthetic::language(9, 2, 3).to_blob().unwrap();
    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let error = compare(&mut port, &model, &Inputs::of(&[])).unwrap_err().to_string();
    assert!(error.contains("sends text instead, `temperature 21.5`"), "{error}");
    drop(port);
    talk.join().unwrap();
}
