//! Functions of the width and of axes.

use crate::prim::make;

use super::call::{Call, Stop};
use super::item::Item;

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
