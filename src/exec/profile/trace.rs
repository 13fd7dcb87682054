//! The last steps of a profile as a trace that Perfetto (ui.perfetto.dev) and `chrome://tracing` open: Chrome's JSON trace
//! event format, complete events (`ph: X`) in microseconds, a track for each thread.

use std::cmp::Reverse;

use serde::Serialize;

use super::Profile;
use super::names::Names;
use crate::ir::graph::Graph;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    display_time_unit: &'static str,
    trace_events: Vec<Event>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Event {
    /// A span.
    Complete { ph: &'static str, pid: u32, tid: usize, ts: f64, dur: f64, name: String },
    /// What a track is called.
    Track { ph: &'static str, pid: u32, tid: usize, name: &'static str, args: Label },
}

#[derive(Serialize)]
struct Label {
    name: String,
}

/// The text of the file.
pub fn trace(profile: &Profile, graph: &Graph) -> String {
    let names = Names::new(profile, graph);
    let mut trace_events: Vec<Event> = (0..profile.threads() + 2)
        .filter(|&tid| profile.kept.iter().any(|tracks| tracks.get(tid).is_some_and(|track| !track.is_empty())))
        .map(|tid| {
            let name = match tid {
                0 => "step".to_owned(),
                tid if tid <= profile.threads() => format!("thread {tid}"),
                _ => "preparation".to_owned(),
            };
            Event::Track { ph: "M", pid: 1, tid, name: "thread_name", args: Label { name } }
        })
        .collect();
    for tracks in &profile.kept {
        for (tid, track) in tracks.iter().enumerate() {
            let mut spans = track.clone();
            // What contains others comes before them.
            spans.sort_by_key(|span| (span.start, Reverse(span.end)));
            trace_events.extend(spans.into_iter().map(|span| Event::Complete {
                ph: "X",
                pid: 1,
                tid,
                ts: span.start as f64 / 1e3,
                dur: (span.end - span.start) as f64 / 1e3,
                name: names.of(span.task),
            }));
        }
    }
    serde_json::to_string(&Trace { display_time_unit: "ms", trace_events }).unwrap_or_default()
}
