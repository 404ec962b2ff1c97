//! A line over which a device that does something else, as listening, receives new models.

use core::cell::RefCell;
use elman_messages::{BufferSizes, Failure, Receiver, Scan};
use embedded_io_async::{Read, Write};

use crate::link::{Fault, Next, Session, again};
use crate::models::Updates;
use crate::serve::without_tasks;
use crate::task::NotStarted;

/// Bytes of a frame: of a block, some 900.
pub const FRAME: usize = 1024;

/// The model did something that it is for: [`Updates::ran`] of models that a line shares.
pub fn ran<U: Updates>(models: &RefCell<U>) {
    // What holds them for a moment only delays the end of a trial.
    if let Ok(mut models) = models.try_borrow_mut() {
        models.ran();
    }
}

/// Why no more is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The input ended.
    Input,
    /// The PC asks for a restart.
    Restart,
}

/// The memory of a line.
#[derive(Debug)]
pub struct UpdateLine {
    received: [u8; FRAME],
    sent: [u8; FRAME],
}

impl Default for UpdateLine {
    fn default() -> Self {
        UpdateLine::new()
    }
}

impl UpdateLine {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        UpdateLine { received: [0; FRAME], sent: [0; FRAME] }
    }

    /// Answers what `elman send` asks until the input ends or a restart is asked for, which is the caller's: its reply has been written,
    /// and may still be on its way. `crc`: of the model that runs, 0 where there is none. A task of `elman verify` is answered by
    /// [`Failure::NotLinked`].
    ///
    /// # Errors
    /// [`Fault`]: input or output failed, as where a USB host went away.
    pub async fn answer<U: Updates, I: Read, O: Write>(
        &mut self,
        models: &RefCell<U>,
        crc: u32,
        input: &mut I,
        output: &mut O,
    ) -> Result<Ended, Fault<I::Error, O::Error>> {
        let sizes = BufferSizes { frame: FRAME as u32, words: 0, nodes: 0 };
        let mut session = Session::new(without_tasks(crc, sizes), &mut self.sent);
        let mut receiver = Receiver::new(&mut self.received);
        let mut bytes = [0; 64];
        loop {
            let count = input.read(&mut bytes).await.map_err(Fault::Input)?;
            let mut came = bytes.get(..count).unwrap_or_default();
            if came.is_empty() {
                return Ok(Ended::Input);
            }
            loop {
                let restarts = match receiver.scan() {
                    Scan::More => match receiver.fill(&mut came) {
                        Ok(0) => break,
                        Ok(_) => continue,
                        Err(never) => match never {},
                    },
                    Scan::Damaged => {
                        output.write_all(again(&mut [0; 16])?).await.map_err(Fault::Output)?;
                        output.flush().await.map_err(Fault::Output)?;
                        continue;
                    }
                    Scan::Frame => {
                        // Nobody holds them while waiting for something. If one did, the PC would ask again.
                        let Ok(mut models) = models.try_borrow_mut() else { continue };
                        match session.take(receiver.content(), &mut NotStarted, &mut *models)? {
                            Next::Reply => false,
                            Next::Restart => true,
                            Next::Start(_) => {
                                session.started(Err(Failure::NotLinked))?;
                                false
                            }
                        }
                    }
                };
                output.write_all(session.frame()).await.map_err(Fault::Output)?;
                output.flush().await.map_err(Fault::Output)?;
                if restarts {
                    return Ok(Ended::Restart);
                }
            }
        }
    }
    /// Answers as long as the board runs, on a line that is always there, as a serial one. An error of the line begins again.
    pub async fn serve<U: Updates, I: Read, O: Write>(
        &mut self,
        models: &RefCell<U>,
        crc: u32,
        input: &mut I,
        output: &mut O,
    ) {
        loop {
            if let Ok(Ended::Restart) = self.answer(models, crc, input, output).await
                && let Ok(mut models) = models.try_borrow_mut()
            {
                models.restart();
            }
        }
    }
}
