//! Functions that make axes and move values between an axis and its relatives: twins, sub-axes, one more element, width cut
//! into parts. An axis that an expression makes has the name after `as=`, within the spec or the block where it stands.

use crate::expr::ast::{Expr, ExprKind};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::build::Builder;
use crate::ir::graph::{Def, ValueId};
use crate::ir::op::Fault;
use crate::prim::make;

use super::call::{Call, Stop};
use super::evaluate::Evaluator;
use super::item::{Ids, Item};
use super::signature::{Default, Kind, Parameter};
use super::{WHERE, X, library};

const AS: Parameter = Parameter::new("as", Kind::NewAxis);
const ANY: Parameter = Parameter::new("x", Kind::Any);
pub(super) const OVER: Parameter = Parameter::new("over", Kind::Axis);

pub(super) const TWIN: &[Parameter] = &[ANY, OVER, AS];
pub(super) const SELECT: &[Parameter] = &[ANY, OVER, Parameter::new("where", Kind::Condition), AS.or(Default::Absent)];
pub(super) const APPEND: &[Parameter] = &[ANY, Parameter::new("y", Kind::Any), OVER, AS];
pub(super) const SPLIT: &[Parameter] = &[X, Parameter::new("AXIS", Kind::Lengths)];
pub(super) const STACK: &[Parameter] = &[Parameter::many("x", Kind::Any), AS];
pub(super) const ALONG: &[Parameter] = &[X, OVER];
pub(super) const AXIS: &[Parameter] = &[Parameter::new("n", Kind::Count)];
pub(super) const FOLLOWING: &[Parameter] = &[ANY, OVER, Parameter::new("then", Kind::Any).or(Default::Absent)];
pub(super) const ONLY: &[Parameter] = &[X, WHERE];

/// Calls `see` with the name of every axis that an expression makes.
pub(crate) fn made(expr: &Expr, see: &mut dyn FnMut(&str)) {
    if let ExprKind::Call { callee, args, .. } = &expr.kind {
        for (name, arg) in args.iter().filter_map(|arg| Some((arg.name.as_ref()?, arg))) {
            match &arg.value.kind {
                ExprKind::Name(axis) if name.name == "as" => see(axis),
                _ if callee.name == "split" && name.name != "x" => see(&name.name),
                _ => {}
            }
        }
    }
    library::parts(expr).into_iter().for_each(|part| made(part, see));
}

impl Evaluator<'_> {
    /// The axis that an expression of this scope has made by that name.
    pub(super) fn made_axis(&self, name: &str) -> Option<AxisId> {
        self.made_axes.last().and_then(|axes| axes.get(name)).copied()
    }

    /// The axis of a name in this scope: made now, or the same one if the scope has made it already.
    pub(super) fn new_axis(&mut self, name: &str, parent: Option<AxisId>, kind: AxisKind) -> Result<AxisId, Fault> {
        if let Some(known) = self.made_axis(name) {
            let axis = self.to.graph().axis(known);
            if axis.parent == parent && axis.kind == kind {
                return Ok(known);
            }
            let title = format!("axis `{name}` is made twice, and not of the same");
            return Err(Fault::new("E0119", title).help("another axis has another name"));
        }
        let path = match self.paths.scope() {
            "" => name.to_owned(),
            scope => format!("{scope}.{name}"),
        };
        if self.frames.is_empty() && self.to.graph().axes().find(name).is_some() {
            let title = format!("`{name}` is an axis already");
            return Err(Fault::new("E0119", title).help("an axis that an expression makes has a name of its own"));
        }
        let axis = self.to.axis(&path, parent, kind);
        if let Some(axes) = self.made_axes.last_mut() {
            axes.insert(name.to_owned(), axis);
        }
        Ok(axis)
    }
}

/// The same values along a second copy of the axis.
pub(super) fn twin(call: &mut Call) -> Result<Item, Stop> {
    let (of, name) = (call.axis(1)?, call.word(2).to_owned());
    let parent = call.at.to.graph().axis(of).parent;
    let as_ = call.at.new_axis(&name, parent, AxisKind::Twin { of })?;
    moved(call, 0, |to, x| make::twin(to, x, of, as_))
}

/// The elements where a condition holds, packed. The condition is known before the step, so that the size of every space
/// is: it comes from ids, places and draws, and from nothing that is learned.
pub(super) fn select(call: &mut Call) -> Result<Item, Stop> {
    let of = call.axis(1)?;
    let condition = call.value(2)?;
    let graph = call.at.to.graph();
    if let Some(learned) = learned(call, condition) {
        let title = format!("`select` by what `{learned}` decides, which is learned");
        let way_out = "`where=` in a reduction takes any condition: `sum(x, over=..., where=...)`";
        return Err(Fault::new("E0302", title).of(2).help(way_out).into());
    }
    let parent = graph.axis(of).parent;
    let kind = AxisKind::Sub { of, condition };
    let as_ = match call.word(3).to_owned() {
        // Without a name, one condition still makes one axis.
        name if name.is_empty() => match graph.axes().ids().find(|&axis| graph.axis(axis).kind == kind) {
            Some(known) => known,
            None => {
                let name = format!("{}|{}", graph.axis(of).name, graph.value(condition).name);
                call.at.to.axis(&name, parent, kind)
            }
        },
        name => call.at.new_axis(&name, parent, kind)?,
    };
    moved(call, 0, |to, x| make::select(to, x, of, as_))
}

/// A parameter that a value depends on, if it does.
fn learned(call: &Call, value: ValueId) -> Option<String> {
    let graph = call.at.to.graph();
    graph.behind(value, |_| true).into_iter().find_map(|value| match graph.value(value).def {
        Def::Param(id) => Some(graph.param(id).name.clone()),
        Def::Input(_) | Def::Node { .. } => None,
    })
}

/// The axis with one more element at its end.
pub(super) fn append(call: &mut Call) -> Result<Item, Stop> {
    let (of, name) = (call.axis(2)?, call.word(3).to_owned());
    let parent = call.at.to.graph().axis(of).parent;
    let as_ = call.at.new_axis(&name, parent, AxisKind::Appended { of })?;
    joined(call, 0, 1, |to, x, y| make::append(to, x, y, of, as_))
}

/// Each element gets the one after it; the last gets `then`, or zeros.
pub(super) fn following(call: &mut Call) -> Result<Item, Stop> {
    beside(call, make::following)
}

/// Each element gets the one before it; the first gets `then`, or zeros.
pub(super) fn preceding(call: &mut Call) -> Result<Item, Stop> {
    beside(call, make::preceding)
}

type Beside = fn(&mut Builder, ValueId, Option<ValueId>, AxisId) -> Result<ValueId, Fault>;

fn beside(call: &mut Call, make: Beside) -> Result<Item, Stop> {
    let over = call.axis(1)?;
    if call.item(2) == &Item::Null {
        return moved(call, 0, |to, x| make(to, x, None, over));
    }
    joined(call, 0, 2, |to, x, y| make(to, x, Some(y), over))
}

/// The width cut into the elements of a new axis of a known length.
pub(super) fn split(call: &mut Call) -> Result<Item, Stop> {
    let x = call.value(0)?;
    let lengths = match call.item(1) {
        Item::Record(lengths) => lengths.clone(),
        _ => Vec::new(),
    };
    let [(name, Item::Number(len))] = &lengths[..] else {
        let title = "`split` takes one axis and its length";
        return Err(Fault::new("E0310", title).help("for example `split(x, heads=8)`").into());
    };
    let (width, len) = (call.width(x), *len as u32);
    if width % len != 0 {
        let title = format!("{len} {name} do not divide a width of {width}");
        let divisors: Vec<String> = (1..=width.min(64)).filter(|n| width % n == 0).map(|n| n.to_string()).collect();
        let help = format!("the width is a multiple of their number: {width} has {}", divisors.join(", "));
        return Err(Fault::new("E0308", title).of(0).help(help).into());
    }
    let axis = call.at.new_axis(name, None, AxisKind::Static { len })?;
    Ok(Item::Value(make::split(&mut call.at.to, x, axis)?))
}

/// Values of one width as the elements of a new axis; of a group, its members.
pub(super) fn stack(call: &mut Call) -> Result<Item, Stop> {
    let mut values = Vec::new();
    let items = match call.item(0) {
        Item::List(items) => items.clone(),
        _ => Vec::new(),
    };
    for item in items {
        let members = match item {
            Item::Group(group) => group.members,
            Item::List(items) => items,
            other => vec![other],
        };
        for member in members {
            values.push(call.at.number_value(member, call.span)?);
        }
    }
    let name = call.word(1).to_owned();
    let axis = call.at.new_axis(&name, None, AxisKind::Static { len: values.len() as u32 })?;
    Ok(Item::Value(make::stack(&mut call.at.to, &values, axis)?))
}

/// The width cut into the elements of an axis that there is: the inverse of `merge`.
pub(super) fn spread(call: &mut Call) -> Result<Item, Stop> {
    let (x, axis) = (call.value(0)?, call.axis(1)?);
    Ok(Item::Value(make::split(&mut call.at.to, x, axis)?))
}

/// The elements of an axis of a fixed length side by side.
pub(super) fn merge(call: &mut Call) -> Result<Item, Stop> {
    let (x, axis) = (call.value(0)?, call.axis(1)?);
    Ok(Item::Value(make::merge(&mut call.at.to, x, axis)?))
}

/// The elements of a bounded axis side by side, zeros where nothing is, aligned at the end.
pub(super) fn flatten(call: &mut Call) -> Result<Item, Stop> {
    let (x, axis) = (call.value(0)?, call.axis(1)?);
    Ok(Item::Value(make::flatten(&mut call.at.to, x, axis)?))
}

/// An axis of a known length, for parameters: `maps: axis(20)`.
pub(super) fn axis(call: &mut Call) -> Result<Item, Stop> {
    let len = call.count(0)?;
    let name = call.at.paths.value().to_owned();
    Ok(Item::Axis(call.at.to.axis(&name, None, AxisKind::Static { len })))
}

/// Rows of a loss of which only some count: the others are no part of its mean.
pub(super) fn only(call: &mut Call) -> Result<Item, Stop> {
    let value = call.value(0)?;
    Ok(match call.option(1) {
        Some(counts) => Item::Counted { value, counts },
        None => Item::Value(value),
    })
}

/// What a move makes of an argument: ids stay ids, labels stay labels, everything else is numbers.
fn moved(
    call: &mut Call,
    at: usize,
    with: impl FnOnce(&mut Builder, ValueId) -> Result<ValueId, Fault>,
) -> Result<Item, Stop> {
    match call.item(at).clone() {
        Item::Ids(Ids { value, table, bag: None }) => {
            Ok(Item::Ids(Ids { value: with(&mut call.at.to, value)?, table, bag: None }))
        }
        Item::Label(value) => Ok(Item::Label(with(&mut call.at.to, value)?)),
        item => {
            let value = call.at.number_value(item, call.span)?;
            Ok(Item::Value(with(&mut call.at.to, value)?))
        }
    }
}

/// The same of two arguments: ids if both are of one table.
fn joined(
    call: &mut Call,
    first: usize,
    second: usize,
    with: impl FnOnce(&mut Builder, ValueId, ValueId) -> Result<ValueId, Fault>,
) -> Result<Item, Stop> {
    match (call.item(first).clone(), call.item(second).clone()) {
        (Item::Ids(Ids { value: x, table, bag: None }), Item::Ids(Ids { value: y, table: other, bag: None }))
            if table == other =>
        {
            Ok(Item::Ids(Ids { value: with(&mut call.at.to, x, y)?, table, bag: None }))
        }
        (Item::Label(x), Item::Label(y)) => Ok(Item::Label(with(&mut call.at.to, x, y)?)),
        (x, y) => {
            let x = call.at.number_value(x, call.span)?;
            let y = call.at.number_value(y, call.span)?;
            Ok(Item::Value(with(&mut call.at.to, x, y)?))
        }
    }
}
