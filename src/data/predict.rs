//! Raw rows to batches, from what a run keeps: one sample per row, in the order of the file.

use std::path::Path;
use std::sync::Arc;

use super::batch::{Batch, build};
use super::bind::{Binding, Known, bind};
use super::bundle::DataBundle;
use super::container::Builder;
use super::encode::{Encoding, Order, write_samples};
use super::feeder::{Ahead, damaged};
use super::findings::{failure, finding, no_column, no_file};
use super::history::view;
use super::load::{Stream, bind_elements, lists};
use super::plan::{Origin, Plan, SourcePlan, reads_time};
use super::rows::{Counts, Reading, Rows, Task};
use super::samples::Samples;
use super::source::{Chunk, Dialect, Failure, Header, Reader, SourceFile, header, names_format};
use super::views::sight;
use crate::diag::{Diagnostic, Diags, Span};
use crate::syntax::spec::Part;

/// Some rows of a file.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    /// One sample per row.
    pub batch: Batch,
    /// The columns asked for, by column, then by row; none where the text is missing.
    pub kept: Vec<Vec<Option<String>>>,
}

/// Batches of the rows of a file.
pub type RawBatches = Ahead<Raw>;

/// Reads the rows of a file in the format of the samples' source; labels may be absent. `keep` are columns whose texts
/// come along. A broken row ends it with an error that says where. None, with findings, if the file lacks a column.
pub fn predict_rows(
    bundle: &Arc<DataBundle>,
    path: &Path,
    batch_size: usize,
    keep: &[String],
    diags: &mut Diags,
) -> Option<RawBatches> {
    let plan = &bundle.plan;
    let file = SourceFile { path: path.to_path_buf(), name: path.display().to_string() };
    let place = *plan.samples.sources.first()?;
    let source = &plan.sources[place];
    if !path.is_file() {
        diags.push(no_file(&file.name, source.span));
        return None;
    }
    let task = task(bundle);
    let mut names = task.names(plan, place);
    names.extend(keep.iter().map(|name| (name.clone(), source.span)));
    let opened = with_header(&file, source, &names);
    let (dialect, header) = opened.map_err(|what| diags.push(failure(source, &file, &what))).ok()?;

    let joinable: Vec<Vec<String>> = bundle.joined.iter().map(|joined| joined.names.clone()).collect();
    let mut needed = joinable.clone();
    let known = Known { own: &header.names, open: header.open, joined: &joinable };
    let (binding, missing) = bind(plan, &names, &known, &mut needed);
    let before = diags.list().len();
    for (name, span) in missing {
        diags.push(no_column(&name, span, &file.name, known.all()));
    }
    let kept: Vec<Option<usize>> = keep.iter().map(|name| binding.own.iter().position(|own| own == name)).collect();
    // What is kept is copied from the rows, so a column that only a join finds is none.
    let elsewhere = |name: &String| binding.names.iter().any(|(known, _)| known == name);
    for (name, _) in keep.iter().zip(&kept).filter(|(name, at)| at.is_none() && elsewhere(name)) {
        diags.push(no_column(name, source.span, &file.name, header.names.iter().map(String::as_str)));
    }
    let lists = task.lists.iter().map(|&axis| bind_elements(plan, axis, &joinable, &mut needed, diags)).collect();
    if diags.list().len() > before {
        return None;
    }
    let file_being_read = FileBeingRead {
        bundle: bundle.clone(),
        stream: Stream { sources: vec![place], task },
        dialect,
        file,
        binding,
        lists,
        kept: kept.into_iter().flatten().collect(),
    };
    Some(Ahead::of(move |send| {
        if let Err(finding) = file_being_read.run(batch_size.max(1), send) {
            send(Err(finding));
        }
    }))
}

/// What the rows of a request are asked for.
fn task(bundle: &DataBundle) -> Task {
    let plan = &bundle.plan;
    let mut keys: Vec<String> = Vec::new();
    for axis in &plan.axes {
        if let Origin::Events { by, .. } = &axis.origin
            && !keys.contains(&by.name)
        {
            keys.push(by.name.clone());
        }
    }
    let lists = lists(plan);
    let listed_times = |axis: &usize| matches!(&plan.axes[*axis].origin, Origin::Lists { times: Some(_), .. });
    let values = plan.features.iter().flat_map(|feature| &feature.values);
    Task {
        features: plan.sample_features(),
        keys,
        // Without need for the time a request need not carry it.
        time: bundle.axes.iter().flatten().any(|events| events.times.is_some())
            || lists.iter().any(listed_times)
            || values.into_iter().any(reads_time),
        lists,
        serving: true,
        ..Task::default()
    }
}

/// Opens the file as the source is written. Where the spec names the columns of files without a header, a header is read
/// if there is one all the same.
fn with_header(file: &SourceFile, source: &SourcePlan, names: &[(String, Span)]) -> Result<(Dialect, Header), Failure> {
    let format = source.dialect.format.filter(|_| !names_format(file));
    let dialect = Dialect { format, partition: None, ..source.dialect.clone() };
    if dialect.columns.is_some() {
        let dialect = Dialect { columns: None, ..dialect.clone() };
        if let Ok(header) = header(file, &dialect)
            && names.iter().any(|(name, _)| header.names.contains(name))
        {
            return Ok((dialect, header));
        }
    }
    let header = header(file, &dialect)?;
    Ok((dialect, header))
}

struct FileBeingRead {
    bundle: Arc<DataBundle>,
    stream: Stream,
    dialect: Dialect,
    file: SourceFile,
    binding: Binding,
    lists: Vec<Binding>,
    /// Among the columns read.
    kept: Vec<usize>,
}

impl FileBeingRead {
    fn run(&self, batch_size: usize, send: &mut dyn FnMut(Result<Raw, Diagnostic>) -> bool) -> Result<(), Diagnostic> {
        let plan = &self.bundle.plan;
        let place = self.stream.sources[0];
        let source = &plan.sources[place];
        let failed = |what: Failure| failure(source, &self.file, &what);
        let mut codebooks = self.bundle.fitted.codebooks.clone();
        let mut reader = Reader::open(&self.file, &self.dialect, &self.binding.own).map_err(failed)?;
        let mut chunk = Chunk::new(self.binding.own.len());
        let reading = Reading {
            plan,
            task: &self.stream.task,
            place,
            source,
            binding: self.binding.clone(),
            lists: self.lists.clone(),
            joined: &self.bundle.joined,
            part: None,
        };
        while reader.read(&mut chunk).map_err(failed)? {
            let mut rows = Rows::new(plan, &self.stream.task, None);
            let mut wrong = reading.add(&mut chunk, &mut rows, &mut codebooks, &mut Counts::default());
            wrong.extend(chunk.broken.drain(..).map(|(line, what)| (line, super::rows::Wrong::Broken(what))));
            if let Some((line, wrong)) = wrong.iter().min_by_key(|(line, _)| *line) {
                let mut finding = finding(plan, source, &format!("{}:{line}", self.file.name), wrong);
                finding.help = vec!["every row gets a score, so none is left out".into()];
                return Err(finding);
            }
            let samples = self.samples(rows)?;
            let count = chunk.rows.len() as u32;
            for start in (0..count).step_by(batch_size) {
                let places: Vec<u32> = (start..count.min(start.saturating_add(batch_size as u32))).collect();
                let batch = build(&self.bundle, &samples, &places, Part::Test).map_err(damaged)?;
                let text = |&column: &usize| {
                    let texts = &chunk.columns[column];
                    places.iter().map(|&row| texts.get(row as usize).map(str::to_string)).collect()
                };
                if !send(Ok(Raw { batch, kept: self.kept.iter().map(text).collect() })) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The rows of a chunk as samples, what they see of stored events included.
    fn samples(&self, rows: Rows) -> Result<Samples, Diagnostic> {
        let (plan, task) = (&self.bundle.plan, &self.stream.task);
        let broken = |_| damaged(super::batch::Damaged);
        let table = rows.finish().map_err(broken)?;
        let see = |axis: usize, row: usize| {
            let key = key_of(plan, task, axis).and_then(|slot| table.keys.get(slot)?.get(row).copied());
            let Some((key, events)) = key.zip(self.bundle.axes[axis].as_ref()) else { return (0, 0) };
            let times = events.times.as_ref().filter(|_| !table.times.is_empty());
            let sight = sight(plan, &plan.axes[axis], times.is_some(), true);
            let time_of = |event: usize| times.and_then(|times| times.get(event)).copied().unwrap_or(f64::NAN);
            view(&events.starts, key, times.map(|_| table.times[row]), 0, sight, time_of, |_| 0)
        };
        let all: Vec<u32> = (0..table.rows.len() as u32).collect();
        let count = all.len();
        let encoding = Encoding { plan, fitted: &self.bundle.fitted, renumbering: &Vec::new() };
        let order = Order { rows: &all, bounds: [0, 0, 0, count], weights: None };
        let mut builder = Builder::memory();
        write_samples(encoding, &self.stream, &table, &order, &see, &mut builder).map_err(broken)?;
        let container = builder.finish("").map_err(broken)?;
        Samples::read(plan, &container, false).ok_or_else(|| damaged(super::batch::Damaged))
    }
}

fn key_of(plan: &Plan, task: &Task, axis: usize) -> Option<usize> {
    let Origin::Events { by, .. } = &plan.axes[axis].origin else { return None };
    task.keys.iter().position(|key| *key == by.name)
}
