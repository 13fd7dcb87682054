//! A weight matrix with rows and columns exchanged.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::make;

/// `transpose(w)`.
#[derive(Debug)]
pub struct Transpose;

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    /// (C1) One operand, a matrix of numbers in the unit space.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        match site.operands {
            [w] if w.is_float() && w.space.is_unit() => Ok(vec![Type::matrix(w.width, w.height)]),
            _ => Err(Fault::new("E0302", "`transpose` takes one matrix of the unit space")),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![call.operands[0].t()?.contiguous()?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        match at.cotangent() {
            Some(g) => Ok(vec![Some(make::transpose(at.to, g)?)]),
            None => Ok(vec![None]),
        }
    }
}
