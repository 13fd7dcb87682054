//! A profile for people: what the time of a step went to, the largest part first, against the peak of the machine.

use std::fmt::Write as _;

use super::{Peak, Profile, Task, Total};
use crate::ir::graph::{Graph, NodeId};

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

/// Two tables, sorted by time: block loops, and everything that a step consists of, node by node.
pub fn table(profile: &Profile, graph: &Graph, peak: Option<Peak>) -> String {
    let steps = profile.steps();
    let whole = profile.totals().get(&Task::Step).copied().unwrap_or_default().nanoseconds as f64;
    if steps == 0 || whole == 0.0 {
        return "profile: there was no step".to_owned();
    }
    let mut text = format!(
        "profile of {steps} step{} on {}: {:.3} ms a step\n",
        if steps == 1 { "" } else { "s" },
        if profile.threads() == 1 { "1 thread".to_owned() } else { format!("{} threads", profile.threads()) },
        whole / steps as f64 / 1e6
    );
    if let Some(Peak { flops, bytes }) = peak {
        let (flops, bytes) = (flops / 1e9, bytes / 1e9);
        let _ = writeln!(
            text,
            "peak of the machine on them: {flops:.1} GFLOP/s in a product of large f32 matrices, {bytes:.1} GB/s from memory to memory"
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
    let (mut loops, mut parts) = (Vec::new(), Vec::new());
    let totals = profile.totals();
    let numbers: Vec<usize> =
        totals.keys().filter_map(|task| if let Task::Loop(at) = task { Some(*at) } else { None }).collect();
    let numbered = |at: usize| numbers.iter().position(|&own| own == at).map_or(0, |place| place + 1);
    let mut left = whole;
    for (&task, &total) in totals {
        let name = match task {
            Task::Step | Task::Block(_) => continue,
            Task::Prologue if profile.is_beside() => {
                parts.push(Row::new("prologue, beside the step on a thread of its own".to_owned(), total, 1));
                continue;
            }
            Task::Prologue => "prologue".to_owned(),
            Task::Loop(at) => {
                left -= total.nanoseconds as f64;
                let (row, rest) = of_loop(profile, at, numbered(at), total);
                loops.push(row);
                parts.push(rest);
                continue;
            }
            Task::Combine(at) => {
                let name = format!("loop {}: partial results combined", numbered(at));
                parts.push(Row::new(name, total, 1));
                continue;
            }
            Task::Entry(at, id) => {
                let name = format!("loop {}: {}", numbered(at), described(graph, id));
                parts.push(Row::new(name, total, profile.threads()));
                continue;
            }
            Task::Whole(id) => format!("whole: {}", described(graph, id)),
            Task::Effect(at) => graph.effects().get(at).map_or_else(String::new, |effect| {
                let target = effect.targets.first().map_or("", |&id| graph.param(id).name.as_str());
                format!("effect: {} @{target}", effect.op.name())
            }),
        };
        left -= total.nanoseconds as f64;
        parts.push(Row::new(name, total, 1));
    }
    parts.push(Row::rest("between the nodes: checks, outputs".to_owned(), left));
    (loops, parts)
}

/// A loop, and the part of its time in which its threads were at no node.
fn of_loop(profile: &Profile, at: usize, number: usize, total: Total) -> (Row, Row) {
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
    row.name = format!("loop {number}: {nodes} nodes");
    let rest = Row::rest(format!("loop {number}: set up, waited for the last thread"), row.nanoseconds - busy);
    (row, rest)
}

/// `linear %score`.
fn described(graph: &Graph, id: NodeId) -> String {
    let node = graph.node(id);
    let result = node.results.first().map_or("", |&result| graph.value(result).name.as_str());
    format!("{} %{result}", node.op.name())
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
