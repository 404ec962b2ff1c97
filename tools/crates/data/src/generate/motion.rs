//! Fourth-order Runge-Kutta.

/// The state a time `dt` after `state`, for the derivative `f`.
pub(super) fn step<const N: usize>(state: [f64; N], dt: f64, f: impl Fn([f64; N]) -> [f64; N]) -> [f64; N] {
    let along = |slope: [f64; N], dt: f64| std::array::from_fn(|i| state[i] + dt * slope[i]);
    let k1 = f(state);
    let k2 = f(along(k1, dt / 2.0));
    let k3 = f(along(k2, dt / 2.0));
    let k4 = f(along(k3, dt));
    std::array::from_fn(|i| state[i] + dt / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
}
