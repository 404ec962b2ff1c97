//! A network of sensors in a field: which of them is faulty?
//!
//! Sensors are at random places in a square and receive the readings of those within reach, or of the nearest two. Each has its last readings of a
//! field that changes smoothly with place and time, with noise. In two networks of three, one sensor is faulty: its
//! reading is stuck, drifts away, or is off by a constant. Its own readings look as plausible as any: what gives it away
//! is that its neighbours read something else.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

use crate::records::Answer;
use crate::{ExampleStructure, GraphRows, Input};

/// Readings of a sensor: a frame.
pub const READINGS: usize = 6;
/// Reach of a sensor; the side of the square is 1.
const REACH: f32 = 0.4;
/// Deviation of the noise; the field swings by about 1.
const NOISE: f32 = 0.05;

/// Sensors in a square, their readings, the neighbours of each, and which is faulty.
pub fn example(rng: &mut ChaCha8Rng, most: usize) -> (Input, ExampleStructure, Answer) {
    let nodes = rng.random_range(most.div_ceil(2).max(3)..=most.max(3));
    let places: Vec<[f32; 2]> = (0..nodes).map(|_| [rng.random(), rng.random()]).collect();
    let waves: Vec<[f32; 5]> = (0..3)
        .map(|_| {
            let [kx, ky]: [f32; 2] = [rng.random_range(-0.6..0.6), rng.random_range(-0.6..0.6)];
            [kx, ky, rng.random_range(0.02..0.1), rng.random(), rng.random_range(0.2..0.6)]
        })
        .collect();
    let field = |[x, y]: [f32; 2], t: f32| -> f32 {
        waves.iter().map(|[kx, ky, f, phase, a]| a * (TAU * (kx * x + ky * y + f * t + phase)).sin()).sum()
    };
    let mut readings: Vec<[f32; READINGS]> =
        places.iter().map(|place| std::array::from_fn(|t| field(*place, t as f32) + noise(rng))).collect();
    let faulty = (rng.random_range(0..3) > 0).then(|| rng.random_range(0..nodes));
    if let Some(v) = faulty {
        let sign = if rng.random() { 1.0 } else { -1.0 };
        let size: f32 = sign * rng.random_range(0.6..1.5);
        let kind = rng.random_range(0..3);
        let stuck = readings[v][0] + size;
        for (t, x) in readings[v].iter_mut().enumerate() {
            match kind {
                0 => *x = stuck,
                1 => *x += size * (t + 1) as f32 / READINGS as f32,
                _ => *x += size,
            }
        }
    }
    let labels = (0..nodes).map(|v| if faulty == Some(v) { "faulty" } else { "sound" }.to_owned()).collect();
    (
        Input::Values(readings.concat().into_iter().map(f64::from).collect()),
        ExampleStructure::Graph(rows(&places)),
        Answer::Tags(labels),
    )
}

/// Nearly normal noise: the sum of four uniform numbers.
fn noise(rng: &mut ChaCha8Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| rng.random::<f32>() - 0.5).sum();
    NOISE * sum * 3f32.sqrt()
}

/// The neighbours of each sensor.
fn rows(places: &[[f32; 2]]) -> GraphRows {
    let far = |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let mut hears = vec![Vec::new(); places.len()];
    for (v, place) in places.iter().enumerate() {
        let mut others: Vec<usize> = (0..places.len()).filter(|u| *u != v).collect();
        others.sort_by(|a, b| far(place, &places[*a]).total_cmp(&far(place, &places[*b])));
        for (k, u) in others.into_iter().enumerate() {
            if k < 2 || far(place, &places[u]) < REACH {
                hears[v].push(u);
                hears[u].push(v);
            }
        }
    }
    let mut rows = GraphRows { offsets: vec![0], ..GraphRows::default() };
    for mut heard in hears {
        heard.sort_unstable();
        heard.dedup();
        rows.neighbours.extend(heard.iter().map(|u| *u as u16));
        rows.offsets.push(rows.neighbours.len() as u32);
    }
    rows
}
