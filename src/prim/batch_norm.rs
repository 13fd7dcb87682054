//! Batch normalisation without scale and shift (Ioffe and Szegedy 2015), a composite like `dropout`.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{rule, tensor};

/// `batch_norm(x, mean, variance) {eps, momentum}`: in inference `(x - mean) / sqrt(variance + eps)` of the running
/// statistics; in training of those of the batch, which also move the running ones by `momentum`.
#[derive(Debug)]
pub struct BatchNorm;

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("eps", AttrKind::Float), ("momentum", AttrKind::Float)]
    }

    /// (C1) Three operands of numbers. (C2) The height of the first is 1. (C3) The others are one row of the unit space, as
    /// wide as the first. (C4) `eps` is positive.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, mean, variance] = rule::operands(self.name(), site)?;
        for i in 0..3 {
            rule::numbers(self.name(), site, i)?;
        }
        for (i, ty) in [x, mean, variance].into_iter().enumerate() {
            if ty.height != 1 || ty.width != x.width || (i > 0 && !ty.space.is_unit()) {
                let title = format!("`batch_norm` of {} by statistics {}", site.show(x), site.show(ty));
                return Err(Fault::new("E0301", title).of(i));
            }
        }
        if site.attrs.float("eps") <= 0.0 {
            return Err(rule::bad_attribute(self.name(), "`eps` must be positive"));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.clone() }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let [x, mean, variance] = call.operands else { candle_core::bail!("batch_norm: wrong operands") };
        let deviation = (variance + call.attrs.float("eps"))?.sqrt()?;
        Ok(vec![tensor::own(x.broadcast_sub(mean)?.broadcast_div(&deviation)?)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Err(Fault::new("E0399", "`batch_norm` is expanded before anything is differentiated"))
    }

    fn is_composite(&self) -> bool {
        true
    }
}
