//! Data on MovieLens-small: histories, the floor of means, the cache.

use std::collections::BTreeMap;
use std::path::Path;

use specrec::data::{Batch, CacheDir, Dataset, Options, Order, Want, open};
use specrec::diag::{Diags, Sources};
use specrec::exec::feed::Column;
use specrec::ir::input::InputSource;
use specrec::syntax::spec::{Part, Spec};

fn din_spec() -> Spec {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/din.yaml");
    let spec = specrec::syntax::load(&path, &[], &mut sources, &mut diags);
    assert!(!diags.has_errors(), "{:?}", diags.list());
    spec.unwrap()
}

fn feature(axis: Option<&str>, feature: &str) -> Want {
    let name = axis.map_or(feature.to_string(), |axis| format!("{axis}.{feature}"));
    Want { name, source: InputSource::Feature { axis: axis.map(str::to_string), feature: feature.into() } }
}

fn wants() -> Vec<Want> {
    vec![
        feature(None, "movie"),
        feature(None, "genres"),
        feature(Some("history"), "movie"),
        feature(Some("history"), "genres"),
        Want { name: "liked".into(), source: InputSource::Label { axis: None, label: "liked".into() } },
        Want { name: "rating".into(), source: InputSource::Outcome { axis: None, column: "rating".into() } },
    ]
}

fn din(cache: CacheDir) -> Dataset {
    let mut diags = Diags::default();
    let dataset = open(&din_spec(), &wants(), &Options { cache }, &mut diags);
    assert!(!diags.has_errors(), "{:?}", diags.list());
    dataset.unwrap()
}

fn all(dataset: &Dataset, part: Part) -> Batch {
    dataset.first(part, usize::MAX).unwrap()
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

#[test]
fn parts_are_those_of_the_floor() {
    let dataset = din(CacheDir::Off);
    assert_eq!([Part::Train, Part::Valid, Part::Test].map(|part| dataset.len(part)), [80_003, 10_000, 10_001]);
    eprintln!("{}", dataset.report());
}
