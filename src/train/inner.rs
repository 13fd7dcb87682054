//! Values of other runs: frozen, computed by that run's own data section from rows of ours.

use std::path::Path;

use super::engine::Backend;
use super::evaluate;
use super::open::open;
use super::predict::{BATCH, Predictor};
use super::run_dir::{BEST, FROZEN, LAST, RunDir, SPEC};
use crate::data::{DataBundle, Dataset, RawBatches, rows_beside, rows_of_samples, train_rows};
use crate::diag::{Diagnostic, Diags, Sources};
use crate::exec::feed::{Column, Feed};
use crate::ir::graph::Graph;
use crate::ir::input::InputSource;
use crate::syntax::spec::{Named, Part, RunSpec, Spec};

/// A value of another run.
#[derive(Debug)]
pub(super) struct Inner {
    run: Named<RunSpec>,
    predictor: Predictor,
}

/// The entries of `runs:` that some graphs read.
pub(super) fn runs<'a>(spec: &'a Spec, graphs: &[&Graph]) -> Vec<&'a Named<RunSpec>> {
    let reads = |graph: &&Graph, name: &str| {
        graph.inputs().any(|(_, input)| matches!(&input.source, InputSource::Run { run, .. } if run == name))
    };
    spec.runs.iter().filter(|run| graphs.iter().any(|graph| reads(graph, &run.name.name))).collect()
}

/// Where a run directory keeps what it needs of another run.
pub(super) fn kept_in(run: &Named<RunSpec>) -> String {
    format!("{FROZEN}/{}", run.name.name)
}

/// The files of a run that its values are computed from.
pub(super) const KEPT: [&str; 5] = ["run.json", SPEC, "data.bin", BEST, LAST];

impl Inner {
    /// Opens the run that an entry names, from `base`.
    pub(super) fn open(run: &Named<RunSpec>, base: &Path, backend: &Backend) -> Result<Self, Diagnostic> {
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let trained = open(&base.join(&run.value.run.value), &mut sources, &mut diags);
        let predictor = trained.and_then(|trained| trained.value(&run.value.value.name, backend, &mut diags));
        match predictor {
            Some(predictor) => Ok(Self { run: run.clone(), predictor }),
            None => Err(failed(run, &diags)),
        }
    }

    /// Opens every run that a graph reads.
    pub(super) fn all(spec: &Spec, graph: &Graph, base: &Path, backend: &Backend) -> Result<Vec<Self>, Diagnostic> {
        runs(spec, &[graph]).into_iter().map(|run| Self::open(run, base, backend)).collect()
    }

    /// The values of all of them for the rows of a file that is written as samples of `other` are.
    pub(super) fn streams<'a>(
        all: &'a mut [Self],
        other: &DataBundle,
        path: &Path,
    ) -> Result<Vec<Stream<'a>>, Diagnostic> {
        all.iter_mut().map(|inner| inner.of_file(other, path)).collect()
    }

    /// The name under which graphs read it.
    pub(super) fn name(&self) -> &str {
        &self.run.name.name
    }

    /// How wide it is.
    pub(super) fn width(&self) -> usize {
        self.predictor.width()
    }

    /// The values of all rows of the source of a data set's samples, by number of the row; NaN where a row has none.
    pub(super) fn of_samples(&mut self, dataset: &Dataset, base: &Path) -> Result<Vec<f32>, Diagnostic> {
        let (width, mut numbers) = (self.width(), Vec::new());
        let mut diags = Diags::default();
        let Some(batches) = rows_of_samples(self.predictor.bundle(), dataset, base, BATCH, &mut diags) else {
            return Err(failed(&self.run, &diags));
        };
        for raw in batches {
            let raw = raw.map_err(|finding| broken(&self.run, finding))?;
            let values = self.predictor.values(&raw.batch.feed).map_err(|finding| broken(&self.run, finding))?;
            for (&row, values) in raw.batch.feed.ids.iter().zip(values.chunks_exact(width.max(1))) {
                let start = row as usize * width;
                numbers.resize(numbers.len().max(start), f32::NAN);
                numbers.extend_from_slice(values);
            }
        }
        Ok(numbers)
    }

    fn of_file(&mut self, other: &DataBundle, path: &Path) -> Result<Stream<'_>, Diagnostic> {
        let mut diags = Diags::default();
        match rows_beside(self.predictor.bundle(), other, path, BATCH, &mut diags) {
            Some(batches) => Ok(Stream { inner: self, batches, ready: Vec::new() }),
            None => Err(failed(&self.run, &diags)),
        }
    }
}

/// Puts values of a file's rows beside the other columns of a batch: those of the next rows, or, where samples are lists,
/// those of the elements' places in the file.
pub(super) fn fill(streams: &mut [Stream], feed: &mut Feed, elements: Option<&[u32]>) -> Result<(), Diagnostic> {
    for stream in streams {
        let values = match elements {
            Some(places) => stream.at(places)?,
            None => stream.take(feed.samples)?,
        };
        feed.columns.insert(stream.inner.name().to_owned(), Column::F32(values));
    }
    Ok(())
}

/// The values of the rows of a file.
pub(super) struct Stream<'a> {
    inner: &'a mut Inner,
    batches: RawBatches,
    /// Values of rows that nobody has taken yet.
    ready: Vec<f32>,
}

impl Stream<'_> {
    /// Those of the next so many rows.
    fn take(&mut self, rows: usize) -> Result<Vec<f32>, Diagnostic> {
        let count = rows * self.inner.width();
        self.read(count)?;
        Ok(self.ready.drain(..count).collect())
    }

    /// Those of rows anywhere in the file: a list's need not stand together, so all that are read stay.
    fn at(&mut self, places: &[u32]) -> Result<Vec<f32>, Diagnostic> {
        let width = self.inner.width();
        self.read(places.iter().max().map_or(0, |&most| (most as usize + 1) * width))?;
        let of = |&place: &u32| self.ready.get(place as usize * width..(place as usize + 1) * width);
        Ok(places.iter().filter_map(of).flatten().copied().collect())
    }

    /// Reads on until so many numbers are ready.
    fn read(&mut self, count: usize) -> Result<(), Diagnostic> {
        while self.ready.len() < count {
            let run = &self.inner.run;
            let ended = || Diagnostic::new("E0503", "the file became shorter while it was read");
            let raw = self.batches.next().unwrap_or_else(|| Err(ended())).map_err(|finding| broken(run, finding))?;
            let values = self.inner.predictor.values(&raw.batch.feed);
            self.ready.extend(values.map_err(|finding| broken(&self.inner.run, finding))?);
        }
        Ok(())
    }
}

/// A warning if the other run was trained on rows of this one. Of rows that both train on, it says better things than it
/// will say of new ones; of rows that this one is measured on, it knows the labels.
pub(super) fn same_rows(run: &Named<RunSpec>, base: &Path, files: &[String], dataset: &Dataset) -> Option<Diagnostic> {
    let path = base.join(&run.value.run.value);
    let about = RunDir::open(&path).and_then(|dir| dir.about()).ok()?;
    if about.files != files {
        return None;
    }
    let title = format!("`{}` was trained on rows that this run reads", run.value.run.value);
    let finding = Diagnostic::new("W0602", title).at(run.value.run.span, "");
    let help = "train that run on earlier rows, or on other users";
    let Some(mut theirs) = train_rows(&path) else {
        let why = "its samples are not kept, so rows were not compared one by one; the files are the same";
        return Some(finding.note(why).help(help));
    };
    theirs.sort_unstable();
    let name = &run.name.name;
    let mut told = Vec::new();
    for (part, why) in [
        (
            Part::Train,
            format!("`{name}` is surer of them than it will be of new ones, and this run learns to trust it"),
        ),
        (Part::Valid, format!("`{name}` knows their labels, so what is measured on them is too good")),
        (Part::Test, format!("`{name}` knows their labels, so what is measured on them is too good")),
    ] {
        let own = dataset.rows(part);
        let both = own.iter().filter(|row| theirs.binary_search(row).is_ok()).count();
        if both > 0 {
            told.push(format!("{both} of the {} rows in {}: {why}", own.len(), evaluate::name(part)));
        }
    }
    (!told.is_empty()).then(|| told.into_iter().fold(finding, Diagnostic::note).help(help))
}

/// Findings of another run's files. Their places are in that run's spec, so they are told without.
fn failed(run: &Named<RunSpec>, diags: &Diags) -> Diagnostic {
    let told = diags.list().iter().map(|finding| format!("{}: {}", finding.code, finding.title));
    told.fold(cannot(run), Diagnostic::note)
}

fn broken(run: &Named<RunSpec>, finding: Diagnostic) -> Diagnostic {
    let told = cannot(run).note(format!("{}: {}", finding.code, finding.title));
    finding.notes.into_iter().fold(told, Diagnostic::note)
}

fn cannot(run: &Named<RunSpec>) -> Diagnostic {
    let RunSpec { run: dir, value, .. } = &run.value;
    let title = format!("`{}`, value `{}` of `{}`, cannot be computed", run.name.name, value.name, dir.value);
    Diagnostic::new("E0624", title).at(dir.span, "")
}
