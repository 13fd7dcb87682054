//! Stochastic gradient descent, of a dense parameter and of the rows that a batch looks up, as PyTorch has it.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, EffectOp, Fault, Site};
use crate::ir::types::Type;

use super::add_rows::add_rows;
use super::effect;

/// `update @w, @w.m = sgd(g, lr) {momentum, weight_decay}`: `m` is `momentum m + g`, without dampening, and starts from 0;
/// without momentum there is no `m`. The decay is added to the gradient.
#[derive(Debug)]
pub struct Sgd;

/// `update @table = row_sgd(g, lr)`: without momentum, which would move rows that the batch does not hold.
#[derive(Debug)]
pub struct RowSgd;

impl EffectOp for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("momentum", AttrKind::Float), ("weight_decay", AttrKind::Float)]
    }

    /// (C1) Two targets of one type; one if `momentum` is 0. (C2) The gradient has that type. (C3) `lr` is `f32[1]`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        let expected = if site.attrs.float("momentum") == 0.0 { 1 } else { 2 };
        effect::dense(self.name(), targets, site, expected, 1)
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w, momentum @ ..], [g, ..]) = (targets, call.operands) else { candle_core::bail!("sgd: wrong operands") };
        let g = effect::with_decay(g, w, call.attrs.float("weight_decay"))?;
        let lr = effect::scalar(call, 1)?;
        match momentum.first() {
            None => Ok(vec![(w - (g * lr)?)?]),
            Some(m) => {
                let m = ((m * call.attrs.float("momentum"))? + g)?;
                Ok(vec![(w - (&m * lr)?)?, m])
            }
        }
    }
}

impl EffectOp for RowSgd {
    fn name(&self) -> &'static str {
        "row_sgd"
    }

    /// (C1) One target on the rows of a table. (C2) The gradient stands on the distinct rows of that table and is as wide.
    /// (C3) `lr` is `f32[1]`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        effect::by_row(self.name(), targets, site, 1, 1)
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w], [g, ..]) = (targets, call.operands) else { candle_core::bail!("row_sgd: wrong operands") };
        Ok(vec![add_rows(w, &effect::rows(call), &(g * -effect::scalar(call, 1)?)?)?])
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{Kit, close};
    use super::*;
    use crate::ir::attr::Attrs;

    fn attrs(momentum: f64, weight_decay: f64) -> Attrs {
        Attrs::none().with("momentum", momentum).with("weight_decay", weight_decay)
    }

    #[test]
    fn momentum_keeps_a_share_of_the_steps_before() {
        let mut kit = Kit::new(&[1]);
        let (w, m) = (kit.f32(&[], 1, &[1.0]), kit.f32(&[], 1, &[10.0]));
        let (g, lr) = (kit.f32(&[], 1, &[2.0]), kit.f32(&[], 1, &[0.1]));
        let results = kit.apply(&Sgd, &[w, m], &[g, lr], attrs(0.5, 3.0));
        close(&results[1], &[10.0]);
        close(&results[0], &[0.0]);
        close(&kit.apply(&Sgd, &[w], &[g, lr], attrs(0.0, 0.0))[0], &[0.8]);
    }

    #[test]
    fn c1_momentum_needs_a_second_target() {
        let kit = Kit::new(&[1]);
        let w = Type::f32(kit.space(&[]), 1);
        let (operands, attrs) = ([&w, &w], attrs(0.5, 0.0));
        let site = Site { axes: kit.to.graph().axes(), operands: &operands, attrs: &attrs };
        assert_eq!(Sgd.check(&[&w], &site).unwrap_err().code, "E0310");
    }

    #[test]
    fn only_the_rows_of_the_batch_change() {
        let mut kit = Kit::new(&[1]);
        let (whole, distinct) = (kit.whole, kit.distinct);
        let w = kit.f32(&[whole], 1, &[1.0; 5]);
        let (g, lr) = (kit.f32(&[distinct], 1, &[4.0, 2.0]), kit.f32(&[], 1, &[0.5]));
        close(&kit.apply(&RowSgd, &[w], &[g, lr], Attrs::none())[0], &[1.0, -1.0, 1.0, 0.0, 1.0]);
    }
}
