//! Listening: the same events however the samples are cut, on any samples, for as long as it takes; exact memory.

use elman::audio::{Config, Pcen, SpectralSubtraction};
use elman::blob::{Blob, MemoryPart, Model};
use elman::detect::{self, Event, Probability, SilenceReset};
use elman::{Listener, Stream};
use elman::{LoadError, MemoryError, RunError};
use elman_quant::synthetic::{self, sound};
use elman_quant::{IntegerModel, words_of};

fn words(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// All stages of all frames, and the events.
fn run(blob: &[u32], blocks: &mut dyn Iterator<Item = &[i16]>) -> (Vec<i16>, Vec<Probability>, Vec<Event>) {
    let model = Model::load(Blob::new(blob)).unwrap();
    let mut memory = vec![0xDEAD_BEEF; Blob::new(blob).listener_words()];
    let mut listener = Listener::new(&model, &mut memory).unwrap();
    let (mut numbers, mut means, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for block in blocks {
        listener.push_each(block, |result| {
            numbers.extend(result.features.iter().chain(result.logits));
            means.extend((0..model.outputs() as u16).map(|k| result.detector.smoothed(k)));
            events.extend(result.event);
        });
    }
    (numbers, means, events)
}

#[test]
fn blocks_of_any_size_give_the_same_bits() {
    let gain = Config { pcen: Some(Pcen::SPEECH), ..Config::HZ_16000 };
    for (config, name) in [
        (Config::HZ_16000, "16 kHz"),
        (Config::HZ_8000, "8 kHz"),
        (gain, "gain"),
        (Config { cepstrum: 13, pre_emphasis: 31_785, ..gain }, "MFCC of it"),
        (Config { cepstrum: 20, ..Config::HZ_8000 }, "MFCC"),
        (Config { spectral_subtraction: Some(SpectralSubtraction::SPEECH), ..Config::HZ_16000 }, "suppression"),
    ] {
        let blob = words(&sound::listener(config, 9, 4, 3));
        let samples = sound::samples(120_000, 5);
        let whole = run(&blob, &mut std::iter::once(&samples[..]));
        // Random weights hear something in logarithms of bands; what they make of other features is chance.
        let plain = config.cepstrum == 0 && config.pcen.is_none() && config.spectral_subtraction.is_none();
        assert!(!plain || whole.2.len() > 3, "{name}: {} events", whole.2.len());
        assert_eq!(whole.0.len(), config.frames(samples.len()) * (config.features() + 4), "{name}");
        for size in [1, 7, 160, 319, 320, 321, 4096, 119_999] {
            assert_eq!(run(&blob, &mut samples.chunks(size)), whole, "{name}, blocks of {size}");
        }
        let mut rest = &samples[..];
        let mut uneven = (0usize..).map_while(|k| {
            let n = (k * k * 37 % 900).min(rest.len());
            let block = rest.split_off(..n)?;
            (k == 0 || !rest.is_empty() || n > 0).then_some(block)
        });
        assert_eq!(run(&blob, &mut uneven), whole, "{name}, uneven blocks");
    }
}

/// Silence, full scale either way, square waves at any period: defined, in range, and no event is told twice within the
/// refractory time.
#[test]
fn extremes_are_defined() {
    let model = sound::listener(Config::HZ_16000, 8, 3, 11);
    let refractory = u32::from(model.detect.as_ref().unwrap().refractory);
    let blob = words(&model);
    let constant = |x: i16| vec![x; 32_000];
    let square = |period: usize| (0..32_000).map(|i| [i16::MIN, i16::MAX][i / period % 2]).collect::<Vec<_>>();
    for samples in [0, 1, -1, i16::MAX, i16::MIN].map(constant).into_iter().chain([1, 2, 3, 40, 512, 5000].map(square))
    {
        let (numbers, means, events) = run(&blob, &mut samples.chunks(320));
        assert_eq!(numbers.len(), Config::HZ_16000.frames(32_000) * 35);
        assert!(means.iter().all(|m| *m <= Probability::ONE));
        assert!(events.windows(2).all(|e| e[1].step - e[0].step > refractory), "{events:?}");
        assert_eq!(run(&blob, &mut samples.chunks(777)).2, events);
    }
}

/// The parts of a listener are the parts by themselves.
#[test]
fn a_listener_is_front_end_network_and_detector() {
    let blob = words(&sound::listener(Config::HZ_8000, 6, 3, 2));
    let model = Model::load(Blob::new(&blob)).unwrap();
    let samples = sound::samples(60_000, 9);
    let whole = run(&blob, &mut samples.chunks(500)).2;
    let features = elman_data::features(&samples, model.audio().unwrap()).unwrap();
    let mut memory = vec![0; model.memory_words()];
    let mut net: Stream<'_, '_> = model.stream(&mut memory).unwrap();
    let mut sums = vec![0; Blob::new(&blob).detect_words()];
    let mut detector = detect::Detector::new(model.detect().unwrap(), &mut sums).unwrap();
    let apart: Vec<Event> = features
        .chunks(32)
        .filter_map(|frame| {
            let y = net.step(frame);
            let event = detector.step(y.logits, y.frac);
            if detector.should_reset() {
                net.reset();
                detector.reset_window();
            }
            event
        })
        .collect();
    assert!(!whole.is_empty());
    assert_eq!(apart, whole);
}

#[test]
fn a_reset_is_a_fresh_start_and_memory_is_exact() {
    let blob = words(&sound::listener(Config::HZ_16000, 6, 3, 2));
    let model = Model::load(Blob::new(&blob)).unwrap();
    let need = Blob::new(&blob).listener_words();
    let mut short = vec![0; need - 1];
    assert_eq!(
        Listener::new(&model, &mut short).err(),
        Some(RunError::Memory(MemoryError { required: need, provided: need - 1 }))
    );
    let mut memory = vec![0; need];
    let mut listener = Listener::new(&model, &mut memory).unwrap();
    let mut events = |samples: &[i16]| {
        let mut events = Vec::new();
        listener.push_each(samples, |result| events.extend(result.event));
        listener.reset();
        events
    };
    let samples = sound::samples(50_000, 1);
    let first = events(&samples);
    events(&sound::samples(33_333, 2));
    assert_eq!(events(&samples), first);
    assert!(!first.is_empty());
    // The last event of a block of many.
    let mut memory = vec![0; need];
    let mut listener = Listener::new(&model, &mut memory).unwrap();
    let last = listener.push(&samples).unwrap();
    assert_eq!(Some(&last), first.last());
    assert_eq!(listener.milliseconds(&last), u64::from(last.step) * 20 + 32);
}

/// What is heard behind a rest is the same, whatever was heard before it: features, scores, means and events; and a rest is
/// always so many steps of silence in a row behind something else.
#[test]
fn behind_a_rest_a_listener_with_a_past_is_a_fresh_one() {
    let gain = Config { pcen: Some(Pcen::SPEECH), ..Config::HZ_8000 };
    let suppression = Config { spectral_subtraction: Some(SpectralSubtraction::SPEECH), ..Config::HZ_16000 };
    let emphasis = Config { pre_emphasis: 31_785, ..Config::HZ_8000 };
    for audio in [Config::HZ_16000, emphasis, gain, suppression] {
        // Weights by chance that hear silence in digital silence, and not in most of the rest.
        let model = sound::resting(audio, 9, 4, 8).unwrap();
        let rest = model.detect.as_ref().unwrap().silence_reset;
        let blob = words(&model);
        let model = Model::load(Blob::new(&blob)).unwrap();
        let need = Blob::new(&blob).listener_words();
        let (mut memory, mut other) = (vec![0; need], vec![0; need]);
        let mut past = Listener::new(&model, &mut memory).unwrap();
        let mut fresh = Listener::new(&model, &mut other).unwrap();
        let hop = usize::from(audio.hop);
        past.push(&sound::samples(400 * hop, 8));
        // Something, then silence for longer than a rest, again and again; then anything.
        let pauses = (0..6).flat_map(|k| [sound::samples((30 + k) * hop, 9), vec![0; 60 * hop]].concat());
        let samples: Vec<i16> = pauses.chain(sound::samples(300 * hop, 10)).collect();
        let (mut met, mut differed, mut rested, mut silent) = (false, 0, 0, 0u16);
        let mut heard_before = true;
        for block in samples.chunks(hop) {
            let mut frames = [Vec::new(), Vec::new()];
            for (listener, frame) in [&mut past, &mut fresh].into_iter().zip(&mut frames) {
                listener.push_each(block, |result| {
                    frame.extend(result.features.iter().chain(result.logits).map(|x| i32::from(*x)));
                    frame.extend((0..4).map(|k| i32::from(result.detector.smoothed(k).to_bits())));
                    frame.extend(result.event.map(|e| i32::from(e.class) << 16 | i32::from(e.score.to_bits())));
                    frame.push(i32::from(result.reset));
                });
            }
            let [past, fresh] = frames;
            if fresh.is_empty() {
                continue;
            }
            if past != fresh {
                differed += 1;
                assert!(!met, "{audio:?}: behind a rest of both they differ");
            }
            met |= past.last() == Some(&1) && fresh.last() == Some(&1);
            let scores = &fresh[audio.features()..][..4];
            let own = scores[usize::from(rest.class)];
            let leads = (0..4).all(|k| k == usize::from(rest.class) || scores[k] < own);
            silent = if leads { silent + 1 } else { 0 };
            heard_before |= !leads;
            if fresh.last() == Some(&1) {
                rested += 1;
                assert!(silent == rest.steps && heard_before, "{audio:?}: rest after {silent} steps of silence");
                heard_before = false;
            }
        }
        assert!(met && rested > 0 && differed > 0, "{audio:?}: {rested} rests, {differed} frames differed before");
    }
}

/// The same samples without an output that is silence: the past is never forgotten.
#[test]
fn without_silence_there_is_no_rest() {
    let mut model = sound::resting(Config::HZ_16000, 9, 4, 3).unwrap();
    model.detect.as_mut().unwrap().silence_reset = SilenceReset::NEVER;
    let blob = words(&model);
    let model = Model::load(Blob::new(&blob)).unwrap();
    let mut memory = vec![0; Blob::new(&blob).listener_words()];
    let mut listener = Listener::new(&model, &mut memory).unwrap();
    for samples in [sound::samples(60_000, 9), vec![0; 60_000], sound::samples(60_000, 9)] {
        listener.push_each(&samples, |result| assert!(!result.reset));
    }
}

#[test]
fn what_a_detector_cannot_be_is_refused() {
    use detect::Error;

    let good = sound::listener(Config::HZ_16000, 4, 3, 2);
    let refusal = |change: &dyn Fn(&mut IntegerModel)| {
        let mut model = good.clone();
        change(&mut model);
        model.to_blob().unwrap_err().to_string()
    };
    let detector = |change: &dyn Fn(&mut detect::Config)| refusal(&|m| change(m.detect.as_mut().unwrap()));
    assert!(detector(&|d| d.smooth = 0).contains(&Error::Smooth { steps: 0 }.to_string()));
    assert!(
        detector(&|d| d.thresholds[1] = Probability::from_bits(40_000))
            .contains(&Error::Threshold { class: 1, bits: 40_000 }.to_string())
    );
    assert!(
        detector(&|d| d.thresholds.fill(Probability::ZERO))
            .contains(&Error::Threshold { class: 0, bits: 0 }.to_string())
    );
    assert!(detector(&|d| d.release = d.thresholds[2]).contains("for class 1 with threshold"));
    let reset = |class, steps| {
        let silence_reset = SilenceReset { class, steps };
        Error::SilenceReset { silence_reset, outputs: 3, refractory: 12 }.to_string()
    };
    assert!(detector(&|d| d.silence_reset.class = 1).contains(&reset(1, 15)));
    assert!(detector(&|d| d.silence_reset.steps = d.refractory).contains(&reset(0, 12)));
    assert!(
        detector(&|d| d.thresholds.truncate(2)).contains(&Error::Outputs { thresholds: 2, outputs: 3 }.to_string())
    );
    let backward = refusal(&|m| {
        let mut both = synthetic::bidirectional(&["gru"], 32, 4, 3, 20, 1);
        both.layers.iter_mut().take(2).for_each(|l| l.in_frac = 9);
        (m.layers, m.max_steps) = (both.layers, both.max_steps);
    });
    assert!(backward.contains("words for the detector"), "{backward}");
    // Without front end or detector a model is sound, but cannot listen.
    for (audio, detector) in [(true, false), (false, true)] {
        let mut model = good.clone();
        model.audio = model.audio.filter(|_| audio);
        model.detect = model.detect.filter(|_| detector);
        let blob = words(&model);
        let model = Model::load(Blob::new(&blob)).unwrap();
        let mut memory = vec![0; 4000];
        assert_eq!(
            Listener::new(&model, &mut memory).err(),
            Some(RunError::NotAListener { front_end: audio, detector })
        );
    }
    // A frame that lies about the detector's memory.
    let blob = words(&good);
    for lie in [0, blob[10] - 1, blob[10] + 1, u32::MAX] {
        let mut bad = blob.clone();
        bad[10] = lie;
        let n = bad.len() - 1;
        bad[n] = elman::blob::crc32c(&bad[..n]);
        let need = blob[10] as usize;
        assert_eq!(
            Model::load(Blob::new(&bad)).err(),
            Some(LoadError::MemoryWords { part: MemoryPart::Detector, declared: lie, required: need })
        );
    }
}
