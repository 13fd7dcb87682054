//! Moves between an axis and its relatives, between axes and width.

use crate::ir::attr::Attrs;
use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::prim::neighbour::{Neighbour, Side};
use crate::prim::{append, before, contract, flatten, ordinal, place, select, split, twin};

use super::{concat, mul};

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

/// `x`, and `y` at its end, along the appended axis `as_` of `of`.
pub fn append(to: &mut Builder, x: ValueId, y: ValueId, of: AxisId, as_: AxisId) -> Result<ValueId, Fault> {
    to.one(&append::Append, &[x, y], pair(of, as_))
}

/// From the appended axis `as_` back to `of`.
pub fn without_last(to: &mut Builder, x: ValueId, of: AxisId, as_: AxisId) -> Result<ValueId, Fault> {
    to.one(&append::WithoutLast, &[x], pair(of, as_))
}

/// Each element gets the one after it, the last `y` or zeros.
pub fn following(to: &mut Builder, x: ValueId, y: Option<ValueId>, over: AxisId) -> Result<ValueId, Fault> {
    neighbour(to, &Neighbour(Side::Following), x, y, over)
}

/// Each element gets the one before it, the first `y` or zeros.
pub fn preceding(to: &mut Builder, x: ValueId, y: Option<ValueId>, over: AxisId) -> Result<ValueId, Fault> {
    neighbour(to, &Neighbour(Side::Preceding), x, y, over)
}

/// Whether the place of `first` comes before that of `second`, or is the same unless `strict`.
pub fn before(to: &mut Builder, first: AxisId, second: AxisId, strict: bool) -> Result<ValueId, Fault> {
    to.one(&before::Before, &[], Attrs::none().with("first", first).with("second", second).with("strict", strict))
}

/// Whether two axes stand at the same place.
pub fn same(to: &mut Builder, first: AxisId, second: AxisId) -> Result<ValueId, Fault> {
    to.one(&before::Same, &[], Attrs::none().with("first", first).with("second", second))
}

/// The number of each element of `axis`, as a place of the static axis `positions`.
pub fn place(to: &mut Builder, axis: AxisId, positions: AxisId, from_end: bool) -> Result<ValueId, Fault> {
    to.one(&place::Place, &[], Attrs::none().with("axis", axis).with("to", positions).with("from_end", from_end))
}

/// The number of each element of `axis`.
pub fn ordinal(to: &mut Builder, axis: AxisId, from_end: bool) -> Result<ValueId, Fault> {
    to.one(&ordinal::Ordinal, &[], Attrs::none().with("axis", axis).with("from_end", from_end))
}

/// Numbers, rounded down, as places of a static axis.
pub fn bin(to: &mut Builder, x: ValueId, places: AxisId) -> Result<ValueId, Fault> {
    to.one(&ordinal::Bin, &[x], Attrs::none().with("to", places))
}

/// Sines and cosines of a number, `width` in all.
pub fn sinusoid(to: &mut Builder, x: ValueId, width: u32) -> Result<ValueId, Fault> {
    to.one(&ordinal::Sinusoid, &[x], Attrs::none().with("width", width))
}

/// The width cut into the elements of a static axis.
pub fn split(to: &mut Builder, x: ValueId, axis: AxisId) -> Result<ValueId, Fault> {
    to.one(&split::Split, &[x], Attrs::none().with("axis", axis))
}

/// The elements of a static axis side by side.
pub fn merge(to: &mut Builder, x: ValueId, axis: AxisId) -> Result<ValueId, Fault> {
    to.one(&split::Merge, &[x], Attrs::none().with("axis", axis))
}

/// Values of one width as the elements of a static axis of that many.
pub fn stack(to: &mut Builder, values: &[ValueId], axis: AxisId) -> Result<ValueId, Fault> {
    if let Some(other) = values.iter().position(|&value| to.ty(value).width != to.ty(values[0]).width) {
        let (first, other) = (to.ty(values[0]).width, to.ty(values[other]).width);
        return Err(Fault::new("E0301", format!("`stack` needs equal widths, found {first} and {other}")));
    }
    let side_by_side = concat(to, values)?;
    split(to, side_by_side, axis)
}

/// The elements of a bounded axis side by side, zeros where nothing is, aligned at the end.
pub fn flatten(to: &mut Builder, x: ValueId, over: AxisId) -> Result<ValueId, Fault> {
    to.one(&flatten::Flatten, &[x], Attrs::none().with("over", over))
}

/// The parts of a flattened row along their axis again.
pub fn unflatten(to: &mut Builder, x: ValueId, over: AxisId) -> Result<ValueId, Fault> {
    to.one(&flatten::Unflatten, &[x], Attrs::none().with("over", over))
}

/// The sum over some axes of `a b`; the product itself for none.
pub fn contract(to: &mut Builder, a: ValueId, b: ValueId, over: Vec<AxisId>) -> Result<ValueId, Fault> {
    if over.is_empty() {
        return mul(to, a, b);
    }
    to.one(&contract::Contract, &[a, b], Attrs::none().with("over", over))
}

fn neighbour(
    to: &mut Builder,
    op: &'static Neighbour,
    x: ValueId,
    y: Option<ValueId>,
    over: AxisId,
) -> Result<ValueId, Fault> {
    let attrs = Attrs::none().with("over", over);
    match y {
        Some(y) => to.one(op, &[x, y], attrs),
        None => to.one(op, &[x], attrs),
    }
}

fn pair(of: AxisId, as_: AxisId) -> Attrs {
    Attrs::none().with("of", of).with("as", as_)
}
