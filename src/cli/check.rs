//! `specrec check`: everything that can be known without data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Exit;
use super::console::{Console, counted};
use crate::diag::render::json;
use crate::diag::{Diags, Severity, Sources};

/// Check specs without reading a row of data; all errors at once.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Spec files.
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    /// Replace a value: `--set train.batch=1024`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// How findings are printed: for people on standard error, or one JSON object a line on standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Exit {
    let mut exit = Exit::Success;
    for path in &arguments.specs {
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let _program = crate::compile(path, &arguments.sets, &mut sources, &mut diags);
        let name = path.display();
        match arguments.format {
            Format::Json => {
                for finding in diags.list() {
                    console.result(&json(finding, &sources).to_string());
                }
            }
            Format::Text => {
                console.findings(diags.list(), &sources);
                let warnings = diags.list().iter().filter(|finding| finding.severity == Severity::Warning).count();
                match (diags.has_errors(), warnings) {
                    (true, _) => {}
                    (false, 0) => console.result(&format!("{name}: ok")),
                    (false, warnings) => {
                        console.result(&format!("{name}: ok, {}", counted(warnings as u64, "warning")))
                    }
                }
            }
        }
        if diags.has_errors() {
            exit = Exit::Failure;
        }
    }
    exit
}
