//! Models and states in objects of their own, by value and in place, an async source, and numbers as f32.

use core::convert::Infallible;
use core::hint::black_box;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use elman::{Blob, Error, Listener, OwnedListener, OwnedStream, PcmReader, SampleSource, Storage, float};
use static_cell::{ConstStaticCell, StaticCell};

use super::BLOB;

type Ear = OwnedListener<'static, { BLOB.listener_words() }>;
type Net = OwnedStream<'static, { BLOB.memory_words() }>;
static EAR: StaticCell<Ear> = StaticCell::new();
static STORAGE: ConstStaticCell<Storage<'static, { BLOB.listener_words() }>> = ConstStaticCell::new(Storage::new());

/// A microphone that the compiler cannot know.
struct Microphone;

impl SampleSource for Microphone {
    type Error = Infallible;

    async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, Infallible> {
        block.fill(black_box(0));
        Ok(black_box(block.len()))
    }
}

#[inline(never)]
fn stored() -> Result<Listener<'static, 'static>, Error> {
    STORAGE.try_take().map_or(Err(elman::LoadError::NoLayers.into()), |storage| storage.listener(black_box(BLOB)))
}

/// An executor of one task that is always ready.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

#[inline(never)]
fn load(blob: Blob<'static>) -> Result<Ear, Error> {
    Ear::load(blob)
}

#[inline(never)]
fn stream(blob: Blob<'static>) -> Result<(), Error> {
    let mut net = Net::load(blob)?;
    loop {
        black_box(net.try_step(&black_box([0; 64]))?.argmax());
        black_box(net.step(&black_box([0; 64])).logit(black_box(3)));
        black_box((net.hidden_state(black_box(0)), net.carried_state(black_box(0))));
        net.stream().snapshot(&mut black_box([0; 256]))?;
        if black_box(true) {
            net.reset();
            return Ok(());
        }
    }
}

fn listen(ear: &mut Ear) {
    while let Ok(Some(event)) = block_on(ear.next_event(&mut Microphone)) {
        black_box((ear.label(&event), ear.milliseconds(&event)));
        black_box(ear.push(&black_box([0; 64])));
        ear.push_each(&black_box([0; 64]), |result| {
            black_box(result.logits);
        });
        ear.reset();
    }
}

/// Bytes that the compiler cannot know.
struct Bytes;

impl embedded_io_async::ErrorType for Bytes {
    type Error = Infallible;
}

impl embedded_io_async::Read for Bytes {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        to.fill(black_box(0));
        Ok(black_box(to.len()))
    }
}

/// Numbers as f32.
#[inline(never)]
fn real(net: &mut Net) -> Result<(), Error> {
    let (mut frame, mut p) = (black_box([0; 64]), black_box([0.0; 64]));
    black_box(net.model().quantize(&black_box([0.0; 64]), &mut frame));
    let output = net.try_step(&frame)?;
    output.dequantize(&mut p);
    output.softmax_f32(&mut p);
    black_box((p, float::level_dbfs(&frame)));
    Ok(())
}

/// All of it.
pub fn run() -> Option<()> {
    black_box(stream(black_box(BLOB)).is_ok());
    black_box(real(&mut Net::load(black_box(BLOB)).ok()?).is_ok());
    let mut listener = stored().ok()?;
    black_box(block_on(listener.next_event(&mut PcmReader::new(Bytes))).is_ok());
    listen(EAR.try_init(load(black_box(BLOB)).ok()?)?);
    Some(())
}
