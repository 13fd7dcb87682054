//! Dropout, a composite: an operation that means one thing in training and another in inference. Composites stand in a
//! model graph only; the passes that instantiate it put something else in their place.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::rule;

/// `dropout(x) {rate, stream}`: in inference `x`; in training `x` times a mask drawn from `stream`.
#[derive(Debug)]
pub struct Dropout;

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("rate", AttrKind::Float), ("stream", AttrKind::Text)]
    }

    /// (C1) One operand of numbers. (C2) `rate` is at least 0 and less than 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        let rate = site.attrs.float("rate");
        if !(0.0..1.0).contains(&rate) {
            return Err(rule::bad_attribute(self.name(), format!("a rate of {rate}")));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![call.operands[0].clone()])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`dropout` is expanded before anything is differentiated"))
    }

    fn is_composite(&self) -> bool {
        true
    }
}
