//! A profile for people: what the time of a step went to, the largest part first, against the peak of the machine.

use std::fmt::Write as _;

use super::names::Names;
use super::{Peak, Profile, Task, Total};
use crate::ir::graph::Graph;

/// Rows with less of the step's time are told together.
const SMALLEST: f64 = 0.001;

/// A row of the table: its time is its part of the time of a step, so that the rows of a table add up to the step.
struct Row {
    name: String,
    nanoseconds: f64,
    calls: u64,
    flops: u64,
    bytes: u64,
}

impl Row {
    /// A task that one thread was at while the others waited for it, or of `threads` threads at once.
    fn new(name: String, total: Total, threads: usize) -> Self {
        let nanoseconds = total.nanoseconds as f64 / threads as f64;
        Self { name, nanoseconds, calls: total.calls, flops: total.flops, bytes: total.bytes }
    }

    fn rest(name: String, nanoseconds: f64) -> Self {
        Self { name, nanoseconds: nanoseconds.max(0.0), calls: 0, flops: 0, bytes: 0 }
    }
}

/// Two tables, sorted by time: block loops, and everything that a step consists of, node by node. Rates are shown as parts
/// of the peak where it is known. Bytes that lie in a cache are counted as well, so that they may exceed it.
pub fn table(profile: &Profile, graph: &Graph, peak: Option<Peak>) -> String {
    let steps = profile.steps();
    let whole = profile.totals().get(&Task::Step).copied().unwrap_or_default().nanoseconds as f64;
    if steps == 0 || whole == 0.0 {
        return "profile: there was no step".to_owned();
    }
    let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let warm_up = match profile.seen - steps {
        0 => String::new(),
        others => format!(", after {others} to warm up"),
    };
    let milliseconds = whole / steps as f64 / 1e6;
    let mut text = format!("profile of {}{warm_up}: {milliseconds:.3} ms a step\n", counted(steps, "step"));
    if let Some(Peak { flops, bytes }) = peak {
        let threads = counted(profile.threads() as u64, "thread");
        let (flops, bytes) = (flops / 1e9, bytes / 1e9);
        let _ = writeln!(
            text,
            "peak of {threads} here: {flops:.0} GFLOP/s in a product of large f32 matrices, {bytes:.0} GB/s from memory to memory"
        );
    }
    let (loops, nodes) = rows(profile, graph, whole);
    let print = Print { steps, whole, peak };
    if !loops.is_empty() {
        print.rows(&mut text, "block loop", loops);
    }
    print.rows(&mut text, "node", nodes);
    text
}

/// Loops, and the parts of a step.
fn rows(profile: &Profile, graph: &Graph, whole: f64) -> (Vec<Row>, Vec<Row>) {
    let (names, threads) = (Names::new(profile, graph), profile.threads());
    let (mut loops, mut parts, mut left) = (Vec::new(), Vec::new(), whole);
    for (&task, &total) in profile.totals() {
        let name = names.of(task);
        match task {
            Task::Step | Task::Block(_) => {}
            Task::Entry(at, _) => parts.push(Row::new(format!("{}: {name}", names.loop_of(at)), total, threads)),
            Task::Combine(at) => parts.push(Row::new(format!("{}: {name}", names.loop_of(at)), total, 1)),
            Task::Loop(at) => {
                left -= total.nanoseconds as f64;
                let (row, rest) = of_loop(profile, at, &name, total);
                loops.push(row);
                parts.push(rest);
            }
            Task::Prologue if profile.is_beside() => {
                parts.push(Row::new(format!("{name}, beside the step on a thread of its own"), total, 1));
            }
            Task::Prologue | Task::Whole(_) | Task::Effect(_) => {
                left -= total.nanoseconds as f64;
                let kind = match task {
                    Task::Whole(_) => "whole: ",
                    Task::Effect(_) => "effect: ",
                    _ => "",
                };
                parts.push(Row::new(format!("{kind}{name}"), total, 1));
            }
        }
    }
    parts.push(Row::rest("between the nodes: checks, outputs".to_owned(), left));
    (loops, parts)
}

/// A loop, and the part of its time in which its threads were at no node.
fn of_loop(profile: &Profile, at: usize, name: &str, total: Total) -> (Row, Row) {
    let mut row = Row::new(String::new(), total, 1);
    let (mut nodes, mut busy) = (0, 0.0);
    for (&task, own) in profile.totals() {
        match task {
            Task::Entry(of, _) if of == at => {
                nodes += 1;
                busy += own.nanoseconds as f64 / profile.threads() as f64;
                row.flops += own.flops;
                row.bytes += own.bytes;
            }
            Task::Combine(of) if of == at => busy += own.nanoseconds as f64,
            Task::Block(of) if of == at => row.calls = own.calls,
            _ => {}
        }
    }
    row.name = format!("{name}: {nodes} nodes");
    let rest = Row::rest(format!("{name}: set up, waited for the last thread"), row.nanoseconds - busy);
    (row, rest)
}

struct Print {
    steps: u64,
    whole: f64,
    peak: Option<Peak>,
}

impl Print {
    fn rows(&self, text: &mut String, of: &str, mut rows: Vec<Row>) {
        rows.sort_by(|a, b| b.nanoseconds.total_cmp(&a.nanoseconds));
        let (shown, small): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.nanoseconds >= SMALLEST * self.whole);
        let peak = if self.peak.is_some() { "  peak" } else { "" };
        let _ = writeln!(
            text,
            "\n{:>9} {:>6} {:>6} {:>9}{peak} {:>8}{peak}  {of}",
            "ms/step", "share", "calls", "GFLOP/s", "GB/s"
        );
        for row in &shown {
            self.row(text, row);
        }
        if !small.is_empty() {
            let nanoseconds = small.iter().map(|row| row.nanoseconds).sum();
            let name = format!("{} more, each under {:.1}%", small.len(), 100.0 * SMALLEST);
            self.row(text, &Row::rest(name, nanoseconds));
        }
    }

    fn row(&self, text: &mut String, row: &Row) {
        let calls = match row.calls {
            0 => String::new(),
            calls => format!("{:.0}", calls as f64 / self.steps as f64),
        };
        // Operations a nanosecond are 1e9 operations a second.
        let rate = |count: u64, peak: Option<f64>, width: usize| {
            let rate = count as f64 / row.nanoseconds.max(1.0);
            let percent = match peak {
                Some(peak) if count > 0 => format!(" {:>4.0}%", 1e11 * rate / peak),
                Some(_) => " ".repeat(6),
                None => String::new(),
            };
            let number = if count > 0 { format!("{rate:.1}") } else { String::new() };
            format!("{number:>width$}{percent}")
        };
        let _ = writeln!(
            text,
            "{:>9.3} {:>5.1}% {calls:>6} {} {}  {}",
            row.nanoseconds / self.steps as f64 / 1e6,
            100.0 * row.nanoseconds / self.whole,
            rate(row.flops, self.peak.map(|peak| peak.flops), 9),
            rate(row.bytes, self.peak.map(|peak| peak.bytes), 8),
            row.name
        );
    }
}
