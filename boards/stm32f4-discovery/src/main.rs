//! STM32F4 Discovery: its PDM microphone over I2S2, decimated to 16 kHz here, the orange light, new models over its USB (CN5).
#![no_std]
#![no_main]

use core::cell::RefCell;
use cortex_m::peripheral::SCB;
use defmt_rtt as _;
use elman::Storage;
use elman_board::spotter::{Indicator, PulseDensity, Spotter};
use elman_board::{Models, ran, usb};
use embassy_futures::join::join;
use embassy_stm32::flash::Flash;
use embassy_stm32::gpio::{Level, Output, Speed};
use embassy_stm32::i2s::{Config, Format, I2S};
use embassy_stm32::rcc::{Hse, HseMode, Pll, PllMul, PllPreDiv, PllQDiv, PllRDiv, PllSource};
use embassy_stm32::time::Hertz;
use embassy_stm32::usb::{self as otg, Driver};
use embassy_stm32::{bind_interrupts, dma, peripherals};
use panic_probe as _;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Interrupts {
    DMA1_STREAM3 => dma::InterruptHandler<peripherals::DMA1_CH3>;
    OTG_FS => otg::InterruptHandler<peripherals::USB_OTG_FS>;
});

include!(concat!(env!("OUT_DIR"), "/models.rs"));
static STORAGE: ConstStaticCell<Storage<'static, WORDS>> = ConstStaticCell::new(Storage::new());
/// Samples in a block: 10 ms. A sample is four words of the microphone's bits.
const BLOCK: usize = 160;
static USB: StaticCell<usb::Memory<'static>> = StaticCell::new();
/// What the PC sends before it is read.
static PACKETS: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
static BITS: ConstStaticCell<[u16; 8 * BLOCK]> = ConstStaticCell::new([0; 8 * BLOCK]);

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let mut config = embassy_stm32::Config::default();
    config.rcc.hse = Some(Hse { freq: Hertz::mhz(8), mode: HseMode::Oscillator });
    config.rcc.pll_src = PllSource::HSE;
    // 8 MHz / 8 · 256 / 5 is 51.2 MHz, 50 times the microphone's 1.024 MHz.
    let pll = Pll { prediv: PllPreDiv::DIV8, mul: PllMul::MUL256, divp: None, divq: None, divr: Some(PllRDiv::DIV5) };
    config.rcc.plli2s = Some(pll);
    // 8 MHz / 8 · 336 / 7 is USB's 48 MHz; the core has its own 16 MHz.
    let pll = Pll { prediv: PllPreDiv::DIV8, mul: PllMul::MUL336, divp: None, divq: Some(PllQDiv::DIV7), divr: None };
    config.rcc.pll = Some(pll);
    let p = embassy_stm32::init(config);
    let pin = Output::new(p.PD13, Level::Low, Speed::Low);
    let light = Indicator::new(pin, false, 8000).unwrap_or_else(|e| match e {});
    // SAFETY: the core reads its flash at this address, and nothing else writes there.
    let models = unsafe { Models::start(Flash::new_blocking(p.FLASH), FLASH_AT, &INFO, || SCB::sys_reset()) };
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
    let mut otg = otg::Config::default();
    otg.vbus_detection = false;
    let driver = Driver::new_fs(p.USB_OTG_FS, Interrupts, p.PA12, p.PA11, PACKETS.take(), otg);
    let updates = usb::serve(driver, USB.init(usb::Memory::new()), env!("CARGO_PKG_NAME"), &models, crc);

    let mut i2s = Config::default();
    (i2s.frequency, i2s.format, i2s.master_clock) = (Hertz::khz(32), Format::Data16Channel16, false);
    let mut microphone =
        I2S::new_rxonly(p.SPI2, p.PC3, p.PB12, p.PB10, p.PC6, p.DMA1_CH3, BITS.take(), Interrupts, i2s);
    let listen = async {
        let Ok(listener) = loaded else { return };
        let mut spotter = Spotter::new(listener, light);
        microphone.start();
        let (mut words, mut filter) = ([0u16; 4 * BLOCK], PulseDensity::default());
        loop {
            if microphone.read(&mut words).await.is_err() {
                defmt::warn!("bits of the microphone were lost");
            }
            let mut block = [0; BLOCK];
            block.iter_mut().zip(words.as_chunks().0).for_each(|(to, bits)| *to = filter.next(*bits));
            ran(&models);
            if let Some((event, word)) = spotter.process(&block).unwrap_or_else(|e| match e {}) {
                defmt::info!("{=str}: {}", word, event);
            }
        }
    };
    join(listen, updates).await;
}
