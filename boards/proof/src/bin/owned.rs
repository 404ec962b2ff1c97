//! A firmware whose listener owns model and states, in one static, and reads an async source. Links only if no panic can be
//! reached, as the firmware next to it.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use elman::{Blob, Error, OwnedListener, OwnedStream, SampleSource};
use static_cell::StaticCell;

unsafe extern "C" {
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: nothing defines the function, so a firmware that could call it does not link.
    unsafe { a_panic_is_reachable() }
}

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));
type Ear = OwnedListener<'static, { BLOB.listener_words() }>;
type Net = OwnedStream<'static, { BLOB.memory_words() }>;
static EAR: StaticCell<Ear> = StaticCell::new();

/// A microphone that the compiler cannot know.
struct Microphone;

impl SampleSource for Microphone {
    type Error = Infallible;

    async fn next_block(&mut self, block: &mut [i16]) -> Result<usize, Infallible> {
        block.fill(black_box(0));
        Ok(black_box(block.len()))
    }
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

#[cortex_m_rt::entry]
fn main() -> ! {
    black_box(stream(black_box(BLOB)).is_ok());
    if let Ok(ear) = load(black_box(BLOB))
        && let Some(ear) = EAR.try_init(ear)
    {
        listen(ear);
    }
    loop {
        black_box(());
    }
}
