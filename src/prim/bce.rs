//! Binary cross-entropy of a logit, in the form that no logit overflows.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule, tensor};

/// `bce(logit, label)`: `softplus(z) - z y`; 0 where the label is null. `softplus(z) = max(z, 0) + ln(1 + e^-|z|)`.
#[derive(Debug)]
pub struct Bce;

/// `bce_grad(logit, label)`: the slope `sigmoid(z) - y`; 0 where the label is null.
#[derive(Debug)]
pub struct BceGrad;

impl Op for Bce {
    fn name(&self) -> &'static str {
        "bce"
    }

    /// (C1) Two operands of numbers. (C2) Equal heights. (C3) Equal widths, or one is 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        row_by_row(self.name(), site)
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (z, y) = operands(call)?;
        let loss = tensor::softplus(&z)?.broadcast_sub(&z.broadcast_mul(&y)?)?;
        Ok(vec![where_known(&y, &loss)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None, None];
        let Some(g) = at.cotangent() else { return Ok(results) };
        if at.wanted[0] {
            let slope = make::bce_grad(at.to, at.operands[0], at.operands[1])?;
            let own = make::mul(at.to, g, slope)?;
            results[0] = Some(at.sum_to_operand(0, own)?);
        }
        if at.wanted[1] {
            let known = make::unary(at.to, "known", at.operands[1])?;
            let slope = make::unary(at.to, "neg", at.operands[0])?;
            let own = make::mul(at.to, g, slope)?;
            let zero = make::constant(at.to, 0.0, 1)?;
            let own = make::choose(at.to, known, own, zero)?;
            results[1] = Some(at.sum_to_operand(1, own)?);
        }
        Ok(results)
    }
}

impl Op for BceGrad {
    fn name(&self) -> &'static str {
        "bce_grad"
    }

    /// (C1) to (C3) of `bce`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        row_by_row(self.name(), site)
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (z, y) = operands(call)?;
        Ok(vec![where_known(&y, &tensor::sigmoid(&z)?.broadcast_sub(&y)?)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`bce_grad` has no derivative"))
    }
}

fn row_by_row(name: &str, site: &Site) -> Result<Vec<Type>, Fault> {
    let [z, y] = rule::operands(name, site)?;
    rule::numbers(name, site, 0)?;
    rule::numbers(name, site, 1)?;
    if z.height != y.height || (z.width != y.width && z.width != 1 && y.width != 1) {
        let title = format!("`{name}` needs one label per logit, found {} and {}", site.show(z), site.show(y));
        return Err(Fault::new("E0301", title).of(1));
    }
    Ok(vec![Type { elem: Elem::F32, space: site.united(), height: z.height, width: z.width.max(y.width) }])
}

fn operands(call: &Call) -> candle_core::Result<(Tensor, Tensor)> {
    let space = &call.results[0].space;
    Ok((call.spread(0, space)?, call.spread(1, space)?))
}

fn where_known(label: &Tensor, value: &Tensor) -> candle_core::Result<Tensor> {
    let (label, value) = (tensor::own(label.broadcast_as(value.shape())?)?, tensor::own(value.clone())?);
    label.eq(&label)?.where_cond(&value, &value.zeros_like()?)
}
