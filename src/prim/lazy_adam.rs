//! Adam of the rows that a batch looks up, as PyTorch's SparseAdam: moments of other rows stand still, and the bias
//! correction counts all steps, not those of the row.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, EffectOp, Fault, Site};
use crate::ir::types::Type;

use super::add_rows::add_rows;
use super::{effect, tensor};

/// `update @table, @table.m, @table.v = lazy_adam(g, lr, step) {beta1, beta2, eps}`. Unlike in `adam`, `eps` is added to
/// the root before the bias correction: that is what SparseAdam does.
#[derive(Debug)]
pub struct LazyAdam;

impl EffectOp for LazyAdam {
    fn name(&self) -> &'static str {
        "lazy_adam"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("beta1", AttrKind::Float), ("beta2", AttrKind::Float), ("eps", AttrKind::Float)]
    }

    /// (C1) Three targets of one type, on the rows of one table. (C2) The gradient stands on the distinct rows of that table
    /// and is as wide. (C3) `lr` and `step` are `f32[1]`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        effect::by_row(self.name(), targets, site, 3, 2)
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w, m, v], [g, ..]) = (targets, call.operands) else { candle_core::bail!("lazy_adam: wrong operands") };
        let (lr, step) = (effect::scalar(call, 1)?, effect::scalar(call, 2)?);
        let (beta1, beta2) = (call.attrs.float("beta1"), call.attrs.float("beta2"));
        let distinct = effect::rows(call);
        let rows = tensor::places(&distinct, g)?;
        let (old_m, old_v) = (m.index_select(&rows, 0)?, v.index_select(&rows, 0)?);
        let more_m = ((g - &old_m)? * (1.0 - beta1))?;
        let more_v = ((g.sqr()? - &old_v)? * (1.0 - beta2))?;
        let root = ((old_v + &more_v)?.sqrt()? + call.attrs.float("eps"))?;
        let size = lr * (1.0 - beta2.powf(step)).sqrt() / (1.0 - beta1.powf(step));
        let change = (((old_m + &more_m)? / root)? * -size)?;
        let added = |target: &Tensor, more: &Tensor| add_rows(target, &distinct, more);
        Ok(vec![added(w, &change)?, added(m, &more_m)?, added(v, &more_v)?])
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{Kit, close};
    use super::*;
    use crate::ir::attr::Attrs;

    /// Row 1 by hand, at step 1: `m = .1 * .5 = .05`, `v = .001 * .25`, so the change is
    /// `lr sqrt(1 - .999) / (1 - .9) * .05 / (sqrt(.00025) + eps)`, just below `lr`.
    #[test]
    fn only_the_rows_of_the_batch_change() {
        let mut kit = Kit::new(&[1]);
        let (whole, distinct) = (kit.whole, kit.distinct);
        let w = kit.f32(&[whole], 1, &[1.0, 2.0, 3.0, 4.0, 5.0]);
        let m = kit.f32(&[whole], 1, &[0.0, 0.0, 7.0, 0.0, 0.0]);
        let v = kit.f32(&[whole], 1, &[0.0; 5]);
        let g = kit.f32(&[distinct], 1, &[0.5, -2.0]);
        let (lr, step) = (kit.f32(&[], 1, &[0.1]), kit.f32(&[], 1, &[1.0]));
        let attrs = Attrs::none().with("beta1", 0.9).with("beta2", 0.999).with("eps", 1e-2);
        let results = kit.apply(&LazyAdam, &[w, m, v], &[g, lr, step], attrs);
        let change = |g: f32| 0.1 * 0.001f32.sqrt() / 0.1 * (0.1 * g) / ((0.001 * g * g).sqrt() + 1e-2);
        close(&results[0], &[1.0, 2.0 - change(0.5), 3.0, 4.0 - change(-2.0), 5.0]);
        close(&results[1], &[0.0, 0.05, 7.0, -0.2, 0.0]);
        close(&results[2], &[0.0, 0.000_25, 0.0, 0.004, 0.0]);
    }

    #[test]
    fn c2_a_gradient_of_another_space_is_refused() {
        let kit = Kit::new(&[1]);
        let w = Type::f32(kit.space(&[kit.whole]), 2);
        let g = Type::f32(kit.space(&[kit.distinct]), 3);
        let number = Type::f32(kit.space(&[]), 1);
        let operands = [&g, &number, &number];
        let attrs = Attrs::none();
        let site = Site { axes: kit.to.graph().axes(), operands: &operands, attrs: &attrs };
        assert_eq!(LazyAdam.check(&[&w, &w, &w], &site).unwrap_err().code, "E0301");
        let dense = [&w, &number, &number];
        let site = Site { operands: &dense, ..site };
        assert_eq!(LazyAdam.check(&[&w, &w, &w], &site).unwrap_err().code, "E0301");
        assert_eq!(LazyAdam.check(&[&w, &w], &site).unwrap_err().code, "E0310");
    }
}
