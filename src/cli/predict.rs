//! `specrec predict`: raw rows in, scores out, in order, one per row, from the run directory alone.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Exit;
use super::console::{Console, counted};
use super::device::DeviceArguments;
use crate::diag::{Diagnostic, Diags, Sources};
use crate::train::checkpoint::{beside, settle};
use crate::train::open::open;
use crate::train::predict::{Predictor, Score};

/// Score the rows of a file with a run's best weights, from the run directory alone.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run directory.
    run: PathBuf,
    /// Rows as in the samples' source; labels may be absent.
    #[arg(long, value_name = "FILE")]
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
    if let Some(rows) = scored(arguments, &mut sources, &mut diags) {
        console.note(&format!("{} scored into {}", counted(rows, "row"), arguments.output.display()));
    }
    console.ended(&diags, &sources)
}

fn scored(arguments: &Arguments, sources: &mut Sources, diags: &mut Diags) -> Option<u64> {
    let backend = arguments.device.backend().map_err(|finding| diags.push(finding)).ok()?;
    let trained = open(&arguments.run, sources, diags)?;
    let mut predictor = trained.predictor(&backend, diags)?;
    write(&mut predictor, arguments, diags)
}

/// Writes beside the output and renames, so that there is a whole file of scores or none.
fn write(predictor: &mut Predictor, arguments: &Arguments, diags: &mut Diags) -> Option<u64> {
    let path = &arguments.output;
    // A device such as `/dev/stdout` is written as it is: nothing can take its place.
    let is_device = path.exists() && !path.is_file();
    let target = if is_device { path.clone() } else { beside(path) };
    let rows = write_rows(predictor, arguments, &target, diags);
    if is_device {
        return rows;
    }
    let put = |rows: u64| {
        let put = std::fs::rename(&target, path).and_then(|()| settle(path));
        put.map(|()| rows).map_err(|why| diags.push(unwritable(path, &why))).ok()
    };
    let rows = rows.and_then(put);
    if rows.is_none() {
        let _was_not_there = std::fs::remove_file(&target);
    }
    rows
}

fn write_rows(predictor: &mut Predictor, arguments: &Arguments, target: &Path, diags: &mut Diags) -> Option<u64> {
    let path = &arguments.output;
    let file = File::create(target).map_err(|why| diags.push(unwritable(path, &why))).ok()?;
    let mut out = csv::Writer::from_writer(BufWriter::new(file));
    let failed = |why: csv::Error| unwritable(path, &io::Error::other(why));
    let header = arguments.keep.iter().cloned().chain(predictor.columns());
    out.write_record(header).map_err(|why| diags.push(failed(why))).ok()?;
    let mut take = |kept: &[Option<String>], scores: &[Score]| {
        let kept = kept.iter().map(|text| text.clone().unwrap_or_default());
        out.write_record(kept.chain(scores.iter().map(Score::to_string))).map_err(failed)
    };
    let rows = predictor.score(&arguments.input, &arguments.keep, &mut take, diags)?;
    let whole = || -> io::Result<()> {
        let mut file = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        file.flush()?;
        // A pipe cannot be synced, and need not be.
        if target != path { file.get_ref().sync_all() } else { Ok(()) }
    };
    whole().map_err(|why| diags.push(unwritable(path, &why))).ok()?;
    Some(rows)
}

fn unwritable(path: &Path, why: &io::Error) -> Diagnostic {
    Diagnostic::new("E0618", format!("`{}` cannot be written: {why}", path.display()))
        .help("what was there before is untouched; `--output` names another place")
}
