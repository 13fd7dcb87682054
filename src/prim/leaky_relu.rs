//! The rectifier that keeps a share of what is negative (Maas et al. 2013).

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule};

/// `leaky_relu(x) {slope}`: `x` where positive, else `slope x`.
#[derive(Debug)]
pub struct LeakyRelu;

/// `leaky_relu_grad(g, x) {slope}`: `g` where `x` is positive, else `slope g`.
#[derive(Debug)]
pub struct LeakyReluGrad;

const ATTRIBUTES: &[Declared] = &[("slope", AttrKind::Float)];

impl Op for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand of numbers.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        Ok(vec![Type { elem: Elem::F32, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let x = &call.operands[0];
        let negative = (x.neg()?.relu()? * call.attrs.float("slope"))?;
        Ok(vec![(x.relu()? - negative)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        Ok(vec![Some(make::leaky_relu_grad(at.to, g, at.operands[0], at.attrs.float("slope"))?)])
    }
}

impl Op for LeakyReluGrad {
    fn name(&self) -> &'static str {
        "leaky_relu_grad"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) Two operands of numbers. (C2) They have the same space, height and width.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [g, x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        rule::numbers(self.name(), site, 1)?;
        if g.space != x.space || g.height != x.height || g.width != x.width {
            let title = format!("`leaky_relu_grad` needs two equal types, found {} and {}", site.show(g), site.show(x));
            return Err(Fault::new("E0301", title).of(0));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (g, x) = (&call.operands[0], &call.operands[1]);
        let scaled = (g * call.attrs.float("slope"))?;
        Ok(vec![x.gt(0.0)?.where_cond(g, &scaled)?])
    }

    /// Nothing is differentiated twice.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`leaky_relu_grad` has no derivative"))
    }
}
