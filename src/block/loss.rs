//! Losses of each row, and logits of joint events.

use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::prim::make;

use super::call::{Call, Stop};
use super::item::Item;

/// Binary cross-entropy of a logit; 0 where the label is not known.
pub(super) fn bce(call: &mut Call) -> Result<Item, Stop> {
    let logit = call.value(0)?;
    if call.at.to.graph().producer(logit).is_some_and(|node| node.op.name() == "sigmoid") {
        let way_out = match call.at.to.graph().producer(logit).and_then(|node| node.operands.first()) {
            Some(&inner) => {
                let inner = &call.at.to.graph().value(inner).name;
                format!("the logit is what the `sigmoid` takes: `bce({inner}, ...)`")
            }
            None => "the logit is what the `sigmoid` takes".to_owned(),
        };
        let title = "`bce` takes a logit, found the result of a `sigmoid`";
        return Err(Fault::new("E0307", title).of(0).help(way_out).into());
    }
    let label = label(call)?;
    Ok(Item::Value(make::bce(&mut call.at.to, logit, label)?))
}

/// The squared error of each row. A row without its label is left out of the mean, since the loss leaves it out.
pub(super) fn mse(call: &mut Call) -> Result<Item, Stop> {
    let x = call.value(0)?;
    let item = call.item(1).clone();
    let label = call.at.number_value(item, call.span)?;
    let difference = make::sub(&mut call.at.to, x, label)?;
    Ok(Item::Value(make::unary(&mut call.at.to, "square", difference)?))
}

/// The label as it is: `bce` knows what null means.
fn label(call: &mut Call) -> Result<ValueId, Stop> {
    match call.item(1).clone() {
        Item::Label(label) => Ok(label),
        item => Ok(call.at.number_value(item, call.span)?),
    }
}

/// The logit of the product of probabilities: that all events happen. With `a = -logit`, the odds against two of them are
/// `e^a + e^b + e^(a+b)`, whose logarithm is taken around the largest of the three.
pub(super) fn logit_and(call: &mut Call) -> Result<Item, Stop> {
    let mut logits = call.values(0).into_iter();
    let first = logits.next().ok_or_else(|| Fault::new("E0310", "`logit_and` takes logits"))?;
    let mut all = first;
    for logit in logits {
        all = both(call, all, logit)?;
    }
    Ok(Item::Value(all))
}

fn both(call: &mut Call, a: ValueId, b: ValueId) -> Result<ValueId, Fault> {
    let to = &mut call.at.to;
    let (a, b) = (make::unary(to, "neg", a)?, make::unary(to, "neg", b)?);
    let sum = make::add(to, a, b)?;
    let larger = make::binary(to, "max", a, b)?;
    let largest = make::binary(to, "max", larger, sum)?;
    let largest = make::stop_gradient(to, largest)?;
    let mut odds = None;
    for term in [a, b, sum] {
        let shifted = make::sub(to, term, largest)?;
        let e = make::unary(to, "exp", shifted)?;
        odds = Some(match odds {
            None => e,
            Some(odds) => make::add(to, odds, e)?,
        });
    }
    let Some(odds) = odds else { return Err(Fault::new("E0399", "no terms")) };
    let log = make::unary(to, "log", odds)?;
    let against = make::add(to, log, largest)?;
    make::unary(to, "neg", against)
}
