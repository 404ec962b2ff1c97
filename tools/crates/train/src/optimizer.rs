//! Optimizers: one step from gradients to parameters.

use rayon::prelude::*;

use super::config::{Optimizer, TrainConfig};
use elman_nn::float::{Float, Kernel, Lanes};

/// Parameters that one task updates.
const CHUNK: usize = 8192;

/// The moments of the gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Adam's first moment; SGD's velocity.
    pub first: Vec<f32>,
    /// Adam's second moment.
    pub second: Vec<f32>,
    /// Steps done.
    pub steps: u64,
}

impl Moments {
    /// Before the first step.
    pub fn new(parameters: usize) -> Self {
        Self { first: vec![0.0; parameters], second: vec![0.0; parameters], steps: 0 }
    }

    /// One step: `scale` times the gradient, at this learning rate. `decays` marks parameters subject to weight decay
    /// with 1, others with 0.
    pub fn step(
        &mut self,
        config: &TrainConfig,
        rate: f64,
        scale: f64,
        values: &mut [f32],
        gradient: &[f32],
        decays: &[f32],
    ) {
        self.steps += 1;
        let k = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let adam = config.optimizer == Optimizer::Adam;
        let (correct1, correct2) = (1.0 - config.beta1.powi(k), 1.0 - config.beta2.powi(k));
        let update = Update {
            adam,
            scale: scale as f32,
            decay1: if adam { config.beta1 } else { config.momentum } as f32,
            decay2: config.beta2 as f32,
            rate: if adam { rate / correct1 } else { rate } as f32,
            correct: (1.0 / correct2.sqrt()) as f32,
            epsilon: config.epsilon as f32,
            weight_decay: (rate * config.weight_decay) as f32,
        };
        let (first, second) = (&mut self.first[..], &mut self.second[..]);
        if values.len() <= 2 * CHUNK {
            return f32::dispatch(Elements { update, values, first, second, gradient, decays });
        }
        values
            .par_chunks_mut(CHUNK)
            .zip(first.par_chunks_mut(CHUNK))
            .zip(second.par_chunks_mut(CHUNK))
            .zip(gradient.par_chunks(CHUNK))
            .zip(decays.par_chunks(CHUNK))
            .for_each(|((((values, first), second), gradient), decays)| {
                f32::dispatch(Elements { update, values, first, second, gradient, decays });
            });
    }
}

#[derive(Clone, Copy)]
struct Update {
    adam: bool,
    scale: f32,
    decay1: f32,
    decay2: f32,
    rate: f32,
    correct: f32,
    epsilon: f32,
    weight_decay: f32,
}

struct Elements<'a> {
    update: Update,
    values: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    gradient: &'a [f32],
    decays: &'a [f32],
}

impl Kernel<f32> for Elements<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = f32>>(self, l: L) {
        let u = self.update;
        // Not `map`: a closure called through the standard library may be compiled without the instruction set.
        let (scale, decay1, decay2, rate) = (l.splat(u.scale), l.splat(u.decay1), l.splat(u.decay2), l.splat(u.rate));
        let (correct, epsilon, weight_decay) = (l.splat(u.correct), l.splat(u.epsilon), l.splat(u.weight_decay));
        let (fresh1, fresh2) = (l.complement(decay1), l.complement(decay2));
        let moments = self.first.chunks_mut(L::LANES).zip(self.second.chunks_mut(L::LANES));
        let inputs = self.gradient.chunks(L::LANES).zip(self.decays.chunks(L::LANES));
        for ((p, (m, v)), (g, d)) in self.values.chunks_mut(L::LANES).zip(moments).zip(inputs) {
            let g = l.mul(l.load(g), scale);
            let kept = l.sub(l.load(p), l.mul(l.load(p), l.mul(l.load(d), weight_decay)));
            let step = if u.adam {
                let first = l.mul_add(decay1, l.load(m), l.mul(fresh1, g));
                let second = l.mul_add(decay2, l.load(v), l.mul(fresh2, l.mul(g, g)));
                l.store(m, first);
                l.store(v, second);
                l.div(first, l.mul_add(l.sqrt(second), correct, epsilon))
            } else {
                let velocity = l.mul_add(decay1, l.load(m), g);
                l.store(m, velocity);
                velocity
            };
            l.store(p, l.sub(kept, l.mul(rate, step)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(config: &TrainConfig, steps: usize) -> (Vec<f32>, Moments) {
        let mut values = vec![1.0, -2.0, 0.5];
        let mut moments = Moments::new(3);
        for _ in 0..steps {
            let gradient: Vec<f32> = values.clone();
            moments.step(config, config.rate, 1.0, &mut values, &gradient, &[1.0, 0.0, 1.0]);
        }
        (values, moments)
    }

    #[test]
    fn adam_follows_the_paper() {
        let config = TrainConfig { rate: 0.1, weight_decay: 0.5, ..TrainConfig::default() };
        let (values, moments) = descend(&config, 2);
        for ((start, decay), (value, m)) in
            [(1.0f64, 1.0), (-2.0, 0.0), (0.5, 1.0)].into_iter().zip(values.iter().zip(&moments.first))
        {
            let (mut p, mut first, mut second) = (start, 0.0, 0.0);
            for k in 1..=2 {
                let g = p;
                first = 0.9 * first + 0.1 * g;
                second = 0.999 * second + 0.001 * g * g;
                let (mc, vc) = (first / (1.0 - 0.9f64.powi(k)), second / (1.0 - 0.999f64.powi(k)));
                p = p - 0.1 * 0.5 * decay * p - 0.1 * mc / (vc.sqrt() + 1e-8);
            }
            assert!((f64::from(*value) - p).abs() < 1e-5, "{value} {p}");
            assert!((f64::from(*m) - first).abs() < 1e-6);
        }
    }

    #[test]
    fn sgd_gathers_momentum() {
        let config = TrainConfig { optimizer: Optimizer::Sgd, rate: 0.1, momentum: 0.5, ..TrainConfig::default() };
        // 1 -> 0.9; the velocity is 1, then 0.5 + 0.9.
        assert!((descend(&config, 2).0[0] - (0.9 - 0.1 * 1.4)).abs() < 1e-6);
    }
}
