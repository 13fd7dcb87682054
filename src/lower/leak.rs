//! Label leaks: a column that a label reads, or that is listed in `outcomes`, is known only after the prediction, so it may
//! reach an input only through an axis of strictly earlier rows.
//!
//! The check follows columns by name: through `column`, `columns`, `value`, the key of a join, the key and the list columns
//! of an axis. A `where` of an axis of earlier rows may read them, since those rows are past.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::syntax::spec::{AxisOrigin, FeatureSpec, Spec};

use super::names::{Names, Thing};
use super::refer::References;

/// A column, and the source that the expression names it in, if it does: `movies.year`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column {
    pub(super) source: Option<String>,
    pub(super) name: String,
}

/// Columns that are known only afterwards, with the reason.
struct Outcomes<'a> {
    spec: &'a Spec,
    columns: BTreeMap<String, (String, &'a Ident)>,
}

/// Finds every way from an outcome to an input.
pub(super) fn check(spec: &Spec, names: &Names, references: &References, diags: &mut Diags) {
    let outcomes = Outcomes::of(spec);
    for join in &spec.samples.join {
        outcomes.refuse(&join.column, format!("the join of `{}`", join.source.name), diags);
    }
    for axis in &spec.axes {
        if !references.has_axis(&axis.name.name) {
            continue;
        }
        match &axis.value.origin {
            AxisOrigin::From { by, .. } => {
                outcomes.refuse(by, format!("the key of axis `{}`", axis.name.name), diags);
            }
            AxisOrigin::Columns { columns, .. } => {
                for (_, column) in columns {
                    outcomes.refuse(column, format!("axis `{}`", axis.name.name), diags);
                }
            }
            AxisOrigin::List { by, order, .. } => {
                for column in [Some(by), order.as_ref()].into_iter().flatten() {
                    outcomes.refuse(column, format!("axis `{}`", axis.name.name), diags);
                }
            }
            AxisOrigin::Within { .. } | AxisOrigin::Draw(_) => {}
        }
    }
    let mut uses: BTreeMap<&str, &Ident> = BTreeMap::new();
    for found in references.inputs() {
        let own = found.names.iter();
        let along = found.members.iter().filter(|(axis, _)| !is_past(spec, names, axis)).map(|(_, member)| member);
        for name in own.chain(along) {
            for feature in names.features_of(&name.name) {
                uses.entry(&feature.name).or_insert(name);
            }
        }
    }
    for entry in &spec.features {
        if let Some(at) = uses.get(entry.name.name.as_str()) {
            outcomes.feature(&entry.name, &entry.value, at, diags);
        }
    }
}

/// Whether the elements of an axis are strictly earlier than the sample.
fn is_past(spec: &Spec, names: &Names, axis: &Ident) -> bool {
    match names.thing(&axis.name) {
        Some(Thing::Axis(found)) => match &found.origin {
            AxisOrigin::From { .. } => true,
            AxisOrigin::Within { axis, .. } => spec
                .axes
                .iter()
                .any(|other| other.name.name == axis.name && matches!(other.value.origin, AxisOrigin::From { .. })),
            AxisOrigin::Columns { .. } | AxisOrigin::List { .. } | AxisOrigin::Draw(_) => false,
        },
        _ => false,
    }
}

impl<'a> Outcomes<'a> {
    fn of(spec: &'a Spec) -> Self {
        let mut outcomes = Self { spec, columns: BTreeMap::new() };
        for column in &spec.samples.outcomes {
            outcomes.columns.insert(column.name.clone(), ("listed in `outcomes`".to_owned(), column));
        }
        for label in &spec.samples.labels {
            let why = format!("read by label `{}`", label.name.name);
            outcomes.columns.entry(label.name.name.clone()).or_insert(("a label".to_owned(), &label.name));
            for column in columns(&label.value.is) {
                if outcomes.is_of_samples(&column) {
                    outcomes.columns.entry(column.name).or_insert((why.clone(), &label.name));
                }
            }
        }
        outcomes
    }

    /// Whether a column may be one of the samples' own source: it is not said to be of another.
    fn is_of_samples(&self, column: &Column) -> bool {
        column.source.as_ref().is_none_or(|source| *source == self.spec.samples.from.name || source == "sample")
    }

    fn refuse(&self, column: &Ident, what: String, diags: &mut Diags) {
        if let Some((why, source)) = self.columns.get(&column.name) {
            let title = format!("{what} reads `{}`, which is known only after the prediction", column.name);
            diags.push(Diagnostic::new("E0401", title).at(column.span, "").at(source.span, why.clone()));
        }
    }

    fn feature(&self, name: &Ident, feature: &FeatureSpec, at: &Ident, diags: &mut Diags) {
        for column in columns_of(name, feature) {
            let Some((why, source)) = self.columns.get(&column.name).filter(|_| self.is_of_samples(&column)) else {
                continue;
            };
            let title =
                format!("feature `{}` reads `{}`, which is known only after the prediction", name.name, column.name);
            let finding = Diagnostic::new("E0401", title).at(at.span, "an input of the sample");
            let finding = finding.at(name.span, format!("reads `{}`", column.name)).at(source.span, why.clone());
            let past = self.spec.axes.iter().find(|axis| matches!(axis.value.origin, AxisOrigin::From { .. }));
            diags.push(match past {
                Some(axis) => {
                    finding.help(format!("of earlier rows it may be read: `{}.{}`", axis.name.name, name.name))
                }
                None => finding.help("of earlier rows it may be read, along an axis `{from: ..., by: ..., last: ...}`"),
            });
            return;
        }
    }
}

/// The columns that a feature reads.
pub(super) fn columns_of(name: &Ident, feature: &FeatureSpec) -> Vec<Column> {
    let plain = |ident: &Ident| Column { source: None, name: ident.name.clone() };
    match (&feature.value, &feature.columns, &feature.column) {
        (Some(value), _, _) => columns(value),
        (None, Some(columns), _) => columns.iter().map(plain).collect(),
        (None, None, Some(column)) => vec![plain(column)],
        (None, None, None) => vec![plain(name)],
    }
}

/// The columns that an expression over raw columns reads.
pub(super) fn columns(expr: &Expr) -> Vec<Column> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect(expr: &Expr, found: &mut Vec<Column>) {
    match &expr.kind {
        ExprKind::Name(name) => found.push(Column { source: None, name: name.clone() }),
        ExprKind::Member(base, column) => match &base.kind {
            ExprKind::Name(source) => found.push(Column { source: Some(source.clone()), name: column.name.clone() }),
            _ => collect(base, found),
        },
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| collect(&arg.value, found)),
        ExprKind::Unary(_, operand) => collect(operand, found),
        ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|part| collect(part, found)),
        ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|part| collect(part, found)),
        ExprKind::List(items) => items.iter().for_each(|item| collect(item, found)),
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Null => {}
    }
}
