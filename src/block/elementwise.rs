//! Functions of each number by itself.

use crate::ir::op::Fault;
use crate::prim::make;

use super::call::{Call, Stop};
use super::item::Item;
use super::signature::{Default, Kind, Parameter};

/// A function that is a primitive of the same name.
pub(super) fn unary(call: &mut Call) -> Result<Item, Stop> {
    let x = call.value(0)?;
    let constant = call.at.to.graph().producer(x).filter(|node| node.op.name() == "constant");
    if let Some(number) = constant.map(|node| node.attrs.float("value"))
        && !is_defined(call.name, number)
    {
        let number = crate::expr::print::number(number);
        return Err(Fault::new("E0314", format!("`{}({number})` is no finite number", call.name)).of(0).into());
    }
    Ok(Item::Value(make::unary(&mut call.at.to, call.name, x)?))
}

/// Whether a function of a known number is a finite number of single precision.
fn is_defined(function: &str, x: f64) -> bool {
    match function {
        "exp" => x.exp() <= f64::from(f32::MAX),
        "log" | "rsqrt" => x > 0.0,
        "recip" => x != 0.0,
        "sqrt" => x >= 0.0,
        _ => true,
    }
}

pub(super) const LEAKY_RELU: &[Parameter] =
    &[super::X, Parameter::new("slope", Kind::Number).or(Default::Number(0.01))];

/// `x` where it is positive, else `slope x`.
pub(super) fn leaky_relu(call: &mut Call) -> Result<Item, Stop> {
    let (x, slope) = (call.value(0)?, call.number(1)?);
    Ok(Item::Value(make::leaky_relu(&mut call.at.to, x, slope)?))
}

/// `x sigmoid(x)`.
pub(super) fn silu(call: &mut Call) -> Result<Item, Stop> {
    let x = call.value(0)?;
    let gate = make::unary(&mut call.at.to, "sigmoid", x)?;
    Ok(Item::Value(make::mul(&mut call.at.to, x, gate)?))
}

/// The larger of two.
pub(super) fn larger(call: &mut Call) -> Result<Item, Stop> {
    let (a, b) = (call.value(0)?, call.value(1)?);
    Ok(Item::Value(make::binary(&mut call.at.to, "max", a, b)?))
}

/// The smaller of two.
pub(super) fn smaller(call: &mut Call) -> Result<Item, Stop> {
    let (a, b) = (call.value(0)?, call.value(1)?);
    Ok(Item::Value(make::binary(&mut call.at.to, "min", a, b)?))
}

/// `x`, with no derivative.
pub(super) fn stop_gradient(call: &mut Call) -> Result<Item, Stop> {
    let x = call.value(0)?;
    Ok(Item::Value(make::stop_gradient(&mut call.at.to, x)?))
}
