//! Layer normalisation of every row, forward and backward.

use super::{dispatch, lanes};
use pulp::{Simd, WithSimd};

/// `y[i, j] = (x[i, j] - mean[i]) scale[i] gamma[j] + beta[j]`, where `mean` is that of row `i` and `scale` is
/// `1 / sqrt(variance + epsilon)` with the biased variance, computed from the deviations. `gamma` and `beta` are `width` wide.
/// A width of 0 leaves everything as it is.
pub fn layer_norm(x: &[f32], gamma: &[f32], beta: &[f32], epsilon: f32, y: &mut [f32]) {
    let width = gamma.len();
    assert!(beta.len() == width && y.len() == x.len(), "layer norm: lengths differ");
    assert!(width == 0 || x.len().is_multiple_of(width), "layer norm: lengths differ from the shape");
    if width > 0 {
        dispatch::run(Forward { x, gamma, beta, epsilon, y });
    }
}

/// The gradient by `x`, given `g`, that by `y`. The statistics are computed again: they cost less than to keep them.
pub fn layer_norm_grad(g: &[f32], x: &[f32], gamma: &[f32], epsilon: f32, dx: &mut [f32]) {
    let width = gamma.len();
    assert!(g.len() == x.len() && dx.len() == x.len(), "layer norm: lengths differ");
    assert!(width == 0 || x.len().is_multiple_of(width), "layer norm: lengths differ from the shape");
    if width > 0 {
        dispatch::run(Backward { g, x, gamma, epsilon, dx });
    }
}

/// The gradient by `gamma`, added: the sum of `g (x - mean) scale` over the rows, in order. That by `beta` is the sum of `g`.
pub fn layer_norm_scale_grad(g: &[f32], x: &[f32], width: usize, epsilon: f32, dgamma: &mut [f32]) {
    assert!(g.len() == x.len() && dgamma.len() == width, "layer norm: lengths differ");
    if width > 0 {
        dispatch::run(Scale { g, x, epsilon, dgamma });
    }
}

struct Forward<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    epsilon: f32,
    y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.gamma.len();
        let step = S::F32_LANES;
        for (x, y) in self.x.chunks_exact(width).zip(self.y.chunks_exact_mut(width)) {
            let (mean, scale) = statistics(simd, x, self.epsilon);
            let columns = x.chunks(step).zip(self.gamma.chunks(step)).zip(self.beta.chunks(step));
            for (y, ((x, gamma), beta)) in y.chunks_mut(step).zip(columns) {
                let normal = normalised(simd, x, mean, scale);
                let value = simd.mul_add_e_f32s(normal, lanes::load(simd, gamma), lanes::load(simd, beta));
                lanes::store(simd, y, value);
            }
        }
    }
}

struct Backward<'a> {
    g: &'a [f32],
    x: &'a [f32],
    gamma: &'a [f32],
    epsilon: f32,
    dx: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { g, x, gamma, epsilon, dx } = self;
        let width = gamma.len();
        let step = S::F32_LANES;
        let rows = g.chunks_exact(width).zip(x.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((g, x), dx) in rows {
            let (mean, scale) = statistics(simd, x, epsilon);
            // Of h = g gamma: its sum, and its product with the normalised row. Both are 0 beyond the row, since g is.
            let (mut sum, mut dot) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            for from in (0..width).step_by(step) {
                let at = from..width.min(from + step);
                let h = simd.mul_f32s(lanes::load(simd, &g[at.clone()]), lanes::load(simd, &gamma[at.clone()]));
                sum = simd.add_f32s(sum, h);
                dot = simd.mul_add_e_f32s(h, normalised(simd, &x[at], mean, scale), dot);
            }
            let sum = simd.splat_f32s(simd.reduce_sum_f32s(sum) / width as f32);
            let dot = simd.splat_f32s(simd.reduce_sum_f32s(dot) / width as f32);
            for from in (0..width).step_by(step) {
                let at = from..width.min(from + step);
                let normal = normalised(simd, &x[at.clone()], mean, scale);
                let h = simd.mul_f32s(lanes::load(simd, &g[at.clone()]), lanes::load(simd, &gamma[at.clone()]));
                let centred = simd.sub_f32s(simd.sub_f32s(h, sum), simd.mul_f32s(normal, dot));
                lanes::store(simd, &mut dx[at], simd.mul_f32s(centred, scale));
            }
        }
    }
}

struct Scale<'a> {
    g: &'a [f32],
    x: &'a [f32],
    epsilon: f32,
    dgamma: &'a mut [f32],
}

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.dgamma.len();
        for (g, x) in self.g.chunks_exact(width).zip(self.x.chunks_exact(width)) {
            let (mean, scale) = statistics(simd, x, self.epsilon);
            for from in (0..width).step_by(S::F32_LANES) {
                let at = from..width.min(from + S::F32_LANES);
                let normal = normalised(simd, &x[at.clone()], mean, scale);
                let dgamma = &mut self.dgamma[at.clone()];
                let sum = simd.mul_add_e_f32s(lanes::load(simd, &g[at]), normal, lanes::load(simd, dgamma));
                lanes::store(simd, dgamma, sum);
            }
        }
    }
}

/// The mean of a row, and the factor that gives it a variance of 1, in every lane.
#[inline(always)]
fn statistics<S: Simd>(simd: S, x: &[f32], epsilon: f32) -> (S::f32s, S::f32s) {
    let mean = simd.splat_f32s(lanes::sum(simd, x) / x.len() as f32);
    let mut squares = simd.splat_f32s(0.0);
    for x in x.chunks(S::F32_LANES) {
        let deviation = simd.sub_f32s(lanes::load(simd, x), mean);
        // Lanes beyond the row hold zeros, whose deviation is not 0.
        let deviation = simd.select_f32s(lanes::first(simd, x.len()), deviation, simd.splat_f32s(0.0));
        squares = simd.mul_add_e_f32s(deviation, deviation, squares);
    }
    let variance = simd.reduce_sum_f32s(squares) / x.len() as f32;
    (mean, simd.splat_f32s(1.0 / (variance + epsilon).sqrt()))
}

#[inline(always)]
fn normalised<S: Simd>(simd: S, x: &[f32], mean: S::f32s, scale: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.sub_f32s(lanes::load(simd, x), mean), scale)
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::test::on_every_arch;
    use super::*;

    const EPSILON: f32 = 1e-5;

    fn numbers(seed: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 101) as f32 * 0.04 - 2.0).collect()
    }

    /// `sum of g y` in f64: its slopes are the gradients.
    fn weighted(g: &[f32], x: &[f64], gamma: &[f64], beta: &[f64]) -> f64 {
        let width = gamma.len();
        let rows = x.chunks(width).zip(g.chunks(width));
        rows.map(|(x, g)| {
            let mean = x.iter().sum::<f64>() / width as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let scale = 1.0 / (variance + f64::from(EPSILON)).sqrt();
            let y = |j: usize| (x[j] - mean) * scale * gamma[j] + beta[j];
            (0..width).map(|j| f64::from(g[j]) * y(j)).sum::<f64>()
        })
        .sum()
    }

    fn slope(f: impl Fn(&[f64]) -> f64, at: &[f32], i: usize) -> f64 {
        let mut x: Vec<f64> = at.iter().map(|x| f64::from(*x)).collect();
        let h = 1e-5;
        x[i] += h;
        let up = f(&x);
        x[i] -= 2.0 * h;
        (up - f(&x)) / (2.0 * h)
    }

    #[test]
    fn values_and_gradients_agree_with_f64() {
        on_every_arch(|| {
            for width in (2..20).chain([31, 40, 64]) {
                let rows = 3;
                let (x, g) = (numbers(1, rows * width), numbers(2, rows * width));
                let (gamma, beta) = (numbers(3, width), numbers(4, width));
                let double = |x: &[f32]| -> Vec<f64> { x.iter().map(|x| f64::from(*x)).collect() };
                let mut y = vec![0.0; x.len()];
                layer_norm(&x, &gamma, &beta, EPSILON, &mut y);
                let mut one = vec![0.0; x.len()];
                for at in 0..x.len() {
                    one[at] = 1.0;
                    let expected = weighted(&one, &double(&x), &double(&gamma), &double(&beta));
                    assert!((f64::from(y[at]) - expected).abs() < 1e-5, "width {width}: {} for {expected}", y[at]);
                    one[at] = 0.0;
                }

                let (mut dx, mut dgamma) = (vec![0.5; x.len()], vec![0.25; width]);
                layer_norm_grad(&g, &x, &gamma, EPSILON, &mut dx);
                layer_norm_scale_grad(&g, &x, width, EPSILON, &mut dgamma);
                let close = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-4 * (1.0 + b.abs());
                for (at, dx) in dx.iter().enumerate() {
                    let expected = slope(|x| weighted(&g, x, &double(&gamma), &double(&beta)), &x, at);
                    assert!(close(*dx, expected), "width {width}: {dx} for {expected}");
                }
                for j in 0..width {
                    let of_gamma = slope(|gamma| weighted(&g, &double(&x), gamma, &double(&beta)), &gamma, j);
                    assert!(close(dgamma[j] - 0.25, of_gamma), "width {width}");
                }
            }
        });
    }

    #[test]
    fn a_constant_row_becomes_beta() {
        on_every_arch(|| {
            let mut y = [0.0; 3];
            layer_norm(&[2.0; 3], &[1.0; 3], &[0.0, 1.0, 2.0], EPSILON, &mut y);
            assert_eq!(y, [0.0, 1.0, 2.0]);
        });
    }
}
