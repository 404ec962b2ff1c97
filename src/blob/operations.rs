//! The operations that a loader knows: what is not named is not linked.

use super::load::Loader;
use super::{LoadError, Model, backward, scaling, structures, symbols};
use crate::audio;
use crate::cell::{DeviceSpec, LayerOperation, LayerView};
use crate::descriptor::{LayerDescriptor, VectorFormat};
use crate::layer;
use crate::text::Text;

/// What a loader knows: layers, stages of the front end and kinds of models. A firmware links what it names, and nothing
/// else; loading a blob that needs more is an error that names it. It is the counterpart of a `MicroMutableOpResolver` in
/// TensorFlow Lite Micro.
///
/// ```
/// use elman::operations::{DENSE, GRU, Operations};
/// use elman::{Blob, LoadError, Model};
///
/// /// A keyword spotter: a GRU and a dense layer over PCEN features.
/// static OPERATIONS: Operations = Operations::of(&[GRU, DENSE]).with_pcen();
///
/// fn load(blob: Blob<'_>) -> Result<Model<'_>, LoadError> {
///     Model::load_with(&OPERATIONS, blob)
/// }
/// # assert!(load(Blob::new(&[])).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Operations {
    pub(super) layers: &'static [LayerOperation],
    pub(crate) front_end: audio::Operations,
    pub(super) backward: Option<Backward>,
    pub(crate) feedback: Option<Feedback>,
    pub(super) text: Option<CountSymbols>,
    pub(super) structures: Option<LoadStructure>,
    pub(super) scaling: Option<Scaling>,
}

/// Layers that read backward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backward {
    /// What such a layer and the forward one before it give together.
    pub(super) pair: fn(Option<&LayerView<'_>>, u8, &LayerDescriptor, &DeviceSpec) -> Result<VectorFormat, LoadError>,
    /// Words of memory for sequences of so many steps.
    pub(super) words: fn(&[LayerView<'_>], usize) -> usize,
}

/// The step of a model that is fed back: reads the frame and, where it ends before the elements fed back, its own output.
pub(crate) type Feedback = fn(&Model<'_>, memory: &mut [u32], provided: usize);
/// Validates the symbols of a text and counts them.
pub(super) type CountSymbols = fn(&Text<'_>) -> Result<usize, LoadError>;
/// Loads the layers of a structure.
pub(super) type LoadStructure = fn(&mut Loader<'_, '_>) -> Result<VectorFormat, LoadError>;

/// The scaling of inputs and outputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    /// Loads what is before so many layers: how many of these are none.
    pub(super) load: fn(&mut Loader<'_, '_>, usize) -> Result<usize, LoadError>,
    /// Checks that it fits the layers, which give this output.
    pub(super) check: fn(&Loader<'_, '_>, VectorFormat) -> Result<(), LoadError>,
}

impl Operations {
    /// These layers, for models that are streams.
    pub const fn of(layers: &'static [LayerOperation]) -> Self {
        Operations {
            layers,
            front_end: audio::Operations::NONE,
            backward: None,
            feedback: None,
            text: None,
            structures: None,
            scaling: None,
        }
    }

    /// Every layer.
    pub(crate) const EVERY_LAYER: Operations = Operations::of(layer::OPERATIONS);

    /// And per-channel energy normalisation in the front end.
    pub const fn with_pcen(self) -> Self {
        Operations { front_end: self.front_end.with_pcen(), ..self }
    }

    /// And subtraction of steady noise in the front end.
    pub const fn with_spectral_subtraction(self) -> Self {
        Operations { front_end: self.front_end.with_spectral_subtraction(), ..self }
    }

    /// And the cosine transform in the front end.
    pub const fn with_cepstrum(self) -> Self {
        Operations { front_end: self.front_end.with_cepstrum(), ..self }
    }

    /// And layers that read a sequence from its end.
    pub const fn with_backward(self) -> Self {
        Operations { backward: Some(backward::OPERATION), ..self }
    }

    /// And the symbols of a text.
    pub const fn with_text(self) -> Self {
        Operations { text: Some(symbols::count), ..self }
    }

    /// And encoder-decoders, trees and graphs.
    pub const fn with_structures(self) -> Self {
        Operations { structures: Some(structures::load), ..self }
    }

    /// And the scaling of sensors' readings to frames, and of outputs to readings.
    pub const fn with_scaling(self) -> Self {
        Operations { scaling: Some(scaling::OPERATION), ..self }
    }

    /// The layers named.
    #[doc(hidden)]
    pub const fn layers(&self) -> &'static [LayerOperation] {
        self.layers
    }

    /// And these layers instead.
    #[doc(hidden)]
    pub const fn with_layers(self, layers: &'static [LayerOperation]) -> Self {
        Operations { layers, ..self }
    }

    /// The table of a layer.
    pub(super) fn layer(&self, tag: u8, variant: u8) -> Option<&'static DeviceSpec> {
        self.layers.iter().find(|l| (l.tag, l.variant) == (tag, variant)).map(|l| &l.spec)
    }
}
