//! `losses:` each is the mean of its rows, and those whose label is not known are no rows.

use crate::block::evaluate::{Evaluator, Said};
use crate::block::item::Item;
use crate::diag::Diagnostic;
use crate::expr::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::ir::build::Builder;
use crate::ir::graph::{Def, Role, ValueId};
use crate::ir::input::InputSource;
use crate::ir::op::Fault;
use crate::ir::types::{Space, Type};
use crate::prim::make;
use crate::syntax::spec::Spec;

use super::names::Section;
use super::refer::References;
use super::tables::Tables;

/// Evaluates every loss and makes it a root; tables with `l2` have one too.
pub(super) fn losses(spec: &Spec, references: &References, tables: &Tables, at: &mut Evaluator) {
    let weight = spec.samples.downsample.is_some().then(|| {
        let batch: Vec<_> = at.to.graph().axes().find("B").into_iter().collect();
        let space = at.to.graph().axes().close(&batch);
        at.to.input("weight", Type::f32(space, 1), InputSource::Weight)
    });
    for entry in &spec.losses {
        let name = &entry.name.name;
        if !references.is_sound(Section::Losses, name) {
            continue;
        }
        let path = format!("loss.{name}");
        at.open(&path);
        if let Ok(value) = loss(&entry.value, weight, at) {
            at.to.rename(value, &path);
            at.to.loss(name, value);
        }
    }
    for table in tables.names() {
        if let Some((factor, span)) = tables.l2(table)
            && let Some(param) = at.to.graph().find_param(table)
            && at.to.graph().param(param).role == Role::Table
        {
            let path = format!("loss.l2.{table}");
            at.open(&path);
            let made = squares(at, table, factor);
            if let Ok(value) = at.settle(made, span) {
                at.to.rename(value, &path);
                at.to.loss(&format!("l2.{table}"), value);
            }
        }
    }
}

/// The sum of the means of a loss's terms: each term counts the rows whose own label is known.
fn loss(expr: &Expr, weight: Option<ValueId>, at: &mut Evaluator) -> Result<ValueId, Said> {
    let mut terms = Vec::new();
    split(expr, 1.0, &mut terms);
    let mut total = None;
    for (term, factor) in terms {
        let made = mean(term, weight, at)?;
        let made = if factor == 1.0 { Ok(made) } else { make::scale(&mut at.to, made, factor) };
        let made = at.settle(made, term.span)?;
        total = Some(match total {
            None => made,
            Some(total) => {
                let sum = make::add(&mut at.to, total, made);
                at.settle(sum, expr.span)?
            }
        });
    }
    total.ok_or(Said)
}

/// The terms of a sum and their known factors. Other factors belong to the rows.
fn split<'e>(expr: &'e Expr, factor: f64, terms: &mut Vec<(&'e Expr, f64)>) {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Add, left, right) => {
            split(left, factor, terms);
            split(right, factor, terms);
        }
        ExprKind::Binary(BinaryOp::Sub, left, right) => {
            split(left, factor, terms);
            split(right, -factor, terms);
        }
        ExprKind::Binary(BinaryOp::Mul, left, right) => match (&left.kind, &right.kind) {
            (ExprKind::Number(number), _) => split(right, factor * number, terms),
            (_, ExprKind::Number(number)) => split(left, factor * number, terms),
            _ => terms.push((expr, factor)),
        },
        ExprKind::Unary(UnaryOp::Neg, inner) => split(inner, -factor, terms),
        _ => terms.push((expr, factor)),
    }
}

/// The mean of a term over the rows that count.
fn mean(expr: &Expr, weight: Option<ValueId>, at: &mut Evaluator) -> Result<ValueId, Said> {
    let item = at.expr(expr)?;
    let counts = if let Item::Counted { counts, .. } = item { Some(counts) } else { None };
    let rows = at.number_value(item, expr.span)?;
    let ty = at.to.ty(rows).clone();
    if ty.width != 1 || ty.height != 1 {
        let found = at.to.graph().axes().show(&ty);
        let finding =
            Diagnostic::new("E0309", format!("a loss has one number a row, found {found}")).at(expr.span, found);
        return Err(at.say(finding.help("`sum(..., over=width)` adds up the numbers of a row")));
    }
    let made = mean_of(&mut at.to, rows, &ty, (counts, weight));
    at.settle(made, expr.span)
}

fn mean_of(
    to: &mut Builder,
    rows: ValueId,
    ty: &Type,
    (counts, weight): (Option<ValueId>, Option<ValueId>),
) -> Result<ValueId, Fault> {
    let space = &ty.space;
    if space.is_unit() {
        return Ok(rows);
    }
    let mut known = counts;
    for label in labels(to, rows, space) {
        let this = make::unary(to, "known", label)?;
        known = Some(match known {
            None => this,
            Some(known) => make::binary(to, "and", known, this)?,
        });
    }
    let mut rows = rows;
    if let Some(known) = known
        && (counts.is_some() || !is_bce(to, rows))
    {
        let zero = make::constant(to, 0.0, 1)?;
        rows = make::choose(to, known, rows, zero)?;
    }
    let weight = weight.filter(|weight| space.covers(&to.ty(*weight).space));
    let counted = match (known, weight) {
        (Some(known), Some(weight)) => Some(make::mul(to, known, weight)?),
        (known, weight) => known.or(weight),
    };
    if let Some(weight) = weight {
        rows = make::mul(to, rows, weight)?;
    }
    let sum = make::sum_rows(to, rows)?;
    let count = match counted {
        Some(counted) => {
            let counted = make::expand(to, counted, ty)?;
            make::sum_rows(to, counted)?
        }
        None => make::count(to, space.axes().to_vec(), space.axes().to_vec())?,
    };
    // Of no rows the mean is 0. Weights are at least 1, so nothing between 0 and 1 is lost.
    let one = make::constant(to, 1.0, 1)?;
    let count = make::binary(to, "max", count, one)?;
    make::div(to, sum, count)
}

/// Whether rows without a label are 0 already.
fn is_bce(to: &Builder, rows: ValueId) -> bool {
    to.graph().producer(rows).is_some_and(|node| node.op.name() == "bce")
}

/// The labels and outcomes that a value is computed from and that its rows have one each of.
fn labels(to: &Builder, value: ValueId, space: &Space) -> Vec<ValueId> {
    let graph = to.graph();
    let is_label = |value: &ValueId| match graph.value(*value).def {
        Def::Input(input) => {
            matches!(graph.input(input).source, InputSource::Label { .. } | InputSource::Outcome { .. })
        }
        Def::Node { .. } | Def::Param(_) => false,
    };
    let behind = graph.behind(value, |_| true).into_iter();
    behind.filter(is_label).filter(|&label| space.covers(&graph.ty(label).space)).collect()
}

/// The squares of the rows that a batch looks up, summed and weighed.
fn squares(at: &mut Evaluator, table: &str, factor: f64) -> Result<ValueId, Fault> {
    let param = at.outer.table(table).ok_or_else(|| Fault::new("E0399", format!("no table `{table}`")))?;
    let rows = at.fetched(table, &param)?;
    let squares = make::unary(&mut at.to, "square", rows)?;
    let squares = make::sum_width(&mut at.to, squares)?;
    let sum = make::sum_rows(&mut at.to, squares)?;
    make::scale(&mut at.to, sum, factor)
}
