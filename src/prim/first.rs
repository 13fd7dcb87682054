//! The first or last element along axes: the newest event, the only row that a ranking head reads.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::sum::reduced_space;
use super::{make, rule, tensor};

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The row with the smallest number.
    First,
    /// The row with the largest number.
    Last,
}

/// `first(x, c) {over}` and `last`, the condition optional: the row at that end among those where `c` holds; 0 of none.
#[derive(Debug)]
pub struct AtEnd(pub End);

/// `first_row(c) {over}` and `last_row`: whether a row is the one at that end among those where `c` holds, by column.
#[derive(Debug)]
pub struct EndRow(pub End);

const ATTRIBUTES: &[Declared] = &[("over", AttrKind::Axes)];

impl Op for AtEnd {
    fn name(&self) -> &'static str {
        if self.0 == End::First { "first" } else { "last" }
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers, and a condition at will. (C2) It has every axis of `over`. (C3) No axis that stays
    /// stands under one that goes. (C4) The condition has no axis that `x` lacks and is one wide or as wide as `x`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let (x, _) = rule::chosen(self.name(), site)?;
        let space = reduced_space(self.name(), site)?;
        Ok(vec![Type { elem: Elem::F32, ..x.with_space(space) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (space, x) = (&call.types[0].space, &call.operands[0]);
        let condition = match call.operands.len() {
            1 => tensor::full_like(1.0, x)?,
            _ => tensor::own(call.spread(1, space)?.broadcast_as(x.shape())?)?,
        };
        let map = call.rows.map(space, &call.results[0].space);
        let chosen = end_rows(self.0, &condition, &map, call.shape(0).0)?;
        let kept = chosen.where_cond(x, &x.zeros_like()?)?;
        Ok(vec![tensor::sum_by(&kept, &map, call.shape(0).0)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        let Some(g) = at.cotangent() else { return Ok(results) };
        let condition = match at.operands.get(1) {
            Some(&condition) => condition,
            None => {
                let one = make::constant(at.to, 1.0, 1)?;
                let like = at.to.ty(at.operands[0]).with_width(1);
                make::expand(at.to, one, &like)?
            }
        };
        let like = at.to.ty(at.operands[0]).clone();
        let condition = make::expand(at.to, condition, &like.with_width(at.to.ty(condition).width))?;
        let row = make::end_row(at.to, self.0, condition, at.attrs.axes("over").to_vec())?;
        results[0] = Some(make::mul(at.to, row, g)?);
        Ok(results)
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

impl Op for EndRow {
    fn name(&self) -> &'static str {
        if self.0 == End::First { "first_row" } else { "last_row" }
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand, a condition or numbers that are not 0 where it holds. (C2) It has every axis of `over`. (C3) No
    /// axis that stays stands under one that goes.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [c] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        reduced_space(self.name(), site)?;
        Ok(vec![Type { elem: Elem::Bool, ..c.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (space, c) = (&call.types[0].space, &call.operands[0]);
        let left = rule::left(call, space);
        let (map, count) = (call.rows.map(space, &left), call.rows.count(&left));
        Ok(vec![end_rows(self.0, c, &map, count)?.to_dtype(tensor::float_of(c))?])
    }

    /// A condition has no derivative.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

/// Where the row at the end of its group stands, by column: a mask.
fn end_rows(end: End, condition: &Tensor, map: &[u32], count: usize) -> candle_core::Result<Tensor> {
    let (rows, width) = condition.dims2()?;
    let device = condition.device();
    // Row numbers, negative for the first: the largest that counts is the one wanted.
    let sign = if end == End::First { -1.0 } else { 1.0 };
    let numbers: Vec<f64> = (0..rows).map(|row| sign * row as f64).collect();
    let numbers = tensor::own(Tensor::from_vec(numbers, (rows, 1), device)?.broadcast_as((rows, width))?)?;
    let lowest = tensor::full_like(f64::NEG_INFINITY, &numbers)?;
    let counted = tensor::holds(condition)?.where_cond(&numbers, &lowest)?;
    let wanted = tensor::max_by(&counted, map, count)?.index_select(&tensor::places(map, condition)?, 0)?;
    numbers.eq(&wanted)
}
