//! Parameters by themselves, and rows of a table by name.

use crate::ir::graph::{Init, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::{Elem, Type};

use super::call::{Call, Stop};
use super::item::Item;
use super::signature::{Default, Kind, Parameter};

pub(super) const PARAM: &[Parameter] = &[
    Parameter::new("width", Kind::Count),
    Parameter::new("axes", Kind::Axes).or(Default::Absent),
    Parameter::new("init", Kind::Init).or(Default::Absent),
];

/// A trained row, or one for each element of axes of a fixed length. By default its numbers are drawn from a normal
/// distribution of deviation 0.01.
pub(super) fn param(call: &mut Call) -> Result<Item, Stop> {
    let (width, axes) = (call.count(0)?, call.axes(1));
    let graph = call.at.to.graph();
    if let Some(&axis) = axes.iter().find(|&&axis| graph.axes().fixed(axis).is_none()) {
        let title = format!("`param` along `{}`, an axis whose length varies", graph.axis(axis).name);
        let way_out =
            "a parameter has one shape for all samples: a row for each place of a history is a table of its own";
        return Err(Fault::new("E0302", title).of(1).help(way_out).into());
    }
    let space = graph.axes().close(&axes);
    let init = call.init(2, Init::Normal { std: 0.01 });
    let path = call.at.paths.own(call.share.as_deref());
    Ok(Item::Value(call.weight(&path, Type::f32(space, width), init)?))
}

/// The rows of a table other than the feature's own: `lookup(ad, wide)`.
pub(super) fn lookup(call: &mut Call) -> Result<Item, Stop> {
    let table = call.word(1).to_owned();
    let Item::Ids(ids) = call.item(0).clone() else {
        return Err(Fault::new("E0399", "`lookup` of something else than ids").into());
    };
    let Some(param) = call.at.outer.table(&table) else { return Err(Stop::Said) };
    let vocabulary = vocabulary(call, ids.value);
    if vocabulary != param.vocabulary {
        let title = format!("ids of `{vocabulary}` have no rows in `{table}`, a table of `{}`", param.vocabulary);
        let way_out = format!("`{table}: {{of: {vocabulary}, dim: ...}}` under `tables:` makes it one of theirs");
        return Err(Fault::new("E0303", title).of(0).help(way_out).into());
    }
    Ok(Item::Value(call.at.rows(&ids, &table)?))
}

fn vocabulary(call: &Call, ids: ValueId) -> String {
    match &call.at.to.ty(ids).elem {
        Elem::Id(vocabulary) => vocabulary.to_string(),
        _ => String::new(),
    }
}
