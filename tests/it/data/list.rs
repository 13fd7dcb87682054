//! Lists: the rows of a request are one sample, in their order, labels and all.

use std::sync::Arc;

use specrec::data::{CacheDir, DataBundle, Want, predict_rows};
use specrec::diag::Diags;
use specrec::syntax::spec::Part;

use super::{World, ids, numbers, rows, want};

/// Request 7 has three rows, in no order, and 9 stands between them; 8 is for testing.
const LOGS: &str = "request,user,item,rank,day,clicked,dwell
7,a,x,3,1,0,10
9,b,y,1,1,1,20
7,a,z,1,1,1,30
9,b,x,2,1,0,40
7,a,y,2,1,1,50
8,a,x,1,2,1,60
8,a,w,2,2,0,70
,a,w,2,2,0,80
";

fn world(axis: &str) -> World {
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv}}}}
samples: {{from: logs, labels: {{y: clicked == 1}}, outcomes: [dwell], split: {{train: day == 1, test: day == 2}}}}
features:
  user: {{type: id, min_count: 1}}
  item: {{type: id, min_count: 1}}
  rank: {{type: number}}
axes: {{slate: {axis}}}
"
    );
    World::new(&[("logs.csv", LOGS)], &spec)
}

const WANTS: [&str; 6] = ["user", "slate.item", "slate.rank", "slate_label y", "slate_outcome dwell", "positives y"];

/// Wants whose names do not fall together.
fn batch(world: &World, part: Part) -> specrec::data::Batch {
    let mut diags = Diags::default();
    let mut wants: Vec<Want> = WANTS.iter().map(|text| want(text)).collect();
    wants[5].name = "positives".into();
    let options = specrec::data::Options { cache: CacheDir::Off };
    let dataset = specrec::data::open(&world.spec(), &wants, &options, &mut diags);
    dataset.unwrap_or_else(|| panic!("{:?}", diags.list())).first(part, 99).unwrap()
}

#[test]
fn a_request_is_a_sample_with_its_rows_in_order() {
    let train = batch(&world("{list: request, order: rank, max: 3}"), Part::Train);
    // In order of the file: x 1, y 2, z 3.
    assert_eq!(rows(&train, "slate", "slate.item"), [&[3, 2, 1][..], &[2, 1]]);
    assert_eq!(numbers(&train, "slate.rank"), [1.0, 2.0, 3.0, 1.0, 2.0]);
    assert_eq!(numbers(&train, "y"), [1.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(numbers(&train, "dwell"), [30.0, 50.0, 10.0, 20.0, 40.0]);
    assert_eq!((ids(&train, "user"), numbers(&train, "positives")), (&[1, 2][..], &[2.0, 1.0][..]));
    assert_eq!(train.rows["slate"], [2, 4, 0, 1, 3], "rows of the source");
    let test = batch(&world("{list: request, order: rank, max: 3}"), Part::Test);
    assert_eq!(rows(&test, "slate", "slate.item"), [&[1, 0][..]], "w is unknown; a row of no request is in none");
}

#[test]
fn without_an_order_it_is_that_of_the_file() {
    let train = batch(&world("{list: request, max: 3}"), Part::Train);
    assert_eq!(rows(&train, "slate", "slate.item"), [&[1, 3, 2][..], &[2, 1]]);
}

#[test]
fn a_list_is_cut_only_when_told_and_its_positives_still_count() {
    let found = world("{list: request, order: rank, max: 2}").findings(&["slate.item"]);
    assert!(
        found[0].starts_with(
            "E0515: 1 lists are longer than the `max` of `slate`, which is 2; the list of request `7` has 3 rows"
        ),
        "{found:?}"
    );
    let train = batch(&world("{list: request, order: rank, max: 1, cut: true}"), Part::Train);
    assert_eq!(rows(&train, "slate", "slate.item"), [&[3][..], &[2]]);
    assert_eq!(numbers(&train, "positives"), [2.0, 1.0]);
}

#[test]
fn a_list_in_two_parts_is_an_error_and_other_splits_keep_it_whole() {
    let world = world("{list: request, max: 3}");
    let torn = World {
        spec: world.spec.replace("train: day == 1, test: day == 2", "train: rank < 3, test: rank >= 3"),
        ..world
    };
    let found = torn.findings(&["slate.item"]);
    assert!(found[0].starts_with("E0514: 2 rows are in another part"), "{found:?}");
    let by = |split: &str| World {
        spec: torn.spec.replace("train: rank < 3, test: rank >= 3", split),
        dir: tempfile::tempdir().unwrap(),
    };
    for split in ["by: random, parts: [0.6, 0.4]", "by: random, of: user, parts: [0.5, 0.5]"] {
        let world = by(split);
        std::fs::write(world.path("logs.csv"), LOGS).unwrap();
        let dataset = world.open(&["slate.item"]);
        let sizes = [Part::Train, Part::Valid, Part::Test].map(|part| dataset.len(part));
        assert_eq!(sizes.iter().sum::<usize>(), 3, "{split}: {sizes:?}");
    }
}

#[test]
fn labels_are_counted_over_all_rows() {
    let report = world("{list: request, max: 3}").open(&["slate.item"]).report().clone();
    assert_eq!((report.parts[0].rows, report.parts[0].elements, report.without_part), (2, 5, 1));
    assert_eq!((report.parts[0].labels[0].known, report.parts[0].labels[0].mean), (5, 0.6));
    assert!(report.to_string().contains("train: 2 samples of 5 rows, y 0.6000\n"), "{report}");
}

#[test]
fn every_row_of_a_request_is_scored_at_its_place() {
    let world = world("{list: request, order: rank, max: 3}");
    let run = tempfile::tempdir().unwrap();
    world.open(&WANTS[..4]).save(run.path()).unwrap();
    let (mut diags, wants) = (Diags::default(), WANTS[..3].iter().map(|text| want(text)).collect::<Vec<Want>>());
    let bundle = Arc::new(DataBundle::load(run.path(), &world.spec(), &wants, &mut diags).unwrap());
    let path = world.path("rows.csv");
    std::fs::write(&path, "rank,request,user,item\n2,n,q,x\n1,m,b,y\n1,n,q,z\n").unwrap();
    let raw: Vec<_> =
        predict_rows(&bundle, &path, 9, &["item".into()], &mut diags).unwrap().map(Result::unwrap).collect();
    assert_eq!(raw[0].elements, Some(("slate".into(), vec![2, 0, 1])));
    assert_eq!(rows(&raw[0].batch, "slate", "slate.item"), [&[3, 1][..], &[2]]);
    assert_eq!(raw[0].kept, [["z", "x", "y"].map(|text| Some(text.to_string()))]);
    for (text, code) in [
        ("rank,request,user,item\n1,,q,x\n", "E0505"),
        ("rank,request,user,item\n1,a,q,x\n1,a,q,x\n1,a,q,x\n1,a,q,x\n", "E0515"),
    ] {
        std::fs::write(&path, text).unwrap();
        let last = predict_rows(&bundle, &path, 9, &[], &mut diags).unwrap().last().unwrap();
        assert_eq!(last.unwrap_err().code, code);
    }
}

#[test]
fn sparse_rows_with_missing_values_are_lists() {
    let spec = "
sources: {logs: {path: s.txt, format: libsvm, missing: [NULL]}}
samples: {from: logs, labels: {y: label}}
features: {ranks: {type: vector, columns: [1, 2, 3], missing: {fill: -1, flag: true}}}
axes: {slate: {list: qid, max: 147}}
";
    let text = "0 qid:10 1:NULL 2:5 3:1 #docid = GX000 inc = 1\n2 qid:10 1:7 2:NULL 3:NULL #docid = GX001\n1 qid:11 1:1 2:2 3:3 # x\n";
    let world = World::new(&[("s.txt", text)], spec);
    let batch = world.batch(&["slate.ranks", "slate_label y"], Part::Train);
    assert_eq!(batch.feed.offsets["slate"], [0, 2, 3]);
    assert_eq!(numbers(&batch, "slate.ranks"), [-1.0, 5.0, 1.0, 1.0, 7.0, -1.0, -1.0, 1.0, 1.0, 2.0, 3.0, 0.0]);
    assert_eq!(numbers(&batch, "y"), [0.0, 2.0, 1.0]);
}
