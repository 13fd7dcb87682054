//! Next item: a sample per user, from sequences, event tables and files without time.

use std::io::Write;

use specrec::data::{DataBundle, Raw, Want, predict_rows};
use specrec::diag::Diags;
use specrec::syntax::spec::Part;

use super::{World, ids, numbers, rows, want};

/// User a has w x y z w v, b has x z y, c has v x.
const PAIRS: &str = "a w\na x\na y\na z\na w\nb x\nb z\nb y\nc v\nc x\na v\n";
const SEQUENCES: &str = "a w x y z w v\nb x z y\nc v x\n";

fn spec(source: &str, per: &str, last: &str) -> String {
    format!(
        "
sources: {{logs: {source}}}
samples: {{from: logs, per: {per}, split: {{by: leave_one_out, of: user}}}}
features: {{item: {{type: id, min_count: 1}}, user: {{type: id, min_count: 1}}}}
axes: {{past: {{from: logs, by: user{last}}}}}
"
    )
}

fn pairs(per: &str, last: &str) -> World {
    World::new(&[("a.txt", PAIRS)], &spec("{path: a.txt, columns: [user, item], delimiter: \" \"}", per, last))
}

/// Target and history of every sample, as texts in order of their first appearance in the train part.
fn samples(world: &World, part: Part) -> Vec<(u32, Vec<u32>)> {
    let batch = world.batch(&["target item", "past.item"], part);
    let past = rows(&batch, "past", "past.item");
    ids(&batch, "item").iter().copied().zip(past.into_iter().map(<[u32]>::to_vec)).collect()
}

// The train part is a: w x y z, b: x, c: v x. So w is 1, x 2, y 3, z 4, v 5, in order of the file.
#[test]
fn the_last_event_of_a_users_part_is_the_target_and_all_before_it_the_history() {
    let sequences = World::new(&[("a.txt", SEQUENCES)], &spec("{path: a.txt, format: sequences}", "user", ""));
    for world in [pairs("user", ""), sequences] {
        let train = samples(&world, Part::Train);
        assert_eq!(train.len(), 3, "one per user");
        for sample in [(4, vec![1, 2, 3]), (2, vec![]), (2, vec![5])] {
            assert!(train.contains(&sample), "{sample:?} in {train:?}");
        }
        let mut valid = samples(&world, Part::Valid);
        valid.sort();
        assert_eq!(valid, [(1, vec![1, 2, 3, 4]), (4, vec![2])], "c has too few events to hold one out");
        let mut test = samples(&world, Part::Test);
        test.sort();
        assert_eq!(test, [(3, vec![2, 4]), (5, vec![1, 2, 3, 4, 1])], "the valid event is in the history");
    }
}

#[test]
fn windows_end_at_every_so_many_events() {
    let targets = |per: &str, last: &str| {
        let mut train = samples(&pairs(per, last), Part::Train);
        train.sort();
        train
    };
    assert_eq!(
        targets("steps of 1", ", last: 2"),
        [(2, vec![]), (2, vec![1]), (2, vec![5]), (3, vec![1, 2]), (4, vec![2, 3])],
        "the first event of a user is a target only where it is the last one too"
    );
    assert_eq!(targets("steps of 2", ""), [(2, vec![]), (2, vec![1]), (2, vec![5]), (4, vec![1, 2, 3])]);
    assert_eq!(samples(&pairs("steps of 1", ""), Part::Test).len(), 2, "windows are for training");
}

#[test]
fn train_events_that_no_sample_sees_are_counted() {
    let untaught = |per: &str, last: &str| {
        let dataset = pairs(per, last).open(&["target item", "past.item"]);
        dataset.report().untaught.clone()
    };
    // The first of the four train events of a is cut.
    assert_eq!(untaught("user", ", last: 2"), [("past".to_owned(), 1, 7)]);
    assert_eq!(untaught("user", ", last: 3"), [("past".to_owned(), 0, 7)]);
    assert_eq!(untaught("steps of 1", ", last: 2"), [("past".to_owned(), 0, 7)]);
}

#[test]
fn order_is_by_time_and_then_by_row() {
    let logs = "user,item,t\na,z,5\na,x,1\na,y,3\na,w,5\na,w,3\n";
    let source = "{path: a.csv, time: t}";
    let world = World::new(&[("a.csv", logs)], &spec(source, "user", ""));
    // x y w | z | w
    assert_eq!(samples(&world, Part::Train), [(3, vec![1, 2])]);
    assert_eq!(samples(&world, Part::Valid), [(0, vec![1, 2, 3])], "z is unknown to training");
    assert_eq!(samples(&world, Part::Test), [(3, vec![1, 2, 3, 0])]);
}

#[test]
fn a_split_by_time_has_a_sample_per_user_and_part() {
    let logs = "user,item,t\na,x,1\na,y,2\nb,x,3\nb,z,4\na,z,5\na,x,6\nb,y,7\nb,x,8\n";
    let spec = spec("{path: a.csv, time: t}", "user", "");
    let world =
        World::new(&[("a.csv", logs)], &spec.replace("{by: leave_one_out, of: user}", "{by: time, parts: [0.5, 0.5]}"));
    assert_eq!(samples(&world, Part::Train), [(2, vec![1]), (3, vec![1])]);
    assert_eq!(samples(&world, Part::Valid), [(1, vec![1, 2, 3]), (1, vec![1, 3, 2])]);
}

#[test]
fn everything_seen_is_there_whatever_is_cut() {
    let world = pairs("user", ", last: 1");
    let batch = world.batch(&["past.item", "B.seen.item", "user"], Part::Test);
    let by_user = |axis: &str, name: &str| {
        let mut all: Vec<Vec<u32>> = rows(&batch, axis, name).into_iter().map(<[u32]>::to_vec).collect();
        all.sort();
        all
    };
    assert_eq!(by_user("past", "past.item"), [vec![1], vec![4]]);
    assert_eq!(by_user("B.seen", "B.seen.item"), [vec![1, 2, 3, 4, 1], vec![2, 4]]);
    assert!(ids(&batch, "user").iter().all(|user| *user > 0));
}

#[test]
fn unknown_targets_are_counted_by_part() {
    let source = "{path: a.csv, time: t}";
    let world = World::new(&[("a.csv", "user,item,t\na,x,1\na,y,2\na,z,3\na,z,4\n")], &spec(source, "user", ""));
    let report = world.open(&["target item", "past.item"]).report().clone();
    let of = |input: &str, part: &str| {
        let found = report.ids.iter().find(|ids| ids.input == input && ids.part == part).unwrap();
        (found.ids, found.unknown)
    };
    assert_eq!((of("item", "test"), of("past.item", "test")), ((1, 1), (3, 1)));
    assert_eq!(report.without_part, 0);
}

fn predict(world: &World, wants: &[&str], text: &str) -> Vec<Raw> {
    let run = tempfile::tempdir().unwrap();
    world.open(wants).save(run.path()).unwrap();
    let (mut diags, wants) = (Diags::default(), wants.iter().map(|text| want(text)).collect::<Vec<Want>>());
    let bundle = std::sync::Arc::new(DataBundle::load(run.path(), &world.spec(), &wants, &mut diags).unwrap());
    let path = world.path("rows.txt");
    std::fs::write(&path, text).unwrap();
    let batches = predict_rows(&bundle, &path, 2, &["user".into(), "item".into()], &mut diags);
    batches.unwrap_or_else(|| panic!("{:?}", diags.list())).map(Result::unwrap).collect()
}

#[test]
fn a_prediction_sees_all_rows_of_a_user_and_no_target() {
    let wants = ["user", "past.item", "B.seen.item"];
    let raw = predict(&pairs("user", ", last: 2"), &wants, "n x\na z\nn y\nb w\nn q\na x\n");
    let batches: Vec<_> = raw.iter().map(|raw| &raw.batch).collect();
    assert_eq!(batches.iter().map(|batch| batch.feed.samples).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(rows(batches[0], "past", "past.item"), [&[3, 0][..], &[4, 2]], "users in order of first appearance");
    assert_eq!(
        rows(batches[0], "B.seen", "B.seen.item"),
        [&[2, 3, 0][..], &[4, 2]],
        "and nothing that training stored"
    );
    assert_eq!(rows(batches[1], "past", "past.item"), [&[1][..]]);
    assert_eq!(ids(batches[0], "user")[0], 0);
    assert_ne!(ids(batches[0], "user")[1], 0);
    assert!(!batches[0].feed.columns.contains_key("item"), "nobody knows it");
    let text = |text: &str| Some(text.to_string());
    assert_eq!(raw[0].kept, [vec![text("n"), text("a")], vec![text("q"), text("x")]], "of the newest row");
}

#[test]
fn a_prediction_reads_labels_only_where_a_history_does_and_other_sources_as_they_are_stored() {
    let spec = "
sources: {logs: {path: a.csv, time: t}, acts: {path: acts.csv, time: t}}
samples:
  from: logs
  per: user
  labels: {good: stars > 3}
  outcomes: [dwell]
  split: {train: t < 9, valid: t >= 9}
features: {item: {type: id, min_count: 1}, ago: {type: number, value: sample.time - step.time}}
axes:
  past: {from: logs, by: user, where: good}
  views: {from: acts, by: user, last: 2}
";
    let logs = "user,item,t,stars,dwell\na,x,1,5,1\na,y,2,1,1\nb,x,3,4,1\na,z,9,5,1\n";
    let acts = "user,item,t\na,z,1\na,x,4\na,y,5\nb,z,2\n";
    let world = World::new(&[("a.csv", logs), ("acts.csv", acts)], spec);
    let raw =
        predict(&world, &["past.item", "past.ago", "views.item"], "item,t,user,stars\ny,5,a,5\nx,4,a,4\nz,7,q,1\n");
    let batch = &raw[0].batch;
    assert_eq!(rows(batch, "past", "past.item"), [&[1, 0][..], &[]], "training met y in no good event");
    assert_eq!(numbers(batch, "past.ago"), [1.0, 0.0], "the time of the newest row is that of the prediction");
    assert_eq!(rows(batch, "views", "views.item"), [&[2, 1][..], &[]], "strictly before 5");
}

#[test]
fn gzip_sequences_of_a_hundred_thousand_events_open() {
    let mut text = String::new();
    for user in 0..1000 {
        for event in 0..100 {
            text.push_str(&format!("{user} {}\n", (user * 7 + event * event) % 500));
        }
    }
    let world = World::new(&[], &spec("{path: a.txt.gz, format: sequences}", "user", ", last: 50"));
    let file = std::fs::File::create(world.path("a.txt.gz")).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let dataset = world.open(&["target item", "past.item"]);
    assert_eq!([Part::Train, Part::Valid, Part::Test].map(|part| dataset.len(part)), [1000; 3]);
    let batch = dataset.first(Part::Test, 10).unwrap();
    assert!(rows(&batch, "past", "past.item").iter().all(|past| past.len() == 50));
}
