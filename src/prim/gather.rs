//! Rows by their place, and the sum of rows that come to one place.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisId;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::add_rows::add_rows;
use super::{make, rule, tensor};

/// `gather(x, index)`: the row of `x` at each place.
#[derive(Debug)]
pub struct Gather;

/// `scatter(x, index, ...) {to}`: for every element of the axis `to` the sum of the rows whose place it is, in order of rows;
/// of several values, each with its places, one after the other.
#[derive(Debug)]
pub struct Scatter;

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    /// (C1) Two operands. (C2) The second holds places, one a row. (C3) The first has one row for each element of the axis
    /// that they are places of.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x, index] = rule::operands(self.name(), site)?;
        let axis = places_of(self.name(), site, 1)?;
        if x.space != site.axes.close(&[axis]) || x.height != 1 {
            let title = format!("`gather` from {} by {}", site.show(x), site.show(index));
            return Err(Fault::new("E0302", title).of(0));
        }
        Ok(vec![x.with_space(index.space.clone())])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let places = checked(call, 1, call.rows.count(&call.types[0].space))?;
        Ok(vec![call.operands[0].index_select(&places, 0)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None, None];
        if let (Some(g), Elem::Index(axis)) = (at.cotangent(), at.to.ty(at.operands[1]).elem.clone()) {
            results[0] = Some(make::scatter(at.to, g, at.operands[1], axis)?);
        }
        Ok(results)
    }

    fn couples_samples(&self, site: &Site) -> bool {
        site.operands.first().is_some_and(|x| x.space.axes().first().copied() == site.axes.batch_of(&x.space))
            && places_of(self.name(), site, 1).is_ok_and(|axis| site.axes.get(axis).parent.is_none())
    }
}

impl Op for Scatter {
    fn name(&self) -> &'static str {
        "scatter"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("to", AttrKind::Axis)]
    }

    /// (C1) Operands in pairs, numbers and places, one a row. (C2) Both of a pair have the same space, all numbers the same
    /// width. (C3) `to` is the axis that they are places of.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let Some(first) = site.operands.first().filter(|_| site.operands.len().is_multiple_of(2)) else {
            let found = site.operands.len();
            return Err(Fault::new("E0310", format!("`scatter` takes values and places in pairs, found {found}")));
        };
        let to = site.attrs.axis("to");
        for (i, pair) in site.operands.chunks_exact(2).enumerate() {
            rule::numbers(self.name(), site, 2 * i)?;
            let (x, index) = (pair[0], pair[1]);
            let axis = places_of(self.name(), site, 2 * i + 1)?;
            if x.space != index.space || x.height != 1 || x.width != first.width {
                let title = format!("`scatter` of {} by {}", site.show(x), site.show(index));
                return Err(Fault::new("E0302", title).of(2 * i));
            }
            if to != Some(axis) {
                return Err(rule::bad_attribute(self.name(), "`to` is not the axis of the places"));
            }
        }
        let space = to.map(|to| site.axes.close(&[to])).unwrap_or_default();
        Ok(vec![Type { elem: Elem::F32, ..first.with_space(space) }])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (rows, width) = call.shape(0);
        let x = &call.operands[0];
        let mut sums = Tensor::zeros((rows, width), x.dtype(), x.device())?;
        for (at, pair) in call.operands.chunks_exact(2).enumerate() {
            sums = add_rows(&sums, &tensor::to_places(&call.operands[2 * at + 1])?, &pair[0])?;
        }
        Ok(vec![sums])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let mut results = vec![None; at.operands.len()];
        if let Some(g) = at.cotangent() {
            for i in (0..results.len()).step_by(2) {
                results[i] = Some(make::gather(at.to, g, at.operands[i + 1])?);
            }
        }
        Ok(results)
    }

    /// Elements of a root axis take rows of several samples.
    fn couples_samples(&self, site: &Site) -> bool {
        let Some(to) = site.attrs.axis("to") else { return false };
        site.operands.iter().any(|x| site.axes.batch_of(&x.space).is_some()) && site.axes.get(to).parent.is_none()
    }
}

/// The axis that operand `i` holds places of.
fn places_of(name: &str, site: &Site, i: usize) -> Result<AxisId, Fault> {
    match site.operands.get(i) {
        Some(Type { elem: Elem::Index(axis), width: 1, height: 1, .. }) => Ok(*axis),
        Some(ty) => Err(Fault::new("E0302", format!("`{name}` takes places, found {}", site.show(ty))).of(i)),
        None => Err(Fault::new("E0310", format!("`{name}` takes an operand more than {i}"))),
    }
}

/// The places that operand `i` holds, none of them beyond `rows`: Candle would answer some of these with zeros, without a word.
fn checked(call: &Call, i: usize, rows: usize) -> candle_core::Result<Tensor> {
    let places = tensor::to_places(&call.operands[i])?;
    if let Some(place) = places.iter().find(|&&place| place as usize >= rows) {
        candle_core::bail!("place {place} of an axis with {rows} elements");
    }
    tensor::places(&places, &call.operands[i])
}
