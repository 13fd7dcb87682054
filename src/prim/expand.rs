//! Repeats a value along axes and width that it lacks. Broadcasting is implicit almost everywhere; this is for where a
//! consumer needs the rows, above all in the derivative of a sum.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::tensor;

/// `expand(x) {to, width}`.
#[derive(Debug)]
pub struct Expand;

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("to", AttrKind::Axes), ("width", AttrKind::Int)]
    }

    /// (C1) One operand of numbers. (C2) `to` has every axis of it. (C3) Its width is `width` or 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = site.operands else {
            return Err(Fault::new("E0310", format!("`expand` takes 1 operand, found {}", site.operands.len())));
        };
        let space = site.axes.close(site.attrs.axes("to"));
        let width = u32::try_from(site.attrs.int("width")).unwrap_or(0);
        if !x.is_float() {
            return Err(Fault::new("E0302", format!("`expand` takes numbers, found {}", site.show(x))).of(0));
        }
        if !space.covers(&x.space) || (x.width != width && x.width != 1) || width == 0 {
            let wanted = site.show(&Type::f32(space, width));
            return Err(Fault::new("E0301", format!("{} cannot be repeated to {wanted}", site.show(x))).of(0));
        }
        Ok(vec![Type { elem: Elem::F32, space, height: x.height, width }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        Ok(vec![tensor::own(call.spread(0, &call.results[0].space)?.broadcast_as(call.shape(0))?)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        Ok(vec![Some(at.sum_to_operand(0, g)?)])
    }
}
