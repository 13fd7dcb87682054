//! How long a training step of a spec takes on rows that are made up:
//! `pace SPEC --samples 64 --length 165 --rows 3417 --steps 10 --threads 1 [--set a.b=c]...`.
//!
//! Ids are spread over tables of `rows` rows, and every ragged axis has about `length` elements under each parent, half of
//! them a quarter shorter.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use specrec::diag::render::render_all;
use specrec::diag::{Diags, Sources};
use specrec::exec::candle::Reference;
use specrec::exec::feed::{Column, Feed};
use specrec::exec::host::Host;
use specrec::exec::made_up;
use specrec::exec::prologue::Prologue;
use specrec::exec::weights::Weights;
use specrec::ir::axis::AxisKind;
use specrec::ir::graph::Graph;
use specrec::ir::op::Noise;
use specrec::ir::rows::Rows;
use specrec::ir::types::Elem;
use specrec::lower::lower;
use specrec::pass::{Goal, instantiate};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (path, rest) = args.split_first().ok_or("pace SPEC [--samples N] [--length N] [--rows N] [--steps N]")?;
    let mut numbers = BTreeMap::from([("--samples", 64), ("--length", 50), ("--rows", 3417), ("--steps", 10)]);
    numbers.extend([("--threads", 1), ("--reference", 0)]);
    let mut sets = Vec::new();
    for pair in rest.chunks(2) {
        match pair {
            [flag, value] if flag == "--set" => sets.push(value.clone()),
            [flag, value] => *numbers.get_mut(flag.as_str()).ok_or("unknown flag")? = value.parse()?,
            other => return Err(format!("unknown argument {other:?}").into()),
        }
    }
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let spec = specrec::syntax::load(Path::new(path), &sets, &mut sources, &mut diags);
    let program = spec.as_ref().and_then(|spec| lower(spec, &mut sources, &mut diags));
    let (Some(spec), Some(program)) = (spec, program) else {
        return Err(render_all(diags.list(), &sources, false).into());
    };
    let graph = instantiate(&program.graph, Goal::Train(&spec.train), None)?;
    let rows: BTreeMap<String, usize> =
        program.tables.iter().map(|table| (table.name.clone(), numbers["--rows"])).collect();
    let mut weights = Weights::initial(&graph, &rows, &BTreeMap::new(), 1)?;
    let feed = feed(&graph, numbers["--samples"], numbers["--length"], numbers["--rows"]);
    let batch = Prologue::of(&graph).prepare(&graph, &feed, &rows, Noise::default())?;
    let schedule = [("lr", 1e-3), ("tables_lr", 1e-3), ("step", 1.0)].map(|(name, own)| (name.to_owned(), own)).into();
    let mut host = Host::new(graph.clone(), numbers["--threads"])?;
    let mut times = Vec::new();
    for step in 0..numbers["--steps"] as u64 + 2 {
        let start = Instant::now();
        host.step(&mut weights, &batch, &schedule, Noise { seed: 1, step })?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.drain(..2);
    times.sort_by(f64::total_cmp);
    println!("host {:.1} ms (least {:.1}), {} bytes", times[times.len() / 2], times[0], host.bytes());
    if numbers["--reference"] > 0 {
        let mut reference = Reference::new(&weights, candle_core::Device::Cpu)?;
        let start = Instant::now();
        reference.step(&graph, &batch, &schedule, Noise::default())?;
        println!("reference {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

/// A batch in the manner of [`made_up::feed`], with longer sequences and ids of a whole table.
fn feed(graph: &Graph, samples: usize, length: usize, table: usize) -> Feed {
    let mut feed = made_up::feed(graph, samples);
    let mut elements = BTreeMap::new();
    for id in graph.axes().ids() {
        let axis = graph.axis(id);
        let count = match axis.kind {
            AxisKind::Batch => samples,
            AxisKind::Ragged { max } => {
                let parents = axis.parent.and_then(|parent| elements.get(&parent).copied()).unwrap_or(1);
                let most = max.map_or(length, |max| length.min(max as usize));
                let own = |parent: usize| if parent.is_multiple_of(2) { most } else { most - most / 4 };
                let mut offsets = vec![0u32];
                offsets.extend((0..parents).scan(0, |sum, parent| {
                    *sum += own(parent) as u32;
                    Some(*sum)
                }));
                let count = offsets.last().copied().unwrap_or(0) as usize;
                feed.offsets.insert(axis.name.clone(), offsets);
                count
            }
            _ => continue,
        };
        elements.insert(id, count);
    }
    let rows = Rows::new(graph.axes(), &feed.ids, &feed.offsets).unwrap_or_default();
    for (_, input) in graph.inputs() {
        let value = graph.value(input.value);
        let Some(column) = feed.columns.get_mut(&value.name) else { continue };
        let count = rows.count(&value.ty.space) * value.ty.width as usize;
        *column = match (&*column, &value.ty.elem) {
            (_, Elem::Id(_) | Elem::Index(_)) => {
                Column::U32((0..count).map(|i| ((i * 7919) % (table - 2) + 2) as u32).collect())
            }
            (Column::F32(old), _) => Column::F32((0..count).map(|i| old[i % old.len().max(1)]).collect()),
            (old, _) => old.clone(),
        };
    }
    feed
}
