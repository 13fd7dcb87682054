//! `specrec explain`: what a code means, an example, the way out.

use clap::Args;

use super::Exit;
use super::console::Console;
use crate::diag::codes;

/// Say what an error code means, with an example and the way out.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The code, such as E0304; without one, all are listed.
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Exit {
    let Some(code) = &arguments.code else {
        for entry in codes::all() {
            console.result(&format!("{}  {}", entry.code, entry.title));
        }
        return Exit::Success;
    };
    match codes::explain(code) {
        Some(text) => {
            console.result(&text);
            Exit::Success
        }
        None => {
            console.note(&format!("error: there is no code `{code}`; `specrec explain` lists all of them"));
            Exit::Usage
        }
    }
}
