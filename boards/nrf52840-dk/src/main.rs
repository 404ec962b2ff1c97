//! nRF52840-DK: a PDM microphone on P1.01 (clock) and P1.02 (data), LED 1, new models over the serial port of its interface chip.
//!
//! The microphone's driver fills a pipe, and the network reads it in its own time: no block is lost while a frame is computed.
#![no_std]
#![no_main]

use core::cell::RefCell;
use cortex_m::peripheral::SCB;
use defmt_rtt as _;
use elman::{PcmReader, Storage};
use elman_board::{Models, UpdateLine, ran};
use embassy_futures::join::join3;
use embassy_nrf::buffered_uarte::{self, BufferedUarte};
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::nvmc::Nvmc;
use embassy_nrf::pdm::{Config, Frequency, InterruptHandler, Pdm, Ratio, SamplerState};
use embassy_nrf::{bind_interrupts, peripherals};
use embassy_sync::blocking_mutex::raw::ThreadModeRawMutex;
use embassy_sync::pipe::Pipe;
use embassy_time::{Duration, with_timeout};
use panic_probe as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Interrupts {
    PDM => InterruptHandler<peripherals::PDM>;
    UARTE0 => buffered_uarte::InterruptHandler<peripherals::UARTE0>;
});

include!(concat!(env!("OUT_DIR"), "/models.rs"));
static STORAGE: ConstStaticCell<Storage<'static, WORDS>> = ConstStaticCell::new(Storage::new());
/// Samples in a block: 20 ms.
const BLOCK: usize = 320;
static LINE: ConstStaticCell<UpdateLine> = ConstStaticCell::new(UpdateLine::new());
/// What comes and goes over the line.
static BYTES: ConstStaticCell<[[u8; 1280]; 2]> = ConstStaticCell::new([[0; 1280]; 2]);
static BUFFERS: ConstStaticCell<[[i16; BLOCK]; 2]> = ConstStaticCell::new([[0; BLOCK]; 2]);
/// Samples that wait for the network, as bytes: 80 ms.
static SAMPLES: Pipe<ThreadModeRawMutex, { 4 * 2 * BLOCK }> = Pipe::new();
/// For how long the light shows an event.
const SHOWN: Duration = Duration::from_millis(500);

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let p = embassy_nrf::init(Default::default());
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
    let channels = (p.PPI_CH0, p.PPI_CH1, p.PPI_GROUP0);
    let (timer, pins) = (p.TIMER0, (p.P0_08, p.P0_06));
    let line = BufferedUarte::new(
        p.UARTE0, timer, channels.0, channels.1, channels.2, pins.0, pins.1, Interrupts, uart, received, sent,
    );
    let (mut input, mut output) = line.split();
    let updates = LINE.take().serve(&models, crc, &mut input, &mut output);

    let mut config = Config::default();
    // 1.28 MHz / 80 is 16 kHz exactly.
    (config.frequency, config.ratio) = (Frequency::_1280k, Ratio::Ratio80);
    let mut microphone = Pdm::new(p.PDM, Interrupts, p.P1_01, p.P1_02, config);
    let record = microphone.run_task_sampler(BUFFERS.take(), |block| {
        let bytes: &[u8] = bytemuck::cast_slice(block);
        if SAMPLES.try_write(bytes) != Ok(bytes.len()) {
            defmt::warn!("samples were lost: a frame takes longer than the pipe is");
        }
        SamplerState::Sampled
    });

    let mut light = Output::new(p.P0_13, Level::High, OutputDrive::Standard);
    let listen = async {
        let Ok(mut listener) = loaded else { return };
        let mut samples = PcmReader::new(&SAMPLES);
        loop {
            // The light is on when its pin is low. A time-out loses no sample.
            match with_timeout(SHOWN, listener.next_event(&mut samples)).await {
                Err(_) => light.set_high(),
                Ok(Ok(Some(event))) => {
                    light.set_low();
                    defmt::info!("{=str}: {}", listener.label(&event).unwrap_or("?"), event);
                }
                Ok(_) => return,
            }
            ran(&models);
        }
    };
    if join3(record, listen, updates).await.0.is_err() {
        defmt::error!("the microphone runs already");
    }
}
