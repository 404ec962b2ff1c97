//! Rooms and microphones: what happens to a voice between mouth and converter.
//!
//! A room is a box. A wall reflects a share of a sound, so that each reflection is a source outside the box, an image of the
//! mouth (Allen and Berkley 1979): the impulse response is a sum of delayed, weaker impulses.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Speed of sound in m/s.
const SOUND: f32 = 343.0;
/// Reflections on an axis that are followed.
const ORDER: i32 = 6;

/// A room with a mouth and a microphone in it, the microphone's response and its noise.
#[derive(Clone, Debug)]
pub struct Room {
    /// Delay in samples and amplitude of each path.
    paths: Vec<(f32, f32)>,
    /// Corner frequencies of the microphone in Hz: below the first and above the second it is weaker.
    band: (f32, f32),
    /// Its own noise, as a share of the voice's peak, and the samples of it before and after the voice.
    floor: (f32, [usize; 2]),
    /// Numbers for that noise.
    noise: ChaCha8Rng,
    rate: u32,
}

impl Room {
    /// Draws one: 2 to 8 m wide, walls that reflect 0.3 to 0.85 of the amplitude, 0.3 to 4 m between mouth and microphone.
    pub fn draw(rate: u32, rng: &mut impl Rng) -> Self {
        let size = [rng.random_range(2.0..8.0f32), rng.random_range(2.0..8.0f32), rng.random_range(2.3..3.5f32)];
        let [mouth, microphone] = [0; 2].map(|_| size.map(|s| s * rng.random_range(0.1..0.9f32)));
        let reflected = rng.random_range(0.3..0.85f32);
        let mut paths = Vec::new();
        for n in 0..(2 * ORDER + 1).pow(3) {
            let counts = [n, n / (2 * ORDER + 1), n / (2 * ORDER + 1).pow(2)].map(|k| k % (2 * ORDER + 1) - ORDER);
            let reflections: i32 = counts.iter().map(|c| c.abs()).sum();
            if reflections > ORDER {
                continue;
            }
            let apart = (0..3).map(|axis| {
                // Image k of a mouth at x in a room of length l: kl + x where k is even, (k + 1)l - x where it is odd.
                let (k, l) = (counts[axis], size[axis]);
                let at = if k % 2 == 0 { k as f32 * l + mouth[axis] } else { (k + 1) as f32 * l - mouth[axis] };
                (at - microphone[axis]).powi(2)
            });
            let distance = apart.sum::<f32>().sqrt().max(0.3);
            paths.push((distance / SOUND * rate as f32, reflected.powi(reflections) / distance));
        }
        // What comes first is at once, and as loud as it was.
        let (first, loudest) = paths.iter().fold((f32::MAX, 0.0f32), |(d, a), p| (d.min(p.0), a.max(p.1)));
        for (delay, amplitude) in &mut paths {
            *delay -= first;
            *amplitude /= loudest;
        }
        let band = (rng.random_range(50.0..400.0), rng.random_range(3000.0..7500.0));
        let floor = 10f32.powf(rng.random_range(-60.0..-20.0f32) / 20.0);
        let around = [0; 2].map(|_| rng.random_range(0..=rate as usize / 2));
        let noise = ChaCha8Rng::seed_from_u64(rng.random());
        Room { paths, band, floor: (floor, around), noise, rate }
    }

    /// What the microphone gives of a voice, as loud at its peak as the voice was.
    pub fn received(&self, samples: &[i16]) -> Vec<i16> {
        let peak = samples.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
        let last = self.paths.iter().map(|p| p.0).fold(0.0, f32::max) as usize + 1;
        let (floor, [before, after]) = self.floor;
        let (floor, mut noise) = (floor * f32::from(peak), self.noise.clone());
        let length = before + samples.len() + last.min(self.rate as usize / 2) + after;
        let mut sum: Vec<f32> = (0..length).map(|_| floor * noise.random_range(-1.0..1.0f32)).collect();
        for (delay, amplitude) in self.paths.iter().filter(|(_, a)| *a > 0.01) {
            let at = before + *delay as usize;
            for (y, x) in sum.iter_mut().skip(at).zip(samples) {
                *y += amplitude * f32::from(*x);
            }
        }
        let share = |hz: f32| 1.0 - (-std::f32::consts::TAU * hz / self.rate as f32).exp();
        let (low, high) = (share(self.band.0), share(self.band.1));
        let (mut below, mut smooth) = (0.0, 0.0);
        for y in &mut sum {
            below += low * (*y - below);
            smooth += high * (*y - below - smooth);
            *y = smooth;
        }
        let gain = f32::from(peak) / sum.iter().fold(1.0f32, |m, x| m.max(x.abs()));
        sum.into_iter().map(|x| (gain * x).round() as i16).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_has_echoes_that_fade_and_the_microphone_its_noise() {
        let room = Room::draw(16_000, &mut ChaCha8Rng::seed_from_u64(5));
        let mut click = vec![0i16; 1600];
        click[100] = 20_000;
        let received = room.received(&click);
        assert_eq!(received.iter().map(|x| x.unsigned_abs()).max(), Some(20_000));
        let at = received.iter().position(|x| x.unsigned_abs() == 20_000).unwrap();
        let power = |part: &[i16]| part.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / part.len() as f64;
        let (early, late) = (power(&received[at..at + 400]), power(&received[at + 800..at + 1200]));
        let floor = power(&received[..at.min(50)]);
        assert!(early > 10.0 * late && late > floor && floor > 0.0, "{early} {late} {floor}");
        let again = Room::draw(16_000, &mut ChaCha8Rng::seed_from_u64(5)).received(&click);
        assert_eq!(received, again);
        assert_ne!(received, Room::draw(16_000, &mut ChaCha8Rng::seed_from_u64(6)).received(&click));
        assert!(room.received(&[]).iter().all(|x| *x == 0));
    }
}
