//! Adam of a dense parameter (Kingma and Ba 2015, algorithm 1), and AdamW (Loshchilov and Hutter 2019), as PyTorch has them.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, EffectOp, Fault, Site};
use crate::ir::types::Type;

use super::effect;

/// `update @w, @w.m, @w.v = adam(g, lr, step) {beta1, beta2, eps, weight_decay}`; `step` counts from 1; the decay is added
/// to the gradient.
#[derive(Debug)]
pub struct Adam;

/// `adamw`: the decay shrinks the weight by `lr * weight_decay` and does not pass through the moments.
#[derive(Debug)]
pub struct AdamW;

const ATTRIBUTES: &[Declared] = &[
    ("beta1", AttrKind::Float),
    ("beta2", AttrKind::Float),
    ("eps", AttrKind::Float),
    ("weight_decay", AttrKind::Float),
];

impl EffectOp for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Three targets of one type. (C2) The gradient has that type. (C3) `lr` and `step` are `f32[1]`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        effect::dense(self.name(), targets, site, 3, 2)
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w, m, v], [g, ..]) = (targets, call.operands) else { candle_core::bail!("adam: wrong operands") };
        let g = effect::with_decay(g, w, call.attrs.float("weight_decay"))?;
        step(w, m, v, &g, call)
    }
}

impl EffectOp for AdamW {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) to (C3) of `adam`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        effect::dense(self.name(), targets, site, 3, 2)
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w, m, v], [g, ..]) = (targets, call.operands) else { candle_core::bail!("adamw: wrong operands") };
        let shrunk = (w * (1.0 - effect::scalar(call, 1)? * call.attrs.float("weight_decay")))?;
        step(&shrunk, m, v, g, call)
    }
}

fn step(w: &Tensor, m: &Tensor, v: &Tensor, g: &Tensor, call: &Call) -> candle_core::Result<Vec<Tensor>> {
    let (lr, step) = (effect::scalar(call, 1)?, effect::scalar(call, 2)?);
    let (beta1, beta2) = (call.attrs.float("beta1"), call.attrs.float("beta2"));
    let m = ((m * beta1)? + (g * (1.0 - beta1))?)?;
    let v = ((v * beta2)? + (g.sqr()? * (1.0 - beta2))?)?;
    let (first, second) = (1.0 - beta1.powf(step), 1.0 - beta2.powf(step));
    let root = ((v.sqrt()? * (1.0 / second.sqrt()))? + call.attrs.float("eps"))?;
    let w = (w - ((&m / root)? * (lr / first))?)?;
    Ok(vec![w, m, v])
}

#[cfg(test)]
mod tests {
    use super::super::kit::{Kit, close};
    use super::*;
    use crate::ir::attr::Attrs;

    fn attrs(weight_decay: f64) -> Attrs {
        let attrs = Attrs::none().with("beta1", 0.9).with("beta2", 0.999).with("eps", 1e-8);
        attrs.with("weight_decay", weight_decay)
    }

    fn stepped(op: &dyn EffectOp, weight_decay: f64) -> Vec<Vec<f32>> {
        let mut kit = Kit::new(&[1]);
        let targets = [[1.0, 2.0], [0.5, 0.0], [0.25, 0.0]].map(|state| kit.f32(&[], 2, &state));
        let (g, lr, step) = (kit.f32(&[], 2, &[0.5, -3.0]), kit.f32(&[], 1, &[0.1]), kit.f32(&[], 1, &[2.0]));
        kit.apply(op, &targets, &[g, lr, step], attrs(weight_decay))
    }

    /// By hand: `m = .9 * .5 + .1 * .5 = .5`, `v = .999 * .25 + .001 * .25 = .25`, corrected by `1 - .9^2 = .19` and
    /// `1 - .999^2 = .001999`: `1 - .1 (.5 / .19) / sqrt(.25 / .001999)`.
    #[test]
    fn the_second_step_corrects_by_the_second_power() {
        let [w, m, v] = &stepped(&Adam, 0.0)[..] else { panic!("three results") };
        close(m, &[0.5, -0.3]);
        close(v, &[0.25, 0.009]);
        close(w, &[1.0 - 0.263_157_9 / 11.183_13, 2.0 + 0.157_894_7 / 2.121_849]);
    }

    #[test]
    fn decay_passes_through_the_moments_of_adam_but_not_of_adamw() {
        close(&stepped(&Adam, 0.5)[1], &[0.55, -0.2]);
        let decayed = stepped(&AdamW, 0.5);
        close(&decayed[1], &[0.5, -0.3]);
        // The weight shrinks by 0.1 * 0.5 of itself.
        let plain = stepped(&AdamW, 0.0);
        close(&decayed[0], &[plain[0][0] - 0.05, plain[0][1] - 0.1]);
    }
}
