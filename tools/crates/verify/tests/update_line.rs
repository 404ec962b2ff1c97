//! `elman send` to the line of a board that listens meanwhile, over lines that lose, cut and flip frames.

use std::cell::RefCell;
use std::convert::Infallible;
use std::thread::JoinHandle;

use crate::line::{Board, End, Fault, cutting, flipping, good, hasty, lossy};
use elman_board::{Ended, Models, UpdateLine};
use elman_flash::nor::Nor;
use elman_flash::sealed::Sealed;
use elman_messages::{Failure, Task};
use elman_slots::{INFO_BYTES, Info};
use elman_verify::{Device, Port};
use embedded_io::{Read as _, Write as _};

type Flash = Nor<4, 4096, 4>;

const OLD: &[u8] = include_bytes!("../../../../tests/golden/listens.elman");
const NEW: &[u8] = include_bytes!("../../../../tests/golden/gestures.elman");
const SLOT: u32 = 8192;
static INFO: [u8; INFO_BYTES] = Info { slots_at: 4096, slot_bytes: SLOT, words: 0, clock: 1 }.block("a test", "none");

/// An end of the line, as a HAL has it.
struct Half<'b>(&'b RefCell<Board>);

impl embedded_io_async::ErrorType for Half<'_> {
    type Error = Infallible;
}

impl embedded_io_async::Read for Half<'_> {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().read(to)
    }
}

impl embedded_io_async::Write for Half<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().write(bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A board with an old model, until the line ends: how often it was started.
fn board(fault: [Fault; 2]) -> (End, JoinHandle<u32>) {
    let [ours, theirs] = End::pair(fault);
    let thread = std::thread::spawn(move || {
        let (line, mut starts) = (RefCell::new(Board(theirs)), 0);
        let mut flash = Flash::new(6);
        flash.put(4096, &Sealed::new(OLD, 5, None).unwrap().to_slot());
        loop {
            starts += 1;
            // SAFETY: nothing reads the models at an address.
            let models = unsafe { Models::start(flash, 0, &INFO, || ()) }.unwrap();
            let models = RefCell::new(models);
            let mut updates = UpdateLine::new();
            let [mut input, mut output] = [Half(&line), Half(&line)];
            let answer = updates.answer(&models, 77, &mut input, &mut output);
            if embassy_futures::block_on(answer).unwrap() == Ended::Input {
                return starts;
            }
            flash = models.into_inner().slots().flash().clone();
        }
    });
    (ours, thread)
}

#[test]
fn a_model_is_received_beside_what_the_board_does() {
    let model = Sealed::new(NEW, 6, None).unwrap();
    for fault in [good as Fault, lossy, cutting, flipping] {
        let (line, thread) = board([fault, fault]);
        let mut port = Port::new("a board", line, hasty());
        let (hello, before) = port.slots().unwrap();
        assert_eq!((hello.crc, before.running.map(|r| (r.counter, r.confirmed))), (77, Some((5, true))));
        let sent = port.send(&model, &mut |_| ()).unwrap();
        assert_eq!((sent.status.highest, sent.status.running.map(|r| r.counter)), (6, Some(5)));
        port.restart().unwrap();
        // Not a second time where only the reply was lost: the trial would be over.
        let running = port.slots().unwrap().1.running;
        assert_eq!(running.map(|r| (r.counter, r.confirmed)), Some((6, false)));
        drop(port);
        assert_eq!(thread.join().unwrap(), 2);
    }
}

/// It has no tasks: `elman verify` gets that answer.
#[test]
fn a_task_is_not_linked() {
    let (line, thread) = board([good, good]);
    let mut port = Port::new("a board", line, hasty());
    let error = port.talk(77, &mut |channel| channel.ask(elman_messages::Request::Start(Task::Listen), 0).map(|_| ()));
    assert_eq!(error.unwrap_err().downcast_ref::<Failure>(), Some(&Failure::NotLinked));
    drop(port);
    assert_eq!(thread.join().unwrap(), 1);
}
