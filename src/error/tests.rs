//! Every error is a sentence with its numbers.

use crate::blob::{MemoryPart, Structure};
use crate::detect::SilenceReset;
use crate::kernel::Layout;
use crate::{LoadError, MemoryError, Operation, RunError, audio, detect, text};
use core::error::Error as _;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

/// Lists errors, one of each variant, and makes a match without a wildcard of them: a variant that is added to the enum and
/// not here does not compile.
macro_rules! every {
    ($enum:ty: $($variant:ident $({ $($field:ident: $value:expr),+ $(,)? })? $(($inner:expr))?),+ $(,)?) => {{
        use $enum as E;
        let _: fn(&E) = |error| match error {
            $(E::$variant { .. } => {})+
        };
        vec![$(E::$variant $({ $($field: $value),+ })? $(($inner))?),+]
    }};
}

fn load_errors() -> Vec<LoadError> {
    every!(LoadError:
        TooShort { bytes: 41 },
        Magic { found: 0xdead_beef },
        Version { found: 41, supported: 42 },
        Layout { found: 77, reads: Some(Layout::Pairs) },
        Length { declared: 41, actual: 42 },
        Schema { found: 0x1234_5678, supported: 0x8765_4321 },
        SectionBounds { descriptor: 41, offset: 42, weights: 43, total: 44 },
        Crc { found: 0x1234_5678, computed: 0x8765_4321 },
        Descriptor { offset: 41 },
        NoLayers,
        UnknownLayer { layer: 41, tag: 3, variant: 2 },
        Width { layer: 41, inputs: 42, units: 43 },
        ShapeMismatch { layer: 41, inputs: 42, given: 43, frac: 44, given_frac: 45 },
        Format { layer: 41, out_frac: 42, carried_frac: 43 },
        Parameters { layer: 41, params: [42, 43, 44, 45], inputs: 46, units: 47 },
        DelayLine { layer: 41, required: 70_000, most: 65_536 },
        Direction { layer: 41 },
        MaxSteps { max_steps: 41, backward: false },
        Feedback { feedback: 41, inputs: 42, outputs: 43 },
        ChainCount { chains: 41, layers: 42 },
        ChainShape { chain: 41 },
        OperationMissing { operation: Operation::Feedback },
        TextOrder { symbol: 41 },
        TextSymbols { symbols: 41, layer: 42 },
        WeightsLength { required: 41, provided: 42 },
        InvalidWeight { layer: 41, block: 42 },
        Multiplier { layer: 41, block: 42 },
        AccumulatorOverflow { layer: 41, block: 42, weights: 43_000, bias: -44_000 },
        MemoryWords { part: MemoryPart::FrontEnd, declared: 41, required: 42 },
        Labels { labels: 41, outputs: 42 },
        Audio(audio::Error::Hop { samples: 41, window: 42 }),
        Detect(detect::Error::Smooth { steps: 99 }),
        Scaling { output: true, channel: 41 },
    )
}

fn run_errors() -> Vec<RunError> {
    every!(RunError:
        Memory(MemoryError { required: 42, provided: 41 }),
        WrongRunner { structure: Structure::Sequence },
        NotAListener { front_end: true, detector: false },
        FrameLength { required: 42, provided: 41 },
        SequenceOnly { max_steps: 41 },
        Frames { elements: 41, inputs: 42 },
        TooLong { steps: 42, most: 41 },
        GraphOffset { node: 41, offset: 42, before: 43, edges: 44 },
        GraphNeighbour { edge: 41, neighbour: 42, nodes: 43 },
        GraphTooLarge { nodes: 41, max_nodes: 42, edges: 43, max_edges: 44, degree: 45, max_degree: 46 },
        GraphFeatures { node_elements: 41, node_required: 42, edge_elements: 43, edge_required: 44 },
        Nodes { nodes: 41, least: 42, most: 43 },
        Child { node: 41, child: 42 },
        LeafFrame { node: 41, frame: 42, frames: 43 },
        Slots { required: 42, provided: 41 },
        Snapshot { model: 0x1234_5678, found: 0x8765_4321 },
        Audio(audio::Error::Hop { samples: 41, window: 42 }),
        Detect(detect::Error::Smooth { steps: 99 }),
        Text(text::Error::Utf8 { at: 41 }),
    )
}

fn audio_errors() -> Vec<audio::Error> {
    every!(audio::Error:
        SampleRate { hz: 999 },
        Fft { log2: 41 },
        Window { samples: 41, fft: 42 },
        Hop { samples: 41, window: 42 },
        Channels { channels: 41 },
        Range { low_hz: 41, high_hz: 42, limit_hz: 43 },
        EmptyChannel { channel: 41 },
        PreEmphasis { bits: 41_000 },
        Floor { log2: 41 },
        Cepstrum { coefficients: 42, channels: 41 },
        Pcen { smoothing_log2: 41, alpha: 42, delta: 43, r: 44 },
        SpectralSubtraction { fall_log2: 41, rise_log2: 42, oversubtraction: 43, floor: 44 },
        OperationMissing { operation: Operation::Pcen },
        Memory(MemoryError { required: 42, provided: 41 }),
    )
}

fn detect_errors() -> Vec<detect::Error> {
    every!(detect::Error:
        Smooth { steps: 99 },
        Threshold { class: 41, bits: 42_000 },
        Release { class: 41, threshold: 42, release: 43 },
        SilenceReset { silence_reset: SilenceReset { class: 41, steps: 42 }, outputs: 43, refractory: 44 },
        Outputs { thresholds: 41, outputs: 42 },
        Memory(MemoryError { required: 42, provided: 41 }),
    )
}

/// Numbers in a text, those after 0x as hexadecimal ones; a minus before them does not count.
fn numbers(text: &str) -> Vec<u64> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        })
        .collect()
}

/// That the sentence of an error has all numbers that its fields have, is one, and is not the list of the fields.
fn check(error: &(dyn core::error::Error + 'static)) {
    let (sentence, fields) = (error.to_string(), format!("{error:?}"));
    let said = numbers(&sentence);
    for number in numbers(&fields) {
        assert!(said.contains(&number), "{number} of {fields} is not in: {sentence}");
    }
    assert!(sentence.len() > 20 && sentence.contains(' ') && !sentence.contains(" { "), "{fields}: {sentence}");
    assert!(!sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
    // What is wrapped is the source, and its numbers are in the sentence.
    if let Some(source) = error.source() {
        let inner = source.to_string();
        assert!(sentence.contains(&inner), "{sentence}: {inner}");
        check(source);
    }
}

#[test]
fn every_error_is_a_sentence_with_its_numbers() {
    load_errors().iter().for_each(|e| check(e));
    run_errors().iter().for_each(|e| check(e));
    audio_errors().iter().for_each(|e| check(e));
    detect_errors().iter().for_each(|e| check(e));
    check(&MemoryError { required: 42, provided: 41 });
    check(&text::Error::Utf8 { at: 41 });
    load_errors().into_iter().for_each(|e| check(&crate::Error::from(e)));
    run_errors().into_iter().for_each(|e| check(&crate::Error::from(e)));
}

#[test]
fn sentences_name_what_is_missing() {
    let operation = LoadError::OperationMissing { operation: Operation::SpectralSubtraction }.to_string();
    assert!(operation.contains("Operations::with_spectral_subtraction"), "{operation}");
    let layer = LoadError::UnknownLayer { layer: 4, tag: 3, variant: 1 }.to_string();
    assert!(layer.contains("layer 4 is `lstm-no-forget`"), "{layer}");
    let unknown = LoadError::UnknownLayer { layer: 4, tag: 200, variant: 1 }.to_string();
    assert!(unknown.contains("tag 200"), "{unknown}");
    let layout = LoadError::Layout { found: 1, reads: Some(Layout::Columns) }.to_string();
    assert!(
        ["`pairs`, the layout of cores with the DSP extension", "`columns`, the layout of cores with neither"]
            .iter()
            .all(|s| layout.contains(s)),
        "{layout}"
    );
    let structures = [
        (Structure::Seq2seq { score: Default::default(), max_outputs: 1, beams: 1 }, "Model::seq2seq"),
        (Structure::Tree { roots: 1, max_nodes: 1, slots: 1 }, "Model::tree"),
        (Structure::Graph { rounds: 1, max_nodes: 1, max_edges: 1, max_degree: 1 }, "Model::graph"),
    ];
    for (structure, runner) in structures {
        let sentence: String = RunError::WrongRunner { structure }.to_string();
        assert!(sentence.contains(runner), "{sentence}");
    }
}

/// Wrapped errors give theirs as the source.
#[test]
fn sources_are_set() {
    let audio = audio::Error::Memory(MemoryError { required: 2, provided: 1 });
    let run = RunError::from(audio);
    let source = run.source().and_then(|e| e.downcast_ref::<audio::Error>());
    assert_eq!(source, Some(&audio));
    assert!(audio.source().is_some_and(|e| e.is::<MemoryError>()));
    assert!(crate::Error::from(run).source().is_some_and(|e| e.is::<RunError>()));
    assert!(LoadError::NoLayers.source().is_none());
}
