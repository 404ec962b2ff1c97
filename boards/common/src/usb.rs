//! A board with a USB port of its own is a serial port to a PC (CDC ACM), over which new models come.

use core::cell::RefCell;
use embassy_futures::join::join;
use embassy_usb::class::cdc_acm::{BufferedReceiver, CdcAcmClass, CdcAcmError, State};
use embassy_usb::driver::Driver;
use embassy_usb::{Builder, Config};
use embedded_io_async::{ErrorType, Read};

use crate::models::Updates;
use crate::{Ended, UpdateLine};

/// Vendor and product: those that pid.codes has for tests. A product of yours has its own.
const IDS: (u16, u16) = (0x1209, 0x0001);
/// Bytes of a packet of a full-speed device.
const PACKET: u16 = 64;

/// The memory of the port.
pub struct Memory<'d> {
    configuration: [u8; 128],
    control: [u8; 64],
    packet: [u8; PACKET as usize],
    class: State<'d>,
    line: UpdateLine,
}

impl Default for Memory<'_> {
    fn default() -> Self {
        Memory::new()
    }
}

impl core::fmt::Debug for Memory<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory<'_> {
    /// For one port.
    pub const fn new() -> Self {
        Memory {
            configuration: [0; 128],
            control: [0; 64],
            packet: [0; PACKET as usize],
            class: State::new(),
            line: UpdateLine::new(),
        }
    }
}

/// What comes: a packet without bytes is no end.
struct Packets<'d, D: Driver<'d>>(BufferedReceiver<'d, D>);

impl<'d, D: Driver<'d>> ErrorType for Packets<'d, D> {
    type Error = CdcAcmError;
}

impl<'d, D: Driver<'d>> Read for Packets<'d, D> {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, CdcAcmError> {
        loop {
            let count = self.0.read(to).await?;
            if count > 0 || to.is_empty() {
                return Ok(count);
            }
        }
    }
}

/// Answers `elman send` as long as the board runs. `product`: as the PC names the port; `crc`: of the model that runs, 0 where there is
/// none. Nobody may hold `models` while waiting for something.
pub async fn serve<'d, D: Driver<'d>, U: Updates>(
    driver: D,
    memory: &'d mut Memory<'d>,
    product: &'static str,
    models: &RefCell<U>,
    crc: u32,
) {
    let Memory { configuration, control, packet, class, line } = memory;
    let mut config = Config::new(IDS.0, IDS.1);
    config.manufacturer = Some("elman");
    config.product = Some(product);
    let mut builder = Builder::new(driver, config, configuration, &mut [], &mut [], control);
    let (mut output, receiver) = CdcAcmClass::new(&mut builder, class, PACKET).split();
    let mut device = builder.build();
    let mut input = Packets(receiver.into_buffered(packet));
    let answer = async {
        loop {
            input.0.wait_connection().await;
            // An error is a PC that went away: the next one begins anew.
            if let Ok(Ended::Restart) = line.answer(models, crc, &mut input, &mut output).await {
                // Waits until the PC has the packets before.
                let _ = output.write_packet(&[]).await;
                if let Ok(mut models) = models.try_borrow_mut() {
                    models.restart();
                }
            }
        }
    };
    join(device.run(), answer).await;
}
