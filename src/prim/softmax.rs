//! Softmax along axes, column by column: attention weights over the real elements of a history.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Space, Type};

use super::sum::reduced_space;
use super::{make, rule, tensor};

/// `softmax(x, c) {over}`, the condition optional: `e^x` over its sum along `over`, among the rows where `c` holds; 0 where
/// it does not. Of no rows nothing comes, so an empty history weighs nothing and needs no case of its own.
#[derive(Debug)]
pub struct Softmax;

/// `softmax_grad(g, y) {over}`: `y (g - sum(g y))`.
#[derive(Debug)]
pub struct SoftmaxGrad;

const ATTRIBUTES: &[Declared] = &[("over", AttrKind::Axes)];

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers, and a condition at will. (C2) It has every axis of `over`. (C3) No axis that stays
    /// stands under one that goes. (C4) The condition has no axis that `x` lacks and is one wide or as wide as `x`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (x, _) = rule::chosen(self.name(), site)?;
        reduced_space(self.name(), site)?;
        Ok(vec![Type { elem: Elem::F32, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = &call.types[0].space;
        let (map, count) = groups(call, space);
        let mut x = call.operands[0].clone();
        if call.operands.len() > 1 {
            let lowest = tensor::full_like(f64::NEG_INFINITY, &x)?;
            x = tensor::choose(&call.spread(1, space)?, &x, &lowest, call.shape(0))?;
        }
        let places = tensor::places(&map, &x)?;
        let largest = tensor::max_by(&x, &map, count)?;
        // A group of minus infinities only has no largest number to be subtracted; 0 leaves them e^-inf = 0.
        let finite = largest.gt(f64::NEG_INFINITY)?;
        let largest = finite.where_cond(&largest, &largest.zeros_like()?)?;
        let e = (x - largest.index_select(&places, 0)?)?.exp()?;
        let total = tensor::sum_by(&e, &map, count)?;
        let total = total.eq(0.0)?.where_cond(&tensor::full_like(1.0, &total)?, &total)?;
        Ok(vec![(e / total.index_select(&places, 0)?)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        if let Some(g) = at.cotangent() {
            results[0] = Some(make::softmax_grad(at.to, g, at.results[0], at.attrs.axes("over").to_vec())?);
        }
        Ok(results)
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

impl Op for SoftmaxGrad {
    fn name(&self) -> &'static str {
        "softmax_grad"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Two operands of numbers. (C2) They have the same space, height and width. (C3) `over` as for `softmax`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [g, y] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        rule::numbers(self.name(), site, 1)?;
        if g.space != y.space || g.height != y.height || g.width != y.width {
            let title = format!("`softmax_grad` needs two equal types, found {} and {}", site.show(g), site.show(y));
            return Err(Fault::new("E0301", title).of(0));
        }
        reduced_space(self.name(), site)?;
        Ok(vec![Type { elem: Elem::F32, ..y.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (map, count) = groups(call, &call.types[0].space);
        let (g, y) = (&call.operands[0], &call.operands[1]);
        let products = (g * y)?;
        let total = tensor::sum_by(&products, &map, count)?.index_select(&tensor::places(&map, g)?, 0)?;
        Ok(vec![(products - (y * total)?)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`softmax_grad` has no derivative"))
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

/// For every row the group that is normalised together, and the number of groups.
fn groups(call: &Call, space: &Space) -> (std::sync::Arc<[u32]>, usize) {
    let left = rule::left(call, space);
    (call.rows.map(space, &left), call.rows.count(&left))
}
