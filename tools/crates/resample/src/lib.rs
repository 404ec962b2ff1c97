//! Sample rate conversion.
//!
//! The filter's FFT is generic, so that it is compiled where its sample type is named: here, and nowhere else.
#![forbid(unsafe_code)]

use rubato::audioadapter_buffers::number_to_float::InterleavedNumbers;
use rubato::{Fft, FixedSync, Resampler};

/// Converts the sample rate with a band-limited filter; `from` and `to` in Hz, both above 0.
pub fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to || from == 0 || to == 0 || samples.is_empty() {
        return samples.to_vec();
    }
    let mut filter = Fft::<f32>::new(from as usize, to as usize, 1024, 1, FixedSync::Both).expect("rates above 0");
    // Samples become floats as they are read: a list of them would take twice the memory of a long recording. They are scaled by
    // 2^-15, which is exact.
    let input = InterleavedNumbers::<&[i16], f32>::new(samples, 1, samples.len()).expect("one channel");
    let output = filter.process_all(&input, samples.len(), None).expect("sizes follow from the input");
    output.take_data().iter().map(|&x| (x * 32_768.0).round() as i16).collect()
}
