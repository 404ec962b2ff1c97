//! nRF52840-DK with a LIS3DH accelerometer on P0.26 (SDA) and P0.27 (SCL): gestures, LED 1.
#![no_std]
#![no_main]

use defmt_rtt as _;
use elman::{Blob, Model};
use elman_board::gesture::Gestures;
use elman_board::spotter::Indicator;
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::twim::{Config, InterruptHandler, Twim};
use embassy_nrf::{bind_interrupts, peripherals};
use embassy_time::{Duration, Ticker};
use lis3dh::{Lis3dh, SlaveAddr};
use panic_probe as _;
use static_cell::ConstStaticCell;

bind_interrupts!(struct Interrupts { TWISPI0 => InterruptHandler<peripherals::TWISPI0>; });

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));
/// Words of states and sums.
const WORDS: usize = BLOB.memory_words() + BLOB.detect_words();
static MEMORY: ConstStaticCell<[u32; WORDS]> = ConstStaticCell::new([0; WORDS]);
static SENT: ConstStaticCell<[u8; 16]> = ConstStaticCell::new([0; 16]);
/// From reading to reading: 25 a second, as the model was trained on.
const PERIOD_MS: u32 = 40;

#[embassy_executor::main]
async fn main(_spawner: embassy_executor::Spawner) {
    let p = embassy_nrf::init(Default::default());
    let model = match Model::load(BLOB) {
        Ok(model) => model,
        Err(error) => return defmt::error!("{}", error),
    };
    let pin = Output::new(p.P0_13, Level::High, OutputDrive::Standard);
    let light = Indicator::new(pin, true, 500).unwrap_or_else(|e| match e {});
    let bus = Twim::new(p.TWISPI0, Interrupts, p.P0_26, p.P0_27, Config::default(), SENT.take());
    let Ok(sensor) = Lis3dh::new_i2c(bus, SlaveAddr::Default) else {
        return defmt::error!("no LIS3DH answers at its address");
    };
    let mut gestures = match Gestures::new(&model, MEMORY.take(), sensor, light) {
        Ok(gestures) => gestures,
        Err(error) => return defmt::error!("{}", error),
    };
    // At a fixed rate, whatever a step takes; in between the executor is free.
    let mut ticker = Ticker::every(Duration::from_millis(PERIOD_MS.into()));
    loop {
        ticker.next().await;
        match gestures.step(PERIOD_MS) {
            Ok(Some((event, name))) => {
                defmt::info!("{=str}: {}", name, event);
            }
            Ok(None) => {}
            Err(_) => defmt::error!("the accelerometer does not answer"),
        }
    }
}
