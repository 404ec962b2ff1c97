//! The PC's microphone, in builds with the feature `microphone`.

use std::sync::mpsc::Receiver;

use anyhow::Result;

/// A running microphone: blocks of mono samples arrive until it is dropped.
pub struct Microphone {
    /// Blocks, in order.
    pub blocks: Receiver<Vec<i16>>,
    /// Keeps the stream open.
    #[cfg(feature = "microphone")]
    _stream: cpal::Stream,
}

impl std::fmt::Debug for Microphone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Microphone")
    }
}

#[cfg(feature = "microphone")]
impl Microphone {
    /// Opens the default input at `rate` samples per second; several channels become their mean.
    ///
    /// # Errors
    /// Where there is no input, or it does not run at this rate.
    pub fn open(rate: u32) -> Result<Self> {
        use anyhow::Context;
        use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
        let device = cpal::default_host().default_input_device().context("this machine has no microphone")?;
        let channels = device.default_input_config().context("the microphone reports no format")?.channels();
        let config = cpal::StreamConfig { channels, sample_rate: rate, buffer_size: cpal::BufferSize::Default };
        let (send, blocks) = std::sync::mpsc::channel();
        let take = move |data: &[i16], _: &cpal::InputCallbackInfo| {
            let mean = |frame: &[i16]| (frame.iter().map(|x| i32::from(*x)).sum::<i32>() / frame.len() as i32) as i16;
            // Who no longer listens has dropped the receiver.
            let _ = send.send(data.chunks_exact(channels.max(1).into()).map(mean).collect());
        };
        let stream = device
            .build_input_stream(config, take, |e| eprintln!("the microphone: {e}"), None)
            .with_context(|| format!("the microphone does not give {rate} samples per second of 16 bits"))?;
        stream.play().context("the microphone does not start")?;
        Ok(Microphone { blocks, _stream: stream })
    }
}

#[cfg(not(feature = "microphone"))]
impl Microphone {
    /// Says how to build it in.
    ///
    /// # Errors
    /// Always, in a build without the feature `microphone`.
    pub fn open(_rate: u32) -> Result<Self> {
        anyhow::bail!(
            "this build has no microphone: `cargo run --release --features microphone` (on Linux with libasound2-dev), or \
             name a recording"
        )
    }
}
