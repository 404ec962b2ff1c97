//! BBC micro:bit v2: its analogue microphone by the converter at 16 kHz, the upper left light of the matrix.
#![no_std]
#![no_main]

use cortex_m::peripheral::SCB;
use defmt_rtt as _;
use elman::Storage;
use elman_board::spotter::{Indicator, Spotter, Unbiased};
use elman_board::{Models, Updates};
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::nvmc::Nvmc;
use embassy_nrf::saadc::{CallbackResult, ChannelConfig, Config, Gain, InterruptHandler, Saadc};
use embassy_nrf::timer::Frequency;
use embassy_nrf::{bind_interrupts, peripherals};
use panic_probe as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Interrupts { SAADC => InterruptHandler; });

include!(concat!(env!("OUT_DIR"), "/models.rs"));
static STORAGE: ConstStaticCell<Storage<'static, WORDS>> = ConstStaticCell::new(Storage::new());
/// Samples in a block: 20 ms.
const BLOCK: usize = 320;
static BUFFERS: ConstStaticCell<[[[i16; 1]; BLOCK]; 2]> = ConstStaticCell::new([[[0; 1]; BLOCK]; 2]);

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let mut p = embassy_nrf::init(Default::default());
    // The matrix' row is driven high, its column low; the microphone gets its supply from a pin.
    let _row = Output::new(p.P0_21.reborrow(), Level::High, OutputDrive::Standard);
    let _microphone = Output::new(p.P0_20.reborrow(), Level::High, OutputDrive::HighDrive);
    let pin = Output::new(p.P0_28.reborrow(), Level::High, OutputDrive::Standard);
    let light = Indicator::new(pin, true, 8000).unwrap_or_else(|e| match e {});
    // SAFETY: the core reads its flash at this address, and nothing else writes there.
    let models = unsafe { Models::start(Nvmc::new(p.NVMC.reborrow()), FLASH_AT, &INFO, || SCB::sys_reset()) };
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

    let mut channel = ChannelConfig::single_ended(p.P0_05.reborrow());
    channel.gain = Gain::Gain4;
    let mut converter = Saadc::new(p.SAADC.reborrow(), Interrupts, Config::default(), [channel]);
    let (mut unbiased, mut block) = (Unbiased::new(12), [0; BLOCK]);
    let process = |raw: &[[i16; 1]]| {
        block.iter_mut().zip(raw).for_each(|(to, [x])| *to = unbiased.next((*x).max(0) as u16));
        models.ran();
        if let Some((event, word)) = spotter.process(&block).unwrap_or_else(|e| match e {}) {
            defmt::info!("{=str}: {}", word, event);
        }
        CallbackResult::Continue
    };
    let timer: embassy_nrf::Peri<'_, peripherals::TIMER0> = p.TIMER0.reborrow();
    let channels = (p.PPI_CH0.reborrow(), p.PPI_CH1.reborrow());
    converter.run_task_sampler(timer, channels.0, channels.1, Frequency::F16MHz, 1000, BUFFERS.take(), process).await;
}
