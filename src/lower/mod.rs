//! A spec to the model graph: names are resolved, everything about the model that can be known without data is checked, and
//! the values of `model`, `losses`, `outputs` and `metrics` are evaluated in order of their references.
//!
//! Every finding of a spec is made in one run. What depends on something faulty is left out in silence.

mod axes;
mod blame;
mod coupled;
mod element;
mod feature;
mod leak;
mod loss;
mod metric;
mod names;
mod output;
mod ranking;
mod refer;
mod run;
mod structure;
mod tables;
mod target;
mod unused;

pub use metric::{Metric, MetricKind, MetricOf};
pub use ranking::{Among, Seen};
pub use tables::{Rows, Table};

use std::collections::BTreeMap;

use crate::block::evaluate::Evaluator;
use crate::block::library::Library;
use crate::block::path::Paths;
use crate::diag::{Diagnostic, Diags, Sources};
use crate::ir::build::Builder;
use crate::ir::graph::Graph;
use crate::syntax::spec::Spec;

/// Everything about a spec that the later stages need.
#[derive(Clone, Debug)]
pub struct Program {
    /// All values of `model` by their names, a loss `f32[1]` per entry of `losses`, the outputs, and for every metric the
    /// outputs `metric.NAME.score` and `metric.NAME.label`.
    pub graph: Graph,
    /// In order of the spec.
    pub metrics: Vec<Metric>,
    /// Tables that the graph reads, in order of name.
    pub tables: Vec<Table>,
}

/// Checks a spec and makes its graph; none if a finding is an error. The shipped blocks are added to `sources`.
pub fn lower(spec: &Spec, sources: &mut Sources, diags: &mut Diags) -> Option<Program> {
    let tables = tables::Tables::read(spec, diags);
    let runs = run::widths(spec, diags);
    let names = names::Names::read(spec, &tables, &runs, diags);
    structure::check(spec, diags);
    let library = Library::load(spec, sources, diags);
    let references = refer::References::collect(spec, &names, &library, diags);
    let order = model_order(spec, &references, diags);
    leak::check(spec, &names, &references, diags);
    element::check(spec, &names, &references, diags);

    let mut to = Builder::new(&spec.name.name);
    let axes = axes::make(spec, &references, &mut to);
    let mut inputs = feature::Inputs::new(&names, &tables, axes);
    let paths = Paths::new(tables.names().map(str::to_owned));
    let mut at = Evaluator::new(to, &mut inputs, paths, &library, diags);
    for name in &order {
        let Some(entry) = spec.model.iter().find(|entry| entry.name.name == *name) else { continue };
        let sound = references.model(name).is_some_and(|references| references.sound) && !names.is_broken(name);
        if sound && let Ok(item) = at.value(name, &entry.value) {
            at.define(name, item);
        }
    }
    let mut blame = blame::Blame::new(spec);
    loss::losses(spec, &references, &tables, &mut at);
    output::outputs(spec, &references, &mut blame, &mut at);
    let (metrics, predicted) = metric::metrics(spec, &references, &mut blame, &mut at);
    let graph = at.to.finish();
    target::check(spec, &graph, &predicted, diags);
    coupled::check(spec, &graph, diags);
    let tables = tables.used(&graph);
    if !diags.has_errors() {
        unused::check(spec, &names, &references, diags);
    }
    diags.sort();
    (!diags.has_errors()).then_some(Program { graph, metrics, tables })
}

/// Values of `model`, each after those it refers to; circles are findings.
fn model_order(spec: &Spec, references: &refer::References, diags: &mut Diags) -> Vec<String> {
    let list: BTreeMap<&str, _> = spec
        .model
        .iter()
        .filter_map(|entry| {
            let (name, found) = (entry.name.name.as_str(), references.model(&entry.name.name)?);
            // A value may make the axis that it goes along.
            let makers = found.makers.iter().filter(|maker| maker.name != name);
            Some((name, found.names.iter().chain(makers).cloned().collect()))
        })
        .collect();
    let (order, circles) = crate::block::order::order(&list);
    for circle in circles {
        let path: Vec<String> = circle.iter().map(|step| format!("`{}`", step.name)).collect();
        let title = format!("values refer to each other in a circle: {}", path.join(" needs "));
        let mut finding = Diagnostic::new("E0203", title);
        for step in circle.iter().skip(1) {
            finding = finding.at(step.span, "");
        }
        diags.push(finding.help("a value that changes from step to step along an axis is a `scan`"));
    }
    order.into_iter().map(str::to_owned).collect()
}
