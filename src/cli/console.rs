//! Where commands write to. A reader that has gone away (`specrec explain E0101 | head -1`) is no error.

use std::any::Any;
use std::io::{IsTerminal, Write};

use super::Exit;
use crate::diag::render::render_all;
use crate::diag::{Diagnostic, Diags, Severity, Sources};

/// The two outputs of the process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    colour: bool,
}

impl Console {
    /// Colours stand on a terminal only, and not where `NO_COLOR` is set.
    pub(super) fn new() -> Self {
        Self { colour: std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// A line of the result.
    pub(super) fn result(&self, text: &str) {
        let _reader_is_gone = writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n'));
    }

    /// A line beside the result.
    pub(super) fn note(&self, text: &str) {
        let _reader_is_gone = writeln!(std::io::stderr(), "{}", text.trim_end_matches('\n'));
    }

    /// Findings, and how many there are if any is an error.
    pub(super) fn findings(&self, findings: &[Diagnostic], sources: &Sources) {
        if findings.is_empty() {
            return;
        }
        self.note(&render_all(findings, sources, self.colour));
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let mut codes: Vec<&str> = errors.clone().map(|finding| finding.code).collect();
        codes.sort_unstable();
        codes.dedup();
        if let Some(first) = codes.first() {
            self.note(&format!("\n{}; `specrec explain {first}` says more", counted(errors.count() as u64, "error")));
        }
    }

    /// The findings at the end of a command, and how it ended by them.
    pub(super) fn ended(&self, diags: &Diags, sources: &Sources) -> Exit {
        self.findings(diags.list(), sources);
        if diags.has_errors() { Exit::Failure } else { Exit::Success }
    }

    /// A panic: a fault of specrec, whatever the input was.
    pub(super) fn fault(&self, panic: &Box<dyn Any + Send>) {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let finding = Diagnostic::new("E0699", format!("a fault of specrec: {}", said.unwrap_or("it says no more")))
            .note("nothing in the input should do this")
            .help("report it with the command and the spec; `RUST_BACKTRACE=1` shows where it happened");
        self.findings(&[finding], &Sources::default());
    }
}

/// `1 error`, `2 errors`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
