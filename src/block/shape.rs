//! Functions of the width and of axes.

use crate::ir::op::Fault;
use crate::prim::make;

use super::call::{Call, Stop};
use super::item::Item;
use super::signature::{Kind, Parameter};

/// Values side by side.
pub(super) fn concat(call: &mut Call) -> Result<Item, Stop> {
    let values = call.values(0);
    Ok(Item::Value(make::concat(&mut call.at.to, &values)?))
}

/// The sum of the products along the width.
pub(super) fn dot(call: &mut Call) -> Result<Item, Stop> {
    let (a, b) = (call.value(0)?, call.value(1)?);
    Ok(Item::Value(make::dot(&mut call.at.to, a, b)?))
}

/// The width, a known number.
pub(super) fn width(call: &mut Call) -> Result<Item, Stop> {
    let x = call.value(0)?;
    Ok(Item::Number(f64::from(call.width(x))))
}

pub(super) const SLICE: &[Parameter] =
    &[super::X, Parameter::new("from", Kind::Number), Parameter::new("to", Kind::Number)];

/// Columns `from` up to but without `to`.
pub(super) fn slice(call: &mut Call) -> Result<Item, Stop> {
    let (x, from, to) = (call.value(0)?, call.number(1)?, call.number(2)?);
    let width = f64::from(call.width(x));
    if !(from >= 0.0 && from < to && to <= width && from.fract() == 0.0 && to.fract() == 0.0) {
        let number = crate::expr::print::number;
        let title = format!("no columns {} to {} of a width of {}", number(from), number(to), number(width));
        return Err(Fault::new("E0301", title).of(0).into());
    }
    Ok(Item::Value(make::slice(&mut call.at.to, x, from as u32, to as u32)?))
}
