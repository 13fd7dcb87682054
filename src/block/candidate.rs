//! Candidates: the rows of a whole table as what could come next. Scores, the losses and the best of them, and the task
//! that hides what is to be guessed.

use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::build::Builder;
use crate::ir::graph::{Init, Role, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Type;
use crate::prim::make;

use super::axis::OVER;
use super::call::{Call, Stop};
use super::item::{Ids, Item, Scores};
use super::signature::{Default, Kind, Parameter};

/// Row 0 is no candidate: it stands for unknown ids and for hidden ones, since what is hidden is an id that nobody knows.
pub const FIRST_CANDIDATE: i64 = 1;
/// The row of hidden ids.
pub const MASK: u32 = 0;

const SCORES_OF: Parameter = Parameter::new("scores", Kind::Any);
const IDS: Parameter = Parameter::new("ids", Kind::Ids);

pub(super) const SCORES: &[Parameter] = &[super::X, IDS, Parameter::new("bias", Kind::Flag).or(Default::Flag(true))];
pub(super) const CROSS_ENTROPY: &[Parameter] = &[SCORES_OF, Parameter::new("target", Kind::Ids)];
pub(super) const TOP: &[Parameter] = &[
    SCORES_OF,
    Parameter::new("k", Kind::Count).or(Default::Number(10.0)),
    Parameter::new("exclude", Kind::Ids).or(Default::Absent),
];
pub(super) const CLOZE: &[Parameter] =
    &[IDS, OVER, Parameter::new("rate", Kind::Number), Parameter::new("last", Kind::Number).or(Default::Number(0.1))];
pub(super) const OF_IDS: &[Parameter] = &[IDS];

/// The product of `x` with every row of the ids' table, plus a trained number for each row.
pub(super) fn scores(call: &mut Call) -> Result<Item, Stop> {
    let (hidden, bias) = (call.value(0)?, call.flag(2));
    let table = call.ids(1)?.table;
    let Some(param) = call.at.outer.table(&table) else { return Err(Stop::Said) };
    let width = call.width(hidden);
    if width != param.dim {
        let title = format!("`scores` of width {width} against rows of width {}", param.dim);
        return Err(Fault::new("E0301", title).of(0).help(format!("`linear({})` makes it as wide", param.dim)).into());
    }
    let whole = call.at.to.table_axis(&table, false);
    let space = call.at.to.graph().axes().close(&[whole]);
    let rows = call.at.to.param(&table, Type::f32(space.clone(), param.dim), param.init, param.role)?;
    let bias = match bias {
        // One number for each candidate, in whichever value the scores are asked for.
        true => {
            Some(call.at.to.param(&format!("{table}.bias"), Type::f32(space, 1), Init::Constant(0.0), Role::Weight)?)
        }
        false => None,
    };
    Ok(Item::Scores(Scores { hidden, rows, bias, table, vocabulary: param.vocabulary }))
}

/// All scores as values, for whatever has no better way.
pub(super) fn all(to: &mut Builder, scores: &Scores) -> Result<ValueId, Fault> {
    let products = make::dot(to, scores.hidden, scores.rows)?;
    match scores.bias {
        Some(bias) => make::add(to, products, bias),
        None => Ok(products),
    }
}

/// Minus the logarithm of the target's share among all candidates. A row whose target is unknown does not count.
pub(super) fn cross_entropy(call: &mut Call) -> Result<Item, Stop> {
    let scores = known_scores(call, 0)?;
    let target = call.ids(1)?;
    let place = placed(call, &scores, target.value)?;
    let mut operands = vec![scores.hidden, scores.rows, place];
    operands.extend(scores.bias);
    let to = &mut call.at.to;
    let value = make::cross_entropy(to, &operands, FIRST_CANDIDATE)?;
    let counts = make::is_candidate(to, target.value, FIRST_CANDIDATE)?;
    Ok(Item::Counted { value, counts })
}

/// The best candidates and their scores, best first.
pub(super) fn top(call: &mut Call) -> Result<Item, Stop> {
    let scores = known_scores(call, 0)?;
    let k = call.count(1)?;
    let scores = for_prediction(call, scores)?;
    let name = format!("{}.top", call.at.paths.value());
    let best = call.at.to.axis(&name, None, AxisKind::Static { len: k });
    let mut operands = vec![scores.hidden, scores.rows];
    if let Item::Ids(ids) = call.item(2) {
        let ids = ids.value;
        operands.push(placed(call, &scores, ids)?);
    }
    operands.extend(scores.bias);
    let [ids, scores] = make::best(&mut call.at.to, &operands, FIRST_CANDIDATE, best)?;
    Ok(Item::Record(vec![("ids".to_owned(), Item::Value(ids)), ("scores".to_owned(), Item::Value(scores))]))
}

/// In training ids are hidden at random: each with probability `rate`, at least one and not all; and, with probability
/// `last`, the last alone. In evaluation and serving the last alone is hidden.
pub(super) fn cloze(call: &mut Call) -> Result<Item, Stop> {
    let Ids { value, table, .. } = call.ids(0)?;
    let (over, rate, last) = (call.axis(1)?, call.number(2)?, call.number(3)?);
    if !(rate > 0.0 && rate < 1.0 && (0.0..=1.0).contains(&last)) {
        let title = "`cloze` needs a `rate` between 0 and 1, and a `last` from 0 to 1";
        return Err(Fault::new("E0313", title).into());
    }
    let stream = call.at.paths.noise("cloze");
    let [tokens, chosen] = make::cloze(&mut call.at.to, value, over, MASK, &stream, (rate, last))?;
    let tokens = Item::Ids(Ids { value: tokens, table, bag: None });
    Ok(Item::Record(vec![("tokens".to_owned(), tokens), ("chosen".to_owned(), Item::Value(chosen))]))
}

/// How many candidates the table of some ids has.
pub(super) fn size(call: &mut Call) -> Result<Item, Stop> {
    let table = call.ids(0)?.table;
    let whole = call.at.to.table_axis(&table, false);
    let to = &mut call.at.to;
    let rows = make::count(to, vec![whole], vec![whole])?;
    let others = make::constant(to, FIRST_CANDIDATE as f64, 1)?;
    Ok(Item::Value(make::sub(to, rows, others)?))
}

/// Whether ids are known to the train part.
pub(super) fn is_known(call: &mut Call) -> Result<Item, Stop> {
    let ids = call.ids(0)?.value;
    Ok(Item::Value(make::is_candidate(&mut call.at.to, ids, FIRST_CANDIDATE)?))
}

/// Scores as an evaluation or a prediction reads them: of what a cloze hides, that is the last step.
fn for_prediction(call: &mut Call, scores: Scores) -> Result<Scores, Fault> {
    let hidden = last_hidden(&mut call.at.to, scores.hidden)?;
    Ok(Scores { hidden, ..scores })
}

/// A value along the elements that a cloze has hidden, at the last of them: in evaluation and serving there is no other.
pub fn last_hidden(to: &mut Builder, value: ValueId) -> Result<ValueId, Fault> {
    let graph = to.graph();
    let hidden = |axis: &&AxisId| match graph.axis(**axis).kind {
        AxisKind::Sub { condition, .. } => {
            graph.producer(condition).is_some_and(|node| matches!(node.op.name(), "cloze" | "hide_last"))
        }
        _ => false,
    };
    let axis = graph.ty(value).space.axes().iter().find(hidden).copied();
    match axis {
        Some(axis) => make::last(to, value, vec![axis], None),
        None => Ok(value),
    }
}

fn known_scores(call: &Call, at: usize) -> Result<Scores, Fault> {
    match call.item(at) {
        Item::Scores(scores) => Ok(scores.clone()),
        other => {
            let found = other.describe(call.at.to.graph());
            let title = format!("`{}` takes scores, found {found}", call.name);
            Err(Fault::new("E0302", title).of(at).help("`scores(hidden, movie)` scores every candidate"))
        }
    }
}

/// The places of ids among all rows of the scores' table.
fn placed(call: &mut Call, scores: &Scores, ids: ValueId) -> Result<ValueId, Fault> {
    use crate::ir::types::Elem;
    if !matches!(&call.at.to.ty(ids).elem, Elem::Id(vocabulary) if **vocabulary == *scores.vocabulary) {
        let found = call.at.to.graph().axes().show(call.at.to.ty(ids));
        let title = format!("scores of every `{}` with {found}", scores.vocabulary);
        return Err(Fault::new("E0303", title).of(1).help("features with one `table` have one vocabulary"));
    }
    let whole = call.at.to.table_axis(&scores.table, false);
    make::locate(&mut call.at.to, ids, whole)
}
