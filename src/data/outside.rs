//! Values that are computed outside the data section: for every row of the samples' source some numbers, by input.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::array::Array;
use super::batch::Batch;
use super::container::{Builder, Container};
use super::store::read_array;
use crate::diag::Diagnostic;
use crate::exec::feed::Column;

/// The file in a run's directory.
const FILE: &str = "values.bin";

/// The values of an input.
#[derive(Clone, Debug)]
struct RowValues {
    about: About,
    /// By number of the row; not a number where a row has no value.
    numbers: Array<f32>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct About {
    name: String,
    /// The list of whose elements it is; none for samples.
    along: Option<String>,
    rows: usize,
    width: usize,
}

/// All such inputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside {
    values: Vec<RowValues>,
}

impl Outside {
    /// Adds an input: `width` numbers for every row.
    pub(crate) fn put(&mut self, name: &str, along: Option<&str>, width: usize, numbers: &[f32]) {
        let along = along.map(str::to_owned);
        let about = About { name: name.to_owned(), along, rows: numbers.len() / width.max(1), width };
        self.values.push(RowValues { about, numbers: Array::from_slice(numbers) });
    }

    /// Puts the values of a batch's rows beside its other columns.
    pub(crate) fn fill(&self, batch: &mut Batch) -> Result<(), Diagnostic> {
        for RowValues { about, numbers } in &self.values {
            let rows = match &about.along {
                None => batch.feed.ids.clone(),
                Some(axis) => batch.rows.get(axis).into_iter().flatten().map(|&row| u64::from(row)).collect(),
            };
            let mut column = Vec::with_capacity(rows.len() * about.width);
            for row in rows {
                let start = usize::try_from(row).unwrap_or(usize::MAX).saturating_mul(about.width);
                let found = numbers.get(start..start.saturating_add(about.width));
                let Some(found) = found.filter(|found| found.iter().all(|number| !number.is_nan())) else {
                    let title = format!("row {row} of the samples' source has no value of `{}`", about.name);
                    return Err(Diagnostic::new("E0623", title)
                        .note("the run that it is a value of could not read that row")
                        .help("`where:` of the source leaves the row out"));
                };
                column.extend_from_slice(found);
            }
            batch.feed.columns.insert(about.name.clone(), Column::F32(column));
        }
        Ok(())
    }

    /// Writes them into a run's directory; nothing if there are none.
    pub(crate) fn save(&self, dir: &Path) -> io::Result<()> {
        if self.values.is_empty() {
            return Ok(());
        }
        let mut builder = Builder::file(&dir.join(FILE))?;
        for RowValues { about, numbers } in &self.values {
            builder.write(&about.name, numbers.iter().copied())?;
        }
        let about: Vec<&About> = self.values.iter().map(|values| &values.about).collect();
        builder.finish(&serde_json::to_string(&about)?).map(|_| ())
    }

    /// What [`Outside::save`] wrote; empty where there is no file. None if it is damaged.
    pub(crate) fn load(dir: &Path) -> Option<Outside> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Some(Outside::default());
        }
        let container = Container::open(&path)?;
        let about: Vec<About> = serde_json::from_str(container.facts()).ok()?;
        let read = |about: About| {
            let count = about.rows.checked_mul(about.width)?;
            Some(RowValues { numbers: read_array(&container, &about.name, count)?, about })
        };
        Some(Outside { values: about.into_iter().map(read).collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::exec::feed::Feed;

    #[test]
    fn a_batch_gets_the_values_of_its_rows() {
        let dir = tempfile::tempdir().unwrap();
        let mut outside = Outside::default();
        outside.put("pv", None, 2, &[0.0, 0.5, 1.0, 1.5, f32::NAN, f32::NAN]);
        outside.put("of_list", Some("slate"), 1, &[7.0, 8.0, 9.0]);
        outside.save(dir.path()).unwrap();
        let outside = Outside::load(dir.path()).unwrap();
        let feed = Feed { samples: 3, ids: vec![1, 0, 1], ..Feed::default() };
        let rows = BTreeMap::from([("slate".to_owned(), vec![2, 0, 2, 1])]);
        let mut batch = Batch { feed, rows, ..Batch::default() };
        outside.fill(&mut batch).unwrap();
        assert_eq!(batch.feed.columns["pv"], Column::F32(vec![1.0, 1.5, 0.0, 0.5, 1.0, 1.5]));
        assert_eq!(batch.feed.columns["of_list"], Column::F32(vec![9.0, 7.0, 9.0, 8.0]));
        for row in [2, 3, u64::MAX] {
            batch.feed.ids = vec![0, row];
            assert_eq!(outside.fill(&mut batch).unwrap_err().code, "E0623");
        }
    }
}
