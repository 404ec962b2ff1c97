//! What a kind of layer is to a recipe, the trainer and the quantizer.

use std::ops::Range;

use anyhow::Result;
use elman::kernel::WeightFormat;
use elman_integer::IntegerLayer;
use elman_integer::ptq::RangeStats;

use super::run::{Layer, Run};
use crate::Float;
use crate::parameters::{Tensor, TensorSpec};

/// What a layer reads of a sequence for one of its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// A symbol's index: it stands where frames are read.
    Symbol,
    /// The step itself: it takes single vectors, nodes and edges as well.
    Step,
    /// Other steps too: it needs a sequence.
    Steps,
    /// All steps, of which it makes one vector.
    Sequence,
}

/// A kind of layer. Its fields are what a recipe says of it; the methods are all that training and rounding ask of it.
///
/// An implementation stands in a file of its own next to the layer that it builds, and is named by one line of the table
/// in `layer/mod.rs`.
pub trait LayerKind: Clone {
    /// What it reads.
    fn reads(&self) -> Reads;

    /// Width of its output, over frames of this width.
    fn width(&self, inputs: usize) -> usize {
        inputs
    }

    /// What is wrong with it at its place: a sentence that goes on after "layer 3: ".
    fn check(&self, _place: Place) -> Result<(), String> {
        Ok(())
    }

    /// Its parameters, over frames of this width.
    fn tensors(&self, _inputs: usize) -> Vec<TensorSpec> {
        Vec::new()
    }

    /// What runs it. [`LayerKind::check`] has found nothing wrong.
    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F>;

    /// The device's layers that it becomes, by the names of their variants in the tables of `elman`.
    fn device(&self) -> Vec<&str>;

    /// Those layers, rounded.
    ///
    /// # Errors
    /// Where a parameter is no number.
    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>>;

    /// Layers of this kind for tests, over any width but that of symbols, which is 1.
    fn samples() -> Vec<Self>;

    /// Of how many steps it reads it gives one: those after it have a slower clock.
    fn stride(&self) -> usize {
        1
    }

    /// Whether training drops something in it.
    fn drops(&self) -> bool {
        false
    }

    /// Takes the number of symbols, where a recipe leaves it to the data.
    fn set_symbols(&mut self, _symbols: usize) {}
}

/// Where a layer stands in a network.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Width of what it reads.
    pub inputs: usize,
    /// Whether it reads frames, not another layer's output.
    pub first: bool,
    /// Whether it is the only layer.
    pub alone: bool,
}

/// A layer of a recipe in its network, as it is built.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Its number, from 0.
    pub number: usize,
    /// Width of what it reads.
    pub inputs: usize,
    /// Its own tensors.
    pub tensors: &'a [Tensor],
}

impl Site<'_> {
    /// Where the tensor with this name lies among the parameters; empty where the layer has none.
    pub fn tensor(&self, name: &str) -> Range<usize> {
        let own = |t: &&Tensor| t.name.splitn(3, '.').nth(2) == Some(name);
        self.tensors.iter().find(own).map_or(0..0, |t| t.range.clone())
    }

    /// The stream of random numbers of one purpose in this layer.
    pub fn stream(&self, purpose: u64) -> u64 {
        self.number as u64 | (purpose << 32)
    }
}

/// The layers that run one of a recipe, one after the other.
pub struct Built<F> {
    /// The layers.
    pub layers: Vec<Box<dyn Layer<F>>>,
    /// Which of them has the output that the recipe's layer is known by: dropout may stand around it.
    pub output: usize,
}

impl<F: Float> Built<F> {
    /// One layer.
    pub fn one(layer: impl Run<F>) -> Self {
        Built { layers: vec![Box::new(layer)], output: 0 }
    }
}

/// A layer of a trained network that is to be rounded.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "it has a function")]
pub struct Rounding<'a> {
    /// Width of what it reads.
    pub inputs: usize,
    /// Width of its output.
    pub units: usize,
    /// Fraction bits of what it reads.
    pub in_frac: u8,
    /// What calibration saw of it.
    pub ranges: &'a RangeStats,
    /// Offset and deviation of each output, where it is the last layer and the outputs are values of a series; else empty.
    pub target: &'a [(f64, f64)],
    /// The format that its weights get.
    pub weights: WeightFormat,
    /// The parameters of its tensors by name; empty where there is no such tensor.
    pub tensors: &'a dyn Fn(&str) -> &'a [f32],
}

impl<'a> Rounding<'a> {
    /// The parameters of one tensor.
    pub fn tensor(&self, name: &str) -> &'a [f32] {
        (self.tensors)(name)
    }

    /// A layer without parameters, whose output has the format of its input.
    pub fn plain(&self, variant: &str) -> IntegerLayer {
        IntegerLayer {
            variant: variant.to_owned(),
            inputs: self.inputs,
            units: self.units,
            in_frac: self.in_frac,
            out_frac: self.in_frac,
            ..IntegerLayer::default()
        }
    }
}
