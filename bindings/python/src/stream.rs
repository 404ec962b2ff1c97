//! Streams.

use std::sync::Arc;

use elman::Stream as Running;
use numpy::{PyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use self_cell::MutBorrow;

use crate::error;
use crate::model::{Model, Owned, rows};

/// What a stream runs on: the model, and memory that it alone uses.
pub struct Ground {
    model: Arc<Owned>,
    memory: MutBorrow<Vec<u32>>,
}

self_cell::self_cell!(
    struct Held {
        owner: Ground,
        #[not_covariant]
        dependent: Running2,
    }
);

/// One lifetime for both.
type Running2<'a> = Running<'a, 'a>;

/// A model that runs step by step; its states change only by its methods. One thread at a time.
#[pyclass(module = "elman")]
pub struct Stream {
    held: Held,
    model: Arc<Owned>,
}

impl Stream {
    pub(crate) fn new(model: &Arc<Owned>) -> PyResult<Self> {
        let memory = MutBorrow::new(vec![0; model.model().memory_words()]);
        let ground = Ground { model: Arc::clone(model), memory };
        let held =
            Held::try_new(ground, |ground| ground.model.model().stream(ground.memory.borrow_mut())).map_err(error)?;
        Ok(Stream { held, model: Arc::clone(model) })
    }

    fn with<R>(&mut self, work: impl FnOnce(&mut Running<'_, '_>) -> R) -> R {
        self.held.with_dependent_mut(|_, stream| work(stream))
    }
}

#[pymethods]
impl Stream {
    /// The model.
    #[getter]
    fn model(&self) -> Model {
        Model { owned: Arc::clone(&self.model) }
    }

    /// A step: takes [inputs], gives logits [outputs].
    fn step<'py>(&mut self, py: Python<'py>, frame: PyReadonlyArray1<'py, i16>) -> PyResult<Bound<'py, PyArray1<i16>>> {
        let frame = frame.as_slice().map_err(|_| error("the array is not contiguous: use numpy.ascontiguousarray"))?;
        self.with(|net| Ok(PyArray::from_slice(py, net.try_step(frame).map_err(error)?.logits)))
    }

    /// A step in closed loop: takes [external_inputs]; what is fed back is the model's own last output.
    fn step_closed<'py>(
        &mut self,
        py: Python<'py>,
        frame: PyReadonlyArray1<'py, i16>,
    ) -> PyResult<Bound<'py, PyArray1<i16>>> {
        let frame = frame.as_slice().map_err(|_| error("the array is not contiguous: use numpy.ascontiguousarray"))?;
        let required = self.model.model().external_inputs();
        if frame.len() != required {
            return Err(error(format!("a frame of {} elements, {required} are required in closed loop", frame.len())));
        }
        Ok(self.with(|net| PyArray::from_slice(py, net.step_closed(frame).logits)))
    }

    /// Steps: takes [steps, inputs], gives logits [steps, outputs]. Other threads run meanwhile.
    pub fn steps<'py>(
        &mut self,
        py: Python<'py>,
        frames: PyReadonlyArray2<'py, i16>,
    ) -> PyResult<Bound<'py, PyArray2<i16>>> {
        let (inputs, outputs) = (self.model.model().inputs(), self.model.model().outputs());
        let frames = rows(&frames, inputs)?;
        let steps = frames.len() / inputs.max(1);
        let mut logits = Vec::with_capacity(steps * outputs);
        py.detach(|| {
            self.with(|net| {
                frames.chunks_exact(inputs.max(1)).for_each(|frame| logits.extend_from_slice(net.step(frame).logits));
            });
        });
        PyArray::from_vec(py, logits).reshape([steps, outputs])
    }

    /// States as at the start.
    fn reset(&mut self) {
        self.with(|net| net.reset());
    }

    /// The states, as a device's snapshot has them.
    fn snapshot<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let words = self.with(|net| {
            let mut words = vec![0; net.snapshot_words()];
            net.snapshot(&mut words).map(|()| words)
        });
        let bytes: Vec<u8> = words.map_err(error)?.iter().flat_map(|w| w.to_le_bytes()).collect();
        Ok(PyBytes::new(py, &bytes))
    }

    /// Takes the states of a snapshot of the same model.
    fn restore(&mut self, snapshot: &[u8]) -> PyResult<()> {
        let words: Vec<u32> = snapshot.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
        self.with(|net| net.restore(&words)).map_err(error)
    }

    /// Hidden state of a layer (its output, where it is not recurrent).
    fn hidden_state<'py>(&mut self, py: Python<'py>, layer: usize) -> Bound<'py, PyArray1<i16>> {
        self.with(|net| PyArray::from_slice(py, net.hidden_state(layer)))
    }

    /// Carried state of a layer: c of an LSTM, the 32-bit h of a GRU; empty where it has none.
    fn carried_state<'py>(&mut self, py: Python<'py>, layer: usize) -> Bound<'py, PyArray1<i32>> {
        self.with(|net| PyArray::from_slice(py, net.carried_state(layer)))
    }
}
