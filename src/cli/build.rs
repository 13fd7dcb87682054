//! `specrec build`: check, lower, optimise, instantiate, try one training and one inference step on made-up rows, and
//! write down what came out. Works without the data being there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Exit;
use super::console::Console;
use super::device::DeviceArguments;
use crate::Compiled;
use crate::diag::{Diagnostic, Diags, Sources};
use crate::exec::cost::{flops_per_sample, numbers_per_sample, rows_per_sample};
use crate::exec::host::Host;
use crate::exec::made_up;
use crate::exec::plan::{Home, Plan, Step};
use crate::exec::weights::Weights;
use crate::ir::graph::{Graph, Item, Role};
use crate::ir::op::Noise;
use crate::pass::trace::Trace;
use crate::pass::{Goal, instantiate};
use crate::train::checkpoint::{self, State};
use crate::train::engine::{Engine, Params};
use crate::train::failure::{pass_failed, step_failed};
use crate::train::run_dir;
use crate::train::schedule::{Length, numbers};
use crate::train::symbolic_rows;

/// Rows of a table whose vocabulary is not fitted yet, in the self-test and in the weights that are written.
const SYMBOLIC: usize = 2;

/// Samples of the self-test.
const SAMPLES: usize = 6;

/// Compile a spec, try it on made-up rows, and write IR, plan, graph and initial weights.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Spec file.
    spec: PathBuf,
    /// Replace a value: `--set train.batch=1024`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Where files go; `build/NAME` when absent.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print the IR of the model graph instead of the table.
    #[arg(long, value_enum)]
    emit: Option<Emit>,
    /// Print what every pass changed instead of the table.
    #[arg(long)]
    trace_passes: bool,
    #[command(flatten)]
    device: DeviceArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Emit {
    Ir,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Exit {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    if let Err(finding) = build(arguments, console, &mut sources, &mut diags) {
        diags.push(finding);
    }
    console.findings(diags.list(), &sources);
    if diags.has_errors() { Exit::Failure } else { Exit::Success }
}

fn build(arguments: &Arguments, console: &Console, sources: &mut Sources, diags: &mut Diags) -> Result<(), Diagnostic> {
    let Some(Compiled { spec, program }) = crate::compile(&arguments.spec, &arguments.sets, sources, diags) else {
        return Ok(());
    };
    let (mut training, mut prediction) = (Trace::default(), Trace::default());
    let train = instantiate(&program.graph, Goal::Train(&spec.train), Some(&mut training)).map_err(pass_failed)?;
    let predict = instantiate(&program.graph, Goal::Predict, Some(&mut prediction)).map_err(pass_failed)?;
    if arguments.trace_passes {
        console.result(&format!("# training\n{}\n# prediction\n{}", training.text(), prediction.text()));
        return Ok(());
    }
    if arguments.emit.is_some() {
        console.result(&program.graph.to_string());
        return Ok(());
    }
    let rows = symbolic_rows(&program, SYMBOLIC);
    let weights =
        Weights::initial(&train, &rows, &made_up::vectors(&train, &rows), spec.train.seed).map_err(step_failed)?;
    let backend = arguments.device.backend()?;
    let mut params = Params::new(weights.clone(), &backend).map_err(step_failed)?;
    let length = Length { epoch: 1, epochs: 1 };
    for (graph, schedule) in [(&train, numbers(&spec.train, length, 1)), (&predict, BTreeMap::new())] {
        let mut engine = Engine::new(graph.clone(), rows.clone(), &backend).map_err(step_failed)?;
        let noise = Noise { seed: spec.train.seed, step: 1 };
        let batch = engine.preparation().prepare(&made_up::feed(graph, SAMPLES), noise).map_err(step_failed)?;
        engine.step(&mut params, &batch, &schedule, noise).map_err(step_failed)?;
    }
    let host = Host::new(train.clone(), 1).map_err(step_failed)?;
    console.result(&table(&train, host.plan(), spec.train.batch));
    let dir = arguments.output.clone().unwrap_or_else(|| PathBuf::from("build").join(&spec.name.name));
    let files: [(&str, String); 5] = [
        ("model.ir", program.graph.to_string()),
        ("train.ir", train.to_string()),
        ("predict.ir", predict.to_string()),
        ("plan.json", plan_json(&train, host.plan()).to_string()),
        ("graph.dot", dot(&program.graph)),
    ];
    std::fs::create_dir_all(&dir)
        .map_err(|why| run_dir::cannot_write(&dir, &why).help("`-o DIR` names another place"))?;
    let svg = ("graph.svg", svg(&program.graph));
    for (name, text) in files.iter().chain([&svg]) {
        run_dir::replace(&dir.join(name), |file| file.write_all(text.as_bytes()))?;
    }
    checkpoint::save(&dir.join("weights.safetensors"), &weights, &State::default())?;
    console.note(&format!("one training and one inference step on made-up rows: ok\nwritten to {}", dir.display()));
    Ok(())
}

/// Parts with their shapes, then what a step costs.
fn table(graph: &Graph, plan: &Plan, batch: u32) -> String {
    let mut text = format!("{:<36} {:<28} {:>12} {:>12}\n", "part", "shape", "parameters", "bytes");
    let mut total = 0u64;
    for (_, param) in graph.params().filter(|(_, param)| param.role != Role::State) {
        let ty = graph.ty(param.value);
        let shape = graph.axes().show(ty);
        let numbers = u64::from(ty.height) * u64::from(ty.width);
        let symbolic = !ty.space.is_unit();
        let (count, bytes) = match symbolic {
            true => (format!("{} a row", ty.width), format!("{} a row", 4 * ty.width)),
            false => (numbers.to_string(), (4 * numbers).to_string()),
        };
        total += if symbolic { 0 } else { numbers };
        let _ = writeln!(text, "{:<36} {shape:<28} {count:>12} {bytes:>12}", format!("@{}", param.name));
    }
    let stored: u64 = plan
        .homes
        .iter()
        .filter(|(_, home)| matches!(home, Home::Slot(_)))
        .map(|(&value, _)| graph.ty(value))
        .filter(|ty| graph.axes().batch_of(&ty.space).is_some())
        .map(|ty| 4 * numbers_per_sample(graph, ty))
        .sum();
    let _ = writeln!(text, "dense parameters: {total}; table rows are symbols until vocabularies are bound");
    let _ = writeln!(text, "FLOPs of a training step per sample, every axis at its most: {}", flops_per_sample(graph));
    let _ = writeln!(
        text,
        "activations that leave their block, at batch {batch}: {} bytes at most",
        stored * u64::from(batch)
    );
    let mut spaces: Vec<_> = graph.values().map(|(_, value)| value.ty.space.clone()).collect();
    spaces.sort();
    spaces.dedup();
    for space in spaces.iter().filter(|space| graph.axes().batch_of(space).is_some() && space.axes().len() > 1) {
        let names = graph.axes().names(space).join(", ");
        let _ = writeln!(text, "space [{names}]: {} rows per sample at most", rows_per_sample(graph, space));
    }
    let loops = plan.steps.iter().filter(|step| matches!(step, Step::Loop(_))).count();
    let _ = writeln!(text, "plan: {} steps, {loops} of them block loops; {} slots", plan.steps.len(), plan.slots);
    let without: Vec<String> =
        plan.without_kernel.iter().map(|&id| format!("%{}", graph.value(graph.node(id).results[0]).name)).collect();
    let listed = if without.is_empty() { "none".to_owned() } else { without.join(", ") };
    let _ = write!(text, "nodes without a host kernel: {listed}");
    text
}

/// The plan as data: steps in order, the nodes of each, where values lie.
fn plan_json(graph: &Graph, plan: &Plan) -> Value {
    let name = |id| graph.value(graph.node(id).results[0]).name.clone();
    let steps = plan.steps.iter().map(|step| match step {
        Step::Whole(id) => json!({"whole": name(*id)}),
        Step::Loop(block) => {
            let nodes: Vec<String> = block.nodes.iter().map(|&id| name(id)).collect();
            let stored: Vec<&str> = block.stored.iter().map(|&value| graph.value(value).name.as_str()).collect();
            json!({"loop": nodes, "stored": stored})
        }
    });
    let effects: Vec<&str> = graph.effects().iter().map(|effect| effect.op.name()).collect();
    json!({"steps": steps.collect::<Vec<_>>(), "effects": effects, "slots": plan.slots, "scratch": plan.scratch})
}

/// The model graph for Graphviz.
fn dot(graph: &Graph) -> String {
    let mut text = "digraph model {\n  rankdir=TB; node [shape=box, fontname=\"monospace\"];\n".to_owned();
    for (_, node) in graph.nodes() {
        for &result in &node.results {
            let label = format!("{}\\n{}", graph.value(result).name, graph.axes().show(graph.ty(result)));
            let _ = writeln!(text, "  {:?} [label=\"{label}\"];", graph.value(result).name);
            for &operand in &node.operands {
                let _ = writeln!(text, "  {:?} -> {:?};", graph.value(operand).name, graph.value(result).name);
            }
        }
    }
    text.push_str("}\n");
    text
}

/// The model graph as a picture: a column per distance from the inputs, a line from every operand to its reader.
fn svg(graph: &Graph) -> String {
    const WIDTH: usize = 300;
    const HEIGHT: usize = 44;
    let mut places = BTreeMap::new();
    let mut filled: Vec<usize> = Vec::new();
    let mut shapes = String::new();
    for &item in graph.order() {
        let (values, operands) = match item {
            Item::Axis(_) => continue,
            Item::Param(id) => (vec![graph.param(id).value], Vec::new()),
            Item::Input(id) => (vec![graph.input(id).value], Vec::new()),
            Item::Node(id) => (graph.node(id).results.clone(), graph.node(id).operands.clone()),
        };
        let column = operands.iter().filter_map(|operand| places.get(operand)).map(|&(column, _)| column + 1).max();
        let column: usize = column.unwrap_or(0);
        filled.resize(filled.len().max(column + 1), 0);
        for value in values {
            let row = filled[column];
            filled[column] += 1;
            places.insert(value, (column, row));
            let (x, y) = (column * WIDTH + 10, row * HEIGHT + 10);
            for operand in &operands {
                if let Some(&(from, at)) = places.get(operand) {
                    let (x1, y1) = (from * WIDTH + WIDTH - 50, at * HEIGHT + 26);
                    let _ = writeln!(
                        shapes,
                        "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x}\" y2=\"{}\" stroke=\"#bbb\"/>",
                        y + 16
                    );
                }
            }
            let name = escaped(&graph.value(value).name);
            let ty = escaped(&graph.axes().show(graph.ty(value)));
            let width = WIDTH - 60;
            let _ = writeln!(
                shapes,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"34\" fill=\"#f4f6fa\" stroke=\"#568\"/>"
            );
            let _ = writeln!(
                shapes,
                "<text x=\"{}\" y=\"{}\">{name}</text><text x=\"{}\" y=\"{}\" fill=\"#555\">{ty}</text>",
                x + 5,
                y + 14,
                x + 5,
                y + 28
            );
        }
    }
    let (width, height) = (filled.len() * WIDTH, filled.iter().max().unwrap_or(&0) * HEIGHT + 20);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"monospace\" font-size=\"11\">\n{shapes}</svg>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
