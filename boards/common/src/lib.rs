//! What firmware does on any board, over embedded-hal and embedded-io: listening, gestures, and the answering side of
//! `elman verify`, `replay` and `generate`.
//!
//! [`serve()`] answers the messages of `elman_messages`, from a serial line or files. The request [`Start`] chooses one of its
//! [`tasks`], a file each in `task/`; `link` has what they share: frames, hello, repeated requests and long answers.
//!
//! [`Models`] is the region of flash with a device's models; over the same line comes a new one, or over an [`UpdateLine`] next to
//! what the device does.
//!
//! [`Start`]: elman_messages::Request::Start
#![no_std]
#![deny(unsafe_code)]

mod clock;
#[cfg(feature = "gesture")]
pub mod gesture;
mod link;
pub mod models;
mod serve;
pub mod spotter;
mod task;
mod update_line;
#[cfg(feature = "usb")]
pub mod usb;

pub use clock::Clock;
pub use link::Fault;
pub use models::{Models, NoSlots, NotListening, Updates};
pub use serve::{Workspace, receive, serve, serve_with, tasks};
pub use update_line::{Ended, FRAME, UpdateLine, ran};
