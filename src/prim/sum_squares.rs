//! The sum of the squares of every number of several values: the square of the norm that gradients are clipped by.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Space, Type};

/// `sum_squares(a, b, ...)`: `f32[1]`.
#[derive(Debug)]
pub struct SumSquares;

impl Op for SumSquares {
    fn name(&self) -> &'static str {
        "sum_squares"
    }

    /// (C1) At least one operand. (C2) Numbers.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        if site.operands.is_empty() {
            return Err(Fault::new("E0310", "`sum_squares` takes at least one operand"));
        }
        if let Some(i) = site.operands.iter().position(|ty| !ty.is_float()) {
            let title = format!("`sum_squares` takes numbers, found {}", site.show(site.operands[i]));
            return Err(Fault::new("E0302", title).of(i));
        }
        Ok(vec![Type::f32(Space::unit(), 1)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let mut total = Tensor::zeros((1, 1), call.operands[0].dtype(), call.device)?;
        for operand in call.operands {
            total = (total + operand.sqr()?.sum_all()?.reshape((1, 1))?)?;
        }
        Ok(vec![total])
    }

    /// It stands between gradients and their use, which nothing differentiates.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`sum_squares` has no derivative"))
    }

    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.iter().any(|ty| site.axes.batch_of(&ty.space).is_some())
    }
}
