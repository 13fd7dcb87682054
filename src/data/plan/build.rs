//! From a spec and the inputs wanted to a plan.

use std::collections::BTreeMap;

use encoding_rs::Encoding;

use super::super::Want;
use super::super::eval::{self, Kind, Scope};
use super::super::source::Dialect;
use super::super::time::{Clock, UNITS};
use super::super::zone::Zone;
use super::{
    Input, InputValue, JoinPlan, LabelPlan, Origin, Plan, SamplesPlan, SourcePlan, SplitPlan, TimePlan, Unit, axis,
    draw, feature, time,
};
use crate::diag::near::near;
use crate::diag::{Diagnostic, Diags, Span};
use crate::expr::ast::{Expr, ExprKind, Ident};
use crate::ir::input::InputSource;
use crate::syntax::spec::{AxisOrigin, Named, OnError, Per, SourceSpec, Spec, Split, TimeSpec};

/// Resolves the data section. None, with findings, if it cannot be read as it stands.
pub(crate) fn build(spec: &Spec, wants: &[Want], diags: &mut Diags) -> Option<Plan> {
    let before = diags.list().len();
    let sources = sources(spec, diags);
    let labels = labels(spec, diags);
    let samples = samples(spec, labels, wants, diags)?;
    let joins = spec.samples.join.iter().filter_map(|join| {
        let source = place(spec, &join.source, diags)?;
        Some(JoinPlan { source, column: join.column.clone(), missing: join.missing })
    });
    let joins: Vec<JoinPlan> = joins.collect();
    let mut plan = Plan {
        sources,
        samples,
        joins,
        vocabularies: Vec::new(),
        tables: Vec::new(),
        features: Vec::new(),
        axes: Vec::new(),
        draws: Vec::new(),
        inputs: Vec::new(),
        hidden: Vec::new(),
    };
    feature::add(spec, wants, &mut plan, diags);
    axis::add(spec, &mut plan, diags);
    axis::add_visits(spec, &mut plan, diags);
    axis::along(spec, &mut plan);
    axis::add_seen(spec, wants, &mut plan);
    inputs(wants, &mut plan, diags);
    draw::add(spec, &mut plan, diags);
    along_axes(&mut plan);
    time::verify(&plan, diags);
    axis::hide(&mut plan);
    let errors = diags.list()[before..].iter().any(|finding| finding.severity == crate::diag::Severity::Error);
    (!errors).then_some(plan)
}

/// The place of a source; a name that is none is a finding.
pub(super) fn place(spec: &Spec, name: &Ident, diags: &mut Diags) -> Option<usize> {
    let found = spec.sources.iter().position(|source| source.name.name == name.name);
    if found.is_none() {
        let names = spec.sources.iter().map(|source| source.name.name.as_str());
        diags.push(nothing("a source", name, names));
    }
    found
}

/// A name of the data section that nothing stands behind.
pub(super) fn nothing<'a>(what: &str, name: &Ident, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let finding = Diagnostic::new("E0454", format!("`{}` is not {what}", name.name)).at(name.span, "");
    match near(&name.name, known.iter().copied()) {
        Some(near) => finding.help(format!("`{near}` is one")),
        None => finding.help(format!("there is {}", crate::diag::near::list(&known, "and"))),
    }
}

/// A thing that a later version reads.
pub(super) fn not_yet(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new("E0451", format!("{what} is not supported yet")).at(span, "")
}

fn sources(spec: &Spec, diags: &mut Diags) -> Vec<SourcePlan> {
    let of_samples = spec.samples.time.as_ref().and_then(|time| clock(time, diags));
    let plan = |source: &Named<SourceSpec>| {
        let own = &source.value;
        let dialect = dialect(own, diags);
        let own_time = own.time.as_ref().and_then(|time| clock(time, diags));
        // What the samples say holds for their own sources before anything else, for others for want of better.
        let time = match is_sampled(spec, &source.name.name) {
            true => of_samples.clone().or(own_time),
            false => own_time.or(of_samples.clone()),
        };
        SourcePlan {
            name: source.name.name.clone(),
            span: source.name.span,
            paths: own.paths.clone(),
            dialect,
            key: own.key.clone(),
            filter: own.filter.clone(),
            time,
            skip_broken: own.on_error == OnError::Skip,
        }
    };
    let plans: Vec<SourcePlan> = spec.sources.iter().map(plan).collect();
    for filter in plans.iter().filter_map(|plan| plan.filter.as_ref()) {
        expect(filter, Kind::Bool, &|_| Some(Kind::Column), false, diags);
    }
    plans
}

/// Whether samples are rows of a source.
fn is_sampled(spec: &Spec, source: &str) -> bool {
    match spec.samples.split.as_ref().map(|split| &split.value) {
        Some(Split::From(parts)) => parts.iter().any(|(_, name)| name.name == source),
        _ => spec.samples.from.name == source,
    }
}

fn dialect(source: &SourceSpec, diags: &mut Diags) -> Dialect {
    let delimiter = source.delimiter.as_ref().and_then(|delimiter| {
        let parts = delimiter.value.is_ascii() && !delimiter.value.contains(['"', '\r', '\n', '\0']);
        if !parts {
            let title = format!("`{}` cannot part fields: expected ASCII characters", delimiter.value.escape_default());
            diags.push(Diagnostic::new("E0455", title).at(delimiter.span, ""));
        }
        parts.then(|| delimiter.value.clone())
    });
    let encoding = source.encoding.as_ref().and_then(|label| {
        let found = Encoding::for_label(label.value.as_bytes());
        if found.is_none() {
            let title = format!("`{}` is not the name of an encoding", label.value);
            let help = "the names are those of the WHATWG, such as `utf-8`, `latin1`, `gbk`, `shift_jis`, `utf-16le`";
            diags.push(Diagnostic::new("E0455", title).at(label.span, "").help(help));
        }
        found
    });
    Dialect {
        format: source.format.as_ref().map(|format| format.value),
        delimiter,
        encoding,
        missing: source.missing.clone().unwrap_or_else(|| vec![String::new()]),
        columns: source.columns.as_ref().map(|names| names.iter().map(|name| name.name.clone()).collect()),
        partition: source.partition.as_ref().map(|name| name.name.clone()),
    }
}

fn clock(time: &TimeSpec, diags: &mut Diags) -> Option<TimePlan> {
    let unit = match &time.unit {
        None => None,
        Some(unit) => {
            let found = UNITS.iter().find(|(name, _)| *name == unit.value).map(|(_, seconds)| *seconds);
            if found.is_none() {
                let title = format!("expected `s`, `ms`, `us`, `ns` or `day`, found `{}`", unit.value);
                diags.push(Diagnostic::new("E0455", title).at(unit.span, ""));
            }
            Some(found?)
        }
    };
    let zone = match &time.zone {
        None => Zone::default(),
        Some(zone) => {
            let found = Zone::named(&zone.value);
            if found.is_none() {
                let title = format!("the time zone `{}` is not known on this machine", zone.value);
                let help = "`UTC`, an offset such as `+08:00`, or a name of the system's zone database";
                diags.push(Diagnostic::new("E0455", title).at(zone.span, "").help(help));
            }
            found?
        }
    };
    Some(TimePlan { column: time.column.clone(), clock: Clock { unit, zone } })
}

fn labels(spec: &Spec, diags: &mut Diags) -> Vec<LabelPlan> {
    let plan = |label: &Named<crate::syntax::spec::LabelSpec>| {
        let is = &label.value.is;
        let kind = eval::check(is, &Scope { name: &|_| Some(Kind::Column), times: false }, diags);
        if matches!(kind, Some(Kind::Text | Kind::Null)) {
            let title = format!("the label `{}` must be a number or a truth value", label.name.name);
            diags.push(Diagnostic::new("E0452", title).at(is.span, ""));
        }
        LabelPlan { name: label.name.clone(), is: is.clone(), known_after: label.value.known_after.unwrap_or(0.0) }
    };
    spec.samples.labels.iter().map(plan).collect()
}

fn samples(spec: &Spec, labels: Vec<LabelPlan>, wants: &[Want], diags: &mut Diags) -> Option<SamplesPlan> {
    let samples = &spec.samples;
    // That it is not known whose a row is has its finding already.
    let user = || spec.user_column().cloned();
    let unit = match samples.per {
        Per::Row => list(spec).map_or(Unit::Row, |by| Unit::List { by: by.clone() }),
        Per::User => Unit::User { by: user()?, step: None },
        Per::Steps(step) => Unit::User { by: user()?, step: Some(step) },
    };
    let from = place(spec, &samples.from, diags);
    let mut sources = vec![from?];
    let column = |_: &str| Some(Kind::Column);
    let split = match samples.split.as_ref().map(|split| &split.value) {
        None => SplitPlan::None,
        Some(Split::Time(parts)) => SplitPlan::Time(parts.clone()),
        Some(Split::LeaveOneOut(of)) => SplitPlan::LeaveOneOut(of.clone()),
        Some(Split::Random { of, parts, seed }) => {
            SplitPlan::Random { of: of.clone(), parts: parts.clone(), seed: *seed }
        }
        Some(Split::Where(parts)) => {
            parts.iter().for_each(|(_, expr)| expect(expr, Kind::Bool, &column, false, diags));
            SplitPlan::Where(parts.clone())
        }
        Some(Split::From(parts)) => {
            sources = parts.iter().map(|(_, name)| place(spec, name, diags)).collect::<Option<_>>()?;
            SplitPlan::From(parts.iter().map(|(part, _)| *part).collect())
        }
    };
    if matches!(split, SplitPlan::Time(_)) && time_of(spec, samples).is_none() {
        let span = samples.split.as_ref().map_or(samples.span, |split| split.span);
        let finding = Diagnostic::new("E0454", "a split by time needs a time").at(span, "");
        diags.push(finding.help("`time: {column: ..., unit: s}` under `samples` says when a row happened"));
    }
    if let Some(downsample) = &samples.downsample {
        expect(&downsample.filter, Kind::Bool, &|name| label_or_column(&labels, name), false, diags);
        if !(downsample.keep > 0.0 && downsample.keep <= 1.0) {
            let title = format!("`keep` is a share above 0 and up to 1, found {}", downsample.keep);
            diags.push(Diagnostic::new("E0455", title).at(downsample.filter.span, ""));
        }
    }
    Some(SamplesPlan {
        unit,
        sources,
        labels,
        outcomes: outcomes(spec, wants, diags),
        split,
        split_span: samples.split.as_ref().map_or(samples.span, |split| split.span),
        downsample: samples.downsample.clone(),
        negatives: None,
        ties: samples.ties,
        keys: keys(spec),
    })
}

fn time_of<'a>(spec: &'a Spec, samples: &'a crate::syntax::spec::Samples) -> Option<&'a TimeSpec> {
    let source = spec.sources.iter().find(|source| source.name.name == samples.from.name)?;
    samples.time.as_ref().or(source.value.time.as_ref())
}

fn outcomes(spec: &Spec, wants: &[Want], diags: &mut Diags) -> Vec<Ident> {
    let mut found: Vec<Ident> = Vec::new();
    for want in wants {
        let InputSource::Outcome { column, .. } = &want.source else { continue };
        match spec.samples.outcomes.iter().find(|outcome| outcome.name == *column) {
            Some(outcome) if !found.contains(outcome) => found.push(outcome.clone()),
            Some(_) => {}
            None => {
                let title = format!("`{column}` is not listed in `outcomes`");
                diags.push(Diagnostic::new("E0454", title).at(spec.samples.span, ""));
            }
        }
    }
    found
}

/// The column that makes lists, if samples are lists.
fn list(spec: &Spec) -> Option<&Ident> {
    spec.axes.iter().find_map(|axis| match &axis.value.origin {
        AxisOrigin::List { by, .. } => Some(by),
        _ => None,
    })
}

/// Columns that a metric groups by, in order of first mention.
fn keys(spec: &Spec) -> Vec<Ident> {
    fn walk(expr: &Expr, out: &mut Vec<Ident>) {
        let inner: Vec<&Expr> = match &expr.kind {
            ExprKind::Call { args, .. } => {
                for arg in args {
                    if let (Some("by"), ExprKind::Name(name)) =
                        (arg.name.as_ref().map(|name| name.name.as_str()), &arg.value.kind)
                        && out.iter().all(|known| known.name != *name)
                    {
                        out.push(Ident { name: name.clone(), span: arg.value.span });
                    }
                }
                args.iter().map(|arg| &arg.value).collect()
            }
            ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::Unary(_, x) => vec![x],
            ExprKind::If(a, b, c) => vec![a, b, c],
            _ => Vec::new(),
        };
        inner.into_iter().for_each(|expr| walk(expr, out));
    }
    let mut out = Vec::new();
    spec.metrics.iter().for_each(|metric| walk(&metric.value, &mut out));
    out
}

/// Labels come before columns of the same name.
pub(super) fn label_or_column(labels: &[LabelPlan], name: &str) -> Option<Kind> {
    match labels.iter().find(|label| label.name.name == name) {
        None => Some(Kind::Column),
        Some(label) => {
            eval::check(&label.is, &Scope { name: &|_| Some(Kind::Column), times: false }, &mut Diags::default())
        }
    }
}

/// Reports an expression that is not of the kind needed.
pub(super) fn expect(expr: &Expr, needed: Kind, name: &dyn Fn(&str) -> Option<Kind>, times: bool, diags: &mut Diags) {
    if let Some(found) = eval::check(expr, &Scope { name, times }, diags)
        && !eval::fits(found, needed)
    {
        let needed = if needed == Kind::Bool { "a condition, true or false" } else { "a number" };
        diags.push(Diagnostic::new("E0452", format!("expected {needed}")).at(expr.span, ""));
    }
}

fn inputs(wants: &[Want], plan: &mut Plan, diags: &mut Diags) {
    let features: BTreeMap<&str, usize> =
        plan.features.iter().enumerate().map(|(at, feature)| (feature.name.as_str(), at)).collect();
    let mut found = Vec::new();
    for Want { name, source } in wants {
        let value = match source {
            InputSource::Feature { axis: None, feature, .. } | InputSource::Target { feature } => {
                features.get(feature.as_str()).map(|&feature| InputValue::Sample { feature })
            }
            InputSource::Feature { axis: Some(axis), feature, .. } => {
                let axis = plan.axes.iter().position(|known| known.name == *axis);
                let feature = features.get(feature.as_str());
                axis.zip(feature).map(|(axis, &feature)| InputValue::Element { axis, feature })
            }
            InputSource::Label { axis, label } => along(plan, axis.as_ref(), label_of(plan, label), |axis, label| {
                axis.map_or(InputValue::Label(label), |axis| InputValue::LabelAlong { axis, label })
            }),
            InputSource::Outcome { axis, column } => {
                let outcome = plan.samples.outcomes.iter().position(|known| known.name == *column);
                along(plan, axis.as_ref(), outcome, |axis, outcome| {
                    axis.map_or(InputValue::Outcome(outcome), |axis| InputValue::OutcomeAlong { axis, outcome })
                })
            }
            InputSource::Positives { axis, label } => {
                let make = |axis: Option<usize>, label| axis.map(|axis| InputValue::Positives { axis, label });
                along(plan, Some(axis), label_of(plan, label), make).flatten()
            }
            InputSource::Weight => Some(InputValue::Weight),
            InputSource::Run { .. } | InputSource::Schedule(_) => continue,
            InputSource::LogQ { axis } => {
                plan.axes.iter().position(|known| known.name == *axis).map(|axis| InputValue::LogQ { axis })
            }
        };
        match value {
            Some(value) => found.push(Input { name: name.clone(), value }),
            // What the spec says and cannot be read yet has its finding already; this one is for a graph of another spec.
            None if diags.has_errors() => {}
            None => {
                diags.push(Diagnostic::new("E0454", format!("nothing in the data section gives the input `{name}`")))
            }
        }
    }
    plan.inputs = found;
    along_axes(plan);
}

fn label_of(plan: &Plan, label: &str) -> Option<usize> {
    plan.samples.labels.iter().position(|known| known.name.name == label)
}

/// What is read of the sample, or of the elements of its list; none along an axis that is no list.
fn along<T>(
    plan: &Plan,
    axis: Option<&String>,
    what: Option<usize>,
    make: impl Fn(Option<usize>, usize) -> T,
) -> Option<T> {
    let Some(axis) = axis else { return Some(make(None, what?)) };
    let is_it = |known: &super::AxisPlan| known.name == *axis && matches!(known.origin, Origin::List { .. });
    Some(make(Some(plan.axes.iter().position(is_it)?), what?))
}

/// Notes which features are needed along each axis.
fn along_axes(plan: &mut Plan) {
    let values = plan.inputs.iter().map(|input| input.value).chain(plan.hidden.iter().copied());
    for value in values {
        if let InputValue::Element { axis, feature } = value
            && !plan.axes[axis].features.contains(&feature)
        {
            plan.axes[axis].features.push(feature);
        }
    }
    plan.axes.iter_mut().for_each(|axis| axis.features.sort_unstable());
}
