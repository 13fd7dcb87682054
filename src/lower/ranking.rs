//! Metrics of what comes next: where the target stands among candidates. Ties count against the model.

use crate::block::candidate::{self, FIRST_CANDIDATE};
use crate::block::evaluate::{Evaluator, Said};
use crate::block::item::{Ids, Item, Scores};
use crate::diag::Diagnostic;
use crate::expr::ast::Expr;
use crate::ir::graph::ValueId;
use crate::ir::input::{InputSource, SEEN};
use crate::ir::op::Fault;
use crate::ir::types::Elem;
use crate::prim::make;

use super::metric::{MetricOf, Parts};

/// What a target is ranked among.
#[derive(Clone, Debug, PartialEq)]
pub enum Among {
    /// Every row of a table but that of unknown ids.
    All {
        /// The table.
        table: String,
        /// What is no candidate.
        seen: Seen,
    },
    /// Ids that were drawn for each sample, and the target.
    Drawn {
        /// What draws them.
        axis: String,
    },
}

/// What is no candidate because the user had it.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// All that the user of a next-item sample had before it.
    Before {
        /// The feature that the target and what was before are of.
        feature: String,
    },
    /// What the spec says.
    Given,
    /// Nothing.
    Nothing,
}

/// The rank of the target as an output; also gives the row that candidates are multiplied with.
pub(super) fn ranks(
    name: &str,
    parts: &Parts,
    scores: Scores,
    target: Item,
    at: &mut Evaluator,
) -> Result<(MetricOf, ValueId), Said> {
    let target = ids(target, "the id that came next", parts.label, &scores, at)?;
    let mut given = |expr: Option<&Expr>| match expr {
        Some(expr) => at.expr(expr).and_then(|item| ids(item, "ids", expr, &scores, at)).map(Some),
        None => Ok(None),
    };
    let (seen, drawn) = (given(parts.seen)?, given(parts.among)?);
    let hidden = candidate::last_hidden(&mut at.to, scores.hidden);
    let scores = Scores { hidden: at.settle(hidden, parts.score.span)?, ..scores };
    let (made, among) = match drawn.zip(parts.among) {
        Some((drawn, expr)) => {
            if let Some(seen) = parts.seen {
                let finding = Diagnostic::new("E0310", "`seen` beside `among`").at(seen.span, "");
                return Err(at.say(finding.help("what `among` draws has a `not_in` of its own")));
            }
            let Some(axis) = drawn_along(drawn, target, at) else {
                let finding = Diagnostic::new("E0302", "`among` has one id for each sample, expected several");
                let way_out = "`unseen.movie` along an axis that draws: `unseen: {draw: movie, n: 100}`";
                return Err(at.say(finding.at(expr.span, "").help(way_out)));
            };
            let of = [(target, parts.label), (drawn, expr)].map(|(ids, expr)| score(&scores, ids, expr, at));
            let [of_target, of_drawn] = of;
            (rank_among(target, of_target?, of_drawn?, at), Among::Drawn { axis })
        }
        None => {
            let (without, seen) = match seen {
                Some(given) => (Some(given), Seen::Given),
                None => seen_before(target, at),
            };
            (rank(&scores, target, without, at), Among::All { table: scores.table.clone(), seen })
        }
    };
    let value = at.settle(made, parts.score.span)?;
    let rank = format!("metric.{name}.rank");
    at.to.output(&rank, value);
    Ok((MetricOf::Ranks { rank, k: parts.k, among }, scores.hidden))
}

/// An item as ids of the scores' vocabulary.
fn ids(item: Item, expected: &str, expr: &Expr, scores: &Scores, at: &mut Evaluator) -> Result<ValueId, Said> {
    let Item::Ids(ids) = item else {
        let found = item.describe(at.to.graph());
        let finding = Diagnostic::new("E0302", format!("expected {expected}, found {found}"));
        return Err(at.say(finding.at(expr.span, "")));
    };
    match &at.to.ty(ids.value).elem {
        Elem::Id(vocabulary) if **vocabulary == *scores.vocabulary => Ok(ids.value),
        Elem::Id(found) => {
            let title = format!("ids of `{found}` are no candidates among `{}`", scores.vocabulary);
            Err(at.say(Diagnostic::new("E0303", title).at(expr.span, "")))
        }
        _ => Err(at.say(Diagnostic::new("E0302", format!("expected {expected}")).at(expr.span, ""))),
    }
}

/// Everything that the user of a next-item sample had before, if the target is one's.
fn seen_before(target: ValueId, at: &mut Evaluator) -> (Option<ValueId>, Seen) {
    let source = at.to.graph().inputs().find(|(_, input)| input.value == target).map(|(_, input)| input.source.clone());
    let Some(InputSource::Target { feature }) = source else { return (None, Seen::Nothing) };
    let Ok(Some(Item::Axis(axis))) = at.outer.name(&mut at.to, SEEN) else { return (None, Seen::Nothing) };
    match at.outer.member(&mut at.to, axis, &feature) {
        Ok(Some(Item::Ids(ids))) => (Some(ids.value), Seen::Before { feature }),
        _ => (None, Seen::Nothing),
    }
}

fn rank(scores: &Scores, target: ValueId, seen: Option<ValueId>, at: &mut Evaluator) -> Result<ValueId, Fault> {
    let to = &mut at.to;
    let whole = to.table_axis(&scores.table, false);
    let mut operands = vec![scores.hidden, scores.rows, make::locate(to, target, whole)?];
    if let Some(seen) = seen {
        operands.push(make::locate(to, seen, whole)?);
    }
    operands.extend(scores.bias);
    make::rank(to, &operands, FIRST_CANDIDATE)
}

/// The name of an axis that the drawn ids have and the target lacks.
fn drawn_along(drawn: ValueId, target: ValueId, at: &Evaluator) -> Option<String> {
    let graph = at.to.graph();
    let (of, alone) = (&graph.ty(drawn).space, &graph.ty(target).space);
    of.axes().iter().find(|axis| !alone.has(**axis)).map(|&axis| graph.axis(axis).name.clone())
}

/// The scores of some ids.
fn score(scores: &Scores, ids: ValueId, expr: &Expr, at: &mut Evaluator) -> Result<ValueId, Said> {
    let rows = Item::Ids(Ids { value: ids, table: scores.table.clone(), bag: None });
    let rows = at.number_value(rows, expr.span)?;
    let to = &mut at.to;
    let whole = to.table_axis(&scores.table, false);
    let made = make::dot(to, scores.hidden, rows).and_then(|product| match scores.bias {
        Some(bias) => {
            let place = make::locate(to, ids, whole)?;
            let bias = make::gather(to, bias, place)?;
            make::add(to, product, bias)
        }
        None => Ok(product),
    });
    at.settle(made, expr.span)
}

/// One more than how many drawn ids do not score below the target; a score that is no number is not below. Infinite where
/// the target is unknown.
fn rank_among(target: ValueId, own: ValueId, drawn: ValueId, at: &mut Evaluator) -> Result<ValueId, Fault> {
    let to = &mut at.to;
    let below = make::binary(to, "lt", drawn, own)?;
    let (zero, one) = (make::constant(to, 0.0, 1)?, make::constant(to, 1.0, 1)?);
    let not_below = make::choose(to, below, zero, one)?;
    let like = to.ty(own).clone();
    let ahead = make::sum_to(to, not_below, &like)?;
    let rank = make::add(to, ahead, one)?;
    let known = make::is_candidate(to, target, FIRST_CANDIDATE)?;
    let known = make::choose(to, known, one, zero)?;
    make::div(to, rank, known)
}
