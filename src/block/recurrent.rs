//! Steps along an axis, and the same block several times over.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::axis::AxisId;
use crate::ir::build::Builder;
use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, ValueId};
use crate::ir::input::InputSource;
use crate::ir::op::Fault;
use crate::ir::types::{Space, Type};
use crate::prim::make;
use crate::prim::scan::body;

use super::axis::OVER;
use super::call::{Call, Stop};
use super::item::Item;
use super::signature::{Default, Kind, Parameter};

const PASSED: Parameter = Parameter::new("ARGUMENT", Kind::Passed).or(Default::Absent);

pub(super) const SCAN: &[Parameter] = &[
    Parameter::new("x", Kind::Any),
    OVER,
    Parameter::new("init", Kind::Any),
    Parameter::new("step", Kind::Step),
    PASSED,
];
pub(super) const REPEAT: &[Parameter] =
    &[Parameter::new("n", Kind::Count), Parameter::new("x", Kind::Any), Parameter::new("block", Kind::Step), PASSED];
pub(super) const ZEROS: &[Parameter] = &[Parameter::new("n", Kind::Count)];

/// A row of zeros.
pub(super) fn zeros(call: &mut Call) -> Result<Item, Stop> {
    let n = call.count(0)?;
    Ok(Item::Value(make::constant(&mut call.at.to, 0.0, n)?))
}

/// `block` applied `n` times, each with parameters of its own.
pub(super) fn repeat(call: &mut Call) -> Result<Item, Stop> {
    let (n, block) = (call.count(0)?, call.word(2).to_owned());
    let named = passed(call, 3);
    let mut item = call.item(1).clone();
    let path = call.at.paths.own(call.share.as_deref());
    for layer in 0..n {
        let path = format!("{path}.{layer}");
        let outside = call.at.paths.enter_part(&path, call.share.is_some());
        let scope = call.at.to.enter(path);
        let made = call.at.apply_with(&block, vec![item], &named, call.span);
        call.at.to.enter(scope);
        call.at.paths.leave(outside);
        item = made?;
    }
    Ok(item)
}

/// The states after each element of an axis: `step` makes the next state of an element and the state before. Several
/// values are elements side by side and several first values are states side by side: `step(a, b, state)`.
pub(super) fn scan(call: &mut Call) -> Result<Item, Stop> {
    let (over, step) = (call.axis(1)?, call.word(3).to_owned());
    let named = passed(call, 4);
    let elements = along(call, 0, over)?;
    let states = numbers(call, 2)?;
    let (mut inner, space) = body::builder();
    let inputs: Vec<ValueId> = elements
        .iter()
        .chain(&states)
        .enumerate()
        .map(|(i, &value)| {
            let ty = Type::f32(space.clone(), call.width(value));
            let name =
                if i < elements.len() { format!("element.{i}") } else { format!("state.{}", i - elements.len()) };
            inner.input(&name, ty, InputSource::plain(&name))
        })
        .collect();
    let (results, inner) = inside(call, inner, |call| {
        let first = inputs.into_iter().map(Item::Value).collect();
        let item = call.at.apply_with(&step, first, &named, call.span)?;
        let several = matches!(item, Item::List(_));
        let items = if let Item::List(items) = item { items } else { vec![item] };
        let values = items.into_iter().map(|item| call.at.number_value(item, call.span));
        Ok((several, values.collect::<Result<Vec<_>, _>>()?))
    })?;
    let (several, values) = results;
    if values.len() != states.len() {
        let title = format!("`{step}` gives {} states, found {} first values", values.len(), states.len());
        return Err(Fault::new("E0310", title).into());
    }
    let widths: Vec<u32> = states.iter().map(|&state| call.width(state)).collect();
    let inner = outputs(inner, &values, &widths, &space, &step)?;
    let (body, shared) = lift(call, &inner)?;
    let operands: Vec<ValueId> = elements.into_iter().chain(states).chain(shared).collect();
    let found = make::scan(&mut call.at.to, &operands, over, body)?;
    match (several, &found[..]) {
        (false, [one]) => Ok(Item::Value(*one)),
        _ => Ok(Item::List(found.into_iter().map(Item::Value).collect())),
    }
}

/// Runs `run` with the nodes going into another graph.
fn inside<T>(
    call: &mut Call,
    inner: Builder,
    run: impl FnOnce(&mut Call) -> Result<T, Stop>,
) -> Result<(T, Builder), Stop> {
    // Handles of values mean something in one graph only, so nothing that remembers them goes in or comes out.
    let outer = std::mem::replace(&mut call.at.to, inner);
    let looked_up = std::mem::take(&mut call.at.looked_up);
    let groups = std::mem::take(&mut call.at.groups);
    let named: BTreeSet<ValueId> = std::mem::take(&mut call.at.named);
    let trace = std::mem::take(&mut call.at.trace);
    let made = run(call);
    (call.at.looked_up, call.at.groups, call.at.named, call.at.trace) = (looked_up, groups, named, trace);
    let inner = std::mem::replace(&mut call.at.to, outer);
    Ok((made?, inner))
}

/// Makes the values of a step its outputs, in the space of the sequences.
fn outputs(mut inner: Builder, values: &[ValueId], widths: &[u32], space: &Space, step: &str) -> Result<Graph, Fault> {
    for (i, (&value, &width)) in values.iter().zip(widths).enumerate() {
        let found = inner.ty(value).width;
        if found != width {
            let title = format!("`{step}` gives a state of width {found}, its first value has width {width}");
            return Err(Fault::new("E0301", title).help("the state after a step has the type of the state before"));
        }
        let value = make::expand(&mut inner, value, &Type::f32(space.clone(), width))?;
        inner.output(&format!("state.{i}"), value);
    }
    Ok(inner.finish())
}

/// A body whose parameters are inputs, and these parameters in the graph around it.
fn lift(call: &mut Call, inner: &Graph) -> Result<(Graph, Vec<ValueId>), Fault> {
    use crate::ir::graph::Item as Line;
    let mut copy = Copy::new(inner);
    let mut shared = Vec::new();
    let mut lines: Vec<Line> = inner.order().to_vec();
    // The operands of a scan stand in the order of its body's inputs: elements, states, then parameters.
    lines.sort_by_key(|line| match line {
        Line::Axis(_) => 0,
        Line::Input(_) => 1,
        Line::Param(_) => 2,
        Line::Node(_) => 3,
    });
    let mut known: BTreeMap<String, ValueId> = BTreeMap::new();
    for line in lines {
        let Line::Param(id) = line else {
            copy.item(line)?;
            continue;
        };
        let param = inner.param(id);
        let ty = inner.ty(param.value).clone();
        if !ty.space.is_unit() {
            let title = format!("a step has a parameter along an axis: `{}`", param.name);
            return Err(Fault::new("E0302", title).help("in a step parameters are rows and layers"));
        }
        let outer = call.at.to.param(&param.name, ty.clone(), param.init, param.role)?;
        let input = match known.get(&param.name) {
            Some(&input) => input,
            None => {
                shared.push(outer);
                copy.to.input(&param.name, ty, InputSource::plain(&param.name))
            }
        };
        known.insert(param.name.clone(), input);
        copy.replace(param.value, input);
    }
    Ok((copy.finish()?, shared))
}

/// One value, or several in a list, each along `over`.
fn along(call: &mut Call, at: usize, over: AxisId) -> Result<Vec<ValueId>, Stop> {
    let values = numbers(call, at)?;
    let Some(&first) = values.iter().find(|&&value| call.at.to.ty(value).space.has(over)) else {
        let name = &call.at.to.graph().axis(over).name;
        let title = format!("`scan` over `{name}`, an axis that its elements lack");
        return Err(Fault::new("E0305", title).of(at).into());
    };
    let mut space = call.at.to.ty(first).space.clone();
    for &value in &values {
        space = space.unite(&call.at.to.ty(value).space);
    }
    let mut found = Vec::new();
    for value in values {
        let like = Type::f32(space.clone(), call.width(value));
        found.push(if call.at.to.ty(value).space.has(over) {
            value
        } else {
            make::expand(&mut call.at.to, value, &like)?
        });
    }
    Ok(found)
}

fn numbers(call: &mut Call, at: usize) -> Result<Vec<ValueId>, Stop> {
    let items = match call.item(at).clone() {
        Item::List(items) => items,
        item => vec![item],
    };
    let values = items.into_iter().map(|item| call.at.number_value(item, call.span));
    Ok(values.collect::<Result<Vec<_>, _>>()?)
}

fn passed(call: &Call, at: usize) -> Vec<(String, Item)> {
    match call.item(at) {
        Item::Record(fields) => fields.clone(),
        _ => Vec::new(),
    }
}
