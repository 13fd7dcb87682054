//! Lookups in tables, and moves of rows by place.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::prim::{fetch, gather, locate};

/// The place of each id's row on the axis of distinct rows of a table.
pub fn locate(to: &mut Builder, id: ValueId, distinct: AxisId) -> Result<ValueId, Fault> {
    to.one(&locate::Locate, &[id], Attrs::none().with("to", vec![distinct]))
}

/// The distinct rows of a table.
pub fn fetch(to: &mut Builder, table: ValueId, distinct: AxisId) -> Result<ValueId, Fault> {
    to.one(&fetch::Fetch, &[table], Attrs::none().with("to", vec![distinct]))
}

/// Distinct rows on the axis of all rows, 0 for those that the batch has none of.
pub fn unfetch(to: &mut Builder, x: ValueId, whole: AxisId) -> Result<ValueId, Fault> {
    to.one(&fetch::Unfetch, &[x], Attrs::none().with("to", vec![whole]))
}

/// The row of `x` at each place.
pub fn gather(to: &mut Builder, x: ValueId, index: ValueId) -> Result<ValueId, Fault> {
    to.one(&gather::Gather, &[x, index], Attrs::none())
}

/// For every element of `axis` the sum of the rows whose place it is.
pub fn scatter(to: &mut Builder, x: ValueId, index: ValueId, axis: AxisId) -> Result<ValueId, Fault> {
    to.one(&gather::Scatter, &[x, index], Attrs::none().with("to", vec![axis]))
}

/// The same of several values, each behind it its places.
pub fn scatter_all(to: &mut Builder, pairs: &[ValueId], axis: AxisId) -> Result<ValueId, Fault> {
    to.one(&gather::Scatter, pairs, Attrs::none().with("to", vec![axis]))
}

/// The row of each id in a table of that name: `locate`, `fetch` and `gather`.
pub fn lookup(to: &mut Builder, name: &str, table: ValueId, id: ValueId) -> Result<ValueId, Fault> {
    let distinct = to.table_axis(name, true);
    let index = locate(to, id, distinct)?;
    let rows = fetch(to, table, distinct)?;
    gather(to, rows, index)
}
