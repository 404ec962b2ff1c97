//! Samples of a corpus: in memory, and on the disk where they would fill it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::cache;

/// The samples of a recording.
#[derive(Clone, Debug)]
pub struct Samples(Place);

#[derive(Clone, Debug)]
enum Place {
    Memory(Vec<i16>),
    Disk { shelf: Arc<Shelf>, at: u64, length: usize },
}

impl From<Vec<i16>> for Samples {
    fn from(samples: Vec<i16>) -> Self {
        Samples(Place::Memory(samples))
    }
}

impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        self.read() == other.read()
    }
}

impl Eq for Samples {}

impl Samples {
    /// How many they are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Place::Memory(samples) => samples.len(),
            Place::Disk { length, .. } => *length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples. Those on the disk are read each time; what was read lately, the system has in memory.
    ///
    /// # Panics
    /// Where the disk fails: the file is this program's own, without a name that anything else could change it by.
    pub fn read(&self) -> Cow<'_, [i16]> {
        match &self.0 {
            Place::Memory(samples) => Cow::Borrowed(samples),
            Place::Disk { shelf, at, length } => {
                let read = shelf.read(*at, *length);
                Cow::Owned(read.expect("the disk with the temporary files gives back what was written to it"))
            }
        }
    }
}

/// Where samples are kept: the first in memory, the others in a temporary file.
#[derive(Debug)]
pub(crate) struct Shelf {
    state: Mutex<State>,
    /// Made when it is needed.
    file: OnceLock<File>,
}

#[derive(Debug)]
struct State {
    /// Samples that memory still takes.
    free: usize,
    /// Bytes in the file.
    end: u64,
}

impl Shelf {
    /// With so many bytes of memory.
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        let state = State { free: bytes / size_of::<i16>(), end: 0 };
        Arc::new(Shelf { state: Mutex::new(state), file: OnceLock::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps samples.
    ///
    /// # Errors
    /// Where there is no room for the temporary file.
    pub(crate) fn keep(self: &Arc<Self>, samples: Vec<i16>) -> std::io::Result<Samples> {
        let mut state = self.state();
        if samples.len() <= state.free {
            state.free -= samples.len();
            return Ok(samples.into());
        }
        let mut file = match self.file.get() {
            Some(file) => file,
            None => {
                let made = cache::temporary()?;
                self.file.get_or_init(|| made)
            }
        };
        let (at, length) = (state.end, samples.len());
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&bytes)?;
        state.end += bytes.len() as u64;
        Ok(Samples(Place::Disk { shelf: Arc::clone(self), at, length }))
    }

    /// Takes samples off; their memory is free for others.
    pub(crate) fn take(&self, samples: Samples) -> Vec<i16> {
        match samples.0 {
            Place::Memory(samples) => {
                self.state().free += samples.len();
                samples
            }
            Place::Disk { .. } => samples.read().into_owned(),
        }
    }

    /// Whether some are on the disk.
    #[cfg(test)]
    fn is_on_disk(&self) -> bool {
        self.state().end > 0
    }

    fn read(&self, at: u64, length: usize) -> std::io::Result<Vec<i16>> {
        let mut bytes = vec![0; length * size_of::<i16>()];
        let file = self.file.get().ok_or(std::io::ErrorKind::NotFound)?;
        #[cfg(unix)]
        std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, at)?;
        #[cfg(not(unix))]
        {
            // One at a time: the place in the file is shared.
            let _state = self.state();
            let mut file = file;
            file.seek(SeekFrom::Start(at))?;
            std::io::Read::read_exact(&mut file, &mut bytes)?;
        }
        Ok(bytes.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_memory_does_not_take_is_on_the_disk_and_the_same() {
        let shelf = Shelf::new(2 * 150);
        let of = |k: i16| (0..100).map(|i| i * k - 77).collect::<Vec<i16>>();
        let kept: Vec<Samples> = (0..20).map(|k| shelf.keep(of(k)).unwrap()).collect();
        let in_memory = kept.iter().filter(|s| matches!(s.0, Place::Memory(_))).count();
        assert_eq!((in_memory, shelf.is_on_disk()), (1, true));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    kept.iter().zip(0..).for_each(|(s, k)| assert_eq!((s.len(), &*s.read()), (100, &of(k)[..])))
                });
            }
        });
        assert_eq!(kept[3], of(3).into());
        let first = kept.into_iter().next().unwrap();
        assert_eq!(shelf.take(first), of(0));
        assert!(matches!(shelf.keep(of(1)).unwrap().0, Place::Memory(_)));
    }
}
