//! Listeners and their events.

use std::sync::Arc;

use elman::{Blob, Listener as Running};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use self_cell::MutBorrow;

use crate::error;
use crate::model::{Model, Owned};

/// What a listener runs on: the model, and memory that it alone uses.
struct Ground {
    model: Arc<Owned>,
    memory: MutBorrow<Vec<u32>>,
}

/// One lifetime for both.
type Running2<'a> = Running<'a, 'a>;

self_cell::self_cell!(
    struct Held {
        owner: Ground,
        #[not_covariant]
        dependent: Running2,
    }
);

/// Front end, network and detector: samples in, events out. One thread at a time.
#[pyclass(module = "elman")]
pub struct Listener {
    held: Held,
    model: Arc<Owned>,
}

/// A detected word.
#[pyclass(frozen, get_all, module = "elman")]
pub struct Event {
    /// Number of the class.
    class_index: u16,
    /// Its label.
    label: Option<String>,
    /// Number of the frame.
    step: u32,
    /// Mean probability of the class.
    score: f32,
    /// From the start of the stream to the end of the event's frame.
    milliseconds: u64,
}

#[pymethods]
impl Event {
    fn __repr__(&self) -> String {
        let label = self.label.as_deref().unwrap_or("?");
        format!("<elman.Event {label:?} after {} ms, score {:.3}>", self.milliseconds, self.score)
    }
}

impl Listener {
    pub(crate) fn new(model: &Arc<Owned>) -> PyResult<Self> {
        let words = Blob::new(model.borrow_owner()).listener_words();
        let ground = Ground { model: Arc::clone(model), memory: MutBorrow::new(vec![0; words]) };
        let held = Held::try_new(ground, |ground| Running::new(ground.model.model(), ground.memory.borrow_mut()));
        Ok(Listener { held: held.map_err(error)?, model: Arc::clone(model) })
    }
}

#[pymethods]
impl Listener {
    /// The model.
    #[getter]
    fn model(&self) -> Model {
        Model { owned: Arc::clone(&self.model) }
    }

    /// Takes samples of 16 bits, however many; all events in them.
    fn push(&mut self, py: Python<'_>, samples: PyReadonlyArray1<'_, i16>) -> PyResult<Vec<Event>> {
        let samples =
            samples.as_slice().map_err(|_| error("the array is not contiguous: use numpy.ascontiguousarray"))?;
        Ok(py.detach(|| {
            self.held.with_dependent_mut(|_, listener| {
                let mut found = Vec::new();
                listener.push_each(samples, |result| found.extend(result.event));
                let event = |e: elman::detect::Event| Event {
                    class_index: e.class,
                    label: listener.label(&e).map(str::to_owned),
                    step: e.step,
                    score: e.score.to_num(),
                    milliseconds: listener.milliseconds(&e),
                };
                found.into_iter().map(event).collect()
            })
        }))
    }

    /// Everything as at the start of a stream of samples.
    fn reset(&mut self) {
        self.held.with_dependent_mut(|_, listener| listener.reset());
    }
}
