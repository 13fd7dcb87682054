//! Reductions along axes or along the width: `sum(x, over=history, where=c)`.

use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::prim::make;

use super::call::{Call, Stop};
use super::item::Item;
use super::signature::{Kind, Parameter};

/// What a reduction to the axes of another value takes.
pub(super) const LIKE: &[Parameter] = &[super::X, Parameter::new("like", Kind::Value)];

/// Along axes, and along the width.
type Along = fn(&mut Builder, ValueId, Vec<AxisId>, Option<ValueId>) -> Result<ValueId, Fault>;
type Across = fn(&mut Builder, ValueId) -> Result<ValueId, Fault>;

pub(super) fn sum(call: &mut Call) -> Result<Item, Stop> {
    reduce(call, make::sum_chosen, make::sum_width)
}

pub(super) fn mean_of(call: &mut Call) -> Result<Item, Stop> {
    reduce(call, make::mean, mean_width)
}

pub(super) fn max(call: &mut Call) -> Result<Item, Stop> {
    reduce(call, make::max_over, max_width)
}

pub(super) fn min(call: &mut Call) -> Result<Item, Stop> {
    reduce(call, make::min_over, |to, x| {
        let negative = make::unary(to, "neg", x)?;
        let largest = max_width(to, negative)?;
        make::unary(to, "neg", largest)
    })
}

pub(super) fn first(call: &mut Call) -> Result<Item, Stop> {
    reduce(call, make::first, |to, x| make::slice(to, x, 0, 1))
}

pub(super) fn last(call: &mut Call) -> Result<Item, Stop> {
    reduce(call, make::last, |to, x| {
        let width = to.ty(x).width;
        make::slice(to, x, width - 1, width)
    })
}

pub(super) fn softmax(call: &mut Call) -> Result<Item, Stop> {
    reduce(call, make::softmax, softmax_width)
}

/// The logarithm of the sum of `e^x`, the largest taken off first; of nothing 0.
pub(super) fn logsumexp(call: &mut Call) -> Result<Item, Stop> {
    reduce(
        call,
        |to, x, over, c| {
            let largest = make::max_over(to, x, over.clone(), c)?;
            let largest = make::stop_gradient(to, largest)?;
            let shifted = make::sub(to, x, largest)?;
            let e = make::unary(to, "exp", shifted)?;
            let sum = make::sum_chosen(to, e, over, c)?;
            log_of_sum(to, sum, largest)
        },
        |to, x| {
            let largest = max_width(to, x)?;
            let largest = make::stop_gradient(to, largest)?;
            let shifted = make::sub(to, x, largest)?;
            let e = make::unary(to, "exp", shifted)?;
            let sum = make::sum_width(to, e)?;
            log_of_sum(to, sum, largest)
        },
    )
}

/// `log(sum) + largest`. The largest itself is part of a sum, which is at least 1, or there was nothing to add.
fn log_of_sum(to: &mut Builder, sum: ValueId, largest: ValueId) -> Result<ValueId, Fault> {
    let one = make::constant(to, 1.0, 1)?;
    let sum = make::binary(to, "max", sum, one)?;
    let log = make::unary(to, "log", sum)?;
    make::add(to, log, largest)
}

/// The sum over every axis that another value lacks.
pub(super) fn sum_to(call: &mut Call) -> Result<Item, Stop> {
    let (x, over) = beyond(call)?;
    Ok(Item::Value(make::sum(&mut call.at.to, x, over)?))
}

/// The mean over every axis that another value lacks.
pub(super) fn mean_to(call: &mut Call) -> Result<Item, Stop> {
    let (x, over) = beyond(call)?;
    Ok(Item::Value(if over.is_empty() { x } else { make::mean(&mut call.at.to, x, over, None)? }))
}

fn beyond(call: &Call) -> Result<(ValueId, Vec<AxisId>), Fault> {
    let (x, like) = (call.value(0)?, call.value(1)?);
    let graph = call.at.to.graph();
    let over = graph.ty(x).space.beyond(&graph.ty(like).space);
    fits(call, x, &over)?;
    Ok((x, over))
}

/// How many elements there are: 1 for each of them, summed.
pub(super) fn count(call: &mut Call) -> Result<Item, Stop> {
    if let Item::Width = call.item(1) {
        let x = call.value(0)?;
        return Ok(Item::Number(f64::from(call.width(x))));
    }
    reduce(
        call,
        |to, x, over, c| {
            let of = to.ty(x).space.axes().to_vec();
            let Some(c) = c else { return make::count(to, of, over) };
            let space = to.graph().axes().close(&of).unite(&to.ty(c).space);
            let like = to.ty(c).with_space(space);
            let c = make::expand(to, c, &like)?;
            make::sum(to, c, over)
        },
        |_, x| Ok(x),
    )
}

fn reduce(call: &mut Call, along: Along, across: Across) -> Result<Item, Stop> {
    let (x, condition) = (call.value(0)?, call.option(2));
    let value = match call.item(1) {
        Item::Width if condition.is_some() => {
            let title = format!("`{}` over the width takes no `where`", call.name);
            return Err(Fault::new("E0302", title)
                .of(2)
                .help("a condition holds for whole elements of an axis")
                .into());
        }
        Item::Width => across(&mut call.at.to, x)?,
        _ => {
            let over = call.axes(1);
            fits(call, x, &over)?;
            along(&mut call.at.to, x, over, condition)?
        }
    };
    Ok(Item::Value(value))
}

/// Whether the value has every axis of `over`, and none that stands under one of them. The primitives check it too, but a
/// mean is several of them, and a fault should name what the spec wrote.
fn fits(call: &Call, x: ValueId, over: &[AxisId]) -> Result<(), Fault> {
    let (graph, name) = (call.at.to.graph(), call.name);
    let space = &graph.ty(x).space;
    if let Some(&lacking) = over.iter().find(|&&axis| !space.has(axis)) {
        let title = format!("`{name}` over `{}`, an axis that the value lacks", graph.axis(lacking).name);
        return Err(Fault::new("E0305", title).of(0));
    }
    if let Err(child) = graph.axes().without(space, over) {
        let child = &graph.axis(child).name;
        let title = format!("`{name}` over an axis that `{child}` stands under");
        let way_out = format!("reduce over `{child}` first, or over both: `over=[{child}, ...]`");
        return Err(Fault::new("E0306", title).of(0).help(way_out));
    }
    Ok(())
}

/// The mean of each row.
fn mean_width(to: &mut Builder, x: ValueId) -> Result<ValueId, Fault> {
    let width = f64::from(to.ty(x).width);
    let sum = make::sum_width(to, x)?;
    make::scale(to, sum, 1.0 / width)
}

/// The largest of each row: both halves against each other until one column is left. The halves of an odd width overlap,
/// which a maximum does not mind.
fn max_width(to: &mut Builder, x: ValueId) -> Result<ValueId, Fault> {
    let mut x = x;
    loop {
        let width = to.ty(x).width;
        if width <= 1 {
            return Ok(x);
        }
        let half = width.div_ceil(2);
        let left = make::slice(to, x, 0, half)?;
        let right = make::slice(to, x, width - half, width)?;
        x = make::binary(to, "max", left, right)?;
    }
}

/// `e^x` over its sum, row by row; the largest of the row is taken off first, so that nothing overflows.
fn softmax_width(to: &mut Builder, x: ValueId) -> Result<ValueId, Fault> {
    let largest = max_width(to, x)?;
    let largest = make::stop_gradient(to, largest)?;
    let shifted = make::sub(to, x, largest)?;
    let e = make::unary(to, "exp", shifted)?;
    let sum = make::sum_width(to, e)?;
    make::div(to, e, sum)
}
