//! Raw rows to batches, from what a run keeps: one sample per row, in the order of the file, or per user.

mod beside;
mod rows;
mod task;
mod whole;

pub use beside::{rows_beside, rows_of_samples};

use std::path::Path;
use std::sync::Arc;

use super::batch::Batch;
use super::bind::{Binding, Known, bind};
use super::bundle::DataBundle;
use super::feeder::Ahead;
use super::findings::{failure, finding, no_column};
use super::load::{Stream, bind_elements};
use super::plan::{SourcePlan, Unit};
use super::rows::{Codebooks, Counts, Reading, Rows, Wrong};
use super::source::{Chunk, Dialect, Failure, Header, Reader, SourceFile, header, names_format};
use crate::diag::{Diagnostic, Diags, Span};

/// Some samples of a file.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    /// One sample per row, or per user or list in order of first appearance.
    pub batch: Batch,
    /// The columns asked for, by column, then by sample; none where the text is missing. Of a user, those of the newest row.
    /// Of a list, those of every element.
    pub kept: Vec<Vec<Option<String>>>,
    /// Where samples are lists: their axis, and the place of every element among the rows of the file, in the order of the
    /// batch.
    pub elements: Option<(String, Vec<u32>)>,
}

/// Batches of the rows of a file.
pub type RawBatches = Ahead<Raw>;

/// Takes what has been made, or an error that ends it; false once nobody listens.
type Send<'a> = &'a mut dyn FnMut(Result<Raw, Diagnostic>) -> bool;

/// Reads the rows of a file in the format of the samples' source; labels may be absent. `keep` are columns whose texts
/// come along. A broken row ends it with an error that says where. None, with findings, if the file lacks a column.
///
/// Where samples are per user, the rows of a user are its past: one sample per user, which sees all of them, and whose own
/// row is not known.
pub fn predict_rows(
    bundle: &Arc<DataBundle>,
    path: &Path,
    batch_size: usize,
    keep: &[String],
    diags: &mut Diags,
) -> Option<RawBatches> {
    let files = Files::request(bundle, path, keep, diags)?;
    start(bundle, files, batch_size, keep, diags)
}

/// Files to be read one after the other, rows numbered through them.
struct Files {
    files: Vec<SourceFile>,
    dialect: Dialect,
    /// Of the first.
    header: Header,
    /// Whether rows that are broken are left out.
    skip_broken: bool,
}

impl Files {
    /// One file, written as the samples of a bundle are.
    fn request(bundle: &DataBundle, path: &Path, keep: &[String], diags: &mut Diags) -> Option<Files> {
        let plan = &bundle.plan;
        let file = SourceFile { path: path.to_path_buf(), name: path.display().to_string() };
        let place = *plan.samples.sources.first()?;
        let source = &plan.sources[place];
        if !path.is_file() {
            diags.push(match path.exists() {
                true => Diagnostic::new("E0501", format!("`{}` is no plain file", file.name))
                    .help("its beginning is read twice, which a pipe does not allow: write the rows into a file first"),
                false => Diagnostic::new("E0501", format!("there is no file `{}`", file.name)),
            });
            return None;
        }
        let mut names = task::of(bundle).names(plan, place);
        names.extend(keep.iter().map(|name| (name.clone(), source.span)));
        let opened = with_header(&file, source, &names);
        let (dialect, header) = opened.map_err(|what| diags.push(failure(source, &file, &what))).ok()?;
        Some(Files { files: vec![file], dialect, header, skip_broken: false })
    }
}

/// Binds the columns of files and starts to read them.
fn start(
    bundle: &Arc<DataBundle>,
    of: Files,
    batch_size: usize,
    keep: &[String],
    diags: &mut Diags,
) -> Option<RawBatches> {
    let plan = &bundle.plan;
    let place = *plan.samples.sources.first()?;
    let source = &plan.sources[place];
    let Files { files, dialect, header, skip_broken } = of;
    let file_name = files.first().map_or("", |file| file.name.as_str());
    let task = task::of(bundle);
    let mut names = task.names(plan, place);
    names.extend(keep.iter().map(|name| (name.clone(), source.span)));

    let joinable: Vec<Vec<String>> = bundle.joined.iter().map(|joined| joined.names.clone()).collect();
    let mut needed = joinable.clone();
    let known = Known { own: &header.names, open: header.open, joined: &joinable };
    let (binding, missing) = bind(plan, &names, &known, &mut needed);
    let before = diags.list().len();
    for (name, span) in missing {
        diags.push(no_column(&name, span, file_name, known.all()));
    }
    let kept: Vec<Option<usize>> = keep.iter().map(|name| binding.own.iter().position(|own| own == name)).collect();
    // What is kept is copied from the rows, so a column that only a join finds is none.
    let elsewhere = |name: &String| binding.names.iter().any(|(known, _)| known == name);
    for (name, _) in keep.iter().zip(&kept).filter(|(name, at)| at.is_none() && elsewhere(name)) {
        diags.push(no_column(name, source.span, file_name, header.names.iter().map(String::as_str)));
    }
    let lists = task.lists.iter().map(|&axis| bind_elements(plan, axis, &joinable, &mut needed, diags)).collect();
    if diags.list().len() > before {
        return None;
    }
    let being_read = BeingRead {
        bundle: bundle.clone(),
        stream: Stream { sources: vec![place], task },
        dialect,
        files,
        skip_broken,
        binding,
        lists,
        kept: kept.into_iter().flatten().collect(),
    };
    let size = batch_size.max(1);
    Some(Ahead::of(move |send| {
        let done = match being_read.bundle.plan.samples.unit {
            Unit::Row => rows::run(&being_read, size, send),
            Unit::User { .. } | Unit::List { .. } => whole::run(&being_read, size, send),
        };
        if let Err(finding) = done {
            send(Err(finding));
        }
    }))
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

struct BeingRead {
    bundle: Arc<DataBundle>,
    stream: Stream,
    dialect: Dialect,
    files: Vec<SourceFile>,
    skip_broken: bool,
    binding: Binding,
    lists: Vec<Binding>,
    /// Among the columns read.
    kept: Vec<usize>,
}

impl BeingRead {
    fn open(&self) -> Opened<'_> {
        let plan = &self.bundle.plan;
        let place = self.stream.sources[0];
        let source = &plan.sources[place];
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
        Opened { of: self, left: self.files.iter(), open: None, reading, chunk: Chunk::new(self.binding.own.len()) }
    }
}

/// The unread rows of the files.
struct Opened<'a> {
    of: &'a BeingRead,
    left: std::slice::Iter<'a, SourceFile>,
    open: Option<(&'a SourceFile, Reader)>,
    reading: Reading<'a>,
    /// The rows added last.
    chunk: Chunk,
}

impl Opened<'_> {
    /// Adds the rows of the next chunk; false at the end of the last file.
    fn add(&mut self, rows: &mut Rows, codebooks: &mut Codebooks) -> Result<bool, Diagnostic> {
        let (plan, source) = (self.reading.plan, self.reading.source);
        let file = loop {
            if let Some((file, reader)) = &mut self.open
                && reader.read(&mut self.chunk).map_err(|what| failure(source, file, &what))?
            {
                break *file;
            }
            let Some(file) = self.left.next() else { return Ok(false) };
            let reader = Reader::open(file, &self.of.dialect, &self.of.binding.own);
            self.open = Some((file, reader.map_err(|what| failure(source, file, &what))?));
        };
        let mut wrong = self.reading.add(&mut self.chunk, rows, codebooks, &mut Counts::default());
        wrong.extend(self.chunk.broken.drain(..).map(|(line, what)| (line, Wrong::Broken(what))));
        let first = wrong.iter().min_by_key(|(line, _)| *line).filter(|_| !self.of.skip_broken);
        let Some((line, wrong)) = first else { return Ok(true) };
        let mut finding = finding(plan, source, &format!("{}:{line}", file.name), wrong);
        finding.help = vec!["every row gets a score, so none is left out".into()];
        Err(finding)
    }

    /// Whether every row of the last chunk says whose it is.
    fn need_key(&self) -> Result<(), Diagnostic> {
        let Some(by) = self.reading.plan.samples.unit.by() else { return Ok(()) };
        // A key that a join gives is looked for by everyone alike.
        let Some(at) = self.reading.binding.own.iter().position(|own| *own == by.name) else { return Ok(()) };
        let missing = (0..self.chunk.rows.len()).find(|&row| self.chunk.columns[at].get(row).is_none());
        let Some(row) = missing else { return Ok(()) };
        let wrong = Wrong::Broken(format!("expected something in column `{}`, found nothing", by.name));
        let file = self.open.as_ref().map_or("", |(file, _)| file.name.as_str());
        let place = format!("{file}:{}", self.chunk.lines[row]);
        Err(finding(self.reading.plan, self.reading.source, &place, &wrong))
    }
}
