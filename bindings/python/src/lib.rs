//! elman for Python. Each file has a class; python/elman/_elman.pyi has their types and docstrings for editors.
#![forbid(unsafe_code)]

mod convert;
mod listener;
mod model;
mod stream;

use pyo3::prelude::*;

pyo3::create_exception!(
    _elman,
    ElmanError,
    pyo3::exceptions::PyValueError,
    "Why a model does not load or run, with the numbers and the way out."
);

/// An error of the core or of the tools as Python's.
fn error(e: impl std::fmt::Display) -> PyErr {
    ElmanError::new_err(format!("{e:#}"))
}

#[pymodule]
fn _elman(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("ElmanError", module.py().get_type::<ElmanError>())?;
    module.add_class::<model::Model>()?;
    module.add_class::<stream::Stream>()?;
    module.add_class::<listener::Listener>()?;
    module.add_class::<listener::Event>()?;
    module.add_function(wrap_pyfunction!(convert::convert, module)?)?;
    module.add_function(wrap_pyfunction!(model::load, module)?)
}
