//! A row of the same number, in the unit space.

use candle_core::{DType, Tensor};

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Space, Type};

/// `constant {value, width}`.
#[derive(Debug)]
pub struct Constant;

impl Op for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("value", AttrKind::Float), ("width", AttrKind::Int)]
    }

    /// (C1) No operands. (C2) `width` is at least 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let width = u32::try_from(site.attrs.int("width")).unwrap_or(0);
        if !site.operands.is_empty() || width == 0 {
            return Err(Fault::new("E0310", "`constant` takes no operands and a width of at least 1"));
        }
        Ok(vec![Type::f32(Space::unit(), width)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let value = call.attrs.float("value") as f32;
        Ok(vec![Tensor::full(value, call.shape(0), call.device)?.to_dtype(DType::F32)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }
}
