//! Data: small files written for one fact each, and MovieLens-small.

mod any;
mod broken;
mod cache;
mod draw;
mod feature;
mod history;
mod list;
mod movielens;
mod next_item;
mod predict;
mod source;
mod split;
mod vectors;
mod visit;

use std::path::{Path, PathBuf};

use specrec::data::{Batch, CacheDir, Dataset, Options, Want, open};
use specrec::diag::{Diags, Sources};
use specrec::exec::feed::Column;
use specrec::ir::input::InputSource;
use specrec::syntax::spec::{Part, Spec};

/// A directory with files and a spec over them.
struct World {
    dir: tempfile::TempDir,
    spec: String,
}

/// What every spec needs and no test here looks at.
const REST: &str = "
model: {logit: linear(1)}
losses: {click: \"bce(logit, y)\"}
outputs: {p: sigmoid(logit)}
";

impl World {
    /// Writes files; `spec` is sources, samples, features and axes.
    fn new(files: &[(&str, &str)], spec: &str) -> World {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        World { dir, spec: format!("specrec: 1\n{spec}{REST}") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn spec(&self) -> Spec {
        let (mut sources, mut diags) = (Sources::default(), Diags::default());
        let spec = specrec::syntax::load_text("spec.yaml", &self.spec, self.dir.path(), &[], &mut sources, &mut diags);
        assert!(!diags.has_errors(), "{:#?}", diags.list());
        spec.unwrap()
    }

    /// Opens the data for inputs; see [`want`].
    fn try_open(&self, wants: &[&str], cache: CacheDir) -> (Option<Dataset>, Vec<String>) {
        let mut diags = Diags::default();
        let wants: Vec<Want> = wants.iter().map(|text| want(text)).collect();
        let dataset = open(&self.spec(), &wants, &Options { cache }, &mut diags);
        let findings = diags.list().iter().map(|finding| {
            let more = finding.notes.iter().chain(&finding.help);
            let all: Vec<&str> = std::iter::once(&finding.title).chain(more).map(String::as_str).collect();
            format!("{}: {}", finding.code, all.join("; "))
        });
        (dataset, findings.collect())
    }

    fn open(&self, wants: &[&str]) -> Dataset {
        let (dataset, findings) = self.try_open(wants, CacheDir::Off);
        dataset.unwrap_or_else(|| panic!("{findings:#?}"))
    }

    /// All samples of a part.
    fn batch(&self, wants: &[&str], part: Part) -> Batch {
        self.open(wants).first(part, usize::MAX).unwrap()
    }

    /// What is found, without places.
    fn findings(&self, wants: &[&str]) -> Vec<String> {
        self.try_open(wants, CacheDir::Off).1
    }
}

/// `movie`, `history.movie`, `target movie`, `label y`, `outcome rating`, `weight`.
fn want(text: &str) -> Want {
    let source = match text.split_once(' ') {
        Some(("label", label)) => InputSource::Label { axis: None, label: label.into() },
        Some(("positives", label)) => InputSource::Positives { axis: "slate".into(), label: label.into() },
        Some(("slate_label", label)) => InputSource::Label { axis: Some("slate".into()), label: label.into() },
        Some(("slate_outcome", column)) => InputSource::Outcome { axis: Some("slate".into()), column: column.into() },
        Some(("target", feature)) => InputSource::Target { feature: feature.into() },
        Some(("log_q", axis)) => InputSource::LogQ { axis: axis.into() },
        Some(("outcome", column)) => InputSource::Outcome { axis: None, column: column.into() },
        _ if text == "weight" => InputSource::Weight,
        _ => match text.rsplit_once('.') {
            Some((axis, feature)) => {
                InputSource::Feature { axis: Some(axis.into()), feature: feature.into(), of_item: false }
            }
            None => InputSource::plain(text),
        },
    };
    Want { name: text.split(' ').next_back().unwrap_or(text).into(), source }
}

fn numbers<'a>(batch: &'a Batch, name: &str) -> &'a [f32] {
    match &batch.feed.columns[name] {
        Column::F32(values) => values,
        Column::U32(_) => panic!("{name} holds ids"),
    }
}

fn ids<'a>(batch: &'a Batch, name: &str) -> &'a [u32] {
    match &batch.feed.columns[name] {
        Column::U32(values) => values,
        Column::F32(_) => panic!("{name} holds numbers"),
    }
}

/// The ids of each row of an axis.
fn rows<'a>(batch: &'a Batch, axis: &str, name: &str) -> Vec<&'a [u32]> {
    let offsets = &batch.feed.offsets[axis];
    offsets.windows(2).map(|pair| &ids(batch, name)[pair[0] as usize..pair[1] as usize]).collect()
}

fn din() -> Spec {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/din.yaml");
    let spec = specrec::syntax::load(&path, &[], &mut sources, &mut diags);
    assert!(!diags.has_errors(), "{:?}", diags.list());
    spec.unwrap()
}
