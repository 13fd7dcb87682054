//! `specrec predict`: raw rows in, scores out, in order, one per row, from the run directory alone.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::Exit;
use super::console::Console;
use super::device::{DeviceArguments, backend};
use super::opened::{self, Reopened, reopen};
use crate::data::{DataBundle, predict_rows};

use crate::diag::{Diagnostic, Diags, Sources};
use crate::exec::candle::Schedule;
use crate::exec::feed::Column;
use crate::ir::op::Noise;
use crate::pass::Goal;
use crate::train::engine::{Engine, Params};
use crate::train::{checkpoint, step_failed, table_rows, wants};

/// Rows that are scored at a time.
const BATCH: usize = 1024;

/// Score the rows of a file with a run's best weights.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run directory.
    run: PathBuf,
    /// Rows as in the samples' source; labels may be absent.
    #[arg(long, value_name = "CSV")]
    input: PathBuf,
    /// Where scores go, a line per row: the columns kept, then the outputs.
    #[arg(long, value_name = "CSV")]
    output: PathBuf,
    /// Columns of the input to repeat in the output.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,...")]
    keep: Vec<String>,
    #[command(flatten)]
    device: DeviceArguments,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Exit {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    if let Err(finding) = scored(arguments, console, &mut sources, &mut diags) {
        diags.push(finding);
    }
    console.findings(diags.list(), &sources);
    if diags.has_errors() { Exit::Failure } else { Exit::Success }
}

fn scored(
    arguments: &Arguments,
    console: &Console,
    sources: &mut Sources,
    diags: &mut Diags,
) -> Result<(), Diagnostic> {
    let dir = &arguments.run;
    let Some(Reopened { spec, program, .. }) = reopen(dir, sources, diags)? else { return Ok(()) };
    let graph = opened::graph(&program, Goal::Predict)?;
    let Some(bundle) = DataBundle::load(dir, &spec, &wants(&[&graph]), diags) else { return Ok(()) };
    let rows = table_rows(&[&graph], |table| bundle.rows_of(table))?;
    let (weights, _) = checkpoint::load(&dir.join("best.safetensors"))?;
    let backend = backend(&arguments.device, console)?;
    let mut engine = Engine::new(graph, rows, &backend).map_err(step_failed)?;
    let mut params = Params::new(weights, &backend).map_err(step_failed)?;
    let bundle = Arc::new(bundle);
    let Some(batches) = predict_rows(&bundle, &arguments.input, BATCH, &arguments.keep, diags) else { return Ok(()) };
    let written = write(&mut engine, &mut params, batches, arguments)?;
    console.note(&format!("{written} rows scored into {}", arguments.output.display()));
    Ok(())
}

/// Writes beside the output and renames, so that there is a whole file of scores or none.
fn write(
    engine: &mut Engine,
    params: &mut Params,
    batches: crate::data::RawBatches,
    arguments: &Arguments,
) -> Result<u64, Diagnostic> {
    let beside = checkpoint::beside(&arguments.output);
    let unwritable = |error: csv::Error| {
        Diagnostic::new("E0618", format!("`{}` cannot be written: {error}", arguments.output.display()))
    };
    let scored = write_rows(engine, params, batches, &arguments.keep, &beside, &unwritable);
    let renamed = scored.and_then(|rows| {
        std::fs::rename(&beside, &arguments.output).map_err(|error| unwritable(error.into()))?;
        Ok(rows)
    });
    if renamed.is_err() {
        let _partial = std::fs::remove_file(&beside);
    }
    renamed
}

fn write_rows(
    engine: &mut Engine,
    params: &mut Params,
    batches: crate::data::RawBatches,
    keep: &[String],
    path: &Path,
    unwritable: &dyn Fn(csv::Error) -> Diagnostic,
) -> Result<u64, Diagnostic> {
    let file = File::create(path).map_err(|error| unwritable(error.into()))?;
    let mut out = csv::Writer::from_writer(BufWriter::new(file));
    let outputs: Vec<(String, usize)> = {
        let graph = engine.graph();
        graph.outputs().iter().map(|root| (root.name.clone(), graph.ty(root.value).width as usize)).collect()
    };
    let mut header = keep.to_vec();
    for (name, width) in &outputs {
        match width {
            1 => header.push(name.clone()),
            _ => header.extend((0..*width).map(|i| format!("{name}.{i}"))),
        }
    }
    out.write_record(&header).map_err(unwritable)?;
    let preparation = engine.preparation();
    let noise = Noise::default();
    let mut rows = 0;
    for raw in batches {
        let raw = raw?;
        let prepared = preparation.prepare(&raw.batch.feed, noise).map_err(step_failed)?;
        let values = engine.step(params, &prepared, &Schedule::new(), noise).map_err(step_failed)?;
        for row in 0..raw.batch.feed.samples {
            let kept = raw.kept.iter().map(|column| column.get(row).cloned().flatten().unwrap_or_default());
            let mut record: Vec<String> = kept.collect();
            for (name, width) in &outputs {
                if let Some(Column::F32(scores)) = values.get(name) {
                    record.extend(scores[row * width..(row + 1) * width].iter().map(f32::to_string));
                }
            }
            out.write_record(&record).map_err(unwritable)?;
            rows += 1;
        }
    }
    let file = out.into_inner().map_err(|error| unwritable(error.into_error().into()))?;
    let file = file.into_inner().map_err(|error| unwritable(error.into_error().into()))?;
    file.sync_all().map_err(|error| unwritable(error.into()))?;
    Ok(rows)
}
