//! The shipped specs, found by listing their folders: each compiles without a finding, and every stage of it is a
//! snapshot. A new spec is tested by being there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::exec::host::Host;
use specrec::exec::plan::{Home, Manner, Plan, Step};
use specrec::ir::graph::{Graph, ValueId};
use specrec::ir::verify::{Stage, verify};
use specrec::lower::{Program, lower};
use specrec::pass::trace::Trace;
use specrec::pass::{Goal, instantiate};
use specrec::syntax::print::print;
use specrec::syntax::spec::Spec;

/// Where specs are shipped. What is measured against other programs is held too: a slower plan shows.
const FOLDERS: &[&str] = &["specs", "examples", "benches/peers"];

/// Every shipped spec, in order of its name, which no two share.
pub(crate) fn shipped() -> Vec<(String, PathBuf)> {
    let files = FOLDERS.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "yaml"));
    let mut specs: Vec<(String, PathBuf)> =
        paths.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect();
    specs.sort();
    assert!(specs.windows(2).all(|two| two[0].0 != two[1].0), "two specs of one name: {specs:?}");
    specs
}

fn compiled(path: &Path) -> (Spec, Program) {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load(path, &[], &mut sources, &mut diags);
    let program = spec.as_ref().and_then(|spec| lower(spec, &mut sources, &mut diags));
    let found = render_all(diags.list(), &sources, false);
    assert_eq!(found, "", "{}", path.display());
    spec.zip(program).unwrap()
}

fn snapshot(spec: &str, stage: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/specs");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("{spec}.{stage}"), text));
}

#[test]
fn every_stage_of_every_shipped_spec_is_known() {
    let specs = shipped();
    assert!(specs.len() >= 6);
    for (name, path) in specs {
        let (spec, program) = compiled(&path);
        if let Err(broken) = verify(&program.graph, Stage::Model) {
            panic!("{name}: {broken:?}\n{}", program.graph);
        }
        let (mut passes_of_training, mut passes_of_prediction) = (Trace::default(), Trace::default());
        let training = instantiate(&program.graph, Goal::Train(&spec.train), Some(&mut passes_of_training)).unwrap();
        let prediction = instantiate(&program.graph, Goal::Predict, Some(&mut passes_of_prediction)).unwrap();
        snapshot(&name, "resolved", &print(&spec));
        snapshot(&name, "model", &program.graph.to_string());
        snapshot(&name, "training", &training.to_string());
        snapshot(&name, "prediction", &prediction.to_string());
        // `tests/it/request.rs` says of which specs there are none.
        if let Ok(request) = instantiate(&program.graph, Goal::Request, None) {
            snapshot(&name, "request", &request.to_string());
        }
        // The lines that training adds are those of its graph; here they would drown what each pass did.
        let headings: Vec<&str> =
            passes_of_training.text().lines().filter(|line| !line.starts_with(['-', '+'])).collect();
        let passes = format!("# training\n{}\n\n# prediction\n{}", headings.join("\n"), passes_of_prediction.text());
        snapshot(&name, "passes", &passes);
        snapshot(&name, "plan", &format!("# training\n{}\n# prediction\n{}", plan(training), plan(prediction)));
    }
}

/// What is resolved from a spec is a spec that says the same.
#[test]
fn a_resolved_spec_resolves_to_itself() {
    for (name, path) in shipped() {
        let (spec, program) = compiled(&path);
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let text = print(&spec);
        let again = specrec::syntax::load_text("resolved.yaml", &text, Path::new("."), &[], &mut sources, &mut diags);
        let found = render_all(diags.list(), &sources, false);
        let again = again.unwrap_or_else(|| panic!("{name}: {found}"));
        assert_eq!(print(&again), text, "{name}");
        let lowered = lower(&again, &mut sources, &mut diags).unwrap_or_else(|| panic!("{name}: {found}"));
        assert_eq!(lowered.graph.to_string(), program.graph.to_string(), "{name}");
    }
}

/// A line for each step of a plan. Of a loop, what leaves it: its nodes stand in the order of the graph.
fn plan(graph: Graph) -> String {
    let host = Host::new(graph, 1).unwrap();
    let (graph, plan) = (host.graph(), host.plan());
    let mut text = String::new();
    let of_manner = |manner: Manner| plan.manners.values().filter(|&&own| own == manner).count();
    let _ = writeln!(
        text,
        "{} slots, {} buffers of a block; {} nodes before the step, {} in loops, {} by themselves",
        plan.slots,
        plan.scratch,
        of_manner(Manner::Prologue),
        of_manner(Manner::Stage) + of_manner(Manner::Reduction),
        of_manner(Manner::Whole)
    );
    for step in &plan.steps {
        match step {
            Step::Whole(id) => {
                let node = graph.node(*id);
                let kernel = if plan.without_kernel.contains(id) { ", by Candle" } else { "" };
                let _ = writeln!(text, "{}: {}{kernel}", node.op.name(), placed(graph, plan, &node.results));
            }
            Step::Loop(block) => {
                let _ = writeln!(text, "loop over {} nodes", block.nodes.len());
                for &id in &block.nodes {
                    let node = graph.node(id);
                    if plan.manners.get(&id) == Some(&Manner::Reduction) {
                        let _ = writeln!(text, "  {}: {}", node.op.name(), placed(graph, plan, &node.results));
                    }
                }
                if !block.stored.is_empty() {
                    let _ = writeln!(text, "  stores {}", placed(graph, plan, &block.stored));
                }
            }
        }
    }
    text
}

/// `%interest -> slot 3`.
fn placed(graph: &Graph, plan: &Plan, values: &[ValueId]) -> String {
    let place = |value: &ValueId| {
        let name = &graph.value(*value).name;
        match plan.homes.get(value) {
            Some(Home::Slot(slot)) => format!("%{name} -> slot {slot}"),
            _ => format!("%{name}"),
        }
    };
    values.iter().map(place).collect::<Vec<_>>().join(", ")
}
