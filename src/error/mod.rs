//! Errors from loading and running in one, for functions that do both.

use crate::{LoadError, RunError};

/// An error from loading a model or from running it.
///
/// ```
/// # use elman::{Blob, Error, Model};
/// fn first(blob: Blob<'_>, memory: &mut [u32], frame: &[i16]) -> Result<i16, Error> {
///     let model = Model::load(blob)?;
///     let mut net = model.stream(memory)?;
///     Ok(net.step(frame).logits.first().copied().unwrap_or(0))
/// }
/// assert!(matches!(first(Blob::new(&[]), &mut [], &[]), Err(Error::Load(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// From [`Model::load`](crate::Model::load).
    Load(LoadError),
    /// From running.
    Run(RunError),
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Load(error) => write!(f, "loading the model: {error}"),
            Error::Run(error) => write!(f, "running the model: {error}"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Error::Load(error) => Some(error),
            Error::Run(error) => Some(error),
        }
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        Error::Load(error)
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        Error::Run(error)
    }
}

/// There is none.
impl From<core::convert::Infallible> for Error {
    fn from(error: core::convert::Infallible) -> Self {
        match error {}
    }
}

#[cfg(test)]
mod tests;
