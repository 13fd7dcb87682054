//! Some rows of a weight matrix, so that a linear layer over a concat can be split into layers over its parts.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::{make, rule, tensor};

/// `rows(w) {from, to}`: the rows `from..to` of a matrix.
#[derive(Debug)]
pub struct Rows;

/// `rows_pad(w) {from, height}`: the rows of `w` put at `from` of `height` rows, zeros elsewhere.
#[derive(Debug)]
pub struct RowsPad;

impl Op for Rows {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("from", AttrKind::Int), ("to", AttrKind::Int)]
    }

    /// (C1) One matrix of numbers in the unit space. (C2) `from < to`, and `to` is at most its height.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let w = matrix(self.name(), site)?;
        let (from, to) = (site.attrs.int("from"), site.attrs.int("to"));
        if from < 0 || from >= to || to > i64::from(w.height) {
            return Err(Fault::new("E0301", format!("`rows` from {from} to {to} of {}", site.show(w))).of(0));
        }
        Ok(vec![Type::matrix((to - from) as u32, w.width)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (from, height) = (call.attrs.int("from") as usize, call.results[0].height as usize);
        Ok(vec![tensor::narrow(&call.operands[0], 0, from, height)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        let (from, height) = (at.attrs.int("from") as u32, at.to.ty(at.operands[0]).height);
        Ok(vec![Some(make::rows_pad(at.to, g, from, height)?)])
    }
}

impl Op for RowsPad {
    fn name(&self) -> &'static str {
        "rows_pad"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("from", AttrKind::Int), ("height", AttrKind::Int)]
    }

    /// (C1) One matrix of numbers in the unit space. (C2) It ends, put at `from`, before `height`.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let w = matrix(self.name(), site)?;
        let (from, height) = (site.attrs.int("from"), rule::size(site, "height"));
        if from < 0 || from.saturating_add(i64::from(w.height)) > i64::from(height) {
            let title = format!("`rows_pad` of {} at {from} to a height of {height}", site.show(w));
            return Err(Fault::new("E0301", title).of(0));
        }
        Ok(vec![Type::matrix(height, w.width)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (from, height) = (call.attrs.int("from") as usize, call.types[0].height as usize);
        let after = call.results[0].height as usize - from - height;
        Ok(vec![call.operands[0].pad_with_zeros(0, from, after)?.contiguous()?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        let (from, height) = (at.attrs.int("from") as u32, at.to.ty(at.operands[0]).height);
        Ok(vec![Some(make::rows(at.to, g, from, from + height)?)])
    }
}

fn matrix<'a>(name: &str, site: &Site<'a>) -> Result<&'a Type, Fault> {
    let [w] = rule::operands(name, site)?;
    if !w.is_float() || !w.space.is_unit() {
        let title = format!("`{name}` takes a matrix of the unit space, found {}", site.show(w));
        return Err(Fault::new("E0302", title).of(0));
    }
    Ok(w)
}
