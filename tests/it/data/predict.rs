//! Predictions: raw rows, and what a run keeps of its data.

use std::sync::Arc;

use specrec::data::{CacheDir, DataBundle, Raw, Want, predict_rows};
use specrec::diag::{Diagnostic, Diags};
use specrec::syntax::spec::Part;

use super::movielens::{WANTS, open_din};
use super::{World, din, ids, numbers, rows, want};

fn load(dir: &std::path::Path, spec: &specrec::syntax::spec::Spec, wants: &[&str]) -> Arc<DataBundle> {
    let (mut diags, wants) = (Diags::default(), wants.iter().map(|text| want(text)).collect::<Vec<Want>>());
    Arc::new(DataBundle::load(dir, spec, &wants, &mut diags).unwrap_or_else(|| panic!("{:?}", diags.list())))
}

fn predict(bundle: &Arc<DataBundle>, path: &std::path::Path, size: usize) -> Vec<Result<Raw, Diagnostic>> {
    let mut diags = Diags::default();
    predict_rows(bundle, path, size, &[], &mut diags).unwrap_or_else(|| panic!("{:?}", diags.list())).collect()
}

#[test]
fn the_rows_of_the_data_give_the_batches_of_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = open_din(CacheDir::Off);
    dataset.save(dir.path()).unwrap();
    let bundle = load(dir.path(), &din(), &WANTS[..4]);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/movielens/ratings.csv");
    let all: Vec<Raw> = predict(&bundle, &path, 1000).into_iter().map(Result::unwrap).collect();
    let row: Vec<u64> = all.iter().flat_map(|raw| raw.batch.feed.ids.clone()).collect();
    assert!(row.iter().copied().eq(0..100_004), "one sample per row, in order");
    let items: Vec<u32> = all.iter().flat_map(|raw| ids(&raw.batch, "movie").to_vec()).collect();
    let genres: Vec<&[u32]> = all.iter().flat_map(|raw| rows(&raw.batch, "genres", "genres")).collect();
    let past: Vec<&[u32]> = all.iter().flat_map(|raw| rows(&raw.batch, "history", "history.movie")).collect();
    for part in [Part::Train, Part::Valid, Part::Test] {
        let batch = dataset.first(part, usize::MAX).unwrap();
        let (movies, bags, histories) =
            (ids(&batch, "movie"), rows(&batch, "genres", "genres"), rows(&batch, "history", "history.movie"));
        for (at, &row) in batch.feed.ids.iter().enumerate() {
            let row = row as usize;
            assert!(items[row] == movies[at] && genres[row] == bags[at] && past[row] == histories[at], "row {row}");
        }
    }
}

const SPEC: &str = "
sources: {logs: {path: logs.csv, time: t, where: y != 7}, ads: {path: ads.csv, key: item}}
samples: {from: logs, join: {ads: {column: item, missing: drop}}, labels: {y: y == 1}, outcomes: [dwell]}
features:
  item: {type: id, min_count: 1}
  price: {type: number, scale: minmax, missing: {flag: true}}
  ago: {type: number, value: sample.time - step.time}
  hour: {type: id, size: 24, serve_as: 3}
axes: {past: {from: logs, by: user, last: 2}}
";
const FEATURES: [&str; 6] = ["item", "price", "past.item", "past.price", "past.ago", "hour"];

fn world() -> World {
    let logs = "t,user,item,hour,dwell,y\n10,a,x,1,5,1\n20,a,y,2,5,0\n30,b,x,1,5,7\n40,b,y,1,5,1\n";
    World::new(&[("logs.csv", logs), ("ads.csv", "item,price\nx,10\ny,20\nz,40\n")], SPEC)
}

fn bundle(world: &World) -> Arc<DataBundle> {
    let dataset = world.open(&[&FEATURES[..], &["label y", "outcome dwell"]].concat());
    dataset.save(world.dir.path()).unwrap();
    // Nothing but the run's directory is needed from here on.
    std::fs::remove_file(world.path("logs.csv")).unwrap();
    std::fs::remove_file(world.path("ads.csv")).unwrap();
    load(world.dir.path(), &world.spec(), &FEATURES)
}

#[test]
fn rows_need_no_label_and_every_row_gives_one_sample() {
    let world = world();
    let bundle = bundle(&world);
    let rows_csv = "user,t,hour,item\na,25,9,z\nb,100,9,x\nc,100,9,q\na,15,9,x\n";
    std::fs::write(world.path("rows.csv"), rows_csv).unwrap();
    let mut diags = Diags::default();
    let keep = ["item".to_string(), "user".to_string()];
    let all: Vec<Raw> =
        predict_rows(&bundle, &world.path("rows.csv"), 3, &keep, &mut diags).unwrap().map(Result::unwrap).collect();
    assert_eq!(all.iter().map(|raw| raw.batch.feed.samples).collect::<Vec<_>>(), [3, 1]);
    let first = &all[0].batch;
    assert_eq!(ids(first, "item"), [0, 1, 0], "z is joined, yet unknown to training");
    assert_eq!(numbers(first, "price"), [3.0, 0.0, 0.0, 0.0, -1.0, 1.0]);
    assert_eq!(rows(first, "past", "past.item"), [&[1, 2][..], &[2], &[]]);
    assert_eq!(numbers(first, "past.ago"), [15.0, 5.0, 60.0]);
    assert_eq!(ids(first, "hour"), [4; 3], "served as a constant");
    assert!(!first.feed.columns.contains_key("y"));
    assert_eq!(rows(&all[1].batch, "past", "past.item"), [&[1][..]]);
    assert_eq!(
        all[0].kept,
        [["z", "x", "q"], ["a", "b", "c"]].map(|texts| texts.map(|text| Some(text.to_string())).to_vec())
    );
}

#[test]
fn a_broken_row_ends_it_with_its_line() {
    let world = world();
    let bundle = bundle(&world);
    std::fs::write(world.path("rows.csv"), "user,t,hour,item\na,25,9,z\na,soon,9,z\na,25\n").unwrap();
    let all = predict(&bundle, &world.path("rows.csv"), 3);
    assert_eq!(all.len(), 1);
    let finding = all[0].as_ref().unwrap_err();
    assert!(finding.code == "E0505" && finding.title.contains("rows.csv:3`: expected a time"), "{finding:?}");
}

#[test]
fn missing_files_columns_and_bundles_are_findings() {
    let world = world();
    let bundle = bundle(&world);
    let found = |text: Option<&str>| {
        let path = world.path("rows.csv");
        text.map_or_else(|| drop(std::fs::remove_file(&path)), |text| std::fs::write(&path, text).unwrap());
        let mut diags = Diags::default();
        assert!(predict_rows(&bundle, &path, 3, &["note".into()], &mut diags).is_none());
        diags.list().iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(found(None), ["E0501"]);
    assert_eq!(found(Some("user,item\n")), ["E0504"; 3], "hour, t and the note");
    assert_eq!(found(Some("")), ["E0503"]);
    let mut diags = Diags::default();
    let wants: Vec<Want> = FEATURES.iter().map(|text| want(text)).collect();
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(DataBundle::load(elsewhere.path(), &world.spec(), &wants, &mut diags).is_none());
    let other = World { spec: world.spec.replace("past:", "later:"), dir: world.dir };
    let wants: Vec<Want> = ["item", "later.item"].iter().map(|text| want(text)).collect();
    assert!(DataBundle::load(other.dir.path(), &other.spec(), &wants, &mut diags).is_none());
    assert_eq!(diags.list().iter().map(|finding| finding.code).collect::<Vec<_>>(), ["E0511", "E0511"]);
}
