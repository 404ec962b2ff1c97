//! BBC micro:bit v2: its analogue microphone by the converter at 16 kHz, the upper left light of the
//! matrix, new models over the serial port of its interface chip.
#![no_std]
#![no_main]

use core::cell::RefCell;
use cortex_m::peripheral::SCB;
use defmt_rtt as _;
use elman::Storage;
use elman_board::spotter::{Indicator, Spotter, Unbiased};
use elman_board::{Models, UpdateLine, ran};
use embassy_futures::join::join;
use embassy_nrf::buffered_uarte::{self, BufferedUarte};
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::nvmc::Nvmc;
use embassy_nrf::saadc::{CallbackResult, ChannelConfig, Config, Gain, InterruptHandler, Saadc};
use embassy_nrf::timer::Frequency;
use embassy_nrf::{bind_interrupts, peripherals};
use panic_probe as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Interrupts {
    SAADC => InterruptHandler;
    UARTE0 => buffered_uarte::InterruptHandler<peripherals::UARTE0>;
});

include!(concat!(env!("OUT_DIR"), "/models.rs"));
static STORAGE: ConstStaticCell<Storage<'static, WORDS>> = ConstStaticCell::new(Storage::new());
/// Samples in a block: 20 ms.
const BLOCK: usize = 320;
static LINE: ConstStaticCell<UpdateLine> = ConstStaticCell::new(UpdateLine::new());
/// What comes and goes over the line.
static BYTES: ConstStaticCell<[[u8; 1280]; 2]> = ConstStaticCell::new([[0; 1280]; 2]);
static BUFFERS: ConstStaticCell<[[[i16; 1]; BLOCK]; 2]> = ConstStaticCell::new([[[0; 1]; BLOCK]; 2]);

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let p = embassy_nrf::init(Default::default());
    // The matrix' row is driven high, its column low; the microphone gets its supply from a pin.
    let _row = Output::new(p.P0_21, Level::High, OutputDrive::Standard);
    let _microphone = Output::new(p.P0_20, Level::High, OutputDrive::HighDrive);
    let pin = Output::new(p.P0_28, Level::High, OutputDrive::Standard);
    let light = Indicator::new(pin, true, 8000).unwrap_or_else(|e| match e {});
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
    let [received, sent] = BYTES.take();
    let uart = embassy_nrf::uarte::Config::default();
    let channels = (p.PPI_CH2, p.PPI_CH3, p.PPI_GROUP0);
    let (timer, pins) = (p.TIMER1, (p.P1_08, p.P0_06));
    let line = BufferedUarte::new(
        p.UARTE0, timer, channels.0, channels.1, channels.2, pins.0, pins.1, Interrupts, uart, received, sent,
    );
    let (mut input, mut output) = line.split();
    let updates = LINE.take().serve(&models, crc, &mut input, &mut output);

    let mut channel = ChannelConfig::single_ended(p.P0_05);
    channel.gain = Gain::Gain4;
    let mut converter = Saadc::new(p.SAADC, Interrupts, Config::default(), [channel]);
    let listen = async {
        let Ok(listener) = loaded else { return };
        let mut spotter = Spotter::new(listener, light);
        let (mut unbiased, mut block) = (Unbiased::new(12), [0; BLOCK]);
        let process = |raw: &[[i16; 1]]| {
            block.iter_mut().zip(raw).for_each(|(to, [x])| *to = unbiased.next((*x).max(0) as u16));
            ran(&models);
            if let Some((event, word)) = spotter.process(&block).unwrap_or_else(|e| match e {}) {
                defmt::info!("{=str}: {}", word, event);
            }
            CallbackResult::Continue
        };
        let rate = (Frequency::F16MHz, 1000);
        converter.run_task_sampler(p.TIMER0, p.PPI_CH0, p.PPI_CH1, rate.0, rate.1, BUFFERS.take(), process).await;
    };
    join(listen, updates).await;
}
