//! The arithmetic of each rule in one register.

use pulp::Simd;

/// A rule with `N` moments, its scalars computed.
pub(super) trait Step<const N: usize>: Copy {
    /// The parameter and its moments after the step.
    fn step<S: Simd>(self, simd: S, w: S::f32s, g: S::f32s, moments: [S::f32s; N]) -> (S::f32s, [S::f32s; N]);
}

/// Adam, AdamW, and the lazy Adam of table rows.
#[derive(Clone, Copy)]
pub(super) struct Adam {
    keep: f32,
    gain1: f32,
    beta2: f32,
    gain2: f32,
    root: f32,
    epsilon: f32,
    rate: f32,
}

impl Adam {
    pub(super) fn new(step: u64, rate: f64, [beta1, beta2]: [f64; 2], epsilon: f64, decay: f64, lazy: bool) -> Self {
        let correction1 = 1.0 - beta1.powf(step as f64);
        let correction2 = (1.0 - beta2.powf(step as f64)).sqrt();
        // The lazy form multiplies the rate by the second correction instead of dividing the root by it: epsilon stays as it is.
        let (scaled, root) =
            if lazy { (rate * correction2 / correction1, 1.0) } else { (rate / correction1, 1.0 / correction2) };
        Adam {
            keep: (1.0 - rate * decay) as f32,
            gain1: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            gain2: (1.0 - beta2) as f32,
            root: root as f32,
            epsilon: epsilon as f32,
            rate: scaled as f32,
        }
    }
}

impl Step<2> for Adam {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::f32s, g: S::f32s, [m, v]: [S::f32s; 2]) -> (S::f32s, [S::f32s; 2]) {
        let m = simd.mul_add_e_f32s(simd.sub_f32s(g, m), simd.splat_f32s(self.gain1), m);
        let square = simd.mul_f32s(simd.mul_f32s(g, simd.splat_f32s(self.gain2)), g);
        let v = simd.mul_add_e_f32s(v, simd.splat_f32s(self.beta2), square);
        let root = simd.mul_f32s(simd.sqrt_f32s(v), simd.splat_f32s(self.root));
        let ratio = simd.div_f32s(m, simd.add_f32s(root, simd.splat_f32s(self.epsilon)));
        let w = simd.mul_f32s(w, simd.splat_f32s(self.keep));
        (simd.mul_add_e_f32s(ratio, simd.splat_f32s(-self.rate), w), [m, v])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Adagrad {
    pub(super) rate: f32,
    pub(super) epsilon: f32,
}

impl Step<1> for Adagrad {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::f32s, g: S::f32s, [sum]: [S::f32s; 1]) -> (S::f32s, [S::f32s; 1]) {
        let sum = simd.mul_add_e_f32s(g, g, sum);
        let below = simd.add_f32s(simd.sqrt_f32s(sum), simd.splat_f32s(self.epsilon));
        (simd.mul_add_e_f32s(simd.div_f32s(g, below), simd.splat_f32s(-self.rate), w), [sum])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Momentum {
    pub(super) rate: f32,
    pub(super) momentum: f32,
}

impl Step<1> for Momentum {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::f32s, g: S::f32s, [u]: [S::f32s; 1]) -> (S::f32s, [S::f32s; 1]) {
        let u = simd.mul_add_e_f32s(u, simd.splat_f32s(self.momentum), g);
        (simd.mul_add_e_f32s(u, simd.splat_f32s(-self.rate), w), [u])
    }
}

#[derive(Clone, Copy)]
pub(super) struct Plain {
    pub(super) rate: f32,
}

impl Step<0> for Plain {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, w: S::f32s, g: S::f32s, _: [S::f32s; 0]) -> (S::f32s, [S::f32s; 0]) {
        (simd.mul_add_e_f32s(g, simd.splat_f32s(-self.rate), w), [])
    }
}
