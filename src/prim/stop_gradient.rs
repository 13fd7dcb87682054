//! A value that is read as if it were a constant.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::rule;

/// `stop_gradient(x)`: `x`, with no derivative.
#[derive(Debug)]
pub struct StopGradient;

impl Op for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }

    /// (C1) One operand of numbers.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        Ok(vec![x.clone()])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![call.operands[0].clone()])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }
}
