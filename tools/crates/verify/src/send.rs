//! A new model for the slots of a board on a serial line.

use anyhow::{Result, bail, ensure};
use elman_flash::sealed::Sealed;
use elman_messages::{Answer, Failure, Hello, Outcome, Request, Status, Transfer};
use std::io::{Read, Write};

use crate::device::Channel;
use crate::port::Port;

/// How a transfer went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Bytes that were there already, from a transfer that was broken off.
    pub before: u32,
    /// The slots afterwards.
    pub status: Status,
}

fn status(channel: &mut dyn Channel, transfer: Transfer<'_>) -> Result<Status> {
    match channel.ask(Request::Slots(transfer), 0)? {
        Some(Answer { outcome: Outcome::Slots(status), .. }) => Ok(status),
        answer => bail!("the board answered something else: {answer:?}"),
    }
}

impl<L: Read + Write> Port<L> {
    /// What is in the board's slots, and how it introduced itself.
    ///
    /// # Errors
    /// Where it does not answer, or has no slots.
    pub fn slots(&mut self) -> Result<(Hello, Status)> {
        self.converse(|hello, channel| Ok((*hello, status(channel, Transfer::Status)?)))
    }

    /// Sends a model into the spare slot: it runs from the next start of the board on. A transfer of the same header that was broken
    /// off goes on where it was. `progress` is called with the bytes that have been received.
    ///
    /// # Errors
    /// Where the board does not answer, or does not take the model: why.
    pub fn send(&mut self, model: &Sealed, progress: &mut dyn FnMut(u32)) -> Result<Sent> {
        self.converse(|_, channel| {
            let begun = status(channel, Transfer::Begin(&model.header))?;
            let before = begun.receiving.map_or(0, |(received, _)| received);
            let most = channel.sizes().payload().clamp(4, MOST);
            let mut at = before as usize;
            while at < model.blob.len() {
                progress(at as u32);
                let bytes = &model.blob[at..(at + most).min(model.blob.len())];
                let now = status(channel, Transfer::Block { offset: at as u32, bytes })?;
                let received = now.receiving.map_or(0, |(received, _)| received as usize);
                ensure!(received > at, "the board received nothing of a block: {received} bytes, and {at} before");
                at = received;
            }
            progress(at as u32);
            Ok(Sent { before, status: status(channel, Transfer::Finish)? })
        })
    }

    /// Restarts the board, once: a second start would end the trial of a new model. So the request is asked again only where the model that
    /// runs shows that it was lost, and not its reply.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn restart(&mut self) -> Result<()> {
        let before = self.slots()?.1.running;
        for _ in 0..=self.patience().retries {
            let asked = self.once(|port| port.converse(|_, channel| status(channel, Transfer::Restart).map(|_| ())));
            match asked {
                Err(error) if error.downcast_ref::<Failure>().is_none() => {}
                asked => return asked,
            }
            if self.slots()?.1.running != before {
                return Ok(());
            }
        }
        bail!("the board does not restart: its reset button, or its supply, does it")
    }
}

/// The most bytes of a block: it is written before the board answers, and shows as progress.
const MOST: usize = 2048;
