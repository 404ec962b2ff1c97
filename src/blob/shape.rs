//! Whether layers fit together: widths, formats, directions, and what surrounds them.

use super::seq2seq::Plan;
use super::structure::{self, ChainInput, Joint, Structure};
use super::{Chains, Descriptor, Direction, LayerDescriptor, LoadError, MAX_WIDTH, Text, TextUnit};
use crate::Feature;
use crate::arith::Q;
use crate::audio;
use crate::cell::{CarriedState, DELAY, DelayTaps, MAX_LINE_WORDS, OutRange, StageKind, VariantSpec, WidthRule};
use crate::kernel::layout::vector_words;
use crate::layer;

const BACKWARD: bool = Feature::Backward.built();
pub(super) const SYMBOLS: bool = Feature::Symbols.built();
/// Whether this build runs anything but streams.
pub(super) const MORE_THAN_STREAMS: bool = BACKWARD || structure::STRUCTURES;

/// What a layer is given, as layers come from the input on.
pub(super) struct Joints {
    /// Elements and fraction bits; `None` before the first layer, where frames are as it takes them.
    given: Option<(u16, u8)>,
    /// Whether the first layer may take more elements than it is given.
    more: bool,
    /// Input and output of the layer before, where that one reads forward: the backward one's must be the same.
    forward: Option<LayerDescriptor>,
    first: bool,
}

impl Joints {
    pub(super) fn new(audio: Option<&audio::Config>) -> Self {
        let given = audio.map(|a| (a.features() as u16, audio::FEATURE_FRAC as u8));
        Joints { given, more: false, forward: None, first: true }
    }

    /// Before the next chain.
    pub(super) fn chain(&mut self, given: ChainInput) {
        (self.forward, self.first) = (None, true);
        (self.given, self.more) = match given {
            // Sound goes to the first chain alone, which has it from the start.
            ChainInput::Frame => (None, false),
            ChainInput::Vector(joint) => (Some(joint), false),
            ChainInput::AtLeast(joint) => (Some(joint), true),
        };
    }

    /// What the last layer gives, of both directions where they are two; of an empty chain, what it is given.
    pub(super) fn end(&self) -> Joint {
        self.given.unwrap_or_default()
    }

    /// A layer's sizes and formats, and that it takes what it is given; its table and the words of its carried state.
    pub(super) fn next(&mut self, number: u8, l: &LayerDescriptor) -> Result<(&'static VariantSpec, usize), LoadError> {
        let &LayerDescriptor { tag, variant, inputs, units, in_frac, out_frac, .. } = l;
        let spec = layer::find(tag, variant).ok_or(LoadError::UnknownLayer { layer: number, tag, variant })?;
        if inputs == 0 || units == 0 || inputs > MAX_WIDTH || units > MAX_WIDTH {
            return Err(LoadError::Width { layer: number, inputs, units });
        }
        match l.direction {
            Direction::Forward => {
                let symbols = if self.first { Some((1, 0)) } else { None };
                let taken = if SYMBOLS && spec.widths == WidthRule::Symbol { symbols } else { Some((inputs, in_frac)) };
                let (mut given, given_frac) = self.given.or(taken).unwrap_or_default();
                if structure::STRUCTURES && self.more {
                    given = inputs.max(given);
                }
                let fits = taken == Some((given, given_frac)) && inputs == given && in_frac == given_frac;
                if !fits || in_frac > 15 {
                    return Err(LoadError::ShapeMismatch { layer: number, inputs, given, frac: in_frac, given_frac });
                }
                self.given = Some((units, out_frac));
                self.forward = BACKWARD.then_some(*l);
            }
            Direction::Backward if !BACKWARD => return Err(LoadError::FeatureDisabled { feature: Feature::Backward }),
            Direction::Backward => {
                let pair = self
                    .forward
                    .take()
                    .filter(|f| spec.stateful() && (f.inputs, f.in_frac, f.out_frac) == (inputs, in_frac, out_frac));
                let forward = pair.ok_or(LoadError::Direction { layer: number })?;
                let both = forward.units.saturating_add(units);
                if both > MAX_WIDTH {
                    return Err(LoadError::Width { layer: number, inputs, units: both });
                }
                self.given = Some((both, out_frac));
            }
        }
        (self.first, self.more) = (false, false);
        Ok((spec, judge_layer(number, l, spec)?))
    }
}

/// A layer's own widths, formats and numbers; the words of its carried state.
fn judge_layer(number: u8, l: &LayerDescriptor, spec: &VariantSpec) -> Result<usize, LoadError> {
    let &LayerDescriptor { inputs, units, in_frac, out_frac, carried_frac, .. } = l;
    if spec.widths == WidthRule::Same && units != inputs {
        return Err(LoadError::Width { layer: number, inputs, units });
    }
    let carried_words = numbers(number, l, spec)?;
    let pointwise = spec.stages.first().is_some_and(|s| s.kind == StageKind::Pointwise);
    let out_fits = match spec.out {
        OutRange::Q15 => out_frac == 15,
        OutRange::OneHot => out_frac == 14,
        OutRange::Input => out_frac == in_frac,
        OutRange::Calibrated => out_frac <= 15 && (spec.carried != CarriedState::Sum || out_frac <= in_frac),
    };
    let carried_fits = match spec.carried {
        CarriedState::Cell | CarriedState::Pair | CarriedState::Wide => (17..=27).contains(&carried_frac),
        CarriedState::Hidden => carried_frac == Q::HIDDEN_FRAC,
        CarriedState::Mean | CarriedState::Sum | CarriedState::Max | CarriedState::Line => carried_frac == 0,
        CarriedState::None if pointwise => carried_frac <= 30,
        CarriedState::None if spec.out == OutRange::Calibrated && spec.first_gate().is_some() => {
            out_frac as u32 + carried_frac as u32 <= 15
        }
        CarriedState::None => carried_frac == 0,
    };
    if !out_fits || !carried_fits {
        return Err(LoadError::Format { layer: number, out_frac, carried_frac });
    }
    Ok(carried_words)
}

/// A layer's own numbers, and the words of its carried state, which follow from them.
fn numbers(number: u8, l: &LayerDescriptor, spec: &VariantSpec) -> Result<usize, LoadError> {
    let &LayerDescriptor { inputs, units, params, .. } = l;
    let unused = params.iter().skip(spec.params.len()).all(|p| *p == 0);
    let fits = match spec.widths {
        WidthRule::DelayTaps if !DELAY => false,
        WidthRule::DelayTaps => DelayTaps::of(params).outputs(inputs as usize) == Some(units as usize),
        WidthRule::Symbol if !SYMBOLS => false,
        WidthRule::Symbol => spec.params.is_empty() || params.first().is_some_and(|rows| *rows > 0),
        WidthRule::Free | WidthRule::Same => true,
    };
    if !unused || !fits {
        return Err(LoadError::Parameters { layer: number, params, inputs, units });
    }
    let required = spec.carried_words(inputs as usize, units as usize, params);
    if required > MAX_LINE_WORDS {
        return Err(LoadError::DelayLine { layer: number, required, most: MAX_LINE_WORDS });
    }
    Ok(required)
}

/// What the descriptor says of the whole model.
pub(super) fn validate(descriptor: &Descriptor<'_>, outputs: u16) -> Result<(), LoadError> {
    let layers = &descriptor.layers;
    let backward = BACKWARD && layers.iter().any(|l| l.direction == Direction::Backward);
    let limited = match descriptor.structure {
        Structure::Sequence => backward,
        Structure::Seq2seq { .. } => true,
        Structure::Tree { .. } | Structure::Graph { .. } => false,
    };
    if limited != (descriptor.max_steps > 0) || (backward && !limited) {
        return Err(LoadError::MaxSteps { max_steps: descriptor.max_steps, backward });
    }
    let Some(first) = layers.first() else { return Err(LoadError::NoLayers) };
    let spec = layer::find(first.tag, first.variant);
    let takes_symbols = spec.is_some_and(|s| s.widths == WidthRule::Symbol);
    let feedback = descriptor.feedback;
    if !Feature::Feedback.built() && feedback > 0 {
        return Err(LoadError::FeatureDisabled { feature: Feature::Feedback });
    }
    let sequence = descriptor.structure == Structure::Sequence;
    let plain = descriptor.audio.is_none() && !takes_symbols && !backward && sequence;
    if descriptor.increments && feedback == 0
        || feedback > 0 && (feedback != outputs || feedback > first.inputs || !plain)
    {
        return Err(LoadError::Feedback { feedback, inputs: first.inputs, outputs });
    }
    if let Some(text) = &descriptor.text {
        if !SYMBOLS {
            return Err(LoadError::FeatureDisabled { feature: Feature::Symbols });
        }
        let symbols = count_symbols(text)?;
        let rows = match spec {
            Some(s) if takes_symbols && s.params.is_empty() => first.units,
            Some(_) if takes_symbols => first.params[0],
            _ => 0,
        };
        if symbols != rows as usize {
            return Err(LoadError::TextSymbols { symbols, layer: rows as usize });
        }
    }
    Ok(())
}

/// Words of memory of a model of this description: of a stream, of sequences of up to its `max_steps` where that is not
/// 0, or of what its structure runs.
pub fn memory_words(descriptor: &Descriptor<'_>) -> usize {
    let (chains, max_steps) = (Chains::of(descriptor), descriptor.max_steps);
    match descriptor.structure {
        Structure::Sequence if max_steps == 0 => structure::chain_words(&descriptor.layers),
        _ if !structure::STRUCTURES => sequence_words(&descriptor.layers, max_steps),
        Structure::Sequence => sequence_words(&descriptor.layers, max_steps),
        Structure::Seq2seq { score, max_outputs, beams } => {
            Plan::of(chains, score, max_steps, max_outputs, beams).words()
        }
        Structure::Tree { max_nodes, slots, .. } => structure::tree_words(chains, max_nodes, slots),
        Structure::Graph { max_nodes, .. } => structure::graph_words(chains, max_nodes),
    }
}

/// Words of sequences of up to `max_steps`: two buffers of so many vectors, which the layers read from and write to by
/// turns, and room for the one layer that runs and its output.
pub(super) fn sequence_words(layers: &[LayerDescriptor], max_steps: u16) -> usize {
    let (buffers, widest) = running(layers);
    (buffers.even + buffers.odd) * max_steps as usize + widest
}

/// What layers need that run over all steps one after the other: buffers, and the widest of them with its output.
pub(super) fn running(layers: &[LayerDescriptor]) -> (Buffers, usize) {
    let mut buffers = Buffers::new(layers.first().map_or(0, |l| l.inputs as usize));
    let mut widest = 0;
    for l in layers {
        buffers.add(l.units as usize, l.direction);
        widest = widest.max(structure::chain_words(core::slice::from_ref(l)));
    }
    (buffers, widest)
}

/// Words of a vector in each of the two buffers of a sequence: the widest of those that they hold alternately.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffers {
    pub(crate) even: usize,
    pub(crate) odd: usize,
    /// Elements of the vector that was added last.
    width: usize,
    last_is_odd: bool,
}

impl Buffers {
    /// The input lies in the even buffer.
    pub(crate) fn new(inputs: usize) -> Self {
        Buffers { even: vector_words(inputs), odd: 0, width: inputs, last_is_odd: false }
    }

    /// Whether the last layer's output lies in the odd buffer.
    pub(crate) fn last_is_odd(&self) -> bool {
        self.last_is_odd
    }

    /// The output of a layer: behind the last vector in the other buffer, or beside it where it reads backward.
    pub(crate) fn add(&mut self, units: usize, direction: Direction) {
        match direction {
            Direction::Forward => (self.width, self.last_is_odd) = (units, !self.last_is_odd),
            Direction::Backward => self.width += units,
        }
        let words = vector_words(self.width);
        let buffer = if self.last_is_odd { &mut self.odd } else { &mut self.even };
        *buffer = words.max(*buffer);
    }
}

/// Symbols of a text, the unknown one included. The order of characters is that of their bytes.
fn count_symbols(text: &Text<'_>) -> Result<usize, LoadError> {
    // Where a character begins another one has ended; what ends a word is no part of the next.
    let (own, between) = match text.unit {
        TextUnit::Characters => (1, 0),
        TextUnit::Words => (0, 1),
    };
    let mut rest = text.symbols.as_bytes();
    let (mut last, mut count): (&[u8], _) = (&[], 1usize);
    let mut more = !rest.is_empty();
    while more {
        let end = rest.iter().skip(own).position(|b| text.begins(*b)).map_or(rest.len(), |n| n.wrapping_add(own));
        let (symbol, behind) = rest.split_at_checked(end).unwrap_or_default();
        if last >= symbol {
            return Err(LoadError::TextOrder { symbol: count });
        }
        count = count.saturating_add(1);
        last = symbol;
        more = !behind.is_empty();
        rest = behind.get(between..).unwrap_or_default();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dense layer: every build has it.
    const DENSE: LayerDescriptor = LayerDescriptor {
        tag: crate::layer::dense::SPEC.tag,
        variant: 0,
        inputs: 8,
        units: 8,
        in_frac: 12,
        out_frac: 12,
        carried_frac: 0,
        direction: Direction::Forward,
        params: [0; 4],
    };

    /// A model of that layer alone.
    fn dense(feedback: u16, text: Option<Text<'static>>) -> Descriptor<'static> {
        Descriptor {
            name: "",
            labels: "",
            readout: Default::default(),
            fingerprint: 0,
            audio: None,
            detect: None,
            text,
            max_steps: 0,
            feedback,
            increments: false,
            structure: Structure::Sequence,
            chains: Default::default(),
            layers: core::iter::once(DENSE).collect(),
        }
    }

    /// What a build that has `feature` says, or the refusal of one that has not.
    fn unless_lacking(feature: Feature, says: Result<(), LoadError>) -> Result<(), LoadError> {
        if feature.built() { says } else { Err(LoadError::FeatureDisabled { feature }) }
    }

    #[test]
    fn what_a_build_lacks_is_refused_by_name() {
        assert_eq!(validate(&dense(0, None), 8), Ok(()));
        assert_eq!(validate(&dense(8, None), 8), unless_lacking(Feature::Feedback, Ok(())));
        let text = Text { unit: TextUnit::Characters, symbols: "ab" };
        let says = Err(LoadError::TextSymbols { symbols: 3, layer: 0 });
        assert_eq!(validate(&dense(0, Some(text)), 8), unless_lacking(Feature::Symbols, says));

        let backward = LayerDescriptor { direction: Direction::Backward, ..DENSE };
        let found = Joints::new(None).next(1, &backward).map(|_| ());
        let says = Err(LoadError::Direction { layer: 1 });
        assert_eq!(found, unless_lacking(Feature::Backward, says));
    }

    #[test]
    fn symbols_are_in_order_and_none_is_empty() {
        for (unit, symbols, wanted) in [
            (TextUnit::Characters, "", Ok(1)),
            (TextUnit::Characters, "a", Ok(2)),
            (TextUnit::Characters, "\nA\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}", Ok(9)),
            (TextUnit::Characters, "ab\u{e9}\u{e8}", Err(4)),
            (TextUnit::Characters, "aab", Err(2)),
            (TextUnit::Characters, "\u{10000}\u{ffff}", Err(2)),
            (TextUnit::Words, "", Ok(1)),
            (TextUnit::Words, "a", Ok(2)),
            (TextUnit::Words, "a\naa\nab\nb\n\u{e9}", Ok(6)),
            (TextUnit::Words, "b\na", Err(2)),
            (TextUnit::Words, "a\na", Err(2)),
            (TextUnit::Words, "\na", Err(1)),
            (TextUnit::Words, "a\n", Err(2)),
            (TextUnit::Words, "a\n\nb", Err(2)),
            (TextUnit::Words, "\n", Err(1)),
        ] {
            let text = Text { unit, symbols };
            assert_eq!(count_symbols(&text), wanted.map_err(|symbol| LoadError::TextOrder { symbol }), "{text:?}");
            assert!(wanted.is_err() || wanted == Ok(text.len()), "{text:?}");
        }
    }
}
