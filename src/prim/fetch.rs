//! The rows of a table that a batch looks up: the only read of a table.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::{Axes, AxisId, AxisKind};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::{Space, Type};

use super::{make, rule, tensor};

/// `fetch(table) {to}`: from every row of a table to the distinct rows of a batch.
#[derive(Debug)]
pub struct Fetch;

/// `unfetch(x) {to}`: back to every row of the table, 0 where the batch has none. What an optimiser that changes every row
/// reads; all others take `x` as it is.
#[derive(Debug)]
pub struct Unfetch;

const ATTRIBUTES: &[Declared] = &[("to", AttrKind::Axis)];

impl Op for Fetch {
    fn name(&self) -> &'static str {
        "fetch"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand, numbers on the axis of all rows of a table. (C2) `to` is the axis of distinct rows of that table.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        let (Some(to), [from]) = (site.attrs.axis("to"), x.space.axes()) else {
            return Err(not_a_table(self.name(), site, x));
        };
        match (&site.axes.get(*from).kind, &site.axes.get(to).kind) {
            (AxisKind::Rows { table }, AxisKind::Unique { table: other }) if table == other => {
                Ok(vec![x.with_space(site.axes.close(&[to]))])
            }
            _ => Err(not_a_table(self.name(), site, x)),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let table = &call.operands[0];
        let rows = unique_rows(call, &call.results[0].space);
        Ok(vec![table.index_select(&tensor::places(&rows, table)?, 0)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        let whole = at.to.ty(at.operands[0]).space.axes().first().copied();
        let whole = whole.ok_or_else(|| Fault::new("E0399", "`fetch` of no table"))?;
        Ok(vec![Some(make::unfetch(at.to, g, whole)?)])
    }
}

impl Op for Unfetch {
    fn name(&self) -> &'static str {
        "unfetch"
    }

    fn attributes(&self) -> &'static [Declared] {
        ATTRIBUTES
    }

    /// (C1) One operand, numbers on the axis of distinct rows of a table. (C2) `to` is the axis of all rows of that table.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        let (Some(to), [from]) = (site.attrs.axis("to"), x.space.axes()) else {
            return Err(not_a_table(self.name(), site, x));
        };
        match (&site.axes.get(*from).kind, &site.axes.get(to).kind) {
            (AxisKind::Unique { table }, AxisKind::Rows { table: other }) if table == other => {
                Ok(vec![x.with_space(site.axes.close(&[to]))])
            }
            _ => Err(not_a_table(self.name(), site, x)),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let rows = unique_rows(call, &call.types[0].space);
        Ok(vec![tensor::sum_by(&call.operands[0], &rows, call.shape(0).0)?])
    }

    fn vjp(&self, at: &mut Vjp) -> Result<Cotangents, Fault> {
        let Some(g) = at.cotangent() else { return Ok(vec![None]) };
        let distinct = at.to.ty(at.operands[0]).space.axes().first().copied();
        let distinct = distinct.ok_or_else(|| Fault::new("E0399", "`unfetch` of no rows"))?;
        Ok(vec![Some(make::fetch(at.to, g, distinct)?)])
    }
}

/// The axis of distinct rows of a space that has one axis only.
pub(super) fn unique_axis(axes: &Axes, space: &Space) -> Option<AxisId> {
    match space.axes() {
        [axis] if matches!(axes.get(*axis).kind, AxisKind::Unique { .. }) => Some(*axis),
        _ => None,
    }
}

/// The rows of the table that the rows of a space of distinct rows stand for.
pub(super) fn unique_rows(call: &Call, space: &Space) -> std::sync::Arc<[u32]> {
    match unique_axis(call.rows.axes(), space) {
        Some(axis) => call.rows.unique(axis),
        None => std::sync::Arc::from([]),
    }
}

fn not_a_table(name: &str, site: &Site, x: &Type) -> Fault {
    Fault::new("E0302", format!("`{name}` goes between the rows of one table, found {}", site.show(x))).of(0)
}
