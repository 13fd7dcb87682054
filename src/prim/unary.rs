//! Elementwise operations of one operand.

use candle_core::Tensor;

use crate::ir::graph::ValueId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::make;

/// A row of the table of elementwise functions.
#[derive(Debug)]
pub struct Unary {
    /// Its name.
    pub name: &'static str,
    eval: fn(&Tensor) -> candle_core::Result<Tensor>,
    /// The derivative, given that of the result.
    vjp: fn(&mut Vjp, ValueId) -> Result<Option<ValueId>, Fault>,
}

/// Alphabetical.
pub const UNARY: &[Unary] = &[
    Unary { name: "abs", eval: Tensor::abs, vjp: |at, g| times(at, g, "sign") },
    Unary { name: "exp", eval: Tensor::exp, vjp: |at, g| Ok(Some(make::mul(at.to, g, at.results[0])?)) },
    Unary { name: "log", eval: Tensor::log, vjp: |at, g| Ok(Some(make::div(at.to, g, at.operands[0])?)) },
    Unary { name: "neg", eval: Tensor::neg, vjp: |at, g| Ok(Some(make::unary(at.to, "neg", g)?)) },
    Unary { name: "sign", eval: Tensor::sign, vjp: |_, _| Ok(None) },
];

impl Op for Unary {
    fn name(&self) -> &'static str {
        self.name
    }

    /// (C1) One operand. (C2) It is a number.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = site.operands else {
            return Err(Fault::new("E0310", format!("`{}` takes 1 operand, found {}", self.name, site.operands.len())));
        };
        if !x.is_float() {
            return Err(Fault::new("E0302", format!("`{}` takes numbers, found {}", self.name, site.show(x))).of(0));
        }
        Ok(vec![Type { elem: Elem::F32, ..(*x).clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![(self.eval)(&call.operands[0])?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        match at.cotangent() {
            Some(g) => Ok(vec![(self.vjp)(at, g)?]),
            None => Ok(vec![None]),
        }
    }
}

/// `g * slope(x)`.
fn times(at: &mut Vjp, g: ValueId, slope: &str) -> Result<Option<ValueId>, Fault> {
    let slope = make::unary(at.to, slope, at.operands[0])?;
    Ok(Some(make::mul(at.to, g, slope)?))
}
