//! Where samples come from: a microphone, a file, a line. Async, so that the processor sleeps or does other work while a
//! block fills.
//!
//! ```
//! use elman::{Blob, Error, OwnedListener};
//!
//! static BLOB: Blob<'static> = elman::include_blob!("../boards/listens.elman");
//!
//! # async fn light(_: Option<&str>) {}
//! async fn listen(mut microphone: impl elman::SampleSource) -> Result<(), Error> {
//!     let mut listener = OwnedListener::<{ BLOB.listener_words() }>::load(BLOB)?;
//!     while let Ok(Some(event)) = listener.next_event(&mut microphone).await {
//!         light(listener.label(&event)).await;
//!     }
//!     Ok(()) // the microphone ended or failed
//! }
//! # let mut run = core::pin::pin!(listen(&[0i16; 16_000][..]));
//! # let mut context = core::task::Context::from_waker(core::task::Waker::noop());
//! # assert!(matches!(run.as_mut().poll(&mut context), core::task::Poll::Ready(Ok(()))));
//! ```

use crate::detect::Event;
use crate::{Listener, OwnedListener};

/// Most samples that a listener asks a [`SampleSource`] for at a time: 10 ms at 16 kHz.
pub const MAX_BLOCK: usize = 160;

/// A source of 16-bit samples, one channel, at the model's rate.
///
/// A driver with a buffer of its own, as of a DMA, copies from it and remembers how far it came. A slice is a source that
/// ends; `PcmReader` (feature `embedded-io-async`) makes one of bytes.
///
/// ```
/// use elman::SampleSource;
///
/// /// A tone of 1 kHz at 16 kHz.
/// struct Tone(u8);
///
/// impl SampleSource for Tone {
///     type Error = core::convert::Infallible;
///
///     async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, Self::Error> {
///         for x in block.iter_mut() {
///             *x = [0, 383, 707, 924, 1000, 924, 707, 383][usize::from(self.0 % 8)];
///             *x = if self.0 < 8 { *x } else { -*x };
///             self.0 = (self.0 + 1) % 16;
///         }
///         Ok(block.len())
///     }
/// }
/// ```
#[allow(async_fn_in_trait)] // Executors of firmware run tasks on one core: a future need not be Send.
pub trait SampleSource {
    /// Why there are no more samples.
    type Error;

    /// Waits for samples and puts them at the front of `block`, which is not empty; how many there are. 0 is the end of the
    /// source.
    ///
    /// Dropping the future before it is ready loses no samples, if the source is to be used with timeouts.
    ///
    /// # Errors
    /// The source's.
    async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, Self::Error>;
}

impl<S: SampleSource + ?Sized> SampleSource for &mut S {
    type Error = S::Error;

    async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, Self::Error> {
        (**self).next_block(block).await
    }
}

/// The samples of a slice, which afterwards begins with those that are left.
impl SampleSource for &[i16] {
    type Error = core::convert::Infallible;

    async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, Self::Error> {
        let n = block.len().min(self.len());
        let (now, later) = self.split_at_checked(n).unwrap_or_default();
        block.iter_mut().zip(now).for_each(|(to, x)| *to = *x);
        *self = later;
        Ok(n)
    }
}

impl Listener<'_, '_> {
    /// Takes samples of `source` until there is an event, and returns it; `None` where the source ends.
    ///
    /// Blocks are of at most [`MAX_BLOCK`] samples and a hop, so that each completes at most one frame and no event is lost.
    /// Where the future is dropped, samples are lost only if the source loses them.
    ///
    /// # Errors
    /// The source's. The listener may go on afterwards, as after a gap.
    pub async fn next_event<S: SampleSource>(&mut self, source: &mut S) -> Result<Option<Event>, S::Error> {
        next_event(source, self.audio().hop, |block| self.push(block)).await
    }
}

impl<const WORDS: usize> OwnedListener<'_, WORDS> {
    /// [`Listener::next_event`].
    ///
    /// # Errors
    /// The source's. The listener may go on afterwards, as after a gap.
    pub async fn next_event<S: SampleSource>(&mut self, source: &mut S) -> Result<Option<Event>, S::Error> {
        next_event(source, self.audio().hop, |block| self.push(block)).await
    }
}

async fn next_event<S: SampleSource>(
    source: &mut S,
    hop: u16,
    mut push: impl FnMut(&[i16]) -> Option<Event>,
) -> Result<Option<Event>, S::Error> {
    let mut block = [0; MAX_BLOCK];
    let block = block.get_mut(..usize::from(hop).min(MAX_BLOCK)).unwrap_or_default();
    loop {
        let n = source.next_block(block).await?;
        let samples = block.get(..n).unwrap_or(block);
        if samples.is_empty() {
            return Ok(None);
        }
        if let Some(event) = push(samples) {
            return Ok(Some(event));
        }
    }
}

/// Samples of a stream of bytes: 16-bit little-endian PCM, as of a serial line, a file, or a pipe that an interrupt fills.
///
/// ```
/// # use elman::{PcmReader, SampleSource};
/// # let run = async {
/// let mut bytes: &[u8] = &[0x34, 0x12, 0xFF, 0xFF, 0x00];
/// let (mut source, mut block) = (PcmReader::new(&mut bytes), [0; 8]);
/// assert_eq!(source.next_block(&mut block).await, Ok(2));
/// assert_eq!(block[..2], [0x1234, -1]);
/// assert_eq!(source.next_block(&mut block).await, Ok(0)); // half a sample is none
/// # };
/// # let mut context = core::task::Context::from_waker(core::task::Waker::noop());
/// # assert!(core::pin::pin!(run).poll(&mut context).is_ready());
/// ```
#[cfg(feature = "embedded-io-async")]
#[derive(Clone, Debug)]
pub struct PcmReader<R> {
    reader: R,
    /// The first byte of a sample whose second has not come.
    half: Option<u8>,
}

#[cfg(feature = "embedded-io-async")]
impl<R> PcmReader<R> {
    /// A source over `reader`, which is at the start of a sample.
    pub const fn new(reader: R) -> Self {
        PcmReader { reader, half: None }
    }
}

#[cfg(feature = "embedded-io-async")]
impl<R: embedded_io_async::Read> SampleSource for PcmReader<R> {
    type Error = R::Error;

    async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, R::Error> {
        let mut bytes = [0; 2 * MAX_BLOCK];
        loop {
            let wanted = block.len().saturating_mul(2).saturating_sub(self.half.is_some().into());
            let bytes = bytes.get_mut(..wanted.min(2 * MAX_BLOCK)).unwrap_or_default();
            let n = self.reader.read(bytes).await?;
            let read = bytes.get(..n).unwrap_or_default();
            let mut samples = block.iter_mut();
            let mut whole = 0usize;
            for byte in read {
                match self.half.take() {
                    None => self.half = Some(*byte),
                    Some(low) => {
                        if let Some(to) = samples.next() {
                            *to = i16::from_le_bytes([low, *byte]);
                        }
                        whole = whole.wrapping_add(1);
                    }
                }
            }
            if whole > 0 || read.is_empty() {
                return Ok(whole);
            }
        }
    }
}
