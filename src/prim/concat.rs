//! Values side by side, and the parts of one.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{make, rule, tensor};

/// `concat(a, b, ...)`: widths add up, spaces unite.
#[derive(Debug)]
pub struct Concat;

/// `slice(x) {from, to}`: the columns `from..to`.
#[derive(Debug)]
pub struct Slice;

/// `pad(x) {from, width}`: the columns of `x` put at `from` of `width` columns, zeros elsewhere; what `slice` undoes.
#[derive(Debug)]
pub struct Pad;

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    /// (C1) At least one operand. (C2) All are numbers. (C3) All heights are equal. (C4) The sum of the widths is a `u32`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let Some(first) = site.operands.first() else {
            return Err(Fault::new("E0310", "`concat` takes at least 1 operand, found none"));
        };
        let mut width = 0u32;
        for (i, ty) in site.operands.iter().enumerate() {
            rule::numbers(self.name(), site, i)?;
            if ty.height != first.height {
                let title = format!("`concat` needs equal heights, found {} and {}", first.height, ty.height);
                return Err(Fault::new("E0301", title).of(i));
            }
            let too_wide = || Fault::new("E0301", "`concat` is wider than 4294967295").of(i);
            width = width.checked_add(ty.width).ok_or_else(too_wide)?;
        }
        Ok(vec![Type { elem: Elem::F32, space: site.united(), height: first.height, width }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let space = &call.results[0].space;
        let parts: Vec<Tensor> =
            (0..call.operands.len()).map(|i| call.spread(i, space)).collect::<candle_core::Result<_>>()?;
        Ok(vec![Tensor::cat(&parts, 1)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        let Some(g) = at.cotangent() else { return Ok(results) };
        let mut from = 0;
        for (i, result) in results.iter_mut().enumerate() {
            let to = from + at.to.ty(at.operands[i]).width;
            if at.wanted[i] {
                let part = make::slice(at.to, g, from, to)?;
                let over = at.to.ty(part).space.beyond(&at.to.ty(at.operands[i]).space);
                *result = Some(make::sum(at.to, part, over)?);
            }
            from = to;
        }
        Ok(results)
    }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("from", AttrKind::Int), ("to", AttrKind::Int)]
    }

    /// (C1) One operand of numbers. (C2) `from < to`, and `to` is at most its width.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        let (from, to) = (site.attrs.int("from"), site.attrs.int("to"));
        if from < 0 || from >= to || to > i64::from(x.width) {
            let title = format!("`slice` from {from} to {to} of {}", site.show(x));
            return Err(Fault::new("E0301", title).of(0));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.with_width((to - from) as u32) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (from, width) = (call.attrs.int("from") as usize, call.results[0].width as usize);
        Ok(vec![tensor::narrow(&call.operands[0], 1, from, width)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        let (from, width) = (at.attrs.int("from") as u32, at.to.ty(at.operands[0]).width);
        Ok(vec![Some(make::pad(at.to, g, from, width)?)])
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("from", AttrKind::Int), ("width", AttrKind::Int)]
    }

    /// (C1) One operand of numbers. (C2) It ends, put at `from`, before `width`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        let (from, width) = (site.attrs.int("from"), rule::size(site, "width"));
        if from < 0 || from.saturating_add(i64::from(x.width)) > i64::from(width) {
            let title = format!("`pad` of {} at {from} to a width of {width}", site.show(x));
            return Err(Fault::new("E0301", title).of(0));
        }
        Ok(vec![Type { elem: Elem::F32, ..x.with_width(width) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (from, width) = (call.attrs.int("from") as usize, call.types[0].width as usize);
        let after = call.results[0].width as usize - from - width;
        Ok(vec![call.operands[0].pad_with_zeros(1, from, after)?.contiguous()?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        let (from, width) = (at.attrs.int("from") as u32, at.to.ty(at.operands[0]).width);
        Ok(vec![Some(make::slice(at.to, g, from, from + width)?)])
    }
}
