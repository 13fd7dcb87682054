//! Sums over axes, and over the width.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::graph::ValueId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Space, Type};

use super::{make, rule, tensor};

/// `sum(x) {over}`: the sum over the real elements of some axes; 0 where there are none.
#[derive(Debug)]
pub struct Sum;

/// `sum_width(x)`: the sum of each row.
#[derive(Debug)]
pub struct SumWidth;

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("over", AttrKind::Axes)]
    }

    /// (C1) One operand of numbers. (C2) It has every axis of `over`. (C3) No axis that stays stands under one that goes.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let space = reduced_space(self.name(), site)?;
        Ok(vec![Type { elem: Elem::F32, ..site.operands[0].with_space(space) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let map = call.rows.map(&call.types[0].space, &call.results[0].space);
        Ok(vec![tensor::sum_by(&call.operands[0], &map, call.shape(0).0)?])
    }

    /// Every element gets the derivative of its sum.
    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        Ok(vec![Some(repeat_like_operand(at, g)?)])
    }

    fn couples_samples(&self, site: &Site) -> bool {
        rule::reduces_batch(site)
    }
}

impl Op for SumWidth {
    fn name(&self) -> &'static str {
        "sum_width"
    }

    /// (C1) One operand of numbers.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = site.operands else {
            return Err(Fault::new("E0310", format!("`sum_width` takes 1 operand, found {}", site.operands.len())));
        };
        if !x.is_float() {
            return Err(Fault::new("E0302", format!("`sum_width` takes numbers, found {}", site.show(x))).of(0));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.with_width(1) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![call.operands[0].sum_keepdim(1)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        Ok(vec![Some(repeat_like_operand(at, g)?)])
    }
}

/// The space that is left of the first operand's after the axes of `over`, for every reduction.
pub(super) fn reduced_space(name: &str, site: &Site) -> Result<Space, Fault> {
    let Some(x) = site.operands.first() else {
        return Err(Fault::new("E0310", format!("`{name}` takes an operand, found none")));
    };
    rule::numbers(name, site, 0)?;
    rule::space_without(name, site, x)
}

/// `g` repeated to the space and width of operand 0.
fn repeat_like_operand(at: &mut Vjp, g: ValueId) -> Result<ValueId, Fault> {
    let like = at.to.ty(at.operands[0]).clone();
    make::expand(at.to, g, &like)
}
