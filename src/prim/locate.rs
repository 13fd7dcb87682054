//! Where an id finds its row: among those that a batch looks up, or in the whole table.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisKind;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Elem, Type};

use super::{rule, tensor};

/// `locate(id) {to}`: the place of the id's row on the axis `to`. On that of every row of a table it is the id itself. That
/// of distinct rows is known before the step, since every lookup of a table has its part in making that axis.
#[derive(Debug)]
pub struct Locate;

impl Op for Locate {
    fn name(&self) -> &'static str {
        "locate"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("to", AttrKind::Axis)]
    }

    /// (C1) One operand of ids. (C2) `to` is an axis of rows of a table.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [id] = rule::operands(self.name(), site)?;
        if !matches!(id.elem, Elem::Id(_)) {
            return Err(Fault::new("E0302", format!("`locate` takes ids, found {}", site.show(id))).of(0));
        }
        match site.attrs.axis("to") {
            Some(to) if matches!(site.axes.get(to).kind, AxisKind::Unique { .. } | AxisKind::Rows { .. }) => {
                Ok(vec![Type { elem: Elem::Index(to), ..id.clone() }])
            }
            _ => Err(rule::bad_attribute(self.name(), "`to` is no axis of rows of a table")),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Elem::Index(axis) = call.results[0].elem else { candle_core::bail!("locate: not an index") };
        let (rows, whole) = (call.rows.unique(axis), call.rows.elements(axis).unwrap_or(0));
        let is_whole = matches!(call.rows.axes().get(axis).kind, AxisKind::Rows { .. });
        let find = |id: &u32| match (is_whole, rows.binary_search(id)) {
            (true, _) if (*id as usize) < whole => Ok(*id),
            (false, Ok(place)) => Ok(place as u32),
            _ => candle_core::bail!("locate: row {id} is not among those of `{}`", call.rows.axes().get(axis).name),
        };
        let ids = tensor::to_places(&call.operands[0])?;
        let places: Vec<u32> = ids.iter().map(find).collect::<candle_core::Result<_>>()?;
        Ok(vec![Tensor::from_vec(places, call.shape(0), call.device)?])
    }

    /// Ids have no derivative.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }
}
