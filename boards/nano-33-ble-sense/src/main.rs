//! Arduino Nano 33 BLE Sense: its PDM microphone at 16 kHz, the yellow light, new models over USB.
#![no_std]
#![no_main]

use core::cell::RefCell;
use cortex_m::peripheral::SCB;
use defmt_rtt as _;
use elman::Storage;
use elman_board::spotter::{Indicator, Spotter};
use elman_board::{Models, ran, usb};
use embassy_futures::join::join;
use embassy_nrf::config::HfclkSource;
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::nvmc::Nvmc;
use embassy_nrf::pdm::{Config, Frequency, InterruptHandler, Pdm, Ratio, SamplerState};
use embassy_nrf::usb::vbus_detect::{self, HardwareVbusDetect};
use embassy_nrf::usb::{self as usbd, Driver};
use embassy_nrf::{bind_interrupts, peripherals};
use panic_probe as _;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Interrupts {
    PDM => InterruptHandler<peripherals::PDM>;
    USBD => usbd::InterruptHandler<peripherals::USBD>;
    CLOCK_POWER => vbus_detect::InterruptHandler;
});

include!(concat!(env!("OUT_DIR"), "/models.rs"));
static STORAGE: ConstStaticCell<Storage<'static, WORDS>> = ConstStaticCell::new(Storage::new());
/// Samples in a block: 20 ms.
const BLOCK: usize = 320;
static USB: StaticCell<usb::Memory<'static>> = StaticCell::new();
static BUFFERS: ConstStaticCell<[[i16; BLOCK]; 2]> = ConstStaticCell::new([[0; BLOCK]; 2]);

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let mut config = embassy_nrf::config::Config::default();
    // USB runs by the crystal alone.
    config.hfclk_source = HfclkSource::ExternalXtal;
    let p = embassy_nrf::init(config);
    // The microphone gets its supply from a pin.
    let _supply = Output::new(p.P0_17, Level::High, OutputDrive::Standard);
    let pin = Output::new(p.P0_13, Level::Low, OutputDrive::Standard);
    let light = Indicator::new(pin, false, 8000).unwrap_or_else(|e| match e {});
    // SAFETY: the core reads its flash at this address, and nothing else writes there.
    let models = unsafe { Models::start(Nvmc::new(p.NVMC), FLASH_AT, &INFO, || SCB::sys_reset()) };
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
    let driver = Driver::new(p.USBD, Interrupts, HardwareVbusDetect::new(Interrupts));
    let updates = usb::serve(driver, USB.init(usb::Memory::new()), env!("CARGO_PKG_NAME"), &models, crc);

    let mut config = Config::default();
    // 1.28 MHz / 80 is 16 kHz exactly.
    (config.frequency, config.ratio) = (Frequency::_1280k, Ratio::Ratio80);
    let mut microphone = Pdm::new(p.PDM, Interrupts, p.P0_26, p.P0_25, config);
    let listen = async {
        let Ok(listener) = loaded else { return };
        let mut spotter = Spotter::new(listener, light);
        let process = |block: &[i16; BLOCK]| {
            ran(&models);
            if let Some((event, word)) = spotter.process(block).unwrap_or_else(|e| match e {}) {
                defmt::info!("{=str}: {}", word, event);
            }
            SamplerState::Sampled
        };
        if microphone.run_task_sampler(BUFFERS.take(), process).await.is_err() {
            defmt::error!("the microphone runs already");
        }
    };
    join(listen, updates).await;
}
