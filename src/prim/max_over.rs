//! The largest element along axes, column by column.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::sum::reduced_space;
use super::{make, rule, tensor};

/// `max_over(x, c) {over}`, the condition optional: the largest of the rows where `c` holds; 0 of none.
#[derive(Debug)]
pub struct MaxOver;

impl Op for MaxOver {
    fn name(&self) -> &'static str {
        "max_over"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("over", AttrKind::Axes)]
    }

    /// (C1) One operand of numbers, and a condition at will. (C2) It has every axis of `over`. (C3) No axis that stays
    /// stands under one that goes. (C4) The condition has no axis that `x` lacks and is one wide or as wide as `x`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (x, _) = rule::chosen(self.name(), site)?;
        let space = reduced_space(self.name(), site)?;
        Ok(vec![Type { elem: Elem::F32, ..x.with_space(space) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = &call.types[0].space;
        let (map, (count, _)) = (call.rows.map(space, &call.results[0].space), call.shape(0));
        let x = &call.operands[0];
        let lowest = tensor::full_like(f64::NEG_INFINITY, x)?;
        let ones = tensor::full_like(1.0, x)?;
        let (x, counted) = match call.operands.len() {
            1 => (x.clone(), ones),
            _ => {
                let c = tensor::own(call.spread(1, space)?.broadcast_as(x.shape())?)?;
                (tensor::choose(&c, x, &lowest, x.dims2()?)?, c.to_dtype(x.dtype())?)
            }
        };
        let largest = tensor::max_by(&x, &map, count)?;
        let found = tensor::holds(&tensor::sum_by(&counted, &map, count)?)?;
        Ok(vec![found.where_cond(&largest, &largest.zeros_like()?)?])
    }

    /// The first of the rows that are as large as the result gets the derivative.
    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        let Some(g) = at.cotangent() else { return Ok(results) };
        let mut largest = make::binary(at.to, "eq", at.operands[0], at.results[0])?;
        if let Some(&condition) = at.operands.get(1) {
            largest = make::binary(at.to, "and", largest, condition)?;
        }
        let first = make::first_row(at.to, largest, at.attrs.axes("over").to_vec())?;
        results[0] = Some(make::mul(at.to, g, first)?);
        Ok(results)
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}
