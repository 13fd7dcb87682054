//! `specrec eval`: the metrics of a run's best weights, from its directory alone.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Exit;
use super::console::Console;
use super::device::DeviceArguments;
use crate::diag::{Diags, Sources};
use crate::syntax::spec::Part;
use crate::train::open::open;

/// Measure a run's best weights on a part of its samples, from the run directory alone.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run directory.
    run: PathBuf,
    /// The part.
    #[arg(long, value_enum, default_value_t = PartName::Test)]
    part: PartName,
    /// New rows instead, as in the samples' source, labels included.
    #[arg(long, value_name = "FILE", conflicts_with = "part")]
    input: Option<PathBuf>,
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
    let part = match arguments.part {
        PartName::Train => Part::Train,
        PartName::Valid => Part::Valid,
        PartName::Test => Part::Test,
    };
    let backend = arguments.device.backend().map_err(|finding| diags.push(finding)).ok();
    let results = backend.and_then(|backend| {
        let trained = open(&arguments.run, &mut sources, &mut diags)?;
        match &arguments.input {
            Some(input) => trained.evaluate_rows(input, &backend, &mut diags),
            None => trained.evaluate(part, &backend, &mut diags),
        }
    });
    if let Some(results) = results {
        console.result(&results.to_string());
    }
    console.ended(&diags, &sources)
}
