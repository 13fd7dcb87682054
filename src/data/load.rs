//! The first pass: every source is read once, into columns that need no text any more.

use std::io;
use std::path::Path;

use super::bind::{Binding, Known, bind};
use super::files::{headers, read_chunks, read_joined};
use super::findings::{RowFindings, no_column};
use super::join::Joined;
use super::plan::{Origin, Plan, SplitPlan, Visit};
use super::report::{JoinReport, SourceReport};
use super::rows::{Codebooks, Counts, Reading, Rows, Table, Task};
use super::source::{Header, SourceFile};
use crate::diag::{Diagnostic, Diags};

/// Sources read together into one table: those of the samples, or one of events.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// Places among the sources of the plan.
    pub(crate) sources: Vec<usize>,
    /// What is computed of their rows.
    pub(crate) task: Task,
}

/// Everything that the first pass leaves.
pub(crate) struct Loaded {
    /// The samples first.
    pub(crate) streams: Vec<Stream>,
    /// By stream.
    pub(crate) tables: Vec<Table>,
    /// Numbers of all texts.
    pub(crate) codebooks: Codebooks,
    /// By source of the plan.
    pub(crate) joined: Vec<Joined>,
    pub(crate) sources: Vec<SourceReport>,
    pub(crate) joins: Vec<JoinReport>,
}

/// The streams of a plan; that of the samples comes first.
pub(crate) fn streams(plan: &Plan) -> Vec<Stream> {
    let mut streams = vec![Stream { sources: plan.samples.sources.clone(), task: Task::default() }];
    for axis in &plan.axes {
        if let Origin::Events { source, .. } = axis.origin
            && streams.iter().all(|stream| !stream.sources.contains(&source))
        {
            streams.push(Stream { sources: vec![source], task: Task::default() });
        }
    }
    for (at, stream) in streams.iter_mut().enumerate() {
        let task = &mut stream.task;
        task.time = plan.sources[stream.sources[0]].time.is_some();
        if at == 0 {
            task.labels = true;
            task.features = plan.sample_features();
            task.features.extend(plan.drawn_features());
            task.lists = lists(plan);
            task.keys = plan.samples.keys.iter().map(|key| key.name.clone()).collect();
            if let SplitPlan::LeaveOneOut(of) | SplitPlan::Random { of: Some(of), .. } = &plan.samples.split {
                task.keys.push(of.name.clone());
            }
            task.keys.extend(plan.samples.unit.by().map(|by| by.name.clone()));
            task.keys.extend(plan.axes.iter().filter_map(|axis| axis.origin.by()).map(|by| by.name.clone()));
        }
        for &source in &stream.sources {
            for (place, axis) in plan.axes_of(source) {
                if !task.axes.contains(&place) {
                    task.axes.push(place);
                }
                task.keys.extend(axis.origin.by().map(|by| by.name.clone()));
                if let Some(Visit::Column(column)) = plan.visits_of(place) {
                    task.keys.push(column.name.clone());
                }
                if let Origin::List { order: Some(order), .. } = &axis.origin {
                    task.numbers.push(order.name.clone());
                }
                for &feature in &axis.features {
                    if plan.features[feature].looks_at_sample() {
                        let values = plan.features[feature].values.iter();
                        task.numbers.extend(values.flat_map(super::eval::names).map(|(name, _)| name.to_string()));
                    } else {
                        task.features.push(feature);
                    }
                }
            }
        }
        task.features.sort_unstable();
        task.features.dedup();
        task.keys.sort_unstable();
        task.keys.dedup();
        task.numbers.sort_unstable();
        task.numbers.dedup();
    }
    streams
}

/// Axes that samples list themselves.
pub(crate) fn lists(plan: &Plan) -> Vec<usize> {
    let list = |axis: &usize| matches!(plan.axes[*axis].origin, Origin::Lists { .. });
    (0..plan.axes.len()).filter(list).collect()
}

/// Finds the files of a plan and reads them. None, with findings, if something is wrong with them; an error if the disk
/// takes no more scratch data.
pub(crate) fn load(
    plan: &Plan,
    files: &[Vec<SourceFile>],
    dir: Option<&Path>,
    diags: &mut Diags,
) -> io::Result<Option<Loaded>> {
    let headers = headers(plan, files, diags);
    if diags.has_errors() {
        return Ok(None);
    }
    let streams = streams(plan);
    let mut needed = vec![Vec::new(); plan.sources.len()];
    let bindings = bind_all(plan, &streams, files, &headers, &mut needed, diags);
    let mut sources: Vec<Option<SourceReport>> = vec![None; plan.sources.len()];
    let mut joined = vec![Joined::default(); plan.sources.len()];
    let used = |place: usize| {
        let uses = |binding: &Bound| {
            binding.all().any(|binding| binding.joins.iter().any(|used| plan.joins[used.join].source == place))
        };
        bindings.iter().any(uses)
    };
    for place in (0..plan.sources.len()).filter(|&place| used(place)) {
        let Some(header) = &headers[place] else { continue };
        if let Some((table, report)) = read_joined(plan, place, &files[place], header, &needed[place], diags) {
            joined[place] = table;
            sources[place] = Some(report);
        }
    }
    if diags.has_errors() {
        return Ok(None);
    }
    let mut codebooks = Codebooks::growing(plan);
    let mut joins: Vec<JoinReport> = Vec::new();
    for join in &plan.joins {
        joins.push(JoinReport { source: plan.sources[join.source].name.clone(), ..JoinReport::default() });
    }
    let mut tables = Vec::new();
    let mut bound = bindings.into_iter();
    for stream in &streams {
        let mut rows = Rows::new(plan, &stream.task, dir);
        let mut first_row = 0;
        for (at, &place) in stream.sources.iter().enumerate() {
            let Some(Bound { binding, lists }) = bound.next() else { continue };
            let part = match &plan.samples.split {
                SplitPlan::From(parts) if stream.task.labels => parts.get(at).map(|part| *part as u8),
                _ => None,
            };
            let source = &plan.sources[place];
            let columns = binding.own.clone();
            let reading = Reading { plan, task: &stream.task, place, source, binding, lists, joined: &joined, part };
            let mut counts = Counts::default();
            let mut found = RowFindings::new(plan, source);
            let met =
                read_chunks(source, &files[place], &columns, &mut found, diags, first_row, |chunk, file, found| {
                    for (line, wrong) in reading.add(chunk, &mut rows, &mut codebooks, &mut counts) {
                        found.add(file, line, &wrong);
                    }
                });
            for used in &reading.binding.joins {
                joins[used.join].rows += counts.looked_up;
                joins[used.join].misses += counts.misses.get(used.join).copied().unwrap_or(0);
            }
            first_row += met;
            let (name, read) = (source.name.clone(), files[place].len() as u64);
            let broken = found.broken;
            let Counts { filtered, dropped, .. } = counts;
            sources[place] = Some(SourceReport { name, files: read, rows: met, broken, filtered, dropped });
            found.finish(diags);
        }
        let table = rows.finish()?;
        for (&axis, _) in
            stream.task.lists.iter().zip(&table.lists).filter(|(_, list)| list.count > u64::from(u32::MAX))
        {
            let title = format!("`{}` lists more than 4,294,967,295 elements", plan.axes[axis].name);
            diags.push(Diagnostic::new("E0503", title).at(plan.axes[axis].span, "").help("a smaller `last`"));
        }
        tables.push(table);
    }
    if diags.has_errors() {
        return Ok(None);
    }
    Ok(Some(Loaded { streams, tables, codebooks, joined, sources: sources.into_iter().flatten().collect(), joins }))
}

/// How the rows of one source of a stream find their names, and how the elements that they list do.
struct Bound {
    binding: Binding,
    lists: Vec<Binding>,
}

impl Bound {
    fn all(&self) -> impl Iterator<Item = &Binding> {
        std::iter::once(&self.binding).chain(&self.lists)
    }
}

/// Binds every source of every stream, in order.
fn bind_all(
    plan: &Plan,
    streams: &[Stream],
    files: &[Vec<SourceFile>],
    headers: &[Option<Header>],
    needed: &mut [Vec<String>],
    diags: &mut Diags,
) -> Vec<Bound> {
    let joinable: Vec<Vec<String>> = (headers.iter().enumerate())
        .map(|(place, header)| match header {
            Some(header) if plan.joins.iter().any(|join| join.source == place) => header.names.clone(),
            _ => Vec::new(),
        })
        .collect();
    let mut bound = Vec::new();
    for stream in streams {
        for &place in &stream.sources {
            let Some(header) = &headers[place] else { continue };
            let known = Known { own: &header.names, open: header.open, joined: &joinable };
            let (binding, missing) = bind(plan, &stream.task.names(plan, place), &known, needed);
            let file = files[place].first().map_or("", |file| file.name.as_str());
            for (name, span) in missing {
                diags.push(no_column(&name, span, file, known.all()));
            }
            let lists = stream.task.lists.iter().map(|&axis| bind_elements(plan, axis, &joinable, needed, diags));
            bound.push(Bound { binding, lists: lists.collect() });
        }
    }
    bound
}

/// Binds the names that features along a list axis read: listed columns, and what joins find by them.
pub(crate) fn bind_elements(
    plan: &Plan,
    axis: usize,
    joinable: &[Vec<String>],
    needed: &mut [Vec<String>],
    diags: &mut Diags,
) -> Binding {
    let axis = &plan.axes[axis];
    let Origin::Lists { columns, .. } = &axis.origin else { return Binding::default() };
    let own: Vec<String> = columns.iter().map(|(column, _)| column.clone()).collect();
    let values = axis.features.iter().flat_map(|&feature| &plan.features[feature].values);
    let names: Vec<(String, crate::diag::Span)> =
        values.flat_map(super::eval::names).map(|(name, span)| (name.to_string(), span)).collect();
    let known = Known { own: &own, open: false, joined: joinable };
    let (binding, missing) = bind(plan, &names, &known, needed);
    for (name, span) in missing {
        let title = format!("the column `{name}` is not known along `{}`", axis.name);
        let finding = Diagnostic::new("E0504", title).at(span, "").at(axis.span, "the axis");
        diags.push(finding.help("list it under `columns`, or join a source that has it by a column that is listed"));
    }
    binding
}
