//! Visits: events part where time passes or a column changes, and stand under the visit that they are of.

use std::sync::Arc;

use specrec::data::{DataBundle, Want, predict_rows};
use specrec::diag::Diags;
use specrec::syntax::spec::Part;

use super::{World, ids, want};

const LOGS: &str =
    "user,item,session,t,click\na,x,s,0,1\na,y,s,10,0\na,z,r,15,1\nb,x,q,20,0\na,w,r,100,1\na,x,p,105,0\na,y,p,200,1\n";

fn world(visits: &str) -> World {
    let spec = format!(
        "
sources: {{logs: {{path: logs.csv, time: t}}}}
samples: {{from: logs, labels: {{y: click == 1}}, split: {{train: t < 200, test: t >= 200}}}}
features: {{item: {{type: id, min_count: 1}}}}
axes:
  visit: {visits}
  past: {{from: logs, by: user, last: 4}}
  drawn: {{draw: item, n: 1, by: uniform, along: [visit]}}
"
    );
    World::new(&[("logs.csv", LOGS)], &spec)
}

/// Offsets of visits and of events, and the events of the last row, which has x y z w x before it and sees four.
fn test(visits: &str) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let batch = world(visits).batch(&["past.item", "drawn.item"], Part::Test);
    let of = |axis: &str| batch.feed.offsets[axis].clone();
    assert_eq!(of("drawn").len(), of("past").len(), "one draw of each visit");
    (of("visit"), of("past"), ids(&batch, "past.item").to_vec())
}

#[test]
fn a_visit_ends_after_a_gap_or_where_a_column_changes() {
    // y 10, z 15 | w 100, x 105, or y | z w | x.
    assert_eq!(test("{within: past, gap: 30}"), (vec![0, 2], vec![0, 2, 4], vec![2, 3, 4, 1]));
    assert_eq!(
        test("{within: past, gap: 85}"),
        (vec![0, 1], vec![0, 4], vec![2, 3, 4, 1]),
        "85 seconds are no more than 85"
    );
    assert_eq!(test("{within: past, column: session}"), (vec![0, 3], vec![0, 1, 3, 4], vec![2, 3, 4, 1]));
}

#[test]
fn only_the_newest_visits_stay() {
    assert_eq!(test("{within: past, column: session, last: 2}"), (vec![0, 2], vec![0, 2, 3], vec![3, 4, 1]));
    assert_eq!(test("{within: past, gap: 30, last: 1}"), (vec![0, 1], vec![0, 2], vec![4, 1]));
}

#[test]
fn a_sample_without_events_has_no_visit() {
    let batch = world("{within: past, gap: 30}").batch(&["past.item"], Part::Train);
    let first = batch.feed.ids.iter().position(|row| *row == 0).unwrap();
    assert_eq!(batch.feed.offsets["visit"][first], batch.feed.offsets["visit"][first + 1]);
    assert_eq!(batch.feed.offsets["visit"].len(), 7);
}

#[test]
fn events_of_a_prediction_per_user_part_likewise() {
    let world = world("{within: past, column: session}");
    let spec = world
        .spec
        .replace("labels:", "per: user, labels:")
        .replace("  drawn: {draw: item, n: 1, by: uniform, along: [visit]}\n", "");
    let world = World { spec, ..world };
    let run = tempfile::tempdir().unwrap();
    let wants = ["past.item"].map(want);
    world.open(&["past.item"]).save(run.path()).unwrap();
    let mut diags = Diags::default();
    let bundle = Arc::new(DataBundle::load(run.path(), &world.spec(), &wants as &[Want], &mut diags).unwrap());
    let path = world.path("rows.csv");
    std::fs::write(&path, "t,user,session,item\n1,n,a,x\n2,n,a,y\n3,n,b,z\n").unwrap();
    let raw = predict_rows(&bundle, &path, 9, &[], &mut diags).unwrap().next().unwrap().unwrap();
    assert_eq!(
        (&raw.batch.feed.offsets["visit"][..], &raw.batch.feed.offsets["past"][..]),
        (&[0, 2][..], &[0, 2, 3][..])
    );
}

#[test]
fn visits_that_cannot_be_are_findings() {
    let found = |visits: &str, more: &str| {
        let world = world(visits);
        World { spec: world.spec.replace("  drawn", &format!("{more}  drawn")), ..world }.findings(&["past.item"])
    };
    let drawn = found("{within: drawn, gap: 3}", "");
    assert!(drawn.iter().any(|finding| finding.starts_with("E0454: `drawn` has no visits")), "{drawn:?}");
    let twice = found("{within: past, gap: 3}", "  other: {within: past, gap: 9}\n");
    assert!(twice[0].starts_with("E0454: `past` has visits already"), "{twice:?}");
}
