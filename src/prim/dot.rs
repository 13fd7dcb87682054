//! The inner product of two rows.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule};

/// `dot(a, b)`: the sum of the products along the width, in the united space.
#[derive(Debug)]
pub struct Dot;

impl Op for Dot {
    fn name(&self) -> &'static str {
        "dot"
    }

    /// (C1) Two operands of numbers. (C2) Equal widths and heights.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [a, b] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        rule::numbers(self.name(), site, 1)?;
        if a.width != b.width || a.height != b.height {
            let title = format!("`dot` needs equal widths, found {} and {}", a.width, b.width);
            return Err(Fault::new("E0301", title).of(1).help("`linear(a, n)` changes a width"));
        }
        Ok(vec![Type { elem: Elem::F32, space: site.united(), height: a.height, width: 1 }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = &call.results[0].space;
        Ok(vec![(call.spread(0, space)? * call.spread(1, space)?)?.sum_keepdim(1)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None, None];
        let Some(g) = at.cotangent() else { return Ok(results) };
        for i in [0, 1] {
            if at.wanted[i] {
                let own = make::mul(at.to, g, at.operands[1 - i])?;
                results[i] = Some(at.sum_to_operand(i, own)?);
            }
        }
        Ok(results)
    }
}
