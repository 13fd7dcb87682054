//! Places of elements: learned positions, the order of two axes, numbers cut into places.

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::graph::{Init, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Type;
use crate::prim::make;

use super::axis::OVER;
use super::call::{Call, Stop};
use super::evaluate::Evaluator;
use super::item::{Item, Positions};
use super::signature::{Default, Kind, Parameter};
use super::{INIT, X};

const FROM: Parameter = Parameter::word("from", &["end", "start"]);

pub(super) const PLACE: &[Parameter] = &[OVER, FROM];
pub(super) const PAIR: &[Parameter] = &[Parameter::new("a", Kind::Axis), Parameter::new("b", Kind::Axis)];
pub(super) const BEFORE: &[Parameter] = &[
    Parameter::new("a", Kind::Axis),
    Parameter::new("b", Kind::Axis),
    Parameter::new("strict", Kind::Flag).or(Default::Flag(false)),
];
pub(super) const POSITIONS: &[Parameter] = &[
    OVER,
    FROM,
    Parameter::new("dim", Kind::Count).or(Default::Absent),
    Parameter::word("kind", &["learned", "sinusoid"]),
    INIT,
];
pub(super) const EMBED: &[Parameter] =
    &[X, Parameter::new("size", Kind::Count), Parameter::new("dim", Kind::Count), INIT];

/// The number of each element, 0 for the newest (or, from the start, the oldest).
pub(super) fn place(call: &mut Call) -> Result<Item, Stop> {
    let (axis, from_end) = (call.axis(0)?, call.word(1) != "start");
    Ok(Item::Value(make::ordinal(&mut call.at.to, axis, from_end)?))
}

/// Whether an element of `a` stands before that of `b`, or, unless strict, at the same place.
pub(super) fn before(call: &mut Call) -> Result<Item, Stop> {
    let (a, b, strict) = (call.axis(0)?, call.axis(1)?, call.flag(2));
    Ok(Item::Value(make::before(&mut call.at.to, a, b, strict)?))
}

/// Whether elements of `a` and `b` stand at the same place.
pub(super) fn same(call: &mut Call) -> Result<Item, Stop> {
    let (a, b) = (call.axis(0)?, call.axis(1)?);
    Ok(Item::Value(make::same(&mut call.at.to, a, b)?))
}

/// A row for each place of an axis: trained, or the sines and cosines of Vaswani et al. 2017. Without `dim=` it is as wide
/// as what it is added to.
pub(super) fn positions(call: &mut Call) -> Result<Item, Stop> {
    let (axis, from_end) = (call.axis(0)?, call.word(1) != "start");
    let sinusoid = call.word(3) == "sinusoid";
    let init = call.init(4, Init::Normal { std: 0.02 });
    let path = call.path();
    let positions = Positions { axis, from_end, sinusoid, init, path };
    match call.item(2) {
        Item::Number(dim) => {
            let dim = *dim as u32;
            Ok(Item::Value(call.at.positions(&positions, dim)?))
        }
        _ => Ok(Item::Positions(positions)),
    }
}

/// A trained row for each whole number from 0 to `size - 1`; what is below or above has the first or the last.
pub(super) fn embed(call: &mut Call) -> Result<Item, Stop> {
    let (x, size, dim) = (call.value(0)?, call.count(1)?, call.count(2)?);
    if call.width(x) != 1 {
        let title = format!("`embed` takes one number a row, found {}", call.width(x));
        return Err(Fault::new("E0301", title).of(0).into());
    }
    let init = call.init(3, Init::Normal { std: 0.01 });
    let path = call.path();
    let places = call.at.to.axis(&format!("{path}.places"), None, AxisKind::Static { len: size });
    let space = call.at.to.graph().axes().close(&[places]);
    let rows = call.weight(&path, Type::f32(space, dim), init)?;
    let at = make::bin(&mut call.at.to, x, places)?;
    Ok(Item::Value(make::gather(&mut call.at.to, rows, at)?))
}

impl Evaluator<'_> {
    /// The rows of positions, so wide.
    pub(super) fn positions(&mut self, positions: &Positions, dim: u32) -> Result<ValueId, Fault> {
        if positions.sinusoid {
            let ordinal = make::ordinal(&mut self.to, positions.axis, positions.from_end)?;
            return make::sinusoid(&mut self.to, ordinal, dim);
        }
        let len = self.bound(positions.axis)?;
        let path = &positions.path;
        let places = match self.to.graph().axes().find(&format!("{path}.places")) {
            Some(known) => known,
            None => self.to.axis(&format!("{path}.places"), None, AxisKind::Static { len }),
        };
        let at = make::place(&mut self.to, positions.axis, places, positions.from_end)?;
        let space = self.to.graph().axes().close(&[places]);
        let role = crate::ir::graph::Role::Weight;
        let rows = self.to.param(path, Type::f32(space, dim), positions.init, role)?;
        make::gather(&mut self.to, rows, at)
    }

    fn bound(&self, axis: AxisId) -> Result<u32, Fault> {
        let graph = self.to.graph();
        graph.axes().bound(axis).ok_or_else(|| {
            let title = format!("`positions` of `{}`, an axis without a bound", graph.axis(axis).name);
            Fault::new("E0302", title).help("`last:` or `max:` bounds an axis")
        })
    }
}
