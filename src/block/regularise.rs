//! Regularisation of the rows of a table that a batch names.

use crate::ir::graph::{Init, Role};
use crate::ir::op::Fault;
use crate::ir::types::Type;
use crate::prim::make;

use super::call::{Call, Stop};
use super::item::Item;
use super::signature::{Default, Kind, Parameter};

pub(super) const MINI_BATCH_AWARE: &[Parameter] =
    &[Parameter::new("ids", Kind::Ids), Parameter::new("strength", Kind::Number).or(Default::Number(0.01))];

/// The mini-batch aware regularisation of DIN (Zhou et al. 2018, equations 6 and 7), a loss: half of `strength` times the
/// square of each row that the batch names, over how often the train part names it. So a row is decayed once in each batch
/// that has it, and a frequent one less.
pub(super) fn mini_batch_aware(call: &mut Call) -> Result<Item, Stop> {
    let (table, strength) = (call.ids(0)?.table, call.number(1)?);
    if strength < 0.0 {
        return Err(Fault::new("E0313", "the strength of a regularisation is not below 0").of(1).into());
    }
    let Some(param) = call.at.outer.table(&table) else { return Err(Stop::Said) };
    let rows = call.at.fetched(&table, &param)?;
    let to = &mut call.at.to;
    let (whole, distinct) = (to.table_axis(&table, false), to.table_axis(&table, true));
    let space = to.graph().axes().close(&[whole]);
    let counts = to.param(&format!("{table}.count"), Type::f32(space, 1), Init::Counts, Role::Frozen)?;
    let counts = make::fetch(to, counts, distinct)?;
    let squares = make::unary(to, "square", rows)?;
    let squares = make::sum_width(to, squares)?;
    let shares = make::div(to, squares, counts)?;
    let sum = make::sum_rows(to, shares)?;
    Ok(Item::Value(make::scale(to, sum, strength / 2.0)?))
}
