//! Loading: the one place where bytes become a model.

use super::decode::Encoded;
use super::{
    Blob, FRAME_WORDS, Frame, LoadError, MemoryPart, Model, Operations, crc32c, layer, scaling, schema_hash, validate,
};
use crate::cell::{DeviceSpec, DeviceStage, Geometry, LayerView, StageView, WidthRule, chain};
use crate::descriptor::{Descriptor, Direction, LayerDescriptor, Structure, VectorFormat};
use crate::kernel::{Packing, WeightFormat};
use crate::operation::Operation;
use crate::plan::chain_words;
use crate::{audio, detect};

impl<'b> Model<'b> {
    /// [`Model::load`] that knows these operations only: others are not linked.
    ///
    /// # Errors
    /// As [`Model::load`]; [`LoadError::UnknownLayer`] and [`LoadError::OperationMissing`] name what is missing.
    pub fn load_with(operations: &'static Operations, blob: Blob<'b>) -> Result<Self, LoadError> {
        let words = blob.words();
        let frame = Frame::read(words, schema_hash())?;
        let Some((&crc, body)) = words.split_last() else { return Err(LoadError::TooShort { bytes: 0 }) };
        let computed = if cfg!(fuzzing) { crc } else { crc32c(body) };
        if crc != computed {
            return Err(LoadError::Crc { found: crc, computed });
        }
        let middle = body.get(FRAME_WORDS..).unwrap_or_default();
        let descriptor_words = (frame.descriptor_bytes as usize).div_ceil(4);
        let (head, weights) = middle.split_at_checked(descriptor_words).unwrap_or_default();
        let encoded = &mut Encoded::new(head, frame.descriptor_bytes as usize);
        let mut model = Model {
            layers: heapless::Vec::new(),
            memory_words: 0,
            body: 0,
            run: None,
            feedback_step: None,
            body_words: 0,
            operations,
            inputs: 0,
            outputs: 0,
            input_scaling: &[],
            output_scaling: &[],
            frame,
            crc,
            descriptor: encoded.descriptor(),
        };
        let provided = weights.len();
        let (input, forward, first) = (ChainInput::Frame, None, true);
        let output = VectorFormat::default();
        Loader { model: &mut model, encoded, weights, provided, required: 0, input, output, forward, first }.load()?;
        Ok(model)
    }
}

/// What the next layer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainInput {
    /// A frame: whatever the layer takes.
    Frame,
    /// A vector.
    Vector(VectorFormat),
    /// A vector of these elements, and more of the caller's after them.
    AtLeast(VectorFormat),
}

/// Reads the layers from the input on, and validates everything.
pub(super) struct Loader<'l, 'b> {
    pub(super) model: &'l mut Model<'b>,
    pub(super) encoded: &'l mut Encoded<'b>,
    /// Weights that no layer has yet.
    pub(super) weights: &'b [u32],
    /// Words of weights in the blob, and that the layers require.
    provided: usize,
    pub(super) required: usize,
    pub(super) input: ChainInput,
    /// The output that the scaling of outputs reads.
    pub(super) output: VectorFormat,
    /// Number of the layer before, where that one reads forward and no backward one belongs to it.
    forward: Option<usize>,
    /// Whether the next layer is the first of its chain.
    first: bool,
}

impl<'b> Loader<'_, 'b> {
    /// Validates the descriptor and the words of all layers' numbers, and makes their views. Inlined: on its own it would work
    /// out the numbers of errors where the caller drops them.
    #[inline(always)]
    fn load(&mut self) -> Result<(), LoadError> {
        self.encoded.check()?;
        let Model { frame, descriptor, operations, .. } = &*self.model;
        let structure = descriptor.structure;
        let streams = structure == Structure::Sequence && descriptor.max_steps == 0;
        check_parts(frame, descriptor, streams, &operations.front_end)?;
        if let Some(audio) = &descriptor.audio {
            let format = VectorFormat { width: audio.features() as u16, frac: audio::FEATURE_FRAC as u8 };
            self.input = ChainInput::Vector(format);
        }
        let mut layers = self.encoded.layers();
        self.encoded.check()?;
        if let Some(scaling) = operations.scaling {
            layers = layers.saturating_sub((scaling.load)(self, layers)?);
        }
        let Model { descriptor, operations, .. } = &*self.model;
        let chains = &descriptor.chains;
        let counted = chains.iter().fold(0usize, |s, n| s.saturating_add(*n as usize));
        if !structure.fits(chains.len()) || (!chains.is_empty() && counted != layers) {
            return Err(LoadError::ChainCount { chains: chains.len(), layers: counted });
        }
        let end = match (structure, operations.structures) {
            (Structure::Sequence, _) => self.chain(layers, self.input)?,
            (_, Some(load)) => load(self)?,
            _ => return Err(LoadError::OperationMissing { operation: Operation::Structures }),
        };
        self.encoded.end()?;
        if let Some(scaling) = self.model.operations.scaling {
            (scaling.check)(self, end)?;
        }
        self.check(end.width, streams)?;
        self.validate()
    }

    /// The next `count` layers, of which the first reads `input`; what the last gives, of both directions where they are two.
    /// An empty chain gives what it reads.
    pub(super) fn chain(&mut self, count: usize, input: ChainInput) -> Result<VectorFormat, LoadError> {
        // Sound goes to the first chain alone, which has it from the start.
        if !self.model.layers.is_empty() || input != ChainInput::Frame {
            self.input = input;
        }
        (self.forward, self.first) = (None, true);
        for _ in 0..count {
            let format = self.layer()?;
            (self.input, self.first) = (ChainInput::Vector(format), false);
        }
        match self.input {
            ChainInput::Frame => Ok(VectorFormat::default()),
            ChainInput::Vector(format) | ChainInput::AtLeast(format) => Ok(format),
        }
    }

    /// The next layer; what it gives.
    fn layer(&mut self) -> Result<VectorFormat, LoadError> {
        let number = self.model.layers.len();
        let (layer, l) = (number as u8, self.encoded.layer());
        self.encoded.check()?;
        let operations = self.model.operations;
        let LayerDescriptor { tag, variant, units, out_frac, direction, .. } = l;
        let known =
            WeightFormat::of_tag(tag).and_then(|(format, tag)| Some((format, tag, operations.layer(tag, variant)?)));
        let (format, tag, spec) = known.ok_or(match tag {
            scaling::TAG => LoadError::OperationMissing { operation: Operation::Scaling },
            _ => LoadError::UnknownLayer { layer, tag, variant },
        })?;
        let (l, packing) = (LayerDescriptor { tag, ..l }, Packing { format, layout: self.model.frame.layout });
        layer::check_widths(layer, &l, spec)?;
        let output = match (direction, operations.backward) {
            (Direction::Forward, _) => {
                self.check_input(layer, &l, spec)?;
                self.forward = Some(number);
                VectorFormat { width: units, frac: out_frac }
            }
            (Direction::Backward, None) => {
                return Err(LoadError::OperationMissing { operation: Operation::Backward });
            }
            (Direction::Backward, Some(backward)) => {
                let forward = self.forward.take().and_then(|k| self.model.layers.get(k));
                (backward.pair)(forward, layer, &l, spec)?
            }
        };
        let carried_words = layer::check(layer, &l, spec)?;
        self.model.run = self.model.run.or(spec.run);
        let mut view = LayerView::new(spec, &l, carried_words, packing);
        self.required += take(&mut view, &mut self.weights);
        // The reader has checked their number.
        let _ = self.model.layers.push(view);
        Ok(output)
    }

    /// Checks that a layer reads what it is given.
    fn check_input(&self, layer: u8, l: &LayerDescriptor, spec: &DeviceSpec) -> Result<(), LoadError> {
        let &LayerDescriptor { inputs, in_frac, .. } = l;
        // Only a first layer reads symbols, one a frame.
        let symbols = spec.widths == WidthRule::Symbol;
        let mut given = match self.input {
            ChainInput::Frame if symbols => VectorFormat { width: 1, frac: 0 },
            ChainInput::Frame => VectorFormat { width: inputs, frac: in_frac },
            ChainInput::Vector(format) | ChainInput::AtLeast(format) => format,
        };
        if let ChainInput::AtLeast(_) = self.input {
            given.width = given.width.max(inputs);
        }
        let fits = given == VectorFormat { width: inputs, frac: in_frac } && in_frac <= 15;
        if !fits || (symbols && !(self.first && given == VectorFormat { width: 1, frac: 0 })) {
            let VectorFormat { width, frac } = given;
            return Err(LoadError::ShapeMismatch { layer, inputs, given: width, frac: in_frac, given_frac: frac });
        }
        Ok(())
    }

    /// Checks what the descriptor says of the whole model, and its words.
    fn check(&mut self, outputs: u16, streams: bool) -> Result<(), LoadError> {
        let Model { frame, descriptor, layers, operations, .. } = &*self.model;
        let Some(first) = layers.first().filter(|_| outputs > 0) else { return Err(LoadError::NoLayers) };
        let backward = layers.iter().any(|l| l.direction == Direction::Backward);
        let limited = match descriptor.structure {
            Structure::Sequence => backward,
            Structure::Seq2seq { .. } => true,
            Structure::Tree { .. } | Structure::Graph { .. } => false,
        };
        if limited != (descriptor.max_steps > 0) || (backward && !limited) {
            return Err(LoadError::MaxSteps { max_steps: descriptor.max_steps, backward });
        }
        let symbols = first.spec.widths == WidthRule::Symbol;
        let feedback = descriptor.feedback;
        let missing = LoadError::OperationMissing { operation: Operation::Feedback };
        let feedback_step = if feedback == 0 { None } else { Some(operations.feedback.ok_or(missing)?) };
        let plain = descriptor.audio.is_none() && !symbols && streams;
        if descriptor.increments && feedback == 0
            || feedback > 0 && (feedback != outputs || feedback > first.inputs || !plain)
        {
            return Err(LoadError::Feedback { feedback, inputs: first.inputs, outputs });
        }
        if let Some(text) = &descriptor.text {
            let Some(count) = operations.text else {
                return Err(LoadError::OperationMissing { operation: Operation::Text });
            };
            let rows = match first.spec.params {
                _ if !symbols => 0,
                0 => first.units,
                _ => first.params[0],
            };
            let symbols = count(text)?;
            if symbols != rows as usize {
                return Err(LoadError::TextSymbols { symbols, layer: rows as usize });
            }
        }
        if let Some(config) = &descriptor.detect {
            config.check(outputs as usize)?;
        }
        if self.required != self.provided {
            return Err(LoadError::WeightsLength { required: self.required, provided: self.provided });
        }
        let required = match (descriptor.structure, operations.backward) {
            _ if streams => chain_words(layers),
            (Structure::Sequence, Some(backward)) => (backward.words)(layers, descriptor.max_steps.into()),
            // What the structure has set.
            _ => self.model.memory_words,
        };
        if frame.memory_words as usize != required {
            return Err(LoadError::MemoryWords { part: MemoryPart::Layers, declared: frame.memory_words, required });
        }
        let labels = count_labels(descriptor.labels);
        if labels != 0 && labels != outputs as usize {
            return Err(LoadError::Labels { labels, outputs });
        }
        (self.model.memory_words, self.model.outputs) = (required, outputs);
        self.model.feedback_step = feedback_step;
        Ok(())
    }

    /// Validates the weights of all layers, and finds where the head begins.
    fn validate(&mut self) -> Result<(), LoadError> {
        let Model { layers, descriptor, body, body_words, inputs, run, .. } = &mut *self.model;
        *inputs = layers.first().map_or(0, |l| l.inputs);
        let mut words = 0usize;
        for (number, view) in (0u8..).zip(layers.iter()) {
            validate::layer(number, view)?;
            words = words.wrapping_add(view.memory_words());
            // The next step reads the output of a model that is fed back, so that the head belongs to the step.
            if view.spec.stateful() || descriptor.feedback > 0 {
                (*body, *body_words) = (usize::from(number).wrapping_add(1), words);
                run.get_or_insert(chain::step);
            }
        }
        Ok(())
    }
}

/// Checks the parameters of front end and detector, and the words of memory that the frame declares for them.
fn check_parts(
    frame: &Frame,
    descriptor: &Descriptor<'_>,
    streams: bool,
    operations: &audio::Operations,
) -> Result<(), LoadError> {
    if let Some(config) = &descriptor.audio {
        config.check_with(operations)?;
    }
    let required = descriptor.audio.as_ref().map_or(0, audio::Config::memory_words);
    if frame.audio_words as usize != required {
        return Err(LoadError::MemoryWords { part: MemoryPart::FrontEnd, declared: frame.audio_words, required });
    }
    let required = descriptor.detect.as_ref().map_or(0, detect::Config::memory_words);
    if frame.detect_words as usize != required || (descriptor.detect.is_some() && !streams) {
        return Err(LoadError::MemoryWords { part: MemoryPart::Detector, declared: frame.detect_words, required });
    }
    Ok(())
}

/// Lines. `str::lines` would do, but the compiler cannot see that it does not panic.
fn count_labels(labels: &str) -> usize {
    labels.bytes().filter(|b| *b == b'\n').count() + !labels.is_empty() as usize
}

/// Words of parameters and of weights of a stage.
fn stage_words(view: &LayerView<'_>, stage: DeviceStage) -> (usize, usize) {
    match view.geometry(stage) {
        Some(Geometry { count, params, weights, .. }) => (count * params, count * weights),
        None => (view.units(), 0),
    }
}

/// Gives the layer its words from the front of `weights`; the number of words that it requires.
fn take<'b>(view: &mut LayerView<'b>, weights: &mut &'b [u32]) -> usize {
    let mut required = 0;
    for (n, stage) in view.spec.stages().iter().enumerate() {
        let (params, products) = stage_words(view, *stage);
        required += params + products;
        let (p, rest) = weights.split_at_checked(params).unwrap_or_default();
        let (w, rest) = rest.split_at_checked(products).unwrap_or_default();
        *weights = rest;
        if let Some(s) = view.stages.get_mut(n) {
            *s = StageView { params: p, weights: w };
        }
    }
    let words = view.units() * view.spec.peephole as usize;
    let (diagonal, rest) = weights.split_at_checked(words).unwrap_or_default();
    (view.diagonal, *weights) = (diagonal, rest);
    required + words
}
