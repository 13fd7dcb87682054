//! Rows of one data section as another one reads them: what values of other runs are computed from. Both have a sample
//! per row.

use std::path::Path;
use std::sync::Arc;

use super::{Files, RawBatches, start};
use crate::data::bundle::DataBundle;
use crate::data::dataset::Dataset;
use crate::data::files::find_all;
use crate::data::findings::failure;
use crate::data::source::header;
use crate::diag::Diags;

/// As [`super::predict_rows`], of a file that is written as the samples of another data section are.
pub fn rows_beside(
    bundle: &Arc<DataBundle>,
    other: &DataBundle,
    path: &Path,
    batch_size: usize,
    diags: &mut Diags,
) -> Option<RawBatches> {
    let files = Files::request(other, path, &[], diags)?;
    start(bundle, files, batch_size, &[], diags)
}

/// The rows of all files that the samples of a data set are rows of. The ids of a batch are the numbers of its rows in
/// that source. Rows that are broken are left out.
pub fn rows_of_samples(
    bundle: &Arc<DataBundle>,
    dataset: &Dataset,
    base: &Path,
    batch_size: usize,
    diags: &mut Diags,
) -> Option<RawBatches> {
    let plan = &dataset.bundle().plan;
    let found = find_all(plan, base, diags);
    let files: Vec<_> = plan.samples.sources.iter().filter_map(|&place| found.get(place)).flatten().cloned().collect();
    // A source per part is written like the others: rows are numbered through them.
    let source = plan.samples.sources.first().and_then(|&place| plan.sources.get(place))?;
    let first = files.first()?;
    let header = header(first, &source.dialect);
    let header = header.map_err(|what| diags.push(failure(source, first, &what))).ok()?;
    start(bundle, Files { dialect: source.dialect.clone(), header, skip_broken: true, files }, batch_size, &[], diags)
}
