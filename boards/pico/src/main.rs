//! Raspberry Pi Pico and Pico 2: an analogue microphone on GP26 at 16 kHz, the green light on GP25.
#![no_std]
#![no_main]

use cortex_m::peripheral::SCB;
use defmt_rtt as _;
use elman::Storage;
use elman_board::spotter::{Indicator, Spotter, Unbiased};
use elman_board::{Models, Updates};
use embassy_futures::join::join;
use embassy_rp::adc::{Adc, Channel, Config, InterruptHandler};
use embassy_rp::flash::{Blocking, Flash};
use embassy_rp::gpio::{Level, Output, Pull};
use embassy_rp::{bind_interrupts, dma, peripherals};
use panic_probe as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Interrupts {
    ADC_IRQ_FIFO => InterruptHandler;
    DMA_IRQ_0 => dma::InterruptHandler<peripherals::DMA_CH0>;
});

include!(concat!(env!("OUT_DIR"), "/models.rs"));
static STORAGE: ConstStaticCell<Storage<'static, WORDS>> = ConstStaticCell::new(Storage::new());
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
    let mut models = match models {
        Ok(models) => models,
        Err(error) => return defmt::error!("{}", defmt::Display2Format(&error)),
    };
    let Some(blob) = models.blob() else {
        return defmt::error!("there is no model in the slots: flash a file of `elman flash`");
    };
    let listener = match STORAGE.take().listener(blob) {
        Ok(listener) => listener,
        Err(error) => return defmt::error!("{}", error),
    };
    let mut spotter = Spotter::new(listener, light);
    let mut converter = Adc::new(p.ADC, Interrupts, Config::default());
    let mut microphone = Channel::new_pin(p.PIN_26, Pull::None);
    let mut mover = dma::Channel::new(p.DMA_CH0, Interrupts);
    // Before the first sample there is silence, which is the middle.
    let (mut now, mut next, mut unbiased) = ([SILENCE; BLOCK], [SILENCE; BLOCK], Unbiased::new(12));
    loop {
        // The next block is converted while this one is processed.
        let convert = converter.read_many(&mut microphone, &mut next, DIVIDER, &mut mover);
        let hear = async {
            let block = now.map(|raw| unbiased.next(raw));
            models.ran();
            if let Some((event, word)) = spotter.process(&block).unwrap_or_else(|e| match e {}) {
                defmt::info!("{=str}: {}", word, event);
            }
        };
        if join(convert, hear).await.0.is_err() {
            defmt::warn!("a sample was not converted");
        }
        core::mem::swap(&mut now, &mut next);
    }
}
