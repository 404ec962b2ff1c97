//! Raspberry Pi Pico and Pico 2: an analogue microphone on GP26 at 16 kHz, the green light on GP25, new models over USB.
#![no_std]
#![no_main]

use core::cell::RefCell;
use cortex_m::peripheral::SCB;
use defmt_rtt as _;
use elman::Storage;
use elman_board::spotter::{Indicator, Spotter, Unbiased};
use elman_board::{Models, Updates, ran, usb};
use embassy_futures::join::join;
use embassy_futures::yield_now;
use embassy_rp::adc::{Adc, Channel, Config, InterruptHandler};
use embassy_rp::flash::{Blocking, Flash};
use embassy_rp::gpio::{Level, Output, Pull};
use embassy_rp::{Peri, bind_interrupts, dma, peripherals};
use panic_probe as _;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Interrupts {
    ADC_IRQ_FIFO => InterruptHandler;
    DMA_IRQ_0 => dma::InterruptHandler<peripherals::DMA_CH0>;
    USBCTRL_IRQ => embassy_rp::usb::InterruptHandler<peripherals::USB>;
});

include!(concat!(env!("OUT_DIR"), "/models.rs"));
static STORAGE: ConstStaticCell<Storage<'static, WORDS>> = ConstStaticCell::new(Storage::new());
static USB: StaticCell<usb::Memory<'static>> = StaticCell::new();
/// Samples in a block: 20 ms.
const BLOCK: usize = 320;
/// What the converter gives for a microphone's silence.
const SILENCE: u16 = 1 << 11;
/// The converter's 48 MHz over 16 kHz, less one.
const DIVIDER: u16 = 2999;

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let p = embassy_rp::init(Default::default());
    let light = Indicator::new(Output::new(p.PIN_25, Level::Low), false, 8000).unwrap_or_else(|e| match e {});
    // SAFETY: the core reads its flash at this address, and nothing else writes there.
    let models = unsafe {
        Models::start(Flash::<_, Blocking, FLASH_BYTES>::new_blocking(p.FLASH), FLASH_AT, &INFO, || SCB::sys_reset())
    };
    let models = match models {
        Ok(models) => RefCell::new(models),
        Err(error) => return defmt::error!("{}", defmt::Display2Format(&error)),
    };
    // Without a listener there is still the line over which a model comes.
    let loaded = models.borrow().listener(STORAGE.take());
    if let Err(error) = &loaded {
        defmt::error!("{}", defmt::Display2Format(error));
    }
    let crc = loaded.as_ref().map_or(0, |listener| listener.model().crc());
    let driver = embassy_rp::usb::Driver::new(p.USB, Interrupts);
    let updates = usb::serve(driver, USB.init(usb::Memory::new()), env!("CARGO_PKG_NAME"), &models, crc);
    let listening = async {
        if let Ok(listener) = loaded {
            let microphone = Microphone { converter: p.ADC, pin: p.PIN_26, mover: p.DMA_CH0 };
            listen(Spotter::new(listener, light), microphone, &models).await;
        }
    };
    join(listening, updates).await;
}

/// What takes the samples.
struct Microphone {
    converter: Peri<'static, peripherals::ADC>,
    pin: Peri<'static, peripherals::PIN_26>,
    mover: Peri<'static, peripherals::DMA_CH0>,
}

async fn listen(
    mut spotter: Spotter<'static, 'static, Output<'static>>,
    microphone: Microphone,
    models: &RefCell<impl Updates>,
) {
    let mut converter = Adc::new(microphone.converter, Interrupts, Config::default());
    let mut pin = Channel::new_pin(microphone.pin, Pull::None);
    let mut mover = dma::Channel::new(microphone.mover, Interrupts);
    // Before the first sample there is silence, which is the middle.
    let (mut now, mut next, mut unbiased) = ([SILENCE; BLOCK], [SILENCE; BLOCK], Unbiased::new(12));
    loop {
        // The next block is converted while this one is processed.
        let convert = converter.read_many(&mut pin, &mut next, DIVIDER, &mut mover);
        let hear = async {
            let block = now.map(|raw| unbiased.next(raw));
            ran(models);
            if let Some((event, word)) = spotter.process(&block).unwrap_or_else(|e| match e {}) {
                defmt::info!("{=str}: {}", word, event);
            }
        };
        if join(convert, hear).await.0.is_err() {
            defmt::warn!("a sample was not converted");
            // Where none is, the line has its turn all the same.
            yield_now().await;
        }
        core::mem::swap(&mut now, &mut next);
    }
}
