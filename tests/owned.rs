//! Objects that own model and states, and async sources: the same bits and events as the borrowing forms.

use elman::audio::Config;
use elman::blob::{Blob, LoadError, Model};
use elman::detect::{self, Event, Probability};
use elman::{Error, Listener, MemoryError, OwnedListener, OwnedStream, RunError, SampleSource, Storage};
use elman_quant::synthetic::{self, Drive, sound};
use elman_quant::words_of;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Words that are more than any model here requires.
const WORDS: usize = 2000;

fn listener_words() -> Vec<u32> {
    let mut model = sound::listener(Config::HZ_8000, 6, 6, 5);
    model.labels = ["silence", "yes", "no", "up", "down", "go"].map(str::to_owned).to_vec();
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// What the borrowing form detects.
fn events(blob: &[u32], samples: &[i16]) -> Vec<Event> {
    let model = Model::load(Blob::new(blob)).unwrap();
    let mut memory = vec![0; Blob::new(blob).listener_words()];
    let mut listener = Listener::new(&model, &mut memory).unwrap();
    let mut events = Vec::new();
    listener.push_each(samples, |result| events.extend(result.event));
    events
}

/// Samples that wake the task only at every third call, in blocks of any length.
struct Microphone<'s> {
    samples: &'s [i16],
    calls: usize,
    wakes: Arc<AtomicUsize>,
}

impl SampleSource for Microphone<'_> {
    type Error = &'static str;

    async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, Self::Error> {
        assert!((1..=160).contains(&block.len()), "{}", block.len());
        std::future::poll_fn(|context| {
            self.calls += 1;
            if self.calls.is_multiple_of(3) {
                return Poll::Ready(());
            }
            self.wakes.fetch_add(1, Ordering::Relaxed);
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        if self.samples == [13] {
            return Err("the line broke");
        }
        let n = block.len().min(self.samples.len()).min(1 + self.calls % 200);
        block[..n].copy_from_slice(&self.samples[..n]);
        self.samples = &self.samples[n..];
        Ok(n)
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls one task, and only when it was woken; its result, and how often it was woken.
fn block_on<T>(task: impl Future<Output = T>) -> (T, usize) {
    let (mut task, count) = (pin!(task), Arc::new(Count::default()));
    let waker = Waker::from(count.clone());
    for woken in 0.. {
        assert_eq!(count.0.load(Ordering::Relaxed), woken, "nobody woke the task");
        if let Poll::Ready(result) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
            return (result, woken);
        }
    }
    unreachable!()
}

#[test]
fn a_listener_that_is_moved_detects_the_same() {
    let blob = listener_words();
    let samples = sound::samples(90_000, 9);
    let expected = events(&blob, &samples);
    assert!(expected.len() > 5, "{}", expected.len());
    let mut listener = OwnedListener::<WORDS>::load(Blob::new(&blob)).unwrap();
    assert_eq!(listener.model().memory_words(), Blob::new(&blob).memory_words());
    let mut fields: VecDeque<Box<OwnedListener<'_, WORDS>>> = VecDeque::new();
    let (mut found, mut rest, mut size) = (Vec::new(), &samples[..], 1);
    while !rest.is_empty() {
        let (block, later) = rest.split_at(size.min(rest.len()));
        (rest, size) = (later, (size * 7 + 3) % 500);
        listener.push_each(block, |result| found.extend(result.event));
        // Elsewhere each time; the old place is written over.
        fields.push_back(Box::new(listener));
        listener = *fields.pop_front().unwrap();
    }
    assert_eq!(found, expected);
    let event = found[0];
    assert_eq!(listener.label(&event), listener.model().label(event.class));
    assert_eq!(listener.milliseconds(&event), u64::from(event.step) * 20 + 32);
    // From the start again, by `push`, whose blocks of a hop have at most one event; a copy goes on alone.
    listener.reset();
    let mut copy = listener.clone();
    let pushed: Vec<Event> = samples.chunks(160).filter_map(|b| listener.push(b)).collect();
    assert_eq!(pushed, expected);
    assert_eq!(samples.chunks(160).filter_map(|b| copy.push(b)).collect::<Vec<_>>(), expected);
}

#[test]
fn other_parameters_of_the_detector_become_the_models() {
    let blob = listener_words();
    let model = Model::load(Blob::new(&blob)).unwrap();
    let own = model.detect().unwrap().clone();
    let never = detect::Config {
        thresholds: own.thresholds.iter().map(|t| t.min(&Probability::ONE)).copied().collect(),
        refractory: 10_000,
        ..own.clone()
    };
    let never = detect::Config { silence_reset: detect::SilenceReset::NEVER, ..never };
    let mut listener = OwnedListener::<WORDS>::with_detector(model.clone(), never.clone()).unwrap();
    assert_eq!(listener.model().detect(), Some(&never));
    let samples = sound::samples(90_000, 9);
    let found: Vec<Event> = samples.chunks(160).filter_map(|b| listener.push(b)).collect();
    assert_eq!(found, events(&blob, &samples)[..1]);
    let wrong = detect::Config { thresholds: own.thresholds[..3].iter().copied().collect(), ..own };
    let error = OwnedListener::<WORDS>::with_detector(model, wrong).unwrap_err();
    assert_eq!(error, RunError::Detect(detect::Error::Outputs { thresholds: 3, outputs: 6 }));
}

#[test]
fn a_stream_by_value_has_the_same_states() {
    for cell in ["gru", "lstm"] {
        let blob = words_of(&synthetic::model(cell, 5, 7, 4, Drive::Ordinary, 3).to_blob().unwrap()).unwrap();
        let model = Model::load(Blob::new(&blob)).unwrap();
        let mut memory = vec![0; model.memory_words()];
        let mut net = model.stream(&mut memory).unwrap();
        let mut owned = OwnedStream::<WORDS>::load(Blob::new(&blob)).unwrap();
        for (t, frame) in synthetic::frames(5, 100, 3).chunks_exact(5).enumerate() {
            let mut moved = Box::new(owned);
            assert_eq!(moved.step(frame), net.step(frame), "step {t}");
            assert_eq!(moved.output(), net.output());
            assert_eq!(moved.hidden_state(0), net.hidden_state(0));
            assert_eq!((moved.carried_state(0), moved.carried_state(9)), (net.carried_state(0), &[][..]));
            assert!(!moved.carried_state(0).is_empty() && moved.hidden_state(1).len() == 4);
            owned = *moved;
        }
        let (mut here, mut there) = (vec![0; net.snapshot_words()], vec![0; net.snapshot_words()]);
        owned.stream().snapshot(&mut here).unwrap();
        net.snapshot(&mut there).unwrap();
        assert_eq!((owned.stream().snapshot_words(), here), (there.len(), there.clone()));
        assert_eq!(owned.try_step(&[1; 4]).unwrap_err(), RunError::FrameLength { required: 5, provided: 4 });
        owned.reset();
        assert!(owned.hidden_state(0).iter().all(|h| *h == 0));
        owned.stream().restore(&there).unwrap();
        assert_eq!(owned.try_step(&[1; 5]).unwrap(), net.step(&[1; 5]));
        assert_eq!(owned.step_closed(&[2; 5]), net.step(&[2; 5]), "without feedback there is no loop to close");
    }
}

#[test]
fn too_few_words_are_an_error_with_both_numbers() {
    let blob = listener_words();
    let required = Blob::new(&blob).listener_words();
    assert!((300..WORDS).contains(&required), "{required}");
    let too_small = Error::Run(RunError::Memory(MemoryError { required, provided: 300 }));
    assert_eq!(OwnedListener::<300>::load(Blob::new(&blob)).unwrap_err(), too_small);
    assert_eq!(Storage::<300>::new().listener(Blob::new(&blob)).unwrap_err(), too_small);
    let states = Error::Run(RunError::Memory(MemoryError { required: Blob::new(&blob).memory_words(), provided: 3 }));
    assert_eq!(OwnedStream::<3>::load(Blob::new(&blob)).unwrap_err(), states);
    assert_eq!(Storage::<3>::new().stream(Blob::new(&blob)).unwrap_err(), states);
    let short = OwnedStream::<3>::load(Blob::new(&[])).unwrap_err();
    assert_eq!(short, Error::Load(LoadError::TooShort { bytes: 0 }));
    // No listener, and no stream.
    let plain = words_of(&synthetic::model("gru", 5, 7, 4, Drive::Ordinary, 3).to_blob().unwrap()).unwrap();
    let error = OwnedListener::<WORDS>::load(Blob::new(&plain)).unwrap_err();
    assert_eq!(error, Error::Run(RunError::NotAListener { front_end: false, detector: false }));
    let both = words_of(&synthetic::bidirectional(&["gru"], 5, 4, 3, 20, 1).to_blob().unwrap()).unwrap();
    let error = OwnedStream::<WORDS>::load(Blob::new(&both)).unwrap_err();
    assert_eq!(error, Error::Run(RunError::SequenceOnly { max_steps: 20 }));
}

#[test]
fn a_storage_takes_one_model_after_another() {
    let (blob, samples) = (listener_words(), sound::samples(60_000, 9));
    let plain = words_of(&synthetic::model("lstm", 5, 7, 4, Drive::Ordinary, 3).to_blob().unwrap()).unwrap();
    let mut storage = Storage::<WORDS>::default();
    for _ in 0..2 {
        let mut listener = storage.listener(Blob::new(&blob)).unwrap();
        let mut found = Vec::new();
        listener.push_each(&samples, |result| found.extend(result.event));
        assert_eq!(found, events(&blob, &samples));
        // A model that is loaded already, here with operations that are named.
        static OPERATIONS: elman::Operations =
            elman::Operations::of(&[elman::operations::LSTM, elman::operations::DENSE]);
        let model = Model::load_with(&OPERATIONS, Blob::new(&plain)).unwrap();
        assert_eq!(storage.stream(model).unwrap().step(&[3; 5]).logits.len(), 4);
        assert!(matches!(storage.tree(Blob::new(&plain)), Err(Error::Run(RunError::WrongRunner { .. }))));
    }
}

#[test]
fn each_event_of_an_async_source_is_returned() {
    let blob = listener_words();
    let samples = sound::samples(90_000, 9);
    let expected = events(&blob, &samples);
    let wakes = Arc::new(AtomicUsize::new(0));
    let microphone = || Microphone { samples: &samples, calls: 0, wakes: wakes.clone() };
    let mut owned = OwnedListener::<WORDS>::load(Blob::new(&blob)).unwrap();
    let (found, woken) = block_on(async {
        let (mut source, mut found) = (microphone(), Vec::new());
        while let Some(event) = owned.next_event(&mut source).await.unwrap() {
            found.push(event);
        }
        found
    });
    assert_eq!((found, woken), (expected.clone(), wakes.load(Ordering::Relaxed)));
    assert!(woken > 1000, "{woken}");

    let mut storage = Storage::<WORDS>::new();
    let mut listener = storage.listener(Blob::new(&blob)).unwrap();
    let mut slice = &samples[..];
    let (found, woken) = block_on(async {
        let mut found = Vec::new();
        while let Ok(Some(event)) = listener.next_event(&mut slice).await {
            found.push(event);
        }
        found
    });
    assert_eq!((found, woken, slice.len()), (expected, 0, 0));
    // An error of the source is the caller's.
    let mut broken = Microphone { samples: &[13], ..microphone() };
    assert_eq!(block_on(listener.next_event(&mut broken)).0, Err("the line broke"));
}

/// A future that is dropped while it waits loses nothing: the next one goes on.
#[test]
fn a_dropped_future_loses_no_sample() {
    let blob = listener_words();
    let samples = sound::samples(90_000, 9);
    let mut listener = OwnedListener::<WORDS>::load(Blob::new(&blob)).unwrap();
    let mut source = Microphone { samples: &samples, calls: 0, wakes: Arc::default() };
    let (mut found, mut dropped) = (Vec::new(), 0);
    loop {
        let mut next = pin!(listener.next_event(&mut source));
        // Polled a few times and then dropped, as by a time-out.
        let mut context = Context::from_waker(Waker::noop());
        match (0..5).map(|_| next.as_mut().poll(&mut context)).find(Poll::is_ready) {
            Some(Poll::Ready(Ok(Some(event)))) => found.push(event),
            Some(_) => break,
            None => dropped += 1,
        }
    }
    assert!(dropped > 100, "{dropped}");
    assert_eq!(found, events(&blob, &samples));
}
