//! A pendulum with damping and torque: q'' = -g/l sin q - d q' + u, from rest, sampled every 0.05 s.
//!
//! `l` is 1 m, `d` 1 per second, and the torque `u`, per inertia in 1/s^2, a constant in [-5, 5] for 0.25 to 2 s at a
//! time: the angle goes beyond 1.5 rad, where the sine is far from linear, but not over the top. Two small steps of
//! Runge-Kutta a sample.

use super::motion::step;
use super::{Answer, Input};
use rand::{Rng, RngExt};

/// Seconds from sample to sample.
const DT: f64 = 0.05;
/// g/l in 1/s^2.
const GRAVITY: f64 = 9.81;
/// Damping per second.
const DAMPING: f64 = 1.0;
/// Largest torque per inertia in 1/s^2.
const TORQUE: f64 = 5.0;

/// The angle in rad from hanging down, its speed in rad/s, its sine and cosine.
pub(super) const OUTPUTS: [&str; 4] = ["angle", "speed", "sin", "cos"];

/// Output `t` is that of the end of the interval in which torque `t` acts.
pub(super) fn example(rng: &mut impl Rng, steps: usize, columns: &[usize]) -> (Input, Answer) {
    let (mut torques, mut answers) = (Vec::with_capacity(steps), Vec::with_capacity(steps * columns.len()));
    let (mut state, mut torque, mut left) = ([0.0, 0.0], 0.0, 0);
    for _ in 0..steps {
        if left == 0 {
            torque = f64::from(rng.random_range(-TORQUE..TORQUE) as f32);
            left = rng.random_range(5..=40);
        }
        left -= 1;
        for _ in 0..2 {
            state = step(state, DT / 2.0, |s| slope(s, torque));
        }
        let [angle, speed] = state;
        let all = [angle, speed, angle.sin(), angle.cos()];
        torques.push(torque);
        answers.extend(columns.iter().map(|&c| f64::from(all[c] as f32)));
    }
    (Input::Values(torques), Answer::Values(answers))
}

/// Derivative of angle and speed.
pub(super) fn slope([angle, speed]: [f64; 2], torque: f64) -> [f64; 2] {
    [speed, -GRAVITY * angle.sin() - DAMPING * speed + torque]
}
