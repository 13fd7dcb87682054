//! What each pass changed, as lines of the text form: `--trace-passes` and the snapshots of it.

use std::collections::BTreeSet;

use crate::ir::graph::Graph;

/// The record of one pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    text: String,
}

impl Trace {
    /// Adds one pass: `unchanged`, or the lines that went and came.
    pub fn record(&mut self, pass: &str, before: &Graph, after: &Graph) {
        let (before, after) = (before.to_string(), after.to_string());
        if before == after {
            self.text.push_str(&format!("{pass}: unchanged\n"));
            return;
        }
        let old: BTreeSet<&str> = before.lines().collect();
        let new: BTreeSet<&str> = after.lines().collect();
        let gone: Vec<&str> = before.lines().filter(|line| !new.contains(line)).collect();
        let come: Vec<&str> = after.lines().filter(|line| !old.contains(line)).collect();
        self.text.push_str(&format!("{pass}: {} lines removed, {} added\n", gone.len(), come.len()));
        for (sign, lines) in [('-', gone), ('+', come)] {
            for line in lines {
                self.text.push_str(&format!("{sign} {}\n", line.trim_start()));
            }
        }
    }

    /// The whole record.
    pub fn text(&self) -> &str {
        &self.text
    }
}
