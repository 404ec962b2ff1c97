//! The reader of the postcard crate, by the derived implementations.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::blob::LoadError;
use crate::descriptor::{Descriptor, LayerDescriptor, MAX_LAYERS};
use crate::record::are_lines;

/// As `written::Encoded`; the offset of an error is where the record begins that is wrong.
#[derive(Clone)]
pub(in crate::blob) struct Encoded<'b> {
    rest: &'b [u8],
    valid: bool,
    length: usize,
}

impl<'b> Encoded<'b> {
    pub(in crate::blob) fn new(words: &'b [u32], length: usize) -> Self {
        let (rest, padding) = crate::kernel::word::bytes(words).split_at_checked(length).unwrap_or((&[], &[1]));
        match padding.iter().all(|b| *b == 0) {
            true => Encoded { rest, valid: true, length },
            false => Encoded { rest: &[], valid: false, length },
        }
    }

    /// A record, or the default after a mistake.
    fn record<T: Deserialize<'b> + Serialize + Default>(&mut self) -> T {
        if let (true, Ok((record, rest))) = (self.valid, postcard::take_from_bytes::<T>(self.rest)) {
            let used = self.rest.len().saturating_sub(rest.len());
            let same = Same { bytes: self.rest.get(..used).unwrap_or_default(), equal: true };
            if postcard::serialize_with_flavor(&record, same) == Ok(true) {
                self.rest = rest;
                return record;
            }
        }
        self.valid = false;
        T::default()
    }

    pub(in crate::blob) fn descriptor(&mut self) -> Descriptor<'b> {
        let start = self.rest;
        let descriptor = self.record::<Descriptor<'b>>();
        if !are_lines(descriptor.labels) {
            (self.rest, self.valid) = (start, false);
        }
        descriptor
    }

    pub(in crate::blob) fn layers(&mut self) -> usize {
        let layers = self.record::<u32>() as usize;
        self.valid &= layers <= MAX_LAYERS;
        layers
    }

    pub(in crate::blob) fn layer(&mut self) -> LayerDescriptor {
        self.record()
    }

    pub(in crate::blob) fn check(&self) -> Result<(), LoadError> {
        if self.valid { Ok(()) } else { Err(self.stopped()) }
    }

    pub(in crate::blob) fn end(&self) -> Result<(), LoadError> {
        if self.valid && self.rest.is_empty() { Ok(()) } else { Err(self.stopped()) }
    }

    fn stopped(&self) -> LoadError {
        LoadError::Descriptor { offset: self.length.saturating_sub(self.rest.len()) }
    }
}

/// Writes nothing, but compares with the bytes that there are.
struct Same<'b> {
    bytes: &'b [u8],
    equal: bool,
}

impl Flavor for Same<'_> {
    type Output = bool;

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.equal &= self.bytes.first() == Some(&data);
        self.bytes = self.bytes.get(1..).unwrap_or_default();
        Ok(())
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.equal && self.bytes.is_empty())
    }
}
