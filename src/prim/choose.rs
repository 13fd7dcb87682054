//! One of two values, row by row: `if(c, a, b)`.

use candle_core::Tensor;

use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule, tensor};

/// `choose(c, a, b)`: `a` where `c` holds, else `b`. What is not chosen leaves no trace, not even a NaN.
#[derive(Debug)]
pub struct Choose;

impl Op for Choose {
    fn name(&self) -> &'static str {
        "choose"
    }

    /// (C1) A condition and two more operands. (C2) These are numbers, or ids of one vocabulary, or places of one axis.
    /// (C3) Widths are equal or 1. (C4) Heights are equal.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [c, a, b] = rule::operands(self.name(), site)?;
        rule::condition(self.name(), site, 0)?;
        if a.elem != b.elem && !(a.is_float() && b.is_float()) {
            let title = format!("`choose` needs two values of one kind, found {} and {}", site.show(a), site.show(b));
            return Err(Fault::new("E0302", title).of(2));
        }
        let width = c.width.max(a.width).max(b.width);
        if let Some(i) = site.operands.iter().position(|ty| ty.width != width && ty.width != 1) {
            let title = format!("`choose` needs equal widths or a width of 1, found {}", site.show(site.operands[i]));
            return Err(Fault::new("E0301", title).of(i));
        }
        if a.height != b.height || c.height != a.height {
            return Err(Fault::new("E0301", "`choose` needs equal heights").of(0));
        }
        let elem = if a.elem == b.elem { a.elem.clone() } else { Elem::F32 };
        Ok(vec![Type { elem, space: site.united(), height: a.height, width }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = &call.results[0].space;
        let (c, a, b) = (call.spread(0, space)?, call.spread(1, space)?, call.spread(2, space)?);
        Ok(vec![tensor::choose(&c, &a, &b, call.shape(0))?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None, None, None];
        let Some(g) = at.cotangent() else { return Ok(results) };
        let zero = make::constant(at.to, 0.0, 1)?;
        for i in [1, 2] {
            if at.wanted[i] && at.to.ty(at.operands[i]).is_float() {
                let (a, b) = if i == 1 { (g, zero) } else { (zero, g) };
                let own = make::choose(at.to, at.operands[0], a, b)?;
                results[i] = Some(at.sum_to_operand(i, own)?);
            }
        }
        Ok(results)
    }
}
