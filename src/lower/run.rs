//! Values of other runs: how wide each is, by the spec that stands in the run's directory.

use std::collections::BTreeMap;

use crate::diag::near::near;
use crate::diag::{Diagnostic, Diags, Sources};
use crate::expr::ast::Ident;
use crate::syntax::spec::{AxisOrigin, AxisSpec, Named, Per, RunSpec, Spec};

use super::lower;

/// The widths of the values that can be read; a finding for every other one.
pub(super) fn widths(spec: &Spec, diags: &mut Diags) -> BTreeMap<String, u32> {
    let mut widths = BTreeMap::new();
    for run in &spec.runs {
        match width(spec, run) {
            Ok(width) => {
                widths.insert(run.name.name.clone(), width);
            }
            Err(finding) => diags.push(finding),
        }
    }
    widths
}

/// The axes of a spec that are lists.
fn lists(spec: &Spec) -> impl Iterator<Item = &Ident> {
    let is_list = |axis: &&Named<AxisSpec>| matches!(axis.value.origin, AxisOrigin::List { .. });
    spec.axes.iter().filter(is_list).map(|axis| &axis.name)
}

/// Whether what a value is computed for is a row of the samples' source: a sample, or an element of a list.
fn reads_rows(spec: &Spec, named: &Named<RunSpec>, along: Option<&Ident>) -> Result<(), Diagnostic> {
    let finding = |title: &str| Diagnostic::new("E0206", title.to_owned());
    if let Some(along) = along {
        let is_axis = spec.axes.iter().any(|axis| axis.name.name == along.name);
        // A name that is no axis has its own finding.
        return match lists(spec).any(|list| list.name == along.name) || !is_axis {
            true => Ok(()),
            false => {
                let finding = finding("a value of another run is computed along a list").at(along.span, "no list");
                Err(finding
                    .help("an axis `{list: COLUMN, max: N}` is one; without `along` it is computed for the sample"))
            }
        };
    }
    if let Some(list) = lists(spec).next() {
        let finding =
            finding("a sample is a list, and a value of another run is computed for a row").at(named.name.span, "");
        return Err(finding.help(format!("`along: {}` computes it for every element", list.name)));
    }
    if spec.samples.per != Per::Row || spec.samples.negatives.is_some() {
        let title = "samples are users or have made-up negatives, and a value of another run is computed for a row";
        return Err(finding(title).at(named.name.span, ""));
    }
    Ok(())
}

fn width(spec: &Spec, named: &Named<RunSpec>) -> Result<u32, Diagnostic> {
    let RunSpec { run, value, along } = &named.value;
    reads_rows(spec, named, along.as_ref())?;
    let shown = &run.value;
    let path = spec.base.join(shown).join("spec.yaml");
    if !path.is_file() {
        let finding = Diagnostic::new("E0206", format!("`{shown}` is no run directory")).at(run.span, "");
        return Err(
            finding.help("`specrec train SPEC --run DIR` makes one; the path starts at the directory of this spec")
        );
    }
    // Sources and findings of its own: a place in that spec is none in this one.
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let other = crate::syntax::load(&path, &[], &mut sources, &mut diags);
    if other.as_ref().is_some_and(|other| !other.runs.is_empty()) {
        let title = format!("`{shown}` reads a run itself, so its values cannot be computed here");
        return Err(Diagnostic::new("E0206", title).at(run.span, ""));
    }
    let program = other.as_ref().and_then(|other| lower(other, &mut sources, &mut diags));
    let (Some(other), Some(program)) = (other, program) else {
        let finding = Diagnostic::new("E0206", format!("the spec in `{shown}` has errors")).at(run.span, "");
        return Err(match diags.list().first() {
            Some(first) => finding.note(format!("{}: {}", first.code, first.title)),
            None => finding,
        });
    };
    if other.samples.per != Per::Row || lists(&other).next().is_some() {
        let title = format!("samples of `{shown}` are users or lists, and a value is computed for a row");
        return Err(Diagnostic::new("E0206", title).at(run.span, ""));
    }
    let graph = &program.graph;
    let names = || other.model.iter().chain(&other.outputs).map(|entry| entry.name.name.as_str());
    let known = names().any(|name| name == value.name);
    let found = graph.output(&value.name).or_else(|| graph.find(&value.name)).filter(|_| known);
    let Some(found) = found else {
        let finding = Diagnostic::new("E0207", format!("`{shown}` has no value `{}`", value.name));
        return Err(match near(&value.name, names()) {
            Some(near) => finding.at(value.span, format!("`{near}` is one")),
            None => finding.at(value.span, "").help("it is one of `model` or `outputs` of the run's spec"),
        });
    };
    let ty = graph.ty(found);
    if !ty.is_float() || ty.space.axes().len() != 1 || graph.axes().batch_of(&ty.space).is_none() {
        let title = format!("expected numbers of a sample, found `{}` of `{shown}`", value.name);
        let finding = Diagnostic::new("E0207", title).at(value.span, graph.axes().show(ty).to_string());
        return Err(finding.help("a value of that spec that is reduced to one row per sample can be read"));
    }
    Ok(ty.width)
}
