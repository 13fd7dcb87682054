//! The data of a spec, ready for batches: read and fitted, or opened from the cache.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::batch::{Batch, Damaged};
use super::bundle::{DataBundle, Facts};
use super::cache::{CacheDir, file_name};
use super::container::{Builder, Container};
use super::encode::{Encoding, Order as Rows, kept, write_events, write_samples};
use super::feeder::{Batches, Request, damaged, start};
use super::files::find_all;
use super::fit::fit;
use super::load::load;
use super::order::Order;
use super::outside::Outside;
use super::plan::{Origin, Plan, build};
use super::report::Report;
use super::rows::Codebook;
use super::samples::Samples;
use super::source::SourceFile;
use super::split::split;
use super::survey::survey;
use super::views::{Train, too_long, views};
use super::{Want, findings, proposal};
use crate::diag::{Diagnostic, Diags};
use crate::syntax::spec::{Part, Spec};

/// The samples in a run's directory.
const SAMPLES: &str = "samples.bin";

/// How data is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where the column cache is.
    pub cache: CacheDir,
}

/// Samples by part, and everything fitted on the train part.
#[derive(Clone, Debug)]
pub struct Dataset {
    bundle: Arc<DataBundle>,
    samples: Arc<Samples>,
    outside: Arc<Outside>,
}

/// Reads the files of a spec and fits them, or opens the cache of an earlier run over the same files. None, with
/// findings, if something is wrong with the data; warnings are findings too.
pub fn open(spec: &Spec, wants: &[Want], options: &Options, diags: &mut Diags) -> Option<Dataset> {
    // Findings of its own: an error that someone else found must not pass for one of the data.
    let mut own = Diags::default();
    let dataset = open_own(spec, wants, options, &mut own);
    let dataset = dataset.filter(|_| !own.has_errors());
    if let Some(dataset) = &dataset {
        dataset.report().warn(&mut own);
    }
    diags.extend(own);
    dataset
}

fn open_own(spec: &Spec, wants: &[Want], options: &Options, diags: &mut Diags) -> Option<Dataset> {
    let plan = build(spec, wants, diags)?;
    let files = find_all(&plan, &spec.base, diags);
    if diags.has_errors() {
        return None;
    }
    let path = options.cache.path().map(|dir| dir.join(file_name(&plan, &files)));
    if let Some(dataset) =
        path.as_ref().and_then(|path| Container::open(path)).and_then(|found| Dataset::read(plan.clone(), found))
    {
        return Some(dataset);
    }
    let mut container = None;
    if let Some(path) = path {
        match read(&plan, &files, Some(&path), diags) {
            Ok(found) => container = Some(found?),
            Err(error) => {
                let title = format!("the column cache cannot be written: {error}");
                let help = "the data is kept in memory; `SPECREC_CACHE` names another directory";
                diags.push(Diagnostic::new("W0502", title).help(help));
            }
        }
    }
    let container = match container {
        Some(container) => container,
        None => match read(&plan, &files, None, diags) {
            Ok(found) => found?,
            Err(error) => {
                diags.push(Diagnostic::new("E0503", format!("the data cannot be read: {error}")));
                return None;
            }
        },
    };
    let dataset = Dataset::read(plan, container);
    if dataset.is_none() {
        diags.push(damaged(Damaged));
    }
    dataset
}

/// Both passes over the files, into a file or into memory. An error is one of the disk that takes the cache.
fn read(
    plan: &Plan,
    files: &[Vec<SourceFile>],
    path: Option<&Path>,
    diags: &mut Diags,
) -> io::Result<Option<Container>> {
    let dir = path.and_then(Path::parent);
    if let Some(dir) = dir {
        std::fs::create_dir_all(dir)?;
    }
    let mut builder = match path {
        Some(path) => Builder::file(path)?,
        None => Builder::memory(),
    };
    let Some(mut loaded) = load(plan, files, dir, diags)? else { return Ok(None) };
    let parted = split(plan, &loaded.streams[0].task, &loaded.tables[0], diags);
    if diags.has_errors() {
        return Ok(None);
    }
    let train = Train::of(plan, &loaded, &parted);
    let views = views(plan, &loaded, &parted);
    too_long(plan, &loaded, &views, diags);
    if diags.has_errors() {
        return Ok(None);
    }
    let (fitted, renumbering) = fit(plan, &mut loaded, &train, &views)?;
    let (rows, bounds) = kept(&parted, &train);
    let report = survey(plan, &loaded, &parted, &views, (&fitted, &renumbering), &rows, bounds);
    findings::labels(plan, &report, diags);
    if diags.has_errors() {
        return Ok(None);
    }

    fitted.write(plan, &mut builder)?;
    let mut facts = Facts { report, ..Facts::default() };
    for (source, joined) in plan.sources.iter().zip(&loaded.joined).filter(|(_, joined)| joined.is_read) {
        joined.write(&format!("joined/{}", source.name), &mut builder)?;
        facts.joined.insert(source.name.clone(), joined.names.clone());
    }
    let encoding = Encoding { plan, fitted: &fitted, renumbering: &renumbering };
    for draw in &plan.draws {
        proposal::write(encoding, draw, (&loaded, &train), &mut builder, diags)?;
    }
    if diags.has_errors() {
        return Ok(None);
    }
    for views in &views {
        let (task, table) = (&loaded.streams[views.stream].task, &loaded.tables[views.stream]);
        write_events(encoding, task, table, views.axis, &views.events, &mut builder)?;
    }
    let table = &loaded.tables[0];
    let weight = |row: usize| match &plan.samples.downsample {
        Some(downsample) if train.samples[row] && table.drawn[row] != 0 => (1.0 / downsample.keep) as f32,
        _ => 1.0,
    };
    let weights = plan.samples.downsample.is_some().then_some(&weight as &dyn Fn(usize) -> f32);
    let see = |axis: usize, row: usize| {
        let of = views.iter().find(|views| views.axis == axis);
        of.map_or((0, 0, 0), |views| {
            (views.starts[row], views.counts[row], views.whole.get(row).copied().unwrap_or(views.counts[row]))
        })
    };
    write_samples(encoding, &loaded.streams[0], table, &Rows { rows: &rows, bounds, weights }, &see, &mut builder)?;
    builder.finish(&serde_json::to_string(&facts)?).map(Some)
}

impl Dataset {
    fn read(plan: Plan, container: Container) -> Option<Dataset> {
        let samples = Samples::read(&plan, &container, true)?;
        let bundle = DataBundle::read(plan, container)?;
        Some(Dataset { bundle: Arc::new(bundle), samples: Arc::new(samples), outside: Arc::default() })
    }

    /// What it knows beside single samples.
    pub(crate) fn bundle(&self) -> &Arc<DataBundle> {
        &self.bundle
    }

    /// The samples of all parts.
    pub(super) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Numbers of the rows of a part in the samples' source; of lists, those of every element.
    pub fn rows(&self, part: Part) -> Vec<u32> {
        let places = self.samples.range(part);
        let list = self.bundle.plan.axes.iter().position(|axis| matches!(axis.origin, Origin::List { .. }));
        let elements = list.and_then(|at| {
            let rows = self.bundle.axes.get(at)?.as_ref()?.rows.as_ref()?;
            let (starts, counts) = self.samples.views.get(at)?.as_ref()?;
            Some((rows, starts, counts))
        });
        let Some((rows, starts, counts)) = elements else {
            return self.samples.rows.get(places).unwrap_or_default().to_vec();
        };
        let of_list = |place: usize| {
            let start = starts.get(place).map_or(0, |start| *start as usize);
            let count = counts.get(place).map_or(0, |count| *count as usize);
            rows.get(start..start + count).unwrap_or_default()
        };
        places.flat_map(of_list).copied().collect()
    }

    /// Adds the values of an input that are computed elsewhere: `width` numbers for every row of the samples' source, in
    /// its order, NaN where a row has none. The input is of the sample, or of each element of a list.
    pub fn put(&mut self, name: &str, along: Option<&str>, width: usize, numbers: &[f32]) {
        Arc::make_mut(&mut self.outside).put(name, along, width, numbers);
    }

    /// What reading found.
    pub fn report(&self) -> &Report {
        &self.bundle.facts.report
    }

    /// Rows of a table, the unknown row 0 included, by the name of the table or of a feature with a table of its own.
    pub fn rows_of(&self, table: &str) -> Option<u32> {
        self.bundle.rows_of(table)
    }

    /// The files that samples are rows of, each told by its size and a hash of its two ends; a file that is not there is
    /// left out.
    pub fn files(&self, base: &Path) -> Vec<String> {
        let plan = &self.bundle.plan;
        let found = find_all(plan, base, &mut Diags::default());
        let of_samples = plan.samples.sources.iter().filter_map(|&place| found.get(place)).flatten();
        of_samples.filter_map(|file| super::cache::told(&file.path).ok()).collect()
    }

    /// The ids that a table has rows of.
    pub(crate) fn codebook(&self, table: &str) -> Option<&Codebook> {
        let (_, vocabulary) = self.bundle.plan.tables.iter().find(|(name, _)| name == table)?;
        self.bundle.fitted.codebooks.vocabularies.get(*vocabulary)
    }

    /// Samples of a part.
    pub fn len(&self, part: Part) -> usize {
        self.samples.range(part).len() * self.bundle.plan.made_of_a_row() as usize
    }

    /// Whether a part has no samples.
    pub fn is_empty(&self, part: Part) -> bool {
        self.len(part) == 0
    }

    /// The batches of a part, the last one as small as it comes out. `from_batch` leaves out that many, as a run that goes
    /// on does.
    pub fn batches(&self, part: Part, batch_size: usize, order: Order, from_batch: u64) -> Batches {
        let request = Request { part, batch_size, order, from_batch };
        start(self.bundle.clone(), self.samples.clone(), self.outside.clone(), request)
    }

    /// The first samples of a part as one batch.
    pub fn first(&self, part: Part, count: usize) -> Option<Batch> {
        self.batches(part, count, Order::Sequential, 0).next()?.ok()
    }

    /// Writes what `predict` and `eval` need into a run's directory, into a file each: for one who only predicts, the
    /// samples need not be copied along.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        self.bundle.save(dir)?;
        self.outside.save(dir)?;
        self.bundle.container.link(&dir.join(SAMPLES), |name| name.starts_with("samples/"))
    }

    /// Opens what [`Dataset::save`] wrote, without the files of the spec. None, with a finding, if it is not there or
    /// belongs to another spec.
    pub fn load(dir: &Path, spec: &Spec, wants: &[Want], diags: &mut Diags) -> Option<Dataset> {
        let bundle = DataBundle::load(dir, spec, wants, diags)?;
        let samples = super::bundle::load(&dir.join(SAMPLES), bundle.plan.clone(), diags, |plan, container| {
            Samples::read(&plan, &container, true)
        })?;
        let Some(outside) = Outside::load(dir) else {
            let title = format!("the values of other runs in `{}` are damaged", dir.display());
            diags.push(Diagnostic::new("E0511", title).help("a run directory is copied as a whole"));
            return None;
        };
        let (bundle, samples, outside) = (Arc::new(bundle), Arc::new(samples), Arc::new(outside));
        Some(Dataset { bundle, samples, outside })
    }
}

/// Numbers of the rows of a run's train part in the samples' source; none if the directory does not keep its samples.
pub fn train_rows(dir: &Path) -> Option<Vec<u32>> {
    Samples::train_rows(&Container::open(&dir.join(SAMPLES))?)
}
