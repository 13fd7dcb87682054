//! `specrec eval`: the metrics of a run's best weights.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Exit;
use super::console::Console;
use super::device::{DeviceArguments, backend};
use super::opened::{self, Reopened, reopen, table_header, table_line};
use crate::data::{Options, open};
use crate::diag::{Diagnostic, Diags, Sources};
use crate::pass::Goal;
use crate::syntax::spec::Part;
use crate::train::engine::{Engine, Params};
use crate::train::evaluate::evaluate;
use crate::train::{checkpoint, run, step_failed, table_rows, wants};

/// Measure a run's best weights on a part of its data.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run directory.
    run: PathBuf,
    /// The part.
    #[arg(long, value_enum, default_value_t = PartName::Test)]
    part: PartName,
    #[command(flatten)]
    device: DeviceArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PartName {
    Train,
    Valid,
    Test,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Exit {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    if let Err(finding) = measured(arguments, console, &mut sources, &mut diags) {
        diags.push(finding);
    }
    console.findings(diags.list(), &sources);
    if diags.has_errors() { Exit::Failure } else { Exit::Success }
}

fn measured(
    arguments: &Arguments,
    console: &Console,
    sources: &mut Sources,
    diags: &mut Diags,
) -> Result<(), Diagnostic> {
    let dir = &arguments.run;
    let Some(Reopened { identity, spec, program }) = reopen(dir, sources, diags)? else { return Ok(()) };
    let graph = opened::graph(&program, Goal::Evaluate)?;
    let trainer = opened::graph(&program, Goal::Train(&spec.train))?;
    let Some(dataset) = open(&spec, &wants(&[&trainer, &graph]), &Options::default(), diags) else { return Ok(()) };
    let (weights, state) = checkpoint::load(&dir.join("best.safetensors"))?;
    let now = run::Identity::of(&spec, &program, &dataset, identity.seed);
    if now.tables != identity.tables {
        let title = format!("the data has changed since `{}` was trained", dir.display());
        return Err(Diagnostic::new("E0616", title).help("`predict` scores new rows with the vocabularies of the run"));
    }
    let backend = backend(&arguments.device, console)?;
    let rows = table_rows(&[&graph], |table| dataset.rows_of(table))?;
    let mut engine = Engine::new(graph, rows, &backend).map_err(step_failed)?;
    let mut params = Params::new(weights, &backend).map_err(step_failed)?;
    let (part, name) = match arguments.part {
        PartName::Train => (Part::Train, "train"),
        PartName::Valid => (Part::Valid, "validation"),
        PartName::Test => (Part::Test, "test"),
    };
    let batch = spec.train.batch as usize;
    let evaluation = evaluate(&mut engine, &mut params, &dataset, &program.metrics, part, batch)?;
    let (line, notes) = table_line(name, &evaluation);
    console.result(&table_header(&program.metrics));
    console.result(&line);
    console.result(&format!("best weights, after step {}", state.progress.step));
    for note in notes {
        console.result(&note);
    }
    Ok(())
}
