//! Moves between an axis and its relatives.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::prim::{select, twin};

/// `x` along `as_` in place of `of`, of which it is the twin.
pub fn twin(to: &mut Builder, x: ValueId, of: AxisId, as_: AxisId) -> Result<ValueId, Fault> {
    to.one(&twin::Twin, &[x], pair(of, as_))
}

/// The elements of `of` that the sub-axis `as_` keeps.
pub fn select(to: &mut Builder, x: ValueId, of: AxisId, as_: AxisId) -> Result<ValueId, Fault> {
    to.one(&select::Select, &[x], pair(of, as_))
}

/// From a sub-axis `as_` back to `of`, zeros elsewhere.
pub fn unselect(to: &mut Builder, x: ValueId, of: AxisId, as_: AxisId) -> Result<ValueId, Fault> {
    to.one(&select::Unselect, &[x], pair(of, as_))
}

fn pair(of: AxisId, as_: AxisId) -> Attrs {
    Attrs::none().with("of", of).with("as", as_)
}
