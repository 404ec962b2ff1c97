//! Raspberry Pi Pico and Pico 2: an analogue microphone on GP26 at 16 kHz, the green light on GP25.
#![no_std]
#![no_main]

use defmt_rtt as _;
use elman::{Blob, Storage};
use elman_board::spotter::{Indicator, Spotter, Unbiased};
use embassy_futures::join::join;
use embassy_rp::adc::{Adc, Channel, Config, InterruptHandler};
use embassy_rp::gpio::{Level, Output, Pull};
use embassy_rp::{bind_interrupts, dma, peripherals};
use panic_probe as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Interrupts {
    ADC_IRQ_FIFO => InterruptHandler;
    DMA_IRQ_0 => dma::InterruptHandler<peripherals::DMA_CH0>;
});

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));
static STORAGE: ConstStaticCell<Storage<'static, { BLOB.listener_words() }>> = ConstStaticCell::new(Storage::new());
/// Samples in a block: 20 ms.
const BLOCK: usize = 320;
/// The converter's 48 MHz over 16 kHz, less one.
const DIVIDER: u16 = 2999;

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let p = embassy_rp::init(Default::default());
    let light = Indicator::new(Output::new(p.PIN_25, Level::Low), false, 8000).unwrap_or_else(|e| match e {});
    let listener = match STORAGE.take().listener(BLOB) {
        Ok(listener) => listener,
        Err(error) => return defmt::error!("{}", error),
    };
    let mut spotter = Spotter::new(listener, light);
    let mut converter = Adc::new(p.ADC, Interrupts, Config::default());
    let mut microphone = Channel::new_pin(p.PIN_26, Pull::None);
    let mut mover = dma::Channel::new(p.DMA_CH0, Interrupts);
    let (mut now, mut next, mut unbiased) = ([0u16; BLOCK], [0u16; BLOCK], Unbiased::new(12));
    loop {
        // The next block is converted while this one is processed.
        let convert = converter.read_many(&mut microphone, &mut next, DIVIDER, &mut mover);
        let hear = async {
            let block = now.map(|raw| unbiased.next(raw));
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
