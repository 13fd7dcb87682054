//! Adagrad (Duchi et al. 2011), of a dense parameter and of the rows that a batch looks up, as PyTorch has it.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, EffectOp, Fault, Site};
use crate::ir::types::Type;

use super::add_rows::add_rows;
use super::{effect, tensor};

/// `update @w, @w.s = adagrad(g, lr) {eps, weight_decay}`: `s` sums squares of the gradient, the decay added to it.
#[derive(Debug)]
pub struct Adagrad;

/// `update @table, @table.s = row_adagrad(g, lr) {eps}`: the same for the rows of the batch. A row that is not in the batch
/// has no gradient, so leaving it out changes nothing.
#[derive(Debug)]
pub struct RowAdagrad;

impl EffectOp for Adagrad {
    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("eps", AttrKind::Float), ("weight_decay", AttrKind::Float)]
    }

    /// (C1) Two targets of one type. (C2) The gradient has that type. (C3) `lr` is `f32[1]`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        effect::dense(self.name(), targets, site, 2, 1)
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w, s], [g, ..]) = (targets, call.operands) else { candle_core::bail!("adagrad: wrong operands") };
        let g = effect::with_decay(g, w, call.attrs.float("weight_decay"))?;
        let s = (s + g.sqr()?)?;
        let root = (s.sqrt()? + call.attrs.float("eps"))?;
        Ok(vec![(w - ((g / root)? * effect::scalar(call, 1)?)?)?, s])
    }
}

impl EffectOp for RowAdagrad {
    fn name(&self) -> &'static str {
        "row_adagrad"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("eps", AttrKind::Float)]
    }

    /// (C1) Two targets of one type, on the rows of one table. (C2) The gradient stands on the distinct rows of that table
    /// and is as wide. (C3) `lr` is `f32[1]`.
    fn check(&self, targets: &[&Type], site: &Site) -> Result<(), Fault> {
        effect::by_row(self.name(), targets, site, 2, 1)
    }

    fn apply(&self, targets: &[Tensor], call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let ([w, s], [g, ..]) = (targets, call.operands) else { candle_core::bail!("row_adagrad: wrong operands") };
        let distinct = effect::rows(call);
        let s = add_rows(s, &distinct, &g.sqr()?)?;
        let root = (s.index_select(&tensor::places(&distinct, g)?, 0)?.sqrt()? + call.attrs.float("eps"))?;
        let change = ((g / root)? * -effect::scalar(call, 1)?)?;
        Ok(vec![add_rows(w, &distinct, &change)?, s])
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{Kit, close};
    use super::*;
    use crate::ir::attr::Attrs;

    #[test]
    fn the_step_is_divided_by_the_root_of_all_squares() {
        let mut kit = Kit::new(&[1]);
        let (w, s) = (kit.f32(&[], 2, &[1.0, 1.0]), kit.f32(&[], 2, &[7.0, 0.0]));
        let (g, lr) = (kit.f32(&[], 2, &[2.0, 0.0]), kit.f32(&[], 1, &[0.1]));
        let attrs = Attrs::none().with("eps", 1.0).with("weight_decay", 1.0);
        let results = kit.apply(&Adagrad, &[w, s], &[g, lr], attrs);
        // Decay makes the gradients 3 and 1.
        close(&results[1], &[16.0, 1.0]);
        close(&results[0], &[1.0 - 0.1 * 3.0 / 5.0, 1.0 - 0.1 * 1.0 / 2.0]);
    }

    #[test]
    fn only_the_rows_of_the_batch_change() {
        let mut kit = Kit::new(&[1]);
        let (whole, distinct) = (kit.whole, kit.distinct);
        let (w, s) = (kit.f32(&[whole], 1, &[1.0; 5]), kit.f32(&[whole], 1, &[0.0, 0.0, 3.0, 5.0, 0.0]));
        let (g, lr) = (kit.f32(&[distinct], 1, &[4.0, 2.0]), kit.f32(&[], 1, &[0.5]));
        let results = kit.apply(&RowAdagrad, &[w, s], &[g, lr], Attrs::none().with("eps", 1.0));
        close(&results[1], &[0.0, 16.0, 3.0, 9.0, 0.0]);
        close(&results[0], &[1.0, 1.0 - 0.5 * 4.0 / 5.0, 1.0, 1.0 - 0.5 * 2.0 / 4.0, 1.0]);
    }
}
