//! Mean and variance over all rows: what batch normalisation subtracts and divides by in training.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Space, Type};

use super::{make, rule};

/// `moments(x)`: mean and biased variance of every column, in the unit space; 0 and 0 of no rows.
#[derive(Debug)]
pub struct Moments;

impl Op for Moments {
    fn name(&self) -> &'static str {
        "moments"
    }

    /// (C1) One operand of numbers. (C2) Its height is 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        if x.height != 1 {
            return Err(Fault::new("E0301", format!("`moments` of a matrix {}", site.show(x))).of(0));
        }
        Ok(vec![Type::f32(Space::unit(), x.width), Type::f32(Space::unit(), x.width)])
    }

    /// In two passes: the squares of what is left after the mean, which no large mean can drown.
    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let x = &call.operands[0];
        let share = 1.0 / call.rows.count(&call.types[0].space).max(1) as f64;
        let mean = (x.sum_keepdim(0)? * share)?;
        let variance = (x.broadcast_sub(&mean)?.sqr()?.sum_keepdim(0)? * share)?;
        Ok(vec![mean, variance])
    }

    /// `dx = (dmean + 2 (x - mean) dvariance) / n`; that the mean depends on `x` too does not change the second part, since
    /// the deviations sum to 0.
    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let like = at.to.ty(at.operands[0]).clone();
        let axes = like.space.axes().to_vec();
        let rows = make::count(at.to, axes.clone(), axes)?;
        let one = make::constant(at.to, 1.0, 1)?;
        let rows = make::binary(at.to, "max", rows, one)?;
        let mut parts = Vec::new();
        if let Some(g) = at.cotangents[0] {
            let share = make::div(at.to, g, rows)?;
            parts.push(make::expand(at.to, share, &like)?);
        }
        if let Some(g) = at.cotangents[1] {
            let share = make::div(at.to, g, rows)?;
            let twice = make::add(at.to, share, share)?;
            let deviation = make::sub(at.to, at.operands[0], at.results[0])?;
            parts.push(make::mul(at.to, deviation, twice)?);
        }
        match parts[..] {
            [part] => Ok(vec![Some(part)]),
            [first, second] => Ok(vec![Some(make::add(at.to, first, second)?)]),
            _ => Ok(vec![None]),
        }
    }

    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.iter().any(|x| site.axes.batch_of(&x.space).is_some())
    }
}
