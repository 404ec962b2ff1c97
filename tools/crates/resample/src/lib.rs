//! Sample rate conversion.
//!
//! The filter's FFT is generic, so that it is compiled where its sample type is named: here, and nowhere else.
#![forbid(unsafe_code)]

use rubato::audioadapter_buffers::number_to_float::InterleavedNumbers;
use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};

/// Converts the sample rate with a band-limited filter; `from` and `to` in Hz, both above 0.
pub fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    let mut all = Vec::new();
    let mut resampler = Resampler::new(from, to);
    samples.chunks(PIECE).for_each(|piece| resampler.push(piece, &mut |out| all.extend_from_slice(out)));
    resampler.finish(&mut |out| all.extend_from_slice(out));
    all
}

/// Samples that `n` samples become.
pub fn resampled_length(n: u64, from: u32, to: u32) -> u64 {
    match Resampler::new(from, to).0 {
        Some(filter) => filter.length(n),
        None => n,
    }
}

/// Samples that are given to a filter at once.
const PIECE: usize = 1 << 14;

/// Converts the sample rate of a recording that comes piece by piece. In whatever pieces it comes, the samples are the same.
pub struct Resampler(Option<Filter>);

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").finish_non_exhaustive()
    }
}

impl Resampler {
    /// From `from` Hz to `to` Hz. Where they are the same, or one is 0, samples stay as they are.
    pub fn new(from: u32, to: u32) -> Self {
        Resampler((from != to && from != 0 && to != 0).then(|| Filter::new(from, to)))
    }

    /// Takes the next samples, and gives to `sink` what is ready.
    pub fn push(&mut self, samples: &[i16], sink: &mut dyn FnMut(&[i16])) {
        match &mut self.0 {
            Some(filter) => filter.push(samples, sink),
            None => sink(samples),
        }
    }

    /// Gives what is left after the last samples.
    pub fn finish(self, sink: &mut dyn FnMut(&[i16])) {
        if let Some(filter) = self.0 {
            filter.finish(sink);
        }
    }
}

/// The filter and what surrounds it.
struct Filter {
    fft: Fft<f32>,
    /// Samples that wait until there are enough for a step.
    waiting: Vec<i16>,
    output: InterleavedOwned<f32>,
    /// Samples that the filter's delay puts before the first, not yet left out.
    delay: usize,
    /// Samples taken and given.
    taken: usize,
    given: usize,
}

impl Filter {
    fn new(from: u32, to: u32) -> Self {
        let fft = Fft::<f32>::new(from as usize, to as usize, 1024, 1, FixedSync::Both).expect("rates above 0");
        let output = InterleavedOwned::new(0.0, 1, fft.output_frames_max());
        let delay = fft.output_delay();
        Filter { fft, waiting: Vec::new(), output, delay, taken: 0, given: 0 }
    }

    fn push(&mut self, samples: &[i16], sink: &mut dyn FnMut(&[i16])) {
        self.taken += samples.len();
        self.waiting.extend_from_slice(samples);
        // The last samples wait for the end, however many they are.
        while self.waiting.len() > self.fft.input_frames_next() {
            let n = self.fft.input_frames_next();
            self.step(None, usize::MAX, sink);
            self.waiting.drain(..n);
        }
    }

    fn finish(mut self, sink: &mut dyn FnMut(&[i16])) {
        let all = self.length(self.taken as u64) as usize;
        let mut left = self.waiting.len();
        while self.given < all {
            self.step(Some(left), all - self.given, sink);
            left = 0;
        }
    }

    fn length(&self, taken: u64) -> u64 {
        (self.fft.resample_ratio() * taken as f64).ceil() as u64
    }

    /// One step of the filter, over the samples that wait; of its output at most `most`.
    fn step(&mut self, partial: Option<usize>, most: usize, sink: &mut dyn FnMut(&[i16])) {
        // Samples become floats as they are read: they are scaled by 2^-15, which is exact.
        let input = InterleavedNumbers::<&[i16], f32>::new(&self.waiting, 1, self.waiting.len()).expect("one channel");
        let indexing = Indexing { input_offset: 0, output_offset: 0, active_channels_mask: None, partial_len: partial };
        let step = self.fft.process_into_buffer(&input, &mut self.output, Some(&indexing));
        let (_, n) = step.expect("sizes follow from the filter");
        let late = self.delay.min(n);
        self.delay -= late;
        let output = InterleavedOwned::new(0.0, 1, self.fft.output_frames_max());
        let whole = std::mem::replace(&mut self.output, output).take_data();
        let n = (n - late).min(most);
        let ready: Vec<i16> = whole[late..late + n].iter().map(|&x| (x * 32_768.0).round() as i16).collect();
        self.given += n;
        if !ready.is_empty() {
            sink(&ready);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the filter's own function for a whole recording does it.
    fn at_once(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
        let mut filter = Fft::<f32>::new(from as usize, to as usize, 1024, 1, FixedSync::Both).unwrap();
        let input = InterleavedNumbers::<&[i16], f32>::new(samples, 1, samples.len()).unwrap();
        let output = filter.process_all(&input, samples.len(), None).unwrap();
        output.take_data().iter().map(|&x| (x * 32_768.0).round() as i16).collect()
    }

    #[test]
    fn in_pieces_as_at_once_bit_for_bit() {
        let noise = |k: u32| (k.wrapping_mul(2_654_435_761) >> 16) as i16;
        for (from, to) in [(48_000, 16_000), (44_100, 16_000), (8000, 16_000), (22_050, 8000), (16_000, 11_025)] {
            for length in [1, 2, 100, 1023, 1024, 1025, 2205, 2352, 4704, 50_000] {
                let samples: Vec<i16> = (0..length).map(noise).collect();
                let whole = at_once(&samples, from, to);
                assert_eq!(resample(&samples, from, to), whole, "{from} to {to}, {length}");
                assert_eq!(resampled_length(length.into(), from, to), whole.len() as u64);
                for piece in [1, 7, 1152, 3000] {
                    let (mut all, mut resampler) = (Vec::new(), Resampler::new(from, to));
                    samples.chunks(piece).for_each(|p| resampler.push(p, &mut |out| all.extend_from_slice(out)));
                    resampler.finish(&mut |out| all.extend_from_slice(out));
                    assert!(all == whole, "{from} to {to}, {length} by {piece}: {} of {}", all.len(), whole.len());
                }
            }
        }
    }

    #[test]
    fn the_same_rate_changes_nothing() {
        assert_eq!(resample(&[1, 2, 3], 8000, 8000), [1, 2, 3]);
        assert_eq!(resample(&[], 8000, 16_000), []);
        assert_eq!(resample(&[5; 3], 0, 16_000), [5; 3]);
    }
}
