//! Models.

use std::path::PathBuf;
use std::sync::Arc;

use elman::{Blob, Model as Loaded};
use elman_integer::model::ModelFile;
use elman_integer::{repack, words_of};
use numpy::{IxDyn, PyArray, PyArray2, PyArrayMethods, PyReadonlyArray2, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::error;
use crate::listener::Listener;
use crate::stream::Stream;

self_cell::self_cell!(
    /// The words of a blob, and the model that is read in them.
    pub struct Owned {
        owner: Vec<u32>,
        #[covariant]
        dependent: Loaded,
    }
);

impl Owned {
    fn load(words: Vec<u32>) -> PyResult<Arc<Self>> {
        Owned::try_new(words, |words| Loaded::load(Blob::new(words))).map(Arc::new).map_err(error)
    }

    /// The model.
    pub fn model(&self) -> &Loaded<'_> {
        self.borrow_dependent()
    }
}

/// A loaded model. It does not change: any number of threads may use it.
#[pyclass(frozen, module = "elman")]
pub struct Model {
    pub(crate) owned: Arc<Owned>,
}

/// Loads a model: the path of a blob or of a run folder, or a blob's bytes. Every byte is validated.
#[pyfunction]
pub fn load(source: &Bound<'_, PyAny>) -> PyResult<Model> {
    let words = if let Ok(bytes) = source.cast::<PyBytes>() {
        words_of(bytes.as_bytes()).map_err(error)?
    } else {
        ModelFile::read(&source.extract::<PathBuf>()?).map_err(error)?.words().to_vec()
    };
    Ok(Model { owned: Owned::load(words)? })
}

/// An array of int16 as rows of `width`.
pub fn rows<'a>(frames: &'a PyReadonlyArray2<'_, i16>, width: usize) -> PyResult<&'a [i16]> {
    let shape = frames.shape();
    if shape[1] != width {
        return Err(error(format!(
            "frames of {} elements, the model reads {width}: give an array [steps, {width}]",
            shape[1]
        )));
    }
    frames.as_slice().map_err(|_| error("the array is not contiguous: use numpy.ascontiguousarray"))
}

impl Model {
    pub(crate) fn model(&self) -> &Loaded<'_> {
        self.owned.model()
    }

    fn blob_words(&self) -> &[u32] {
        self.owned.borrow_owner()
    }

    /// A new array of an array's shape, made of its rows along the last axis.
    fn by_rows<'py, A: numpy::Element + Copy, B: numpy::Element + Copy + Default>(
        py: Python<'py>,
        values: &PyReadonlyArrayDyn<'py, A>,
        width: usize,
        map: impl Fn(&[A], &mut [B]),
    ) -> PyResult<Bound<'py, PyArray<B, IxDyn>>> {
        let shape = values.shape().to_vec();
        if shape.last() != Some(&width) {
            return Err(error(format!(
                "the last axis has {} elements, {width} are required",
                shape.last().unwrap_or(&0)
            )));
        }
        let values: Vec<A> = values.as_array().iter().copied().collect();
        let mut all = vec![B::default(); values.len()];
        let width = width.max(1);
        values.chunks(width).zip(all.chunks_mut(width)).for_each(|(from, to)| map(from, to));
        PyArray::from_vec(py, all).reshape(IxDyn(&shape))
    }
}

#[pymethods]
impl Model {
    /// Name of the model.
    #[getter]
    fn name(&self) -> &str {
        self.model().name()
    }

    /// Labels of the outputs; empty for a model that is no classifier.
    #[getter]
    fn labels(&self) -> Vec<&str> {
        self.model().descriptor().labels.lines().collect()
    }

    /// Elements of an input frame.
    #[getter]
    fn inputs(&self) -> usize {
        self.model().inputs()
    }

    /// Elements of a frame in closed loop: all but those fed back.
    #[getter]
    fn external_inputs(&self) -> usize {
        self.model().external_inputs()
    }

    /// Elements of the output.
    #[getter]
    fn outputs(&self) -> usize {
        self.model().outputs()
    }

    /// Fraction bits of a frame: an element x stands for x / 2**in_frac.
    #[getter]
    fn in_frac(&self) -> u8 {
        self.model().in_frac()
    }

    /// Fraction bits of the output.
    #[getter]
    fn out_frac(&self) -> u8 {
        self.model().out_frac()
    }

    /// Steps of the longest sequence of a model that reads backward; 0 for one that runs as a stream.
    #[getter]
    fn max_steps(&self) -> usize {
        self.model().max_steps()
    }

    /// Samples a second of the audio front end; None where the input is no sound.
    #[getter]
    fn sample_rate(&self) -> Option<u32> {
        self.model().audio().map(|audio| audio.sample_rate)
    }

    /// CRC-32C of the blob, which marks snapshots.
    #[getter]
    fn crc(&self) -> u32 {
        self.model().crc()
    }

    /// The blob.
    #[getter]
    fn blob<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes: Vec<u8> = self.blob_words().iter().flat_map(|w| w.to_le_bytes()).collect();
        PyBytes::new(py, &bytes)
    }

    /// Bytes of the blob: flash of a device.
    #[getter]
    fn blob_bytes(&self) -> usize {
        self.blob_words().len() * 4
    }

    /// Bytes of memory of a stream or sequence on a device.
    #[getter]
    fn memory_bytes(&self) -> usize {
        self.model().memory_words() * 4
    }

    /// Bytes of memory of a listener on a device: front end, network and detector.
    #[getter]
    fn listener_bytes(&self) -> usize {
        Blob::new(self.blob_words()).listener_words() * 4
    }

    /// The model with its weights packed for a core: m0, m3, m4, m7, m33, m55, rv32.
    fn for_core(&self, core: &str) -> PyResult<Model> {
        let bytes: Vec<u8> = self.blob_words().iter().flat_map(|w| w.to_le_bytes()).collect();
        let bytes = repack::for_core(&bytes, core).map_err(error)?;
        Ok(Model { owned: Owned::load(words_of(&bytes).map_err(error)?)? })
    }

    /// Bytes (exact), multiplications and estimated instructions of a step: of the model, its layers, by core.
    fn cost<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let cost = elman_verify::cost::of(self.model());
        let all = PyDict::new(py);
        all.set_item("blob_bytes", cost.blob_bytes)?;
        all.set_item("memory_bytes", cost.ram_bytes)?;
        all.set_item("audio_bytes", cost.audio_ram_bytes)?;
        all.set_item("macs", cost.macs)?;
        let instructions = PyDict::new(py);
        for estimate in &cost.estimates {
            instructions.set_item(estimate.core, estimate.instructions)?;
        }
        all.set_item("instructions", instructions)?;
        let layers = PyList::empty(py);
        for layer in &cost.layers {
            let one = PyDict::new(py);
            one.set_item("variant", layer.variant)?;
            one.set_item("inputs", layer.inputs)?;
            one.set_item("units", layer.units)?;
            one.set_item("flash_bytes", layer.flash_bytes)?;
            one.set_item("memory_bytes", layer.ram_bytes)?;
            one.set_item("macs", layer.macs)?;
            layers.append(one)?;
        }
        all.set_item("layers", layers)?;
        Ok(all)
    }

    /// Numbers as elements of frames, in the shape of the input; they saturate. Of a model with scaling the last axis is the
    /// channels, in the units that it was trained on.
    fn quantize<'py>(&self, py: Python<'py>, values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray<i16, IxDyn>>> {
        let array = py.import("numpy")?.call_method1("asarray", (values, "float32"))?;
        let values: PyReadonlyArrayDyn<'py, f32> = array.extract()?;
        let model = self.model();
        Model::by_rows(py, &values, model.inputs(), |from, to| {
            match model.input_scaling() {
                Some(scaling) => scaling.quantize_f32(from, to),
                None => elman::float::quantize(from, model.in_frac(), to),
            };
        })
    }

    /// Outputs as numbers: logits / 2**out_frac, or in the units that the model was trained on.
    fn dequantize<'py>(
        &self,
        py: Python<'py>,
        logits: PyReadonlyArrayDyn<'py, i16>,
    ) -> PyResult<Bound<'py, PyArray<f32, IxDyn>>> {
        let model = self.model();
        Model::by_rows(py, &logits, model.outputs(), |from, to: &mut [f32]| match model.output_scaling() {
            Some(scaling) => scaling.restore_f32(from, to),
            None => elman::float::dequantize(from, model.out_frac(), to),
        })
    }

    /// Probabilities over the last axis, as the device's integers give them (multiples of 2**-15).
    fn softmax<'py>(
        &self,
        py: Python<'py>,
        logits: PyReadonlyArrayDyn<'py, i16>,
    ) -> PyResult<Bound<'py, PyArray<f32, IxDyn>>> {
        let frac = self.model().out_frac();
        Model::by_rows(py, &logits, self.model().outputs(), |from, to: &mut [f32]| {
            let mut p = vec![0; from.len()];
            elman::arith::softmax(from, frac, &mut p);
            to.iter_mut().zip(p).for_each(|(to, p)| *to = f32::from(p) / 32768.0);
        })
    }

    /// A whole sequence [steps, inputs] from the start; logits of each step, [steps, outputs].
    fn run<'py>(&self, py: Python<'py>, frames: PyReadonlyArray2<'py, i16>) -> PyResult<Bound<'py, PyArray2<i16>>> {
        let model = self.model();
        if model.max_steps() == 0 {
            return Stream::new(&self.owned)?.steps(py, frames);
        }
        let frames = rows(&frames, model.inputs())?;
        let (steps, outputs) = (frames.len() / model.inputs().max(1), model.outputs());
        let run = || -> Result<Vec<i16>, elman::RunError> {
            let mut memory = vec![0; model.memory_words()];
            let mut net = model.sequence(&mut memory)?;
            Ok(net.run(frames)?.iter().flat_map(|y| y.logits.iter().copied()).collect())
        };
        let logits = py.detach(run).map_err(error)?;
        PyArray::from_vec(py, logits).reshape([steps, outputs])
    }

    /// A stream at its start.
    fn stream(&self) -> PyResult<Stream> {
        Stream::new(&self.owned)
    }

    /// A listener at the start of a stream of samples.
    fn listener(&self) -> PyResult<Listener> {
        Listener::new(&self.owned)
    }

    fn __repr__(&self) -> String {
        let model = self.model();
        format!(
            "<elman.Model {:?}: {} inputs, {} outputs, {} bytes>",
            model.name(),
            model.inputs(),
            model.outputs(),
            self.blob_bytes()
        )
    }
}
