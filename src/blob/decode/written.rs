//! The reader that is written out: each number must have its shortest form, so that nothing has to be written again.

use crate::blob::LoadError;
use crate::descriptor::{Descriptor, LayerDescriptor, MAX_LAYERS};
use crate::record::{Bytes, Read};

/// Words that should be the records of a descriptor of `length` bytes and zeros after it.
///
/// What is read is valid only where [`Encoded::check`] says so afterwards: so that records need not be moved.
#[derive(Clone)]
pub(in crate::blob) struct Encoded<'b> {
    bytes: Bytes<'b>,
    length: usize,
}

impl<'b> Encoded<'b> {
    pub(in crate::blob) fn new(words: &'b [u32], length: usize) -> Self {
        let (records, padding) = crate::kernel::word::bytes(words).split_at_checked(length).unwrap_or((&[], &[1]));
        let mut bytes = Bytes::new(records);
        if padding.iter().any(|b| *b != 0) {
            bytes = Bytes::new(&[]);
            bytes.stop();
        }
        Encoded { bytes, length }
    }

    /// The first record.
    pub(in crate::blob) fn descriptor(&mut self) -> Descriptor<'b> {
        Descriptor::read(&mut self.bytes)
    }

    /// The number of layers, at most [`MAX_LAYERS`].
    pub(in crate::blob) fn layers(&mut self) -> usize {
        let layers = self.bytes.number(32) as usize;
        if layers > MAX_LAYERS {
            self.bytes.stop();
        }
        layers
    }

    /// The next layer.
    pub(in crate::blob) fn layer(&mut self) -> LayerDescriptor {
        LayerDescriptor::read(&mut self.bytes)
    }

    /// Checks that there was no mistake so far.
    pub(in crate::blob) fn check(&self) -> Result<(), LoadError> {
        if self.bytes.is_valid() { Ok(()) } else { Err(self.stopped()) }
    }

    /// Checks that there was no mistake, and that nothing is left.
    pub(in crate::blob) fn end(&self) -> Result<(), LoadError> {
        if self.bytes.is_valid() && self.bytes.left() == 0 { Ok(()) } else { Err(self.stopped()) }
    }

    fn stopped(&self) -> LoadError {
        LoadError::Descriptor { offset: self.length.saturating_sub(self.bytes.left()) }
    }
}
